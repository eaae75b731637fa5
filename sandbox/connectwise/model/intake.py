"""Request bodies to stored values: types, lengths, choices, references, required fields.

Owns what a body may hold; must not store anything. As in the vendor's API, fields it does not know
and fields it keeps itself are ignored, numbers may come as text, and a reference may name its
record by id, identifier or name.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from sandbox.connectwise.model import custom
from sandbox.connectwise.model.conditions import read_date
from sandbox.connectwise.model.errors import (
    FieldError,
    NotThis,
    bad_request,
    invalid,
    invalid_object,
    missing,
    refused,
)
from sandbox.connectwise.model.fields import Field, Kind
from sandbox.connectwise.model.resources import RESOURCES, Resource
from sandbox.connectwise.model.shapes import SHAPES, Shape
from sandbox.connectwise.model.world import World

INT32 = 2**31
LARGEST = 1e11
LINE_BREAKS = re.compile(r"[\r\n]+")


class Intake:
    """Reads bodies for one world."""

    def __init__(self, world: World) -> None:
        self.world = world

    def created(self, resource: Resource, body: Any) -> dict[str, Any]:
        """The values of a new record: defaults, then what the body says."""
        given = self._fields(resource, body)
        values = dict(resource.defaults)
        for name, (table, flag) in resource.default_records.items():
            record = self.world.flagged(table, flag)
            if record is not None:
                values[name] = record["id"]
        values.update({name: value for name, value in given.items() if value is not None})
        return values

    def replaced(self, resource: Resource, body: Any, old: Mapping[str, Any]) -> dict[str, Any]:
        """The values after a PUT: what the body leaves out goes back to its default, or null."""
        given = self._fields(resource, body)
        values = {
            name: value
            for name, value in old.items()
            if name not in resource.fields or resource.fields[name].kept
        }
        values.update(
            {
                name: value
                for name, value in resource.defaults.items()
                if resource.fields[name].writable
            }
        )
        values.update(given)
        return values

    def changed(self, resource: Resource, body: Any, old: Mapping[str, Any]) -> dict[str, Any]:
        """The values after a PATCH whose operations have been read into a partial body."""
        return dict(old) | self._fields(resource, body)

    def _fields(self, resource: Resource, body: Any) -> dict[str, Any]:
        if not isinstance(body, Mapping):
            raise bad_request(f"{resource.name} must be a JSON object.")
        faults: list[FieldError] = []
        values: dict[str, Any] = {}
        given = [
            field for field in resource.fields.values() if field.name in body and accepts(field)
        ]
        for field in sorted(given, key=lambda field: field.kind is Kind.ALIAS):
            self._take(resource, field, body[field.name], values, faults)
        if faults:
            raise invalid_object(resource.name, *faults)
        return values

    def _take(
        self,
        resource: Resource,
        field: Field,
        given: Any,
        values: dict[str, Any],
        faults: list[FieldError],
    ) -> None:
        try:
            value = self.value(field, given)
            if field.name == custom.FIELD and value is not None:
                value = custom.taken(self.world.store, resource, value)
        except NotThis as reason:
            faults.append(invalid(resource.name, field.name, str(reason)))
            return
        if field.kind is not Kind.ALIAS:
            values[field.name] = value
        elif values.get(field.target) is None:
            # An alias speaks only where its reference is silent.
            shape = SHAPES[resource.fields[field.target].target]
            if value and self.world.get(shape.table, value) is None:
                faults.append(invalid(resource.name, field.name, unknown(shape, value)))
            else:
                values[field.target] = value or None

    def check_required(self, resource: Resource, values: Mapping[str, Any], updating: bool) -> None:
        """Raises 400 with every required field that is null or empty."""
        faults = [
            missing(resource.name, field.name)
            for field in resource.fields.values()
            if (field.required or (updating and field.required_on_update))
            and values.get(field.target if field.kind is Kind.ALIAS else field.name)
            in (None, "", {}, [])
        ]
        if faults:
            raise invalid_object(resource.name, *faults)

    def value(self, field: Field, given: Any) -> Any:
        """A given value as it is stored. Raises `NotThis`."""
        if given is None:
            return None
        kind = field.kind
        if kind is Kind.REFERENCE:
            return self._reference(SHAPES[field.target], given)
        if kind is Kind.KEY:
            number = whole_number(given)
            if number and field.target and self.world.get(field.target, number) is None:
                raise NotThis(f"The {RESOURCES[field.target].name} {number} could not be found.")
            return number or None
        if kind in {Kind.TEXT, Kind.CHOICE}:
            return text_value(field, given)
        value = SIMPLE[kind](given)
        if kind is Kind.FOREIGN:
            return foreign_reference(field, value)
        if kind is Kind.OBJECTS and field.choices:
            return [{key: each[key] for key in field.choices if key in each} for each in value]
        return value

    def loose_reference(self, resource: str, shape: str, field: str, given: Any) -> int | None:
        """A reference in a body that is no record of its own. Raises `Refusal` 400."""
        if given is None:
            return None
        try:
            return self._reference(SHAPES[shape], given)
        except NotThis as reason:
            raise refused(resource, field, str(reason)) from None

    def _reference(self, shape: Shape, given: Any) -> int | None:
        if not isinstance(given, Mapping):
            raise NotThis("A reference must be an object.")
        number = whole_number(given["id"]) if given.get("id") is not None else 0
        if number:
            if self.world.get(shape.table, number) is None:
                raise NotThis(unknown(shape, number))
            return number
        names = [key for key in ("identifier", "name") if given.get(key)]
        if not names:
            return None
        if not all(isinstance(given[key], str) for key in names):
            raise NotThis("The identifier or name of a reference must be text.")
        for key in names:
            target = dict(shape.shown).get(key)
            if target is None or target not in shape.keys:
                continue
            found = self.world.find(shape.table, target, given[key])
            if found:
                return int(found[0]["id"])
        raise NotThis(unknown(shape, given[names[0]]))


def accepts(field: Field) -> bool:
    """Whether a body's value for the field counts; computed fields only where marked `~^`."""
    return not field.kept and (not field.computed or field.write_only)


