"""The simulated ledgers as the command line serves them beside the other simulators.

Owns what is told of each to whoever wants to call it; what they do is in their own folders.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.kit.serving import Servable
from sandbox.quickbooks.app import create_app as create_quickbooks
from sandbox.quickbooks.http.oauth import Registration
from sandbox.xero.app import create_app as create_xero
from sandbox.xero.http.tokens import Credentials


@dataclass(frozen=True, slots=True)
class Ledger:
    """`headers` hold a token that never ends; `told` is what the JSON output says of it."""

    title: str
    app: Servable
    listener: socket.socket
    address: str
    headers: dict[str, str]
    told: dict[str, Any]

    @property
    def port(self) -> int:
        return int(self.listener.getsockname()[1])


def beside(root: str, listeners: Sequence[socket.socket]) -> list[Ledger]:
    """QuickBooks on the first socket and Xero on the second; none without sockets. `root` is the
    address up to the port."""
    makers = (_quickbooks, _xero)
    return [
        make(f"{root}:{listener.getsockname()[1]}", listener)
        for make, listener in zip(makers, listeners, strict=False)
    ]


def told(ledgers: Sequence[Ledger]) -> dict[str, Any]:
    return {name: value for ledger in ledgers for name, value in ledger.told.items()}


def lines(ledgers: Sequence[Ledger]) -> list[str]:
    """The same for a person."""
    said = []
    for ledger in ledgers:
        said.append(f"{ledger.title} simulator: {ledger.address}")
        said += [f"  {header}: {value}" for header, value in ledger.headers.items()]
    return said


def _quickbooks(url: str, listener: socket.socket) -> Ledger:
    registered = Registration()
    app = create_quickbooks(registration=registered)
    app.set_public_url(url)
    headers = {"Authorization": f"Bearer {registered.lasting_token}"}
    said = {
        "quickbooks": url,
        "quickbooks_headers": headers,
        "quickbooks_realm": registered.realm,
    }
    address = f"{url}/v3/company/{registered.realm}"
    return Ledger("QuickBooks", app, listener, address, headers, said)


def _xero(url: str, listener: socket.socket) -> Ledger:
    credentials = Credentials()
    app = create_xero(credentials=credentials)
    app.set_public_url(url)
    said = {"xero": app.base_url, "xero_headers": credentials.headers}
    return Ledger("Xero", app, listener, app.base_url, credentials.headers, said)
