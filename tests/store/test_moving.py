"""A purchase order that changes its sales order (H3)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from app.domain.codes import Code
from app.domain.documents import Kind
from app.domain.errors import RecordTaken
from app.domain.ports import Worker
from app.domain.records import Decision, Fact, Ref
from app.domain.views import DecisionMade
from tests.builders import NOW
from tests.store.build import (
    LEASE,
    TENANT,
    FullStore,
    applied,
    claim_one,
    codes_of,
    deliver,
    delivery,
    document,
    kinds_of,
    merge_all,
    order_of,
    plan,
    purchase_order,
    receipt,
    release,
    sales_order,
    snapshot_of,
    writes,
)


async def _synced(store: FullStore, worker: Worker, **more: Any) -> None:
    """Order 1201 with a purchase order that stands in ConnectWise."""
    await deliver(store, "so", sales_order())
    await deliver(store, "po", purchase_order(), receipt())
    claim = await claim_one(store, worker)
    refs = [
        Ref("purchase_order", "881", "7001", exclusive=True),
        Ref("opportunity", "", "88"),
    ]
    now = await store.now()
    facts = [
        Fact("purchase_order_lines", "881", {"lines": []}, now),
        Fact("conversion", "", {}, now),
    ]
    ledger = [applied("sync_purchase_order", "po:881"), applied("win_opportunity", "order")]
    ledger += more.get("ledger", [])
    await store.commit(writes(claim, refs=refs, facts=facts, ledger=ledger))
    await store.begin(
        claim,
        step="sync_purchase_order",
        subject="po:881",
        kind="purchase_order",
        key="x",
        evidence={},
    )
    assert await release(store, claim)


async def test_a_purchase_order_that_moves_takes_its_rows_along(
    store: FullStore, worker: Worker
) -> None:
    await _synced(store, worker)
    await deliver(store, "moved", purchase_order(version=2, order="1205"))
    left, joined = await snapshot_of(store), await snapshot_of(store, "id:1205")
    assert [row.step for row in left.ledger] == ["win_opportunity"]
    assert [row.step for row in joined.ledger] == ["sync_purchase_order"]
    assert [ref.kind for ref in left.refs] == ["opportunity"]
    assert [(ref.external_id, ref.exclusive) for ref in joined.refs] == [("7001", True)]
    assert [fact.kind for fact in left.facts] == ["conversion"]
    assert [fact.kind for fact in joined.facts] == ["purchase_order_lines"]
    assert [intent.key for intent in joined.intents] == ["x"]
    assert await kinds_of(store) == [("sales_order", "1201")]
    assert await kinds_of(store, "id:1205") == [("purchase_order", "881"), ("receipt", "R-1")]
    assert "PURCHASE_ORDER_MOVED" in await codes_of(store)
    assert "PURCHASE_ORDER_MOVED" in await codes_of(store, "id:1205")
    assert left.order.due_at is not None
    assert joined.order.due_at is not None


async def test_the_order_that_a_purchase_order_left_may_not_carry_its_record(
    store: FullStore, worker: Worker
) -> None:
    await _synced(store, worker)
    await deliver(store, "moved", purchase_order(version=2, order="1205"))
    claims = {claim.order_id: claim for claim in await store.claim(worker, 5, LEASE)}
    left, joined = [claims[(await order_of(store, f"id:{n}")).id] for n in ("1201", "1205")]
    record = Ref("purchase_order", "881", "7001", exclusive=True)
    with pytest.raises(RecordTaken):
        await store.commit(writes(left, refs=[record]))
    assert (await store.commit(writes(joined, refs=[record]))).held


async def test_a_received_purchase_order_stays_and_says_so(
    store: FullStore, worker: Worker
) -> None:
    received = applied("receive_purchase_order", "receipt:881:R-1", want={"quantity": 4})
    await _synced(store, worker, ledger=[received])
    await deliver(store, "moved", purchase_order(version=2, order="1205"))
    stays = await snapshot_of(store)
    assert len(stays.ledger) == 3
    fact = next(fact for fact in stays.facts if fact.kind == "purchase_order_moved")
    assert (fact.key, fact.body["order"]) == ("881", "id:1205")
    assert ("purchase_order", "881") in await kinds_of(store)
    assert (await codes_of(store)).count("PURCHASE_ORDER_MOVED") == 1
    await deliver(store, "back", purchase_order(version=3, order="1201"))
    assert "purchase_order_moved" not in [fact.kind for fact in (await snapshot_of(store)).facts]


async def test_a_purchase_order_waits_for_the_lease_of_its_order(
    store: FullStore, worker: Worker
) -> None:
    """What a worker is just doing for it must not be left behind."""
    await deliver(store, "so", sales_order())
    await deliver(store, "po", purchase_order())
    claim = await claim_one(store, worker)
    accepted = await store.accept(delivery("moved", purchase_order(version=2, order="1205")))
    assert await store.merge(plan, 10) == 1
    event = await store.event(TENANT, accepted.event_id)
    assert event is not None
    assert event.status == "deferred"
    assert ("purchase_order", "881") in await kinds_of(store)
    await store.begin(
        claim,
        step="receive_purchase_order",
        subject="receipt:881:R-1",
        kind="receipt",
        key="1",
        evidence={},
    )
    assert await release(store, claim)
    await asyncio.sleep(1.1)
    assert await merge_all(store) == 1
    # It was sent to be received meanwhile, so it stays.
    assert ("purchase_order", "881") in await kinds_of(store)
    assert "purchase_order_moved" in [fact.kind for fact in (await snapshot_of(store)).facts]


async def test_h4_a_purchase_order_moves_between_stock_and_an_order(
    store: FullStore, worker: Worker
) -> None:
    await _synced(store, worker)
    await deliver(store, "stock", purchase_order(version=2, order=None))
    stock = await snapshot_of(store, "PO881")
    assert [row.step for row in stock.ledger] == ["sync_purchase_order"]
    assert [(ref.external_id, ref.exclusive) for ref in stock.refs] == [("7001", True)]
    assert await kinds_of(store, "PO881") == [("purchase_order", "881"), ("receipt", "R-1")]
    await deliver(store, "named", purchase_order(version=3, order="1205"))
    joined = await snapshot_of(store, "id:1205")
    assert [row.step for row in joined.ledger] == ["sync_purchase_order"]
    assert await kinds_of(store, "PO881") == []


async def test_h3_a_choice_about_one_other_order_says_nothing_of_the_next(
    store: FullStore, worker: Worker
) -> None:
    received = applied("receive_purchase_order", "receipt:881:R-1", want={"quantity": 4})
    await _synced(store, worker, ledger=[received])
    seen = []
    for version, order in ((2, "1205"), (3, "1206"), (4, "1206")):
        await deliver(store, f"m{version}", purchase_order(version=version, order=order))
        facts = (await snapshot_of(store)).facts
        seen.append(next(fact.seen_at for fact in facts if fact.kind == "purchase_order_moved"))
    assert seen[0] < seen[1] == seen[2]


async def test_h3_what_a_person_left_out_where_it_comes_to_does_not_refuse_the_move(
    store: FullStore, worker: Worker
) -> None:
    """The page was older than the last move: the step was left out where the purchase order had
    been. What was done for it comes along all the same."""
    await _synced(store, worker)
    await deliver(store, "moved", purchase_order(version=2, order="1205"))
    late = Decision(
        "sync_purchase_order", "po:881", Code.REMOTE_REJECTED, "skip", "late", "anna", NOW
    )
    left = await order_of(store)
    await store.decide(DecisionMade(left.id, late, skip=True))
    accepted = await deliver(store, "back", purchase_order(version=3, order="1201"))
    event = await store.event(TENANT, accepted.event_id)
    assert event is not None
    assert (event.status, event.cause) == ("merged", None)
    back = {row.step: row.want for row in (await snapshot_of(store)).ledger}
    assert back["sync_purchase_order"] == {"status": "won"}
    assert ("purchase_order", "881") in await kinds_of(store)


def _invoice(version: int = 1, order: str = "1201") -> dict[str, Any]:
    return {**document(Kind.SALES_INVOICE, "7001", version, invoiceNumber="IN7"), "order": order}


@pytest.mark.parametrize("how", ["applied", "announced"])
async def test_c4_an_invoice_that_is_posted_stays_with_its_order_whatever_it_names_later(
    store: FullStore, worker: Worker, how: str
) -> None:
    """The other order would post it a second time."""
    await deliver(store, "so", sales_order())
    await deliver(store, "in", _invoice())
    claim = await claim_one(store, worker)
    if how == "applied":
        row = applied("post_invoice", "invoice:7001")
        await store.commit(writes(claim, ledger=[row]))
    else:
        await store.begin(
            claim,
            step="post_invoice",
            subject="invoice:7001",
            kind="ledger_invoice",
            key="x",
            evidence={},
        )
    assert await release(store, claim)
    await deliver(store, "moved", _invoice(2, "1205"))
    await deliver(store, "again", _invoice(3, "1205"))
    assert await kinds_of(store) == [("sales_invoice", "7001"), ("sales_order", "1201")]
    assert await kinds_of(store, "id:1205") == []
    assert (await codes_of(store)).count("INVOICE_STAYS") == 2
    assert "INVOICE_STAYS" in await codes_of(store, "id:1205")


async def test_c4_an_invoice_that_is_not_posted_yet_goes_to_the_order_that_it_names(
    store: FullStore, worker: Worker
) -> None:
    await deliver(store, "so", sales_order())
    await deliver(store, "in", _invoice())
    claim = await claim_one(store, worker)
    merged = await store.accept(delivery("moved", _invoice(2, "1205")))
    assert await merge_all(store) == 1
    event = await store.event(TENANT, merged.event_id)
    assert event is not None
    assert event.status == "deferred", "the order that it leaves is being worked on"
    assert await release(store, claim)
    await asyncio.sleep(1.1)
    await merge_all(store)
    assert await kinds_of(store) == [("sales_order", "1201")]
    assert await kinds_of(store, "id:1205") == [("sales_invoice", "7001")]
