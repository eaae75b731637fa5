"""The simulated ledgers as the command line serves them beside the other simulators.

Owns what is told of each to whoever wants to call it; what they do is in their own folders.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.kit.serving import Servable
from sandbox.quickbooks.app import create_app as create_quickbooks
from sandbox.quickbooks.http.oauth import AUTHORIZE, REVOKE, TOKEN, Registration
from sandbox.xero.app import create_app as create_xero
from sandbox.xero.http.api import ROOT as XERO_ROOT
from sandbox.xero.http.identity import AUTHORIZE as CONSENT
from sandbox.xero.http.tokens import Credentials

NAMES = ("quickbooks", "xero")


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


def described(addresses: Mapping[str, str]) -> dict[str, Any]:
    """What `up.json` says of ledgers that run in another process; without addresses, nulls."""
    registered, xero = Registration(), addresses.get("xero")
    quickbooks = addresses.get("quickbooks")
    return {
        "quickbooks": quickbooks,
        "quickbooks_headers": _bearer(registered) if quickbooks else None,
        "quickbooks_realm": registered.realm if quickbooks else None,
        "xero": f"{xero}{XERO_ROOT}" if xero else None,
        "xero_headers": Credentials().headers if xero else None,
    }


def joined(name: str, address: str) -> dict[str, str]:
    """Settings with which a service reaches one of them as its vendor's own."""
    if name == "quickbooks":
        registered = Registration()
        return {
            "QUICKBOOKS_CLIENT_ID": registered.client_id,
            "QUICKBOOKS_CLIENT_SECRET": registered.client_secret,
            "QUICKBOOKS_URL": address,
            "QUICKBOOKS_AUTHORIZE_URL": f"{address}{AUTHORIZE}",
            "QUICKBOOKS_TOKEN_URL": f"{address}{TOKEN}",
            "QUICKBOOKS_REVOKE_URL": f"{address}{REVOKE}",
        }
    credentials = Credentials()
    return {
        "XERO_CLIENT_ID": credentials.client_id,
        "XERO_CLIENT_SECRET": credentials.client_secret,
        "XERO_URL": address,
        "XERO_AUTHORIZE_URL": f"{address}{CONSENT}",
        "XERO_IDENTITY_URL": address,
    }


def _bearer(registered: Registration) -> dict[str, str]:
    return {"Authorization": f"Bearer {registered.lasting_token}"}


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
    headers = _bearer(registered)
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
