"""Deliberate defects of the service, each of which the simulation has to find.

Owns the list: what is broken, how, and in which seeds it shows. A defect is a patch of the real
code while a day is played; nothing of the simulation itself is changed.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from unittest.mock import patch

from app.connectors.pacing import Pacing
from app.domain.errors import FailureKind
from app.domain.order import OrderView
from app.store import placing
from app.store.memory import claiming
from app.store.memory.announcing import Announcing
from app.store.memory.intake import Intake
from app.sync import attempt, endings
from app.sync.attempt import Attempt
from tests.simulation.world import known_scenarios


@dataclass(frozen=True)
class Defect:
    """`seeds`: where it shows, first seed and last. At least one of them has to fail."""

    name: str
    seeds: tuple[int, int]
    plant: Callable[[], AbstractContextManager[Any]]


def _method(owner: Any, name: str, broken: Any) -> Callable[[], AbstractContextManager[Any]]:
    return lambda: patch.object(owner, name, broken)


# --- the exactly-once protocol ---------------------------------------------------------------------


async def _sent_unannounced(
    self: Attempt,
    kind: str,
    key: str,
    evidence: Any,
    send: Any,
    look: Any,
    learn: Any = None,
    **_: Any,
) -> Any:
    await self.guard()
    outcome = await send()
    self._learn_all(learn, outcome)
    await self.save()
    return outcome


async def _surely_nothing(self: Attempt, intent: Any, look: Any) -> None:
    return None


async def _looked_once(self: Attempt, intent: Any, look: Any) -> Any:
    return await look(intent.evidence)


async def _never_settles(self: Attempt, intent: Any, outcome: Any, learn: Any, **_: Any) -> Any:
    return outcome


_begin = Announcing.begin


async def _always_fresh(self: Any, claim: Any, **given: Any) -> Any:
    intent = await _begin(self, claim, **given)
    return replace(intent, fresh=intent.outcome is None)


# --- leases and releases ---------------------------------------------------------------------------


def _for_ever(tables: Any, alive: Any, now: datetime) -> Any:
    """A dead worker's orders are nobody's any more."""
    for row in tables.orders.find("due", True):
        if row["due_at"] <= now and row["lease_owner"] is None:
            yield row


# --- gates, steps, documents -----------------------------------------------------------------------


def _open(*names: str) -> Callable[[], AbstractContextManager[Any]]:
    """Scenarios without these gates."""

    def plant() -> AbstractContextManager[Any]:
        planted = ExitStack()
        for scenario in known_scenarios().values():
            steps = tuple(
                replace(use, gates=tuple(gate for gate in use.gates if gate not in names))
                for use in scenario.steps
            )
            planted.enter_context(_Attribute(scenario, "steps", steps))
        return planted

    return plant


def _loose(name: str) -> Callable[[], AbstractContextManager[Any]]:
    """Scenarios in which this step waits for nothing."""

    def plant() -> AbstractContextManager[Any]:
        planted = ExitStack()
        for scenario in known_scenarios().values():
            steps = tuple(
                replace(use, gates=(), after=()) if use.name == name else use
                for use in scenario.steps
            )
            planted.enter_context(_Attribute(scenario, "steps", steps))
        return planted

    return plant


def _without_step(name: str) -> Callable[[], AbstractContextManager[Any]]:
    def plant() -> AbstractContextManager[Any]:
        planted = ExitStack()
        for scenario in known_scenarios().values():
            steps = tuple(
                replace(use, after=tuple(one for one in use.after if one != name))
                for use in scenario.steps
                if use.name != name
            )
            planted.enter_context(_Attribute(scenario, "steps", steps))
        return planted

    return plant


class _Attribute(AbstractContextManager[None]):
    """Sets an attribute of a frozen object, and puts it back."""

    def __init__(self, owner: Any, name: str, value: Any) -> None:
        self._owner, self._name, self._value = owner, name, value
        self._before = getattr(owner, name)

    def __enter__(self) -> None:
        object.__setattr__(self._owner, self._name, self._value)

    def __exit__(self, *_: object) -> None:
        object.__setattr__(self._owner, self._name, self._before)


def _newest_arrival(old: Any, new: Any) -> Any:
    return new


def _unmarked(self: Any, kind: str, subject: str = "") -> str:
    return ""


async def _counted_each_time(self: Any, delivery: Any) -> Any:
    seen = self._db.tables.inbox_seen
    for known in [key for key, _ in seen.items() if delivery.external_id in str(key)]:
        with self._db.tables.transaction():
            seen.remove(known)
    return await _accept(self, delivery)


_accept = Intake.accept


def _both(*plants: Callable[[], AbstractContextManager[Any]]) -> Callable[[], ExitStack]:
    def plant() -> ExitStack:
        planted = ExitStack()
        for one in plants:
            planted.enter_context(one())
        return planted

    return plant


def _soon(given: Any, otherwise: float) -> float:
    return 0.1


FORGETFUL = frozenset({*attempt.DID_NOTHING, FailureKind.OUTCOME_UNKNOWN})

DEFECTS: tuple[Defect, ...] = (
    Defect("the intent row is skipped", (5, 5), _method(Attempt, "once", _sent_unannounced)),
    Defect("doubt is not looked up", (2, 2), _method(Attempt, "_in_doubt", _surely_nothing)),
    Defect("a not-found is trusted at once", (7, 7), _method(Attempt, "_in_doubt", _looked_once)),
    Defect("an open intent counts as fresh", (2, 2), _method(Announcing, "begin", _always_fresh)),
    Defect(
        "an unknown outcome counts as nothing done",
        (2, 2),
        _method(attempt, "DID_NOTHING", FORGETFUL),
    ),
    Defect("what was made is not remembered", (0, 0), _method(Attempt, "_settle", _never_settles)),
    Defect(
        "a dead worker's orders are not taken over", (0, 0), _method(claiming, "_free", _for_ever)
    ),
    Defect(
        "Retry-After is forgotten",
        (11, 11),
        _both(
            _method(Pacing, "pause", lambda *_: None), _method(endings, "clamp_retry_after", _soon)
        ),
    ),
    Defect("what arrives last is the newest", (0, 0), _method(placing, "merge", _newest_arrival)),
    Defect("a delivery counts each time", (0, 0), _method(Intake, "accept", _counted_each_time)),
    Defect(
        "records are adopted without their marker", (6, 6), _method(OrderView, "marker", _unmarked)
    ),
    Defect("goods may be incomplete", (1, 1), _open("goods_complete")),
    Defect("purchase orders wait for no sales order", (1, 1), _loose("sync_purchase_order")),
    Defect(
        "receipts are taken as they come",
        (0, 0),
        _open("earlier_receipts_received", "receipt_consistent"),
    ),
    Defect("goods are received before they are linked", (9, 9), _without_step("link_demand")),
    Defect("the opportunity is converted unwon", (0, 0), _without_step("win_opportunity")),
)
