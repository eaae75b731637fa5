"""Deliberate defects of the service, each of which the simulation has to find.

Owns the list: what is broken, how, and on which day it shows. A defect is a patch of the real
code while a day is played; nothing of the simulation itself is changed.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from app.connectors.pacing import Pacing
from app.domain.errors import DID_NOTHING, FailureKind
from app.domain.order import OrderView
from app.store import placing
from app.store.memory import claiming
from app.store.memory.announcing import Announcing
from app.store.memory.intake import Intake
from app.store.memory.recording import Recording
from app.sync import attempt, endings, patience, unsettled
from app.sync.attempt import Attempt
from app.sync.clock_watch import ClockWatch
from app.sync.drive import Lease
from tests.simulation.premises import known_scenarios


@dataclass(frozen=True)
class Defect:
    """`seed`: the day on which it shows, small or usual."""

    name: str
    seed: int
    plant: Callable[[], AbstractContextManager[Any]]
    small: bool = True


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


class _AnyToken(str):
    """Equal to every lease token, so that a check of it says nothing."""

    __slots__ = ()

    def __ne__(self, other: object) -> bool:
        return False

    __hash__ = str.__hash__


class _AnyNumber(int):
    """Equal to every wake number."""

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = int.__hash__


_commit = Recording.commit


async def _by_anybody(self: Any, writes: Any, release: Any = None) -> Any:
    return await _commit(self, replace(writes, token=_AnyToken(writes.token)), release)


async def _released_plainly(self: Any, writes: Any, release: Any = None) -> Any:
    plainly = release and replace(release, wake_seq=_AnyNumber(release.wake_seq))
    return await _commit(self, writes, plainly)


def _still_held(self: Lease, now: float) -> float:
    return self.confirmed + self.seconds - now


_claim_shared = Announcing.claim_shared


async def _everybodys(self: Any, claim: Any, kind: str, key: str, lease: Any) -> Any:
    answer = await _claim_shared(self, claim, kind, key, lease)
    return replace(answer, owned=True)


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


def _nothing(*_: Any) -> None:
    return None


def _unseen(self: ClockWatch, before: float, shown: datetime, after: float) -> datetime:
    return shown


def _soon(given: Any, otherwise: float) -> float:
    return 0.1


FORGETFUL = frozenset({*DID_NOTHING, FailureKind.OUTCOME_UNKNOWN})

DEFECTS: tuple[Defect, ...] = (
    Defect("the intent row is skipped", 6, _method(Attempt, "once", _sent_unannounced)),
    Defect("doubt is not looked up", 0, _method(Attempt, "_in_doubt", _surely_nothing)),
    Defect("a not-found is trusted at once", 15, _method(Attempt, "_in_doubt", _looked_once)),
    Defect("an open intent counts as fresh", 0, _method(Announcing, "begin", _always_fresh)),
    Defect(
        "an unknown outcome counts as nothing done",
        0,
        _method(attempt, "DID_NOTHING", FORGETFUL),
    ),
    Defect("what was made is not remembered", 1, _method(Attempt, "_settle", _never_settles)),
    Defect("a dead worker's orders are not taken over", 2, _method(claiming, "_free", _for_ever)),
    Defect("anybody may commit", 6, _method(Recording, "commit", _by_anybody)),
    Defect("a release forgets what came in", 6, _method(Recording, "commit", _released_plainly)),
    Defect("the lease is not looked at", 42, _method(Attempt, "_lasts", lambda _: True)),
    Defect("a lost session is not noticed", 42, _method(Lease, "left", _still_held)),
    Defect("shared claims are ignored", 50, _method(Announcing, "claim_shared", _everybodys)),
    Defect("late changes are not waited for", 81, _method(unsettled, "until", _nothing)),
    Defect(
        "doubt counts from the announcement",
        247,
        _method(patience, "unsettled", SimpleNamespace(**{**vars(unsettled), "noticed": _nothing})),
    ),
    Defect("a lag is trusted at once", 5, _method(patience, "lagging", _nothing)),
    Defect(
        "Retry-After is forgotten",
        7,
        _both(
            _method(Pacing, "pause", lambda *_: None), _method(endings, "clamp_retry_after", _soon)
        ),
    ),
    Defect("what arrives last is the newest", 6, _method(placing, "merge", _newest_arrival)),
    Defect("a delivery counts each time", 2, _method(Intake, "accept", _counted_each_time)),
    Defect(
        "records are adopted without their marker", 115, _method(OrderView, "marker", _unmarked)
    ),
    Defect("goods may be incomplete", 1, _open("goods_complete")),
    Defect("purchase orders wait for no sales order", 0, _loose("sync_purchase_order")),
    Defect(
        "receipts are taken as they come",
        1,
        _open("earlier_receipts_received", "receipt_consistent"),
    ),
    Defect("goods are received before they are linked", 10, _without_step("link_demand")),
    Defect("the opportunity is converted unwon", 6, _without_step("win_opportunity")),
)
# Chance seldom meets the moment: its days are those of `test_leaps`, on which leaps are aimed at it.
UNSEEN = Defect("a leap of the clock is not seen", 1, _method(ClockWatch, "saw", _unseen))
