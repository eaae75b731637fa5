"""Slack, Teams, e-mail and whatever else Apprise knows, each address a place of its own.

Owns the reading of ALERT_URLS and the sending of one message. An address is a secret: it stands in no
name, no error and no log.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
from collections.abc import Sequence
from typing import Any

from app.domain.alerts import Note

# Addresses of one service may hold commas; a new one begins with its scheme.
_BETWEEN = re.compile(r"[\s,]+(?=[A-Za-z][A-Za-z0-9+.-]*://)")
_RECIPIENTS = ("targets", "channels")  # as Apprise's services call them
SECONDS = 20.0  # for one message; its own time limits are below
# Their lines tell addresses and answers of the other side, at every level.
for _name in ("apprise", "urllib3", "requests"):
    logging.getLogger(_name).setLevel(logging.CRITICAL + 1)


class AlertUrlsInvalid(ValueError):
    """One of the addresses cannot be read. The sentence holds no part of it."""


class ApprisePlace:
    """Implements alerts.Place."""

    def __init__(self, service: Any, address: str, of: str = "") -> None:
        """`of`: which of the address's recipients, `2 of 3`; empty where there is one."""
        self._service = service
        self.key = hashlib.sha256(address.encode()).hexdigest()[:16]
        self.name = " ".join(filter(None, (str(service.service_name or "a service"), of)))

    async def send(self, note: Note) -> bool:
        # Apprise uses blocking clients: the whole of it runs beside the loop.
        sending = asyncio.to_thread(self._send, note)
        try:
            async with asyncio.timeout(SECONDS):
                return await sending
        except TimeoutError:
            return False
        except Exception:  # noqa: BLE001 - a plugin's fault is a message not taken, no more
            return False

    def _send(self, note: Note) -> bool:
        return bool(self._service.notify(body=note.text, title=note.title, body_format="text"))


def places_of(addresses: str) -> Sequence[ApprisePlace]:
    """The places of ALERT_URLS. Raises AlertUrlsInvalid."""
    given = [part.strip(" ,\n") for part in _BETWEEN.split(addresses.strip()) if part.strip(" ,\n")]
    if not given:
        return ()
    # Here, because it takes longer to load than most commands to run, and few need it.
    import apprise

    found: list[ApprisePlace] = []
    for number, address in enumerate(given, start=1):
        service = apprise.Apprise.instantiate(address, suppress_exceptions=True)
        if service is None:
            raise AlertUrlsInvalid(
                f"ALERT_URLS: address {number} of {len(given)} is none that Apprise can read; see "
                "docs/how-to/alerts.md for how Slack, Teams and e-mail are written."
            )
        found.extend(_each(service, address))
    return tuple(found)


def _each(service: Any, address: str) -> list[ApprisePlace]:
    """A place for each channel or recipient of an address. Else one that takes nothing would have the
    others told again with each try, because a service only says that not all have it."""
    import apprise

    listed = next((name for name in _RECIPIENTS if _several(service, name)), None)
    if listed is None:
        return [ApprisePlace(service, address)]
    found = []
    for number, recipient in enumerate(recipients := getattr(service, listed), start=1):
        alone = apprise.Apprise.instantiate(address, suppress_exceptions=True)
        setattr(alone, listed, [recipient])
        key = f"{address}\n{recipient!r}"
        found.append(ApprisePlace(alone, key, f"{number} of {len(recipients)}"))
    return found


def _several(service: Any, name: str) -> bool:
    """Whether a service counts its messages by this list, so that it may have one for each."""
    listed = getattr(service, name, None)
    return isinstance(listed, list) and len(listed) > 1 and len(service) == len(listed)
