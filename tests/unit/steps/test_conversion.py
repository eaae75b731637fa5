"""create_sales_order where somebody else converts, or a read lags: nothing is made twice (D-3)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, cast

import pytest

from app.domain import psa
from app.domain.codes import Code, State
from app.domain.errors import Interruption, Wait
from app.domain.order import OrderView
from app.domain.records import ORDER, LedgerRow, Ref
from app.steps import create_sales_order, win_opportunity
from app.steps.effects import Effects
from app.sync.endings import stopped
from tests.builders import NOW, Json, fact, line, ordered, sales_order, view

SALES_ORDER = psa.SalesOrder(70, 1, 88, 1, None)
WANT = {"customer_reference": "ON10001201", "bill_shipped": False}


@dataclass
class Site:
    """A ConnectWise with one converted opportunity. Anything else it is asked for is a fault."""

    products: list[psa.Product] = field(default_factory=list)
    written: list[str] = field(default_factory=list)

    async def sales_orders_of_opportunity(self, opportunity_id: int) -> list[psa.SalesOrder]:
        return [SALES_ORDER]

    async def sales_order_products(self, sales_order_id: int) -> list[psa.Product]:
        return self.products

    async def change_product(self, product_id: int, change: psa.ProductChange) -> None:
        self.written.append("change_product")

    async def change_sales_order(self, sales_order_id: int, change: psa.SalesOrderChange) -> None:
        self.written.append("change_sales_order")


@dataclass
class Fx:
    """The engine's side of a step, as far as a conversion by a person needs it."""

    view: OrderView
    cw: Site
    at: datetime = NOW
    learned: dict[str, str] = field(default_factory=dict)

    async def once(self, kind: str, key: str, *more: Any) -> Any:
        raise AssertionError(f"sent {kind} {key}")

    async def guard(self) -> None: ...

    def ref(self, kind: str, key: str = "") -> int | None:
        return self.view.ref(kind, key)

    def learn(self, ref: Ref) -> None:
        self.learned[ref.kind] = ref.external_id

    def recent(self, kind: str, key: str = "") -> Any:
        return None

    def keep(self, kind: str, value: Any, key: str = "") -> None: ...

    def see(self, kind: str, body: Any, key: str = "") -> None: ...

    def journal(self, code: str, sentence: str, **data: Any) -> None: ...

    def drop_claim(self, kind: str, key: str) -> None: ...

    async def recall(self, kind: str, key: str) -> Any:
        return {"records": [{"id": 1, "name": "Waiting"}]}

    async def lagging(self, since: datetime | None, sentence: str) -> Wait | None:
        """As the engine has it: 2 x READ_LAG and the call's timeout."""
        if since is not None and self.at >= since + timedelta(seconds=26):
            return None
        return Wait(Code.READ_LAG, sentence, self.at + timedelta(seconds=3))


def seen(
    creation: str = "wait_for_person", ledger: Any = (), order: Json | None = None
) -> OrderView:
    """An order whose opportunity was converted."""
    return view(
        order or ordered(),
        ledger=ledger,
        refs=[Ref("opportunity", "", "88"), Ref("product", "1", "9001")],
        facts=[fact("conversion", {"sales_orders": [70]})],
        sales_order_creation=creation,
        connectwise_sales_order_status_waiting="Waiting",
    )


def on_it(product_id: int, sku: str, xref: str | None) -> psa.Product:
    return psa.Product(
        product_id, 5, sku, Decimal(10), Decimal(100), Decimal(80), xref, sales_order_id=70
    )


async def attempt(fx: Fx) -> None:
    await create_sales_order.apply(WANT, cast(Effects, fx))


async def test_a_sales_order_of_another_orders_products_is_neither_taken_nor_doubled():
    """D-13: two orders may share one opportunity; where a person converts, the service never does."""
    site = Site([on_it(1, "SKU-999", "dl:commerce:1300:1")])
    with pytest.raises(Wait):
        await attempt(Fx(seen(), site))
    assert site.written == []


@pytest.mark.parametrize("creation", ["wait_for_person", "automatic"])
async def test_a_conversion_that_was_seen_is_never_made_again_while_its_products_lag(creation):
    """H9: our products were just put on it, and the read does not show them yet."""
    site = Site()
    with pytest.raises(Wait):
        await attempt(Fx(seen(creation), site))
    assert site.written == []


@pytest.mark.parametrize("there", [[], [on_it(9001, "SKU-301", None)]], ids=["none", "some"])
async def test_patience_with_a_lagging_read_ends_although_every_attempt_starts_anew(there):
    """B1.6: held for sales, after 2 x READ_LAG and the call's timeout."""
    order = ordered(sales_order([line(1), line(2, 302)]))
    row, at = LedgerRow("create_sales_order", ORDER, State.RUNNING), NOW
    while row.state is not State.HELD:
        assert at < NOW + timedelta(minutes=5), "never held"
        found = seen("automatic", [row], order)
        with pytest.raises(Interruption) as raised:
            await attempt(Fx(found, Site(list(there)), at))
        base = replace(row, attempts=row.attempts + 1, started_at=at)
        row = stopped(found, base, raised.value, at)
        at = row.retry_at if row.state is State.WAITING and row.retry_at else at
    assert row.code is Code.PRODUCTS_NOT_CONVERTED
    assert timedelta(seconds=26) <= at - NOW <= timedelta(seconds=32)


async def test_a_sales_order_that_a_person_made_is_taken_by_our_products():
    site = Site([on_it(9001, "SKU-301", "dl:commerce:1201:1")])
    fx = Fx(seen(), site)
    await attempt(fx)
    assert fx.learned["sales_order"] == "70"
    assert site.written == ["change_sales_order"]


async def test_a_converted_opportunity_is_not_won_again():
    """B1.4: idempotent, also when the worker that saw the conversion is gone."""
    site = Site()
    await win_opportunity.apply({"opportunity": 88, "after": "x"}, cast(Effects, Fx(seen(), site)))
    assert site.written == []
