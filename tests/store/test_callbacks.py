"""Callbacks: whom they wake, and what becomes of those that name an unknown record."""

from __future__ import annotations

import asyncio

from app.domain.ports import Worker
from app.domain.records import Delivery, Fact, Ref
from app.telemetry import metrics
from tests.store.build import (
    TENANT,
    FullStore,
    claim_one,
    deliver,
    delivery,
    merge_all,
    order_of,
    release,
    sales_order,
    snapshot_of,
    writes,
)


async def _carrying(store: FullStore, worker: Worker) -> None:
    await deliver(store, "so", sales_order())
    claim = await claim_one(store, worker)
    now = await store.now()
    facts = [Fact("conversion", "", {}, now), Fact("sales_order_seen", "", {}, now)]
    await store.commit(writes(claim, refs=[Ref("opportunity", "", "88")], facts=facts))
    assert await release(store, claim)


def _callback(external_id: str, record: str) -> Delivery:
    return delivery(external_id, routes=(("opportunity", record),), source="connectwise")


async def test_a_callback_wakes_who_carries_the_record(store: FullStore, worker: Worker) -> None:
    await _carrying(store, worker)
    accepted = await store.accept(_callback("cb-1", "88"))
    await merge_all(store)
    snapshot = await snapshot_of(store)
    assert snapshot.order.due_at is not None
    seen = {fact.kind: fact.seen_at.year for fact in snapshot.facts}
    assert seen["conversion"] == 1970
    assert seen["sales_order_seen"] > 2000
    event = await store.event(TENANT, accepted.event_id)
    assert event is not None
    assert (event.status, event.orders) == ("merged", ("ON1201",))
    assert dict((await store.gauges())[metrics.HINT_AGE_SECONDS.name]) == {(): 0}


async def test_b112_a_reading_that_began_before_a_callback_does_not_undo_it(
    store: FullStore, worker: Worker
) -> None:
    """The worker read, then a person invoiced, then the reading is kept: it has to be read anew."""
    await _carrying(store, worker)
    assert await store.touch(TENANT, [("opportunity", "88")]) == 1
    claim = await claim_one(store, worker)
    began = await store.now()
    await store.accept(_callback("cb-1", "88"))
    await merge_all(store)
    kinds = ("conversion", "invoicing", "sales_order_seen")  # the second was never read before
    await store.commit(writes(claim, facts=[Fact(kind, "", {}, began) for kind in kinds]))
    seen = {fact.kind: fact.seen_at for fact in (await snapshot_of(store)).facts}
    assert {kind: at.year for kind, at in seen.items() if at != began} == {
        "conversion": 1970,
        "invoicing": 1970,
    }
    anew = await store.now()
    await store.commit(writes(claim, facts=[Fact(kind, "", {}, anew) for kind in kinds]))
    assert {fact.seen_at for fact in (await snapshot_of(store)).facts} == {anew}


async def test_a_callback_about_an_unknown_record_is_a_hint_for_one(
    store: FullStore, worker: Worker
) -> None:
    await _carrying(store, worker)
    await store.accept(_callback("cb-1", "99"))
    await merge_all(store)
    assert 0 < dict((await store.gauges())[metrics.HINT_AGE_SECONDS.name])[()] < 60
    handed = await asyncio.gather(*(store.hints(5, 5) for _ in range(4)))
    (hint,) = [event for events in handed for event in events]
    assert await store.hints(5, 5) == []
    assert await store.settle_hint(hint.id, [("opportunity", "88"), ("ticket", "1")]) == 1
    event = await store.event(TENANT, hint.id)
    assert event is not None
    assert (event.status, event.orders) == ("merged", ("ON1201",))
    assert (await order_of(store)).due_at is not None


async def test_a_hint_that_leads_nowhere_is_dropped(store: FullStore) -> None:
    await store.accept(_callback("cb-1", "99"))
    await merge_all(store)
    (hint,) = await store.hints(5, 5)
    assert await store.settle_hint(hint.id, []) == 0
    event = await store.event(TENANT, hint.id)
    assert event is not None
    assert event.status == "dropped"


async def test_b112_what_was_found_by_a_poll_wakes_its_orders_and_makes_their_reading_old(
    store: FullStore, worker: Worker
) -> None:
    await _carrying(store, worker)
    assert await store.touch(TENANT, [("invoice", "9"), ("opportunity", "99")]) == 0
    assert (await snapshot_of(store)).order.due_at is None
    assert await store.touch(TENANT, [("invoice", "9"), ("opportunity", "88")]) == 1
    snapshot = await snapshot_of(store)
    assert snapshot.order.due_at is not None
    seen = {fact.kind: fact.seen_at.year for fact in snapshot.facts}
    assert (seen["conversion"], seen["sales_order_seen"] > 2000) == (1970, True)


def _notice(external_id: str, record: str) -> Delivery:
    return delivery(
        external_id, routes=(("bill", record),), source="quickbooks", say={"of_ledger": True}
    )


async def test_a_ledgers_webhook_notes_the_document_and_leaves_the_other_readings(
    store: FullStore, worker: Worker
) -> None:
    await store.ensure_connection(TENANT, "quickbooks", "default")
    await deliver(store, "so", sales_order())
    claim = await claim_one(store, worker)
    facts = [Fact("invoicing", "", {}, await store.now())]
    await store.commit(writes(claim, refs=[Ref("bill", "receipt:1", "145")], facts=facts))
    assert await release(store, claim)
    for each in ("n-1", "n-2"):
        accepted = await store.accept(_notice(each, "145"))
    await merge_all(store)
    snapshot = await snapshot_of(store)
    assert snapshot.order.due_at is not None
    kept = {(fact.kind, fact.key): fact for fact in snapshot.facts}
    assert kept["ledger_hint", "bill/145"].body == {"event": accepted.event_id}
    assert kept["invoicing", ""].seen_at.year > 2000


async def test_a_ledgers_webhook_about_an_unknown_record_is_no_hint(store: FullStore) -> None:
    await store.ensure_connection(TENANT, "quickbooks", "default")
    accepted = await store.accept(_notice("n-1", "146"))
    await merge_all(store)
    event = await store.event(TENANT, accepted.event_id)
    assert event is not None
    assert event.status == "unhandled"
    assert await store.hints(5, 5) == []
