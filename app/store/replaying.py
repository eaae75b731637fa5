"""A replay against its orders as they stand: what is still planned, and whether something moved.

Pure: every kind of store starts a replay alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.domain import traces
from app.domain.records import JournalEntry
from app.domain.views import Audit, PlanStale, Replay, ReplayItem, ReplayState
from app.telemetry import tracing


def still_planned(replay: Replay) -> dict[int, ReplayItem]:
    """The items that a start would wake, by order."""
    return {item.order_id: item for item in replay.items if item.state == ReplayState.PLANNED}


def stale(planned: Mapping[int, ReplayItem], standing: Sequence[Any]) -> PlanStale | None:
    """What a start is refused with where orders moved since the plan was made, or are gone.
    `standing`: rows (id, wake_seq, name)."""
    moved = [row["name"] for row in standing if row["wake_seq"] != planned[row["id"]].wake_seq]
    known = {row["id"] for row in standing}
    moved += [item.order for order, item in planned.items() if order not in known]
    if not moved:
        return None
    told = ", ".join(moved)
    return PlanStale(moved, f"Since the plan was made {told} moved on. Make a new plan.")


def told(replay: Replay, standing: Sequence[Any], began: int) -> None:
    """The span in which a person set orders going again, linked to the trace that each had before."""
    for row in standing:
        tracing.note(
            "replay",
            traces.of_replay(replay.id, row["id"]),
            None,
            began,
            link=row["trace"],
            demandlink__replay=replay.id,
            demandlink__order=row["name"],
        )


def replayed(replay: Replay, actor: str) -> JournalEntry:
    return JournalEntry(
        "REPLAYED",
        f"Replayed by {actor}: {replay.reason}",
        step=replay.from_step,
        actor=actor,
        data={"replay": replay.id},
    )


def audited(replay: Replay, actor: str, action: str) -> Audit:
    """The entry of a run or an abort: beside the plan's, with its reason and whom it concerns."""
    ended = {item.order for item in replay.items if item.state == ReplayState.REFUSED}
    orders = [item.order for item in replay.items if item.order not in ended]
    return Audit(actor, action, replay.id, {"reason": replay.reason, "orders": orders})


def woken_by(actor: str, reason: str) -> JournalEntry:
    return JournalEntry("WOKEN", f"Woken by {actor}: {reason}", actor=actor)
