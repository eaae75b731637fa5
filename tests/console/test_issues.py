"""Issues: each cause counts an order once, however many of its steps it stops."""

from __future__ import annotations

from app.store import desk
from tests.api.conftest import Service
from tests.console.conftest import Browser
from tests.console.test_pages import stand


async def stopped(service: Service, step: str, code: str, sentence: str, minutes: int) -> None:
    await service.query(
        "INSERT INTO applied (order_id, step, subject, tenant_id, state, code, sentence, since)"
        " SELECT id, $1, 'order', 1, 'held', $2, $3, now() - make_interval(mins => $4) FROM orders",
        step,
        code,
        sentence,
        minutes,
    )


async def test_a_cause_that_stops_several_steps_is_one_issue_at_the_step_that_met_it_first(
    service: Service, browser: Browser
) -> None:
    await service.tell("sales_order.approved")
    await stand(service, "held", "INVOICED_TOO_EARLY", "accounting")
    for step, minutes in (("release_invoice", 1), ("sync_purchase_order", 5), ("link_demand", 2)):
        await stopped(service, step, "INVOICED_TOO_EARLY", f"Told by {step}.", minutes)
    (issue,) = await service.query(desk._GROUPS, 1)
    assert (issue["code"], issue["many"]) == ("INVOICED_TOO_EARLY", 1)
    assert issue["step"] == "sync_purchase_order"
    told = (await browser.page("/issues")).text
    assert told.count("1 order") == 1
    assert "sync purchase order · Accounting acts" in told
    assert "Told by sync_purchase_order." in told


async def test_each_thing_that_is_missing_is_an_issue_of_its_own(service: Service) -> None:
    await service.tell("sales_order.approved")
    await stand(service, "held", "MAPPING_MISSING", "operator")
    await stopped(service, "sync_purchase_order", "MAPPING_MISSING", "No vendor.", 3)
    await stopped(service, "post_purchase_order", "MAPPING_MISSING", "No ledger vendor.", 2)
    await stopped(service, "post_bill", "MAPPING_MISSING", "No ledger vendor.", 1)
    found = {issue["step"] for issue in await service.query(desk._GROUPS, 1)}
    assert found == {"sync_purchase_order", "post_purchase_order"}
