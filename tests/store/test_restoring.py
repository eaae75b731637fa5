"""A database that went back: who is told, and how it is noticed (docs/decisions/0035)."""

from __future__ import annotations

import asyncpg

from app.domain.ports import Worker
from app.domain.views import Audit
from app.store.postgres import PostgresStore
from tests.databases import in_database
from tests.store.build import (
    LEASE,
    TENANT,
    FullStore,
    claim_one,
    deliver,
    release,
    sales_order,
    writes,
)

AUDIT = Audit("anna", "database.restored", "database", {"reason": "disk"})


async def test_a_restoration_ends_leases_and_is_carried_by_every_claim_after_it(
    store: FullStore, worker: Worker
) -> None:
    await deliver(store, "msg-1", sales_order())
    before = await claim_one(store, worker)
    assert before.restored is None
    told = await store.tell_restored(TENANT, AUDIT)
    assert not (await store.commit(writes(before))).held
    after = await claim_one(store, worker)
    assert after.restored == told.at
    assert await store.last_restoration() == told
    assert (told.noticed, told.actor, told.reason) == (False, "anna", "disk")


async def test_a_restoration_wakes_what_rests_and_leaves_what_ended(
    store: FullStore, worker: Worker
) -> None:
    await deliver(store, "msg-1", sales_order())
    assert await release(store, await claim_one(store, worker))
    assert await store.claim(worker, 1, LEASE) == []
    await store.tell_restored(TENANT, AUDIT)
    assert len(await store.claim(worker, 1, LEASE)) == 1


async def test_nothing_is_restored_where_nothing_was_told(store: FullStore) -> None:
    assert await store.last_restoration() is None


async def test_a_copy_of_the_database_is_noticed_once_and_the_database_itself_never(
    postgres: PostgresStore, database_url: str
) -> None:
    for _ in range(2):
        async with postgres.join():
            assert await postgres.last_restoration() is None
    await postgres.close()
    name = f"{database_url.rpartition('/')[2]}_copy"
    administrator = await asyncpg.connect(in_database(database_url, "postgres"))
    try:
        await administrator.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1",
            database_url.rpartition("/")[2],
        )
        template = database_url.rpartition("/")[2]
        await administrator.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        async with await PostgresStore.open(in_database(database_url, name)) as copy:
            async with copy.join():
                first = await copy.last_restoration()
            async with copy.join():
                assert await copy.last_restoration() == first
        assert first is not None
        assert first.noticed
    finally:
        await administrator.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        await administrator.close()
