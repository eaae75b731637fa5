"""Looking ahead over the real store: what opens the gates, and what another scenario would do."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import pytest

from app.domain import course
from tests.api.conftest import Service

NUMBER = "ON10001201"


@pytest.fixture(autouse=True)
async def _order(service: Service) -> None:
    await service.tell("quote.won", "sales_order.approved", "purchase_order.approved")


async def what_if(service: Service, **body: Any) -> Any:
    return await service.admin.post("/admin/what-if", json=body)


async def test_what_would_make_an_order_invoiceable_is_named_with_who_does_it(
    service: Service,
) -> None:
    before = await service.query("SELECT * FROM orders")
    answer = await service.admin.get(f"/admin/orders/{NUMBER}/needs")
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["order"], told["invoiceable"], told["sufficient"]) == (NUMBER, False, True)
    codes = [need["code"] for need in told["needs"]]
    assert "GOODS_NOT_RECEIVED" in codes
    assert all(need["sentence"] and need["remedy"] and need["who"] for need in told["needs"])
    assert await service.query("SELECT * FROM orders") == before


async def test_another_scenario_is_shown_side_by_side_and_touches_nothing(
    service: Service,
) -> None:
    before = await service.query("SELECT * FROM orders")
    answer = await what_if(service, orders=[NUMBER], scenario="commerce-invoicing")
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["orders"], told["different"]) == (1, 1)
    (item,) = told["items"]
    assert item["there_scenario"] == "commerce-invoicing"
    assert {write["step"] for write in item["here"]} >= {"create_products", "create_sales_order"}
    assert not {write["step"] for write in item["there"]} & {"create_sales_order"}
    assert await service.query("SELECT * FROM orders") == before


async def test_orders_of_the_last_days_and_one_setting(service: Service) -> None:
    answer = await what_if(service, days=30, settings={"PURCHASE_ORDER_TIMING": "on_issue"})
    told = answer.json()
    assert (told["orders"], told["different"]) == (1, 1)
    assert told["writes"]["sync_purchase_order"]["there"] > 0
    same = await what_if(service, days=30, settings={"PURCHASE_ORDER_TIMING": "on_receipt"})
    assert (same.json()["different"], same.json()["more"]) == (0, False)


@pytest.mark.parametrize("question", ["what-if", "replays"])
async def test_others_are_served_while_an_order_is_played(
    service: Service, monkeypatch: pytest.MonkeyPatch, question: str
) -> None:
    """An order of hundreds of lines takes seconds, and the loop is everybody's."""
    played = []

    def long(*given: Any, **more: Any) -> Any:
        time.sleep(0.4)
        played.append(given)
        return real(*given, **more)

    real = course.play
    monkeypatch.setattr("app.sync.foresight.play", long)
    bodies = {
        "what-if": {"orders": [NUMBER], "scenario": "commerce-invoicing"},
        "replays": {"orders": [NUMBER], "reason": "to see"},
    }
    asked = asyncio.create_task(service.admin.post(f"/admin/{question}", json=bodies[question]))
    longest, before = 0.0, time.monotonic()
    while not asked.done():
        await asyncio.sleep(0.01)
        longest, before = max(longest, time.monotonic() - before), time.monotonic()
    assert (await asked).is_success
    assert played
    assert longest < 0.3


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({"orders": [NUMBER]}, "something has to be different"),
        ({"scenario": "commerce-invoicing"}, "orders or days"),
        ({"orders": [NUMBER], "days": 3, "scenario": "commerce-invoicing"}, "orders or days"),
        ({"orders": [NUMBER], "scenario": "tea"}, "must be one of"),
        ({"orders": [NUMBER], "settings": {"READ_LAG": 3}}, "no behaviour setting"),
        ({"orders": [NUMBER], "settings": {"TEA": 3}}, "TEA"),
        ({"orders": [NUMBER], "settings": {"INVOICE_POLICY": "tea"}}, "INVOICE_POLICY"),
    ],
)
async def test_a_question_that_cannot_be_answered_says_why(
    service: Service, body: Any, word: str
) -> None:
    answer = await what_if(service, **body)
    assert answer.status_code == 422, answer.text
    assert word in answer.json()["detail"]


async def test_a_forbidden_combination_is_named_and_not_played(service: Service) -> None:
    answer = await what_if(
        service,
        orders=[NUMBER],
        scenario="connectwise-invoicing",
        settings={"INVOICE_POLICY": "shipped_only", "MARK_SHIPPED": "on_receipt"},
    )
    (item,) = answer.json()["items"]
    assert item["refused"]
    assert item["here"] == item["there"] == []


async def test_a_replay_of_everything_is_refused(service: Service) -> None:
    answer = await service.admin.post("/admin/replays", json={"filter": {}, "reason": "all"})
    assert answer.status_code == 422
    assert "at least one" in answer.json()["detail"]


async def test_orders_are_played_beside_other_requests(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Thirty days of orders once kept the whole API waiting while each was played."""
    threads: list[int] = []
    played = course.play

    def watched(premises: course.Premises) -> course.Course:
        threads.append(threading.get_ident())
        return played(premises)

    monkeypatch.setattr("app.sync.foresight.play", watched)
    await what_if(service, days=30, scenario="commerce-invoicing")
    assert len(threads) == 2
    assert threading.get_ident() not in threads
