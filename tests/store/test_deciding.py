"""What a person decides, as the store keeps it."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from app.domain.codes import Code, State
from app.domain.ports import Worker
from app.domain.records import Decision, StepRun
from app.domain.views import DecisionMade
from app.store.postgres import PostgresStore
from tests.builders import NOW
from tests.store.build import (
    LEASE,
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


@pytest.mark.parametrize("state", [State.WAITING, State.HELD, State.DONE])
async def test_h11_a_round_that_began_before_cannot_bring_a_step_back(
    store: FullStore, worker: Worker, state: State
) -> None:
    await deliver(store, "all", sales_order("1201"))
    claim = await claim_one(store, worker)
    await store.decide(DecisionMade(claim.order_id, decision("skip"), skip=True))
    late = applied("link_demand", "po:1", state=state, code=Code.DEMAND_NOT_LINKED)
    await store.commit(writes(claim, ledger=[late]))
    (row,) = (await snapshot_of(store)).ledger
    assert (row.state, row.code) == (State.SKIPPED, None)
    assert (row.sentence, row.want) == ("Left out by anna: a reason", {"status": "won"})


async def test_h11_who_waits_for_the_claim_of_a_step_left_out_goes_on(
    store: FullStore, worker: Worker
) -> None:
    await deliver(store, "all", sales_order("1201"), sales_order("1202"))
    first, second = await store.claim(worker, 2, LEASE)
    assert (await store.claim_shared(first, "opportunity", "88", None)).owned
    assert not (await store.claim_shared(second, "opportunity", "88", None)).owned
    before = await order_of(store, "ON1202")
    await store.decide(DecisionMade(first.order_id, decision("skip"), skip=True))
    assert not (await store.claim_shared(second, "opportunity", "88", None)).owned
    given_up = DecisionMade(first.order_id, decision("skip"), skip=True, drop_claims=True)
    await store.decide(given_up)
    assert (await order_of(store, "ON1202")).wake_seq == before.wake_seq + 1
    assert (await store.claim_shared(second, "opportunity", "88", None)).owned


PIN = ("connectwise-procurement-opportunity", 2, {"invoice_policy": "shipped_only"})


async def test_h8_an_order_is_pinned_anew_and_who_read_it_before_stops(
    store: FullStore, worker: Worker
) -> None:
    await deliver(store, "all", sales_order("1201"))
    claim = await claim_one(store, worker)
    await store.commit(writes(claim, pin=("old", 1, {"invoice_policy": "all_goods"})))
    before = await order_of(store)
    assert await store.repin(claim.order_id, PIN, "anna", "agreed")
    after = await order_of(store)
    assert (after.scenario, after.scenario_version, after.behaviour) == PIN
    assert after.wake_seq == before.wake_seq + 1
    begun = writes(claim, run_started=StepRun("win_opportunity", "order", 1))
    assert not (await store.commit(begun)).held
    last = (await store.journal(claim.order_id, None, 50)).items[-1].entry
    assert (last.code, last.actor) == ("REPINNED", "anna")
    assert last.data["changed"]["invoice_policy"] == ["all_goods", "shipped_only"]
    assert (await claim_one(store, worker)).order_id == claim.order_id


@pytest.mark.parametrize("begun", ["step", "write"])
async def test_h8_an_order_is_not_pinned_anew_while_a_write_may_be_under_way(
    store: FullStore, worker: Worker, begun: str
) -> None:
    await deliver(store, "all", sales_order("1201"))
    claim = await claim_one(store, worker)
    if begun == "step":
        run = StepRun("win_opportunity", "order", 1)
        await store.commit(writes(claim, run_started=run))
        settled = writes(claim, run_finished="done")
    else:
        intent = await store.begin(
            claim, step="s", subject="order", kind="sales_order", key="", evidence={}
        )
        settled = writes(claim, outcomes=[(intent.id, {"id": 1})])
    before = await order_of(store)
    assert not await store.repin(claim.order_id, PIN, "anna", "agreed")
    assert await order_of(store) == before
    assert (await store.commit(settled)).held
    assert await store.repin(claim.order_id, PIN, "anna", "agreed")
    with pytest.raises(KeyError):
        await store.repin(4711, PIN, "anna", "agreed")


async def test_h8_a_write_announced_while_the_lock_was_waited_for_is_seen(
    postgres: PostgresStore, database_url: str
) -> None:
    await deliver(postgres, "all", sales_order("1201"))
    order = await order_of(postgres)
    worker = await asyncpg.connect(database_url)
    try:
        async with worker.transaction():
            await worker.execute("SELECT FROM orders WHERE id = $1 FOR NO KEY UPDATE", order.id)
            pinning = asyncio.create_task(postgres.repin(order.id, PIN, "anna", "agreed"))
            waits = (
                "SELECT count(*) FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid)"
                " WHERE NOT l.granted AND a.datname = current_database()"
            )
            while not await worker.fetchval(waits):
                await asyncio.sleep(0.01)
            await worker.execute(
                "INSERT INTO intent (tenant_id, order_id, step, subject, kind, key, evidence, shared,"
                " committed_at) VALUES (1, $1, 's', 'order', 'sales_order', '', '{}', false, now())",
                order.id,
            )
        assert not await pinning
    finally:
        await worker.close()
    assert (await order_of(postgres)).scenario is None


async def test_an_unknown_order_is_said(store: FullStore) -> None:
    with pytest.raises(KeyError):
        await store.decide(DecisionMade(4711, decision()))


@pytest.mark.parametrize("choice", ["go", "skip"])
async def test_h11_a_decision_and_a_workers_commit_never_lock_each_other_out(
    postgres: PostgresStore, database_url: str, choice: str
) -> None:
    """Both take the order before its steps. The commit is played statement by statement."""
    await deliver(postgres, "all", sales_order("1201"))
    async with postgres.join() as worker:
        claim = await claim_one(postgres, worker)
        held = applied("link_demand", "po:1", state=State.HELD, retry_at=NOW, retry_wake=1)
        await postgres.commit(writes(claim, ledger=[held]))
        connection = await asyncpg.connect(database_url)
        try:
            async with connection.transaction():
                await connection.execute("SELECT FROM orders FOR NO KEY UPDATE")
                made = DecisionMade(claim.order_id, decision(choice), skip=choice == "skip")
                deciding = asyncio.create_task(postgres.decide(made))
                waits = """
                    SELECT count(*) FROM pg_stat_activity
                    WHERE datname = current_database() AND wait_event_type = 'Lock'
                """
                async with asyncio.timeout(5):
                    while not await connection.fetchval(waits):
                        await asyncio.sleep(0.01)
                await connection.execute("UPDATE applied SET attempts = attempts + 1")
            await deciding
        finally:
            await connection.close()
    assert [one.choice for one in (await snapshot_of(postgres)).decisions] == [choice]
