"""The doctor beside the sandbox: what is there is proven, what is missing is named with its fix."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from app.domain.checkup import Outcome
from tests.e2e.commerce import polling
from tests.e2e.harness import Stack, bearer, running
from tests.e2e.ledgers import LEDGERS, NAMES, C
from tests.e2e.orders import CABLE, Order

pytestmark = pytest.mark.processes
READY: dict[str, Any] = {
    "connectwise_sales_rep": "integration",
    "connectwise_rounding_item": "ROUNDING",
}


async def examined(stack: Stack) -> tuple[str, dict[str, dict[str, str]]]:
    answer = await stack.client.get("/admin/doctor", headers=bearer())
    assert answer.status_code == 200, answer.text
    told = answer.json()
    return told["outcome"], {one["name"]: one for one in told["findings"]}


def bad(found: dict[str, dict[str, str]]) -> dict[str, str]:
    return {name: one["outcome"] for name, one in found.items() if one["outcome"] != "ok"}


async def test_g1_everything_that_the_scenario_needs_is_proven_by_reads_only(
    database_url: str, redis_url: str
) -> None:
    async with running(database_url, redis_url, callbacks=True, **READY) as stack:
        async with asyncio.timeout(20):
            while (await stack.client.get("/readyz")).status_code != 200:
                await asyncio.sleep(0.05)  # the worker is about to join
        before = len(await stack.requests())
        _, found = await examined(stack)
        asked = (await stack.requests())[before:]
        assert {request["method"] for request in asked} == {"GET"}
        assert len(asked) <= 45
        assert bad(found) == {
            "commerce_polling": "skipped",
            "commerce_arrivals": "unproven",
            "connectwise_arrivals": "unproven",
            "demand": "unproven",
            "alerts": "skipped",
        }
        assert found["api_member"]["sentence"].startswith("integration is at")
        assert found["clock_connectwise"]["outcome"] == "ok"
        assert found["callbacks"]["sentence"].startswith("Registered and active")
        assert "Waiting for goods" in found["connectwise_sales_order_status_waiting"]["sentence"]


@pytest.mark.breadth
async def test_g2_demand_is_proven_by_a_link_that_was_read_back(
    database_url: str, redis_url: str
) -> None:
    order = Order(lines=[(CABLE, 10)], not_chosen=(), quote_id=None)
    async with running(database_url, redis_url, **READY) as stack:
        for event in (order.approved(), order.ordered(8891, [(CABLE, 10)]), order.receipted(8891)):
            await stack.deliver(event)
        await stack.until_state(order.number, "done")
        _, found = await examined(stack)
        assert found["demand"]["outcome"] == Outcome.OK
        assert order.number in found["demand"]["sentence"]


@pytest.mark.breadth
async def test_g2_demand_that_is_not_raised_is_named(database_url: str, redis_url: str) -> None:
    order = Order(lines=[(CABLE, 10)], not_chosen=(), quote_id=None)
    async with running(database_url, redis_url, **READY) as stack:
        await stack.control("settings", {"demand_from": []}, "PUT")
        for event in (order.approved(), order.ordered(8891, [(CABLE, 10)]), order.receipted(8891)):
            await stack.deliver(event)
        await stack.until_state(order.number, "held", "DEMAND_NOT_LINKED")
        outcome, found = await examined(stack)
        assert outcome == Outcome.FAILED
        assert found["demand"]["outcome"] == Outcome.FAILED
        assert "purchasing demand" in found["demand"]["fix"]


@pytest.mark.breadth
async def test_g1_a_missing_permission_is_named_as_the_role_calls_it(
    database_url: str, redis_url: str
) -> None:
    async with running(database_url, redis_url, **READY) as stack:
        fault = {
            "method": "GET",
            "path": "/system/reports/.*",
            "times": 9,
            "kind": "status",
            "status": 403,
            "body": {"code": "Forbidden", "message": "no"},
        }
        await stack.control("faults", [fault])
        outcome, found = await examined(stack)
        assert outcome == Outcome.FAILED
        told = found["may_read_link_report"]
        assert told["outcome"] == Outcome.FAILED
        assert "API Reports" in told["sentence"]
        assert "security role" in told["fix"]
        assert found["may_read_purchase_orders"]["outcome"] == Outcome.OK


@pytest.mark.breadth
async def test_g1_wrong_keys_are_one_finding_and_nothing_more_is_asked(
    database_url: str, redis_url: str
) -> None:
    wrong = {**READY, "connectwise_private_key": "wrong"}
    async with running(database_url, redis_url, worker=False, **wrong) as stack:
        outcome, found = await examined(stack)
        assert outcome == Outcome.FAILED
        assert found["credentials"]["outcome"] == Outcome.FAILED
        assert found["permissions"]["outcome"] == Outcome.SKIPPED
        assert found["workers"]["outcome"] == Outcome.FAILED
        assert len([r for r in await stack.requests() if r["status"] == 401]) == 1


async def test_settings_that_name_nothing_are_told_with_what_there_is(
    database_url: str, redis_url: str
) -> None:
    wrong: dict[str, Any] = {
        "connectwise_sales_order_status_ready": "Tea time",
        "connectwise_sales_rep": "nobody",
        "connectwise_freight_item": "NO-SUCH-ITEM",
        "connectwise_rounding_item": "",
    }
    async with running(database_url, redis_url, **wrong) as stack:
        outcome, found = await examined(stack)
        assert outcome == Outcome.FAILED
        ready = found["connectwise_sales_order_status_ready"]
        assert "'Tea time'" in ready["sentence"]
        assert "Ready to invoice" in ready["fix"]
        assert found["connectwise_sales_rep"]["outcome"] == Outcome.FAILED
        assert found["connectwise_freight_item"]["outcome"] == Outcome.FAILED
        assert found["connectwise_rounding_item"]["outcome"] == Outcome.WARNING


@pytest.mark.breadth
@pytest.mark.parametrize("name", LEDGERS)
async def test_g3_g4_the_ledger_is_looked_at_where_the_scenario_posts_to_it(
    database_url: str, redis_url: str, name: str
) -> None:
    async with LEDGERS[name]() as ledger:
        more = {**C, **READY, **NAMES[name]}
        async with running(database_url, redis_url, books=ledger.books, **more) as stack:
            _, found = await examined(stack)
            of_ledger = {n: one for n, one in found.items() if one["area"] == "ledger"}
            assert bad(of_ledger) == {}
            assert "company" in of_ledger
            assert "ledger_sales_service" in of_ledger
            assert "may_read_link_report" not in found
        wrong = {**more, "ledger_purchase_goods": "Tea", "ledger_sales_product": ""}
        async with running(
            database_url, redis_url, worker=False, books=ledger.books, **wrong
        ) as stack:
            await stack.client.patch(
                "/admin/settings",
                headers=bearer(),
                json={"LEDGER_PURCHASE_GOODS": "Tea", "LEDGER_SALES_PRODUCT": ""},
            )
            outcome, found = await examined(stack)
            assert outcome == Outcome.FAILED
            assert "'Tea'" in found["ledger_purchase_goods"]["sentence"]
            assert found["ledger_sales_product"]["outcome"] == Outcome.FAILED


@pytest.mark.breadth
async def test_a_scenario_that_posts_and_no_ledger_is_a_failure(
    database_url: str, redis_url: str
) -> None:
    more = {**READY, "scenario": "commerce-invoicing"}
    async with running(database_url, redis_url, worker=False, **more) as stack:
        _, found = await examined(stack)
        assert found["ledger"]["outcome"] == Outcome.FAILED
        assert "XERO_CLIENT_ID" in found["ledger"]["fix"]


@pytest.mark.breadth
async def test_b2_where_tickets_are_invoiced_no_status_of_sales_orders_is_missed(
    database_url: str, redis_url: str
) -> None:
    statuses = ("connectwise_sales_order_status_waiting", "connectwise_sales_order_status_ready")
    more = {**READY, **dict.fromkeys(statuses, ""), "scenario": "connectwise-procurement-ticket"}
    async with running(database_url, redis_url, worker=False, **more) as stack:
        _, found = await examined(stack)
        assert not found.keys() & set(statuses)
        assert found["connectwise_board"]["outcome"] == Outcome.OK


@pytest.mark.parametrize("drift_calls", [1000, 0])
async def test_g8_commerces_key_is_proven_where_no_poll_has_its_turn(
    database_url: str, redis_url: str, drift_calls: int
) -> None:
    more = {**READY, "drift_commerce_calls_a_day": drift_calls}
    async with polling(database_url, redis_url, worker=False, **more) as (stack, _):
        _, found = await examined(stack)
        assert found["commerce_polling"]["outcome"] == Outcome.OK
        assert "answers with the key" in found["commerce_polling"]["sentence"]


@pytest.mark.breadth
async def test_g8_a_key_that_commerce_refuses_is_told(database_url: str, redis_url: str) -> None:
    more = {**READY, "commerce_api_key": "not-the-key"}
    async with polling(database_url, redis_url, worker=False, **more) as (stack, _):
        _, found = await examined(stack)
        assert found["commerce_polling"]["outcome"] == Outcome.FAILED
        assert found["commerce_polling"]["fix"]
