"""JSON without loss: numbers enter as Decimal and leave as they were.

Owns the canonical form in which documents are kept and compared: whole numbers as integers,
all others as decimal strings, keys sorted. 10, 10.0 and 1e1 are one value in it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import Any

MAX_DIGITS = 40
MAX_DEPTH = 64
_PLAIN = frozenset((str, int, bool, type(None)))


class NotJson(ValueError):
    """The body is not JSON, or is JSON that no document may be (too deep, huge numbers)."""


def _number(text: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation as cause:
        raise NotJson(f"number {text[:20]!r} cannot be read") from cause
    if len(text) > MAX_DIGITS or abs(value.adjusted()) > MAX_DIGITS:
        raise NotJson(f"number {text[:20]}… is out of range")
    return value


def _integer(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise NotJson(f"number {text[:20]}… is out of range")
    return int(text)


def _constant(text: str) -> Any:
    raise NotJson(f"{text} is not a JSON number")


def _object(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in pairs:
        if key in result:
            raise NotJson(f"the key {key[:40]!r} stands twice in one object")
        result[key] = value
    return result


def loads(body: bytes | str) -> Any:
    """Read JSON with Decimal for fractions.

    Raises NotJson for anything that is not strict JSON in UTF-8: NaN, duplicate keys, numbers
    beyond 40 digits, nesting beyond 64 levels.
    """
    try:
        text = body.decode("utf-8") if isinstance(body, bytes) else body
        value = json.loads(
            text,
            parse_float=_number,
            parse_int=_integer,
            parse_constant=_constant,
            object_pairs_hook=_object,
        )
    except NotJson:
        raise
    except (ValueError, RecursionError) as cause:
        raise NotJson(str(cause)[:200]) from cause
    _check_depth(value, 0)
    return value


def _check_depth(value: Any, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise NotJson(f"nested deeper than {MAX_DEPTH} levels")
    children = (
        value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    )
    for child in children:
        _check_depth(child, depth + 1)


def canonical(value: Any) -> Any:
    """The value with numbers in canonical form (see the module's docstring)."""
    if type(value) in _PLAIN:  # most of them, and this is asked of every value of every document
        return value
    if isinstance(value, dict):
        return {key: canonical(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [canonical(item) for item in value]
    if isinstance(value, Decimal):
        if value == value.to_integral_value():
            return int(value)
        # Not normalize(): it rounds to the context's 28 digits.
        return format(value, "f").rstrip("0")
    return value


def dumps(value: Any) -> str:
    """Canonical text: sorted keys, no blanks, Decimals in canonical form."""
    return json.dumps(canonical(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest(value: Any) -> str:
    """SHA-256 of the canonical text, in hexadecimal."""
    return hashlib.sha256(dumps(value).encode("utf-8", "surrogatepass")).hexdigest()
