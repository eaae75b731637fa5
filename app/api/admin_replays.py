"""Admin REST: replays as plan, run, progress and abort.

Owns the addresses and forms of `contracts/http.md` for replays; the rules are those of
`app/sync/replays.py`.
"""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from app.api.auth import AdminRoute, Caller, Service
from app.api.lists import REFUSALS
from app.api.models import Model
from app.api.setup_models import CallsOut
from app.domain.codes import Code, State, Who
from app.domain.costs import Cost
from app.domain.views import OrderFilter, Replay
from app.sync.progress import ItemProgress, Progress
from app.sync.replays import BESIDE

router = APIRouter(
    prefix="/admin/replays", tags=["replays"], route_class=AdminRoute, responses=REFUSALS
)


class ReplayFilter(Model):
    number: str | None = None
    state: State | None = None
    code: Code | None = None
    who: Who | None = None
    connection: str | None = None


class ReplayIn(Model):
    """Either `orders` or `filter`. `from_step`: only this step and what comes after it."""

    orders: Annotated[list[str], Field(min_length=1, max_length=500)] | None = None
    filter: ReplayFilter | None = None
    from_step: str | None = None
    reason: Annotated[str, Field(min_length=1, max_length=500, examples=["mapping added"])]


class PlannedOut(Model):
    """`gate`: open or shut, as it stands now. `runs`: whether the step would be done, by itself or
    after the steps before it; only then it has `writes` and `reads`, which make up its `calls`.
    `perhaps`: calls that depend on what is found there. A step already applied is a no-op."""

    step: str
    subject: str
    gate: str
    code: Code | None
    sentence: str
    writes: list[str]
    reads: tuple[str, ...] = ()
    perhaps: tuple[str, ...] = ()
    calls: int
    runs: bool = False
    no_op: bool


class StandingOut(Model):
    """Where the order stands now, whatever brought it there."""

    state: State
    code: str | None
    sentence: str | None


class ItemResultOut(Model):
    """How the run of this order ended, at `at`. `state`: the order's at that moment, `aborted` (the run
    ended before the order was through) or `not_started` (the plan was dropped or expired). It does
    not change afterwards."""

    state: str
    code: str | None
    sentence: str | None
    at: datetime


class ReplayItemOut(Model):
    """`state`: planned, refused, nothing_to_do, woken. `settled`: the service is through with the
    order. `result`: how its run ended; null until then, and of a run before results were kept. `now`:
    where an order that was woken stands now."""

    order: str
    connection: str
    state: str
    sentence: str
    calls: int
    steps: list[PlannedOut]
    settled: bool = False
    result: ItemResultOut | None = None
    now: StandingOut | None = None

    @classmethod
    def of(cls, progress: ItemProgress) -> ReplayItemOut:
        item, result, now = progress.item, progress.result, progress.now
        steps = [PlannedOut.model_validate(dict(step)) for step in item.steps]
        return cls(
            order=item.order,
            connection=item.connection,
            state=item.state,
            sentence=item.sentence,
            calls=sum(step.calls for step in steps),
            steps=steps,
            settled=progress.settled,
            result=ItemResultOut.model_validate(asdict(result)) if result is not None else None,
            now=StandingOut.model_validate(asdict(now)) if now is not None else None,
        )


class CostOut(Model):
    """Calls of a plan through one connection, against what is left there now. `seconds`: how long they
    take at least. `sufficient`: false where fewer calls are left for the day than are needed."""

    system: str
    calls: int
    limits: list[CallsOut]
    seconds: float
    sufficient: bool
    sentence: str

    @classmethod
    def of(cls, cost: Cost) -> CostOut:
        return cls(
            system=cost.system,
            calls=cost.calls,
            limits=[CallsOut.of(one) for one in cost.limits],
            seconds=cost.seconds,
            sufficient=cost.short is None,
            sentence=cost.sentence,
        )


class ResultOut(Model):
    """How many runs of orders ended like this, by the results of the items."""

    state: str
    code: str | None
    orders: int


class ReplaySummary(Model):
    """`state`: planned, running, done, aborted. Its orders: `get_replay`."""

    id: str
    state: str
    reason: str
    actor: str
    from_step: str | None
    created_at: datetime
    expires_at: datetime
    finished_at: datetime | None
    url: str

    @classmethod
    def of(cls, replay: Replay) -> ReplaySummary:
        named = {
            name: getattr(replay, name) for name in ReplaySummary.model_fields if name != "url"
        }
        return ReplaySummary(**named, url=f"/admin/replays/{replay.id}")


class ReplayOut(ReplaySummary):
    """`state`: planned, running, done, aborted. `costs`: of a plan that was not run. `beside`: what
    `calls` does not count."""

    orders: int
    settled: int
    results: list[ResultOut]
    calls: int
    costs: list[CostOut]
    beside: str
    items: list[ReplayItemOut]

    @classmethod
    def whole(cls, progress: Progress) -> ReplayOut:
        items = [ReplayItemOut.of(item) for item in progress.items]
        return cls(
            **ReplaySummary.of(progress.replay).model_dump(),
            orders=len(items),
            settled=progress.settled,
            results=[
                ResultOut(state=state, code=code, orders=n) for state, code, n in progress.results
            ],
            calls=progress.calls,
            costs=[CostOut.of(cost) for cost in progress.costs],
            beside=BESIDE,
            items=items,
        )


async def told(progress: Progress) -> ReplayOut:
    """A replay as every door of REST answers with it."""
    # Hundreds of orders with a dozen steps each: others are served meanwhile.
    return await asyncio.to_thread(ReplayOut.whole, progress)


@router.post("", operation_id="plan_replay", status_code=201)
async def plan_replay(
    body: ReplayIn,
    actor: Caller,
    service: Service,
    connection: Annotated[
        str | None, Query(description="Chooses where a number is known twice.")
    ] = None,
) -> ReplayOut:
    """The plan: by order and step what would be called and changed. Nothing is executed."""
    wanted = OrderFilter(**body.filter.model_dump()) if body.filter is not None else None
    replay = await service.replays.plan(
        actor,
        orders=body.orders,
        wanted=wanted,
        reason=body.reason,
        from_step=body.from_step,
        connection=connection,
    )
    return await told(await service.replays.preview(actor, replay))


@router.post("/{replay_id}/run", operation_id="run_replay", status_code=202)
async def run_replay(
    replay_id: str,
    actor: Caller,
    service: Service,
    over_budget: Annotated[
        bool, Query(description="Run it although too few calls are left for the day.")
    ] = False,
) -> ReplayOut:
    """Wake the planned orders, with their retries reset. 409 when an order moved since the plan, or
    when the calls left for the day do not suffice."""
    return await told(await service.replays.run(actor, replay_id, over_budget=over_budget))


@router.get("/{replay_id}", operation_id="get_replay")
async def get_replay(replay_id: str, actor: Caller, service: Service) -> ReplayOut:
    """Progress, for each order how its run ended, and where it stands now."""
    return await told(await service.replays.status(actor, replay_id))


@router.post("/{replay_id}/abort", operation_id="abort_replay")
async def abort_replay(replay_id: str, actor: Caller, service: Service) -> ReplayOut:
    """Drop a plan. Orders that a run has woken go on, but not as a part of it: no step is left half
    done. A run whose orders are all through stays done."""
    return await told(await service.replays.abort(actor, replay_id))
