"""The engineer's path: fifty orders of one cause are found, understood, replayed and followed.

Only links and forms that the pages show are used, and every page that is opened is counted.
"""

from __future__ import annotations

import asyncio
import re

import httpx
import pytest

from tests.console.conftest import Browser
from tests.e2e.harness import ADMIN, Stack, running
from tests.e2e.tickets import plain

pytestmark = [pytest.mark.processes, pytest.mark.breadth, pytest.mark.timeout(180)]
FIFTY = 50


async def test_fifty_orders_of_one_cause_are_replayed_in_five_clicks(
    database_url: str, redis_url: str
) -> None:
    orders = [plain((901, 1), id=2000 + n) for n in range(FIFTY)]
    async with running(database_url, redis_url) as stack:
        refused = {"method": "POST", "path": "/service/tickets$", "kind": "status", "status": 400}
        await stack.control("faults", [{**refused, "times": None}])
        for order in orders:
            await stack.deliver(order.approved())
        await stack.until_true(lambda: standing(stack, "REMOTE_REJECTED"), 60)
        await stack.control("faults", None, "DELETE")  # the cause is corrected in ConnectWise

        transport = httpx.ASGITransport(app=stack.client._transport.app)  # type: ignore[attr-defined]
        async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
            browser = Browser(client)
            await client.post("/sign-in", data={"key": ADMIN, "to": "/"})
            assert "/issues" in (await browser.page("/")).links
            issues = await browser.page("/issues")  # 1: the causes
            assert f"{FIFTY} orders" in issues.text
            assert "REMOTE_REJECTED" in issues.text
            answer = await browser.send("/issues", "/issues/plan", reason="the board is open again")
            path = answer.headers["location"]  # 2: the plan
            preview = await browser.told(answer)
            assert f"{FIFTY} orders, " in preview.text
            assert "Nothing is executed yet." in preview.text
            calls = int(re.search(r"orders, (\d+) remote call", preview.text)[1])  # type: ignore[index]
            assert calls >= FIFTY
            assert f"{calls} calls to ConnectWise" in preview.text
            assert (await browser.send(path, "/run")).status_code == 303  # 3: run
            for _ in range(300):
                followed = await browser.page(path)
                if f"{FIFTY} of {FIFTY} orders through" in followed.text:
                    break
                await asyncio.sleep(0.3)
            else:
                pytest.fail(followed.text[:2000])
            # What became of them, in one line, and a way to each.
            assert f"{FIFTY} Waiting LINE_NOT_ORDERED" in followed.text
            links = {link for link in followed.links if link.startswith("/orders/")}
            assert len(links) == FIFTY
            listed = next(link for link in followed.links if "code=LINE_NOT_ORDERED" in link)
            assert orders[0].number in (await browser.page(listed)).text  # 4: those that stand so
            told = await browser.page(min(links))  # 5: one of them
            assert "the board is open again" in told.text


async def standing(stack: Stack, code: str) -> bool:
    """Whether all stand for it, and the worker is through with each."""
    async with stack.container.admin._db.session() as session:  # type: ignore[attr-defined]
        many = await session.fetchval(
            "SELECT count(*) FROM orders WHERE state = 'held' AND code = $1"
            " AND lease_owner IS NULL AND due_at > now() + interval '1 minute'",
            code,
        )
    return bool(many == FIFTY)
