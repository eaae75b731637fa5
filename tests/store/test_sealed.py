"""What is sealed of a call, on every store: kept and read with that one call, gone with it."""

from __future__ import annotations

import dataclasses

from app.domain.ports import Worker
from app.domain.retention import Kept, Period
from app.store.postgres import PostgresStore
from tests.store.build import FullStore, claim_one, deliver, done, release, sales_order, writes
from tests.store.test_recording import CALL
from tests.store.test_retention import aged

SEALED = dataclasses.replace(CALL, sealed=b"\x00\xffsealed")


async def test_what_is_sealed_is_read_with_the_one_call_only(
    store: FullStore, worker: Worker
) -> None:
    await deliver(store, "one", sales_order("1201"))
    claim = await claim_one(store, worker)
    await store.commit(writes(claim, calls=[SEALED, CALL]))
    listed = (await store.calls(claim.order_id, None, 10)).items
    assert [(row.sealed, row.call) for row in listed] == [(True, CALL), (False, CALL)]
    first, second = [await store.call(claim.order_id, row.id) for row in listed]
    assert first is not None
    assert second is not None
    assert (first.id, first.at, first.sealed) == (listed[0].id, listed[0].at, True)
    assert (first.call, second.call, second.sealed) == (SEALED, CALL, False)
    assert await store.call(claim.order_id + 1, listed[0].id) is None
    for unknown in (0, -1, listed[1].id + 1, 2**63 - 1, 2**63):
        assert await store.call(claim.order_id, unknown) is None


async def test_what_is_sealed_goes_with_its_call(store: FullStore, worker: Worker) -> None:
    await deliver(store, "one", sales_order("1201"))
    claim = await claim_one(store, worker)
    await store.commit(writes(claim, calls=[SEALED]))
    (row,) = (await store.calls(claim.order_id, None, 10)).items
    assert await release(store, claim, done())
    await aged(store)
    assert (await store.prune(Period(Kept.CALLS, 90))).rows == 1
    assert await store.call(claim.order_id, row.id) is None


async def test_an_open_orders_call_keeps_what_is_sealed_when_its_month_is_dropped(
    postgres: PostgresStore,
) -> None:
    await deliver(postgres, "one", sales_order("1201"))
    async with postgres.join() as worker:
        claim = await claim_one(postgres, worker)
        await postgres.commit(writes(claim, calls=[SEALED]))
    (row,) = (await postgres.calls(claim.order_id, None, 10)).items
    async with postgres._db.session() as session:
        await session.execute(
            "CREATE TABLE call_2024_02 PARTITION OF call"
            " FOR VALUES FROM ('2024-02-01 00:00:00+00') TO ('2024-03-01 00:00:00+00')"
        )
        await session.execute("UPDATE call SET at = '2024-02-11 00:00:00+00'")
    await postgres.prune(Period(Kept.CALLS, 90))
    async with postgres._db.session() as session:
        assert not await session.fetchval("SELECT to_regclass('call_2024_02')")
    kept = await postgres.call(claim.order_id, row.id)
    assert kept is not None
    assert kept.call == SEALED
