"""One trace from the webhook to the remote call, across the queue and two processes."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from datetime import UTC, datetime
from typing import Any

import pytest

from app.domain import traces
from tests.e2e.collector import Collector, Seen, collecting
from tests.e2e.harness import Rest, running, signed
from tests.e2e.orders import Order
from tests.e2e.test_kill import environment

pytestmark = pytest.mark.processes

SENDER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def won(told: Rest) -> bool:
    steps = {one["step"]: one["state"] for one in told["steps"]}
    return steps.get("win_opportunity") == "done"


def only(collector: Collector, trace: str, name: str) -> list[Seen]:
    return [one for one in collector.spans if one.trace == trace and one.name == name]


async def test_one_trace_leads_from_the_webhook_through_a_worker_process_to_connectwise(
    database_url: str, redis_url: str
) -> None:
    order = Order()
    with collecting() as collector:
        more: dict[str, Any] = {"otel_exporter_otlp_endpoint": collector.url}
        async with running(database_url, redis_url, worker=False, **more) as stack:
            event = order.approved()
            body = json.dumps(event).encode()
            headers = signed(body, "msg_traced", int(stack.container.wall().timestamp()))
            sent = await stack.client.post(
                "/webhooks/commerce", content=body, headers={**headers, "traceparent": SENDER}
            )
            assert sent.status_code == 202
            stack.accepted.append((datetime.now(UTC), event))
            worker = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "tests.e2e.killer", "no_step", "nowhere",
                env={**environment(stack), "LOG_LEVEL": "INFO"}, stderr=asyncio.subprocess.PIPE,
            )  # fmt: skip
            await stack.until(order.number, lambda told: told["answer"]["code"] == "QUOTE_MISSING")
            await stack.deliver(order.quote())
            told = await stack.until(order.number, won)
            worker.send_signal(signal.SIGTERM)
            async with asyncio.timeout(30):
                _, lines = await worker.communicate()
            assert worker.returncode == 0, lines.decode()[-2000:]
    sender = traces.trace_id(SENDER)
    (delivery,) = [one for one in collector.spans if one.trace == sender and "delivery" in one.name]
    assert delivery.parent == "b7ad6b7169203331"
    (merge,) = only(collector, str(sender), "merge")
    assert merge.parent == delivery.span
    assert (delivery.pid, merge.pid) == (os.getpid(), worker.pid)

    # The quote woke the order last, so what was done since follows it.
    trace = told["trace_id"]
    assert trace != sender
    (delivery,) = only(collector, trace, "delivery commerce")
    (merge,) = only(collector, trace, "merge")
    assert (delivery.parent, merge.parent) == ("", delivery.span)
    steps = {one.span: one for one in collector.spans if one.trace == trace and "step" in one.name}
    assert {one.parent for one in steps.values()} == {merge.span}
    assert "step win_opportunity" in {one.name for one in steps.values()}
    calls = [one for one in collector.spans if one.trace == trace and "connectwise " in one.name]
    assert any(steps[one.parent].name == "step win_opportunity" for one in calls)
    assert {one.pid for one in (*steps.values(), *calls)} == {worker.pid}
    # Its log tells the same trace; the spans tell nobody's name.
    wide = [json.loads(line) for line in lines.decode().splitlines() if '"event": "step"' in line]
    assert {one["trace_id"] for one in wide} >= {trace}
    assert all("trace_id" in one for one in wide)
    said = {
        name.split(".")[0]
        for one in collector.spans
        for name in one.attributes
    }  # fmt: skip
    assert said == {"demandlink", "http", "url"}
    assert "Contoso" not in repr(collector.spans)
