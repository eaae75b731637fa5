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
from sandbox.quickbooks.http.oauth import Registration
from sandbox.xero.app import create_app as create_xero
from sandbox.xero.http.tokens import Credentials

SIMULATED_LEDGERS = ("quickbooks", "xero")  # in the order of their sockets


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


def settings_of(name: str, url: str) -> dict[str, str]:
    """What the service has to be set to, to post to a simulated ledger: its address, the app that
    is registered there, and the names of its first accounts (its seed.py)."""
    if name == "quickbooks":
        app = Registration()
        return {
            "QUICKBOOKS_CLIENT_ID": app.client_id,
            "QUICKBOOKS_CLIENT_SECRET": app.client_secret,
            "QUICKBOOKS_URL": url,
            "QUICKBOOKS_TOKEN_URL": url,
            "QUICKBOOKS_REVOKE_URL": url,
            "QUICKBOOKS_AUTHORIZE_URL": f"{url}/connect/oauth2",
            "QUICKBOOKS_WEBHOOK_TOKENS": app.verifier_token,
            "LEDGER_PURCHASE_GOODS": "Cost of Goods Sold",
            "LEDGER_PURCHASE_FREIGHT": "5100",
            "LEDGER_PURCHASE_TAX": "Supplier Tax",
            "LEDGER_SALES_PRODUCT": "HARDWARE",
            "LEDGER_SALES_SERVICE": "LABOR",
            "LEDGER_SALES_DELIVERY": "DELIVERY",
            "LEDGER_SALES_DISCOUNT": "HARDWARE",
            "LEDGER_ROUNDING": "Rounding",
        }
    mine = Credentials()
    return {
        "XERO_CLIENT_ID": mine.client_id,
        "XERO_CLIENT_SECRET": mine.client_secret,
        "XERO_URL": url,
        "XERO_IDENTITY_URL": url,
        "XERO_AUTHORIZE_URL": f"{url}/identity/connect/authorize",
        "LEDGER_PURCHASE_GOODS": "310",
        "LEDGER_PURCHASE_FREIGHT": "Freight & Courier",
        "LEDGER_PURCHASE_TAX_CODE": "INPUT",
        "LEDGER_NO_TAX_CODE": "NONE",
        "LEDGER_SALES_PRODUCT": "200",
        "LEDGER_SALES_SERVICE": "210",
        "LEDGER_SALES_DELIVERY": "260",
        "LEDGER_SALES_DISCOUNT": "200",
        "LEDGER_SALES_TAX_CODE": "OUTPUT",
        "LEDGER_ROUNDING": "860",
    }


def described(urls: Mapping[str, str]) -> dict[str, Any]:
    """Both for `up.json`, with headers whose token never ends."""
    app, mine = Registration(), Credentials()
    there = bool(urls)
    return {
        "quickbooks": urls.get("quickbooks"),
        "xero": f"{urls['xero']}/api.xro/2.0" if there else None,
        "xero_headers": mine.headers if there else None,
        "quickbooks_headers": {"Authorization": f"Bearer {app.lasting_token}"} if there else None,
        "quickbooks_realm": app.realm if there else None,
    }
