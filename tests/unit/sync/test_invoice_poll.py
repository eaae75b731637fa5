"""One read finds the invoices that changed, for all orders, and leads to those that carry them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

import pytest

from app.domain import psa
from app.domain.errors import FailureKind, RemoteFailure
from app.domain.ports import Clock, ConnectWise, Paused, Store
from app.sync.invoice_poll import InvoicePoll, routes
from tests.builders import NOW


@dataclass
class World:
    """A store, a clock and a ConnectWise of invoices."""

    at: datetime = NOW
    kept: Any = None
    invoices: list[psa.Invoice] = field(default_factory=list)
    asked: list[datetime] = field(default_factory=list)
    told: list[Sequence[tuple[str, str]]] = field(default_factory=list)
    pauses: list[Paused] = field(default_factory=list)
    fails: RemoteFailure | None = None
    carried: int = 1  # orders that carry what is told
    looked: list[Sequence[int]] = field(default_factory=list)
    gone: set[int] = field(default_factory=set)

    def monotonic(self) -> float:
        return self.at.timestamp()

    async def now(self) -> datetime:
        return self.at

    async def recall(self, tenant: int, kind: str, key: str) -> Any:
        return self.kept

    async def remember(self, tenant: int, kind: str, key: str, body: Any, seconds: float) -> None:
        self.kept = body

    async def paused(self, tenant: int, system: str) -> Paused | None:
        return self.pauses[-1] if self.pauses else None

    async def pause(self, tenant: int, system: str, paused: Paused) -> None:
        self.pauses.append(paused)

    async def touch(self, tenant: int, found: Sequence[tuple[str, str]]) -> int:
        self.told.append(found)
        return self.carried

    async def invoices_since(self, moment: datetime) -> list[psa.Invoice]:
        self.asked.append(moment)
        if self.fails is not None:
            raise self.fails
        return self.invoices

    async def standing_invoices(self, ids: Sequence[int]) -> set[int]:
        self.looked.append(ids)
        if self.fails is not None:
            raise self.fails
        return set(ids) - self.gone

    def poll(self) -> InvoicePoll:
        return InvoicePoll(cast(Store, self), cast(ConnectWise, self), cast(Clock, self), 1, 60)

    async def later(self, poll: InvoicePoll, seconds: float = 60) -> None:
        self.at += timedelta(seconds=seconds)
        await self.look(poll)

    async def look(self, poll: InvoicePoll) -> None:
        poll.follow()
        if poll._turns.task is not None:
            await poll._turns.task


def invoice(number: int, changed: str = "2026-11-24T12:00:30Z", **more: Any) -> psa.Invoice:
    return psa.Invoice(number, f"INV{number}", "Standard", changed=changed, **more)


async def test_b112_it_is_asked_once_a_period_and_never_at_the_start() -> None:
    world = World()
    poll = world.poll()
    await world.look(poll)
    await world.later(poll, 59)
    assert world.asked == []
    await world.later(poll, 1)
    await world.later(poll, 30)
    assert len(world.asked) == 1


async def test_b112_an_invoice_is_told_once_and_again_when_it_changes() -> None:
    world = World(invoices=[invoice(9001, sales_order_id=70)])
    poll = world.poll()
    await world.later(poll)
    await world.later(poll)
    assert world.told == [[("invoice", "9001"), ("sales_order", "70")]]
    world.invoices = [invoice(9001, "2026-11-24T12:03:00Z", sales_order_id=70)]
    await world.later(poll)
    assert len(world.told) == 2
    await world.later(poll)
    assert world.asked[-1] == datetime.fromisoformat("2026-11-24T11:53:00+00:00")


async def test_b112_an_invoice_that_was_deleted_is_told_once() -> None:
    world = World(invoices=[invoice(9001, sales_order_id=70), invoice(9002, sales_order_id=71)])
    poll = world.poll()
    await world.later(poll)
    world.invoices, world.gone = [], {9001}
    for _ in range(9):
        await world.later(poll)
    assert (len(world.told), world.looked) == (2, [])
    await world.later(poll)
    assert world.looked == [[9001, 9002]]
    assert world.told[2:] == [[("invoice", "9001")]]
    for _ in range(10):
        await world.later(poll)
    assert world.looked[1:] == [[9002]]
    assert len(world.told) == 3


async def test_b112_other_invoices_and_old_ones_are_not_asked_for_again() -> None:
    world = World(invoices=[invoice(9001, sales_order_id=70)], carried=0)
    poll = world.poll()
    await world.later(poll)
    await world.later(poll, 3600)
    assert world.looked == []
    world.carried, world.invoices = 1, [invoice(9002, sales_order_id=70)]
    await world.later(poll)
    world.invoices = []
    await world.later(poll, 91 * 86400)
    assert world.looked == []


async def test_b112_a_look_that_fails_is_made_again() -> None:
    world = World(invoices=[invoice(9001, sales_order_id=70)], gone={9001})
    poll = world.poll()
    await world.later(poll)
    kept = dict(world.kept["known"])
    world.invoices = []

    async def fails(ids: Sequence[int]) -> set[int]:
        raise RemoteFailure(FailureKind.TRANSIENT, "busy")

    world.standing_invoices, real = fails, world.standing_invoices  # type: ignore[method-assign]
    await world.later(poll, 3600)
    assert world.kept["known"] == kept
    world.standing_invoices = real  # type: ignore[method-assign]
    await world.later(poll)
    assert world.told[-1] == [("invoice", "9001")]


async def test_two_workers_ask_once_between_them() -> None:
    world = World()
    one, other = world.poll(), world.poll()
    world.at += timedelta(seconds=60)
    await world.look(one)
    await world.look(other)
    assert len(world.asked) == 1


@pytest.mark.parametrize(
    ("kind", "status", "pauses"),
    [
        (FailureKind.TRANSIENT, 500, 0),
        (FailureKind.RATE_LIMITED, 429, 1),
        (FailureKind.RATE_LIMITED, None, 0),  # its part is used up: orders have calls left
    ],
)
async def test_a_read_that_fails_loses_nothing(
    kind: FailureKind, status: int | None, pauses: int
) -> None:
    world = World(invoices=[invoice(9001, sales_order_id=70)])
    world.fails = RemoteFailure(kind, "busy", status=status, retry_after=30.0)
    poll = world.poll()
    await world.later(poll)
    assert (world.told, world.kept, len(world.pauses)) == ([], None, pauses)
    world.fails = None
    world.pauses.clear()
    await world.later(poll)
    assert len(world.told) == 1


async def test_a_paused_connection_is_left_alone() -> None:
    world = World()
    world.pauses.append(cast(Paused, object()))
    await world.later(world.poll())
    assert world.asked == []


def test_b112_an_invoice_leads_to_the_sales_order_or_ticket_that_it_is_of_or_applies_to() -> None:
    applied = invoice(9001, apply_to_type="SalesOrder", apply_to_id=70)
    ticket = invoice(9002, apply_to_type="Ticket", apply_to_id=71)
    assert routes([applied, ticket]) == [
        ("invoice", "9001"),
        ("invoice", "9002"),
        ("sales_order", "70"),
        ("ticket", "71"),
    ]
