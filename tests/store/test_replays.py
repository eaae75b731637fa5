"""How a replay ends in the store: its results, kept with what brings an order to rest, and its end."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from app.domain.codes import Code, State, Who
from app.domain.ports import Worker
from app.domain.records import Answer, Release
from app.domain.results import ABORTED, GOES_ON, MOMENTS, READING, ReplayResult
from app.domain.views import Replay, ReplayItem, ReplayState
from app.store.memory import MemoryStore
from app.store.postgres import PostgresStore
from tests.store.build import (
    LEASE,
    TENANT,
    FullStore,
    claim_one,
    deliver,
    done,
    order_of,
    purchase_order,
    release,
    sales_order,
    waiting,
    writes,
)
from tests.store.test_admin import HELD, _orders, _plan

PARKED = Answer(State.PARKED, Code.DECIDE_FAILED, "It failed.", Who.OPERATOR, None, "never")
SOON = Answer(State.WAITING, Code.RECEIPT_GAP, "It comes soon.", Who.NOBODY, None, "soon")


async def _running(store: FullStore, worker: Worker, count: int = 1) -> Replay:
    """A run whose orders are woken; they rested before."""
    await _orders(store, count)
    for claim in await store.claim(worker, count, LEASE):
        await release(store, claim, HELD)
    await _plan(store, *[ReplayState.PLANNED] * count)
    return await store.start_replay(TENANT, "r-1", "anna")


async def _results(store: FullStore, replay_id: str = "r-1") -> list[ReplayResult | None]:
    replay = await store.replay(TENANT, replay_id)
    assert replay is not None
    return [item.result for item in replay.items]


async def _last_audit(store: FullStore) -> str:
    if isinstance(store, MemoryStore):
        return str(store._db.tables.audit.all()[-1]["action"])
    assert isinstance(store, PostgresStore)
    async with store._db.session() as session:
        return str(await session.fetchval("SELECT action FROM audit ORDER BY id DESC LIMIT 1"))


def _came(result: ReplayResult | None) -> tuple[str, str | None, str | None]:
    assert result is not None
    return result.state, result.code, result.sentence


@pytest.mark.parametrize("answer", [done(), HELD, PARKED, waiting()])
async def test_a_result_is_kept_with_the_commit_that_brings_the_order_to_rest(
    store: FullStore, worker: Worker, answer: Answer
) -> None:
    await _running(store, worker)
    assert await _results(store) == [None]
    before = await store.now()
    assert await release(store, await claim_one(store, worker), answer)
    (result,) = await _results(store)
    code = answer.code.value if answer.code else None
    assert _came(result) == (answer.state, code, answer.sentence)
    assert result is not None
    assert before <= result.at <= await store.now()


async def test_what_happens_to_the_order_later_does_not_alter_its_result(
    store: FullStore, worker: Worker
) -> None:
    await _running(store, worker)
    await release(store, await claim_one(store, worker), HELD)
    kept = await _results(store)
    await deliver(store, "later", purchase_order())
    await release(store, await claim_one(store, worker), done())
    assert (await order_of(store)).state is State.DONE
    assert await _results(store) == kept
    finished = await store.finish_replay(TENANT, "r-1")
    assert [item.result for item in finished.items] == kept
    # It was through with its last order, and not when somebody looked.
    assert kept[0] is not None
    assert (finished.state, finished.finished_at) == (ReplayState.DONE, kept[0].at)


async def test_an_order_that_moved_while_it_was_driven_has_not_come_to_its_end(
    store: FullStore, worker: Worker
) -> None:
    """The answer of such a round is kept, but the order is due again: it is not how it ended."""
    await _running(store, worker)
    claim = await claim_one(store, worker)
    seen = (await store.load(claim)).order.wake_seq
    await deliver(store, "meanwhile", purchase_order())
    stale = (await store.commit(writes(claim), _release_of(seen))).released
    assert not stale
    assert await _results(store) == [None]
    await release(store, claim, HELD)
    assert _came((await _results(store))[0]) == ("held", "MAPPING_MISSING", "No company.")


def _release_of(wake_seq: int) -> Release:
    return Release(wake_seq, None, done())


async def test_a_round_that_began_before_the_run_is_not_its_result(
    store: FullStore, worker: Worker
) -> None:
    await _orders(store, 1)
    claim = await claim_one(store, worker)
    seen = (await store.load(claim)).order.wake_seq
    await _plan(store, ReplayState.PLANNED)
    await store.start_replay(TENANT, "r-1", "anna")
    await store.commit(writes(claim), _release_of(seen))
    assert await _results(store) == [None]


@pytest.mark.parametrize(
    ("answer", "seconds", "through"),
    [
        (SOON, MOMENTS.total_seconds() - 5, False),
        (SOON, MOMENTS.total_seconds() + 5, True),
        (waiting(), READING.total_seconds() - 2, False),
        (waiting(), READING.total_seconds() + 2, True),
        (replace(SOON, state=State.RUNNING, code=None), 3600.0, False),
        *((replace(SOON, code=code), 3600.0, False) for code in sorted(GOES_ON)),
        (replace(PARKED, state=State.WAITING), 3600.0, False),
        (replace(SOON, code=Code.CONNECTION_PAUSED, who=Who.OPERATOR), 3600.0, True),
        (replace(SOON, state=State.HELD, code=Code.REMOTE_UNWELL), 3600.0, True),
    ],
)
async def test_a_wait_that_ends_by_itself_is_a_part_of_the_run(
    store: FullStore, worker: Worker, answer: Answer, seconds: float, through: bool
) -> None:
    await _running(store, worker)
    due = await store.now() + timedelta(seconds=seconds)
    await release(store, await claim_one(store, worker), answer, due)
    assert [result is not None for result in await _results(store)] == [through]
    ended = await store.finish_replay(TENANT, "r-1")
    assert ended.state == (ReplayState.DONE if through else ReplayState.RUNNING)


async def test_an_order_that_is_parked_because_it_ends_its_workers_has_that_as_its_result(
    store: FullStore, worker: Worker
) -> None:
    await _running(store, worker)
    for _ in range(5):
        async with store.join() as dying:
            await claim_one(store, dying)
    assert await _results(store) == [None]  # whoever dies on the way has kept nothing
    assert await store.claim(worker, 5, LEASE) == []
    (result,) = await _results(store)
    assert _came(result)[:2] == ("parked", "POISON")
    assert (await store.finish_replay(TENANT, "r-1")).state == ReplayState.DONE


async def test_a_worker_that_dies_leaves_the_result_to_the_one_that_takes_over(
    store: FullStore, beside: FullStore, worker: Worker
) -> None:
    """What it would still commit counts no more, and so it keeps no result."""
    await _running(store, worker)
    async with beside.join() as dying:
        claim = await claim_one(beside, dying)
        seen = (await beside.load(claim)).order.wake_seq
    taken = await claim_one(store, worker)
    late = await beside.commit(writes(claim), _release_of(seen))
    assert (late.held, late.released) == (False, False)
    assert await _results(store) == [None]
    await release(store, taken, HELD)
    assert _came((await _results(store))[0])[:2] == ("held", "MAPPING_MISSING")


async def test_two_runs_that_one_order_is_in_both_have_its_result(
    store: FullStore, worker: Worker
) -> None:
    await _running(store, worker)
    (row,) = await store.by_ids(TENANT, [(await order_of(store)).id])
    now = await store.now()
    item = ReplayItem(row.id, row.name, row.connection, row.wake_seq, ReplayState.PLANNED)
    second = Replay(
        "r-2", TENANT, "planned", "too", "ben", now, now + timedelta(hours=1), items=(item,)
    )
    await store.add_replay(second)
    await store.start_replay(TENANT, "r-2", "ben")
    await release(store, await claim_one(store, worker), done())
    assert _came((await _results(store))[0]) == _came((await _results(store, "r-2"))[0])


async def test_a_run_that_is_through_is_noted_once_and_is_aborted_no_more(
    store: FullStore, worker: Worker
) -> None:
    await _orders(store, 1)
    await release(store, await claim_one(store, worker), HELD)
    await _plan(store, ReplayState.PLANNED)
    assert (await store.finish_replay(TENANT, "r-1")).state == ReplayState.PLANNED
    await store.start_replay(TENANT, "r-1", "anna")
    assert (await store.finish_replay(TENANT, "r-1")).state == ReplayState.RUNNING
    await release(store, await claim_one(store, worker), HELD)
    done_ = await store.finish_replay(TENANT, "r-1")
    assert done_.state == ReplayState.DONE
    assert done_.finished_at is not None
    assert await store.finish_replay(TENANT, "r-1") == done_
    assert await store.abort_replay(TENANT, "r-1", "anna") == done_
    for tenant, name in ((TENANT, "r-2"), (TENANT + 1, "r-1")):
        with pytest.raises(KeyError):
            await store.finish_replay(tenant, name)


async def test_an_abort_keeps_what_is_through_and_says_of_the_rest_that_it_was_aborted(
    store: FullStore, worker: Worker
) -> None:
    await _running(store, worker, 2)
    (first, second) = await store.claim(worker, 2, LEASE)
    await release(store, first, done())
    aborted = await store.abort_replay(TENANT, "r-1", "anna")
    assert aborted.state == ReplayState.ABORTED
    kept = [item.result for item in aborted.items]
    by_order = {item.order_id: item.result for item in aborted.items}
    assert _came(by_order[first.order_id])[0] == "done"
    assert _came(by_order[second.order_id])[:2] == (ABORTED, None)
    # The order goes on, and what becomes of it is no result of the run.
    assert await release(store, second, done())
    assert await _results(store) == kept
    assert await store.finish_replay(TENANT, "r-1") == aborted
    assert await _last_audit(store) == "replay.abort"


async def test_a_run_whose_orders_are_all_through_is_done_and_not_aborted(
    store: FullStore, worker: Worker
) -> None:
    """Nobody looked yet, so that it still says running."""
    await _running(store, worker)
    await release(store, await claim_one(store, worker), done())
    assert (await store.abort_replay(TENANT, "r-1", "anna")).state == ReplayState.DONE
    assert await _last_audit(store) == "replay.run"


async def test_an_aborted_replay_wakes_nobody(store: FullStore) -> None:
    await _orders(store, 1)
    await _plan(store, ReplayState.PLANNED)
    aborted = await store.abort_replay(TENANT, "r-1", "anna")
    assert aborted.state == ReplayState.ABORTED
    assert aborted.finished_at is not None
    assert [item.result for item in aborted.items] == [None]
    assert await store.start_replay(TENANT, "r-1", "anna") == aborted
    assert await store.abort_replay(TENANT, "r-1", "anna") == aborted
    for call in (store.start_replay, store.abort_replay):
        with pytest.raises(KeyError):
            await call(TENANT, "r-2", "anna")


async def _as_before_results(store: FullStore, state: str) -> None:
    """As a process of the version before left it: the order rests, nothing is kept of its run."""
    if isinstance(store, MemoryStore):
        tables = store._db.tables
        (order,) = tables.orders.all()
        tables.orders.change(order["id"], state="done", code=None, due_at=None)
        tables.replay.change("r-1", state=state)
        tables.replay_item.change(("r-1", 0), result_state=None)
        return
    assert isinstance(store, PostgresStore)
    async with store._db.session() as session:
        await session.execute("UPDATE orders SET state = 'done', code = NULL, due_at = NULL")
        await session.execute("UPDATE replay SET state = $1", state)
        await session.execute("UPDATE replay_item SET result_state = NULL")


async def test_an_order_that_an_older_version_gave_back_has_where_it_stands_as_its_result(
    store: FullStore, worker: Worker
) -> None:
    await _running(store, worker)
    await _as_before_results(store, ReplayState.RUNNING)
    finished = await store.finish_replay(TENANT, "r-1")
    assert finished.state == ReplayState.DONE
    (item,) = finished.items
    assert _came(item.result)[:2] == ("done", None)


async def test_a_run_that_ended_before_results_were_kept_gets_none_afterwards(
    store: FullStore, worker: Worker
) -> None:
    await _running(store, worker)
    await _as_before_results(store, ReplayState.DONE)
    await deliver(store, "later", purchase_order())
    await release(store, await claim_one(store, worker), HELD)
    assert await _results(store) == [None]
    assert (await store.abort_replay(TENANT, "r-1", "anna")).state == ReplayState.DONE
    assert await _results(store) == [None]


async def test_aborts_beside_commits_of_the_same_orders_lock_nobody_out(
    postgres: PostgresStore, database_url: str
) -> None:
    """Each order has one result, by whoever was first, and the run says which it was."""
    store: FullStore = postgres
    async with store.join() as worker:
        for turn in range(5):
            await deliver(store, f"turn-{turn}", *_documents(turn))
            claims = await store.claim(worker, 20, LEASE)
            assert len(claims) == 20
            for claim in claims:
                await release(store, claim, HELD)
            rows = await store.by_ids(TENANT, [claim.order_id for claim in claims])
            now = await store.now()
            items = tuple(
                ReplayItem(row.id, row.name, row.connection, row.wake_seq, ReplayState.PLANNED)
                for row in sorted(rows, key=lambda row: -row.id)
            )
            name = f"r-{turn}"
            later = now + timedelta(hours=1)
            await store.add_replay(
                Replay(name, TENANT, "planned", "x", "anna", now, later, items=items)
            )
            await store.start_replay(TENANT, name, "anna")
            again = await store.claim(worker, 20, LEASE)
            ends = [release(store, claim, done()) for claim in again]
            ended = await asyncio.gather(store.abort_replay(TENANT, name, "ben"), *ends)
            assert all(ended[1:])
            replay = await store.replay(TENANT, name)
            assert replay is not None
            states = {item.result.state for item in replay.items if item.result is not None}
            assert len([item for item in replay.items if item.result is not None]) == 20
            assert states <= {"done", ABORTED}
            assert (ABORTED in states) == (replay.state == ReplayState.ABORTED)


def _documents(turn: int) -> list[dict[str, Any]]:
    return [sales_order(str(5000 + turn * 100 + number)) for number in range(20)]


async def test_an_abort_waits_for_the_commit_that_ends_the_last_order(
    postgres: PostgresStore,
) -> None:
    """It would abort a run of which nothing is left to abort."""
    store: FullStore = postgres
    async with store.join() as worker:
        await _running(store, worker)
        claim = await claim_one(store, worker)
        async with postgres._db.transaction() as session:  # the worker's commit, standing still
            await session.execute("SELECT FROM orders WHERE id = $1 FOR UPDATE", claim.order_id)
            await session.execute(
                "UPDATE replay_item SET result_state = 'done', result_at = clock_timestamp()"
            )
            aborting = asyncio.create_task(store.abort_replay(TENANT, "r-1", "anna"))
            done_early, _ = await asyncio.wait([aborting], timeout=0.3)
            assert not done_early
        replay = await aborting
        assert (replay.state, await _last_audit(store)) == (ReplayState.DONE, "replay.run")


async def test_the_result_and_the_order_are_one_commit(postgres: PostgresStore) -> None:
    """Where the result cannot be kept the order is not given back, and where the order is given back
    its result is kept: no death of a process can come between."""
    store: FullStore = postgres
    async with store.join() as worker:
        await _running(store, worker)
        claim = await claim_one(store, worker)
        async with postgres._db.session() as session:
            await session.execute(
                "ALTER TABLE replay_item ADD CONSTRAINT none CHECK (result_at IS NULL)"
            )
        with pytest.raises(asyncpg.CheckViolationError):
            await release(store, claim, done())
        assert (await order_of(store)).state is State.HELD
        async with postgres._db.session() as session:
            await session.execute("ALTER TABLE replay_item DROP CONSTRAINT none")
        assert await release(store, claim, done())
        assert _came((await _results(store))[0])[0] == "done"
