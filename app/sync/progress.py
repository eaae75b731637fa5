"""How far a replay is: what became of each of its orders, and where they stand now.

Owns what a door is told of a result. A result is the replay's own and does not change; where the
order stands now is told beside it. Pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from app.domain.codes import State
from app.domain.costs import Cost
from app.domain.records import OrderRow
from app.domain.results import (
    EXPIRED_SENTENCE,
    NOT_STARTED,
    NOT_STARTED_SENTENCE,
    UNKEPT_SENTENCE,
    ReplayResult,
    rests,
)
from app.domain.views import Replay, ReplayItem, ReplayState


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an order stands now, whatever brought it there."""

    state: State
    code: str | None
    sentence: str | None


@dataclass(frozen=True, slots=True)
class ItemProgress:
    """One order of a replay. `settled`: the worker is through with it. `result`: how its run ended,
    None while it has not, and where that was not kept."""

    item: ReplayItem
    settled: bool
    result: ReplayResult | None = None
    now: Standing | None = None

    @property
    def told(self) -> str:
        """What became of the order in this replay, in a sentence; before that, what the plan says."""
        if self.result is not None:
            return self.result.sentence or ""
        unkept = self.settled and self.item.open
        return UNKEPT_SENTENCE if unkept else self.item.sentence

    @property
    def moved(self) -> bool:
        """Whether the order stands otherwise now than where its run ended."""
        if self.result is None or self.now is None:
            return False
        kept = self.result.state, self.result.code, self.result.sentence
        return kept != (self.now.state, self.now.code, self.now.sentence)


@dataclass(frozen=True, slots=True)
class Progress:
    """A replay with what became of each of its orders. `costs`: of a plan that was not run, its
    calls by connection against what is left there now."""

    replay: Replay
    items: tuple[ItemProgress, ...]
    costs: tuple[Cost, ...] = ()

    @property
    def state(self) -> str:
        return self.replay.state

    @property
    def settled(self) -> int:
        return sum(item.settled for item in self.items)

    @property
    def through(self) -> int:
        """How many orders were replayed to their end."""
        return sum(item.result is not None and item.result.came for item in self.items)

    @property
    def results(self) -> tuple[tuple[str, str | None, int], ...]:
        """How their runs ended: state, reason code and how many, the most first."""
        came = [(x.result.state, x.result.code) for x in self.items if x.result is not None]
        return tuple((state, code, n) for (state, code), n in Counter(came).most_common())

    @property
    def calls(self) -> int:
        """Remote calls that the plan makes, if every write works; `BESIDE` says what is not in it."""
        went = [
            x.item for x in self.items if x.item.state in (ReplayState.PLANNED, ReplayState.WOKEN)
        ]
        return sum(int(step["calls"]) for item in went for step in item.steps)


def progress_of(
    replay: Replay, rows: Mapping[int, OrderRow], now: datetime, costs: tuple[Cost, ...] = ()
) -> Progress:
    """`rows`: the orders that it woke, as they stand now."""
    items = tuple(_item(replay, item, rows.get(item.order_id), now) for item in replay.items)
    return Progress(replay, items, costs)


def _item(replay: Replay, item: ReplayItem, row: OrderRow | None, now: datetime) -> ItemProgress:
    if item.state == ReplayState.PLANNED:
        return ItemProgress(item, settled=False, result=_not_started(replay, now))
    if item.state != ReplayState.WOKEN:  # refused, or nothing to do: through once the plan is run
        return ItemProgress(item, settled=replay.state != ReplayState.PLANNED)
    code = row.code.value if row is not None and row.code is not None else None
    standing = Standing(row.state, code, row.sentence) if row is not None else None
    ended = item.result is not None and item.result.came
    # What an abort left under way goes on: it has settled once it rests.
    settled = ended or replay.state == ReplayState.DONE or row is None or at_rest(row, now)
    return ItemProgress(item, settled, item.result, standing)


def at_rest(row: OrderRow, now: datetime) -> bool:
    return rests(row.state, row.code, row.who, row.due_at, now)


def _not_started(replay: Replay, now: datetime) -> ReplayResult | None:
    if replay.state == ReplayState.ABORTED:
        at = replay.finished_at or replay.expires_at
        return ReplayResult(NOT_STARTED, None, NOT_STARTED_SENTENCE, at)
    if replay.state == ReplayState.PLANNED and now > replay.expires_at:
        return ReplayResult(NOT_STARTED, None, EXPIRED_SENTENCE, replay.expires_at)
    return None
