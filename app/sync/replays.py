"""Replays: a plan of what would be done again, its run, its progress, its end.

Owns the rules: a plan executes nothing, is bound to the orders as they stood and expires; a run
wakes the orders with their retries reset, and a step already applied stays as it is. Must not
write to a remote system: the worker does, if anything is left to do.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from app.domain.admin_store import AdminStore
from app.domain.codes import Code, State
from app.domain.costs import Cost
from app.domain.course import Course, Move
from app.domain.grants import LEDGERS
from app.domain.ports import Ids, Store
from app.domain.records import OrderRow, Snapshot
from app.domain.views import (
    Explained,
    OrderFilter,
    PlannedStep,
    PlanStale,
    Progressed,
    Replay,
    ReplayItem,
    ReplayState,
    unwatched,
)
from app.steps import CALLED, LEDGER_STEPS
from app.sync.operations import Actor, Operations, Refusal
from app.sync.progress import Progress, at_rest, progress_of

MAX_ORDERS = 500
PLAN_LIFETIME = timedelta(hours=1)
CONNECTWISE = "connectwise"
LEDGER = "ledger"  # where nobody is signed in to one
BESIDE = (
    "On top come reads of what is remembered for all orders (companies, statuses, the catalog, "
    "accounts), where nobody read it lately, looks at what an order waits for, and what is read "
    "anew where the work was interrupted."
)
_APPLIED = (State.DONE, State.SKIPPED, State.NOT_NEEDED)


class Replays:
    """Plan, run, follow and abort. Every method may raise StoreUnavailable and Refusal."""

    def __init__(
        self,
        *,
        store: Store,
        admin: AdminStore,
        operations: Operations,
        ids: Ids,
        again: Callable[[Snapshot], Course | None],
    ) -> None:
        self._store = store
        self._admin = admin
        self._operations = operations
        self._ids = ids
        self._again = again

    async def plan(
        self,
        actor: Actor,
        *,
        orders: Sequence[str] | None,
        wanted: OrderFilter | None,
        reason: str,
        from_step: str | None = None,
        connection: str | None = None,
        progressed: Progressed = unwatched,
    ) -> Replay:
        """What a replay would do, by order and step. Nothing is executed."""
        if not reason.strip():
            raise Refusal("REQUEST_NOT_VALID", "reason: say why, in a few words; it is journalled.")
        if (orders is None) == (wanted is None):
            raise Refusal("REQUEST_NOT_VALID", "Give either orders or filter.")
        if orders is not None and len(orders) > MAX_ORDERS:
            raise Refusal("REQUEST_NOT_VALID", f"orders: at most {MAX_ORDERS} at once.")
        if wanted is not None:  # a name that is left empty chooses nothing
            named = (wanted.number or "").strip(), (wanted.connection or "").strip()
            number, on = (one or None for one in named)
            wanted = dataclasses.replace(wanted, number=number, connection=on)
        if wanted == OrderFilter():
            raise Refusal("REQUEST_NOT_VALID", "filter: name at least one thing to choose by.")
        if orders is not None:
            numbers = list(dict.fromkeys(orders))
            items: list[ReplayItem] = []
            for name in numbers:
                progressed(len(items), len(numbers))
                items.append(await self._named(actor, name, from_step, connection))
        else:
            rows = await self._filtered(actor, wanted or OrderFilter())
            items = []
            for row in rows:
                progressed(len(items), len(rows))
                items.append(await self._item(row, from_step))
        return await self._kept(actor, items, reason, from_step)

    async def plan_rows(self, actor: Actor, rows: Sequence[OrderRow], *, reason: str) -> Replay:
        """The same for orders that were chosen otherwise, by their rows."""
        if not reason.strip():
            raise Refusal("REQUEST_NOT_VALID", "reason: say why, in a few words; it is journalled.")
        items = [await self._item(row, None) for row in rows]
        return await self._kept(actor, items, reason, None)

    async def _kept(
        self, actor: Actor, items: Sequence[ReplayItem], reason: str, from_step: str | None
    ) -> Replay:
        if not items:
            raise Refusal("NOT_FOUND", "No order fits, so there is nothing to replay.")
        now = await self._store.now()
        replay = Replay(
            id=self._ids.token(),
            tenant_id=actor.tenant_id,
            state=ReplayState.PLANNED,
            reason=reason.strip(),
            actor=actor.name,
            created_at=now,
            expires_at=now + PLAN_LIFETIME,
            items=tuple(items),
            from_step=from_step,
        )
        await self._admin.add_replay(replay)
        return replay

    async def _filtered(self, actor: Actor, wanted: OrderFilter) -> list[OrderRow]:
        rows: list[OrderRow] = []
        cursor: str | None = None
        while True:
            page = await self._admin.orders(actor.tenant_id, wanted, cursor, 100)
            rows.extend(page.items)
            if len(rows) > MAX_ORDERS:
                sentence = f"filter: more than {MAX_ORDERS} orders fit; narrow it."
                raise Refusal("REQUEST_NOT_VALID", sentence)
            if page.next is None:
                return rows
            cursor = page.next

    async def _named(
        self, actor: Actor, number: str, from_step: str | None, connection: str | None
    ) -> ReplayItem:
        try:
            row = await self._operations.find(actor, number, connection)
        except Refusal as refusal:
            # One wrong number must not hide the plan of the others.
            return ReplayItem(0, number, "", 0, ReplayState.REFUSED, (), refusal.sentence)
        return await self._item(row, from_step)

    async def _item(self, row: OrderRow, from_step: str | None) -> ReplayItem:
        snapshot = await self._store.peek(row.id)
        # An order of hundreds of lines takes seconds: others are served meanwhile.
        return await asyncio.to_thread(self._thought, snapshot, from_step)

    def _thought(self, snapshot: Snapshot, from_step: str | None) -> ReplayItem:
        story = self._operations.told(snapshot)
        order, explained = story.order, story.explained
        course = self._again(snapshot)
        steps = _steps(explained, from_step, course)
        state, sentence = ReplayState.PLANNED, explained.answer.sentence
        if course is None:
            sentence = f"{sentence} What it would do cannot be told before it is tried.".strip()
        if order.state is State.CANCELLED:
            state, sentence = ReplayState.REFUSED, "The order is cancelled: there is nothing to do."
        elif order.held_by is not None:
            state = ReplayState.REFUSED
            sentence = f"A person holds the order: {order.held_by}. Release it first."
        elif from_step is not None and not steps:
            state, sentence = ReplayState.REFUSED, f"The order has no step {from_step}."
        elif all(step["no_op"] for step in steps) and order.state is State.DONE:
            state, sentence = ReplayState.NOTHING_TO_DO, "Every step is already applied."
        return ReplayItem(
            order_id=order.id,
            order=order.name,
            connection=order.connection,
            wake_seq=order.wake_seq,
            state=state,
            steps=tuple(steps),
            sentence=sentence,
        )

    async def preview(self, actor: Actor, replay: Replay) -> Progress:
        """A plan with its cost. What is left of a budget is read, and no turn is taken."""
        costs = await self._costs(actor, replay)
        return progress_of(replay, {}, await self._store.now(), costs)

    async def _costs(self, actor: Actor, replay: Replay) -> tuple[Cost, ...]:
        calls: Counter[str] = Counter()
        for item in replay.items:
            for step in item.steps if item.state == ReplayState.PLANNED else ():
                if (system := _system(str(step["step"]))) is not None:
                    calls[system] += int(step["calls"])
        rows = list(await self._operations.connections(actor)) if +calls else []
        rows.sort(key=lambda row: row.grant is None)  # the ledger that is signed in to
        found = []
        for system, many in sorted((+calls).items()):
            named = LEDGERS if system == LEDGER else (system,)
            row = next((one for one in rows if one.system in named), None)
            found.append(Cost(row.system if row else system, many, row.use.spent if row else ()))
        return tuple(found)

    async def run(self, actor: Actor, replay_id: str, *, over_budget: bool = False) -> Progress:
        """Wake the planned orders. A plan whose orders moved, or that expired, is stale; one for
        which the calls left for the day do not suffice is refused, unless `over_budget`."""
        replay = await self._known(actor, replay_id)
        if replay.state == ReplayState.ABORTED:
            raise Refusal("REPLAY_ENDED", "The replay was aborted. Make a new plan.")
        now = await self._store.now()
        if replay.state == ReplayState.PLANNED and now > replay.expires_at:
            raise Refusal(
                "PLAN_STALE",
                f"The plan expired at {replay.expires_at.isoformat()}. Make a new plan.",
                orders=[],
            )
        if replay.state == ReplayState.PLANNED and not over_budget:
            for cost in await self._costs(actor, replay):
                if cost.refusal is not None:
                    raise Refusal("BUDGET_TOO_SMALL", cost.refusal)
        try:
            started = await self._admin.start_replay(actor.tenant_id, replay_id, actor.name)
        except PlanStale as stale:
            raise Refusal("PLAN_STALE", stale.sentence, orders=list(stale.orders)) from stale
        await self._operations.wake()
        return await self._progress(started, await self._store.now())

    async def status(self, actor: Actor, replay_id: str) -> Progress:
        replay = await self._known(actor, replay_id)
        if replay.state == ReplayState.PLANNED:
            return await self.preview(actor, replay)
        return await self._progress(replay, await self._store.now())

    async def abort(self, actor: Actor, replay_id: str) -> Progress:
        """A plan is dropped. What a run has woken already goes on, but not as a part of it: no step
        is left half done. A run whose orders are all through is done, and stays so."""
        standing = await self.status(actor, replay_id)
        if standing.state == ReplayState.DONE:
            return standing  # all of it is through: nothing is left to abort
        replay = await self._admin.abort_replay(actor.tenant_id, replay_id, actor.name)
        return await self._progress(replay, await self._store.now())

    async def _known(self, actor: Actor, replay_id: str) -> Replay:
        replay = await self._admin.replay(actor.tenant_id, replay_id)
        if replay is None:
            raise Refusal("NOT_FOUND", f"There is no replay {replay_id}.")
        return replay

    async def _progress(self, replay: Replay, now: datetime) -> Progress:
        woken = [item.order_id for item in replay.items if item.state == ReplayState.WOKEN]
        rows = await self._admin.by_ids(replay.tenant_id, woken) if woken else []
        by_id = {row.id: row for row in rows}
        if replay.state == ReplayState.RUNNING and _to_note(replay, by_id, now):
            replay = await self._admin.finish_replay(replay.tenant_id, replay.id)
        return progress_of(replay, by_id, now)

    async def standing(self, actor: Actor, replay: Replay) -> Replay:
        """A replay of a list: one whose orders are all through has ended, though nobody looked."""
        if replay.state != ReplayState.RUNNING:
            return replay
        return (await self.status(actor, replay.id)).replay


def _to_note(replay: Replay, rows: Mapping[int, OrderRow], now: datetime) -> bool:
    """Whether the store has something to note: that all are through, or an order that rests and has
    no result, because a process of an older version gave it back."""
    waiting = [item.order_id for item in replay.items if item.open and item.order_id in rows]
    return not waiting or any(at_rest(rows[order_id], now) for order_id in waiting)


def _system(step: str) -> str | None:
    """Whose calls a step's are; None: of no connection that counts them."""
    if step in LEDGER_STEPS:
        return LEDGER
    return None if step in CALLED else CONNECTWISE


