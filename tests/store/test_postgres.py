"""What only PostgreSQL itself can do to the store: die, block, fill up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from app.domain.errors import StoreUnavailable
from app.store import database, intake
from app.store.postgres import PostgresStore
from tests.store.build import (
    LEASE,
    TENANT,
    claim_one,
    deliver,
    delivery,
    order_of,
    plan,
    release,
    sales_order,
    snapshot_of,
    writes,
)


@pytest.fixture
async def other(database_url: str) -> AsyncIterator[Any]:
    """A connection beside the store, for what an administrator or a fault would do."""
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


async def _end_connections(other: Any) -> int:
    """End every connection of the store."""
    found = await other.fetch(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name = 'demandlink' AND datname = current_database()"
    )
    return len(found)


async def _eventually(condition: Any) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.01)


async def test_a_worker_whose_connection_dies_is_not_alive_and_loses_its_orders(
    postgres: PostgresStore, other: Any
) -> None:
    await deliver(postgres, "msg-1", sales_order())
    async with postgres.join() as heir, postgres.join() as dying:
        lost = await claim_one(postgres, dying)
        await other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_locks"
            " WHERE locktype = 'advisory' AND objid = $1 AND database ="
            # Other tests' databases on this server have such locks too.
            " (SELECT oid FROM pg_database WHERE datname = current_database())",
            dying.id,
        )
        await _eventually(lambda: not dying.alive())
        assert heir.alive()
        assert await postgres.heartbeat(dying, [lost.token], LEASE) == set()
        assert (await claim_one(postgres, heir)).order_id == lost.order_id


async def test_the_store_goes_on_after_the_server_ended_its_connections(
    postgres: PostgresStore, other: Any
) -> None:
    await deliver(postgres, "msg-1", sales_order())
    assert await _end_connections(other) > 0
    for number in range(20):  # an error is allowed while the ends are on their way
        try:
            await postgres.accept(delivery(f"after-{number}", sales_order(version=number)))
        except StoreUnavailable:
            continue
    assert not (await postgres.accept(delivery("last", sales_order(version=99)))).duplicate


async def test_ends_of_connections_under_load_lose_nothing_that_was_acknowledged(
    postgres: PostgresStore, other: Any
) -> None:
    kept: list[int] = []
    failed = 0

    async def send(number: int) -> None:
        nonlocal failed
        for _ in range(8):
            try:
                answer = await postgres.accept(delivery(f"msg-{number}", sales_order()))
            except StoreUnavailable:
                failed += 1
            else:
                kept.append(answer.event_id)
                return

    async def fault() -> None:
        for _ in range(5):
            await asyncio.sleep(0.02)
            await _end_connections(other)

    await asyncio.gather(fault(), *(send(number) for number in range(100)))
    stored = {row["id"] for row in await other.fetch("SELECT id FROM inbox_event")}
    assert set(kept) <= stored
    assert len(stored) == len(set(kept))


async def test_a_database_that_is_not_there_is_unavailable() -> None:
    async with await PostgresStore.open("postgresql://nobody@127.0.0.1:9/none") as store:
        with pytest.raises(StoreUnavailable):
            await store.now()
        with pytest.raises(StoreUnavailable):
            await store.accept(delivery("msg-1", sales_order()))
        with pytest.raises(StoreUnavailable):
            async with store.join():
                pass


async def test_a_read_only_database_is_unavailable_for_intake(
    postgres: PostgresStore, other: Any
) -> None:
    name = await other.fetchval("SELECT current_database()")
    await postgres.accept(delivery("before", sales_order()))
    await other.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    await _end_connections(other)
    await asyncio.sleep(0.1)
    with pytest.raises(StoreUnavailable):
        await postgres.accept(delivery("msg-1", sales_order()))
    assert (await postgres.now()).year > 2000


async def test_intake_says_soon_that_it_is_blocked(
    postgres: PostgresStore, other: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "ACCEPT_SECONDS", 0.3)
    await postgres.accept(delivery("before", sales_order()))
    async with other.transaction():
        await other.execute("LOCK TABLE inbox_event IN ACCESS EXCLUSIVE MODE")
        started = asyncio.get_running_loop().time()
        with pytest.raises(StoreUnavailable):
            await postgres.accept(delivery("msg-1", sales_order()))
        assert asyncio.get_running_loop().time() - started < 1
    # What was in flight may have been kept: the sender's next try is a duplicate at worst.
    await postgres.accept(delivery("msg-1", sales_order()))
    assert await other.fetchval("SELECT count(*) FROM inbox_event") == 2


async def test_a_statement_that_meets_a_lock_ends_by_itself(
    database_url: str, other: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "STATEMENT_SECONDS", 0.5)
    async with await PostgresStore.open(database_url) as store:
        await deliver(store, "msg-1", sales_order())
        async with other.transaction():
            await other.execute("LOCK TABLE orders IN ACCESS EXCLUSIVE MODE")
            with pytest.raises(StoreUnavailable):
                await order_of(store)
        assert (await order_of(store)).number == "ON1201"


async def test_commits_at_once_share_a_transaction(postgres: PostgresStore, other: Any) -> None:
    await deliver(postgres, "all", *[sales_order(str(1200 + number)) for number in range(30)])
    async with postgres.join() as worker:
        claims = await postgres.claim(worker, 30, LEASE)
        await asyncio.gather(*(postgres.commit(writes(claim)) for claim in claims))
        seen = {row["xmin"] for row in await other.fetch("SELECT xmin::text FROM orders")}
    assert len(seen) < 6


async def test_deadlocks_are_tried_again(postgres: PostgresStore, other: Any) -> None:
    """Where somebody locks in another order than ours, the transaction is done again."""
    await deliver(postgres, "all", *[sales_order(str(1200 + number)) for number in range(2)])
    first, second = [row.id for row in await postgres.by_ids(TENANT, range(10))]
    await other.execute("SET deadlock_timeout = '10s'")  # so that the store is the one to yield
    await other.execute("BEGIN")
    await other.execute("SELECT FROM orders WHERE id = $1 FOR UPDATE", second)
    async with postgres.join() as worker:
        (claim,) = await postgres.claim(worker, 5, LEASE)
        assert claim.order_id == first
        await postgres.accept(
            delivery("both", sales_order("1200", version=2), sales_order("1201", version=2))
        )
        merging = asyncio.ensure_future(postgres.merge(plan, 10))
        await asyncio.sleep(0.2)
        await other.execute("SELECT FROM orders WHERE id = $1 FOR UPDATE", first)
        await other.execute("ROLLBACK")
        assert await merging == 1
    assert (await snapshot_of(postgres, "ON1201")).documents[0].version.startswith("2026")


async def test_a_waiter_whose_waking_was_lost_is_found_by_the_sweep(
    postgres: PostgresStore, other: Any
) -> None:
    """The commit that dropped the claim died before it could wake anybody."""
    await deliver(postgres, "all", sales_order("1200"), sales_order("1201"))
    async with postgres.join() as worker:
        owner, waiter = await postgres.claim(worker, 5, LEASE)
        await postgres.claim_shared(owner, "catalog_item", "A", None)
        assert not (await postgres.claim_shared(waiter, "catalog_item", "A", None)).owned
        assert await release(postgres, waiter)
        await other.execute("DELETE FROM remote_claim")
        assert await postgres.claim(worker, 5, LEASE) == []
        assert (await claim_one(postgres, worker)).order_id == waiter.order_id


async def test_a_workers_start_clears_away_what_has_outlived_its_use(
    postgres: PostgresStore, other: Any
) -> None:
    await postgres.accept(delivery("old", sales_order()))
    await postgres.accept(delivery("new", sales_order()))
    await other.execute(
        "UPDATE inbox_seen SET seen_at = now() - interval '91 days' WHERE external_id = 'old'"
    )
    await other.execute("INSERT INTO worker (seen_at) VALUES (now() - interval '2 days')")
    async with postgres.join():
        seen = await other.fetch("SELECT external_id FROM inbox_seen")
        assert [row["external_id"] for row in seen] == ["new"]
        assert await other.fetchval("SELECT count(*) FROM worker") == 1
