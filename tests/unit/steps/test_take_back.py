"""A release that came too early is taken back, but never from under an invoice (D-6)."""

from __future__ import annotations

from typing import cast

import pytest

from app.domain.codes import Code
from app.domain.errors import Hold
from app.domain.order import OrderView
from app.domain.records import ORDER, Ref
from app.steps import release_invoice
from app.steps.effects import Effects
from tests.builders import SERVICE, applied, line, ordered, product, sales_order, view
from tests.unit.steps.effects import Fx, Site, on_it

GOODS, SERVICES = "dl:commerce:1201:1", "dl:commerce:1201:2"


def released() -> OrderView:
    """Released, and then it shows that ten monitors are on no purchase order."""
    order = sales_order([line(1), line(2, 303)], products=[product(303, type=SERVICE)])
    return view(
        ordered(order),
        ledger=[applied("release_invoice", ORDER, {"bill_shipped": False, "invoice": False})],
        refs=[Ref("sales_order", "", "70")],
        connectwise_sales_order_status_waiting="Waiting",
        connectwise_sales_order_status_ready="Ready",
    )


async def applied_to(site: Site) -> Fx:
    fx = Fx(released(), site)
    want = release_invoice.want(fx.view, ORDER)
    assert want is not None
    await release_invoice.apply(want, cast(Effects, fx))
    return fx


async def test_d6_the_sales_order_goes_back_to_the_waiting_status_and_the_journal_says_why():
    site = Site([on_it(1, "SKU-301", GOODS), on_it(2, "SKU-303", SERVICES)])
    fx = await applied_to(site)
    assert site.written == ["change_sales_order to 1"]
    ((code, sentence),) = fx.told
    assert code == "RELEASE_TAKEN_BACK"
    assert "10 of 10 Product 301 are on no purchase order." in sentence


async def test_d6_invoiced_goods_are_for_a_person():
    site = Site([on_it(1, "SKU-301", GOODS, invoice_id=9)])
    with pytest.raises(Hold) as held:
        await applied_to(site)
    assert held.value.code is Code.PO_AFTER_INVOICE
    assert held.value.sentence.startswith("SKU-301 on sales order 70 is invoiced already")
    assert site.written == []


@pytest.mark.parametrize("xref", [SERVICES, None, "dl:commerce:1300:1"])
async def test_b112_an_invoice_of_services_or_of_others_does_not_hold_it(xref):
    """B1.12: down payments and service lines are not too early."""
    site = Site([on_it(2, "SKU-303", xref, invoice_id=9)])
    await applied_to(site)
    assert site.written == ["change_sales_order to 1"]
