"""The plan for an order: how each of its steps stands, and the one answer that follows.

Owns the shapes that `decide` gives, the answer as one sentence, and when the order is looked at again.
Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from app.domain import ending, stock
from app.domain.codes import Code, State, Who
from app.domain.order import OrderView
from app.domain.records import Answer


@dataclass(frozen=True, slots=True)
class Verdict:
    """One (step, subject) as it stands now."""

    step: str
    subject: str
    state: State
    code: Code | None = None
    sentence: str | None = None
    who: Who | None = None
    since: datetime | None = None
    until: datetime | None = None
    next_look: str | None = None
    looks: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    want: Mapping[str, Any] | None = None
    runnable: bool = False
    about: Mapping[str, Any] | None = None  # what a decision is about; None: the want


@dataclass(frozen=True, slots=True)
class Plan:
    """`run`: do this now. `looks`: read this in ConnectWise first. Neither: rest until `due_at`."""

    verdicts: tuple[Verdict, ...]
    run: Verdict | None
    looks: tuple[str, ...]
    answer: Answer
    due_at: datetime | None


def since_of(view: OrderView, code: Code) -> datetime:
    """Since when the order as a whole stands at a code."""
    return view.row.since if view.row.code is code and view.row.since else view.now


OPEN = {State.HELD: 0, State.PARKED: 0, State.RUNNING: 1, State.WAITING: 2}


def answer_of(view: OrderView, verdicts: Sequence[Verdict]) -> Answer:
    """The one sentence. A first reason before its consequences, held before waiting."""
    open_ones = [v for v in verdicts if v.state in OPEN]
    telling = [v for v in open_ones if v.code is not Code.EARLIER_STEP] or open_ones
    if not telling and view.stock:
        end = stock.finished(view)
        since = since_of(view, end.code)
        return Answer(end.state, end.code, end.sentence, end.who, since, "never")
    if not telling:
        skipped = [verdict.step for verdict in verdicts if verdict.state is State.SKIPPED]
        end = ending.finished(view, skipped)
        return Answer(end.state, end.code, end.sentence, end.who, since_of(view, end.code), "never")
    first = min(telling, key=lambda v: OPEN[v.state])
    if first.state is State.RUNNING:
        return Answer(
            State.RUNNING,
            None,
            f"{first.step.replace('_', ' ').capitalize()} is under way.",
            Who.NOBODY,
            view.row.since or view.now,
            "now",
        )
    held = "when it is decided, or its cause is gone"
    next_look = first.next_look or (held if first.state is State.HELD else "by itself")
    if first.until is not None:
        next_look = f"{next_look}, at latest {first.until:%Y-%m-%dT%H:%M:%SZ}"
    return Answer(
        first.state,
        first.code,
        first.sentence or "",
        first.who or Who.NOBODY,
        first.since,
        next_look,
        first.choices,
    )


def due_of(view: OrderView, verdicts: Sequence[Verdict]) -> datetime | None:
    """When the order has to be looked at again although nothing new came in."""
    moments: list[datetime] = []
    for verdict in verdicts:
        if verdict.state not in (State.WAITING, State.HELD, State.PARKED):
            continue
        if verdict.until is not None:
            moments.append(verdict.until)
        for look in verdict.looks:
            fact = view.facts.get((look, ""))
            moments.append((fact.seen_at if fact else view.now) + view.live.poll)
    return max(min(moments), view.now + timedelta(milliseconds=50)) if moments else None
