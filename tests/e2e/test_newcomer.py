"""The path of a newcomer, from a cold start: what README says, then nothing but the console's pages.

They start the demo, sign in, find each of its orders, read why it stands where it stands, and replay one
that failed. Only links and forms that the pages show are followed.
"""

from __future__ import annotations

import asyncio
import html
import re
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from tests.console.conftest import Browser, Page
from tests.e2e.test_demo import start

pytestmark = [pytest.mark.processes, pytest.mark.breadth, pytest.mark.timeout(240)]

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
_ENTRANCE = re.compile(r"The console: (http://\S+) with the key (\S+)")
_ROW = re.compile(r"^\| (ON\d+|PO\d+) +\|", re.MULTILINE)
_SENTENCE = re.compile(r'<h2 id="answer" class="said">(.*?)</h2>', re.DOTALL)
_ACTS = re.compile(r"<dt>Who acts</dt><dd>([^<]+)</dd>")
_TAGS = re.compile(r"<[^>]+>")
PATIENCE_SECONDS = 30


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """What the demo says, which runs on meanwhile: the command stands in README."""
    assert "demandlink demo --stay`" in README
    process = start("demo", "--stay", directory=tmp_path_factory.mktemp("newcomer"))
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if "xero-tenant-id" in line:
            break
    try:
        yield said
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)


@pytest.fixture
async def browser(told: str) -> AsyncIterator[Browser]:
    entrance = _ENTRANCE.search(told)
    assert entrance, told[-3000:]
    async with httpx.AsyncClient(base_url=entrance[1], trust_env=False) as client:
        found = Browser(client)
        signed_in = await found.send("/sign-in", "/sign-in", key=entrance[2])
        assert signed_in.headers["location"] == "/"
        yield found


async def listed(browser: Browser) -> dict[str, str]:
    """The page of each order, by its name, through all pages of the list."""
    found: dict[str, str] = {}
    page = await browser.page("/")
    address = next((link for link in page.links if link == "/orders"), None)
    while address:
        page = await browser.page(address)
        links = [link for link in page.links if link.startswith("/orders/")]
        found |= {link.split("/")[-1].split("?")[0]: link for link in links}
        older = [link for link in page.links if link.startswith("/orders?") and "cursor" in link]
        address = older[-1] if older else None
    return found


def squeezed(text: str) -> str:
    """Without what a table adds to a sentence that it breaks over lines."""
    return re.sub(r"[|+\s-]+", "", text)


async def test_every_order_of_the_demo_says_why_it_stands_where_it_stands(
    told: str, browser: Browser
) -> None:
    orders, said = await listed(browser), squeezed(told)
    numbers = set(_ROW.findall(told[: told.index("Which system holds what")]))
    assert len(numbers) >= 30
    assert numbers <= orders.keys()
    for number in sorted(numbers):
        text = (await browser.client.get(orders[number])).text
        sentence, acts = _SENTENCE.search(text), _ACTS.search(text)
        assert sentence, number
        assert acts, number
        plain = html.unescape(_TAGS.sub("", sentence[1]))
        page = Page(text)
        # The same answer as in the demo's own table; moments are written otherwise there.
        parts = re.split(r"\d{1,2} \w{3}.*?\d{2}:\d{2}", plain)
        assert all(squeezed(part) in said for part in parts), (number, plain)
        if "Done" not in page.text:
            shown = ("What to do", "What would make it invoiceable", "Your decision", "remedy")
            assert any(word in text for word in shown), number


async def test_one_that_failed_is_replayed(browser: Browser) -> None:
    front = await browser.page("/")
    assert "/issues" in front.links
    issues = await browser.page("/issues")
    held = next(link for link in issues.links if "code=" in link and link.startswith("/orders"))
    failed = next(link for link in (await browser.page(held)).links if "/orders/ON" in link)
    page = await browser.page(failed)
    plan = next(link for link in page.links if link.startswith("/replay?orders="))
    answer = await browser.send(plan, "/replay", reason="I am new here and want to see it")
    address = answer.headers["location"]
    preview = await browser.told(answer)
    assert "Nothing is executed yet." in preview.text
    assert (await browser.send(address, "/run")).status_code == 303
    for _ in range(PATIENCE_SECONDS * 5):
        if "1 of 1 order through" in (await browser.page(address)).text:
            break
        await asyncio.sleep(0.2)
    else:
        pytest.fail((await browser.page(address)).text)
    assert "I am new here" in (await browser.page(failed)).text
    assert "I am new here" in (await browser.page("/audit")).text
