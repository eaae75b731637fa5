"""A real SMTP server for tests: aiosmtpd on a port of this machine, with what it took.

Owns its refusals and losses, which a test sets. Knows nothing of the service.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any, cast

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

USER, PASSWORD = "demandlink", "a password of the relay"
OFFICER = "purchasing.officer@msp.example"
SENDER = "demandlink@msp.example"


@dataclass
class Desk:
    """What came in, and how the server answers. Answers are SMTP's own lines."""

    port: int = 0
    taken: list[EmailMessage] = field(default_factory=list)
    envelopes: list[Envelope] = field(default_factory=list)
    signed_in: list[str] = field(default_factory=list)
    recipient: dict[str, str] = field(default_factory=dict)  # answer by address
    content: list[str] = field(default_factory=list)  # answers to come; "lose" says none

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.recipient:
            return self.recipient[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        answer = self.content.pop(0) if self.content else "250 taken"
        if answer == "lose" or answer.startswith("250"):
            body = cast(bytes, envelope.content)
            self.taken.append(message_from_bytes(body, policy=default))
            self.envelopes.append(envelope)
        if answer == "lose":
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
        return answer if answer != "lose" else "250 nobody hears it"

    def authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        assert isinstance(data, LoginPassword)
        right = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        self.signed_in.append(data.login.decode())
        return AuthResult(success=right, handled=False)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port


@asynccontextmanager
async def mail_server(
    desk: Desk | None = None, *, port: int = 0, tls: ssl.SSLContext | None = None, **more: Any
) -> AsyncIterator[Desk]:
    """A server that takes mail while the block lasts; `tls` from the first byte."""
    kept = desk or Desk()

    def protocol() -> SMTP:
        return SMTP(kept, enable_SMTPUTF8=False, authenticator=kept.authenticate, **more)

    loop = asyncio.get_running_loop()
    server = await loop.create_server(protocol, "127.0.0.1", port, ssl=tls)
    kept.port = server.sockets[0].getsockname()[1]
    try:
        yield kept
    finally:
        server.close()
        await server.wait_closed()


def reached(port: int, **more: Any) -> dict[str, Any]:
    """Settings of a service that mails suggestions through a server on this machine."""
    return {
        "smtp_host": "127.0.0.1",
        "smtp_port": port,
        "smtp_tls": "none",
        "smtp_sender": SENDER,
        "smtp_timeout": 1.5,
        "purchasing_officer_email": OFFICER,
        **more,
    }
