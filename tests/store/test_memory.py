"""What only the store in memory can show: virtual time, faults at every commit, the same run twice."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from app.domain.errors import LeaseLost, StoreUnavailable
from app.domain.ports import Worker
from app.domain.records import Claim, Ref, StepRun
from app.domain.views import Audit
from app.store.memory import MemoryStore, Mortal, Seed
from app.store.memory.tables import Tables
from tests.store.build import (
    LEASE,
    TENANT,
    applied,
    claim_one,
    codes_of,
    deliver,
    delivery,
    done,
    entry,
    merge_all,
    order_of,
    plan,
    release,
    sales_order,
    snapshot_of,
    writes,
)
from tests.store.play import Player

AUDIT = Audit("anna", "test", "target")
DAY = 86_400.0


class Virtual:
    """Time that only moves when a test says so."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds
        await asyncio.sleep(0)


class Counted:
    """Tokens in their order."""

    def __init__(self) -> None:
        self.last = 0

    def token(self) -> str:
        self.last += 1
        return f"token-{self.last}"


class Faulty:
    """Interrupts at one point, once: with StoreUnavailable, or with what it is told to do."""

    def __init__(self) -> None:
        self.at: str | None = None
        self.does: Callable[[], None] | None = None
        self.points: list[str] = []

    async def fault(self, point: str) -> None:
        self.points.append(point)
        await asyncio.sleep(0)
        if point == self.at:
            self.at = None
            if self.does is not None:
                self.does()
            else:
                raise StoreUnavailable(point)


@pytest.fixture
def clock() -> Virtual:
    return Virtual()


@pytest.fixture
def faulty() -> Faulty:
    return Faulty()


@pytest.fixture
def memory(clock: Virtual, faulty: Faulty) -> MemoryStore:
    return MemoryStore(clock, Counted(), faults=faulty)


@pytest.fixture
async def worker(memory: MemoryStore) -> AsyncIterator[Worker]:
    async with memory.join() as worker:
        yield worker


# --- the same run twice ---------------------------------------------------------------------------


async def _played(seed: int) -> list[Any]:
    clock = Virtual()
    told: list[Any] = []
    async with Player(MemoryStore(clock, Counted()), seed) as player:
        for _ in range(120):
            clock.seconds += 0.5
            told.append(await player.turn())
        told.append(await player.seen())
        store = player.store
        page = await store.events(TENANT, None, None, None, 1000)
        told += [(event.id, event.received_at, event.merged_at) for event in page.items]
        for row in await store.by_ids(TENANT, range(1, 100)):
            told.append((await store.peek(row.id), await store.journal(row.id, None, 1000)))
    return told


async def test_one_seed_gives_the_same_ids_tokens_and_moments() -> None:
    assert await _played(5) == await _played(5)
    assert await _played(5) != await _played(6)


