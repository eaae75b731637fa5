"""People at ConnectWise: they invoice what was released, buy for themselves, and note things.

Owns what they do, and the note of it. Each act makes callbacks: of an invoice that no order knows
yet, of a record that is nobody's, and of one that an order carries.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx

from sandbox.server import SandboxServer
from tests.e2e.harness import PERSON

READY = "Ready to invoice"
PAUSE = 0.8  # seconds between two acts
INVOICED, BOUGHT = 0.7, 0.15  # how often a person invoices what can be; buys; else notes something


@dataclass
class People:
    """`whole`: the Commerce orders of which everything was told. `invoices`: the Commerce order of
    each invoice that a person made."""

    sandbox: SandboxServer
    client: httpx.AsyncClient
    rng: random.Random
    whole: Callable[[], set[int]]
    enough: asyncio.Event
    invoices: dict[int, int] = field(default_factory=dict)
    bought: int = 0
    noted: int = 0
    _asked: set[int] = field(default_factory=set)

    async def go(self) -> None:
        """One act after another, until it is told to stop."""
        while not self.enough.is_set():
            await self._act()
            await asyncio.sleep(PAUSE)

    async def _act(self) -> None:
        ready = next(self._ready(), None)
        if ready is not None and self.rng.random() < INVOICED:
            await self._invoice(*ready)
        elif self.rng.random() < BOUGHT:
            await self._buy()
        else:
            await self._note()

    def _ready(self) -> Iterator[tuple[int, int]]:
        """(Commerce order, sales order) of what is released, whole and on no invoice."""
        rows = self.sandbox.app.psa.world.store.rows
        ready = {row["id"] for row in rows("orderStatus") if row["name"] == READY}
        released = {row["id"] for row in rows("order") if row["status"] in ready}
        whole = self.whole()
        for product in rows("product"):
            number, order = int(product.get("salesOrder") or 0), _order_of(product)
            if number not in released or product.get("invoice") is not None:
                continue
            if order in whole and number not in self._asked:
                yield order, number

    async def _invoice(self, order: int, number: int) -> None:
        self._asked.add(number)
        act = {"act": "invoice_sales_order", "id": number}
        answer = await self.client.post(f"{self.sandbox.control_url}/act", json=act)
        answer.raise_for_status()
        self.invoices[int(answer.json()["id"])] = order

    async def _buy(self) -> None:
        self.bought += 1
        body = {
            "vendorCompany": {"identifier": "INGRAM"},
            "terms": {"id": 1},
            "status": {"id": 1},
            "poNumber": f"OWN-{self.bought}",
        }
        await self._send("POST", "/procurement/purchaseorders", body)

    async def _note(self) -> None:
        """A tracking number on a purchase order that the service made."""
        rows = [
            row
            for row in self.sandbox.app.psa.world.store.rows("purchaseOrder")
            if "[demandlink purchase order" in str(row.get("internalNotes"))
        ]
        if rows:
            self.noted += 1
            number = self.rng.choice(rows)["id"]
            change = [{"op": "replace", "path": "trackingNumber", "value": f"1Z{self.noted}"}]
            await self._send("PATCH", f"/procurement/purchaseorders/{number}", change)

    async def _send(self, method: str, path: str, body: Any) -> None:
        url = f"{self.sandbox.url}/v4_6_release/apis/3.0{path}"
        headers = {**self.sandbox.headers, **PERSON}
        try:
            answer = await self.client.request(method, url, json=body, headers=headers)
        except httpx.HTTPError:
            return  # the simulator's faults meet people too; they would try again, and need not here
        if answer.is_client_error and answer.status_code != httpx.codes.TOO_MANY_REQUESTS:
            raise AssertionError(f"{method} {path}: {answer.status_code} {answer.text[:200]}")


def _order_of(product: Any) -> int:
    """The Commerce order whose mark a product carries; 0 for one without."""
    parts = str(product.get("integrationXRef") or "").split(":")
    return int(parts[2]) if len(parts) == 4 and parts[2].isdecimal() else 0
