"""JSON Patch as ConnectWise does it: whole fields only, and a trap below them.

Owns the reading of operations into a partial body. A path into a reference is answered with success
and changes nothing, which is what the vendor's documentation warns of; elements of a list of plain
objects can be reached by position; custom fields only as the whole list.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from sandbox.connectwise.model.errors import Refusal, bad_request, invalid, invalid_object
from sandbox.connectwise.model.fields import Kind
from sandbox.connectwise.model.resources import Resource

OPERATIONS = {"add", "replace", "remove"}


def partial_body(resource: Resource, operations: Any, row: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that a list of operations sets, by name; removed ones are null."""
    if not isinstance(operations, list) or not operations:
        raise bad_request("A patch is a list of operations.")
    body: dict[str, Any] = {}
    for operation in operations:
        if not isinstance(operation, Mapping):
            raise bad_request("A patch is a list of operations.")
        op = str(operation.get("op", "")).lower()
        path = operation.get("path")
        if op not in OPERATIONS or not isinstance(path, str):
            raise bad_request("An operation needs op (add, replace or remove) and path.")
        value = None if op == "remove" else operation.get("value")
        _apply(resource, path.lstrip("/"), value, row, body)
    return body


def _apply(
    resource: Resource, path: str, value: Any, row: Mapping[str, Any], body: dict[str, Any]
) -> None:
    name, *rest = path.split("/")
    if name in {"id", "_info"}:
        return
    field = resource.fields.get(name)
    if field is None:
        raise _no_path(resource, path)
    if not rest:
        body[name] = value
        return
    if field.kind in {Kind.REFERENCE, Kind.FOREIGN, Kind.OBJECT} or name == "customFields":
        return
    if field.kind is not Kind.OBJECTS or not rest[0].isdigit():
        raise _no_path(resource, path)
    items = body.get(name)
    if items is None:
        items = body[name] = copy.deepcopy(row.get(name) or [])
    place = int(rest[0])
    if not isinstance(items, list) or place >= len(items):
        raise _no_path(resource, path)
    if len(rest) == 1:
        items[place] = value
    elif len(rest) == 2 and isinstance(items[place], dict):
        items[place][rest[1]] = value


def _no_path(resource: Resource, path: str) -> Refusal:
    return invalid_object(
        resource.name, invalid(resource.name, path, f"The path {path} could not be found.")
    )
