"""Every path of the vendor's reconstructed document is served, or named here with its reason."""

from __future__ import annotations

import re

import pytest

from sandbox.connectwise.http import special
from sandbox.connectwise.http.routes import find_route
from sandbox.connectwise.model.errors import Refusal
from sandbox.connectwise.model.resources import RESOURCES
from tests.sandbox.contract import DOCUMENT, Contract
from tests.sandbox.desk import Desk
from tests.sandbox.full_house import furnish

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


BY_PATH = {
    tuple(part for part in resource.path.lower().split("/") if part): resource
    for resource in RESOURCES.values()
}
A_LIST_OF_COUNTS = "GET /sales/opportunities/{parentId}/notes/count"
"""Here the document describes a list where every other count is an object."""

WORDS = {"{reportName}": "SalesOrder", "{catalogItemIdentifier}": "DELL-WD22TB4"}
PARENTS = {
    # The lists of what stands before these numbers are elsewhere.
    "/sales/opportunities/conversions/{id}": "opportunity",
    "/sales/orders/conversions/{id}": "order",
    "/procurement/catalog/vendors/{parentId}": "catalog",
}


def filled(desk: Desk, path: str) -> str:
    """A path of the document with the ids of records that are there, one below the other."""
    parts = [WORDS.get(part, part) for part in path.strip("/").split("/")]
    key = tuple("#" if part.startswith("{") else part.lower() for part in parts)
    ids = iter(ids_for(desk, path, key))
    return "/" + "/".join(
        part if mark != "#" else str(next(ids)) for part, mark in zip(parts, key, strict=True)
    )


def ids_for(desk: Desk, path: str, key: tuple[str, ...]) -> list[int]:
    if "#" not in key:
        return []
    if path in PARENTS:
        return [last_id(desk, PARENTS[path])]
    known = max((key[:end] for end in range(len(key) + 1) if key[:end] in BY_PATH), key=len)
    resource = BY_PATH[known]
    if known[-2:] in {("accounting", "unpostedinvoices"), ("accounting", "unpostedprocurement")}:
        return [row["id"] for row in desk.get(resource.path)]
    if "#" not in known:
        return [last_id(desk, resource.table)]
    rows = [row for row in desk.psa.world.store.rows(resource.home) if row.get(resource.parent)]
    parent = RESOURCES[resource.parent_table]
    below = [
        row for row in rows if parent.holds(desk.psa.world.row(parent.home, row[resource.parent]))
    ]
    return [below[-1][resource.parent], below[-1]["id"]]


def last_id(desk: Desk, table: str) -> int:
    resource = RESOURCES[table]
    rows = [row for row in desk.psa.world.store.rows(resource.home) if resource.holds(row)]
    return int(rows[-1]["id"])


def test_every_record_and_list_is_read_as_the_document_describes(watched: Desk) -> None:
    furnish(watched)
    asked = [
        operation.partition(" ")[2]
        for operation in operations()
        if operation.startswith("GET ") and operation not in {*NOT_SERVED, A_LIST_OF_COUNTS}
    ]
    for path in asked:
        answer = watched.send("GET", filled(watched, path))
        assert answer.status == 200, path
    assert len(asked) > 150
