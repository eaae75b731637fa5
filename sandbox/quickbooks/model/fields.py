"""The declarative language of the entity tables, one token a field, and reading values by it.

A token is `Name[*][-]:kind`. `*` required on create, `-` kept by the rules and ignored when a
client sends it. Kinds: `s` text (`s21` at most so long), `n` number, `i` whole number, `b` flag,
`d` date, `e(A|B)` choice (`_` stands for a blank), `r(Vendor)` reference to a record kept here,
`x` reference to anything else, `o` object, `lo` list of objects. Must not know any entity.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from sandbox.quickbooks.model import errors

TOKEN = re.compile(r"(\w+)(\*?)(-?):(lo|[snibderxo])(\d*)(?:\(([^)]*)\))?$")
# Of every record; a client sends them back as it read them.
ENVELOPE = frozenset({"Id", "SyncToken", "MetaData", "domain", "status", "sparse"})
LARGEST = Decimal(99999999999)


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    kind: str
    required: bool = False
    kept: bool = False
    longest: int | None = None
    choices: tuple[str, ...] = ()
    target: str = ""


def parse_fields(text: str) -> dict[str, Field]:
    fields: dict[str, Field] = {}
    for token in text.split():
        match = TOKEN.match(token)
        if match is None:
            raise ValueError(f"not a field token: {token}")
        name, required, kept, kind, longest, argument = match.groups()
        choices = tuple((argument or "").replace("_", " ").split("|")) if kind == "e" else ()
        fields[name] = Field(
            name,
            kind,
            required=bool(required),
            kept=bool(kept),
            longest=int(longest) if longest else None,
            choices=choices,
            target=(argument or "") if kind == "r" else "",
        )
    return fields


def read_fields(fields: Mapping[str, Field], body: Mapping[str, Any], where: str = "") -> Any:
    """The values of a body by its table. Empty texts count as absent, as the vendor counts them.
    Raises Fault. References are read for their shape only; whether they exist is for the rules."""
    values: dict[str, Any] = {}
    for name, given in body.items():
        field = fields.get(name)
        if field is None:
            if not where and name in ENVELOPE:
                continue
            raise errors.unsupported(f"{where}{name}")
        if field.kept or given is None or given == "":
            continue
        value = read_value(field, given, f"{where}{name}")
        if value is not None:
            values[name] = value
    return values


def read_value(field: Field, given: Any, name: str) -> Any:
    return READERS[field.kind](field, given, name)


def number(given: Any, name: str) -> Decimal:
    """A number, also where it comes as text: the vendor's own kits send it so."""
    if isinstance(given, bool) or not isinstance(given, int | Decimal | str):
        raise errors.invalid_number(name)
    try:
        value = Decimal(given)
    except InvalidOperation:
        raise errors.invalid_number(name) from None
    if not value.is_finite() or abs(value) > LARGEST:
        raise errors.invalid_number(name)
    return value


def _text(field: Field, given: Any, name: str) -> str:
    if isinstance(given, dict | list | bool):
        raise errors.unsupported(name)
    text = str(given)
    if field.longest is not None and len(text) > field.longest:
        raise errors.too_long(name, field.longest, len(text))
    return text


def _number(field: Field, given: Any, name: str) -> Decimal:
    del field
    return number(given, name)


def _whole(field: Field, given: Any, name: str) -> int:
    del field
    return int(number(given, name))


def _flag(field: Field, given: Any, name: str) -> bool:
    del field
    if isinstance(given, bool):
        return given
    if isinstance(given, str) and given.lower() in {"true", "false"}:
        return given.lower() == "true"
    raise errors.unsupported(name)


def _date(field: Field, given: Any, name: str) -> str:
    del field
    try:
        return date.fromisoformat(str(given)[:10]).isoformat()
    except ValueError:
        raise errors.unsupported(name) from None


def _choice(field: Field, given: Any, name: str) -> str:
    if given not in field.choices:
        raise errors.invalid_choice(name, given)
    return str(given)


def _reference(field: Field, given: Any, name: str) -> dict[str, str] | None:
    del field
    if not isinstance(given, Mapping):
        raise errors.unsupported(name)
    value = given.get("value")
    if value is None or value == "":
        return None
    if isinstance(value, dict | list | bool):
        raise errors.unsupported(f"{name}.value")
    return {"value": str(value)} | ({"name": str(given["name"])} if given.get("name") else {})


def _object(field: Field, given: Any, name: str) -> dict[str, Any]:
    del field
    if not isinstance(given, Mapping):
        raise errors.unsupported(name)
    return dict(given)


def _objects(field: Field, given: Any, name: str) -> list[dict[str, Any]] | None:
    del field
    if not isinstance(given, list) or not all(isinstance(each, Mapping) for each in given):
        raise errors.unsupported(name)
    return [dict(each) for each in given] or None


READERS = {
    "s": _text,
    "n": _number,
    "i": _whole,
    "b": _flag,
    "d": _date,
    "e": _choice,
    "r": _reference,
    "x": _reference,
    "o": _object,
    "lo": _objects,
}
