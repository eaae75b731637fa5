"""ConnectWise's `conditions` language, written only from typed values.

Owns the one way into a condition: numbers, booleans, moments, and text of harmless characters.
How a quote is escaped there is documented nowhere, so any other text is refused (Unsafe) and the
caller reads a superset and compares in code. Nothing may build a condition by other means.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

SAFE_TEXT = re.compile(r"[A-Za-z0-9 ._-]+")
SAFE_TEXT_LENGTH = 100
FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(/[A-Za-z_][A-Za-z0-9_]*)*")
# An address of 2,000 characters is the vendor's advice; path, paging and fields need some.
ROOM = 1_500
LISTED = 100

Value = int | bool | datetime | str


class Unsafe(ValueError):
    """The text may not stand in a condition. Read a superset and compare in code."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A finished condition. Made by the functions of this module only."""

    text: str

    def __and__(self, other: Condition) -> Condition:
        return Condition(f"{self.text} and {other.text}")

    def __or__(self, other: Condition) -> Condition:
        return Condition(f"({self._part()} or {other._part()})")

    def _part(self) -> str:
        """What binds tighter is documented nowhere, so parentheses say it."""
        return f"({self.text})" if " and " in self.text else self.text

    @property
    def encoded(self) -> str:
        """Percent-encoded for a query string, blanks as %20."""
        return quote(self.text, safe="")


def is_safe(text: str) -> bool:
    """Whether the text may stand in a condition as it is."""
    return len(text) <= SAFE_TEXT_LENGTH and SAFE_TEXT.fullmatch(text) is not None


def _literal(value: Value) -> str:
    if isinstance(value, bool):
        return "True" if value else "False"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise Unsafe("a moment in a condition needs a time zone")
        return f"[{value.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}]"
    if not is_safe(value):
        raise Unsafe("the text holds characters that may not stand in a condition")
    return f'"{value}"'


def _field(name: str) -> str:
    if FIELD.fullmatch(name) is None:
        raise Unsafe("not the name of a field")
    return name


def equals(field: str, value: Value) -> Condition:
    """Raises Unsafe for text that may not stand in a condition."""
    return Condition(f"{_field(field)}={_literal(value)}")


def above(field: str, value: int | datetime) -> Condition:
    return Condition(f"{_field(field)}>{_literal(value)}")


def since(field: str, value: int | datetime) -> Condition:
    return Condition(f"{_field(field)}>={_literal(value)}")


def resembles(field: str, run: str) -> Condition:
    """Records whose text holds this run somewhere: a superset, to be compared in code.

    Raises Unsafe for a run that may not stand in a condition.
    """
    return Condition(f'{_field(field)} like "*{_literal(run)[1:-1]}*"')


def among(field: str, values: Sequence[int] | Sequence[str]) -> Iterator[Condition]:
    """One condition or several: lists are cut so that an address stays short enough.

    Raises Unsafe for text that may not stand in a condition.
    """
    name = _field(field)
    batch: list[str] = []
    size = 0
    for value in values:
        literal = _literal(value)
        cost = len(quote(literal, safe="")) + 3
        if batch and (len(batch) >= LISTED or size + cost > ROOM):
            yield Condition(f"{name} in ({','.join(batch)})")
            batch, size = [], 0
        batch.append(literal)
        size += cost
    if batch:
        yield Condition(f"{name} in ({','.join(batch)})")


def longest_safe_run(text: str) -> str:
    """The longest part of a text that may stand in a condition, "" when there is none.

    Blanks at its ends are cut off: whether ConnectWise keeps them is not documented.
    """
    runs = (run.strip()[:SAFE_TEXT_LENGTH].strip() for run in SAFE_TEXT.findall(text))
    return max(runs, key=len, default="")
