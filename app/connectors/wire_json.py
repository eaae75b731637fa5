"""JSON as vendors send and take it: numbers exact in both directions, otherwise lenient.

Owns reading answers (Decimals, doubled keys tolerated) and writing requests (a Decimal leaves as
the number it is, never through a float). Must not know any vendor's fields.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from json.encoder import encode_basestring
from typing import Any

from pydantic import ValidationError

# Far beyond any amount or id. Larger exponents are refused, because they cost gigabytes later.
MAX_MAGNITUDE = 60


# What reading a record of another shape than the vendor describes may raise, pydantic's own
# ValidationError (a ValueError) among it.
MISSHAPEN = (
    ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError,
)  # fmt: skip


class NotReadable(ValueError):
    """The bytes are not JSON, or hold a number that no record holds."""


def _fraction(text: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation as cause:
        raise NotReadable("a number cannot be read") from cause
    if abs(value.adjusted()) > MAX_MAGNITUDE or len(text) > MAX_MAGNITUDE:
        raise NotReadable("a number is out of range")
    return value


def _integer(text: str) -> int:
    if len(text) > MAX_MAGNITUDE:
        raise NotReadable("a number is out of range")
    return int(text)


def _constant(text: str) -> Any:
    raise NotReadable(f"{text} is not a number")


def loads(body: bytes | str) -> Any:
    """Read JSON with Decimal for fractions. Raises NotReadable. A doubled key: the last counts."""
    try:
        text = body.decode("utf-8-sig") if isinstance(body, bytes) else body
        return json.loads(text, parse_float=_fraction, parse_int=_integer, parse_constant=_constant)
    except NotReadable:
        raise
    except (ValueError, RecursionError) as cause:
        raise NotReadable(str(cause)[:200]) from cause


def why(cause: Exception) -> str:
    """What is wrong with a record, as a sentence without the record's own values."""
    if isinstance(cause, ValidationError):
        first = cause.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the record"
        return f"{place}: {first['msg']}"
    said = str(cause) if isinstance(cause, ValueError) else ""
    return said or f"it has another shape than described ({type(cause).__name__})"


def identity(record: Any, name: str, place: int) -> str:
    """What makes a record one across the pages of a list, which shift while they are read: its id,
    else what it says and where on its page it stands."""
    found = record.get(name) if isinstance(record, Mapping) else None
    return str(found) if isinstance(found, (str, int)) else f"{place}: {record!r}"


def number(value: Decimal) -> str:
    """A Decimal as a JSON number without loss: 239.0 → 239, 180.55 → 180.55.

    Raises ValueError for what JSON has no number for.
    """
    if not value.is_finite():
        raise ValueError(f"{value} is not a number that can be sent")
    if abs(value.adjusted()) > MAX_MAGNITUDE:
        raise ValueError("the number is out of range")
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text


def dumps(value: Any) -> str:
    """Compact JSON text. Raises TypeError for a type that JSON has no form for."""
    if isinstance(value, Decimal):
        return number(value)
    if isinstance(value, Mapping):
        members = (f"{_text(str(key))}:{dumps(item)}" for key, item in value.items())
        return "{" + ",".join(members) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(dumps(item) for item in value) + "]"
    if isinstance(value, str):
        return _text(value)
    return json.dumps(value, allow_nan=False)


def _text(value: str) -> str:
    # What json.dumps(value, ensure_ascii=False) comes to, without an encoder made for each text.
    return encode_basestring(value)


def encode(value: Any) -> bytes:
    """`dumps` as UTF-8. A lone surrogate, which UTF-8 cannot carry, is sent as U+FFFD."""
    return dumps(value).encode("utf-8", "surrogatepass").decode("utf-8", "replace").encode()
