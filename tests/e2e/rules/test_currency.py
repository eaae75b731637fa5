"""D-12: amounts never go to ConnectWise as if they were in the company's currency when they are not."""

from __future__ import annotations

import pytest

from tests.e2e.harness import Stack
from tests.e2e.orders import CABLE
from tests.e2e.remote import Remote
from tests.e2e.rules.test_purchase_order_changes import an_order, decide, tell

pytestmark = pytest.mark.processes


async def kept_in(stack: Stack, company: str, code: str) -> None:
    (found,) = await stack.get("/company/companies", conditions=f"identifier='{company}'")
    value = {"symbol": code[0], "currencyCode": code}
    answer = await stack.cw.patch(
        f"/company/companies/{found['id']}",
        json=[{"op": "replace", "path": "currency", "value": value}],
    )
    assert answer.is_success, answer.text


async def test_d12_an_order_in_another_currency_than_its_company_is_held_before_its_products(
    stack: Stack,
) -> None:
    order = an_order((CABLE, 10), opportunity=None)
    order.header["currency"] = "EUR"
    await kept_in(stack, "Contoso", "USD")
    await tell(stack, order.approved())
    held = await stack.until_state(order.number, "held", "CURRENCY_NOT_KEPT")
    assert "is in EUR, and company Contoso Ltd is kept in USD" in held["answer"]["sentence"]
    assert (await Remote.read(stack, order)).sold == {}
    await kept_in(stack, "Contoso", "EUR")
    await decide(stack, order.number, "CURRENCY_NOT_KEPT", "look_again", "order")
    await stack.until_state(order.number, "waiting", "LINE_NOT_ORDERED")
    assert (await Remote.read(stack, order)).sold == {"CABLE-2M": 10}


async def test_d12_a_purchase_order_in_another_currency_than_its_vendor_is_held(
    stack: Stack,
) -> None:
    order = an_order((CABLE, 10))
    await kept_in(stack, "INGRAM", "AUD")
    await tell(stack, order.approved(), order.ordered(8891, [(CABLE, 10)]))
    await tell(stack, order.receipted(8891))
    held = await stack.until_state(order.number, "held", "CURRENCY_NOT_KEPT")
    assert (
        "PO10008891 is in USD, and company Ingram Micro is kept in AUD"
        in (held["answer"]["sentence"])
    )
    assert await stack.get("/procurement/purchaseorders") == []


async def test_d12_the_same_currency_however_it_is_written_goes_on(stack: Stack) -> None:
    order = an_order((CABLE, 10))
    order.header["currency"] = "usd"
    await kept_in(stack, "Contoso", "USD")
    await tell(stack, order.approved(), order.ordered(8891, [(CABLE, 10)]))
    await tell(stack, order.receipted(8891))
    await stack.until_state(order.number, "done")
