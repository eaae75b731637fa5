"""What people meet in the browser: they see it, reach it, read it without JavaScript, and act."""

from __future__ import annotations

import asyncio
import itertools
import re
from pathlib import Path

import pytest
from playwright.async_api import Page, Route, expect

from tests.browser.conftest import (
    MISMATCH,
    NARROW,
    PICTURES,
    REJECTED,
    WAITING,
    WIDE,
    Site,
    tell,
)
from tests.browser.looking import accessible

pytestmark = pytest.mark.asyncio(loop_scope="module")

PAGES = {
    "front": "/",
    "orders": "/orders",
    "order": "/orders/ON10001202",
    "held": "/orders/ON10001203",
    "done": "/orders/ON10001201",
    "inbox": "/inbox",
    "rejected": "/inbox?status=rejected",
    "delivery": "/inbox/1",
    "issues": "/issues",
    "replays": "/replay",
    "connections": "/connections",
    "doctor": "/doctor?run=1",
    "drift": "/drift",
    "audit": "/audit",
    "alerts": "/alerts",
    "search": "/?q=PO1000",
    "cancelled": "/orders/ON10001205",
    "mappings": "/mappings?kind=company&commerce_key=99",
    "settings": "/settings",
    "names": "/settings?group=names",
    "service": "/settings?group=service",
    "kept": "/retention?count=1",
    "ticket": "/orders/ON10001202/ticket",
    "what-if": "/what-if?days=30&scenario=commerce-invoicing",
}

BETWEEN, PAPER = 760, 720  # a tablet, or half a screen; A4
# What the docs show, each once.
PICTURED = {
    ("front", WIDE, "light"),
    ("order", WIDE, "light"),
    ("held", WIDE, "dark"),
    ("issues", WIDE, "light"),
    ("order", NARROW, "light"),
    ("front", NARROW, "dark"),
    ("mappings", WIDE, "light"),
    ("what-if", WIDE, "light"),
    ("doctor", WIDE, "light"),
    ("connections", WIDE, "light"),
}


async def picture(page: Page, name: str, tmp_path: Path) -> None:
    place = Path(PICTURES) if PICTURES else tmp_path
    await page.screenshot(path=place / f"{name}.png", animations="disabled")


@pytest.mark.parametrize(
    ("width", "scheme"),
    [(WIDE, "light"), (NARROW, "dark"), (WIDE, "dark"), (NARROW, "light"), (BETWEEN, "light")],
)
async def test_every_page_is_whole_and_accessible(
    site: Site, tmp_path: Path, width: int, scheme: str
) -> None:
    async with site.visitor(width, color_scheme=scheme) as page:
        for name, path in PAGES.items():
            await page.goto(path)
            await expect(page.locator("h1")).to_have_count(1)
            wide = await page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, f"{name} is {wide} pixels wide"
            if (width, scheme) in ((WIDE, "light"), (NARROW, "dark")):
                await accessible(page, f"{name} at {width} in {scheme}")
            if (name, width, scheme) in PICTURED:
                await picture(page, f"console-{name}-{width}", tmp_path)


async def test_what_watches_the_pages_sees_what_it_is_for(site: Site) -> None:
    """A picture from another host, without words for who does not see it."""

    async def spoil() -> None:
        async with site.visitor() as page:
            await page.evaluate(
                "document.querySelector('h2').innerHTML = '<img src=\"https://elsewhere.example/x\">'"
            )
            with pytest.raises(AssertionError, match="image-alt"):
                await accessible(page, "spoilt")

    with pytest.raises(AssertionError, match="violates the following Content Security Policy"):
        await spoil()


async def test_the_sign_in_is_accessible(site: Site) -> None:
    async with site.visitor(signed_in=False) as page:
        await page.goto("/orders")
        await expect(page).to_have_title(re.compile("Sign in"))
        await accessible(page, "sign-in")


