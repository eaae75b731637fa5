"""Lists: which records a GET asks for, in which order, and which page of them.

Owns the filters of accounting.md 3.1: `where`, `order`, `If-Modified-Since`, the optimised ones,
and paging. Lists of documents without `page` have no lines, as Xero's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from sandbox.kit.wire import Request
from sandbox.xero.http.resources import Resource, envelope
from sandbox.xero.model.books import Books
from sandbox.xero.model.errors import Refusal, gateway, query_error
from sandbox.xero.model.show import SHOWN, Asked
from sandbox.xero.model.store import Row, View
from sandbox.xero.model.values import is_guid, read_date, read_moment
from sandbox.xero.model.where import ordering, predicate, sort_key

PAGE = 100
LARGEST_PAGE = 1_000
SEARCHED = (
    "Name",
    "InvoiceNumber",
    "CreditNoteNumber",
    "Reference",
    "EmailAddress",
    "AccountNumber",
)
Keep = Callable[[Row], bool]


def is_true(request: Request, name: str) -> bool:
    return request.parameters.get(name, "").lower() == "true"


def unit_places(request: Request) -> int:
    """Decimals of unit amounts: 2, or 4 when asked for."""
    return 4 if request.parameters.get("unitdp") == "4" else 2


def listed(
    resource: Resource, books: Books, view: View, request: Request, app: str
) -> dict[str, Any]:
    """The body of a list's answer. Raises `Refusal`."""
    rows = list(_matching(resource, view, request, app))
    rows = _sorted(resource, view, request, rows)
    given = request.parameters
    paged = resource.paging == "always" or (
        resource.paging == "asked" and ("page" in given or "pageSize" in given)
    )
    asked = Asked(
        books,
        view,
        places=unit_places(request),
        whole=paged or resource.paging == "never" or resource.name == "Contacts",
        summary=is_true(request, "summaryOnly"),
    )
    body: dict[str, Any] = {}
    if paged:
        page, size = _number(given, "page", 1), _number(given, "pageSize", PAGE)
        size = min(size, LARGEST_PAGE)
        body["pagination"] = {
            "page": page,
            "pageSize": size,
            "pageCount": -(-len(rows) // size),
            "itemCount": len(rows),
        }
        rows = rows[(page - 1) * size : page * size]
    show = SHOWN[resource.table]
    return body | {envelope(resource): [show(asked, row) for row in rows]}


def _number(given: dict[str, str], name: str, otherwise: int) -> int:
    text = given.get(name, "")
    if not text:
        return otherwise
    if not text.isdigit() or int(text) < 1:
        raise query_error(f"{name} must be a number above 0")
    return int(text)


def _matching(resource: Resource, view: View, request: Request, app: str) -> Iterator[Row]:
    tests = [test for make in FILTERS for test in make(resource, view, request, app)]
    return (row for row in view.rows(resource.table) if all(test(row) for test in tests))


def _sorted(resource: Resource, view: View, request: Request, rows: list[Row]) -> list[Row]:
    text = request.parameters.get("order", "").strip()
    for get, down in reversed(ordering(text, resource.what, resource.fields) if text else []):
        rows = sorted(rows, key=lambda row: sort_key(get(view, row)), reverse=down)
    return rows


def _where(resource: Resource, view: View, request: Request, app: str) -> Iterator[Keep]:
    text = request.parameters.get("where", "").strip()
    # Purchase orders take no where (xero.openapi.json); what is not offered is not looked at.
    if text and resource.name != "PurchaseOrders":
        test = predicate(text, resource.what, resource.fields)
        yield lambda row: test(view, row)


def _modified(resource: Resource, view: View, request: Request, app: str) -> Iterator[Keep]:
    text = request.headers.get("if-modified-since", "").strip()
    if not text:
        return
    moment = read_moment(text) or _http_date(text)
    if moment is None:
        raise gateway(400, "Bad Request", "If-Modified-Since cannot be read")
    yield lambda row: row.get("UpdatedDateUTC", moment) >= moment


def _http_date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _ids(resource: Resource, view: View, request: Request, app: str) -> Iterator[Keep]:
    for name, field in (("IDs", resource.id), ("ContactIDs", "ContactID")):
        if wanted := _many(request, name):
            if not all(is_guid(each) for each in wanted):
                raise Refusal(400, f"{name} holds what is not an identifier")
            yield _holds(field, {each.lower() for each in wanted})
    if numbers := {each.casefold() for each in _many(request, "InvoiceNumbers")}:
        yield lambda row: (row.get("InvoiceNumber") or "").casefold() in numbers
    statuses = set(_many(request, "Statuses")) | set(_many(request, "Status"))
    if statuses:
        yield lambda row: row.get("Status") in statuses


def _holds(field: str, values: set[str]) -> Keep:
    return lambda row: row.get(field) in values


def _many(request: Request, name: str) -> list[str]:
    return [part.strip() for part in request.parameters.get(name, "").split(",") if part.strip()]


def _period(resource: Resource, view: View, request: Request, app: str) -> Iterator[Keep]:
    first = (
        read_date(request.parameters.get("DateFrom") or "")
        if resource.table == "purchaseOrder"
        else None
    )
    last = (
        read_date(request.parameters.get("DateTo") or "")
        if resource.table == "purchaseOrder"
        else None
    )
    if first is not None:
        yield lambda row: row["Date"] >= first
    if last is not None:
        yield lambda row: row["Date"] <= last


def _other(resource: Resource, view: View, request: Request, app: str) -> Iterator[Keep]:
    if resource.table == "contact" and not is_true(request, "includeArchived"):
        named = "IDs" in request.parameters
        yield lambda row: named or row["ContactStatus"] == "ACTIVE"
    if is_true(request, "createdByMyApp"):
        yield lambda row: row.get("App") == app
    if term := request.parameters.get("searchTerm", "").casefold():
        yield lambda row: any(term in str(row.get(name) or "").casefold() for name in SEARCHED)


FILTERS = (_where, _modified, _ids, _period, _other)
