"""From method and path to what does the work on the accounting API.

Owns the paths below `/api.xro/2.0`, the reading of bodies into elements, and the two ways in which
faulty elements are told: one error for the whole request, or 200 with each element's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.xero.http import papers
from sandbox.xero.http.calls import Call, Result, body_of
from sandbox.xero.http.listing import listed, unit_places
from sandbox.xero.http.resources import RESOURCES, Resource, envelope
from sandbox.xero.model import money, setup
from sandbox.xero.model.books import Books
from sandbox.xero.model.errors import (
    Invalid,
    no_method,
    not_found,
    post_data,
    validation,
)
from sandbox.xero.model.show import SHOWN, Asked, allocation
from sandbox.xero.model.store import Row, View
from sandbox.xero.model.values import is_guid

ACTIONS = (
    "CreateRepeatingInvoice", "CreateBatchPayments", "CreateApprovedInvoice", "CreateDraftInvoice",
    "CreateApprovedBill", "CreateDraftBill", "CreatePurchaseOrder", "UseMulticurrency",
)  # fmt: skip


def find(path: str) -> tuple[Resource, tuple[str, ...]]:
    """The resource and the rest of a path below the API's root. Raises 404."""
    name, *rest = [part for part in path.split("/") if part] or [""]
    named = {known.lower(): found for known, found in RESOURCES.items()}
    resource = named.get(name.lower())
    if resource is None:
        raise not_found()
    return resource, tuple(rest)


def carry_out(call: Call) -> Result:
    """Raises `Refusal`."""
    match call.parts:
        case ():
            return _collection(call)
        case ("Actions",) if call.resource.name == "Organisation" and call.reads:
            return Result({"Actions": _actions(call.books)})
        case (_,):
            return _record(call)
        case (name, "History") if call.resource.history:
            return papers.history(call, _existing(call, name))
        case (name, "Attachments", *rest) if call.resource.attachments and len(rest) < 2:
            return papers.attachments(call, _existing(call, name), rest)
        case (name, "Allocations", *rest) if call.resource.name == "CreditNotes" and len(rest) < 2:
            return _allocations(call, _existing(call, name), rest)
        case _:
            raise not_found()


def _actions(books: Books) -> list[dict[str, str]]:
    forbidden = set() if books.switches.multicurrency else {"UseMulticurrency"}
    return [
        {"Name": name, "Status": "NOT-ALLOWED" if name in forbidden else "ALLOWED"}
        for name in ACTIONS
    ]


def _collection(call: Call) -> Result:
    if call.reads:
        app = call.access.app
        return Result(listed(call.resource, call.books, call.view, call.request, app))
    if call.request.method not in call.resource.collection:
        raise no_method()
    return _written(call, _elements(call), own=None)


def _record(call: Call) -> Result:
    row = _existing(call, call.parts[0])
    if call.reads:
        asked = Asked(call.books, call.view, places=unit_places(call.request))
        return Result({envelope(call.resource): [SHOWN[call.resource.table](asked, row)]})
    if call.request.method not in call.resource.record:
        raise no_method()
    own = str(row[call.resource.id])
    if call.request.method == "DELETE":
        with call.books.write(call.access.app, call.access.user):
            setup.delete_item(call.books, own)
        return Result(status=204)
    return _written(call, _elements(call)[:1], own=own)


def _existing(call: Call, name: str) -> Row:
    """A record by its id, or by the number that may stand for it. Raises 404."""
    resource = call.resource
    view: View = call.view if call.reads else call.books.store
    row = view.get(resource.table, name.lower() if is_guid(name) else name)
    if row is None and resource.key:
        row = next(iter(view.find(resource.table, resource.key, name)), None)
    if row is None:
        raise not_found()
    return row


def _elements(call: Call) -> list[Mapping[str, Any]]:
    """The elements of a body: in their envelope, as a bare list, or one alone."""
    body = body_of(call)
    found = body.get(envelope(call.resource), body) if isinstance(body, Mapping) else body
    elements = found if isinstance(found, list) else [found]
    if not elements or not all(isinstance(each, Mapping) for each in elements):
        raise post_data("JSON for post data was invalid, it holds no objects")
    if call.resource.single and len(elements) > 1:
        raise post_data(f"One {call.resource.what} can be sent in a request")
    return elements


def _written(call: Call, elements: list[Mapping[str, Any]], own: str | None) -> Result:
    apart = call.request.parameters.get("summarizeErrors", "").lower() == "false"
    with call.books.write(call.access.app, call.access.user):
        outcomes = [_one(call, each, own) for each in elements]
        faulty = [element for element, row in outcomes if row is None]
        if faulty and not apart:
            # Nothing of the request stays.
            raise validation(faulty)
    asked = Asked(call.books, call.books.store, places=unit_places(call.request))
    show = SHOWN[call.resource.table]
    shown = []
    for element, row in outcomes:
        if row is None:
            shown.append(element | {"StatusAttributeString": "ERROR"})
        else:
            current = call.books.store.get(call.resource.table, str(row[call.resource.id])) or row
            shown.append(show(asked, current) | ({"StatusAttributeString": "OK"} if apart else {}))
    return Result({envelope(call.resource): shown})


def _one(
    call: Call, element: Mapping[str, Any], own: str | None
) -> tuple[dict[str, Any], Row | None]:
    """An element with its row, or with its faults."""
    save = call.resource.save
    if save is None:
        raise no_method()
    create = call.request.method == "PUT"
    try:
        with call.books.part():
            return dict(element), save(call.books, element, create, own, unit_places(call.request))
    except Invalid as invalid:
        key = call.books.switches.element_error_key
        errors = [{key: message} for message in invalid.messages]
        told = dict(element) | {"ValidationErrors": errors}
        if call.resource.what in {"Invoice", "CreditNote"}:
            told["HasErrors"] = True
        return told, None


def _allocations(call: Call, note: Row, rest: list[str]) -> Result:
    own = str(note["CreditNoteID"])
    with call.books.write(call.access.app, call.access.user):
        if call.request.method == "PUT" and not rest:
            body = body_of(call)
            given = body.get("Allocations", [body]) if isinstance(body, Mapping) else body
            try:
                rows = [money.allocate(call.books, own, one) for one in given]
            except Invalid as invalid:
                errors = [{"Message": message} for message in invalid.messages]
                raise validation([{"ValidationErrors": errors}]) from None
        elif call.request.method == "DELETE" and len(rest) == 1:
            gone = money.deallocate(call.books, own, rest[0])
            asked = Asked(call.books, call.books.store)
            return Result(allocation(asked, gone) | {"IsDeleted": True}, bare=True)
        else:
            raise no_method()
    asked = Asked(call.books, call.books.store)
    return Result({"Allocations": [allocation(asked, row) for row in rows]})
