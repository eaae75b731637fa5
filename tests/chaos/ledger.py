"""Configuration C beside B1: every third order is invoiced in Commerce, and posted to QuickBooks.

Owns which orders these are, the consent at the simulated ledger, and its faults.
"""

from __future__ import annotations

import json
from typing import Any

import httpx
from cryptography.fernet import Fernet

from sandbox.ledgers import settings_of
from sandbox.server import QuickBooksServer
from tests.e2e.generated import Story, invoiced
from tests.e2e.harness import bearer

EVERY = 3
ENTRY = 2  # the entry type of Commerce that is bound to configuration C
TIMEOUT = 2.0
WRITES = r"/(bill|invoice|purchaseorder|vendor|customer)$"


def of_ledger(number: int) -> bool:
    return number % EVERY == 0


def to_ledger(made: Story) -> None:
    """The story as one of configuration C."""
    invoiced(made)
    for event in made.events:
        told = event["data"].get("salesOrder")
        if told is not None:
            told["entryType"] = ENTRY


def environment(url: str, api_url: str) -> dict[str, str]:
    """What the service is set to, to post to the ledger at this address."""
    return {
        **settings_of("quickbooks", url),
        "SECRETS_KEYS": Fernet.generate_key().decode(),
        "PUBLIC_URL": api_url,
        "LEDGER_TIMEOUT": str(TIMEOUT),
        "INVOICE_STATUS": "approved",  # QuickBooks has no drafts
        # As with ConnectWise: the traffic is denser than a tenant's.
        "QUICKBOOKS_CALLS_A_SECOND": "100",
        "QUICKBOOKS_CALLS_A_MINUTE": "6000",
    }


async def connect(client: httpx.AsyncClient, api_url: str) -> None:
    """A person consents, by the pages that a real ledger would show, and binds the orders."""
    begun = await client.post(f"{api_url}/admin/connections/quickbooks/sign-in", headers=bearer())
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


async def log_of(client: httpx.AsyncClient, site: QuickBooksServer) -> list[dict[str, Any]]:
    """What the ledger was asked, and what each request changed."""
    answer = await client.get(f"{site.control_url}/requests", timeout=60)
    return [json.loads(line) for line in answer.text.splitlines() if line]
