"""What people do at the service itself during a day: hold and release, try again, pause and resume a
connection, approve drafts.

Owns the acts, over the operations that REST, command line and console share. A person who is
refused, or finds the database away, comes back later.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass, field
from typing import Any

from app.domain.budgets import Use
from app.domain.codes import Code
from app.domain.errors import StoreUnavailable
from app.domain.views import OrderFilter
from app.sync.decisions import Decisions
from app.sync.explain import explainer
from app.sync.operations import Actor, Operations, Refusal
from app.sync.record_pages import RecordPages
from app.sync.upkeep import Upkeep
from tests.simulation.chaos import Numbers
from tests.simulation.day import TELLING, Day
from tests.simulation.premises import TENANT, known_scenarios
from tests.simulation.world import World

WHO = Actor(TENANT, "somebody")
WHY = "asked to"
APPROVES_EVERY = 15.0


@dataclass(frozen=True)
class _Wake:
    """ports.Wake: what a person did wakes the workers, or the wake is lost."""

    world: World

    async def wake(self) -> None:
        self.world.nudge()


async def _nothing_used(_: Any) -> Use:
    return Use()


@dataclass
class Office:
    world: World
    day: Day
    decisions: Decisions = field(init=False)
    upkeep: Upkeep = field(init=False)

    def __post_init__(self) -> None:
        world = self.world
        engine = world.engine(world.client(), world.store)
        operations = Operations(
            store=world.store,
            admin=world.store,
            wake=_Wake(world),
            explain=explainer(engine, RecordPages()),
            settings=world.settings,
            scenarios=known_scenarios(),
            used=_nothing_used,
        )
        self.decisions = Decisions(
            store=world.store,
            admin=world.store,
            operations=operations,
            plan=engine.plan,
            pin=engine.present_pin,
            forbidden=engine.forbidden_pin,
        )
        self.upkeep = Upkeep(
            store=world.store, kept=world.store, operations=operations, ids=Numbers("u")
        )

    def acts(self) -> Iterator[Coroutine[Any, Any, None]]:
        """Everything ends before things stop going wrong, but for the approving of drafts."""
        rng = random.Random(f"office {self.day.seed}")  # noqa: S311 - a made-up day
        for _ in range(self.day.wide.holds):
            yield self._hold(rng.uniform(0.0, TELLING), rng.uniform(0.5, 30.0), rng.random())
        for _ in range(self.day.wide.pauses):
            yield self._pause(rng.uniform(0.0, TELLING), rng.uniform(0.5, 30.0), rng.random())
        for _ in range(self.day.wide.retries):
            yield self._retry(rng.uniform(0.0, TELLING), rng.random())

    async def approve(self) -> None:
        """D-9: whoever keeps the books approves each draft that the service shows, all day long."""
        while True:
            await asyncio.sleep(APPROVES_EVERY)
            for number in await self._numbers(Code.INVOICE_NOT_APPROVED):
                await self._try(
                    self.decisions.decide(
                        WHO, number, code=Code.INVOICE_NOT_APPROVED, choice="approve", reason=WHY
                    )
                )

    async def _hold(self, at: float, seconds: float, which: float) -> None:
        await asyncio.sleep(at)
        number = await self._one(which)
        if number is None:
            return
        self.world.tell("person", f"holds {number}")
        await self._try(self.decisions.hold(WHO, number, WHY))
        await asyncio.sleep(seconds)
        # A hold whose answer was lost may stand; one that is refused never did, or is over.
        await self._surely(lambda: self.decisions.release(WHO, number, WHY))
        self.world.tell("person", f"released {number}")

    async def _pause(self, at: float, seconds: float, which: float) -> None:
        await asyncio.sleep(at)
        tables = self.world.store.rows()
        systems = ["connectwise", *([self.day.wide.ledger] if self.day.wide.ledger else [])]
        system = systems[int(which * len(systems))]
        (number,) = [n for n, row in tables["connection"].items() if row["kind"] == system]
        self.world.tell("person", f"pauses {system}")
        await self._try(self.upkeep.pause(WHO, number, WHY))
        await asyncio.sleep(seconds)
        await self._surely(lambda: self.upkeep.resume(WHO, number, WHY))
        self.world.tell("person", f"resumed {system}")

    async def _retry(self, at: float, which: float) -> None:
        """A step that does not get through is tried again, whichever it is."""
        await asyncio.sleep(at)
        number = await self._one(which)
        if number is None:
            return
        row = next(r for r in self.world.store.rows()["orders"].values() if r["number"] == number)
        if row["scenario"] is None:
            return
        steps = [use.name for use in known_scenarios()[row["scenario"]].steps]
        step = steps[int(which * len(steps))]
        self.world.tell("person", f"tries {step} of {number} again")
        await self._try(self.decisions.step(WHO, number, step, skip=False, reason=WHY))

    async def _numbers(self, code: Code | None = None) -> list[str]:
        try:
            page = await self.world.store.orders(TENANT, OrderFilter(), None, 100)
        except StoreUnavailable:
            return []
        return sorted(
            row.number for row in page.items if row.number is not None and code in (None, row.code)
        )

    async def _one(self, which: float) -> str | None:
        numbers = await self._numbers()
        return numbers[int(which * len(numbers))] if numbers else None

    async def _try(self, act: Coroutine[Any, Any, Any]) -> bool:
        """False: the database was away, and nobody knows whether it was done."""
        try:
            await act
        except Refusal as refusal:
            self.world.tell("person", f"is refused: {refusal.code}")
        except StoreUnavailable:
            return False
        return True

    async def _surely(self, act: Any) -> None:
        while not await self._try(act()):
            await asyncio.sleep(3.0)
