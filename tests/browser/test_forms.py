"""The forms of the installation's pages: sent as people send them, with JavaScript and without, on a
wide screen and on a phone; what is refused is told at its field, and nothing typed is lost."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.conftest import DONE, NARROW, WAITING, WIDE, Site
from tests.browser.looking import accessible
from tests.e2e.harness import bearer
from tests.e2e.test_probe import held, names

pytestmark = pytest.mark.asyncio(loop_scope="module")
VISITORS = pytest.mark.parametrize(
    ("width", "script"), [(WIDE, True), (NARROW, True), (WIDE, False), (NARROW, False)]
)
# What the browser itself notes when a form is refused: our answer has that status.
REFUSED = "the server responded with a status of 422"


@asynccontextmanager
async def visitor(site: Site, width: int, script: bool, *expected: str) -> AsyncIterator[Page]:
    scheme = "light" if width == WIDE else "dark"
    async with site.visitor(
        width, expected=expected, java_script_enabled=script, color_scheme=scheme
    ) as page:
        yield page


async def good(page: Page, width: int, script: bool, name: str) -> None:
    """Nothing is beyond the edge, and axe finds nothing grave. Axe needs scripts; what it looks at
    is the same without them."""
    wide = await page.evaluate("document.documentElement.scrollWidth")
    assert wide <= width, f"{name} is {wide} pixels wide"
    if script:
        await accessible(page, name)


async def said_at(page: Page, field: Locator, said: str) -> None:
    """The field is marked, and what is wrong stands with it for those who do not see it, too."""
    await expect(field).to_have_attribute("aria-invalid", "true")
    told = (await field.get_attribute("aria-describedby") or "").split()
    texts = [await page.locator(f"#{one}").inner_text() for one in told]
    assert any(said in text for text in texts), texts
    link = page.locator(f".wrong a[href='#{await field.get_attribute('id')}']")
    await expect(link).to_have_count(1)


@VISITORS
async def test_a_mapping_is_added_corrected_changed_and_removed(
    site: Site, width: int, script: bool
) -> None:
    host = f"{width}{script}.contoso.example".lower()
    key, shown = f"buyer@{host}", f"b…@{host}"  # nobody's address stands on a page in full
    async with visitor(site, width, script, REFUSED) as page:
        await page.goto(f"/mappings?kind=contact&commerce_key={key}#put")
        await expect(page.get_by_label("Kind").first).to_have_value("contact")
        there = page.get_by_label("In ConnectWise, or the ledger")
        await there.fill("Anna")
        await page.get_by_label("Reason").fill("told by Zoe")
        await page.get_by_role("button", name="Save").click()
        await said_at(page, there, "named by its number")
        await expect(there).to_have_value("Anna")
        await expect(page.get_by_label("In Commerce")).to_have_value(key)
        await expect(page.get_by_label("Reason")).to_have_value("told by Zoe")
        await expect(page.locator("#f-kind")).to_have_value("")  # nothing is filtered meanwhile
        await good(page, width, script, "a mapping that is refused")
        await there.fill("31")
        await page.get_by_role("button", name="Save").click()
        await expect(page.locator("#kept")).to_contain_text(f"{shown} is 31.")
        await good(page, width, script, "a mapping that is kept")
        row = page.locator("tbody tr", has_text=shown)
        await row.get_by_role("link", name="Change or remove").click()
        await expect(page.locator("#put-title")).to_have_text("Change a mapping")
        await good(page, width, script, "a mapping to be changed")
        await page.locator("#m-there").fill("32")
        await page.locator("#m-reason").fill("she left")
        await page.get_by_role("button", name="Save").click()
        await expect(page.locator("#kept")).to_contain_text(f"{shown} is 32.")
        await row.get_by_role("link", name="Change or remove").click()
        await page.locator("#m-remove").fill("nobody orders any more")
        await page.get_by_role("button", name="Remove it").click()
        await expect(page.locator(".notice")).to_contain_text("Removed")
        await expect(row).to_have_count(0)
    kept = (await site.stack.client.get("/admin/mappings", headers=bearer())).json()["items"]
    assert key not in [one["commerce_key"] for one in kept]


@VISITORS
async def test_a_setting_is_corrected_and_changed(site: Site, width: int, script: bool) -> None:
    days = 300 + width // 100 + script  # another value for each visitor
    async with visitor(site, width, script, REFUSED) as page:
        await page.goto("/settings")
        await page.get_by_role("link", name="Read live").click()
        await good(page, width, script, "settings")
        field = page.get_by_label("RETENTION_CALLS_DAYS")
        await field.fill("soon")
        await page.get_by_label("Reason").fill("the auditor wants it")
        await page.get_by_role("button", name="Save what was changed").click()
        await said_at(page, field, "must be a whole number")
        await expect(field).to_have_value("soon")
        await good(page, width, script, "a setting that is refused")
        await field.fill(str(days))
        await page.get_by_role("button", name="Save what was changed").click()
        await expect(page.locator(".notice")).to_contain_text("Changed: RETENTION_CALLS_DAYS")
        await expect(field).to_have_value(str(days))
        await page.get_by_label("Reason").fill("once more")
        await page.get_by_role("button", name="Save what was changed").click()
        await expect(page.locator(".wrong")).to_contain_text("No field differs")
    answer = await site.stack.client.get("/admin/settings", headers=bearer())
    rules = {one["name"]: one for one in answer.json()["items"]}
    assert rules["RETENTION_CALLS_DAYS"]["value"] == days
    assert rules["READ_LAG"]["value"] == 0.15  # what nobody changed is what it was


@VISITORS
async def test_another_scenario_and_another_setting_are_played(
    site: Site, width: int, script: bool
) -> None:
    done, waiting = site.orders[DONE].number, site.orders[WAITING].number
    async with visitor(site, width, script, REFUSED) as page:
        await page.goto("/what-if")
        await good(page, width, script, "what-if")
        await page.get_by_role("button", name="Play it").click()
        await expect(page.locator(".wrong")).to_contain_text("Choose a scenario or a setting")
        await page.get_by_label("These orders").fill(f"{done}, {waiting}")
        await page.get_by_label("Scenario").select_option("commerce-invoicing")
        await page.get_by_role("button", name="Play it").click()
        await expect(page.locator("#comes-to")).to_have_text("2 of 2 orders would go another way.")
        await expect(page.locator("#differences article")).to_have_count(2)
        await expect(page.get_by_label("These orders")).to_have_value(f"{done} {waiting}")
        await good(page, width, script, "what-if, played")
        shared = page.url
        await page.locator("#w-settings > summary").click()
        limit = page.get_by_label("ROUNDING_LIMIT")
        await limit.fill("much")
        await page.get_by_role("button", name="Play it").click()
        await said_at(page, limit, "must be a number")
        await expect(page.locator("#w-settings")).to_have_attribute("open", "")
        await good(page, width, script, "what-if, refused")
        await limit.fill("0.05")
        await page.get_by_role("button", name="Play it").click()
        await expect(page.locator("#comes-to")).to_contain_text("would go another way.")
        await page.goto(shared)  # the address alone asks the same again
        await expect(page.locator("#comes-to")).to_have_text("2 of 2 orders would go another way.")
    assert [one["method"] for one in await site.stack.requests()].count("DELETE") == 0


@VISITORS
async def test_a_probe_is_refused_at_its_form_then_made_and_taken_away(
    site: Site, width: int, script: bool
) -> None:
    given = await names(site.stack)
    before = await held(site.stack)
    async with visitor(site, width, script, REFUSED) as page:
        await page.goto("/doctor")
        await good(page, width, script, "doctor")
        await page.get_by_label("Company identifier").fill("nobody")
        await page.get_by_label("Vendor identifier").fill(given["vendor"])
        await page.get_by_role("button", name="Make and remove these records").click()
        await expect(page.locator("#probe .wrong")).to_contain_text("'nobody'")
        await expect(page.get_by_label("Vendor identifier")).to_have_value(given["vendor"])
        await good(page, width, script, "a probe that is refused")
        assert await held(site.stack) == before
        await page.get_by_label("Company identifier").fill(given["company"])
        await page.get_by_role("button", name="Make and remove these records").click()
        await expect(page.locator("h2.said")).to_have_text(
            "Everything that was looked at is in order."
        )
        await expect(page.locator("main")).to_contain_text("taken away")
        await good(page, width, script, "a probe")
    assert await held(site.stack) == before
