"""What a person decides, as the store keeps it."""

from __future__ import annotations

import pytest

from app.domain.codes import Code, State
from app.domain.ports import Worker
from app.domain.records import Decision
from app.domain.views import DecisionMade
from app.store.postgres import PostgresStore
from tests.builders import NOW
from tests.store.build import (
    FullStore,
    applied,
    claim_one,
    deliver,
    order_of,
    sales_order,
    snapshot_of,
    writes,
)


def decision(choice: str = "go", **more: str) -> Decision:
    return Decision(
        "link_demand", "po:1", Code.DEMAND_NOT_LINKED, choice, "a reason", "anna", NOW, **more
    )


async def test_the_newest_decision_comes_last_and_wakes_the_order(store: FullStore) -> None:
    await deliver(store, "all", sales_order("1201"))
    before = await order_of(store)
    await store.decide(DecisionMade(before.id, decision("first")))
    await store.decide(DecisionMade(before.id, decision("second", about="digest")))
    snapshot = await snapshot_of(store)
    assert [(one.choice, one.about) for one in snapshot.decisions] == [
        ("first", ""),
        ("second", "digest"),
    ]
    assert snapshot.order.wake_seq == before.wake_seq + 2
    journal = await store.journal(before.id, None, 10)
    assert [row.entry.actor for row in journal.items if row.entry.code == "DECIDED"] == ["anna"] * 2


async def test_a_step_left_out_keeps_what_was_applied(store: FullStore, worker: Worker) -> None:
    await deliver(store, "all", sales_order("1201"))
    claim = await claim_one(store, worker)
    await store.commit(writes(claim, ledger=[applied("link_demand", "po:1")]))
    order = await order_of(store)
    await store.decide(DecisionMade(order.id, decision("skip"), skip=True))
    (row,) = [r for r in (await snapshot_of(store)).ledger if r.step == "link_demand"]
    assert (row.state, row.code) == (State.SKIPPED, None)
    assert row.want is not None
    assert "a reason" in (row.sentence or "")


async def test_an_unknown_order_is_said(store: PostgresStore) -> None:
    with pytest.raises(KeyError):
        await store.decide(DecisionMade(4711, decision()))
