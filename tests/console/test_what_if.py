"""The page of what-if, and what a replay's plan tells of its cost."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from app.api.examples import examples
from app.domain.budgets import Spent, Use
from app.domain.views import ConnectionRow
from tests.api.conftest import Service
from tests.api.doors import post
from tests.console.conftest import Browser, Page
from tests.console.test_pages import HOSTILE, clean

NUMBER = "ON10001201"
STORY = ("quote.won", "sales_order.approved", "purchase_order.approved")


async def many(service: Service, count: int, title: str = "") -> None:
    """Sales orders alike, numbered from ON1 on."""
    for number in range(1, count + 1):
        body: Any = json.loads(json.dumps(examples()["sales_order.approved"]))
        order = body["data"]["salesOrder"]
        order.update(id=number, orderNumber=f"ON{number}", quoteID=None)
        if title:
            order["customer"]["name"] = title
            for product in order["products"]:
                product["title"] = title
        answer = await post(service.client, body, webhook_id=f"msg_{number}")
        assert answer.status_code == 202, answer.text
    await service.merge()


async def test_an_order_is_played_side_by_side_and_nothing_is_touched(
    service: Service, browser: Browser
) -> None:
    await service.tell(*STORY)
    tables = ("orders", "document", "applied", "audit", "journal_event")
    before = [await service.query(f"SELECT * FROM {table}") for table in tables]  # noqa: S608
    page = await browser.page(f"/what-if?orders={NUMBER}&scenario=commerce-invoicing")
    clean(page)
    assert "1 of 1 order would go another way." in page.text
    by_rest = await service.admin.post(
        "/admin/what-if", json={"orders": [NUMBER], "scenario": "commerce-invoicing"}
    )
    (item,) = by_rest.json()["items"]
    said = [one["write"] for one in (*item["here"], *item["there"])]
    said += [item[side]["sentence"] for side in ("here_answer", "there_answer")]
    # Records that are only played through have no number that anybody could look up.
    assert not [one for one in said if re.search(r" (-\d|None\b|ours\b)", one)]
    now, then = page.text.split(" Now ")[-1].split(" Then ")
    assert item["here"]
    for one in item["here"]:
        assert one["write"] in now
    for one in item["there"]:
        assert one["write"] in then
    for step, sides in by_rest.json()["writes"].items():
        row = f"{step.replace('_', ' ').capitalize()} {sides['here']} {sides['there']}"
        assert row in page.text
    after = [await service.query(f"SELECT * FROM {table}") for table in tables]  # noqa: S608
    assert after == before


async def test_the_address_holds_what_was_asked_and_nothing_else(
    service: Service, browser: Browser
) -> None:
    await service.tell(*STORY)
    page = await browser.page("/what-if")
    form = next(form for form in page.forms if form["action"] == "/what-if")
    assert (form["method"], form["days"]) == ("get", "30")
    names = {"orders": "", "days": "30", "scenario": "", "INVOICE_POLICY": "", "connection": ""}
    asked = {**names, "PURCHASE_ORDER_TIMING": "on_issue"}
    answer = await browser.client.get("/what-if", params=asked)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/what-if?days=30&PURCHASE_ORDER_TIMING=on_issue"
    page = await browser.page(answer.headers["location"])
    assert "1 of 1 order would go another way." in page.text
    both = {**names, "orders": f"{NUMBER}, {NUMBER}", "PURCHASE_ORDER_TIMING": "on_receipt"}
    answer = await browser.client.get("/what-if", params=both)
    assert "days" not in answer.headers["location"]
    assert "The order goes the same way." in (await browser.page(answer.headers["location"])).text


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("orders=ON9&scenario=commerce-invoicing", "No order ON9 is known"),
        ("days=9999&scenario=commerce-invoicing", "days: must be between 1 and 366"),
        ("days=tea&scenario=commerce-invoicing", "days: must be between 1 and 366"),
        ("days=3&scenario=tea", "scenario: must be one of"),
        ("days=3&INVOICE_POLICY=tea", "INVOICE_POLICY"),
        ("days=3", "Choose a scenario or a setting"),
    ],
)
async def test_a_question_that_cannot_be_answered_is_told_in_the_form(
    browser: Browser, asked: str, said: str
) -> None:
    page = await browser.page(f"/what-if?{asked}", 422)
    clean(page)
    assert said in page.text


async def test_a_combination_that_is_forbidden_is_told_and_not_played(
    service: Service, browser: Browser
) -> None:
    await service.tell(*STORY)
    asked = "scenario=connectwise-invoicing&INVOICE_POLICY=shipped_only&MARK_SHIPPED=on_receipt"
    page = await browser.page(f"/what-if?orders={NUMBER}&{asked}")
    assert "It cannot be played so:" in page.text


async def test_many_orders_are_shown_in_parts_and_of_too_many_the_newest_are_played(
    service: Service, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    await many(service, 23, HOSTILE)
    page = await browser.page("/what-if?days=30&scenario=commerce-invoicing")
    clean(page)
    assert "23 of 23 orders would go another way." in page.text
    assert "1 to 20 of 23" in page.text
    assert HOSTILE in page.text
    (following,) = [link for link in page.links if "start=20" in link]
    more = await browser.page(following.split("#")[0])
    assert "21 to 23 of 23" in more.text
    seen = {link for one in (page, more) for link in one.links if link.startswith("/orders/ON")}
    assert len(seen) == 23
    monkeypatch.setattr("app.sync.foresight.MOST_ORDERS", 22)
    page = await browser.page("/what-if?days=30&scenario=commerce-invoicing")
    assert "22 of 22 orders would go another way." in page.text
    assert "These are the newest 22 orders; older ones of the last 30 days" in page.text
    (last,) = await service.query("SELECT number FROM orders ORDER BY id LIMIT 1")
    rest = await service.admin.post(
        "/admin/what-if", json={"days": 30, "scenario": "commerce-invoicing"}
    )
    told = rest.json()
    assert (told["orders"], told["more"]) == (22, True)
    assert last["number"] not in {one["order"] for one in told["items"]}
    monkeypatch.setattr("app.sync.foresight.MOST_ORDERS", 23)
    page = await browser.page("/what-if?days=30&scenario=commerce-invoicing")
    assert "These are the newest" not in page.text


async def test_an_order_leads_to_its_what_if(service: Service, browser: Browser) -> None:
    await service.tell(*STORY)
    page = await browser.page(f"/orders/{NUMBER}")
    (link,) = [link for link in page.links if link.startswith("/what-if?")]
    form = next(f for f in (await browser.page(link)).forms if f["action"] == "/what-if")
    assert (form["orders"], form["connection"]) == (NUMBER, "default")


async def test_the_orders_of_a_replay_are_shown_in_parts(
    service: Service, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.console.work.ITEMS", 3)
    await many(service, 7)
    named = " ".join(f"ON{number}" for number in range(1, 8))
    page = await browser.told(await browser.send("/replay", "/replay", orders=named, reason="all"))
    clean(page)
    assert "7 orders" in page.text
    assert "1 to 3 of 7 orders." in page.text
    seen, following = [], [link for link in page.links if "start=" in link]
    while following:
        seen += [link for link in page.links if link.startswith("/orders/ON")]
        page = await browser.page(following[0])
        following = [link for link in page.links if "start=" in link]
    seen += [link for link in page.links if link.startswith("/orders/ON")]
    assert "7 to 7 of 7 orders." in page.text
    assert seen == [f"/orders/ON{number}" for number in range(1, 8)]


# --- the cost of a replay -------------------------------------------------------------------------


async def test_a_plan_tells_its_calls_and_a_spent_day_asks_once_more(
    service: Service, browser: Browser
) -> None:
    await service.tell(*STORY)
    left = {"day": 5000}

    async def used(row: ConnectionRow) -> Use:
        if row.system == "commerce":
            return Use()
        return Use((Spent(60.0, 142, 1000), Spent(86400.0, 5000 - left["day"], 5000)))

    service.parts.operations._used = used
    answer = await browser.send("/replay", "/replay", orders=NUMBER, reason="once more")
    path = answer.headers["location"]
    page = await browser.page(path)
    clean(page)
    (cost,) = (await service.admin.get(f"/admin{path.replace('replay', 'replays')}")).json()[
        "costs"
    ]
    assert cost["sentence"] in page.text
    assert "858 of 1,000 left this minute" in page.text
    assert "Run it over the budget" not in page.text
    left["day"] = 2
    page = await browser.page(path)
    assert "2 of 5,000 are left in these 24 hours" in page.text
    assert "Run it over the budget" in page.text
    form = next(form for form in page.forms if form["action"].endswith("/run"))
    refused = await browser.client.post(form["action"], data={"form": form["form"]})
    assert refused.status_code == 409
    assert "2 of 5,000 are left" in Page(refused.text).text
    sent = {"form": form["form"], "over_budget": "1"}
    told = await browser.told(await browser.client.post(form["action"], data=sent))
    assert "0 of 1 order through" in told.text
