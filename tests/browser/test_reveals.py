"""Personal data, shown to a person who gives a reason: with JavaScript and without, on a wide screen
and on a phone, and not kept by the browser."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from app.sync.operations import Actor
from tests.browser.conftest import DONE, Site
from tests.browser.test_forms import VISITORS, good

EMAIL = "dana@contoso.example"
pytestmark = pytest.mark.asyncio(loop_scope="module")


async def key_of(site: Site, name: str) -> str:
    person = Actor(1, "the test")
    _, secret = await site.stack.container.upkeep.create_key(person, name, ["read", "reveal"])
    return secret


async def unhandled(site: Site) -> int:
    """A delivery that no order needs, with an address in it."""
    told = {"type": "customer.updated", "timestamp": "2026-11-19T10:02:00Z"}
    accepted = await site.stack.deliver({**told, "data": {"id": 77, "email": EMAIL}})
    assert accepted["status"] == 202
    return int(accepted["event_id"])


@VISITORS
async def test_a_call_and_a_delivery_are_shown_with_personal_data(
    site: Site, width: int, script: bool
) -> None:
    name = f"eve {width} {script}"
    secret = await key_of(site, name)
    order = site.orders[DONE]
    async with site.visitor(width, key=secret, java_script_enabled=script) as page:
        await page.goto(f"/orders/{order.number}")
        call = page.locator("ul.calls > li", has=page.get_by_label("Reason")).first
        await call.locator("summary").click()
        await good(page, width, script, "an order with calls that can be revealed")
        await call.get_by_label("Reason").fill("the customer asks")
        async with page.expect_navigation() as went:
            await call.get_by_role("button", name="Show with personal data").click()
        answer = await went.value
        assert answer is not None
        assert answer.headers["cache-control"] == "no-store"
        await expect(page.locator(".notice")).to_contain_text("Personal data is shown")
        values = await page.locator("tbody td.sentence").all_inner_texts()
        assert values
        assert not any("[removed]" in value for value in values)
        await good(page, width, script, "a call with personal data")
        await page.get_by_role("link", name="Back to the order").click()
        await expect(page.locator("h1")).to_contain_text(order.number)
        shown = await page.content()
        said = [value for value in values if "@" in value or len(value) > 12]
        assert not any(value in shown for value in said)

        await page.goto(f"/inbox/{await unhandled(site)}")
        await expect(page.locator("pre.body")).to_contain_text("[removed]")
        await page.get_by_label("Reason").fill("the customer asks")
        await page.get_by_role("button", name="Show with personal data").click()
        await expect(page.locator("pre.body")).to_contain_text(EMAIL)
        await good(page, width, script, "a delivery with personal data")
        await page.get_by_role("link", name="Without personal data").click()
        await expect(page.locator("pre.body")).to_contain_text("[removed]")

        await page.goto("/audit")
        mine = page.locator("tbody tr", has_text=name)
        await expect(mine.filter(has_text="call.reveal")).to_contain_text("the customer asks")
        await expect(mine.filter(has_text="event.reveal")).to_contain_text("the customer asks")
