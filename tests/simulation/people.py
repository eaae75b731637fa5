"""What people do in ConnectWise during a day: they make sales orders, and buy for themselves.

Owns the acts, over the vendor's own API and without faults; a person looks before acting again.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass
from typing import Any

from tests.simulation.day import TELLING, Day
from tests.simulation.office import Office
from tests.simulation.world import World

EVERY = 25.0


@dataclass(frozen=True)
class People:
    world: World
    day: Day

    def acts(self) -> Iterator[Coroutine[Any, Any, None]]:
        rng = random.Random(f"people {self.day.seed}")  # noqa: S311 - a made-up day
        for _ in range(self.day.strangers):
            yield self._buy(
                rng.uniform(0.0, TELLING * self.day.length), rng.choice(("INGRAM", "SYNNEX"))
            )
        if self.day.converts:
            yield self._convert()
        for _ in range(self.day.wide.expiries):
            yield self._expire(rng.uniform(0.0, TELLING))
        if self.day.wide.acts:
            yield from Office(self.world, self.day).acts()

    async def _buy(self, at: float, vendor: str) -> None:
        """Somebody orders the same goods from the same supplier for stock, by hand."""
        await asyncio.sleep(at)
        ask = self.world.ask
        vendors = ask("GET", "/company/companies", query=f"conditions=identifier%3D%22{vendor}%22")
        made = ask(
            "POST",
            "/procurement/purchaseorders",
            {
                "vendorCompany": {"id": vendors[0]["id"]},
                "status": {"name": "New"},
                "terms": {"name": "Net 30"},
                "poNumber": f"STOCK-{at:.6f}",
            },
        )
        items = ask("GET", "/procurement/catalog", query="pageSize=1000")
        for number, item in enumerate(items[:2], start=1):
            line = {"product": {"id": item["id"]}, "quantity": 2, "lineNumber": number}
            line |= {"description": "For the shelf", "unitOfMeasure": {"name": "Each"}}
            ask("POST", f"/procurement/purchaseorders/{made['id']}/lineitems", line)

    async def _expire(self, at: float) -> None:
        """The ledger's vendor ends every access token before its time."""
        await asyncio.sleep(at)
        assert self.world.ledger is not None
        self.world.tell("expired", self.world.ledger.system)
        self.world.ledger.expire_access()

    async def _convert(self) -> None:
        while self.world.loop.time() < self.world.chaos.calm:
            await asyncio.sleep(EVERY)
            convert(self.world)


def convert(world: World) -> None:
    """Whoever sells converts what was won and is not converted yet."""
    orders = world.ask("GET", "/sales/orders", query="pageSize=1000")
    converted = {order["opportunity"]["id"] for order in orders if order.get("opportunity")}
    for deal in world.ask("GET", "/sales/opportunities", query="pageSize=1000"):
        if deal["status"]["name"] != "Won" or deal["id"] in converted:
            continue
        products = world.ask(
            "GET",
            "/procurement/products",
            query=f"conditions=opportunity%2Fid%3D{deal['id']}&pageSize=1000",
        )
        if any(str(one.get("integrationXRef") or "").startswith("dl:") for one in products):
            world.ask(
                "POST",
                f"/sales/opportunities/{deal['id']}/convertToSalesOrder",
                {"includeAllProductsFlag": True},
            )
