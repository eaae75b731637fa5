"""The poll of Commerce under a clock of its own: turns, failures, budget, crashes (G8, H1)."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any, cast

import pytest

from app.domain import ports
from app.domain.codes import Code
from app.domain.commerce import BudgetSpent, Change, Listing
from app.domain.documents import Kind
from app.domain.errors import FailureKind, RemoteFailure
from app.domain.json_values import loads
from app.domain.ports import Paused
from app.sync.commerce_budget import Meter
from tests.builders import NOW, po_line, purchase_order, quote, sales_order
from tests.unit.sync.commerce_world import ME, ORDERS, PURCHASES, QUOTES, World


async def test_g8_what_changed_comes_in_as_an_event_and_is_read_once() -> None:
    world = World()
    poll = world.poll()
    world.put(ORDERS, sales_order())
    await world.turn(poll)
    assert world.told() == [("sales_order.updated", "sales_order:1201")]
    assert (world.came, world.inbox[0].status, world.token) == (1, "new", None)
    assert world.inbox[0].external_id.startswith("poll:sales_order:1201:")
    await world.turn(poll)
    await world.turn(poll)
    assert world.asked.count("sales_order:1201") == 1
    assert len(world.inbox) == 1
    assert world.asked.count("quote") == 3


async def test_g8_h1_what_an_event_brought_is_not_brought_again() -> None:
    world = World()
    poll = world.poll()
    world.put(ORDERS, sales_order())
    await world.turn(poll)
    world.merge_inbox()
    world.put(ORDERS, sales_order())  # its date moved on, nothing else did
    await world.turn(poll)
    assert world.asked.count("sales_order:1201") == 2
    assert len(world.inbox) == 1


async def test_g8_h1_an_event_is_given_time_to_come_before_the_poll_reads_its_change() -> None:
    world = World()
    poll = world.poll(patience=60)
    world.put(ORDERS, sales_order())
    await world.turn(poll)
    assert world.inbox == []
    assert world.kept.pending == ((Kind.SALES_ORDER, "1201"),)
    await world.turn(poll, 0)
    assert world.told() == [("sales_order.updated", "sales_order:1201")]
    assert not world.kept.pending


async def test_g8_a_rising_quantity_is_a_receipt() -> None:
    world = World()
    poll = world.poll()
    world.put(ORDERS, sales_order())
    world.put(PURCHASES, purchase_order(lines=[po_line(1, received=4)]))
    await world.turn(poll)
    world.merge_inbox()
    world.put(PURCHASES, purchase_order(lines=[po_line(1, received=10)], minute=40))
    await world.turn(poll)
    assert [type_ for type_, _ in world.told()] == [
        "sales_order.updated",
        "purchase_order.receipted",
        "purchase_order.receipted",
    ]
    quantities = [
        loads(one.body)["data"]["receipt"]["lines"][0]["quantity"] for one in world.inbox[1:]
    ]
    assert quantities == [4, 6]


@pytest.mark.parametrize("dies_at", [1, 2, 3])
async def test_g8_h1_a_crash_at_any_commit_loses_nothing_and_doubles_nothing(dies_at: int) -> None:
    world = World(dies_at_keep=dies_at)
    poll = world.poll()
    world.put(ORDERS, sales_order())
    world.put(QUOTES, quote())
    await world.turn(poll)
    if dies_at < 3:
        assert world.inbox == []
    await world.turn(world.poll())
    assert [type_ for type_, _ in world.told()] == ["sales_order.updated", "quote.won"]
    assert world.kept.pending == ()


async def test_g8_a_turn_that_another_worker_has_is_left_to_it() -> None:
    world = World()
    one, other = world.poll(), world.poll()
    world.token = "another's"
    await world.turn(one)
    assert world.asked == []
    world.token = None
    await world.turn(one)
    await other.turn(ME, world._came)
    assert world.asked.count("quote") == 1


async def test_g8_a_turn_that_was_lost_writes_nothing() -> None:
    world = World()
    world.put(ORDERS, sales_order())

    class Losing(World):
        async def changed(self, listing: Listing, after: datetime) -> list[Change]:
            world.token = "another's"
            return await world.changed(listing, after)

    poll = world.poll()
    poll._commerce = Losing()
    await world.turn(poll)
    assert (world.inbox, world.state) == ([], None)


async def test_g8_a_first_run_leaves_what_stands_there_alone() -> None:
    world = World()
    poll = world.poll(since=None)
    world.put(ORDERS, sales_order(createdDate=NOW.isoformat()))
    await world.turn(poll)
    await world.turn(poll)
    assert world.inbox == []
    # Later changes of it too, and the purchase orders of it: a person did it by hand.
    world.put(ORDERS, sales_order(createdDate=NOW.isoformat(), minute=50))
    world.put(PURCHASES, purchase_order())
    await world.turn(poll)
    world.put(PURCHASES, purchase_order(minute=60))
    await world.turn(poll)
    assert world.inbox == []
    assert world.asked.count("sales_order:1201") == 1, "history is asked about once"
    # One that an event told is kept in step.
    made = world.at.isoformat()
    world.put(ORDERS, sales_order(createdDate=made, id=1300, orderNumber="ON10001300"))
    await world.turn(poll)
    assert world.told() == [("sales_order.updated", "sales_order:1300")]


async def test_g8_h1_a_purchase_order_brings_the_sales_order_that_never_came_in() -> None:
    world = World()
    poll = world.poll()
    world.documents[Kind.SALES_ORDER, "1201"] = sales_order(quoteID=501)
    world.documents[Kind.QUOTE, "501"] = quote()
    world.put(PURCHASES, purchase_order())
    await world.turn(poll)
    assert [type_ for type_, _ in world.told()] == [
        "sales_order.updated",
        "purchase_order.updated",
        "quote.won",
    ]


async def test_g8_drafts_and_open_quotes_concern_nobody_until_they_are_known() -> None:
    world = World()
    poll = world.poll()
    world.put(ORDERS, sales_order(status=1))
    world.put(QUOTES, quote(status=1))
    world.put(PURCHASES, purchase_order(order=None, status=0))
    await world.turn(poll)
    assert world.inbox == []
    world.put(ORDERS, sales_order(status=90, minute=30))
    await world.turn(poll)
    assert [type_ for type_, _ in world.told()] == ["sales_order.cancelled"]


async def test_g8_a_document_that_is_gone_is_told_and_left() -> None:
    world = World()
    poll = world.poll()
    world.changes[ORDERS] = [Change("9", "9", NOW)]
    await world.turn(poll)
    assert (world.inbox, world.kept.pending, world.kept.failing) == ([], (), None)


async def test_g8_a_document_that_breaks_the_contract_is_kept_as_rejected() -> None:
    world = World()
    poll = world.poll()
    broken = sales_order()
    del broken["customer"]
    world.put(ORDERS, broken)
    await world.turn(poll)
    (kept,) = world.inbox
    assert (kept.status, kept.code) == ("rejected", Code.BODY_NOT_VALID)
    assert kept.cause == "data/salesOrder/customer: is required"


async def test_g8_an_answer_about_one_document_keeps_no_other_waiting() -> None:
    world = World()
    poll = world.poll()
    world.put(ORDERS, sales_order())
    world.put(ORDERS, sales_order(id=1202, orderNumber="ON10001202"))
    unwell = RemoteFailure(FailureKind.TRANSIENT, "500", status=500)
    world.fails["sales_order:1201"] = [unwell]
    await world.turn(poll)
    assert world.told() == [("sales_order.updated", "sales_order:1202")]
    assert world.kept.pending == ((Kind.SALES_ORDER, "1201"),)
    await world.turn(poll)
    assert len(world.inbox) == 2


@pytest.mark.parametrize(
    ("failure", "code", "rest"),
    [
        (RemoteFailure(FailureKind.UNAUTHENTICATED, "no", status=401), "CREDENTIALS_REFUSED", 45),
        (RemoteFailure(FailureKind.RATE_LIMITED, "429", retry_after=20.0), "RATE_LIMITED", 20),
        (RemoteFailure(FailureKind.RATE_LIMITED, "429"), "RATE_LIMITED", 3.75),
        (RemoteFailure(FailureKind.NOT_SENT, "away"), None, 0.375),
        (RemoteFailure(FailureKind.TRANSIENT, "reset"), None, 0.375),
        (RemoteFailure(FailureKind.REJECTED, "404", status=404), None, 900),
    ],
)
async def test_g8_a_failure_rests_or_pauses_by_its_kind(
    failure: RemoteFailure, code: str | None, rest: float
) -> None:
    world = World()
    poll = world.poll()
    world.put(ORDERS, sales_order())
    world.fails["salesorderline"] = [failure]
    await world.turn(poll)
    assert [paused.code.value for paused in world.pauses] == ([code] if code else [])
    assert (world.due - world.at).total_seconds() == pytest.approx(rest)
    assert (world.kept.failing, world.kept.failures) == (failure.kind, 1)
    assert world.kept.windows == {}, "no list counts as read"
    await world.turn(poll, 0)
    assert world.told() == [("sales_order.updated", "sales_order:1201")]
    assert (world.kept.failing, world.kept.failures) == (None, 0)


async def test_g8_refused_credentials_are_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    alerts: list[str] = []

    def note(event: str, **fields: Any) -> None:
        alerts.append(event)

    monkeypatch.setattr("app.sync.commerce_poll.wide", note)
    world = World()
    poll = world.poll()
    refused = RemoteFailure(FailureKind.UNAUTHENTICATED, "no", status=401)
    world.fails["quote"] = [refused, refused, refused]
    for _ in range(5):
        await world.turn(poll)
    assert alerts.count("commerce_not_read") == 1
    assert alerts[-1] == "commerce_read_again"
    assert len(world.pauses) == 3


async def test_g8_a_paused_connection_is_not_called() -> None:
    world = World()
    poll = world.poll()
    until = NOW + timedelta(hours=1)
    world.pauses.append(Paused(until, Code.CONNECTION_PAUSED, "maintenance", "ada"))
    await world.turn(poll)
    assert world.asked == []
    assert world.due == world.at + timedelta(seconds=90), "it may be resumed at any time"
    world.at = until
    await world.turn(poll)
    assert len(world.asked) == len(Listing)


async def test_h10_a_turn_that_lasts_stops_where_a_person_pauses_the_connection() -> None:
    world = World()
    poll = world.poll()
    for number in range(1, 10):
        world.put(ORDERS, sales_order(id=number, orderNumber=f"ON{number}"))
    until = NOW + timedelta(hours=1)
    read = world.document

    async def paused_meanwhile(kind: Kind, source_id: str) -> Any:
        body = await read(kind, source_id)
        if source_id == "3":
            world.pauses.append(Paused(until, Code.CONNECTION_PAUSED, "maintenance", "ada"))
        return body

    world.document = paused_meanwhile  # type: ignore[method-assign]
    await world.turn(poll)
    # What was read is kept, the rest stays to be read, and the calls are counted.
    assert len(world.inbox) == 3
    assert len(world.kept.pending) == 6
    assert sum(spent.looks + spent.reads for spent in world.kept.hours.values()) == len(world.asked)
    assert world.due == world.at + timedelta(seconds=90)
    asked = len(world.asked)
    await world.turn(poll)
    assert len(world.asked) == asked
    world.at = until
    await world.turn(poll)
    assert len(world.inbox) == 9


async def test_g8_a_backlog_is_read_within_the_day_and_goes_on_where_it_stopped() -> None:
    world = World()
    poll = world.poll(calls_a_day=5770)  # looks take 5,760 of them
    for number in range(1, 15):
        world.put(ORDERS, sales_order(id=number, orderNumber=f"ON{number}"))
    await world.turn(poll)
    assert len(world.inbox) == 10
    assert len(world.kept.pending) == 4
    await world.turn(poll)
    assert len(world.inbox) == 10
    assert world.asked.count("quote") == 2, "looks go on"
    await world.turn(poll, 25 * 3600)
    assert len(world.inbox) == 14


async def test_g8_no_minute_holds_more_calls_than_it_may() -> None:
    world = World()
    meter = Meter(cast(ports.Clock, world), 3)
    waits: list[int] = []

    async def waiting() -> None:
        waits.append(1)

    meter.waiting = waiting
    meter.allow(7)
    times = []
    for _ in range(7):
        await meter.take()
        times.append((world.at - NOW).total_seconds())
    assert times == [0, 0, 0, 60, 60, 60, 120]
    assert (len(waits), meter.used) == (2, 7)
    with pytest.raises(BudgetSpent):
        await meter.take()


async def test_g8_the_turn_is_kept_while_a_minute_is_waited_out() -> None:
    world = World()
    poll = world.poll()
    for number in range(1, 60):
        world.put(ORDERS, sales_order(id=number, orderNumber=f"ON{number}"))
    await world.turn(poll)
    assert len(world.inbox) == 59
    assert world.slept == [60.0]


async def test_g8_the_worker_does_not_wait_for_the_poll_and_stops_it() -> None:
    world = World()
    poll = world.poll()
    began, came = asyncio.Event(), asyncio.Event()

    async def slow(name: str) -> None:
        began.set()
        await came.wait()

    world._call = slow  # type: ignore[method-assign]
    poll.follow(ME, world._came)
    await began.wait()
    poll.follow(ME, world._came)  # one is under way
    await poll.stop()
    await poll.stop()
    assert (world.keeps, world.state) == (0, None)
