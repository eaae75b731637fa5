"""Bundles: several reads in one request, each answered for itself.

A bundle only reads, as every sample of the vendor's does. Keys may be written in any case.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.connectwise.http.listing import Listing, shown, wanted_fields
from sandbox.connectwise.http.routes import Call, Result, route
from sandbox.connectwise.model.engine import object_body
from sandbox.connectwise.model.errors import Refusal, bad_request, refused
from sandbox.connectwise.model.resources import RESOURCES, Resource

WORKED_OUT = {"unpostedInvoice", "unpostedProcurement", "glEntry"}
"""These have no rows that a list could be made of."""

KINDS: dict[str, str] = {
    word.lower(): table
    for table, resource in RESOURCES.items()
    if table not in WORKED_OUT
    for word in (resource.name, table)
} | {
    "productcatalog": "catalog",
    "serviceticket": "ticket",
    "productreference": "ticketProduct",
}
"""`resourceType` in lower case to table: a record's own name, or the name of its callbacks."""

FILTERS = {
    "conditions": "conditions",
    "childconditions": "childConditions",
    "customfieldconditions": "customFieldConditions",
    "orderby": "orderBy",
}
PAGES = {"page": "page", "pagesize": "pageSize", "pageid": "pageId"}


def _lower(value: Any) -> Mapping[str, Any]:
    """An object with its keys in lower case; none at all counts as an empty one."""
    return {str(name).lower(): each for name, each in object_body(value).items()}


def _entries(call: Call) -> list[Mapping[str, Any]]:
    requests = _lower(call.body).get("requests")
    if not isinstance(requests, list):
        raise refused("bundleRequestsCollection", "requests", "The requests field is required.")
    return [_lower(request) for request in requests]


def _resource(request: Mapping[str, Any]) -> Resource:
    kind = request.get("resourcetype")
    table = KINDS.get(kind.lower()) if isinstance(kind, str) else None
    if table is None:
        raise Refusal(404, "NotFound", f"The resource type {kind} could not be found.")
    return RESOURCES[table]


def _number(asked: Mapping[str, Any], name: str) -> int | None:
    number = asked.get(name)
    if number is not None and (isinstance(number, bool) or not isinstance(number, int)):
        raise bad_request(f"{name} must be a whole number.")
    return number or None


def _parameters(asked: Mapping[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for given, names in (
        (_lower(asked.get("filters")), FILTERS),
        (_lower(asked.get("page")), PAGES),
    ):
        for name, parameter in names.items():
            if given.get(name) not in (None, ""):
                found[parameter] = str(given[name])
    if asked.get("fields"):
        found["fields"] = str(asked["fields"])
    return found


def _read(call: Call, resource: Resource, asked: Mapping[str, Any], counted: bool) -> Any:
    """The records that one entry asks for, or their number."""
    parent = _number(asked, "parentid")
    if "#" in resource.path and parent is None:
        raise bad_request(f"{resource.name} needs parentId.")
    engine, view = call.psa.engine, call.view
    parent = parent if "#" in resource.path else None
    engine.check_parent(resource, parent, view)
    parameters = _parameters(asked)
    number = _number(asked, "id")
    if number is not None:
        row = engine.existing(resource.table, number, parent, view)
        record = shown(call.psa, view, resource.table, row, wanted_fields(parameters))
        return 1 if counted else [record]
    listing = Listing(call.psa, view, resource.table, parameters, parent=parent)
    if counted:
        return len(listing.matching())
    return listing.page(bool(parameters.get("pageId")), "")[0]


def _answer(call: Call, request: Mapping[str, Any], counted: bool) -> dict[str, Any]:
    answer: dict[str, Any] = {}
    for name, key in (("sequenceNumber", "sequencenumber"), ("resourceType", "resourcetype")):
        if isinstance(request.get(key), int if name == "sequenceNumber" else str):
            answer[name] = request[key]
    if isinstance(request.get("version"), str):
        answer["version"] = request["version"]
    try:
        found = _read(call, _resource(request), _lower(request.get("apirequest")), counted)
    except Refusal as refusal:
        return answer | {
            "success": False,
            "statusCode": refusal.status,
            "error": refusal.body(),
        }
    result = {"count": found} if counted else {"entities": found, "count": len(found)}
    return answer | result | {"success": True, "statusCode": 200}


def _bundle(call: Call, counted: bool) -> Result:
    entries = _entries(call)
    if not entries:
        raise refused("bundleRequestsCollection", "requests", "The requests field is required.")
    return Result(200, {"results": [_answer(call, entry, counted) for entry in entries]})


@route("POST", "/system/bundles")
def post_bundle(call: Call) -> Result:
    return _bundle(call, counted=False)


@route("POST", "/system/bundles/count")
def post_bundle_count(call: Call) -> Result:
    return _bundle(call, counted=True)
