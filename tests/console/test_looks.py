"""What pages tell beside the state: filters in the address, evidence, names that people know."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html import unescape
from typing import Any

from app.domain.checkup import Finding, Outcome
from app.sync.doctor import Checkup
from tests.api.conftest import Service
from tests.api.doors import post
from tests.console.conftest import Browser
from tests.console.test_pages import STORY, clean, stand


async def test_the_inbox_is_filtered_by_status_and_system_at_once(
    service: Service, browser: Browser
) -> None:
    await service.tell("sales_order.approved")
    merged = "/inbox?status=merged&source=commerce"
    page = await browser.page(merged)
    clean(page)
    assert "sales_order.approved" in page.text
    assert "They became part of an order." in page.text
    (other,) = [link for link in page.links if "source=connectwise" in link]
    assert "status=merged" in other
    assert "sales_order.approved" not in (await browser.page(other)).text
    assert "No such delivery" in (await browser.page("/inbox?status=rejected")).text


async def test_the_answer_tells_how_old_its_evidence_is(service: Service, browser: Browser) -> None:
    await service.tell(*STORY)
    page = await browser.page("/orders/ON10001201")
    commerce = r"Evidence as of Commerce \d\d \w{3}, \d\d:\d\d"
    assert re.search(commerce, page.text)
    assert not re.search(f"{commerce} ConnectWise", page.text)
    await service.query(
        "INSERT INTO fact (order_id, tenant_id, kind, key, body, seen_at)"
        " SELECT id, 1, 'shipping', '', '{}', '2026-11-20T08:09:10Z' FROM orders"
    )
    page = await browser.page("/orders/ON10001201")
    assert re.search(f"{commerce} ConnectWise 20 Nov, 08:09", page.text)


async def test_the_audit_log_names_orders_as_people_do(service: Service, browser: Browser) -> None:
    await service.tell("sales_order.approved")
    path = "/orders/ON10001201"
    await browser.told(await browser.send(path, "/hold", reason="ask Zoe first"))
    page = await browser.page("/audit")
    assert any(link.startswith(f"{path}?") for link in page.links)
    assert "order.hold" in page.text


async def test_a_filter_of_orders_leads_to_a_plan_of_just_these(
    service: Service, browser: Browser
) -> None:
    await service.tell("sales_order.approved")
    await stand(service, "held", "MAPPING_MISSING", "operator")
    page = await browser.page("/orders?state=held&code=MAPPING_MISSING")
    (link,) = [link for link in page.links if link.startswith("/replay?")]
    answer = await browser.send(link, "/replay", state="held", code="MAPPING_MISSING", reason="ok")
    assert "1 order" in (await browser.told(answer)).text
    assert not [x for x in (await browser.page("/orders")).links if x.startswith("/replay?")]


async def test_a_list_without_orders_tells_a_narrow_filter_from_none_that_ever_came(
    browser: Browser,
) -> None:
    assert "No order came in yet." in (await browser.page("/orders")).text
    assert "No order fits." in (await browser.page("/orders?state=held")).text


async def test_the_menu_of_reasons_begins_with_those_that_open_orders_stand_at(
    service: Service, browser: Browser
) -> None:
    await service.tell("sales_order.approved")
    await stand(service, "held", "TOTAL_MISMATCH", "accounting")
    for path in ("/orders", "/replay"):
        text = (await browser.page(path)).text
        assert "TOTAL_MISMATCH (1)" in text
        assert text.count("TOTAL_MISMATCH") == (2 if path == "/orders" else 1)  # and its row
        assert text.index("TOTAL_MISMATCH (1)") < text.index("SO_MISSING")
        assert "RELEASED" in text
    await stand(service, "done", "TOTAL_MISMATCH", "accounting")
    assert "TOTAL_MISMATCH (1)" not in (await browser.page("/orders")).text
    chosen = (await browser.client.get("/orders?code=RELEASED")).text
    assert '<option value="RELEASED" selected>' in chosen
    assert chosen.count('<option value="RELEASED"') == 1


async def test_what_the_doctor_did_not_look_at_is_told_apart_from_what_is_wrong(
    service: Service, browser: Browser
) -> None:
    class Doctor:
        async def examine(self, _: Any) -> Checkup:
            found = (
                Finding(
                    "alerts", "alerts", Outcome.SKIPPED, "Nobody is told of what stands still."
                ),
                Finding("clock", "service", Outcome.OK, "The clocks agree."),
            )
            now = datetime(2026, 11, 26, tzinfo=UTC)
            return Checkup(Outcome.WARNING, ("connectwise-invoicing",), found, now)

    service.parts.doctor = Doctor()
    text = (await browser.page("/doctor?run=1")).text
    assert "Not looked at 1" in text
    assert "Nobody is told of what stands still." in text
    assert "1 of 1 in order" in text
    assert "To be seen to" not in text


async def test_a_search_keeps_what_was_asked(service: Service, browser: Browser) -> None:
    await service.tell("sales_order.approved")
    page = await browser.page("/?q=ON1000")
    assert [form["q"] for form in page.forms if "q" in form] == ["ON1000"]
    (none,) = [form["q"] for form in (await browser.page("/orders")).forms if "q" in form]
    assert none == ""


async def test_an_order_that_is_not_known_can_be_searched_for(browser: Browser) -> None:
    page = await browser.page("/orders/IN 77&x", 404)
    assert "/?q=IN%2077%26x" in page.links


async def test_the_journal_leads_to_what_came_in_and_to_what_set_the_order_going(
    service: Service, browser: Browser
) -> None:
    await service.tell(*STORY)
    links = (await browser.page("/orders/ON10001201")).links
    came = [link for link in links if link.startswith("/inbox/")]
    assert len(set(came)) == len(STORY)
    for link in set(came):
        assert "ON10001201" in (await browser.page(link)).text
    await stand(service, "held", "TOTAL_MISMATCH", "accounting")
    sent = await browser.send("/replay", "/replay", orders="ON10001201", reason="mended")
    replay = sent.headers["location"]
    await browser.send(replay, "/run")
    assert replay in (await browser.page("/orders/ON10001201")).links


async def test_several_causes_of_a_rejection_are_a_list(service: Service, browser: Browser) -> None:
    body = {"type": "sales_order.approved", "data": {"salesOrder": {"id": 1299}}}
    assert (await post(service.client, body)).status_code == 422
    answer = await browser.client.get("/inbox/1")
    assert "The delivery's body is not as the contract says." in unescape(answer.text)
    assert answer.text.count("<li><code>data/salesOrder/") > 3


async def test_the_audit_tells_lists_as_words(service: Service, browser: Browser) -> None:
    await service.tell("sales_order.approved")
    await browser.send("/replay", "/replay", orders="ON10001201", reason="why not")
    assert "orders: ON10001201" in (await browser.page("/audit")).text


async def test_a_page_that_fails_is_a_page_still_and_tells_no_more(
    service: Service, browser: Browser
) -> None:
    service.parts.desk = None
    answer = await browser.client.get("/issues", headers={"accept": "text/html"})
    assert answer.status_code == 500
    assert "This page failed" in answer.text
    assert "Sign out" in answer.text
    assert "Attribute" not in answer.text
    assert re.search(r"It stands in the service's log under token-\d+\.", unescape(answer.text))
    told = await browser.client.get("/issues", headers={"accept": "application/json"})
    assert told.json()["code"] == "INTERNAL"
