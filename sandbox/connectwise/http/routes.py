"""From method and path to what does the work: plain routes from the tables, special ones by hand.

Owns the route table. A path is matched without regard to case or a trailing slash, with `#` for a
number and `*` for any one segment.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from sandbox.connectwise.http.listing import Headers, Listing, shown, wanted_fields
from sandbox.connectwise.model import ConnectWise
from sandbox.connectwise.model.errors import Refusal, bad_request, no_endpoint, no_method
from sandbox.connectwise.model.resources import RESOURCES, Resource
from sandbox.connectwise.model.store import View
from sandbox.kit.wire import Request

# The escapes \b and \f, behind an even number of backslashes.
UNSUPPORTED = re.compile(rb"(?<!\\)(?:\\\\)*\\[bf]")


@dataclass(slots=True)
class Call:
    """One request on its way: what it asks, of which view, with the ids and names in its path."""

    psa: ConnectWise
    request: Request
    path: str
    view: View
    ids: list[int]
    names: list[str]

    @property
    def body(self) -> Any:
        """The parsed JSON body. Raises 400 or 415."""
        kind = self.request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if not self.request.body:
            return None
        if kind != "application/json" and not kind.endswith("+json"):
            raise Refusal(415, "UnsupportedMediaType", f"The media type {kind} is not supported.")
        try:
            body = json.loads(self.request.body)
        except ValueError:
            raise bad_request("The body is not valid JSON.") from None
        if UNSUPPORTED.search(self.request.body):
            raise bad_request("The escapes \\b and \\f are not supported.")
        return body

    @property
    def forward_only(self) -> bool:
        return self.request.headers.get("pagination-type", "").lower() == "forward-only"

    def listed(self, listing: Listing) -> Result:
        records, headers = listing.page(self.forward_only, self.psa.base_url + self.path)
        return Result(200, records, headers)


@dataclass(frozen=True, slots=True)
class Result:
    """What a route answers; None is an empty body."""

    status: int
    body: Any
    headers: Headers = ()


Route = Callable[[Call], Result]
ROUTES: dict[tuple[str, ...], dict[str, Route]] = {}
STARRED: list[tuple[tuple[str, ...], dict[str, Route]]] = []


def segments(path: str) -> tuple[str, ...]:
    return tuple(part for part in path.lower().split("/") if part)


def add_route(method: str, path: str, route: Route) -> None:
    key = segments(path)
    if "*" in key:
        for known, methods in STARRED:
            if known == key:
                methods[method] = route
                return
        STARRED.append((key, {method: route}))
    else:
        ROUTES.setdefault(key, {})[method] = route


def route(method: str, path: str) -> Callable[[Route], Route]:
    """Registers a special route; it wins over a plain one of the same path and method."""

    def register(function: Route) -> Route:
        add_route(method, path, function)
        return function

    return register


def find_route(method: str, path: str) -> tuple[Route, list[int], list[str]]:
    """The route of a request, with the numbers and free segments of its path. Raises 404, 405."""
    parts = [part for part in path.split("/") if part]
    ids = [int(part) for part in parts if part.isdigit()]
    key = tuple("#" if part.isdigit() else part.lower() for part in parts)
    methods = ROUTES.get(key)
    names: list[str] = []
    if methods is None:
        for known, candidates in STARRED:
            if len(known) == len(parts) and all(
                star == "*" or star == part.lower() or (star == "#" and part.isdigit())
                for star, part in zip(known, parts, strict=True)
            ):
                names = [part for star, part in zip(known, parts, strict=True) if star == "*"]
                methods = candidates
                break
    if methods is None:
        raise no_endpoint()
    found = methods.get(method)
    if found is None:
        raise no_method(method)
    return found, ids, names


# --- the plain routes of a resource


def _split(resource: Resource, call: Call, single: bool) -> tuple[int | None, int]:
    """The parent's id and the record's own."""
    ids = list(call.ids)
    own = ids.pop() if single else 0
    return (ids[0] if resource.parent and "#" in resource.path else None), own


def list_records(resource: Resource, call: Call) -> Result:
    parent, _ = _split(resource, call, single=False)
    call.psa.engine.check_parent(resource, parent, call.view)
    parameters = call.request.parameters
    return call.listed(Listing(call.psa, call.view, resource.table, parameters, parent=parent))


def count_records(resource: Resource, call: Call) -> Result:
    parent, _ = _split(resource, call, single=False)
    call.psa.engine.check_parent(resource, parent, call.view)
    listing = Listing(call.psa, call.view, resource.table, call.request.parameters, parent=parent)
    return Result(200, {"count": len(listing.matching())})


def get_record(resource: Resource, call: Call) -> Result:
    parent, own = _split(resource, call, single=True)
    row = call.psa.engine.existing(resource.table, own, parent, call.view)
    fields = wanted_fields(call.request.parameters)
    record = shown(call.psa, call.view, resource.table, row, fields)
    return Result(200, [record] if resource.answers_lists else record)


def post_record(resource: Resource, call: Call) -> Result:
    parent, _ = _split(resource, call, single=False)
    with call.psa.world.write():
        row = call.psa.engine.create(resource.table, call.body, parent)
    return _written(resource, call, resource.created, row["id"])


def put_record(resource: Resource, call: Call) -> Result:
    parent, own = _split(resource, call, single=True)
    with call.psa.world.write():
        call.psa.engine.put(resource.table, own, call.body, parent)
    return _written(resource, call, 200, own)


def patch_record(resource: Resource, call: Call) -> Result:
    parent, own = _split(resource, call, single=True)
    with call.psa.world.write():
        call.psa.engine.patch(resource.table, own, call.body, parent)
    return _written(resource, call, 200, own)


def delete_record(resource: Resource, call: Call) -> Result:
    parent, own = _split(resource, call, single=True)
    with call.psa.world.write():
        call.psa.engine.delete(resource.table, own, parent)
    return Result(204, None)


def _written(resource: Resource, call: Call, status: int, record_id: int) -> Result:
    """The record as it stands after the write, whatever reads lag behind."""
    store = call.psa.world.store
    row = call.psa.world.row(resource.home, record_id)
    fields = wanted_fields(call.request.parameters)
    record = shown(call.psa, store, resource.table, row, fields)
    return Result(status, [record] if resource.answers_lists else record)


PLAIN: dict[str, tuple[Callable[[Resource, Call], Result], str]] = {
    "GET": (get_record, "/#"),
    "PUT": (put_record, "/#"),
    "PATCH": (patch_record, "/#"),
    "DELETE": (delete_record, "/#"),
    "POST": (post_record, ""),
}


def register_plain_routes() -> None:
    for resource in RESOURCES.values():
        add_route("GET", resource.path, partial(list_records, resource))
        add_route("GET", resource.path + "/count", partial(count_records, resource))
        for method, (function, tail) in PLAIN.items():
            if method in resource.methods:
                add_route(method, resource.path + tail, partial(function, resource))


register_plain_routes()
