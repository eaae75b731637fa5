"""Configuration C beside B1: half the orders are invoiced in Commerce, and posted to a ledger.

Owns which orders go to QuickBooks and which to Xero, the consent at the simulated ledgers, and
their faults.
"""

from __future__ import annotations

import json
from typing import Any

import httpx
from cryptography.fernet import Fernet

from sandbox.ledgers import settings_of
from sandbox.server import QuickBooksServer, XeroServer
from tests.e2e.generated import Story, invoiced
from tests.e2e.harness import bearer

# Of four orders one goes to each ledger, and two stay in ConnectWise.
SHARES = {0: "quickbooks", 2: "xero"}
TITLES = {"quickbooks": "QuickBooks", "xero": "Xero"}
ENTRY = 2  # the entry type of Commerce that is bound to configuration C
TIMEOUT = 2.0
# What is written, of each: QuickBooks' entities, Xero's collections.
WRITES = {
    "quickbooks": r"/(bill|invoice|purchaseorder|vendor|customer)$",
    "xero": r"/(Invoices|PurchaseOrders|Contacts)(/[^/]+)?$",
}
# As with ConnectWise: the traffic is denser than a tenant's.
FREELY = {
    "quickbooks": {"QUICKBOOKS_CALLS_A_SECOND": "100", "QUICKBOOKS_CALLS_A_MINUTE": "6000"},
    "xero": {"XERO_CALLS_A_MINUTE": "6000", "XERO_CALLS_A_DAY": "5000"},
}
Site = QuickBooksServer | XeroServer


def ledger_of(number: int) -> str | None:
    """The ledger that an order is posted to; None: it is invoiced in ConnectWise."""
    return SHARES.get(number % 4)


def to_ledger(made: Story) -> None:
    """The story as one of configuration C."""
    invoiced(made)
    for event in made.events:
        told = event["data"].get("salesOrder")
        if told is not None:
            told["entryType"] = ENTRY


def environment(name: str, url: str, api_url: str) -> dict[str, str]:
    """What the service is set to, to post to the ledger at this address."""
    # QuickBooks has no drafts; Xero keeps its own default, so that drafts are in the traffic too.
    drafts = {"INVOICE_STATUS": "approved"} if name == "quickbooks" else {}
    return {
        **settings_of(name, url),
        "SECRETS_KEYS": Fernet.generate_key().decode(),
        "PUBLIC_URL": api_url,
        "LEDGER_TIMEOUT": str(TIMEOUT),
        **drafts,
        **FREELY[name],
    }


async def connect(client: httpx.AsyncClient, api_url: str, name: str) -> None:
    """A person consents, by the pages that a real ledger would show, and binds the orders."""
    begun = await client.post(f"{api_url}/admin/connections/{name}/sign-in", headers=bearer())
    begun.raise_for_status()
    page = await client.get(begun.json()["address"], follow_redirects=True)
    page.raise_for_status()
    mapping = {
        "kind": "scenario",
        "commerce_key": f"entry_type:{ENTRY}",
        "connectwise_key": "commerce-invoicing",
    }
    done = await client.put(f"{api_url}/admin/mappings", json=mapping, headers=bearer())
    done.raise_for_status()


async def let_through(client: httpx.AsyncClient, xero: XeroServer) -> None:
    """Xero counts by the minute and allows a thousand calls a day: far less than the traffic."""
    free = {"requests_per_minute": None, "tier": "plus"}
    done = await client.put(f"{xero.control_url}/settings", json=free)
    done.raise_for_status()


async def log_of(client: httpx.AsyncClient, site: Site, after: int) -> list[dict[str, Any]]:
    """What the ledger was asked since the entry `after`, and what each request changed."""
    place = f"{site.control_url}/requests"
    answer = await client.get(place, params={"after": after}, timeout=60)
    return [json.loads(line) for line in answer.text.splitlines() if line]
