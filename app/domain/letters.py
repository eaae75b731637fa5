"""A message to a person of the MSP by e-mail, and the address of an order's page that it carries.

Owns the words between the steps and the mail connector, and its port. Knows no server and no protocol.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

_PLAIN = frozenset("-._~:")  # what stands in an address as it is, beside letters and digits


class RecipientRefused(Exception):
    """The server will not take mail for this recipient. Nothing was sent. The text is the
    server's own, free of addresses."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A plain text. `message_id` is without its angle brackets: mail programs show two letters of
    one id as one. `at` becomes the Date."""

    to: str
    subject: str
    text: str
    message_id: str
    at: datetime


def page_of(public_url: str, number: str) -> str | None:
    """Where a person sees the order; None where the service does not know its own address."""
    if not public_url:
        return None
    return f"{public_url}/orders/{''.join(_encoded(one) for one in number)}"


def _encoded(one: str) -> str:
    if (one.isascii() and one.isalnum()) or one in _PLAIN:
        return one
    return "".join(f"%{byte:02X}" for byte in one.encode())


class Mail(Protocol):
    """A mail server that takes letters. It cannot be asked what became of one."""

    @property
    def timeout(self) -> float:
        """Seconds after which a letter counts as unanswered."""

    @property
    def sender(self) -> str: ...

    async def send(self, letter: Letter) -> None:
        """Hand it over. Raises RecipientRefused (this address, for good), and RemoteFailure: also
        OUTCOME_UNKNOWN, when the content left and no answer came."""
