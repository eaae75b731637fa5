"""What a rule is, and small things that every rule module uses.

Owns the `Rules` hooks and the arithmetic of money and quantities; must not know any resource.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from sandbox.connectwise.model.store import Row, View
from sandbox.connectwise.model.world import World

Extras = dict[str, Any]
"""Fields of a body that are acted upon and never stored, and notes from before a save to after."""

Save = Callable[[World, Row | None, Row, Extras], None]
Remove = Callable[[World, Row], None]
Computed = Callable[[World, View, Row], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Rules:
    """The business rules of one resource.

    `before_save` gets the stored row (None on create) and the coming one, which it may change, or
    raises `Refusal`. `after_save` gets the same with the coming row stored.
    """

    before_save: Save | None = None
    after_save: Save | None = None
    before_delete: Remove | None = None
    after_delete: Remove | None = None
    computed: Computed | None = None


def decimal(value: Any) -> Decimal:
    return Decimal(str(value or 0))


def money(value: Decimal) -> float:
    """Two places, halves up, as the wire's number."""
    return float(value.quantize(Decimal("0.01"), ROUND_HALF_UP))


def amount(value: Decimal) -> float:
    return float(value)


def default_place(world: World) -> dict[str, Any]:
    """Location and business unit of the API member: what a record gets when it names none."""
    for member in world.find("member", "identifier", world.api_member):
        return {
            "location": member.get("defaultLocation"),
            "department": member.get("defaultDepartment"),
        }
    return {"location": None, "department": None}


def fill(row: Row, **values: Any) -> None:
    """Sets the fields that are still null."""
    for name, value in values.items():
        if row.get(name) is None and value is not None:
            row[name] = value


def changed(old: Row | None, new: Row, *names: str) -> bool:
    return old is None or any(old.get(name) != new.get(name) for name in names)
