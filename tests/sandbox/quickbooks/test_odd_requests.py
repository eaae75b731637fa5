"""Whatever is sent, the answer is the vendor's and nothing half-done stays."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from tests.sandbox.quickbooks.desk import Desk

ODD: tuple[Any, ...] = (
    None, 1, "x", "", [], {}, [1], True, -1, 1e30, {"value": 1}, {"value": {}}, [[]], [{}],
)  # fmt: skip
LINK = {"TxnId": "145", "TxnType": "PurchaseOrder", "TxnLineId": "1"}
TAX = {
    "TxnTaxCodeRef": {"value": "2"},
    "TaxLine": [
        {
            "Amount": 1,
            "DetailType": "TaxLineDetail",
            "TaxLineDetail": {"TaxRateRef": {"value": "1"}},
        }
    ],
}


def bodies(desk: Desk) -> dict[str, Any]:
    paid = {"Amount": 10, "LinkedTxn": [{"TxnId": "146", "TxnType": "Bill"}]}
    return {
        "bill": {
            "VendorRef": desk.vendor,
            "Line": [desk.bought(1, LinkedTxn=[LINK])],
            "LinkedTxn": [LINK],
            "TxnTaxDetail": TAX,
            "SalesTermRef": {"value": "1"},
        },
        "invoice": {
            "CustomerRef": desk.customer,
            "Line": [desk.sold(1), {"DetailType": "DescriptionOnly", "Description": "x"}],
            "TxnTaxDetail": TAX,
            "BillEmail": {"Address": "a@b.example"},
        },
        "billpayment": {
            "VendorRef": desk.vendor,
            "PayType": "Check",
            "CheckPayment": {"BankAccountRef": {"value": "35"}},
            "TotalAmt": 10,
            "Line": [paid],
        },
        "vendor": {"DisplayName": "New", "CurrencyRef": {"value": "USD"}, "Active": True},
        "purchaseorder": {"Id": "145", "SyncToken": "1", "sparse": True, "VendorRef": desk.vendor},
        "batch": {
            "BatchItemRequest": [
                {"bId": "1", "operation": "create", "Vendor": {"DisplayName": "By batch"}},
                {"bId": "2", "Query": "SELECT * FROM Bill"},
            ]
        },
    }


def places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield place
    if isinstance(value, dict | list):
        keys = value if isinstance(value, dict) else range(len(value))
        for key in keys:
            yield from places(value[key], (*place, key))


def spoiled(value: Any, place: tuple[Any, ...], by: Any) -> Any:
    if not place:
        return by
    changed = copy.deepcopy(value)
    inner = changed
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = by
    return changed


@pytest.mark.parametrize("country", ["US", "GB"])
def test_no_body_breaks_the_company(country: str) -> None:
    desk = Desk()
    desk.switch(country=country)
    for resource, body in bodies(desk).items():
        for place in places(body):
            for by in ODD:
                answer = desk.send("POST", resource, spoiled(body, place, by))
                assert answer.status in {200, 400}, (resource, place, by, answer.raw)
                assert answer.status == 200 or answer.codes


@pytest.mark.parametrize(
    ("method", "resource", "codes"),
    [
        ("GET", "bill", ["500"]),
        ("PUT", "bill", ["500"]),
        ("GET", "nothing/1", ["500"]),
        ("POST", "taxcode", ["500"]),
        ("GET", "bill/0", ["610"]),
        ("GET", "cdc", ["4001"]),
        ("GET", "query", ["4000"]),
    ],
)
def test_a_path_that_is_not_there_is_a_fault(
    desk: Desk, method: str, resource: str, codes: list[str]
) -> None:
    assert desk.send(method, resource, {} if method == "POST" else None).codes == codes


def test_a_body_that_is_not_json_is_a_fault(desk: Desk) -> None:
    assert desk.send("POST", "bill", b"{").codes == ["2010"]