def unknown(shape: Shape, key: Any) -> str:
    return f"The {shape.name} {key} could not be found."


def whole_number(given: Any) -> int:
    if isinstance(given, bool):
        raise NotThis("The value must be a whole number.")
    try:
        number = float(given)
    except (TypeError, ValueError):
        raise NotThis("The value must be a whole number.") from None
    if not math.isfinite(number) or number != int(number) or not -INT32 <= number < INT32:
        raise NotThis("The value must be a whole number of 32 bits.")
    return int(number)


def double(given: Any) -> float:
    if isinstance(given, bool):
        raise NotThis("The value must be a number.")
    try:
        number = float(given)
    except (TypeError, ValueError):
        raise NotThis("The value must be a number.") from None
    if not abs(number) < LARGEST:  # not a number fails this too
        raise NotThis("The value is too large.")
    return number


def flag(given: Any) -> bool:
    if isinstance(given, bool):
        return given
    if isinstance(given, str) and given.lower() in {"true", "false"}:
        return given.lower() == "true"
    raise NotThis("The value must be true or false.")


def date(given: Any) -> str:
    found = read_date(given) if isinstance(given, str) else None
    if found is None:
        raise NotThis("The value must be a date.")
    return found


def text_value(field: Field, given: Any) -> str:
    if isinstance(given, bool) or not isinstance(given, str | int | float):
        raise NotThis("The value must be text.")
    text = str(given)
    if field.longest is not None:
        # "Many fields" keep line breaks as one blank: here those with a length, notes are without.
        text = LINE_BREAKS.sub(" ", text)
    if field.longest is not None and len(text) > field.longest:
        raise NotThis(
            f"The field {field.name} must be text with a maximum length of {field.longest}."
        )
    if field.choices and text not in field.choices:
        matching = [choice for choice in field.choices if choice.lower() == text.lower()]
        if not matching:
            raise NotThis(f"The value must be one of {', '.join(field.choices)}.")
        return matching[0]
    return text


def mapping(given: Any) -> Any:
    if not isinstance(given, Mapping):
        raise NotThis("The value must be an object.")
    return dict(given)


def foreign_reference(field: Field, given: Mapping[str, Any]) -> dict[str, Any]:
    """A reference to a record that is not kept here: its id and names as they come."""
    value: dict[str, Any] = {}
    if given.get("id") is not None:
        value["id"] = whole_number(given["id"])
    for key in ("name", *field.choices):
        if given.get(key) is not None:
            value[key] = given[key]
    if not isinstance(value.get("name", ""), str):
        raise NotThis("The name of a reference must be text.")
    return value


def list_of(item: Any) -> Any:
    def read(given: Any) -> list[Any]:
        if not isinstance(given, list):
            raise NotThis("The value must be a list.")
        return [item(each) for each in given]

    return read


def any_text(given: Any) -> str:
    if not isinstance(given, str):
        raise NotThis("The list must hold texts.")
    return given


SIMPLE = {
    Kind.INTEGER: whole_number,
    Kind.ALIAS: whole_number,
    Kind.NUMBER: double,
    Kind.FLAG: flag,
    Kind.DATE: date,
    Kind.FOREIGN: mapping,
    Kind.OBJECT: mapping,
    Kind.INTEGERS: list_of(whole_number),
    Kind.TEXTS: list_of(any_text),
    Kind.OBJECTS: list_of(mapping),
    Kind.REFERENCES: list_of(mapping),
}
