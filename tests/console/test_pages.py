"""The pages: what they say, of every kind of order, and that what they send is done."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from app.api.examples import examples
from app.bootstrap import scenarios
from app.domain.codes import Code, Who
from app.domain.drift import Drift
from tests.api.conftest import Service
from tests.api.doors import post
from tests.console.conftest import Browser, Page

STORY = (
    "quote.won",
    "sales_order.approved",
    "purchase_order.approved",
    "purchase_order.receipted (part)",
)
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"


def clean(page: Page) -> None:
    """Nothing inline, and nothing from elsewhere."""
    assert page.inline == []
    assert page.elsewhere == []


async def stand(service: Service, state: str, code: str | None, who: str = "sales") -> None:
    await service.query(
        "UPDATE orders SET state = $1, code = $2, who = $3, since = now() - interval '3 days',"
        " sentence = 'Told so.', due_at = NULL",
        state,
        code,
        who,
    )


async def test_an_order_is_explained_from_one_sentence_to_its_journal(
    service: Service, browser: Browser
) -> None:
    await service.tell(*STORY)
    page = await browser.page("/orders/ON10001201")
    clean(page)
    answer = (await service.admin.get("/admin/orders/ON10001201")).json()
    assert answer["answer"]["sentence"] in page.text
    for line in answer["lines"]:
        assert line["title"] in page.text
    for step in answer["steps"]:
        assert step["step"].replace("_", " ").capitalize() in page.text
    assert "Sales order ON10001201 came in." in page.text
    for stop in ("Commerce order", "Opportunity won", "Demand linked", "Invoice gate", "Ledger"):
        assert stop in page.text
    assert "Received ≤ ordered" in page.text


@pytest.mark.parametrize(
    "scenario",
    [
        "commerce-invoicing",
        "connectwise-invoicing",
        "connectwise-managed",
        "connectwise-procurement-ticket",
    ],
)
async def test_the_rail_goes_as_the_scenario_goes(
    service: Service, browser: Browser, scenario: str
) -> None:
    await service.tell(*STORY)
    await service.query("UPDATE orders SET scenario = $1, scenario_version = 1", scenario)
    page = await browser.page("/orders/ON10001201")
    clean(page)
    rail = page.text.split("The way")[1].split("Lines")[0]
    assert ("Invoice in the ledger" in rail) == (scenario == "commerce-invoicing")
    assert ("Demand linked" in rail) == (scenario == "connectwise-procurement-ticket")
    steps = {use.name for use in scenarios()[scenario].steps}
    assert ("Opportunity won" in rail) == ("win_opportunity" in steps)
    assert ("Purchase orders" in rail) == bool(
        steps & {"sync_purchase_order", "post_purchase_order"}
    )


async def test_every_page_of_every_state_renders(service: Service, browser: Browser) -> None:
    await service.tell(*STORY)
    for state, code in (
        ("held", "MAPPING_MISSING"),
        ("parked", "POISON"),
        ("waiting", "GOODS_NOT_RECEIVED"),
        ("running", None),
        ("done", "RELEASED"),
        ("cancelled", "CANCELLED"),
    ):
        await stand(service, state, code)
        for path in ("/", "/orders", "/orders/ON10001201", "/issues"):
            clean(await browser.page(path))


async def test_an_order_of_which_only_the_id_is_known_has_a_page(
    service: Service, browser: Browser
) -> None:
    await service.tell("purchase_order.approved")
    page = await browser.page("/orders/id:1201")
    clean(page)
    assert "Customer not known yet" in page.text


@pytest.mark.parametrize("viewer", ["", "https://traces.msp.example/t/{trace_id}?from=1"])
async def test_the_trace_of_an_order_leads_to_the_viewer_that_is_set(
    service: Service, browser: Browser, viewer: str
) -> None:
    await service.tell(*STORY)
    given = service.parts.settings
    service.parts.settings = given.model_copy(update={"trace_viewer_url": viewer})
    trace = (await service.admin.get("/admin/orders/ON10001201")).json()["trace_id"]
    page = await browser.page("/orders/ON10001201")
    assert trace in page.text
    led = [link for link in page.links if trace in link]
    assert led == ([f"https://traces.msp.example/t/{trace}?from=1"] if viewer else [])


async def test_hostile_names_are_text(service: Service, browser: Browser) -> None:
    body: Any = json.loads(json.dumps(examples()["sales_order.approved"]))
    order = body["data"]["salesOrder"] if "salesOrder" in body.get("data", {}) else body["data"]
    order["customer"]["name"] = HOSTILE
    order["orderNumber"] = "A/B?<i>&x=1#y"
    for product in order["products"]:
        product["title"] = HOSTILE
    assert (await post(service.client, body, webhook_id="msg_hostile")).status_code == 202
    await service.merge()
    (row,) = await service.query("SELECT number FROM orders")
    page = await browser.page("/orders")
    clean(page)
    assert HOSTILE in page.text
    (link,) = {link for link in page.links if "A%2FB" in link or "A/B" in link}
    own = await browser.page(link)
    clean(own)
    assert row["number"] in own.text
    held = await browser.send(link, "/hold", reason=HOSTILE)
    after = await browser.told(held)
    clean(after)
    assert HOSTILE in after.text


async def test_a_search_finds_an_order_by_what_people_call_it(
    service: Service, browser: Browser
) -> None:
    await service.tell(*STORY)
    (order,) = await service.query("SELECT customer, source_id FROM orders")
    for wanted in ("PO1000889", order["customer"][:4].upper(), order["source_id"], "on1000"):
        page = await browser.page(f"/?q={wanted}")
        assert any("/orders/ON10001201" in link for link in page.links), wanted
    answer = await browser.client.get("/?q=ON10001201")
    assert answer.headers["location"] == "/orders/ON10001201?connection=default"
    assert "Nothing is called like that" in (await browser.page("/?q=%25")).text


async def test_the_front_page_groups_by_who_has_to_act(service: Service, browser: Browser) -> None:
    await service.tell("sales_order.approved")
    assert "Nothing has to be decided" in (await browser.page("/")).text
    await stand(service, "held", "MAPPING_MISSING", "operator")
    page = await browser.page("/")
    assert re.search(r"For the operator 1 .*ON10001201 .*Held Told so", page.text)


async def test_orders_are_filtered_by_the_address_and_paged(
    service: Service, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    await service.query(
        "INSERT INTO orders (tenant_id, connection_id, source_id, number, state, who) "
        "SELECT 1, (SELECT min(id) FROM connection), n::text, 'X' || n, "
        "CASE WHEN n % 2 = 0 THEN 'held' ELSE 'waiting' END, 'sales' FROM generate_series(1, 120) n"
    )
    page = await browser.page("/orders?state=held&who=sales")
    seen = [link for link in page.links if link.startswith("/orders/X")]
    (following,) = [link for link in page.links if "cursor=" in link]
    assert "state=held" in following
    more = await browser.page(following)
    seen += [link for link in more.links if link.startswith("/orders/X")]
    assert len(seen) == len(set(seen)) == 60
    assert not any("cursor=" in link for link in more.links)
    await browser.page("/orders?cursor=nonsense", 422)
    clean(await browser.page("/orders?state=nonsense&code=x&who=y"))


async def test_a_hold_and_its_end_are_two_buttons(service: Service, browser: Browser) -> None:
    await service.tell("sales_order.approved")
    path = "/orders/ON10001201"
    page = await browser.told(await browser.send(path, "/hold", reason="ask Zoe first"))
    assert "Nothing more is done" in page.text
    assert "ask Zoe first" in page.text
    page = await browser.told(await browser.send(path, "/release", reason="she agreed"))
    (row,) = await service.query("SELECT held_by FROM orders")
    assert row["held_by"] is None
    refused = await browser.client.post(
        f"{path}/release", data={"form": page.forms[-1]["form"], "reason": "again"}
    )
    assert refused.status_code == 409
    assert "is not held by a person" in Page(refused.text).text


async def test_a_choice_of_a_held_order_is_a_button(service: Service, browser: Browser) -> None:
    await service.tell("sales_order.approved")
    path = "/orders/ON10001201"
    page = await browser.told(await browser.send(path, "/hold", reason="ask Zoe first"))
    assert "Your decision Reason Look again" in page.text
    form = next(form for form in page.forms if form["action"].split("?")[0].endswith("/decide"))
    sent = {"form": form["form"], "code": form["code"], "reason": "agreed by phone"}
    unknown = await browser.client.post(form["action"], data={**sent, "choice": "burn_it"})
    assert unknown.status_code == 422
    answer = await browser.client.post(form["action"], data={**sent, "choice": "look_again"})
    assert "Decided." in (await browser.told(answer)).text
    (kept,) = await service.query("SELECT code, choice, actor, reason FROM decision")
    assert tuple(kept) == ("HELD_BY_PERSON", "look_again", "admin", "agreed by phone")


async def test_a_step_is_retried_and_left_out(service: Service, browser: Browser) -> None:
    await service.tell("sales_order.approved")
    page = await browser.page("/orders/ON10001201")
    form = next(form for form in page.forms if form["action"].split("?")[0].endswith("/step"))
    sent = {name: form[name] for name in ("form", "step", "subject")} | {"reason": "by hand"}
    target = form["action"]
    told = await browser.told(await browser.client.post(target, data={**sent, "do": "retry"}))
    assert "tried again now" in told.text
    told = await browser.told(await browser.client.post(target, data={**sent, "do": "skip"}))
    assert "Left out" in told.text
    (row,) = await service.query("SELECT step, choice FROM decision")
    assert (row["step"], row["choice"]) == (form["step"], "skip")


async def test_the_inbox_tells_why_a_delivery_was_rejected(
    service: Service, browser: Browser
) -> None:
    await service.tell("sales_order.approved")
    body: Any = json.loads(json.dumps(examples()["sales_order.approved"]))
    body["data"] = {}
    await post(service.client, body, webhook_id="msg_bad")
    await service.client.post("/webhooks/commerce", content=b"{}")
    page = await browser.page("/inbox?status=rejected")
    clean(page)
    assert "BODY_NOT_VALID" in page.text
    (link,) = {link for link in page.links if re.fullmatch(r"/inbox/\d+", link)}
    detail = await browser.page(link)
    clean(detail)
    assert "msg_bad" in detail.text
    answer = await browser.send(link, "/replay", reason="try")
    assert answer.status_code == 409
    assert "has to be sent anew" in Page(answer.text).text
    assert "SIGNATURE_REFUSED" in (await browser.page("/inbox?status=unverified")).text
    await browser.page("/inbox/999999", 404)
    await browser.page("/inbox/none", 422)


async def test_an_issue_is_planned_run_and_followed(service: Service, browser: Browser) -> None:
    await service.tell("quote.won", "sales_order.approved", "purchase_order.approved")
    await stand(service, "held", "MAPPING_MISSING", "operator")
    await service.query(
        "INSERT INTO call (tenant_id, order_id, system, method, path, query, status, milliseconds,"
        " failure, step, purpose) SELECT 1, id, 'connectwise', 'GET', '/company/companies/77', '',"
        " 404, 3, 'gone', 'create_products', 'step' FROM orders"
    )
    await service.query(
        "INSERT INTO applied (order_id, step, subject, tenant_id, state, code, sentence)"
        " SELECT id, 'create_products', 'order', 1, 'held', 'MAPPING_MISSING', 'No company.'"
        " FROM orders"
    )
    page = await browser.page("/issues")
    clean(page)
    assert "connectwise GET /company/companies/{id}" in page.text
    plan = await browser.told(await browser.send("/issues", "/issues/plan", reason="mapped now"))
    clean(plan)
    assert "Nothing is executed yet" in plan.text
    (replay,) = await service.query("SELECT id, state FROM replay")
    assert replay["state"] == "planned"
    path = f"/replay/{replay['id']}"
    running = await browser.told(await browser.send(path, "/run"))
    assert "0 of 1 order through" in running.text
    await stand(service, "done", "RELEASED")
    listed = (await browser.page("/replay")).text
    assert "mapped now" in listed
    assert "Running" not in listed, "it is through, though nobody looked"
    through = (await browser.page(path)).text
    assert "1 of 1 order through" in through
    assert "1 Done RELEASED" in through
    assert "Now:" not in through
    await stand(service, "held", "MAPPING_MISSING", "operator")
    later = await browser.page(path)
    clean(later)
    assert "1 Done RELEASED" in later.text, "how the run ended, and not where the order stands now"
    assert "Now: Held" in later.text
    audit = await browser.page("/audit")
    clean(audit)
    for action in ("replay.plan", "replay.run", "console.sign_in"):
        assert action in audit.text


async def test_a_plan_that_is_stale_or_dropped_is_refused_in_words(
    service: Service, browser: Browser
) -> None:
    await service.tell("quote.won", "sales_order.approved")
    answer = await browser.send("/replay", "/replay", orders="ON10001201", reason="once more")
    path = answer.headers["location"]
    await service.tell("purchase_order.approved")
    refused = await browser.send(path, "/run")
    assert refused.status_code == 409
    assert "ON10001201" in Page(refused.text).text
    dropped = await browser.told(await browser.send(path, "/abort"))
    assert "The plan was dropped. Nothing was executed." in dropped.text
    assert "Not started" in dropped.text
    unbounded = await browser.send("/replay", "/replay", reason="everything")
    assert unbounded.status_code == 422


async def test_a_purchase_order_for_stock_and_a_declined_quote_have_pages(
    service: Service, browser: Browser
) -> None:
    changed = await service.admin.patch("/admin/settings", json={"LOST_ON_DECLINE": "true"})
    assert changed.status_code == 200
    bought: Any = json.loads(json.dumps(examples()["purchase_order.approved"]))
    bought["data"]["purchaseOrder"].update(id=77, orderNumber="PO77", salesOrderID=None)
    await post(service.client, bought, webhook_id="msg_stock")
    declined: Any = json.loads(json.dumps(examples()["quote.won"]))
    declined["type"] = "quote.declined"
    declined["data"]["quote"].update(id=78, quoteNumber="QO78", status=90, salesOrderId=None)
    await post(service.client, declined, webhook_id="msg_declined")
    await service.merge()
    for number in ("PO77", "QO78"):
        page = await browser.page(f"/orders/{number}")
        clean(page)
        assert "Invoice gate" not in page.text
    assert any("/orders/PO77" in link for link in (await browser.page("/?q=po7")).links)


async def test_what_differs_is_shown_and_settled(service: Service, browser: Browser) -> None:
    await service.tell("sales_order.approved")
    (order,) = await service.query("SELECT id FROM orders")
    drift = Drift(
        Code.DRIFT_MISSING,
        "connectwise",
        "ticket",
        "21",
        "raise_ticket",
        "order",
        "ticket 21",
        "",
        f"Ticket 21 is gone. {HOSTILE}",
        Who.OPERATOR,
    )
    await service.store.keep_findings(order["id"], [drift])
    page = await browser.page("/drift")
    clean(page)
    assert f"Ticket 21 is gone. {HOSTILE}" in page.text
    form = next(form for form in page.forms if form["action"].endswith("/settle"))
    sent = {"form": form["form"], "reason": "it was merged by hand"}
    unknown = await browser.client.post(form["action"], data={**sent, "way": "burn"})
    assert unknown.status_code == 422
    told = await browser.told(
        await browser.client.post(form["action"], data={**sent, "way": "ignore"})
    )
    assert "Ignored" in told.text
    assert "Not compared yet" in told.text
    assert "it was merged by hand" in (await browser.page("/drift?standing=ignored")).text
    asked = await browser.told(await browser.send("/drift", "/drift/sweep"))
    assert "A worker compares from now on" in asked.text
