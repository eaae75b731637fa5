# ruff: noqa: S608 - names of our own tables
"""Retention, on every store: what has outlived its use goes, what an open order has stays."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta
from typing import Any

import pytest

from app.domain.ports import Worker
from app.domain.records import CallRecord
from app.domain.retention import Kept, Period
from app.store.memory import MemoryStore
from app.store.partitions import GROWING
from tests.store.build import (
    TENANT,
    FullStore,
    claim_one,
    deliver,
    delivery,
    done,
    entry,
    merge_all,
    order_of,
    release,
    sales_order,
    writes,
)

CALL = CallRecord("connectwise", "GET", "/sales/orders", "", 200, 1.0, None, "[]")
YEAR = timedelta(days=400)
PERIODS = [Period(kept, 90) for kept in GROWING]


async def aged(store: Any, by: timedelta = YEAR) -> None:
    """Have everything happened so much earlier."""
    if isinstance(store, MemoryStore):
        with store._db.tables.transaction():
            for growing in GROWING.values():
                table = getattr(store._db.tables, growing.table)
                for row in table.all():
                    table.change(row["id"], **{growing.moment: row[growing.moment] - by})
        return
    async with store._db.session() as session:
        for growing in GROWING.values():
            await session.execute(
                f"UPDATE {growing.table} SET {growing.moment} = {growing.moment} - $1::interval", by
            )


async def with_story(store: FullStore, worker: Worker, source_id: str, *, closed: bool) -> int:
    """An order with a delivery, a line in its journal and a call."""
    await deliver(store, f"msg_{source_id}", sales_order(source_id))
    claim = await claim_one(store, worker)
    await store.commit(writes(claim, journal=[entry("MINE")], calls=[CALL]), None)
    await release(store, claim, done() if closed else None)
    return claim.order_id


async def told(store: FullStore, order_id: int) -> tuple[int, int]:
    """How many lines and calls an order has."""
    journal = await store.journal(order_id, None, 100)
    calls = await store.calls(order_id, None, 100)
    return len(journal.items), len(calls.items)


async def test_rows_of_an_open_order_stay_however_old_they_are(
    store: FullStore, worker: Worker
) -> None:
    shut = await with_story(store, worker, "1201", closed=True)
    opened = await with_story(store, worker, "1202", closed=False)
    before = await told(store, opened)
    await store.accept(delivery("unmerged", sales_order("1203")))
    await aged(store)
    holdings = {one.period.kept: one for one in [await store.holding(p) for p in PERIODS]}
    pruned = {one.kept: one for one in [await store.prune(p) for p in PERIODS]}
    for kept in GROWING:
        held = holdings[kept]
        assert held.of_open >= 1
        assert pruned[kept].rows == held.outlived - held.of_open >= 1
        assert not pruned[kept].busy
    assert await told(store, shut) == (0, 0)
    assert await told(store, opened) == before
    kept_events = (await store.events(TENANT, None, None, None, 10)).items
    assert {event.external_id for event in kept_events} == {"unmerged", "msg_1202"}
    assert await merge_all(store) == 1  # the delivery that was not merged is merged yet
    assert await order_of(store, "id:1203")
    assert [(await store.prune(period)).rows for period in PERIODS] == [0, 0, 0]


async def test_how_far_back_a_kind_goes_is_told_with_its_size_and_without_counting(
    store: FullStore, worker: Worker
) -> None:
    for kept in Kept:
        empty = await store.extent(Period(kept, 90))
        assert (empty.oldest, empty.period.kept) == (None, kept)
    await with_story(store, worker, "1201", closed=False)
    await aged(store)
    for period in PERIODS:
        told, counted = await store.extent(period), await store.holding(period)
        assert told.oldest is not None
        assert (told.oldest, told.until) == (counted.oldest, counted.until)
        if isinstance(store, MemoryStore):
            assert told.size is None
        else:
            assert told.size is not None
            assert told.size > 8192  # more than the first page of one index
        assert (await store.extent(Period(period.kept, 0))).until is None


async def test_what_an_order_kept_goes_when_it_is_done(store: FullStore, worker: Worker) -> None:
    opened = await with_story(store, worker, "1201", closed=False)
    await aged(store)
    assert (await store.prune(Period(Kept.CALLS, 90))).rows == 0
    await store.wake([opened])
    await release(store, await claim_one(store, worker), done())
    assert (await store.prune(Period(Kept.CALLS, 90))).rows == 1
    assert (await told(store, opened))[1] == 0


@pytest.mark.parametrize("days", [0, 500])
async def test_what_is_young_enough_or_kept_for_ever_stays(
    store: FullStore, worker: Worker, days: int
) -> None:
    shut = await with_story(store, worker, "1201", closed=True)
    await aged(store)
    before = await told(store, shut)
    for period in PERIODS:
        assert (await store.prune(dataclasses.replace(period, days=days))).rows == 0
    assert await told(store, shut) == before


async def test_a_delivery_that_was_counted_counts_once_after_its_row_is_gone(
    store: FullStore, worker: Worker
) -> None:
    await with_story(store, worker, "1201", closed=True)
    await aged(store)
    assert (await store.prune(Period(Kept.INBOX, 90))).rows == 1
    assert (await store.accept(delivery("msg_1201", sales_order("1201")))).duplicate


def test_a_month_goes_as_a_whole_and_never_early() -> None:
    now = datetime.fromisoformat("2026-03-31T12:00:00+00:00")
    until = Period(Kept.CALLS, 90).until(now)
    assert until == datetime.fromisoformat("2025-12-01T00:00:00+00:00")
    assert Period(Kept.CALLS, 0).until(now) is None
