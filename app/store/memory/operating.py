"""What operators do with orders, in memory: wake and replay."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from app.domain import traces
from app.domain.records import JournalEntry
from app.domain.results import UNDER_WAY
from app.domain.views import Audit, Replay, ReplayState
from app.store import rows
from app.store.memory.database import Part, order_name, plain, wake
from app.store.memory.results import abort, finish
from app.store.memory.story import audit as append
from app.store.memory.story import tell
from app.store.memory.tables import Row, Tables
from app.store.replaying import audited, replayed, stale, still_planned, woken_by
from app.store.texts import text

_UNPOISONED = {
    **dict.fromkeys(("code", "sentence", "who", "since", "next_look")),
    "claims_without_progress": 0,
    "state": "running",
}


_NO_RESULT = dict.fromkeys(("result_state", "result_code", "result_sentence", "result_at"))


class Operating(Part):
    """The part of the store behind an operator's buttons."""

    async def wake_orders(
        self, tenant_id: int, order_ids: Sequence[int], actor: str, reason: str
    ) -> int:
        """Make orders due now with their retries reset, poisoned ones too, each with a journal
        line; how many."""
        async with self._db.writing("wake_orders") as tables:
            woken = [row["id"] for row in _standing(tables, tenant_id, order_ids)]
            wake_as_a_person(tables, woken, woken_by(actor, reason), self._db.now())
        return len(woken)

    # Replays --------------------------------------------------------------------------------

    async def add_replay(self, replay: Replay) -> None:
        async with self._db.writing("add_replay") as tables:
            names = ("id", "tenant_id", "state", "from_step", "created_at", "expires_at")
            row = {name: getattr(replay, name) for name in names}
            row |= {"reason": text(replay.reason), "actor": text(replay.actor)}
            tables.replay.put(replay.id, {**row, "finished_at": None})
            for position, item in enumerate(replay.items):
                kept = {
                    "replay_id": replay.id,
                    "position": position,
                    "order_id": item.order_id,
                    "order_name": text(item.order),
                    "connection": item.connection,
                    "wake_seq": item.wake_seq,
                    "state": item.state,
                    "steps": plain([dict(step) for step in item.steps]),
                    "sentence": text(item.sentence),
                    **_NO_RESULT,
                }
                tables.replay_item.put((replay.id, position), kept)
            data = {"reason": replay.reason, "orders": [item.order for item in replay.items]}
            audit = Audit(replay.actor, "replay.plan", replay.id, data)
            append(tables, replay.tenant_id, audit, self._db.now())

    async def replay(self, tenant_id: int, replay_id: str) -> Replay | None:
        tables = await self._db.read("replay")
        return _read(tables, tenant_id, replay_id)

    async def start_replay(self, tenant_id: int, replay_id: str, actor: str) -> Replay:
        async with self._db.writing("start_replay") as tables:
            replay = _known(tables, tenant_id, replay_id)
            if replay.state == ReplayState.PLANNED:
                self._start(tables, replay, actor)
                replay = _known(tables, tenant_id, replay_id)
        return replay

    def _start(self, tables: Tables, replay: Replay, actor: str) -> None:
        planned = still_planned(replay)
        found = _standing(tables, replay.tenant_id, planned)
        if refusal := stale(planned, [{**row, "name": order_name(row)} for row in found]):
            raise refusal
        entry = replayed(replay, actor)
        wake_as_a_person(tables, sorted(planned), entry, self._db.now())
        for order_id in planned:
            tables.orders.change(order_id, trace=traces.of_replay(replay.id, order_id))
        for item in tables.replay_item.find("replay", replay.id):
            if item["state"] == ReplayState.PLANNED:
                place = (replay.id, item["position"])
                tables.replay_item.change(place, state=ReplayState.WOKEN, result_state=UNDER_WAY)
        tables.replay.change(replay.id, state=ReplayState.RUNNING)
        audit = audited(replay, actor, "replay.run")
        append(tables, replay.tenant_id, audit, self._db.now())

    async def finish_replay(self, tenant_id: int, replay_id: str) -> Replay:
        async with self._db.writing("finish_replay") as tables:
            if _known(tables, tenant_id, replay_id).state == ReplayState.RUNNING:
                finish(tables, replay_id, self._db.now())
            return _known(tables, tenant_id, replay_id)

    async def abort_replay(self, tenant_id: int, replay_id: str, actor: str) -> Replay:
        async with self._db.writing("abort_replay") as tables:
            replay = _known(tables, tenant_id, replay_id)
            now = self._db.now()
            through = replay.state == ReplayState.RUNNING and finish(tables, replay_id, now)
            if replay.state in (ReplayState.PLANNED, ReplayState.RUNNING) and not through:
                abort(tables, replay_id, now)
                tables.replay.change(replay_id, state=ReplayState.ABORTED, finished_at=now)
                audit = audited(replay, actor, "replay.abort")
                append(tables, tenant_id, audit, now)
            return _known(tables, tenant_id, replay_id)


def wake_as_a_person(
    tables: Tables, order_ids: Sequence[int], entry: JournalEntry, now: datetime
) -> None:
    """Wake orders as a person does: poison and retry marks are taken off."""
    acted(tables, order_ids, now)
    for order_id in order_ids:
        row = tables.orders.get(order_id)
        if row is not None and row["code"] == "POISON":
            tables.orders.change(order_id, **_UNPOISONED)
    wake(tables, order_ids, now)
    for order_id in order_ids:
        for row in tables.applied.find("order", order_id):
            marked = row["retry_at"] is not None or row["retry_wake"] is not None
            stopped = row["state"] in ("waiting", "held", "parked")
            if stopped and (marked or row["state"] == "parked"):
                place = (order_id, row["step"], row["subject"])
                tables.applied.change(place, retry_at=now, retry_wake=None, tries=0)
    tell(tables, ((order_id, entry) for order_id in order_ids), now)


def acted(tables: Tables, order_ids: Iterable[int], now: datetime) -> None:
    """A person acted on these orders: what stops them from now on is news."""
    for order_id in order_ids:
        row = tables.orders.get(order_id)
        if row is not None:
            since = row["stood_since"] or row["since"]
            tables.orders.change(order_id, stood_as=None, stood_since=since, acted_at=now)


def _standing(tables: Tables, tenant_id: int, order_ids: Iterable[int]) -> list[Row]:
    found = (tables.orders.get(order_id) for order_id in sorted(set(order_ids)))
    return [row for row in found if row is not None and row["tenant_id"] == tenant_id]


def _read(tables: Tables, tenant_id: int, replay_id: str) -> Replay | None:
    row = tables.replay.get(replay_id)
    if row is None or row["tenant_id"] != tenant_id:
        return None
    return rows.replay(row, tables.replay_item.find("replay", replay_id))


def _known(tables: Tables, tenant_id: int, replay_id: str) -> Replay:
    replay = _read(tables, tenant_id, replay_id)
    if replay is None:
        raise KeyError(replay_id)
    return replay
