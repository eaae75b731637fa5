"""User-defined fields: set up once for a kind of record, then part of every record of that kind.

Owns how a record's `customFields` are taken and shown. They are one list: what a write leaves out
of it has no value any more, which is why a client has to send back all that it read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.connectwise.model.conditions import read_date
from sandbox.connectwise.model.errors import NotThis
from sandbox.connectwise.model.resources import Resource
from sandbox.connectwise.model.store import Row, View

FIELD = "customFields"
SET_UP = "userDefinedField"

PODS: dict[int, str] = dict(
    enumerate(
        (
            "purchaseOrder",
            "line",
            "product",
            "opportunity",
            "order",
            "catalog",
            "invoice",
            "ticket",
            "company",
            "contact",
            "site",
            "member",
            "project",
            "agreement",
        ),
        start=1,
    )
)
"""Which records a pod shows. The vendor's numbers are documented nowhere; these are made up."""

POD_OF = {table: pod for pod, table in PODS.items()}

NUMBERS = {"Number", "Percent", "Currency"}


def shown(view: View, resource: Resource, row: Row) -> list[dict[str, Any]] | None:
    """All fields that are set up for a record's kind, in their order, with the values it has."""
    stored: list[dict[str, Any]] = row.get(FIELD) or []
    set_up = view.find(SET_UP, "podId", (POD_OF[resource.home],))
    if not set_up:
        return stored or None
    values = {item["id"]: item for item in stored}
    known = sorted(set_up, key=lambda field: (field["sequenceNumber"], field["id"]))
    return [_described(field, values.pop(field["id"], {})) for field in known] + [*values.values()]


def _described(field: Row, item: Mapping[str, Any]) -> dict[str, Any]:
    described = {
        "id": field["id"],
        "caption": field["caption"],
        "type": field["fieldTypeIdentifier"],
        "entryMethod": field["entryTypeIdentifier"],
        "numberOfDecimals": field.get("numberDecimals") or 0,
        "connectWiseId": field["connectWiseID"],
    }
    return described | ({"value": item["value"]} if item.get("value") is not None else {})


def taken(view: View, resource: Resource, given: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The list as it is stored. Raises `NotThis`.

    Whether the vendor refuses an id that is not set up is documented nowhere: it is kept as sent.
    """
    set_up = {row["id"]: row for row in view.find(SET_UP, "podId", (POD_OF[resource.home],))}
    found: dict[int, dict[str, Any]] = {}
    for item in given:
        number = item.get("id")
        if isinstance(number, bool) or not isinstance(number, int):
            raise NotThis("Each custom field must be named by its id.")
        if number in found:
            raise NotThis(f"The custom field {number} is given twice.")
        field = set_up.get(number)
        if field is None:
            found[number] = dict(item)
        elif item.get("value") is not None:
            found[number] = {"id": number, "value": fitting(field, item["value"])}
    return list(found.values())


def fitting(field: Row, value: Any) -> Any:
    """A value of the field's type. Raises `NotThis`."""
    caption, kind = field["caption"], field["fieldTypeIdentifier"]
    if field["entryTypeIdentifier"] in {"List", "Option"}:
        choices = [option.get("optionValue") for option in field.get("options") or ()]
        if value not in choices:
            raise NotThis(f"The value of {caption} must be one of {', '.join(map(str, choices))}.")
        return value
    if kind in NUMBERS:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise NotThis(f"The value of {caption} must be a number.")
        return round(value, field.get("numberDecimals") or 0)
    if kind == "Checkbox":
        if not isinstance(value, bool):
            raise NotThis(f"The value of {caption} must be true or false.")
        return value
    if not isinstance(value, str):
        raise NotThis(f"The value of {caption} must be text.")
    if kind == "Date":
        moment = read_date(value)
        if moment is None:
            raise NotThis(f"The value of {caption} must be a date.")
        return moment
    return value