async def test_everything_is_reached_by_the_keyboard(site: Site) -> None:
    async with site.visitor() as page:
        await page.goto(PAGES["held"])
        await page.keyboard.press("Tab")
        await expect(page.get_by_text("Skip to the page")).to_be_focused()
        await page.keyboard.press("Enter")
        assert await page.evaluate("document.activeElement.id") == "page"
        await page.goto(PAGES["held"])
        reached = set()
        for _ in range(250):
            await page.keyboard.press("Tab")
            where = await page.evaluate(
                "(() => { const e = document.activeElement; e.dataset.reached = 1;"
                " const s = getComputedStyle(e); return [e.tagName, s.outlineStyle] })()"
            )
            if where[0] == "BODY":
                break
            assert where[1] != "none", f"{where[0]} does not show its focus"
            reached.add(where[0])
        left = await page.evaluate(
            "[...document.querySelectorAll('a[href], button, input:not([type=hidden]), select,"
            " summary')].filter(e => e.checkVisibility() && !e.dataset.reached"
            " && !e.closest('[hidden]')).map(e => e.outerHTML.slice(0, 120))"
        )
        assert left == []
        assert {"A", "BUTTON", "INPUT", "SUMMARY"} <= reached


async def test_a_page_follows_what_happens_and_takes_nothing_away(site: Site) -> None:
    waiting = site.orders[WAITING]
    async with site.visitor() as page:
        await page.goto(PAGES["order"])
        await page.locator("#timeline-table > summary").click()
        await expect(page.locator("#answer")).to_contain_text("6 of 10")
        await tell(site.stack, waiting.receipted(882, {1: 1}))
        await expect(page.locator("#answer")).to_contain_text("5 of 10", timeout=15_000)
        await expect(page.locator("#timeline-table")).to_have_attribute("open", "")
        await page.locator("#hold-reason").fill("half a sentence")
        await tell(site.stack, waiting.receipted(882, {1: 1}))
        await expect(page.locator("#changed")).to_be_visible(timeout=15_000)
        await expect(page.locator("#hold-reason")).to_have_value("half a sentence")


async def test_whoever_is_somewhere_on_a_page_stays_there_when_it_is_renewed(site: Site) -> None:
    """The focus of the keyboard, on what has no id, and how far a part was scrolled."""
    waiting = site.orders[WAITING]
    async with site.visitor(NARROW) as page:
        await page.goto(PAGES["order"])
        await page.locator(".lanes").evaluate("e => e.scrollTo(220, 0)")
        again = page.get_by_role("link", name="Play it through another scenario")
        await again.focus()
        await page.evaluate("document.getElementById('page').dataset.old = 1")
        await tell(site.stack, waiting.approved())
        await expect(page.locator("#page[data-old]")).to_have_count(0, timeout=15_000)
        await expect(again).to_be_focused()
        assert await page.locator(".lanes").evaluate("e => e.scrollLeft") == 220


async def test_a_form_that_is_clicked_twice_is_sent_once(site: Site) -> None:
    sent: list[str] = []

    async def slowly(route: Route) -> None:
        if route.request.method == "POST":
            sent.append(route.request.url)
            await asyncio.sleep(0.6)
        await route.continue_()

    async with site.visitor() as page:
        await page.goto(PAGES["replays"])
        await page.route("**/replay", slowly)
        await page.locator("#f-orders").fill("ON10001202")
        await page.locator("#plan-reason").fill("clicked twice")
        busy = await page.get_by_role("button", name="Show the plan").evaluate(
            "async button => { button.click();"
            " await new Promise(done => setTimeout(done, 200)); button.click();"
            " return button.getAttribute('aria-busy') }"
        )
        await expect(page.locator("h2.said")).to_contain_text("Nothing is executed yet")
        assert (busy, len(sent)) == ("true", 1)


