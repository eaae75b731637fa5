"""The ticket of an order and how long things are kept: with JavaScript and without, on a wide screen
and on a phone; what is refused keeps what was typed, and an order's page asks ConnectWise nothing."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.browser.conftest import NARROW, WAITING, WIDE, Site
from tests.browser.test_forms import REFUSED, VISITORS, good, said_at, visitor
from tests.e2e.harness import Rest, bearer
from tests.e2e.tickets import a_ticket, act

pytestmark = pytest.mark.asyncio(loop_scope="module")
CONFLICT = "the server responded with a status of 409"


async def asked_for_tickets(site: Site) -> int:
    paths = [one["path"] for one in await site.stack.requests()]
    return sum(path.startswith("/service/tickets") for path in paths)


async def on(site: Site, number: str) -> str:
    """The ticket that the order is on."""
    told: Rest = await site.stack.order(number)
    step = next(one for one in told["steps"] if one["step"] == "raise_ticket")
    return next((str(one["id"]) for one in step["remote"] if one["kind"] == "ticket"), "")


@VISITORS
async def test_an_order_is_put_on_another_ticket(site: Site, width: int, script: bool) -> None:
    stack, number = site.stack, site.orders[WAITING].number
    summary = f"Monitors flicker in room {width}{script}"
    other, closed = await a_ticket(stack, summary=summary), await a_ticket(stack)
    await act(stack, "close_ticket", closed)
    before = await asked_for_tickets(site)
    async with visitor(site, width, script, REFUSED, CONFLICT) as page:
        await page.goto(f"/orders/{number}")
        await expect(page.locator("section[aria-labelledby=ticket]")).to_contain_text("On ")
        assert await asked_for_tickets(site) == before
        await good(page, width, script, "an order with a ticket")
        await page.get_by_role("link", name="Choose another").click()
        await expect(page.locator("h1")).to_have_text(f"Ticket of {number}")
        await good(page, width, script, "the tickets of an order")
        await page.get_by_label("Another one, by its number").check()
        field = page.get_by_label("Its number", exact=True)
        await field.fill("the second")
        await page.get_by_label("Reason").fill("the customer asked")
        await page.get_by_role("button", name="Put it there").click()
        await said_at(page, field, "must be a number")
        await expect(page.get_by_label("Another one, by its number")).to_be_checked()
        await expect(field).to_have_value("the second")
        await good(page, width, script, "a ticket that is none")
        await field.fill(str(closed))
        await page.get_by_role("button", name="Put it there").click()
        await expect(page.locator(".wrong")).to_contain_text(f"Ticket {closed} is closed")
        await expect(page.get_by_label("Reason")).to_have_value("the customer asked")
        await good(page, width, script, "a ticket that is refused")
        await page.get_by_label(summary).check()
        await page.get_by_role("button", name="Put it there").click()
        await expect(page.locator(".notice")).to_contain_text("The order goes on that ticket")

    async def there() -> bool:
        return await on(site, number) == str(other)

    await stack.until_true(there, 20.0)


@pytest.mark.parametrize("width", [WIDE, NARROW])
async def test_tickets_of_a_connectwise_that_does_not_answer(site: Site, width: int) -> None:
    number = site.orders[WAITING].number
    broken = {"method": "GET", "path": "/service/tickets$", "times": 9, "kind": "status"}
    await site.stack.control("faults", [{**broken, "status": 403, "body": {"message": "no"}}])
    try:
        async with visitor(site, width, True) as page:
            await page.goto(f"/orders/{number}/ticket")
            told = page.locator(".wrong")
            await expect(told).to_contain_text("ConnectWise did not answer as asked")
            await expect(told.get_by_role("link", name="Ask again")).to_have_count(1)
            await expect(page.get_by_label("A ticket of its own")).to_have_count(1)
            await good(page, width, True, "tickets that nobody knows")
    finally:
        await site.stack.control("faults", None, "DELETE")


@VISITORS
async def test_what_would_go_is_counted_and_the_days_are_changed(
    site: Site, width: int, script: bool
) -> None:
    days = 500 + width // 100 + script  # another value for each visitor
    async with visitor(site, width, script, REFUSED) as page:
        await page.goto("/settings")
        await page.get_by_role("link", name="For how long things are kept").click()
        await good(page, width, script, "what is kept")
        field = page.get_by_label("Days that journal are kept")
        await field.fill("long")
        await page.get_by_label("Reason").fill("agreed with the auditor")
        await page.get_by_role("button", name="Keep for so long").click()
        await said_at(page, field, "must be a whole number")
        await expect(field).to_have_value("long")
        await good(page, width, script, "days that are refused")
        await field.fill(str(days))
        await page.get_by_label("Reason").fill("")
        await page.get_by_role("button", name="Count what would go").click()
        await expect(page.locator(".kept > li").first).to_contain_text(
            f"0 rows go if kept for {days} days."
        )
        await expect(field).to_have_value(str(days))
        await good(page, width, script, "what would go")
        await page.get_by_label("Reason").fill("agreed with the auditor")
        await page.get_by_role("button", name="Keep for so long").click()
        await expect(page.locator(".notice")).to_contain_text(f"journal for {days} days")
        await good(page, width, script, "what is kept from now on")
    answer = await site.stack.client.get("/admin/retention", headers=bearer())
    kept = {one["what"]: one["days"] for one in answer.json()["items"]}
    assert kept["journal"] == days
