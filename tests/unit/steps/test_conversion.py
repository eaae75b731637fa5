"""create_sales_order where somebody else converts, or a read lags: nothing is made twice (D-3)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest

from app.domain.codes import Code, State
from app.domain.errors import Hold, Interruption, Wait
from app.domain.order import OrderView
from app.domain.records import ORDER, LedgerRow, Ref
from app.steps import create_products, create_sales_order, win_opportunity
from app.steps.effects import Effects
from app.sync.endings import stopped
from tests.builders import NOW, Json, fact, line, ordered, sales_order, view
from tests.unit.steps.effects import Fx, Site, on_it

WANT = {"customer_reference": "ON10001201", "bill_shipped": False}


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
    assert site.written == ["change_sales_order to 1"]


async def test_a_converted_opportunity_is_not_won_again():
    """B1.4: idempotent, also when the worker that saw the conversion is gone."""
    site = Site()
    await win_opportunity.apply({"opportunity": 88, "after": "x"}, cast(Effects, Fx(seen(), site)))
    assert site.written == []


@pytest.mark.parametrize("attempts", [0, 3])
async def test_what_a_person_should_know_is_told_once(attempts):
    """B1.5, H5: an order that goes on without its quote says so, and what it leaves out."""
    row = LedgerRow("create_products", ORDER, State.WAITING, attempts=attempts)
    order = ordered(sales_order([line(1), line(2, 302, isRecurring=True)], quoteID=501))
    fx = Fx(seen("automatic", [row], order), Site())
    with pytest.raises(Hold, match="no ConnectWise company"):
        await create_products.apply({}, cast(Effects, fx))
    codes = [code for code, _ in fx.told]
    assert codes == ([] if attempts else [Code.NEEDS_AGREEMENT, Code.QUOTE_MISSING])
