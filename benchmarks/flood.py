"""One tenant's flood against another tenant's wait: interleaved rounds with and without it.

Run: python -m benchmarks.flood [--orders 100000] [--rounds 5]
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path

import asyncpg

from app import embedded
from app.bootstrap import beside
from app.domain.ports import Worker
from app.domain.records import Claim
from app.store import claiming, migrate
from app.store.postgres import PostgresStore

FLOODING, OTHER = 1, 2
PLACES = 32  # a worker's
WORK_SECONDS = 0.02  # what an order keeps its place
SAMPLES = 20
EMPTY: list[int] = []

_SEED = """
INSERT INTO orders (tenant_id, connection_id, source_id, due_at)
SELECT $1, c.id, $2 || n, now() - interval '1 hour' + n * interval '1 ms'
FROM generate_series(1, $3::int) AS n,
    (SELECT id FROM connection WHERE tenant_id = $1 AND kind = 'commerce' LIMIT 1) AS c
"""


async def _seed(pool: asyncpg.Pool[asyncpg.Record], tenant: int, name: str, count: int) -> None:
    await pool.execute(_SEED, tenant, name, count)
    await pool.execute("VACUUM ANALYZE orders")


async def _worker(store: PostgresStore, me: Worker, stop: asyncio.Event, seen: set[int]) -> None:
    """Takes orders as a worker does, keeps each for a while, and gives it back due at once."""
    busy: set[asyncio.Task[None]] = set()

    async def work(claim: Claim) -> None:
        seen.add(claim.order_id)
        await asyncio.sleep(WORK_SECONDS)
        await store.drop(claim, 0.0)

    while not stop.is_set():
        for claim in await store.claim(me, PLACES - len(busy), 30.0):
            task = asyncio.create_task(work(claim))
            busy.add(task)
            task.add_done_callback(busy.discard)
        await asyncio.sleep(0.002)
    await asyncio.gather(*busy)


async def _waits(store: PostgresStore, pool: asyncpg.Pool[asyncpg.Record]) -> float:
    """The median wait of the other tenant's order, in milliseconds."""
    stop, seen, waits = asyncio.Event(), set[int](), []
    order = await pool.fetchval("SELECT id FROM orders WHERE tenant_id = $1", OTHER)
    await pool.execute("UPDATE orders SET due_at = NULL WHERE id = $1", order)
    async with store.join() as me:
        working = asyncio.create_task(_worker(store, me, stop, seen))
        await asyncio.sleep(0.5)
        for _ in range(SAMPLES):
            seen.discard(order)
            begun = time.perf_counter()
            await pool.execute("UPDATE orders SET due_at = now() WHERE id = $1", order)
            while order not in seen:  # noqa: ASYNC110 - a poll costs less than it measures
                await asyncio.sleep(0.001)
            waits.append((time.perf_counter() - begun) * 1000)
            await asyncio.sleep(WORK_SECONDS * 2)
            await pool.execute(
                "UPDATE orders SET due_at = NULL, lease_owner = NULL, lease_token = NULL,"
                " lease_until = NULL, claims_without_progress = 0 WHERE id = $1",
                order,
            )
            await pool.execute(
                "UPDATE orders SET claims_without_progress = 0 WHERE claims_without_progress > 0"
            )
        stop.set()
        await working
    return statistics.median(waits)


async def _claims(store: PostgresStore, pool: asyncpg.Pool[asyncpg.Record]) -> float:
    """The median time of a claim of all places, in milliseconds."""
    times: list[float] = []
    async with store.join() as me:
        for _ in range(SAMPLES):
            begun = time.perf_counter()
            claims = await store.claim(me, PLACES, 30.0)
            times.append((time.perf_counter() - begun) * 1000)
            await pool.execute(
                "UPDATE orders SET lease_owner = NULL, lease_token = NULL, lease_until = NULL,"
                " claims_without_progress = 0 WHERE id = ANY ($1::bigint[])",
                [claim.order_id for claim in claims],
            )
    return statistics.median(times)


async def measure(database_url: str, orders: int, rounds: int) -> float:
    """Print what was measured; the ratio of the waits."""
    await beside(migrate.upgrade, database_url)
    async with (
        await PostgresStore.open(database_url) as store,
        asyncpg.create_pool(database_url, min_size=1, max_size=2) as pool,
    ):
        await pool.execute("INSERT INTO tenant (id, name) VALUES ($1, 'other')", OTHER)
        await store.ensure_connection(OTHER, "commerce", "other")
        await _seed(pool, OTHER, "other-", 1)
        calm, flooded, cheap, dear = [], [], [], []
        for _ in range(rounds):
            await pool.execute("DELETE FROM orders WHERE tenant_id = $1", FLOODING)
            await _seed(pool, FLOODING, "calm-", 100)
            cheap.append(await _claims(store, pool))
            await pool.execute("DELETE FROM orders WHERE tenant_id = $1", FLOODING)
            calm.append(await _waits(store, pool))
            await _seed(pool, FLOODING, "flood-", orders)
            dear.append(await _claims(store, pool))
            flooded.append(await _waits(store, pool))
        plan = "\n".join(
            row[0]
            for row in await pool.fetch(
                f"EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) {claiming._DUE}",  # noqa: SLF001
                PLACES, EMPTY, EMPTY,
            )
        )  # fmt: skip
    ratio = statistics.median(flooded) / statistics.median(calm)
    cost = (statistics.median(cheap), statistics.median(dear))
    wait = (statistics.median(calm), statistics.median(flooded))
    told = [
        plan,
        "Claim of {} orders: {:.1f} ms with 100 due, {:.1f} ms with {}.".format(
            PLACES, *cost, orders
        ),
        "The other tenant's order waits {:.1f} ms alone, {:.1f} ms beside the flood.".format(*wait),
        f"Ratio {ratio:.1f}. The claim reads the whole table: {'Seq Scan on orders' in plan}.",
    ]
    sys.stdout.write("\n".join(told) + "\n")
    return ratio


async def _main(orders: int, rounds: int) -> None:
    with tempfile.TemporaryDirectory() as place:
        servers = await embedded.start(Path(place), postgres=True, redis=False)
        try:
            await measure(servers.database_url, orders, rounds)
        finally:
            await servers.stop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    asyncio.run(_main(given.orders, given.rounds))