async def test_on_a_phone_a_line_stands_whole_in_its_place(site: Site) -> None:
    """No number and no reason is beyond the edge, and each number has its name beside it."""
    async with site.visitor(NARROW) as page:
        await page.goto(PAGES["order"])
        box = await page.locator(".matrix").bounding_box()
        assert box is not None
        assert box["width"] <= NARROW
        cells = page.locator(".matrix tbody tr").first.locator("td")
        for cell in await cells.all():
            place = await cell.bounding_box()
            assert place is not None
            assert place["x"] + place["width"] <= NARROW
        named = await cells.first.evaluate("e => getComputedStyle(e, '::before').content")
        assert named == '"Ordered"'


async def test_the_font_comes_from_here_and_is_used(site: Site) -> None:
    async with site.visitor() as page:
        await page.goto(PAGES["orders"])
        await page.evaluate("document.fonts.ready")
        used = await page.evaluate("[...document.fonts].map(f => [f.family, f.status])")
        assert ["Inter", "loaded"] in used


async def test_on_paper_an_order_has_its_answer_and_no_forms(site: Site) -> None:
    async with site.visitor() as page:
        await page.goto(PAGES["held"])
        await page.emulate_media(media="print")
        await expect(page.locator("#answer")).to_be_visible()
        await expect(page.locator("#matrix")).to_be_visible()
        for gone in (".top nav", ".contents", ".decide", "#hold-reason", "#act", "footer"):
            await expect(page.locator(gone).first).to_be_hidden()
        await page.set_viewport_size({"width": PAPER, "height": 1000})
        assert await page.evaluate("document.documentElement.scrollWidth") <= PAPER
        stops = [await stop.bounding_box() for stop in await page.locator(".rail .name").all()]
        for before, after in itertools.pairwise(stops):
            assert before is not None
            assert after is not None
            assert before["y"] + before["height"] <= after["y"]


async def test_the_open_page_is_among_the_names_that_a_phone_shows(site: Site) -> None:
    async with site.visitor(NARROW) as page:
        await page.goto(PAGES["audit"])
        place = await page.locator(".top nav [aria-current]").bounding_box()
        assert place is not None
        assert 0 <= place["x"] <= NARROW - place["width"]


async def test_without_javascript_one_reads_and_decides(site: Site) -> None:
    held = site.orders[MISMATCH]
    async with site.visitor(java_script_enabled=False) as page:
        await page.goto(PAGES["held"])
        await expect(page.locator("#answer")).to_contain_text("add up to")
        await expect(page.locator("#matrix")).to_be_visible()
        await page.locator("#decide-reason").fill("the lines are right")
        await page.get_by_role("button", name="Accept lines").click()
        await expect(page.locator(".notice")).to_contain_text("Decided")
    await site.stack.until(held.number, lambda told: told["answer"]["code"] != "TOTAL_MISMATCH")


async def test_a_newcomer_finds_the_failed_order_and_replays_it(site: Site) -> None:
    """From the front page alone, by what stands there: no JavaScript, no manual."""
    rejected = site.orders[REJECTED]
    async with site.visitor(java_script_enabled=False) as page:
        await page.goto("/")
        await page.get_by_role("link", name=rejected.number).click()
        await expect(page.locator("#answer")).to_contain_text("Department is required")
        await page.get_by_role("link", name="Issues").click()
        issue = page.locator("article", has_text="REMOTE_REJECTED")
        await expect(issue).to_contain_text("connectwise POST /sales/opportunities")
        await issue.get_by_label("Reason").fill("the location has a department now")
        await issue.get_by_role("button", name="Plan a replay of these").click()
        await expect(page.locator("h2.said")).to_contain_text("Nothing is executed yet")
        await page.get_by_role("button", name="Run it").click()
        await expect(page.locator("h2.said")).to_contain_text("1 order through")
        await site.stack.until(rejected.number, lambda told: told["state"] == "waiting")
        # It waits at more than one place on its way: through is it when it rests.
        for _ in range(40):
            await page.reload()
            if "1 of 1" in await page.locator("h2.said").inner_text():
                break
            await page.wait_for_timeout(250)
        await expect(page.locator("h2.said")).to_contain_text("1 of 1 order through")
