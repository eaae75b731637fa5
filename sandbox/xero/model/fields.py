"""The declarative language of the record tables, and the reading of a client's body by it.

Owns the token syntax: `Name:kind`, with `~` before the colon for what only Xero writes. A body's
unknown fields are ignored, as Xero does; a value of the wrong kind makes the whole post invalid.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Any

from sandbox.xero.model.errors import Invalid, post_data
from sandbox.xero.model.values import is_guid, read_date

TOKEN = re.compile(r"(\w+)(~?):([a-z])(\d*)(?:\(([\w|-]*)\))?$")
LARGEST = Decimal(10) ** 13


class Kind(Enum):
    """What a field holds; the value is the letter in a table's token."""

    TEXT = "s"
    NUMBER = "n"
    FLAG = "b"
    DATE = "d"
    MOMENT = "m"
    CHOICE = "e"
    GUID = "g"
    OBJECT = "o"
    LIST = "l"


@dataclass(frozen=True, slots=True)
class Field:
    """One field. `path` is where its value lies in a row, for conditions."""

    name: str
    kind: Kind
    computed: bool = False
    longest: int | None = None
    choices: tuple[str, ...] = ()


def fields_of(text: str) -> dict[str, Field]:
    """Parses a table's tokens, separated by blanks."""
    found: dict[str, Field] = {}
    for token in text.split():
        match = TOKEN.match(token)
        if match is None:
            raise ValueError(f"not a field token: {token}")
        name, computed, letter, longest, choices = match.groups()
        found[name] = Field(
            name,
            Kind(letter),
            bool(computed),
            int(longest) if longest else None,
            tuple(choices.split("|")) if choices else (),
        )
    return found


def object_of(value: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise post_data(f"{what} is not an object")
    return value


def list_of(value: Any, what: str) -> list[Any]:
    if not isinstance(value, list):
        raise post_data(f"{what} is not an array")
    return value


def read(fields: Mapping[str, Field], body: Mapping[str, Any]) -> dict[str, Any]:
    """The plain fields of a body in the form in which they are kept. Objects and lists are left to
    the record's own rules. Null is as good as absent. Raises `Invalid`, and `Refusal` 17."""
    kept: dict[str, Any] = {}
    problems: list[str] = []
    for name, value in body.items():
        field = fields.get(name)
        if field is None or field.computed or value is None:
            continue
        if field.kind in {Kind.OBJECT, Kind.LIST}:
            continue
        kept[name] = _value(field, value)
        if field.longest is not None and len(kept[name]) > field.longest:
            problems.append(f"{name} must not be longer than {field.longest} characters")
    if problems:
        raise Invalid(*problems)
    return kept


def _value(field: Field, value: Any) -> Any:
    reader = READERS[field.kind]
    found = reader(value)
    if found is None or (field.choices and found not in field.choices):
        raise post_data(f"JSON for post data was invalid, could not read {field.name}: {value!r}")
    return found


def _text(value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        return None
    return str(value)


def _number(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        return None
    try:
        number = Decimal(value)
    except ArithmeticError:
        return None
    return number if number.is_finite() and abs(number) < LARGEST else None


def _flag(value: Any) -> bool | None:
    if isinstance(value, str) and value.lower() in {"true", "false"}:
        return value.lower() == "true"
    return value if isinstance(value, bool) else None


def _guid(value: Any) -> str | None:
    return value.lower() if isinstance(value, str) and is_guid(value) else None


READERS: dict[Kind, Any] = {
    Kind.TEXT: _text,
    Kind.CHOICE: _text,
    Kind.NUMBER: _number,
    Kind.FLAG: _flag,
    Kind.DATE: lambda value: read_date(value) if isinstance(value, str) else None,
    Kind.GUID: _guid,
}
