"""What pages tell beside the state: filters in the address, evidence, names that people know."""

from __future__ import annotations

import re

from tests.api.conftest import Service
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
