"""The console in real Chromium, over the whole service with orders of every kind.

Owns the browser, the orders, and what fails every test: a request to another host, an error on the
console, a breach of the Content-Security-Policy.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from cryptography.fernet import Fernet
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from tests.databases import Databases, in_database
from tests.e2e.harness import ADMIN, Stack, bearer, running
from tests.e2e.orders import CABLE, DOCK, INSTALL, MONITOR, SYNNEX, Order
from tests.e2e.test_doctor import READY

CHROMIUM = (
    os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
)
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WIDE, NARROW = 1280, 390
SEALING: dict[str, Any] = {"calls_sealed": True, "secrets_keys": Fernet.generate_key().decode()}
# Where pictures for the docs go (`make pictures`); elsewhere they are thrown away.
PICTURES = os.environ.get("PICTURES")
_BREACHES = (
    "document.addEventListener('securitypolicyviolation',"
    " e => console.error('CSP: ' + e.violatedDirective + ' ' + e.blockedURI))"
)
DONE, WAITING, MISMATCH, REJECTED, CANCELLED = 1201, 1202, 1203, 1204, 1205


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)
            if CHROMIUM is None:
                why = "no Chromium on the PATH: apt-get install chromium, or set CHROMIUM"
                item.add_marker(pytest.mark.skip(reason=why))


@dataclass
class Site:
    """The running service with its orders, and the browser that looks at it."""

    stack: Stack
    browser: Browser
    orders: dict[int, Order]
    wrong: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return self.stack.container.settings.public_url

    @asynccontextmanager
    async def visitor(
        self,
        width: int = WIDE,
        *,
        key: str = ADMIN,
        signed_in: bool = True,
        expected: Sequence[str] = (),
        **more: Any,
    ) -> AsyncIterator[Page]:
        """A page of a fresh browser. Whatever goes wrong in it fails the test at its end, but for
        what holds a text that is `expected`."""
        wrong: list[str] = []
        height = 860 if width == WIDE else 844
        context = await self.browser.new_context(
            viewport={"width": width, "height": height},
            reduced_motion="reduce",
            base_url=self.url,
            **more,
        )
        await context.add_init_script(_BREACHES)
        page = await context.new_page()
        self._watch(context, page, wrong.append)
        if signed_in:
            await page.goto("/sign-in")
            await page.fill("#key", key)
            await page.click("main button")
            await page.wait_for_url(f"{self.url}/")
        try:
            yield page
        finally:
            await context.close()
        assert [one for one in wrong if not any(text in one for text in expected)] == []

    def _watch(self, context: BrowserContext, page: Page, tell: Callable[[str], None]) -> None:
        def request(address: str) -> None:
            if not address.startswith((f"{self.url}/", "data:")):
                tell(f"request to {address}")

        context.on("request", lambda sent: request(sent.url))
        page.on("pageerror", lambda error: tell(f"error: {error}"))
        page.on(
            "console",
            lambda said: (
                tell(f"console: {said.text}") if said.type in ("error", "warning") else None
            ),
        )


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def site(
    databases: Databases, servers: Any, _redis_client: tuple[str, Any]
) -> AsyncIterator[Site]:
    kept = databases.take()
    redis_url, client = _redis_client
    client.flushdb()
    database_url = in_database(servers.database_url, kept.name)
    async with (
        running(database_url, redis_url, callbacks=True, **SEALING, **READY) as stack,
        async_playwright() as playwright,
    ):
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        try:
            await _mappings(stack)
            yield Site(stack, browser, await _orders(stack))
        finally:
            await browser.close()
    databases.give_back(kept)


async def _orders(stack: Stack) -> dict[int, Order]:
    """One order that is through, and one for each way in which an order stands."""
    litware = {"id": 78, "accountNumber": "CONTOSO", "name": "Contoso Ltd"}

    def plain(number: int, lines: list[tuple[int, int]], **more: Any) -> Order:
        return Order(
            id=number, lines=lines, opportunity=None, quote_id=None, customer=litware, **more
        )

    orders = {
        DONE: Order(),
        WAITING: plain(WAITING, [(MONITOR, 10), (DOCK, 5), (INSTALL, 1)]),
        MISMATCH: plain(MISMATCH, [(CABLE, 4)], header={"total": 100}),
        REJECTED: plain(REJECTED, [(DOCK, 2)]),
        CANCELLED: plain(CANCELLED, [(CABLE, 1)]),
    }
    done, waiting = orders[DONE], orders[WAITING]
    await tell(stack, done.quote(), done.approved(), done.ordered(881, done.lines[:2]))
    await tell(stack, done.receipted(881))
    await stack.until_state(done.number, "done")
    await tell(stack, waiting.approved(), waiting.ordered(882, [(MONITOR, 10)]))
    await tell(stack, waiting.ordered(883, [(DOCK, 5)], SYNNEX))
    await tell(stack, waiting.receipted(882, {1: 4}), waiting.receipted(883))
    await stack.until_state(waiting.number, "waiting", "GOODS_NOT_RECEIVED")
    await tell(stack, orders[MISMATCH].approved())
    await stack.until_state(orders[MISMATCH].number, "held", "TOTAL_MISMATCH")
    await tell(stack, orders[CANCELLED].approved("sales_order.cancelled", 90))
    await stack.until_state(orders[CANCELLED].number, "cancelled")
    refusal = {"code": "InvalidObject", "message": "Department is required for this location."}
    await stack.control(
        "faults",
        [
            {
                "method": "POST",
                "path": "/sales/opportunities$",
                "times": 1,
                "kind": "status",
                "status": 400,
                "body": refusal,
            }
        ],
    )
    await tell(stack, orders[REJECTED].approved())
    await stack.until_state(orders[REJECTED].number, "held", "REMOTE_REJECTED")
    spoilt = done.approved()
    spoilt["data"] = {"salesOrder": {"id": 1299}}
    assert (await stack.deliver(spoilt))["status"] != 202
    return orders


async def _mappings(stack: Stack) -> None:
    """Mappings that none of the orders needs."""
    for kind, commerce, there in (
        ("company", "91", "FABRIKAM"),
        ("vendor", "14", "NORDICDIST"),
        ("contact", "purchasing@fabrikam.example", "31"),
        ("scenario", "customer:91", "connectwise-procurement-ticket"),
    ):
        body = {"kind": kind, "commerce_key": commerce, "connectwise_key": there}
        answer = await stack.client.put("/admin/mappings", headers=bearer(), json=body)
        assert answer.status_code == 200, answer.text


async def tell(stack: Stack, *events: Any) -> None:
    for event in events:
        assert (await stack.deliver(event))["status"] == 202
