"""What a conversion may do to the order's products: each is found again, and none is billed twice."""

from __future__ import annotations

import pytest

from tests.e2e.harness import running
from tests.e2e.orders import CABLE, Order
from tests.e2e.rules.test_goods import tell

pytestmark = pytest.mark.processes
AMOUNTS = {"deliveryAmount": 25, "paymentSurchargeAmount": 3.5, "couponDiscount": 10}
ROUNDED = {**AMOUNTS, "total": 5 * 12.5 + 18.52}
KEYS = ("1", "coupon", "delivery", "rounding", "surcharge")


@pytest.mark.parametrize("creation", ["automatic", "wait_for_person"])
async def test_b1_6_header_amounts_copied_without_marks_are_known_and_marked_again(
    database_url: str, redis_url: str, creation: str
) -> None:
    """A2. They have no product number of their own: the settings name their catalog items."""
    order = Order(lines=[(CABLE, 5)], not_chosen=(), quote_id=None, header=ROUNDED)
    async with running(
        database_url,
        redis_url,
        sales_order_creation=creation,
        connectwise_rounding_item="ROUNDING",
    ) as stack:
        switches = {"conversion": "copy", "conversion_keeps_xref": False}
        await stack.control("settings", switches, "PUT")
        await tell(stack, [order.approved()])
        if creation == "wait_for_person":
            await stack.until_state(order.number, "waiting", "SO_MISSING")
            await stack.control("act", {"act": "convert_opportunity", "id": 88})
        await tell(stack, [order.ordered(8891, [(CABLE, 5)]), order.receipted(8891)])
        await stack.until_state(order.number, "done")
        (sold,) = await stack.get("/sales/orders")
        products = await stack.get(
            "/procurement/products", conditions=f"salesOrder/id={sold['id']}"
        )
    ours = sorted(str(row.get("integrationXRef")) for row in products if row.get("integrationXRef"))
    assert ours == [f"dl:default:1201:{key}" for key in KEYS]
    skus = [row["catalogItem"]["identifier"] for row in products]
    assert [sku for sku in skus if skus.count(sku) > 1] == []  # nothing is billed twice
