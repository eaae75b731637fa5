"""Golden pairs: what the service means, and the bytes that ConnectWise gets."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from app.connectors import wire_json
from app.connectors.connectwise.translate import checks, patches, product_changes, to_wire
from app.connectors.connectwise.translate.patches import Replace
from app.domain import psa

MOMENT = datetime(2026, 11, 20, 16, 11, 3, 999_999, tzinfo=timezone(timedelta(hours=2)))


def operations(changes: list[Replace]) -> list[dict[str, Any]]:
    return [change.operation() for change in changes]


PAIRS: list[tuple[Any, str]] = [
    (
        to_wire.new_catalog_item(
            psa.NewCatalogItem(
                identifier="DELL-P2425H",
                description="Dell 24 monitor",
                customer_description="Dell 24 monitor, black",
                product_class="Inventory",
                subcategory_id=20,
                type_id=30,
                unit_of_measure_id=1,
                price=Decimal("239.00"),
                cost=Decimal("180.55"),
                serialized=False,
                manufacturer_part_number="P2425H",
            )
        ),
        (
            '{"identifier":"DELL-P2425H","description":"Dell 24 monitor",'
            '"customerDescription":"Dell 24 monitor, black","productClass":"Inventory",'
            '"subcategory":{"id":20},"type":{"id":30},"unitOfMeasure":{"id":1},"price":239,'
            '"cost":180.55,"serializedFlag":false,"manufacturerPartNumber":"P2425H"}'
        ),
    ),
    (
        to_wire.new_opportunity(
            psa.NewOpportunity(
                name="Order ON1",
                company_id=250,
                contact_id=1310,
                sales_rep_id=140,
                notes="dl:1\r\nline two\x00",
                expected_close=MOMENT,
            )
        ),
        (
            '{"name":"Order ON1","company":{"id":250},"contact":{"id":1310},'
            '"primarySalesRep":{"id":140},"notes":"dl:1\\nline two ",'
            '"expectedCloseDate":"2026-11-20T14:11:03Z"}'
        ),
    ),
    (
        to_wire.new_product(
            psa.NewProduct(
                catalog_item_id=9001,
                quantity=Decimal("10.00"),
                price=Decimal("239.95"),
                cost=Decimal("1E+2"),
                xref="dl:1:1201:90001",
                description="Dell – 24″",
                sales_order_id=3400,
            )
        ),
        (
            '{"catalogItem":{"id":9001},"description":"Dell – 24″","customerDescription":"Dell – 24″",'
            '"quantity":10,"price":239.95,"cost":100,"billableOption":"Billable",'
            '"integrationXRef":"dl:1:1201:90001","salesOrder":{"id":3400}}'
        ),
    ),
    (
        to_wire.new_sales_order(psa.NewSalesOrder(250, 1, 140, "ON1", "dl:1")),
        (
            '{"company":{"id":250},"status":{"id":1},"salesRep":{"id":140},"poNumber":"ON1",'
            '"notes":"dl:1"}'
        ),
    ),
    (
        to_wire.conversion([40001, 40002]),
        (
            '{"includeAllProductsFlag":false,"includeProductIds":[40001,40002],'
            '"includeAllNotesFlag":true,"includeAllDocumentsFlag":true}'
        ),
    ),
    (
        to_wire.purchasing_demand(252, 4, [psa.Demand(40001, Decimal("10.0"), Decimal("180.55"))]),
        (
            '{"vendor":{"id":252},"warehouse":{"id":4},'
            '"products":[{"productRecId":40001,"quantity":10,"cost":180.55}]}'
        ),
    ),
    (
        to_wire.purchasing_demand(
            252,
            4,
            [psa.Demand(40001, Decimal(1), Decimal(0))],
            {"id": 7001, "poNumber": "PO1", "cancelReason": None, "_info": {"x": "y"}},
        ),
        (
            '{"vendor":{"id":252},"warehouse":{"id":4},'
            '"products":[{"productRecId":40001,"quantity":1,"cost":0}],'
            '"purchaseOrder":{"id":7001,"poNumber":"PO1"}}'
        ),
    ),
    (
        to_wire.new_purchase_order(psa.NewPurchaseOrder(252, 4, 1, 2, "dl:1", "PO1", 3, 5)),
        (
            '{"vendorCompany":{"id":252},"status":{"id":1},"terms":{"id":2},"warehouse":{"id":4},'
            '"internalNotes":"dl:1","poNumber":"PO1","locationId":3,"businessUnitId":5}'
        ),
    ),
    (
        to_wire.new_purchase_order_line(
            psa.NewPurchaseOrderLine(9001, "Dock", 1, Decimal("2.5"), Decimal("0.10"), 1)
        ),
        (
            '{"description":"Dock","lineNumber":1,"product":{"id":9001},"quantity":2.5,'
            '"unitCost":0.1,"unitOfMeasure":{"id":1}}'
        ),
    ),
    (
        to_wire.new_shipping(psa.Shipping(Decimal(3), 4, 70, "1Z999", ("S1", " S2 "))),
        (
            '{"pickedQuantity":3,"shippedQuantity":3,"warehouse":{"id":4},"warehouseBin":{"id":70},'
            '"trackingNumber":"1Z999","serialNumber":"S1,S2"}'
        ),
    ),
    (
        to_wire.new_invoice(3400, 250, "ON10001201"),
        (
            '{"type":"Standard","company":{"id":250},"applyToType":"SalesOrder","applyToId":3400,'
            '"reference":"ON10001201"}'
        ),
    ),
    (
        to_wire.new_callback("https://x/?recordId=", "invoice", "Demandlink"),
        (
            '{"url":"https://x/?recordId=","objectId":1,"type":"invoice","level":"owner",'
            '"description":"Demandlink","inactiveFlag":false,"isSelfSuppressedFlag":true}'
        ),
    ),
    (
        operations(to_wire.opportunity_status(2, MOMENT)),
        (
            '[{"op":"replace","path":"status","value":{"id":2}},'
            '{"op":"replace","path":"closedDate","value":"2026-11-20T14:11:03Z"}]'
        ),
    ),
    (
        operations(
            product_changes.product_change(
                psa.ProductChange(quantity=Decimal(0), price=Decimal("1.50"))
            )
        ),
        (
            '[{"op":"replace","path":"quantity","value":0},'
            '{"op":"replace","path":"price","value":1.5}]'
        ),
    ),
    (
        operations(to_wire.sales_order_change(psa.SalesOrderChange(3, False, "ON1"))),
        (
            '[{"op":"replace","path":"status","value":{"id":3}},'
            '{"op":"replace","path":"billShippedFlag","value":false},'
            '{"op":"replace","path":"poNumber","value":"ON1"}]'
        ),
    ),
    (
        operations(
            to_wire.purchase_order_change(
                psa.PurchaseOrderChange(status_id=3, number="PO1", freight=Decimal("12.340"))
            )
        ),
        (
            '[{"op":"replace","path":"poNumber","value":"PO1"},'
            '{"op":"replace","path":"freightCost","value":12.34},'
            '{"op":"replace","path":"status","value":{"id":3}}]'
        ),
    ),
    (
        operations(
            to_wire.purchase_order_change(psa.PurchaseOrderChange(drop_ship_company_id=250))
        ),
        (
            '[{"op":"replace","path":"dropShipCustomerFlag","value":true},'
            '{"op":"replace","path":"customerCompany","value":{"id":250}}]'
        ),
    ),
    (
        operations(
            to_wire.purchase_order_line_change(
                psa.PurchaseOrderLineChange(Decimal("3.0"), Decimal("7.50"), "elsewhere")
            )
        ),
        (
            '[{"op":"replace","path":"quantity","value":3},'
            '{"op":"replace","path":"unitCost","value":7.5},'
            '{"op":"replace","path":"canceledReason","value":"elsewhere"},'
            '{"op":"replace","path":"canceledFlag","value":true}]'
        ),
    ),
    (
        operations(
            to_wire.purchase_order_line_change(
                psa.PurchaseOrderLineChange(
                    packing_slip="PS-2", tracking_number="1Z", serial_numbers=("S1", "S2")
                )
            )
        ),
        (
            '[{"op":"replace","path":"packingSlip","value":"PS-2"},'
            '{"op":"replace","path":"trackingNumber","value":"1Z"},'
            '{"op":"replace","path":"serialNumbers","value":"S1,S2"}]'
        ),
    ),
    (
        operations(to_wire.receiving(psa.Receiving(Decimal("4.0"), "FullyReceived"))),
        (
            '[{"op":"replace","path":"receivedQuantity","value":4},'
            '{"op":"replace","path":"receivedStatus","value":"FullyReceived"}]'
        ),
    ),
    (
        operations(to_wire.callback_change("https://x/?recordId=")),
        (
            '[{"op":"replace","path":"url","value":"https://x/?recordId="},'
            '{"op":"replace","path":"inactiveFlag","value":false}]'
        ),
    ),
    (
        operations(product_changes.product_change(psa.ProductChange(need_to_purchase=False))),
        '[{"op":"replace","path":"needToPurchaseFlag","value":false}]',
    ),
    (operations(product_changes.product_change(psa.ProductChange())), "[]"),
]


@pytest.mark.parametrize(("made", "wire"), PAIRS)
def test_what_is_meant_is_what_is_sent(made: Any, wire: str) -> None:
    assert wire_json.encode(made).decode() == wire


def product(**more: Any) -> psa.NewProduct:
    given: dict[str, Any] = {
        "opportunity_id": 88,
        "quantity": Decimal(1),
        "xref": "x",
        "description": "d",
    } | more
    return psa.NewProduct(catalog_item_id=1, price=Decimal(1), cost=Decimal(1), **given)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: to_wire.new_product(product(opportunity_id=None)), "exactly one"),
        (lambda: to_wire.new_product(product(ticket_id=1)), "exactly one"),
        (lambda: to_wire.new_product(product(xref=" ")), "integrationXRef is empty"),
        (lambda: to_wire.new_product(product(description="d" * 2001)), "description has 2001"),
        (lambda: to_wire.new_product(product(quantity=Decimal("Infinity"))), "not a number"),
        (lambda: to_wire.new_product(product(quantity=Decimal("1E12"))), "not a number"),
        (lambda: to_wire.serials(["A,B"]), "comma"),
        (lambda: to_wire.serials(["A", " "]), "serialNumbers is empty"),
        (lambda: to_wire.receiving(psa.Receiving(Decimal(-1), "FullyReceived")), "at least 0"),
        (lambda: to_wire.new_shipping(psa.Shipping(Decimal(0), 1, 2)), "at least 1"),
        (
            lambda: to_wire.new_purchase_order_line(
                psa.NewPurchaseOrderLine(1, "d", 1, Decimal(0), Decimal(1), 1)
            ),
            "above zero",
        ),
        (lambda: to_wire.new_invoice(1, 2, "r" * 51), "reference has 51"),
    ],
)
def test_what_connectwise_cannot_take_is_refused_with_a_sentence(make: Any, says: str) -> None:
    with pytest.raises(checks.Refused, match=says):
        make()


@pytest.mark.parametrize(
    ("proves", "asked", "found", "same"),
    [
        (patches.same_reference, {"id": 2}, {"id": 2, "name": "Won"}, True),
        (patches.same_reference, {"id": 2}, {"id": 1}, False),
        (patches.same_reference, {"id": 2}, None, False),
        (patches.same_text, "a\nb", "a b", True),
        (patches.same_text, "", None, True),
        (patches.same_text, "a", None, False),
        (patches.same_flag, False, None, True),
        (patches.same_flag, True, None, False),
        (patches.same_quantity, Decimal("2.50"), Decimal("2.5"), True),
        (patches.same_quantity, 4, 4, True),
        (patches.same_quantity, 4, 3, False),
        (patches.same_quantity, 1, True, False),
        (patches.same_amount, Decimal("1.005"), Decimal("1.01"), True),
        (patches.same_amount, Decimal("1.00"), Decimal("1.01"), False),
        (patches.same_date, "2026-11-20T14:00:00Z", "2026-11-20T00:00:00Z", True),
        (patches.same_date, "2026-11-20T14:00:00Z", "2026-11-21", True),
        (patches.same_date, "2026-11-20T14:00:00Z", "2026-10-20T00:00:00Z", False),
        (patches.same_date, "2026-11-20T14:00:00Z", None, False),
        (patches.same_serials, "A,B", "B\nA", True),
        (patches.same_serials, "A,B", "A", False),
        (patches.no_longer_waiting, "PartiallyReceiveCloneRest", "FullyReceived", True),
        (patches.no_longer_waiting, "FullyReceived", "Waiting", False),
        (patches.no_longer_waiting, "FullyReceived", None, False),
    ],
)
def test_an_answer_proves_a_change_or_not(proves: Any, asked: Any, found: Any, same: bool) -> None:
    assert proves(asked, found) is same


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("239.0"), "239"),
        (Decimal("180.55"), "180.55"),
        (Decimal("0.10"), "0.1"),
        (Decimal("-0.00"), "0"),
        (Decimal("1E+3"), "1000"),
        (Decimal("1E-7"), "0.0000001"),
        (Decimal("123456789012.345678"), "123456789012.345678"),
        ('é\u2028"\\\n', '"é\u2028\\"\\\\\\n"'),
        ({"a": [Decimal("1.50"), None, True]}, '{"a":[1.5,null,true]}'),
    ],
)
def test_numbers_and_texts_are_written_exactly(value: Any, text: str) -> None:
    assert wire_json.dumps(value) == text


def test_half_a_character_is_sent_as_the_mark_for_one_that_cannot_be_shown() -> None:
    assert "\ufffd".encode() in wire_json.encode({"a": "\ud800"})


@pytest.mark.parametrize("value", [Decimal("NaN"), Decimal("Infinity"), float("nan"), MOMENT, {1}])
def test_what_json_has_no_form_for_is_refused(value: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        wire_json.encode(value)


def test_a_moment_is_sent_in_utc_and_whole_seconds() -> None:
    (change,) = to_wire.opportunity_status(2, datetime(2026, 1, 1, tzinfo=UTC))[1:]
    assert change.value == "2026-01-01T00:00:00Z"