@pytest.mark.breadth
def test_no_order_of_a_set_reaches_what_is_told() -> None:
    """The order of texts in a set differs from process to process; nothing may rest on it."""
    run = "import asyncio, tests.store.test_memory as t; print(asyncio.run(t._played(7)))"
    told = [
        subprocess.run(
            [sys.executable, "-c", run],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert told[0] == told[1]
    assert len(told[0]) > 1000


async def test_moments_are_the_clocks(memory: MemoryStore, clock: Virtual) -> None:
    before = await memory.now()
    assert before == Seed().epoch
    clock.seconds += 90
    assert (await memory.now() - before).total_seconds() == 90


async def test_what_has_outlived_its_use_is_cleared_by_a_workers_start(
    memory: MemoryStore, clock: Virtual
) -> None:
    await memory.accept(delivery("old", sales_order()))
    clock.seconds += 91 * DAY
    await memory.accept(delivery("new", sales_order()))
    async with memory.join():
        assert not (await memory.accept(delivery("old", sales_order()))).duplicate
        assert (await memory.accept(delivery("new", sales_order()))).duplicate


# --- faults ---------------------------------------------------------------------------------------


async def _claimed(memory: MemoryStore, worker: Worker) -> Claim:
    await deliver(memory, "msg-1", sales_order())
    return await claim_one(memory, worker)


async def _commit(memory: MemoryStore, claim: Claim, worker: Worker) -> object:
    refs = [Ref("product", "1", "500", exclusive=True)]
    return await memory.commit(writes(claim, refs=refs, ledger=[applied()], journal=[entry("DID")]))


async def _begin(memory: MemoryStore, claim: Claim, worker: Worker) -> object:
    return await memory.begin(
        claim, step="s", subject="order", kind="product", key="k", evidence={"x": 1}
    )


async def _claim_shared(memory: MemoryStore, claim: Claim, worker: Worker) -> object:
    return await memory.claim_shared(claim, "catalog_item", "A", None)


async def _accept(memory: MemoryStore, claim: Claim, worker: Worker) -> object:
    return await memory.accept(delivery("msg-2", sales_order(version=2)))


async def _merge(memory: MemoryStore, claim: Claim, worker: Worker) -> object:
    return await memory.merge(plan, 10)


async def _drop(memory: MemoryStore, claim: Claim, worker: Worker) -> object:
    await memory.drop(claim, 0.0)
    return None


async def _heartbeat(memory: MemoryStore, claim: Claim, worker: Worker) -> object:
    return await memory.heartbeat(worker, [claim.token], 9 * LEASE)


async def _hold(memory: MemoryStore, claim: Claim, worker: Worker) -> object:
    await memory.hold(claim.order_id, "anna", "why")
    return None


WRITES: dict[str, Callable[[MemoryStore, Claim, Worker], Awaitable[object]]] = {
    "commit": _commit,
    "begin": _begin,
    "claim_shared": _claim_shared,
    "accept": _accept,
    "merge": _merge,
    "drop": _drop,
    "heartbeat": _heartbeat,
    "hold": _hold,
}


@pytest.mark.parametrize("name", sorted(WRITES))
async def test_a_fault_before_a_commit_leaves_nothing_and_one_after_it_everything(
    memory: MemoryStore, faulty: Faulty, worker: Worker, clock: Virtual, name: str
) -> None:
    claim = await _claimed(memory, worker)
    await memory.accept(delivery("waits", sales_order(version=9)))
    clock.seconds += 1
    before = _all_rows(memory)
    faulty.at = f"{name}.before"
    with pytest.raises(StoreUnavailable):
        await WRITES[name](memory, claim, worker)
    assert _all_rows(memory) == before
    faulty.at = f"{name}.after"
    with pytest.raises(StoreUnavailable):
        await WRITES[name](memory, claim, worker)
    assert _all_rows(memory) != before


def _all_rows(memory: MemoryStore) -> dict[str, Any]:
    return memory.rows()


async def test_a_write_set_that_fails_leaves_nothing_of_itself(
    memory: MemoryStore, worker: Worker
) -> None:
    """Its last part is the one that is refused: all before it has been written by then."""
    claim = await _claimed(memory, worker)
    await memory.commit(writes(claim, run_started=StepRun("a", "order", 1)))
    before = _all_rows(memory)
    wants = writes(
        claim,
        refs=[Ref("product", "1", "500", exclusive=True)],
        ledger=[applied()],
        journal=[entry()],
        run_started=StepRun("b", "order", 1),
    )
    with pytest.raises(Exception, match="step_run"):
        await memory.commit(wants)
    assert _all_rows(memory) == before
    assert (await memory.load(claim)).refs == ()


async def test_who_waits_for_a_claim_is_found_when_its_waking_was_lost(
    memory: MemoryStore, faulty: Faulty, worker: Worker
) -> None:
    await deliver(memory, "all", sales_order("1201"), sales_order("1202"))
    owner, waiter = await memory.claim(worker, 5, LEASE)
    await memory.claim_shared(owner, "catalog_item", "A", None)
    assert not (await memory.claim_shared(waiter, "catalog_item", "A", None)).owned
    assert await release(memory, waiter)
    faulty.at = "wake_waiters.before"
    assert (await memory.commit(writes(owner, drop_claims=[("catalog_item", "A")]))).held
    assert (await order_of(memory, "ON1202")).due_at is None
    assert await memory.claim(worker, 5, LEASE) == []
    assert (await claim_one(memory, worker)).order_id == waiter.order_id


# --- death ----------------------------------------------------------------------------------------


async def test_a_worker_that_is_killed_loses_its_orders_at_once(memory: MemoryStore) -> None:
    """Its task never runs again, as after kill -9: nobody leaves the `join`."""
    await deliver(memory, "msg-1", sales_order())
    life = memory.join()
    dying = await life.__aenter__()
    assert isinstance(dying, Mortal)
    lost = await claim_one(memory, dying)
    async with memory.join() as heir:
        assert await memory.claim(heir, 5, LEASE) == []
        dying.kill()
        assert not dying.alive()
        assert (await claim_one(memory, heir)).order_id == lost.order_id
        with pytest.raises(LeaseLost):
            await memory.load(lost)
        assert await memory.heartbeat(dying, [lost.token], LEASE) == set()
    assert (await memory.readiness()).workers_alive == 0
    await life.__aexit__(None, None, None)


@pytest.mark.parametrize("point", ["commit.before", "commit.after"])
async def test_a_commit_that_is_under_way_stands_although_its_worker_died(
    memory: MemoryStore, faulty: Faulty, point: str
) -> None:
    """A server that has a commit carries it out, and nobody hears the answer."""
    async with memory.join() as dying, memory.join() as heir:
        claim = await _claimed(memory, dying)
        work = asyncio.create_task(_commit(memory, claim, dying))

        def die() -> None:
            assert isinstance(dying, Mortal)
            dying.kill()
            work.cancel()

        faulty.at, faulty.does = point, die
        with pytest.raises(asyncio.CancelledError):
            await work
        assert (await codes_of(memory)).count("DID") == 1
        assert (await claim_one(memory, heir)).order_id == claim.order_id


async def test_a_cancelled_worker_leaves_at_once(memory: MemoryStore, faulty: Faulty) -> None:
    joined = asyncio.Event()

    async def live() -> None:
        async with memory.join():
            joined.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(live())
    await joined.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await memory.readiness()).workers_alive == 0


# --- what is kept besides -------------------------------------------------------------------------


async def test_changes_leave_an_audit_row(memory: MemoryStore) -> None:
    await memory.put_mapping(TENANT, "company", "1", "C", Audit("anna", "mapping.put", "1", {}))
    await memory.audit(TENANT, Audit("ben", "login", "console"))
    audits = [(row["actor"], row["action"]) for row in memory.rows()["audit"].values()]
    assert audits == [("anna", "mapping.put"), ("ben", "login")]


async def test_a_pinned_order_says_which_text_of_its_scenario(
    memory: MemoryStore, worker: Worker
) -> None:
    for _ in range(2):
        await memory.keep_scenario("b1", 1, "abc", "name = 'b1'")
    claim = await _claimed(memory, worker)
    await memory.commit(writes(claim, pin=("b1", 1, {})))
    await release(memory, claim, done())
    (row,) = memory.rows()["orders"].values()
    assert (row["scenario"], row["scenario_hash"]) == ("b1", "abc")


async def test_what_was_handed_in_may_be_changed_afterwards(
    memory: MemoryStore, worker: Worker
) -> None:
    claim = await _claimed(memory, worker)
    want: dict[str, Any] = {"lines": [1], "pair": (1, 2)}
    await memory.commit(writes(claim, ledger=[applied(want=want)]))
    want["lines"].append(2)
    (row,) = (await snapshot_of(memory)).ledger
    assert row.want == {"lines": [1], "pair": [1, 2]}


async def test_every_fault_point_of_a_round_is_told_by_name(
    memory: MemoryStore, faulty: Faulty, worker: Worker
) -> None:
    faulty.points.clear()
    await memory.accept(delivery("msg-1", sales_order()))
    await merge_all(memory)
    claim = await claim_one(memory, worker)
    assert await release(memory, claim, done())
    sides = ("before", "after")
    both = [f"{name}.{side}" for name in ("accept", "merge", "merge", "claim") for side in sides]
    assert faulty.points == [*both, "load", "commit.before", "commit.after"]


def test_a_transaction_that_lets_others_run_is_refused() -> None:
    tables = Tables()
    second = tables.transaction()
    with tables.transaction(), pytest.raises(RuntimeError, match="left while it was open"):
        second.__enter__()
