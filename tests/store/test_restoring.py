"""A database that went back: who is told, and how it is noticed (docs/decisions/0035)."""

from __future__ import annotations

from app.domain.ports import Worker
from app.domain.views import Audit
from app.embedded import Servers
from app.store.postgres import PostgresStore
from tests.databases import Administrator, create, in_database
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
    database_template: str, servers: Servers, administrator: Administrator, worker_number: int
) -> None:
    first, second = (f"home_{worker_number}_{name}" for name in ("a", "b"))
    create(administrator, first, database_template)
    try:
        async with await PostgresStore.open(in_database(servers.database_url, first)) as store:
            for _ in range(2):
                async with store.join():
                    assert await store.last_restoration() is None
        create(administrator, second, first)
        async with await PostgresStore.open(in_database(servers.database_url, second)) as copy:
            async with copy.join():
                noticed = await copy.last_restoration()
            async with copy.join():
                assert await copy.last_restoration() == noticed
        assert noticed is not None
        assert noticed.noticed
    finally:
        for name in (first, second):
            administrator.run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
