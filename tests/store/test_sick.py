"""A sick peer's pause: kept for all, asked by one at a time, ended when it answers (H10)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.connectors.pacing import Pacing
from app.domain.codes import Code
from app.domain.errors import FailureKind, RemoteFailure
from app.domain.ports import Paused, Worker
from app.sync import circuit
from app.sync.circuit import OPEN_AFTER, Circuit, Recovery
from app.system import SystemClock
from tests.store.build import (
    LEASE,
    TENANT,
    FullStore,
    claim_one,
    deliver,
    release,
    sales_order,
    snapshot_of,
    waiting,
)

SYSTEM = "connectwise"
SICK = Paused(None, Code.PEER_SICK, "ConnectWise is not called.", "service")


def _circuit(*statuses: int | None) -> tuple[Circuit, Pacing]:
    """After calls that were answered so, whatever they were for."""
    pacing = Pacing(SystemClock())
    for status in statuses:
        pacing.heard(pacing.at_once.round, status, 0.1, timed_out=False)
    return Circuit({SYSTEM: pacing}), pacing


def test_h10_calls_in_a_row_without_a_good_answer_open_the_circuit_once() -> None:
    counted, pacing = _circuit(None, 503, 200, *(500,) * (OPEN_AFTER - 1))
    assert counted.opens(SYSTEM) is None
    pacing.heard(pacing.at_once.round, None, 0.1, timed_out=False)
    opened = counted.opens(SYSTEM)
    assert opened is not None
    assert (opened.until, opened.code, opened.by) == (None, Code.PEER_SICK, "service")
    assert opened.sentence.startswith(f"ConnectWise is not called: {OPEN_AFTER} calls in a row")
    assert counted.opens(SYSTEM) is None
    assert counted.opens("xero") is None


@pytest.mark.parametrize("status", [404, 409, 429])
def test_h10_a_refusal_is_a_good_answer(status: int) -> None:
    counted, _ = _circuit(*(500,) * (OPEN_AFTER - 1), status, 500)
    assert counted.opens(SYSTEM) is None


async def test_h10_what_a_vendor_asks_for_stands_before_our_own_pause(store: FullStore) -> None:
    until = await store.now() + timedelta(minutes=5)
    asked = Paused(until, Code.RATE_LIMITED, "429", "service")
    await store.pause(TENANT, SYSTEM, SICK)
    assert await store.paused(TENANT, SYSTEM) == SICK
    await store.pause(TENANT, SYSTEM, asked)
    assert await store.paused(TENANT, SYSTEM) == asked
    await store.pause(TENANT, SYSTEM, SICK)
    assert await store.paused(TENANT, SYSTEM) == asked
    assert not await store.take_probe(TENANT, SYSTEM, 0.0)
    assert not await store.recover(TENANT, SYSTEM)
    assert await store.paused(TENANT, SYSTEM) == asked


async def test_h10_one_asks_and_its_answer_lets_the_orders_go_on(
    store: FullStore, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    await deliver(store, "d", sales_order())
    claim = await claim_one(store, worker)
    later = await store.now() + timedelta(hours=1)
    assert await release(store, claim, waiting(Code.CONNECTION_PAUSED), due_at=later)
    await store.pause(TENANT, SYSTEM, SICK)
    pause = (await snapshot_of(store)).paused[SYSTEM]
    assert (pause.ends, pause.why) == (False, SICK.sentence)
    asked: list[FailureKind | None] = [FailureKind.NOT_SENT, None]
    came: list[bool] = []

    async def probe() -> None:
        kind = asked.pop(0)
        if kind is not None:
            raise RemoteFailure(kind, "no answer")

    def recovery() -> Recovery:
        return Recovery(store, SystemClock(), TENANT, {SYSTEM: probe})

    monkeypatch.setattr(circuit, "ASK_SECONDS", 60.0)
    await recovery().look(lambda: came.append(True))
    await recovery().look(lambda: came.append(True))  # too soon: nobody is asked again
    assert len(asked) == 1
    assert await store.paused(TENANT, SYSTEM) == SICK
    assert await store.claim(worker, 1, LEASE) == []
    monkeypatch.setattr(circuit, "ASK_SECONDS", 0.0)
    await recovery().look(lambda: came.append(True))
    assert (asked, came) == ([], [True])
    assert await store.paused(TENANT, SYSTEM) is None
    assert (await claim_one(store, worker)).order_id == claim.order_id


async def test_h10_a_429_to_the_question_is_a_pause_that_the_vendor_asked_for(
    store: FullStore,
) -> None:
    await store.pause(TENANT, SYSTEM, SICK)

    async def probe() -> None:
        raise RemoteFailure(FailureKind.RATE_LIMITED, "too many", status=429, retry_after=60.0)

    await Recovery(store, SystemClock(), TENANT, {SYSTEM: probe}).look(lambda: None)
    paused = await store.paused(TENANT, SYSTEM)
    assert paused is not None
    assert paused.code is Code.RATE_LIMITED
    assert paused.until is not None
    left = paused.until - await store.now()
    assert timedelta(seconds=50) < left <= timedelta(seconds=60)
