"""What the shell offers of what is kept: numbers of orders, ids of replays, mappings, findings.

Owns silence and haste: whoever presses the tab key gets an answer at once or none, whatever is
away, and nothing is started for it. What is asked is `app/store/offering.py`'s.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable
from urllib.parse import urlsplit

RESOLVED_WITHIN = 0.5  # seconds; a resolver that is away takes many times that


def of_kind(what: str) -> Callable[[str], list[tuple[str, str]]]:
    """What the shell offers where a command takes one of these (`offering.STATEMENTS`)."""

    def offered(incomplete: str) -> list[tuple[str, str]]:
        # Whatever is wrong, the next command tells it; between two keys it would only be in the way.
        with contextlib.suppress(Exception):
            return _kept(what, incomplete)
        return []

    return offered


def _kept(what: str, incomplete: str) -> list[tuple[str, str]]:
    from app import embedded  # these load what --help does not need
    from app.settings import DEFAULT_TENANT, Settings

    settings = Settings()
    url = settings.database_url or embedded.running_database(settings.demandlink_data_dir)
    if not url or not _resolves(url):
        return []
    from app.store import offering

    return asyncio.run(offering.offered(url, what, DEFAULT_TENANT, incomplete))


def _resolves(url: str) -> bool:
    """Whether the resolver answers for the hosts of this address in time, be it with a no.

    Asked in a thread that may be left behind: the loop's own would be waited for at its end.
    """
    hosts = urlsplit(url).netloc.rpartition("@")[2].split(",")

    def ask() -> None:
        for one in hosts:
            name = urlsplit(f"//{one}").hostname
            if name:
                with contextlib.suppress(OSError):
                    socket.getaddrinfo(name, None)

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(RESOLVED_WITHIN)
    return not asking.is_alive()


orders = of_kind("order")
replays = of_kind("replay")
replays_to_run = of_kind("replay to run")
replays_to_abort = of_kind("replay to abort")
mappings = of_kind("mapping")
findings = of_kind("finding")
connections = of_kind("connection")
