"""A flood is shed at the door with the status that its sender repeats on (H10, H13, decision 0046)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from app.api.examples import examples
from app.api.room import Room
from app.domain.records import Accepted, Delivery
from app.main import create_app
from app.telemetry import metrics
from tests.api.doors import TOKEN, RefusingStore, TestParts, callback, client_of, code_of, post


class SlowStore(RefusingStore):
    """A store whose commits wait until they are let go."""

    def __init__(self) -> None:
        self.waiting = 0
        self.go = asyncio.Event()

    async def accept(self, delivery: Delivery) -> Accepted:
        self.waiting += 1
        await self.go.wait()
        return Accepted(1, duplicate=False)


def _shed(source: str) -> float:
    value: float = metrics.SHED.labels(source)._value.get()
    return value


@pytest.mark.parametrize("room", [Room(deliveries=4), Room(size=5_000)])
async def test_h10_a_flood_is_refused_before_it_fills_the_memory_and_is_taken_later(
    room: Room,
) -> None:
    store = SlowStore()
    app = create_app(TestParts(store, store))
    app.state.room.deliveries, app.state.room.size = room.deliveries, room.size
    body: Any = next(iter(examples().values()))
    before = _shed("commerce"), _shed("connectwise")
    async with client_of(app) as client:
        flood = [asyncio.create_task(post(client, body, webhook_id=f"m-{n}")) for n in range(20)]
        done: set[asyncio.Task[Any]] = set()
        while len(done) + store.waiting < len(flood):
            done, _ = await asyncio.wait(flood, timeout=0.05)
        assert 1 <= store.waiting <= 2
        for one in done:
            answer = one.result()
            assert (answer.status_code, code_of(answer)) == (503, "INTAKE_FULL")
            assert answer.headers["retry-after"] == "5"
        assert _shed("commerce") - before[0] == len(done)
        # The other sender has its own half.
        signature = {"x-content-signature": "fits"}
        callbacks = [
            asyncio.create_task(
                client.post(f"/webhooks/connectwise/{TOKEN}", content=callback(), headers=signature)
            )
        ]
        while store.waiting <= len(flood) - len(done):
            await asyncio.sleep(0.01)
        store.go.set()
        taken = await asyncio.gather(*callbacks, *(one for one in flood if one not in done))
        assert {one.status_code for one in taken} == {202}
        again = await post(client, body, webhook_id="m-again")
        assert again.status_code == 202


async def test_h10_connectwise_is_told_429_which_it_repeats_on() -> None:
    app = create_app(TestParts(RefusingStore(), RefusingStore()))
    app.state.room.deliveries = 0
    async with client_of(app) as client:
        answer = await client.post(f"/webhooks/connectwise/{TOKEN}", content=callback())
        assert (answer.status_code, code_of(answer)) == (429, "INTAKE_FULL")
        for path in ("/webhooks/xero", "/webhooks/quickbooks"):
            assert (await client.post(path, content=b"{}")).status_code == 503
