"""Every path of the vendor's reconstructed document is served, or named here with its reason."""

from __future__ import annotations

import re

import pytest

from sandbox.connectwise.http import special
from sandbox.connectwise.http.routes import find_route
from sandbox.connectwise.model.errors import Refusal
from tests.sandbox.contract import DOCUMENT, Contract

CONTRACT = Contract.load()
pytestmark = pytest.mark.skipif(
    CONTRACT is None, reason=f"the vendor's reconstructed document is not at {DOCUMENT}"
)

METHODS = ("get", "post", "put", "patch", "delete")
NOT_SERVED = {
    "POST /sales/orders/{parentId}/lineitems/": (
        "a line of this view names no item, so nothing says what a new one would sell"
    ),
    "GET /procurement/purchaseorders/{id}/quickAccess/count": (
        "answers a raw HttpResponseMessage, and nothing says of what"
    ),
    "GET /system/userDefinedFields": "custom fields are not kept apart from the records that hold them",
    "POST /system/userDefinedFields": "as above",
}
"""Operations that are left out, each with why."""

assert special  # importing it registers the routes


def operations() -> list[str]:
    assert CONTRACT is not None
    return [
        f"{method.upper()} {path}"
        for path, described in sorted(CONTRACT.document["paths"].items())
        for method in METHODS
        if method in described
    ]


def is_served(operation: str) -> bool:
    method, _, path = operation.partition(" ")
    path = re.sub(r"\{(id|parentId)\}", "7", path)
    try:
        find_route(method, re.sub(r"\{\w+\}", "word", path))
    except Refusal:
        return False
    return True


def test_every_operation_of_the_document_is_served_or_explained() -> None:
    found = operations()
    assert len(found) > 400
    assert {each for each in found if not is_served(each)} == set(NOT_SERVED)


@pytest.mark.parametrize(
    "operation",
    [
        # Named by the contract's text, and not in the document.
        "GET /finance/invoices/{parentId}/commissions",
        "GET /finance/invoices/{parentId}/routings",
        "GET /finance/invoices/{parentId}/glEntries/",
        "GET /procurement/onhandserialnumbers",
        "GET /service/tickets/{parentId}/products",
        # What a conversion answers can be read again.
        "GET /finance/agreements/{id}",
        "GET /project/projects/{id}",
    ],
)
def test_paths_beside_the_document_are_served(operation: str) -> None:
    assert is_served(operation)


def test_every_list_has_its_count() -> None:
    lists = [
        each
        for each in operations()
        if each.startswith("GET ") and re.search(r"/[A-Za-z]+/?$", each)
    ]
    counted = [
        each.rstrip("/") + "/count"
        for each in lists
        if is_served(each) and not re.search(r"/(count|info|pdf|columns|financialrecap)$", each)
    ]
    assert {each for each in counted if not is_served(each)} == {
        "GET /procurement/catalog/{catalogItemIdentifier}/quantityOnHand/count",  # is a count
        "GET /procurement/purchaseorderstatuses/{id}/usages/count",  # are counts
        "GET /procurement/purchaseorderstatuses/{id}/usages/list/count",
    }
