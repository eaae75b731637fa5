"""Merging: documents find their orders, whatever comes first."""

from __future__ import annotations

import asyncio
import itertools
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.domain.codes import Code
from app.domain.documents import Kind
from tests.store.build import (
    TENANT,
    FullStore,
    deliver,
    delivery,
    kinds_of,
    merge_all,
    order_of,
    plan,
    purchase_order,
    quote,
    receipt,
    sales_order,
    snapshot_of,
)

STORY = (
    sales_order(version=1, quote="501"),
    sales_order(version=2, quote="501", customer={"name": "Contoso GmbH"}),
    purchase_order(version=3),
    receipt("R-1", version=4),
    quote(version=5),
)


async def _rows(store: FullStore) -> Any:
    """What merging leaves behind, apart from times, counters and the story itself."""
    snapshot = await snapshot_of(store)
    return (snapshot.order.number, snapshot.order.customer, snapshot.documents)


@pytest.mark.timeout(120)
async def test_every_order_of_arrival_gives_the_same_rows(store: FullStore) -> None:
    found = set()
    chance = random.Random(7)  # noqa: S311 - which permutations are tried, not a secret
    chosen = chance.sample(list(itertools.permutations(range(len(STORY)))), 24)
    for number, permutation in enumerate(chosen):
        # Each permutation has documents of its own, told apart by the ids' first digit.
        for place in permutation:
            await store.accept(delivery(f"{number}-{place}", _own(STORY[place], number)))
            if chance.random() < 0.5:
                await merge_all(store)
        await merge_all(store)
        snapshot = await snapshot_of(store, f"id:{number}-1201")
        kept = [
            (stored.kind, stored.source_id.partition("-")[2], stored.rank[0], len(stored.extras))
            for stored in snapshot.documents
        ]
        found.add((snapshot.order.number, snapshot.order.customer, tuple(kept)))
    assert len(found) == 1
    name, customer, rows = found.pop()
    assert (name, customer) == ("ON1201", "Contoso GmbH")
    assert len(rows) == 4


def _own(document: dict[str, Any], number: int) -> dict[str, Any]:
    links = ("source_id", "order", "quote", "purchase_order")
    return {
        **document,
        **{name: f"{number}-{document[name]}" for name in links if document.get(name)},
    }


async def test_everything_twice_gives_the_same_rows_as_once(store: FullStore) -> None:
    for number, document in enumerate(STORY):
        await deliver(store, f"once-{number}", document)
    once = await _rows(store)
    seq = (await order_of(store)).wake_seq
    for number, document in enumerate(reversed(STORY)):
        await deliver(store, f"twice-{number}", document)
    assert await _rows(store) == once
    assert (await order_of(store)).wake_seq == seq


async def test_a_document_of_an_unknown_order_makes_a_placeholder(store: FullStore) -> None:
    await deliver(store, "msg-1", purchase_order())
    placeholder = await order_of(store)
    assert (placeholder.number, placeholder.name) == (None, "id:1201")
    await deliver(store, "msg-2", sales_order())
    order = await order_of(store, "ON1201")
    assert order.id == placeholder.id
    assert order.customer == "Contoso Ltd"
    assert await kinds_of(store) == [("purchase_order", "881"), ("sales_order", "1201")]


async def test_a_receipt_before_its_purchase_order_follows_it(store: FullStore) -> None:
    await deliver(store, "msg-1", sales_order())
    await deliver(store, "msg-2", receipt())
    assert await kinds_of(store) == [("sales_order", "1201")]
    seq = (await order_of(store)).wake_seq
    await deliver(store, "msg-3", purchase_order())
    assert ("receipt", "R-1") in await kinds_of(store)
    assert (await order_of(store)).wake_seq > seq


async def test_a_quote_after_its_order_joins_it_and_wakes_it(store: FullStore) -> None:
    await deliver(store, "msg-1", sales_order(quote="501"))
    seq = (await order_of(store)).wake_seq
    await deliver(store, "msg-2", quote())
    assert ("quote", "501") in await kinds_of(store)
    assert (await order_of(store)).wake_seq == seq + 1


async def test_a_quote_before_its_order_joins_it(store: FullStore) -> None:
    await deliver(store, "msg-1", quote())
    await deliver(store, "msg-2", sales_order(quote="501"))
    assert ("quote", "501") in await kinds_of(store)


async def test_the_quote_is_the_one_that_the_sales_order_names_now(store: FullStore) -> None:
    await deliver(store, "msg-1", quote("501"))
    await deliver(store, "msg-2", quote("502"))
    await deliver(store, "msg-3", sales_order(version=1, quote="501"))
    await deliver(store, "msg-4", sales_order(version=2, quote="502"))
    assert await kinds_of(store) == [("quote", "502"), ("sales_order", "1201")]


@pytest.mark.parametrize("_round", range(5))
async def test_quote_and_order_at_once_always_meet(store: FullStore, _round: int) -> None:
    await store.accept(delivery("msg-1", sales_order(quote="501")))
    await store.accept(delivery("msg-2", quote()))
    await asyncio.gather(*(store.merge(plan, 1) for _ in range(4)))
    await merge_all(store)
    snapshot = await snapshot_of(store)
    assert len(snapshot.documents) == 2
    assert snapshot.order.due_at is not None


