"""Commerce, as the service meets it: events told until they are acknowledged.

Owns the telling and an exact note of what was acknowledged, and how long that took.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx

from tests.chaos.ledger import ledger_of, to_ledger
from tests.e2e.generated import Story, arrivals, story
from tests.e2e.harness import signed

AGAIN = 0.4  # seconds until an event without an answer of success is told again
TIMEOUT = 4.0
NO_ROOM = 0.3
FIRST = 5000  # the Commerce id of the first order


@dataclass
class Traffic:
    """Stories of orders from a seed, told side by side. `address`: the API that an order is told
    to; `room`: whether that installation keeps up with another order."""

    seed: int
    address: Callable[[int], str]
    room: Callable[[int], Awaitable[bool]]
    orders: list[Story] = field(default_factory=list)
    accepted: list[tuple[datetime, Mapping[str, Any]]] = field(default_factory=list)
    acknowledged: list[tuple[datetime, float]] = field(default_factory=list)  # when, after how long
    refused: list[str] = field(default_factory=list)  # answers that Commerce would give up on
    deliveries: int = 0
    whole: set[int] = field(default_factory=set)  # orders of which everything was told
    enough: asyncio.Event = field(default_factory=asyncio.Event)
    _telling: set[asyncio.Task[None]] = field(default_factory=set)

    async def go(self, client: httpx.AsyncClient, each: float) -> None:
        """A new order every `each` seconds at most, while there is room, until it is told to stop."""
        while not self.enough.is_set():
            number = FIRST + len(self.orders)
            if not await self.room(number):
                await asyncio.sleep(NO_ROOM)
                continue
            made = story(self.seed * 100_003 + number, number, None)
            if ledger_of(number) is not None:
                to_ledger(made)
            self.orders.append(made)
            task = asyncio.create_task(self._tell(client, made, number))
            self._telling.add(task)
            task.add_done_callback(self._telling.discard)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.enough.wait(), each)

    def of_ledger(self) -> list[Story]:
        """Those that are posted to the ledger, in configuration C."""
        return [made for made in self.orders if ledger_of(made.order.id)]

    async def all_told(self) -> None:
        """Returns when every event was acknowledged."""
        await asyncio.gather(*self._telling)

    async def _tell(self, client: httpx.AsyncClient, made: Story, number: int) -> None:
        rng = random.Random(self.seed + number)  # noqa: S311 - a pace, no secret
        for identity, event in arrivals(made, self.seed + number):
            await self._deliver(client, self.address(number), f"chaos-{identity}", event)
            await asyncio.sleep(rng.choice((0.0, 0.05, 0.5, 1.5)))
        self.whole.add(number)

    async def _deliver(
        self, client: httpx.AsyncClient, url: str, identity: str, event: Any
    ) -> None:
        body, first = json.dumps(event).encode(), datetime.now(UTC)
        while True:
            self.deliveries += 1
            at, started = datetime.now(UTC), time.monotonic()
            headers = signed(body, identity, int(time.time()))
            try:
                answer = await client.post(
                    f"{url}/webhooks/commerce", content=body, headers=headers, timeout=TIMEOUT
                )
            except httpx.HTTPError:
                await asyncio.sleep(AGAIN)
                continue
            if answer.is_success:
                # It may have known it since the first try, whose answer was lost.
                self.accepted.append((first, event))
                self.acknowledged.append((at, time.monotonic() - started))
                return
            if answer.status_code < 500 and answer.status_code != 429:
                self.refused.append(f"{answer.status_code} {answer.text[:200]}")
                return
            await asyncio.sleep(AGAIN)
