"""Personal values that the call log leaves out, kept beside it for who may be shown them.

Owns what of a request and its answer is sealed, and how it is put back for a person. Secrets are
never among it: what lets somebody in is shown to nobody (docs/decisions/0061). Knows no key.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeAlias

from app.connectors import wire_json
from app.connectors.recording import (
    KEPT_CHARACTERS,
    KEPT_NODES,
    REMOVED,
    is_secret,
    members,
    redacted,
)

REQUEST, ANSWER = "request", "response"
Seal: TypeAlias = Callable[[bytes], bytes]
"""Encrypts what is kept."""


@dataclass(frozen=True, slots=True)
class Value:
    """A value that was taken out: of the request or the answer, by its JSON Pointer."""

    side: str
    field: str
    value: Any


def without_secrets(value: Any) -> Any:
    """The value as a person may be shown it who may see personal data: without secrets, and of a
    long one its beginning."""
    return _Open().of(value)


class _Open:
    """One walk, as long as the redaction's."""

    def __init__(self) -> None:
        self.left = KEPT_NODES

    def of(self, value: Any) -> Any:
        self.left -= 1
        if isinstance(value, Mapping):
            return {
                name: REMOVED if _hidden(named, item) else self.of(item)
                for name, named, item in members(value)
            }
        if isinstance(value, (list, tuple)):
            kept = [self.of(item) for item in value if self.left > 0]
            return kept if len(kept) == len(value) else [*kept, _more(value, kept)]
        return value


def _hidden(named: str, item: Any) -> bool:
    return is_secret(named) and item is not None and not isinstance(item, bool)


def _more(value: Sequence[Any], kept: Sequence[Any]) -> str:
    return f"[{len(value) - len(kept)} more]"


def seal_call(
    seal: Seal, request: bytes, response: bytes | None, *, people: bool = False
) -> bytes | None:
    """The personal values that redaction takes out of a call, sealed; None: there are none."""
    found: dict[str, dict[str, Any]] = {}
    for side, body in ((REQUEST, request), (ANSWER, response)):
        if body and (taken := _taken_of(body, people=people)):
            found[side] = taken
    return seal(wire_json.encode(found)) if found else None


def _taken_of(body: bytes, *, people: bool) -> dict[str, Any]:
    """By their pointers, as many as fit into what is kept of a body."""
    found: dict[str, Any] = {}
    size = 0
    try:
        value = wire_json.loads(body)
        for pointer, taken in _taken(value, redacted(value, people=people), ""):
            size += len(pointer) + len(wire_json.dumps(taken))
            if size > KEPT_CHARACTERS:
                break
            found[pointer] = taken
    except (wire_json.NotReadable, RecursionError):
        return found  # nobody can say which of its words are secret
    return found


def _taken(value: Any, kept: Any, pointer: str) -> Iterator[tuple[str, Any]]:
    """Where what is kept says something else than what was there."""
    if isinstance(value, Mapping) and isinstance(kept, Mapping):
        for name, named, item in members(value):
            if not is_secret(named):
                yield from _taken(item, kept[name], f"{pointer}/{_escaped(name)}")
    elif isinstance(value, (list, tuple)) and isinstance(kept, list):
        whole = len(kept) if len(kept) == len(value) and not _cut(value, kept) else len(kept) - 1
        for place in range(whole):
            yield from _taken(value[place], kept[place], f"{pointer}/{place}")
    elif kept != value:
        yield pointer, without_secrets(value)


def _cut(value: Sequence[Any], kept: Sequence[Any]) -> bool:
    """Whether the last of what is kept only tells that there was more."""
    return bool(kept) and kept[-1] == _more(value, kept[:-1])


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def values_in(opened: bytes) -> list[Value]:
    """The values of a call, from what was sealed of it."""
    sides = wire_json.loads(opened)
    return [
        Value(side, pointer, plain(value))
        for side in (REQUEST, ANSWER)
        for pointer, value in sides.get(side, {}).items()
    ]


def put_back(kept: str | None, side: str, values: Sequence[Value]) -> str | None:
    """A kept body with its values in their places; as it is where its end was cut off."""
    mine = [value for value in values if value.side == side]
    if kept is None or not mine:
        return kept
    try:
        body = wire_json.loads(kept)
        for one in mine:
            body = _put(body, one.field.split("/")[1:], one.value)
    except (wire_json.NotReadable, LookupError, TypeError, ValueError):
        return kept
    return wire_json.dumps(body)


def _put(body: Any, names: Sequence[str], value: Any) -> Any:
    if not names:
        return value
    name = names[0].replace("~1", "/").replace("~0", "~")
    if isinstance(body, list):
        place = int(name)
        body[place] = _put(body[place], names[1:], value)
    else:
        body[name] = _put(body[name], names[1:], value)
    return body


def plain(value: Any) -> Any:
    """A value as JSON has it: exact numbers become ordinary ones."""
    return json.loads(json.dumps(value, default=_number))


def _number(value: Any) -> float:
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"{type(value).__name__} does not stand in JSON")
