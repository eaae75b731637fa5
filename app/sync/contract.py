"""The Commerce events' JSON Schema, compiled once into a check that is fast and tells no values.

Owns the keywords that the schema uses; any other stops the start, so that a changed schema cannot
be half obeyed. Own code because jsonschema takes ten times as long (0.9 ms a body, measured)
and puts the refused values, which may be personal data, into its messages.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import cache
from typing import Any

from app.sync.contract_fields import schema

Check = Callable[[Any, str, list[str]], None]

MAX_CAUSES = 8
# What both readers of dates (pydantic and fromisoformat) understand, in years that survive a
# change of zone. Without an offset UTC is read: the vendor's zone is not documented.
_MOMENT = re.compile(
    r"(19|2\d)\d\d-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])"
    r"[T ]([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,9})?)?(Z|[+-]([01]\d|2[0-3]):?[0-5]\d)?",
    re.ASCII,
)
_SILENT = {"$schema", "$defs", "title", "description", "additionalProperties"}


def violations(event_type: str, body: Mapping[str, Any]) -> str | None:
    """What breaks the contract of this event type, naming each wrong field; None: nothing.

    Raises KeyError for a type that the contract does not list.
    """
    found: list[str] = []
    _checks()[event_type](body, "", found)
    if not found:
        return None
    more = f" and {len(found) - MAX_CAUSES} more" if len(found) > MAX_CAUSES else ""
    return "; ".join(found[:MAX_CAUSES]) + more


@cache
def _checks() -> dict[str, Check]:
    """One check for each event type: the branch of `oneOf` that lists it."""
    whole = schema()
    compiler = _Compiler(whole["$defs"])
    checks: dict[str, Check] = {}
    for branch in whole["oneOf"]:
        check = compiler.compile(branch)
        checks.update(dict.fromkeys(branch["properties"]["type"]["enum"], check))
    return checks


class _Compiler:
    def __init__(self, definitions: Mapping[str, Any]) -> None:
        self._definitions = definitions
        self._known: dict[str, Check] = {}

    def compile(self, node: Mapping[str, Any]) -> Check:
        parts = [
            getattr(self, f"_{keyword.lstrip('$')}")(value, node)
            for keyword, value in node.items()
            if keyword not in _SILENT
        ]
        first = [part for part in parts if part.__name__ == "of_type"]
        rest = [part for part in parts if part.__name__ != "of_type"]
        if not rest:
            return first[0] if first else _anything
        if len(parts) == 1:
            only: Check = rest[0]
            return only

        def all_of(value: Any, path: str, found: list[str]) -> None:
            before = len(found)
            for part in first:
                part(value, path, found)
            # The other keywords would only repeat that the type is wrong.
            if len(found) == before:
                for part in rest:
                    part(value, path, found)

        return all_of

    def _ref(self, value: str, _node: Mapping[str, Any]) -> Check:
        name = value.removeprefix("#/$defs/")
        if name not in self._known:
            self._known[name] = self.compile(self._definitions[name])
        return self._known[name]

    def _type(self, value: str | Sequence[str], _node: Mapping[str, Any]) -> Check:
        names = (value,) if isinstance(value, str) else tuple(value)
        tests = [_TYPES[name] for name in names]
        sentence = f"must be {' or '.join(names)}"
        if len(tests) == 1:
            test = tests[0]
        else:

            def test(item: Any) -> bool:
                return any(one(item) for one in tests)

        def of_type(item: Any, path: str, found: list[str]) -> None:
            if not test(item):
                found.append(f"{path or 'body'}: {sentence}")

        return of_type

    def _properties(self, value: Mapping[str, Any], _node: Mapping[str, Any]) -> Check:
        checks = [(name, self.compile(node)) for name, node in value.items()]

        def properties(item: Any, path: str, found: list[str]) -> None:
            if isinstance(item, dict):
                for name, check in checks:
                    if name in item:
                        check(item[name], f"{path}/{name}" if path else name, found)

        return properties

    def _required(self, value: Sequence[str], _node: Mapping[str, Any]) -> Check:
        def required(item: Any, path: str, found: list[str]) -> None:
            if isinstance(item, dict):
                found.extend(
                    f"{path}/{name}: is required" if path else f"{name}: is required"
                    for name in value
                    if name not in item
                )

        return required

    def _items(self, value: Mapping[str, Any], _node: Mapping[str, Any]) -> Check:
        check = self.compile(value)

        def items(item: Any, path: str, found: list[str]) -> None:
            if isinstance(item, list):
                for number, one in enumerate(item):
                    check(one, f"{path}/{number}", found)

        return items

    def _enum(self, value: Sequence[Any], _node: Mapping[str, Any]) -> Check:
        sentence = f"must be one of {', '.join(map(str, value))}"

        def enum(item: Any, path: str, found: list[str]) -> None:
            if item not in value:
                found.append(f"{path}: {sentence}")

        return enum

    def _format(self, value: str, _node: Mapping[str, Any]) -> Check:
        if value != "date-time":
            raise NotImplementedError(f"format {value}")

        def moment(item: Any, path: str, found: list[str]) -> None:
            if isinstance(item, str) and not _MOMENT.fullmatch(item):
                found.append(f"{path}: must be a date and time, as in 2026-11-19T10:02:05Z")

        return moment

    def _minimum(self, value: int, _node: Mapping[str, Any]) -> Check:
        def minimum(item: Any, path: str, found: list[str]) -> None:
            if _number(item) and item < value:
                found.append(f"{path}: must be at least {value}")

        return minimum

    def _minItems(self, value: int, _node: Mapping[str, Any]) -> Check:  # noqa: N802 - a keyword
        def min_items(item: Any, path: str, found: list[str]) -> None:
            if isinstance(item, list) and len(item) < value:
                found.append(f"{path}: must have at least {value} entry")

        return min_items


def _anything(_value: Any, _path: str, _found: list[str]) -> None:
    return None


def _integer(value: Any) -> bool:
    if isinstance(value, Decimal):
        return value == value.to_integral_value()
    return isinstance(value, int) and not isinstance(value, bool)


def _number(value: Any) -> bool:
    return isinstance(value, (int, Decimal)) and not isinstance(value, bool)


_TYPES: dict[str, Callable[[Any], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "integer": _integer,
    "number": _number,
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
}