async def test_an_older_document_wakes_nobody(store: FullStore) -> None:
    await deliver(store, "msg-1", sales_order(version=5))
    seq = (await order_of(store)).wake_seq
    await deliver(store, "msg-2", sales_order(version=4, orderNumber="OLD"))
    assert (await order_of(store)).wake_seq == seq
    assert (await order_of(store)).number == "ON1201"


async def test_many_mergers_at_once_lose_nothing(store: FullStore) -> None:
    for number in range(60):
        order = str(1200 + number % 4)
        document = (
            sales_order(order, version=number)
            if number % 3
            else purchase_order(f"9{number}", order=order)
        )
        await store.accept(delivery(f"msg-{number}", document))
    merged = await asyncio.gather(*(_until_empty(store) for _ in range(6)))
    assert sum(merged) == 60
    orders = await store.by_ids(TENANT, range(1, 100))
    assert sorted(order.source_id for order in orders) == ["1200", "1201", "1202", "1203"]
    documents = [len((await store.peek(order.id)).documents) for order in orders]
    assert sum(documents) == 4 + 20


async def _until_empty(store: FullStore) -> int:
    total = 0
    while merged := await store.merge(plan, 3):
        total += merged
    return total


async def test_h4_a_purchase_order_for_stock_is_an_order_of_its_own_kind(store: FullStore) -> None:
    accepted = await deliver(store, "msg-1", purchase_order(order=None), receipt())
    event = await store.event(TENANT, accepted.event_id)
    assert event is not None
    assert (event.status, event.orders) == ("merged", ("PO881",))
    row = (await snapshot_of(store, "PO881")).order
    assert (row.source_id, row.number, row.customer, row.stock) == (
        "stock:881",
        "PO881",
        None,
        True,
    )
    assert await kinds_of(store, "PO881") == [("purchase_order", "881"), ("receipt", "R-1")]


# --- what goes wrong -----------------------------------------------------------------------------


async def test_an_event_that_cannot_be_planned_is_rejected_with_its_cause(
    store: FullStore,
) -> None:
    good = await store.accept(delivery("msg-1", sales_order()))
    bad = await store.accept(delivery("msg-2", say={"explode": "now"}))
    assert await merge_all(store) == 2
    kept = [await store.event(TENANT, answer.event_id) for answer in (good, bad)]
    assert [event.status for event in kept if event] == ["merged", "rejected"]
    assert kept[1] is not None
    assert "ZeroDivisionError" in (kept[1].cause or "")


async def test_an_event_that_fails_alone_does_not_fail_its_group(store: FullStore) -> None:
    events = [await store.accept(delivery(f"m{n}", sales_order(f"12{n}"))) for n in range(3)]
    bad = await store.accept(delivery("bad", say={"status": "\x00"}))
    events += [await store.accept(delivery(f"n{n}", sales_order(f"13{n}"))) for n in range(3)]
    await merge_all(store)
    statuses = [await store.event(TENANT, answer.event_id) for answer in events]
    assert {event.status for event in statuses if event} == {"merged"}
    refused = await store.event(TENANT, bad.event_id)
    assert refused is not None
    assert (refused.status, refused.code) == ("rejected", Code.BODY_NOT_VALID)


async def test_a_nul_in_a_document_is_kept(store: FullStore) -> None:
    odd = sales_order(
        title="a\x00b", customer={"name": "Con\x00toso"}, lines=[{"id": 1, "x": "\ud800"}]
    )
    await deliver(store, "msg-1", odd, purchase_order())
    snapshot = await snapshot_of(store)
    stored = next(one for one in snapshot.documents if one.kind is Kind.SALES_ORDER)
    assert stored.body()["title"] == "a\x00b"
    assert snapshot.order.customer == "Con\ufffdtoso"


async def test_a_deferred_event_comes_back_by_itself(store: FullStore) -> None:
    soon = datetime.now(UTC) + timedelta(seconds=1)
    await store.accept(delivery("msg-1", sales_order(), say={"defer": soon.isoformat()}))
    assert await store.merge(plan, 10) == 1
    assert await store.merge(plan, 10) == 0
    due = await store.next_due()
    assert due is not None
    assert abs((due - soon).total_seconds()) < 0.01
    await asyncio.sleep(1.1)
    assert await store.merge(plan, 10) == 1
    assert (await order_of(store)).number == "ON1201"


async def test_each_change_is_told_in_the_journal(store: FullStore) -> None:
    await deliver(store, "msg-1", sales_order(version=1))
    await deliver(store, "msg-2", sales_order(version=2))
    await deliver(store, "msg-3", sales_order(version=2))
    page = await store.journal((await order_of(store)).id, None, 10)
    assert [row.entry.sentence for row in page.items] == [
        "Sales order ON1201 came in.",
        "Sales order ON1201 changed.",
    ]
    assert page.items[0].entry.data["kind"] == "sales_order"