def _steps(
    explained: Explained, from_step: str | None, course: Course | None
) -> list[dict[str, Any]]:
    """Each step as it would go, in the scenario's order. Applied ones are no-ops, unless they are
    done anew for what comes before them. What comes before `from_step` is left out, but for what
    is done first all the same."""
    states = {(step.step, step.subject): step.state for step in explained.steps}
    moves: dict[tuple[str, str], list[Move]] = {}
    for move in course.moves if course is not None else ():
        moves.setdefault((move.step, move.subject), []).append(move)
    every = [
        _step(asdict(step), moves.pop((step.step, step.subject), ()), states)
        for step in explained.plan
    ]
    for (step, subject), made in moves.items():  # comes up on the way, as a part of a receipt does
        told = PlannedStep(step, subject, "shut", Code.EARLIER_STEP, "It comes up on the way.")
        every.append(_step(asdict(told), made, states))
    if from_step is None:
        return every
    names = [step["step"] for step in every]
    if from_step not in names:
        return []
    first = names.index(from_step)
    return [step for n, step in enumerate(every) if n >= first or step["calls"]]


def _step(
    told: dict[str, Any],
    moves: Sequence[Move],
    states: Mapping[tuple[str, str], State],
) -> dict[str, Any]:
    """Only what would be called is told as called: a step whose gate stays shut writes nothing."""
    writes = [write for move in moves for write in move.writes]
    reads = [read for move in moves for read in move.reads]
    applied = states.get((told["step"], told["subject"])) in _APPLIED
    return {
        **told,
        "writes": writes,
        "reads": reads,
        "perhaps": [one for move in moves for one in move.perhaps],
        "calls": len(writes) + len(reads),
        "runs": bool(moves),
        "no_op": applied and not moves,
    }
