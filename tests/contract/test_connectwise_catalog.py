"""Catalog items and invoices by what names them, proven against the simulated vendor."""

from __future__ import annotations

from decimal import Decimal

from app.domain import psa
from app.domain.ports import ConnectWise
from tests.contract.connectwise_site import won_and_converted


async def test_a3_items_are_found_by_identifier_or_part_number_whatever_characters_they_hold(
    connectwise: ConnectWise,
) -> None:
    async def make(identifier: str, part: str) -> int:
        new = psa.NewCatalogItem(
            identifier=identifier,
            description="Cable",
            customer_description="Cable, one metre",
            product_class="Inventory",
            subcategory_id=(await connectwise.set_up(psa.Setup.PRODUCT_SUBCATEGORY))[0].id,
            type_id=(await connectwise.set_up(psa.Setup.PRODUCT_TYPE))[0].id,
            unit_of_measure_id=None,
            price=Decimal("9.95"),
            cost=Decimal("4.50"),
            serialized=False,
            manufacturer_part_number=part,
        )
        return await connectwise.create_catalog_item(new)

    quoted = await make("CAB-2", 'M"1/a')
    plain = await make("CAB-3", "CAB-P3")
    found = await connectwise.catalog_items(["DELL-P2425H"], ['m"1/A', "NO-SUCH"])
    assert {one.identifier for one in found} == {"DELL-P2425H", "CAB-2"}
    assert next(one.part_number for one in found if one.id == quoted) == 'M"1/a'
    both = await connectwise.catalog_items(["DELL-P2425H"], ["CAB-P3"])
    assert {one.identifier for one in both} == {"DELL-P2425H", "CAB-3"}
    assert plain in {one.id for one in both}
    (dell,) = await connectwise.catalog_items(["DELL-P2425H"])
    assert (dell.manufacturer, dell.part_number, dell.inactive) == ("Dell", "P2425H", False)


async def test_of_invoices_only_those_that_stand_are_given(connectwise: ConnectWise) -> None:
    order, _ = await won_and_converted(connectwise)
    invoice = await connectwise.create_invoice(order.id, order.company_id, "ON10001300")
    assert await connectwise.standing_invoices([invoice, invoice + 1]) == {invoice}
    assert await connectwise.standing_invoices([]) == set()
