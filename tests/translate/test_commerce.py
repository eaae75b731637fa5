"""From the API's records to documents: golden pairs, and what is left out (G8)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.connectors.commerce import translate

HEADER: dict[str, Any] = {
    "id": 1201,
    "orderNumber": "ON10001201",
    "reference": None,
    "ownerEmployeeID": 5,
    "customerID": 77,
    "contactFirstName": "Dana",
    "contactLastName": "Lee",
    "contactEmail": None,
    "quoteID": 501,
    "status": 2,
    "fulfillmentStatus": 0,
    "entryType": 1,
    "deliveryCompany": "Contoso Ltd",
    "deliveryCity": "Springfield",
    "deliveryState": "",
    "deliveryAmount": Decimal("12.5"),
    "deliveryTaxRate": 10,
    "deliveryTax": Decimal("1.25"),
    "ipAddress": "192.0.2.1",
    "orderDate": "2026-11-19T10:02:00",
    "createdDate": "2026-11-19T10:01:00",
    "modifiedDate": "2026-11-19T10:02:05.12",
}
LINE: dict[str, Any] = {
    "id": 2,
    "salesOrderID": 1201,
    "productID": 301,
    "lineNumber": 1,
    "price": Decimal("239.1"),
    "taxRate": None,
    "quantity": 10,
    "title": "Monitor",
    "unitWeight": 4,
    "serialNumbers": [{"serialNumber": "A", "status": "Sold", "warehouseID": None}],
    "createdDate": "2026-11-19T10:01:00",
    "modifiedDate": "2026-11-19T10:02:05.12",
}
CUSTOMER = {"id": 77, "accountNumber": "CONTOSO", "name": "Contoso Ltd", "priceGroup": 1}
PRODUCT = {"id": 301, "productNumber": "P", "type": 0, "title": "Monitor", "isSerialized": True}


def test_a_sales_order() -> None:
    found = translate.sales_order(
        HEADER,
        [{**LINE, "id": 3, "lineNumber": 2}, LINE],
        customer=CUSTOMER,
        products=[PRODUCT],
        owner={"id": 5, "email": "sales@msp.example", "firstName": "Sam"},
        zone=UTC,
    )
    line = {
        "id": 2,
        "salesOrderID": 1201,
        "productID": 301,
        "lineNumber": 1,
        "price": Decimal("239.1"),
        "quantity": 10,
        "title": "Monitor",
        "serialNumbers": [{"serialNumber": "A", "status": "Sold"}],
        "modifiedDate": "2026-11-19T10:02:05.120000Z",
    }
    assert found == {
        "id": 1201,
        "orderNumber": "ON10001201",
        "customerID": 77,
        "quoteID": 501,
        "status": 2,
        "fulfillmentStatus": 0,
        "entryType": 1,
        "deliveryAmount": Decimal("12.5"),
        "deliveryTax": Decimal("1.25"),
        "orderDate": "2026-11-19T10:02:00Z",
        "createdDate": "2026-11-19T10:01:00Z",
        "modifiedDate": "2026-11-19T10:02:05.120000Z",
        "lines": [line, {**line, "id": 3, "lineNumber": 2}],
        "customer": {"id": 77, "accountNumber": "CONTOSO", "name": "Contoso Ltd"},
        "products": [PRODUCT],
        "contact": {"firstName": "Dana", "lastName": "Lee"},
        "delivery": {"company": "Contoso Ltd", "city": "Springfield"},
        "ownerEmail": "sales@msp.example",
    }


def test_a_purchase_order() -> None:
    header = {
        "id": 8891,
        "orderNumber": "PO10008891",
        "supplierID": 9,
        "salesOrderID": None,
        "type": 1,
        "status": 2,
        "billingCity": "Springfield",
        "deliveryInstruction": "back door",
        "orderDate": "2026-11-19T10:05:00",
        "receivedDate": "2026-11-20T10:00:00",
        "modifiedDate": "2026-11-20T10:00:00",
    }
    cost = {"id": 4, "purchaseOrderID": 8891, "description": "Freight", "amount": Decimal("19.9")}
    line = {"id": 7, "purchaseOrderID": 8891, "quantity": 10, "quantityReceived": 4}
    found = translate.purchase_order(
        header,
        [line],
        [cost],
        supplier={"id": 9, "name": "Ingram Micro", "isOnline": True, "email": None},
        products=[],
        zone=UTC,
    )
    assert found == {
        "id": 8891,
        "orderNumber": "PO10008891",
        "supplierID": 9,
        "type": 1,
        "status": 2,
        "orderDate": "2026-11-19T10:05:00Z",
        "receivedDate": "2026-11-20T10:00:00Z",
        "modifiedDate": "2026-11-20T10:00:00Z",
        "lines": [line],
        "costs": [{"id": 4, "description": "Freight", "amount": Decimal("19.9")}],
        "products": [],
        "supplier": {"id": 9, "name": "Ingram Micro"},
        "delivery": {"instruction": "back door"},
    }


def test_a_quote_keeps_its_choices_and_no_name_that_cannot_be_taken_apart() -> None:
    header = {
        "id": 501,
        "quoteNumber": "QO10000501",
        "salesOrderId": 1201,
        "title": "Desk refresh",
        "status": 3,
        "customerID": 77,
        "contactName": "Dana Lee",
        "contactEmail": "dana.lee@contoso.example",
        "autotaskQuoteID": 3,
        "expiryDate": "2026-12-01T00:00:00",
        "modifiedDate": "2026-11-19T10:02:00",
    }
    sections: list[Any] = [
        (
            {"id": 2, "quoteID": 501, "lineNumber": 2, "isMultiChoice": True, "isSelected": False},
            [],
        ),
        (
            {"id": 1, "quoteID": 501, "lineNumber": 1, "isMultiChoice": False, "isSelected": True},
            [
                {"id": 2, "lineNumber": 2, "isSelected": False, "isOptional": True},
                {"id": 1, "lineNumber": 1, "isSelected": True, "isOptional": False},
            ],
        ),
    ]
    found = translate.quote(header, sections, customer=None, products=[], owner=None, zone=UTC)
    assert [section["id"] for section in found["sections"]] == [1, 2]
    assert [line["id"] for line in found["sections"][0]["lines"]] == [1, 2]
    assert found["contact"] == {"email": "dana.lee@contoso.example"}
    assert found["salesOrderId"] == 1201
    assert not {"customer", "ownerEmail", "autotaskQuoteID"} & found.keys()


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        ("2026-11-19T10:00:00", UTC, "2026-11-19T10:00:00Z"),
        ("2026-11-19T10:00:00", timezone(timedelta(hours=10)), "2026-11-19T00:00:00Z"),
        ("2026-11-19T10:00:00-05:00", timezone(timedelta(hours=10)), "2026-11-19T15:00:00Z"),
        ("2026-11-19T10:00:00Z", timezone(timedelta(hours=10)), "2026-11-19T10:00:00Z"),
        ("2026-11-19", UTC, "2026-11-19T00:00:00Z"),
        ("soon", UTC, "soon"),
    ],
)
def test_dates_become_utc(text: str, zone: tzinfo, expected: str) -> None:
    assert translate.moment(text, zone) == expected


def test_summer_time_is_minded_in_both_directions() -> None:
    try:
        zone = ZoneInfo("America/New_York")
    except LookupError:  # a machine without zone files
        pytest.skip("this machine knows no time zones")
    assert translate.moment("2026-07-01T08:00:00", zone) == "2026-07-01T12:00:00Z"
    assert translate.moment("2026-12-01T08:00:00", zone) == "2026-12-01T13:00:00Z"
    assert translate.after(datetime(2026, 7, 1, 12, tzinfo=UTC), zone) == "2026-07-01T08:00:00"


def test_products_are_named_once_and_free_text_names_none() -> None:
    lines: list[dict[str, Any]] = [
        {"productID": 302},
        {"productID": None},
        {},
        {"productID": 301},
        {"productID": 302},
    ]
    assert translate.products_of(lines) == [301, 302]
