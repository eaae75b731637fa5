"""Leases: one worker has an order, and a dead one does not keep it."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest

from app.domain.codes import Code, State
from app.domain.errors import LeaseLost
from app.domain.facts import INTERRUPTED
from app.domain.ports import Worker
from app.domain.records import (
    StepRun,
)
from tests.store.build import (
    LEASE,
    TENANT,
    FullStore,
    claim_one,
    codes_of,
    deliver,
    done,
    order_of,
    release,
    sales_order,
    writes,
)


async def _orders(store: FullStore, count: int) -> None:
    documents = [sales_order(str(1200 + number)) for number in range(count)]
    await deliver(store, "all", *documents)


async def test_two_workers_never_share_an_order(store: FullStore) -> None:
    await _orders(store, 40)
    async with store.join() as first, store.join() as second:
        taken = await asyncio.gather(
            *(store.claim(worker, 7, LEASE) for worker in (first, second) * 6)
        )
    ids = [claim.order_id for claims in taken for claim in claims]
    assert len(ids) == len(set(ids)) == 40


async def test_an_order_without_a_due_time_is_not_claimed(store: FullStore, worker: Worker) -> None:
    await _orders(store, 1)
    assert await release(store, await claim_one(store, worker), done())
    assert await store.claim(worker, 10, LEASE) == []
    assert await store.next_due() is None
    order = await order_of(store, "ON1200")
    assert (order.state, order.code) == (State.DONE, Code.RELEASED)


async def test_an_order_is_claimed_again_when_it_is_due(store: FullStore, worker: Worker) -> None:
    await _orders(store, 1)
    claim = await claim_one(store, worker)
    soon = await store.now() + timedelta(seconds=0.5)
    assert await release(store, claim, due_at=soon)
    assert await store.claim(worker, 10, LEASE) == []
    assert await store.next_due() == soon
    await asyncio.sleep(0.6)
    again = await claim_one(store, worker)
    assert again.order_id == claim.order_id
    assert again.token != claim.token


async def test_a_worker_that_is_gone_loses_its_orders_at_once(store: FullStore) -> None:
    await _orders(store, 1)
    async with store.join() as first, store.join() as second:
        async with store.join() as dying:
            lost = await claim_one(store, dying)
            assert await store.claim(first, 10, LEASE) == []
        assert not dying.alive()
        taken = await asyncio.gather(*(store.claim(w, 10, LEASE) for w in (first, second)))
        (claim,) = [claim for claims in taken for claim in claims]
        assert claim.order_id == lost.order_id
        with pytest.raises(LeaseLost):
            await store.load(lost)
        assert not (await store.commit(writes(lost))).held
        assert await store.claim(dying, 10, LEASE) == []


async def test_a_lease_that_ran_out_is_taken_over(store: FullStore, worker: Worker) -> None:
    await _orders(store, 1)
    async with store.join() as slow:
        (claim,) = await store.claim(slow, 10, 0.3)
        assert await store.claim(worker, 10, LEASE) == []
        await asyncio.sleep(0.4)
        assert (await claim_one(store, worker)).order_id == claim.order_id
        assert await store.heartbeat(slow, [claim.token], LEASE) == set()


async def test_a_heartbeat_prolongs_what_still_holds(store: FullStore, worker: Worker) -> None:
    await _orders(store, 3)
    claims = await store.claim(worker, 10, 0.5)
    assert await release(store, claims[0], done())
    tokens = [claim.token for claim in claims]
    assert await store.heartbeat(worker, tokens, LEASE) == set(tokens[1:])
    await asyncio.sleep(0.6)
    async with store.join() as other:
        assert await store.claim(other, 10, LEASE) == []
    committed = await store.commit(writes(claims[1]))
    assert committed.lease_until is not None
    assert committed.lease_until > await store.now() + timedelta(seconds=LEASE - 5)


async def test_a_dead_workers_step_is_closed_as_interrupted(
    store: FullStore, worker: Worker
) -> None:
    await _orders(store, 1)
    async with store.join() as dying:
        claim = await claim_one(store, dying)
        await store.commit(writes(claim, run_started=StepRun("create_products", "order", 1)))
    async with store.join() as finder:  # which dies as well, before it commits anything
        assert (await claim_one(store, finder)).interrupted == ("create_products",)
    again = await claim_one(store, worker)
    assert again.interrupted == ()
    facts = (await store.load(again)).facts
    assert [(one.kind, one.key) for one in facts] == [(INTERRUPTED, "create_products")]
    noticed = datetime.fromisoformat(facts[0].body["at"])
    assert timedelta() <= await store.now() - noticed < timedelta(seconds=30)
    started = writes(again, run_started=StepRun("create_products", "order", 2))
    assert (await store.commit(started)).held


async def test_a_wake_makes_an_order_due(store: FullStore, worker: Worker) -> None:
    await _orders(store, 1)
    claim = await claim_one(store, worker)
    assert await release(store, claim, done())
    before = await order_of(store, "ON1200")
    await store.wake([claim.order_id])
    after = await order_of(store, "ON1200")
    assert after.wake_seq == before.wake_seq + 1
    assert (await claim_one(store, worker)).order_id == claim.order_id


async def test_an_order_dropped_comes_back_later_with_its_count(
    store: FullStore, worker: Worker
) -> None:
    await _orders(store, 1)
    first = await claim_one(store, worker)
    assert first.claims_without_progress == 1
    await store.drop(first, 0.3)
    assert await store.claim(worker, 10, LEASE) == []
    await asyncio.sleep(0.4)
    second = await claim_one(store, worker)
    assert second.claims_without_progress == 2
    await store.drop(first, 0.0)  # a lost token is not an error
    assert (await store.commit(writes(second))).held


async def test_c7_a_claim_that_only_waited_for_a_place_does_not_count(
    store: FullStore, worker: Worker
) -> None:
    """However long the line is, who stands in it never becomes poison by that."""
    await _orders(store, 1)
    for _ in range(8):
        claim = await claim_one(store, worker)
        assert (claim.claims_without_progress, claim.suspect) == (1, False)
        await store.drop(claim, 0.0, waited=True)
    await store.drop(await claim_one(store, worker), 0.0)
    second = await claim_one(store, worker)
    assert second.claims_without_progress == 2
    await store.drop(second, 0.0, waited=True)
    assert (await claim_one(store, worker)).claims_without_progress == 2


# --- poison --------------------------------------------------------------------------------------


async def test_progress_forgets_the_claims_without_it(store: FullStore, worker: Worker) -> None:
    await _orders(store, 1)
    for _ in range(8):
        claim = await claim_one(store, worker)
        assert claim.claims_without_progress == 1
        await store.commit(writes(claim))
        await store.drop(claim, 0.0)


async def test_the_orders_of_a_worker_that_died_once_are_taken_over_together(
    store: FullStore,
) -> None:
    await _orders(store, 4)
    async with store.join() as dying:
        assert len(await store.claim(dying, 10, LEASE)) == 4
    async with store.join() as worker:
        claims = await store.claim(worker, 10, LEASE)
        assert [(claim.claims_without_progress, claim.suspect) for claim in claims] == [
            (2, False)
        ] * 4


async def test_an_order_that_ended_two_workers_is_claimed_alone(store: FullStore) -> None:
    await _orders(store, 4)
    for _ in range(2):
        async with store.join() as dying:
            assert len(await store.claim(dying, 10, LEASE)) == 4
    async with store.join() as worker:
        for _ in range(4):
            (claim,) = await store.claim(worker, 10, LEASE)
            assert (claim.claims_without_progress, claim.suspect) == (3, True)
            assert await release(store, claim, done())
        await deliver(store, "more", *[sales_order(str(1200 + n), version=2) for n in range(4)])
        assert len(await store.claim(worker, 10, LEASE)) == 4


async def test_a_suspect_does_not_stop_the_others(store: FullStore, worker: Worker) -> None:
    await _orders(store, 1)
    for _ in range(2):
        await store.drop(await claim_one(store, worker), 0.0)
    await deliver(store, "more", *[sales_order(str(1300 + number)) for number in range(3)])
    sizes = [len(await store.claim(worker, 10, LEASE)) for _ in range(3)]
    assert sorted(sizes) == [0, 1, 3]


async def test_an_order_that_ends_five_workers_is_parked(store: FullStore) -> None:
    await _orders(store, 1)
    for number in range(5):
        async with store.join() as dying:
            claim = await claim_one(store, dying)
            assert claim.claims_without_progress == number + 1
    async with store.join() as worker:
        assert await store.claim(worker, 10, LEASE) == []
        order = await order_of(store, "ON1200")
        assert (order.state, order.code, order.due_at) == (State.PARKED, Code.POISON, None)
        assert (await codes_of(store, "ON1200")).count("POISON") == 1
        # Neither a wake nor a document brings it back: only a person does.
        await store.wake([order.id])
        await deliver(store, "later", sales_order("1200", version=9))
        order = await order_of(store, "ON1200")
        assert (order.code, order.due_at) == (Code.POISON, None)
        assert await store.claim(worker, 10, LEASE) == []
        assert (await codes_of(store, "ON1200")).count("POISON") == 1


# --- snapshots -----------------------------------------------------------------------------------


async def test_a_snapshot_is_one_moment(store: FullStore, worker: Worker) -> None:
    """`wake_seq` never tells of documents that the same snapshot lacks, nor the other way round:
    each delivery here brings one version and one wake."""
    await _orders(store, 1)
    claim = await claim_one(store, worker)
    base = (await store.load(claim)).order.wake_seq

    async def deliver_all() -> None:
        for version in range(2, 40):
            await deliver(store, f"v-{version}", sales_order("1200", version=version))

    async def read_all() -> None:
        while (snapshot := await store.load(claim)).order.wake_seq < base + 38:
            (stored,) = snapshot.documents
            minute = int(stored.version[14:16])
            assert minute == snapshot.order.wake_seq - base + 1

    await asyncio.gather(deliver_all(), read_all(), read_all())


async def test_an_unknown_order_cannot_be_read(store: FullStore) -> None:
    with pytest.raises(KeyError):
        await store.peek(4711)
    assert await store.by_ids(TENANT, [4711]) == []
