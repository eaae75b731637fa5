"""A small world for one step's effect: a ConnectWise of one sales order, and the engine's side.

Owns stand-ins that note what was written and refuse what a test does not expect. What the real
engine and the sandbox do is proven in tests/e2e.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from app.domain import psa
from app.domain.errors import Wait
from app.domain.order import OrderView
from app.domain.records import ORDER, Ref
from app.sync.patience import lagging
from tests.builders import NOW

SALES_ORDER = psa.SalesOrder(70, 1, 88, 1, None)
STATUSES = ("Waiting", "Ready")


def on_it(product_id: int, sku: str, xref: str | None, **more: Any) -> psa.Product:
    """A product that stands on the sales order."""
    ten, price, cost = Decimal(10), Decimal(100), Decimal(80)
    return psa.Product(product_id, 5, sku, ten, price, cost, xref, sales_order_id=70, **more)


@dataclass
class Site:
    """A ConnectWise with one converted opportunity. Anything else it is asked for is a fault."""

    products: list[psa.Product] = field(default_factory=list)
    written: list[str] = field(default_factory=list)

    async def sales_orders_of_opportunity(self, opportunity_id: int) -> list[psa.SalesOrder]:
        return [SALES_ORDER]

    async def sales_order_products(self, sales_order_id: int) -> list[psa.Product]:
        return self.products

    async def company(self, identifier: str) -> None:
        return None

    async def change_product(self, product_id: int, change: psa.ProductChange) -> None:
        self.written.append("change_product")

    async def change_sales_order(self, sales_order_id: int, change: psa.SalesOrderChange) -> None:
        self.written.append(f"change_sales_order to {change.status_id}")


@dataclass
class Fx:
    """The engine's side of a step, as far as a conversion by a person needs it."""

    view: OrderView
    cw: Site
    at: datetime = NOW
    learned: dict[str, str] = field(default_factory=dict)
    told: list[tuple[str, str]] = field(default_factory=list)
    row: tuple[str, str] = ("create_sales_order", ORDER)

    async def once(self, kind: str, key: str, *more: Any) -> Any:
        raise AssertionError(f"sent {kind} {key}")

    async def adopt(self, kind: str, key: str, *more: Any) -> None:
        return None

    restored = False

    async def guard(self) -> None: ...

    def ref(self, kind: str, key: str = "") -> int | None:
        return self.view.ref(kind, key)

    def learn(self, ref: Ref) -> None:
        self.learned[ref.kind] = ref.external_id

    def recent(self, kind: str, key: str = "") -> Any:
        return None

    def keep(self, kind: str, value: Any, key: str = "") -> None: ...

    def see(self, kind: str, body: Any, key: str = "") -> None: ...

    def journal(self, code: str, sentence: str, **data: Any) -> None:
        self.told.append((code, sentence))

    def drop_claim(self, kind: str, key: str) -> None: ...

    async def recall(self, kind: str, key: str) -> Any:
        if kind != "set_up":
            return None
        return {"records": [{"id": n, "name": name} for n, name in enumerate(STATUSES, start=1)]}

    async def marked_lost(self, opportunity: int) -> None:
        return None

    async def lagging(self, since: datetime | None, sentence: str) -> Wait | None:
        live, row = self.view.live, self.view.ledger.get(self.row)
        return lagging(row, since, sentence, self.at, live.read_lag, live.call_timeout)
