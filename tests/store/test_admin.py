"""The reading side and what people change."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from app.domain import traces
from app.domain.codes import Code, State, Who
from app.domain.ports import Paused, Worker
from app.domain.records import Answer
from app.domain.views import (
    Audit,
    OrderFilter,
    PlanStale,
    Remembered,
    Replay,
    ReplayItem,
    ReplayState,
)
from app.store.postgres import PostgresStore
from app.telemetry import metrics
from tests.store.build import (
    LEASE,
    TENANT,
    FullStore,
    applied,
    claim_one,
    codes_of,
    deliver,
    delivery,
    done,
    entry,
    order_of,
    purchase_order,
    release,
    sales_order,
    snapshot_of,
    waiting,
    writes,
)

AUDIT = Audit("anna", "test", "target")
HELD = Answer(State.HELD, Code.MAPPING_MISSING, "No company.", Who.OPERATOR, None, "then")


async def _orders(store: FullStore, count: int) -> None:
    await deliver(store, "all", *[sales_order(str(1201 + number)) for number in range(count)])


# --- lists ---------------------------------------------------------------------------------------


async def test_pages_follow_one_another_without_a_gap(store: FullStore) -> None:
    await _orders(store, 7)
    seen: list[str] = []
    cursor: str | None = None
    for _ in range(4):
        page = await store.orders(TENANT, OrderFilter(), cursor, 3)
        seen += [row.name for row in page.items]
        if (cursor := page.next) is None:
            break
        await deliver(store, f"new-{cursor}", sales_order(f"9{len(seen)}"))
    assert seen == [f"ON{number}" for number in range(1207, 1200, -1)]


@pytest.mark.parametrize("cursor", ["", "x", "!!!", "W10", "WyJhIl0", "Wy0xXQ", "WzFdWzFd", "é"])
async def test_a_cursor_that_cannot_be_read_is_a_value_error(store: FullStore, cursor: str) -> None:
    with pytest.raises(ValueError, match="cursor"):
        await store.orders(TENANT, OrderFilter(), cursor, 3)


async def test_orders_are_found_by_what_they_wait_for(store: FullStore, worker: Worker) -> None:
    await _orders(store, 3)
    first, second, _ = await store.claim(worker, 3, LEASE)
    await release(store, first, HELD)
    await release(store, second, waiting())

    async def found(**wanted: Any) -> list[str]:
        page = await store.orders(TENANT, OrderFilter(**wanted), None, 10)
        return [row.name for row in page.items]

    assert await found(state=State.HELD) == ["ON1201"]
    assert await found(code=Code.GOODS_NOT_RECEIVED) == ["ON1202"]
    assert await found(who=Who.PURCHASING) == ["ON1202"]
    assert await found(number="on1203") == ["ON1203"]
    assert await found(number="id:1203") == ["ON1203"]
    assert await found(connection="other") == []
    assert (await store.orders(2, OrderFilter(), None, 10)).items == ()


async def test_an_order_is_named_by_number_or_id(store: FullStore) -> None:
    await _orders(store, 1)
    assert [row.name for row in await store.named(TENANT, "ON1201")] == ["ON1201"]
    assert [row.name for row in await store.named(TENANT, "id:1201")] == ["ON1201"]
    assert await store.named(TENANT, "1201") == []
    assert await store.named(2, "ON1201") == []


async def test_the_journal_tells_from_the_beginning(store: FullStore) -> None:
    await _orders(store, 1)
    order = await order_of(store)
    for number in range(4):
        await store.note(order.id, entry(f"N{number}"))
    first = await store.journal(order.id, None, 3)
    rest = await store.journal(order.id, first.next, 3)
    codes = [row.entry.code for row in (*first.items, *rest.items)]
    assert codes == ["DOCUMENT_MERGED", "N0", "N1", "N2", "N3"]
    assert rest.next is None


async def test_events_are_listed_by_source_and_status(store: FullStore) -> None:
    await deliver(store, "one", sales_order())
    await store.accept(delivery("two", status="rejected", code=Code.BODY_NOT_JSON, cause="x"))
    await store.accept(delivery("three", source="connectwise"))

    async def ids(source: str | None, status: str | None) -> list[str]:
        page = await store.events(TENANT, source, status, None, 10)
        return [event.external_id for event in page.items]

    assert await ids(None, None) == ["three", "two", "one"]
    assert await ids("commerce", None) == ["two", "one"]
    assert await ids(None, "rejected") == ["two"]
    assert await store.event(TENANT, 10**30) is None
    assert await store.event(TENANT, 999) is None


async def test_the_order_that_was_linked_last_is_named(store: FullStore, worker: Worker) -> None:
    assert await store.last_linked(TENANT) is None
    await _orders(store, 2)
    now = await store.now()
    for number, claim in enumerate(await store.claim(worker, 2, LEASE)):
        at = now - timedelta(minutes=number)
        rows = [applied("link_demand", "po:1", applied_at=at), applied("other", applied_at=now)]
        await store.commit(writes(claim, ledger=rows))
    assert await store.last_linked(TENANT) == ("ON1201", now)
    assert await store.last_linked(2) is None


async def test_the_gauges_tell_how_the_installation_stands(
    store: FullStore, worker: Worker
) -> None:
    await _orders(store, 3)
    first, second, _ = await store.claim(worker, 3, LEASE)
    await release(store, first, HELD)
    await release(store, second, done())
    await store.accept(delivery("waits", sales_order()))
    paused = Paused(None, Code.CONNECTION_PAUSED, "Maintenance.", "anna")
    connectwise = (await store.connections(TENANT))[1]
    await store.pause_connection(TENANT, connectwise.id, paused, AUDIT)
    told = {name: dict(values) for name, values in (await store.gauges()).items()}
    held = ("held", "MAPPING_MISSING", "operator")
    assert told[metrics.ORDERS.name] == {held: 1, ("running", "", ""): 1}
    assert told[metrics.WORKERS.name] == {(): 1}
    assert told[metrics.PAUSED.name] == {
        ("commerce", "service"): 0,
        ("connectwise", "person"): 1,
    }
    assert 0 < told[metrics.INBOX_AGE_SECONDS.name][()] < 60
    assert told[metrics.DUE_AGE_SECONDS.name] == {(): 0}  # what is due is being worked on
    assert 0 < told[metrics.DELIVERED_SECONDS.name]["commerce",] < 60
    oldest = told[metrics.KEPT_OLDEST_SECONDS.name]
    assert {what for (what,) in oldest} == {"inbox", "journal"}
    assert 0 < oldest["inbox",] < 60


# --- mappings and settings -----------------------------------------------------------------------


async def test_a_new_mapping_wakes_who_waits_for_it_and_is_read_at_once(
    store: FullStore, worker: Worker
) -> None:
    await _orders(store, 3)
    first, second, third = await store.claim(worker, 3, LEASE)
    stopped = applied(state=State.HELD, want=None, code=Code.MAPPING_MISSING)
    await store.commit(writes(second, ledger=[stopped]))
    await release(store, first, HELD)
    await release(store, second, waiting())
    await release(store, third, waiting())
    assert (await snapshot_of(store)).mappings == {}
    row = await store.put_mapping(TENANT, "company", "77", "Contoso", AUDIT)
    assert (row.kind, row.commerce_key, row.connectwise_key) == ("company", "77", "Contoso")
    assert row.updated_by == "anna"
    due = [(await order_of(store, f"ON{n}")).due_at is not None for n in (1201, 1202, 1203)]
    assert due == [True, True, False]
    assert (await snapshot_of(store)).mappings == {("company", "77"): "Contoso"}
    again = await store.put_mapping(TENANT, "company", "77", "Contoso2", AUDIT)
    assert again.id == row.id
    assert (await snapshot_of(store)).mappings == {("company", "77"): "Contoso2"}
    assert await store.mapping(TENANT, row.id) == again
    assert await store.mapping_named(TENANT, "company", "77") == again
    assert await store.mapping_named(TENANT, "vendor", "77") is None
    assert await store.drop_mapping(TENANT, row.id, AUDIT)
    assert not await store.drop_mapping(TENANT, row.id, AUDIT)
    assert (await snapshot_of(store)).mappings == {}


async def test_a_change_of_settings_is_read_by_every_process(
    store: FullStore, beside: FullStore
) -> None:
    await _orders(store, 1)
    assert (await snapshot_of(beside)).settings == {}
    await store.put_settings(TENANT, {"read_lag": 1.5, "connectwise_board": ""}, AUDIT)
    expected = {"read_lag": 1.5, "connectwise_board": ""}
    assert (await snapshot_of(beside)).settings == expected
    assert await beside.settings(TENANT) == expected


async def test_a_setting_wakes_who_waits_for_one(store: FullStore, worker: Worker) -> None:
    await _orders(store, 1)
    claim = await claim_one(store, worker)
    missing = Answer(State.HELD, Code.SETTING_MISSING, "No.", Who.OPERATOR, None, "then")
    await release(store, claim, missing)
    await store.put_settings(TENANT, {"connectwise_warehouse": "Main"}, AUDIT)
    assert (await order_of(store)).due_at is not None


async def test_the_environment_seeds_a_setting_once(store: FullStore) -> None:
    assert await store.seed_settings(TENANT, {"read_lag": 3.0, "scenario": "b1"}) == {}
    await store.put_settings(TENANT, {"read_lag": 5.0}, AUDIT)
    differing = await store.seed_settings(TENANT, {"read_lag": 4.0, "scenario": "b1"})
    assert differing == {"read_lag": 5.0}
    assert await store.settings(TENANT) == {"read_lag": 5.0, "scenario": "b1"}
    assert await store.seed_settings(TENANT, {}) == {}


# --- operators -----------------------------------------------------------------------------------


async def test_a_hold_stays_until_it_is_released(store: FullStore) -> None:
    await _orders(store, 1)
    order = await order_of(store)
    await store.hold(order.id, "anna", "the customer called")
    held = await order_of(store)
    assert held.held_by == "anna: the customer called"
    assert held.wake_seq == order.wake_seq + 1
    await store.release_hold(order.id, "ben", "done")
    assert (await order_of(store)).held_by is None
    assert (await codes_of(store))[-2:] == ["HELD_BY_PERSON", "HOLD_RELEASED"]
    with pytest.raises(KeyError):
        await store.hold(999, "anna", "nobody")


async def test_only_a_person_wakes_a_poisoned_order(store: FullStore) -> None:
    await _orders(store, 1)
    for _ in range(5):
        async with store.join() as dying:
            await claim_one(store, dying)
    async with store.join() as worker:
        assert await store.claim(worker, 5, LEASE) == []
        order = await order_of(store)
        assert order.code is Code.POISON
        assert await store.wake_orders(TENANT, [order.id, 999], "anna", "fixed") == 1
        assert (await claim_one(store, worker)).claims_without_progress == 1
    assert (await codes_of(store))[-1] == "WOKEN"


# --- replays -------------------------------------------------------------------------------------


async def _plan(store: FullStore, *states: str) -> Replay:
    now = await store.now()
    rows = await store.by_ids(TENANT, range(1, 20))
    items = tuple(
        ReplayItem(row.id, row.name, row.connection, row.wake_seq, state, ({"step": "x"},), "Go.")
        for row, state in zip(rows, states, strict=False)
    )
    replay = Replay(
        id="r-1",
        tenant_id=TENANT,
        state=ReplayState.PLANNED,
        reason="try again",
        actor="anna",
        created_at=now,
        expires_at=now + timedelta(hours=1),
        items=items,
    )
    await store.add_replay(replay)
    return replay


async def test_a_replay_wakes_its_orders_with_their_retries_reset(
    store: FullStore, worker: Worker
) -> None:
    await _orders(store, 2)
    claims = await store.claim(worker, 5, LEASE)
    for claim in claims:
        later = await store.now() + timedelta(hours=1)
        stopped = applied(state=State.HELD, want=None, retry_at=later, retry_wake=99, tries=4)
        await store.commit(writes(claim, ledger=[stopped, applied("done_step")]))
        await release(store, claim, HELD)
    planned = await _plan(store, ReplayState.PLANNED, ReplayState.NOTHING_TO_DO)
    assert await store.replay(TENANT, "r-1") == planned
    assert await store.replay(2, "r-1") is None
    started = await store.start_replay(TENANT, "r-1", "anna")
    assert started.state == ReplayState.RUNNING
    assert [item.state for item in started.items] == [ReplayState.WOKEN, ReplayState.NOTHING_TO_DO]
    woken = await snapshot_of(store)
    assert woken.order.due_at is not None
    (kept, again) = woken.ledger
    assert (kept.step, kept.retry_at, kept.want) == ("done_step", None, {"status": "won"})
    assert again.retry_at is not None
    assert again.retry_at <= woken.now
    assert (again.retry_wake, again.tries) == (None, 0)
    assert woken.order.trace == traces.of_replay("r-1", woken.order.id)
    assert (await codes_of(store))[-1] == "REPLAYED"
    assert (await order_of(store, "ON1202")).due_at is None
    assert await store.start_replay(TENANT, "r-1", "anna") == started
    assert (await order_of(store)).wake_seq == woken.order.wake_seq


async def test_a_plan_whose_orders_moved_is_stale(store: FullStore) -> None:
    await _orders(store, 2)
    await _plan(store, ReplayState.PLANNED, ReplayState.PLANNED)
    await deliver(store, "later", purchase_order(order="1202"))
    before = await order_of(store)
    with pytest.raises(PlanStale) as stale:
        await store.start_replay(TENANT, "r-1", "anna")
    assert stale.value.orders == ("ON1202",)
    assert (await order_of(store)).wake_seq == before.wake_seq
    known = await store.replay(TENANT, "r-1")
    assert known is not None
    assert known.state == ReplayState.PLANNED


# --- repeated requests, readiness ----------------------------------------------------------------


async def test_a_repeated_request_is_answered_as_the_first(store: FullStore) -> None:
    assert await store.remember_request(TENANT, "k", "hash") is None
    assert await store.remember_request(TENANT, "k", "hash") == Remembered("hash", 0, b"")
    await store.answer_request(TENANT, "k", 201, b"{}")
    assert await store.remember_request(TENANT, "k", "other") == Remembered("hash", 201, b"{}")
    await store.forget_request(TENANT, "k")  # answered requests are not forgotten
    assert await store.remember_request(TENANT, "k", "hash") == Remembered("hash", 201, b"{}")
    assert await store.remember_request(TENANT, "k2", "hash") is None
    await store.forget_request(TENANT, "k2")
    assert await store.remember_request(TENANT, "k2", "hash") is None


async def test_readiness_counts_living_workers(store: FullStore) -> None:
    before = await store.readiness()
    assert before.revision == before.head
    assert before.workers_alive == 0
    async with store.join(), store.join():
        assert (await store.readiness()).workers_alive == 2


async def test_changes_leave_an_audit_row(postgres: PostgresStore) -> None:
    await postgres.put_mapping(TENANT, "company", "1", "C", Audit("anna", "mapping.put", "1", {}))
    await postgres.audit(TENANT, Audit("ben", "login", "console"))
    async with postgres._db.session() as session:
        rows = await session.fetch("SELECT actor, action FROM audit ORDER BY id")
    assert [tuple(row) for row in rows] == [("anna", "mapping.put"), ("ben", "login")]


async def test_h8_what_orders_were_pinned_to_can_be_read(store: FullStore) -> None:
    await store.keep_scenario("b1", 1, "abc", "name = 'b1'")
    await store.keep_scenario("b1", 1, "def", "name = 'b1' # mended")
    await store.keep_scenario("b1", 2, "ghi", "name = 'b1' # anew")
    await store.keep_scenario("b1", 2, "ghi", "name = 'b1' # anew")
    assert await store.kept_scenarios() == [
        ("b1", 1, "name = 'b1' # mended"),
        ("b1", 2, "name = 'b1' # anew"),
    ]


async def test_a_pinned_order_says_which_text_of_its_scenario(
    postgres: PostgresStore,
) -> None:
    await postgres.keep_scenario("b1", 1, "abc", "name = 'b1'")
    await postgres.keep_scenario("b1", 1, "abc", "name = 'b1'")
    await _orders(postgres, 1)
    async with postgres.join() as worker:
        claim = await claim_one(postgres, worker)
        await postgres.commit(writes(claim, pin=("b1", 1, {})))
        await release(postgres, claim, done())
    async with postgres._db.session() as session:
        row = await session.fetchrow("SELECT scenario, scenario_hash FROM orders")
    assert row is not None
    assert tuple(row) == ("b1", "abc")
