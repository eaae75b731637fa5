"""Queries in QuickBooks' own language, written so that no text of a document can change them.

Owns quoting and the form of a query (accounting.md 2.1). Pure.
"""

from __future__ import annotations

from dataclasses import dataclass

LARGEST_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Where:
    """`field` and `operator` are ours, `values` may hold any text. Several values: any of them."""

    field: str
    values: tuple[str, ...]
    operator: str = "="

    @property
    def text(self) -> str:
        if self.operator == "IN":
            return f"{self.field} IN ({', '.join(quoted(value) for value in self.values)})"
        return f"{self.field} {self.operator} {quoted(self.values[0])}"


# Records that were made inactive show only when a query speaks of it.
ACTIVE_OR_NOT = Where("Active", ("true", "false"), "IN")


def equals(field: str, value: str) -> Where:
    return Where(field, (value,))


def quoted(value: str) -> str:
    """A text as a literal. Truth values stand without quotes."""
    if value in {"true", "false"}:
        return value
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


# All columns leave some out: python-quickbooks asks for this one by name, and so do we.
BESIDES = {"Item": "Sku"}


def select(entity: str, *conditions: Where, start: int = 1) -> str:
    """All columns of an entity, one page. There is no OR: ask twice."""
    columns = f"*, {BESIDES[entity]}" if entity in BESIDES else "*"
    parts = [f"SELECT {columns} FROM {entity}"]  # noqa: S608 - no SQL; entities are ours
    if conditions:
        parts.append("WHERE " + " AND ".join(each.text for each in conditions))
    parts.append(f"STARTPOSITION {start} MAXRESULTS {LARGEST_PAGE}")
    return " ".join(parts)
