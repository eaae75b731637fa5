"""The drift sweep stops where a system that it reads is paused, and goes on there (H10, H12)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

import pytest

from app.domain import ports
from app.domain.codes import Code
from app.domain.drift import DriftStore, Sweep
from app.domain.errors import FailureKind, RemoteFailure
from app.domain.ports import Clock, Paused, Store
from app.sync.drift import Comparison, DriftSweep, Outcome, SweepPace, Unread
from tests.builders import NOW
from tests.unit.connectwise_stub import ManualClock

ME = ports.Worker(1, lambda: True)
ORDERS = (11, 12, 13)


@dataclass
class Taken:
    token: str | None
    sweep: Sweep
    now: datetime = NOW


@dataclass
class World:
    """The store, its findings and the comparison at once."""

    kept: Sweep = field(default_factory=Sweep)
    rested: float | None = None
    compared: list[int] = field(default_factory=list)
    pauses: dict[str, Paused] = field(default_factory=dict)
    fails: RemoteFailure | None = None
    commerce: Any = None
    ledger: str = "xero"
    pause_after: tuple[int, str] | None = None

    async def now(self) -> datetime:
        return NOW

    async def paused(self, tenant: int, system: str) -> Paused | None:
        return self.pauses.get(system)

    async def pause(self, tenant: int, system: str, paused: Paused) -> None:
        self.pauses[system] = paused

    async def take_sweep(self, tenant: int, worker: int, lease: float, every: float) -> Taken:
        return Taken("token", self.kept)

    async def keep_sweep(
        self, tenant: int, token: str, sweep: Sweep, *, lease: float | None, rest: float = 0
    ) -> bool:
        self.kept = sweep
        self.rested = None if lease is not None else rest
        return True

    async def to_compare(self, tenant: int, after: int, days: int, limit: int) -> Sequence[int]:
        return [one for one in ORDERS if one > after]

    async def keep_findings(self, order_id: int, found: Any, *, commerce: bool) -> int:
        return 0

    async def of(self, order_id: int, meter: Any, *, commerce: bool = True) -> Outcome:
        if self.fails is not None:
            raise Unread("connectwise", self.fails)
        self.compared.append(order_id)
        if self.pause_after is not None and self.pause_after[0] == order_id:
            by_person = Paused(None, Code.CONNECTION_PAUSED, "It is worked on.", "ada")
            self.pauses[self.pause_after[1]] = by_person
        return Outcome([])

    async def turn(self) -> None:
        sweep = DriftSweep(
            store=cast(Store, self),
            kept=cast(DriftStore, self),
            compare=cast(Comparison, self),
            clock=cast(Clock, ManualClock()),
            tenant_id=1,
            pace=SweepPace(),
        )
        await sweep.turn(ME)


@pytest.mark.parametrize(("system", "name"), [("connectwise", "ConnectWise"), ("xero", "Xero")])
async def test_h10_a_sweep_stops_before_the_next_order_when_a_person_pauses_what_it_reads(
    system: str, name: str
) -> None:
    world = World(pause_after=(12, system))
    await world.turn()
    assert world.compared == [11, 12]
    assert (world.kept.after, world.kept.trouble) == (12, f"{name} is not called: It is worked on.")
    assert world.rested is not None
    world.pauses.clear()
    await world.turn()
    assert world.compared == [11, 12, 13]


async def test_c7_a_sweep_that_spent_its_part_rests_and_pauses_nobody() -> None:
    """Orders have calls left when the sweep has none."""
    world = World(fails=RemoteFailure(FailureKind.RATE_LIMITED, "used up", retry_after=40.0))
    await world.turn()
    assert (world.rested, world.pauses) == (40.0, {})


async def test_h10_a_429_that_a_sweep_draws_pauses_the_connection() -> None:
    world = World()
    world.fails = RemoteFailure(FailureKind.RATE_LIMITED, "busy", status=429, retry_after=40.0)
    await world.turn()
    assert world.pauses["connectwise"].until == NOW + timedelta(seconds=40)
