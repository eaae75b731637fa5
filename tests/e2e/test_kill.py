"""kill -9 of a real worker process, once in each step of B1 that writes."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from typing import Any

import pytest
from pydantic import SecretStr

from tests.e2e.harness import ADMIN, Stack, running
from tests.e2e.remote import Remote
from tests.e2e.test_exactly_once import order_with_everything

pytestmark = pytest.mark.processes

BEHAVIOUR: dict[str, Any] = {
    "invoice_policy": "shipped_only",
    "mark_shipped": "on_receipt",
    "invoice_action": "create_invoice",
    "connectwise_timeout": 1.0,
}


def environment(stack: Stack) -> dict[str, str]:
    """The settings of the running stack, as another process is told them."""
    settings = stack.container.settings
    given = {
        name.upper(): value.get_secret_value() if isinstance(value, SecretStr) else str(value)
        for name, value in settings.model_dump().items()
        if name in settings.model_fields_set
    }
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "PYTHONPATH") if name in os.environ}
    return {**kept, **given}


@pytest.mark.parametrize(
    ("step", "point"),
    [
        ("sync_purchase_order", "sent"),
        # One of them in every run: the in-process stops prove each step there.
        *(
            pytest.param(*death, marks=pytest.mark.breadth)
            for death in (
                ("create_products", "sent"),
                ("win_opportunity", "sent"),
                ("create_sales_order", "replied"),
                ("receive_purchase_order", "sent"),
                ("ship_goods", "replied"),
                ("release_invoice", "sent"),
            )
        ),
    ],
)
async def test_a_worker_killed_in_a_step_is_taken_over(
    database_url: str, redis_url: str, step: str, point: str
) -> None:
    order, events = order_with_everything()
    async with running(database_url, redis_url, worker=False, **BEHAVIOUR) as stack:
        for event in events:
            await stack.deliver(event)
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.e2e.killer",
            step,
            point,
            env=environment(stack),
            stderr=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(30):
            _, errors = await process.communicate()
        assert process.returncode == -signal.SIGKILL, errors.decode()[-2000:]
        started = time.monotonic()
        await stack.start_worker()
        await stack.until_state(order.number, "done")
        # The lease of 5 s was not waited for: the dead worker's lock went with its connection.
        assert time.monotonic() - started < 15
        remote = await Remote.read(stack, order)
        remote.assert_single()
        assert remote.received == {"DELL-P2425H": 10, "CABLE-2M": 6, "DELL-WD22TB4": 3}
        journal = await stack.client.get(
            f"/admin/orders/{order.number}/journal",
            headers={"Authorization": f"Bearer {ADMIN}"},
        )
        assert "INTERRUPTED" in journal.text
