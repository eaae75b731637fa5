"""Runs of replays over the real store: who joins, when it is through, what an abort leaves, who ran it."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import Any

import pytest

from tests.api.conftest import Service
from tests.api.test_replays import plan, settle


@pytest.fixture(autouse=True)
async def _order(service: Service) -> None:
    await service.tell("quote.won", "sales_order.approved", "purchase_order.approved")
    await settle(service)


@pytest.mark.parametrize("nothing", [{}, {"number": ""}, {"number": "  ", "connection": ""}])
async def test_a_filter_that_chooses_nothing_is_refused_as_unbounded(
    service: Service, nothing: dict[str, Any]
) -> None:
    answer = await plan(service, orders=None, filter=nothing)
    assert answer.status_code == 422
    assert "name at least one thing" in answer.json()["detail"]


async def another(service: Service, state: str = "held") -> None:
    """A second order that stands for the same reason."""
    await service.query(
        "INSERT INTO orders (tenant_id, connection_id, source_id, number, state, code, sentence,"
        " who) SELECT tenant_id, connection_id, '1301', 'ON10001301', $1, 'MAPPING_MISSING',"
        " 'No company.', 'operator' FROM orders LIMIT 1",
        state,
    )


async def test_orders_that_fit_after_the_plan_do_not_join_its_run(service: Service) -> None:
    made = (await plan(service, orders=None, filter={"code": "MAPPING_MISSING"})).json()
    await another(service)
    ran = (await service.admin.post(f"{made['url']}/run")).json()
    assert [item["order"] for item in ran["items"]] == ["ON10001201"]
    (left,) = await service.query("SELECT due_at, wake_seq FROM orders WHERE number = 'ON10001301'")
    assert (left["due_at"], left["wake_seq"]) == (None, 0)


async def test_a_run_that_was_through_stays_done_whatever_moves_its_orders(
    service: Service,
) -> None:
    """It once went back to running when an order was woken by something else, and an abort then
    made an aborted replay of it."""
    url = (await plan(service)).json()["url"]
    await service.admin.post(f"{url}/run")
    await settle(service)
    done = (await service.admin.get(url)).json()
    assert (done["state"], bool(done["finished_at"])) == ("done", True)
    await service.query("UPDATE orders SET due_at = now(), state = 'running'")
    again = (await service.admin.get(url)).json()
    assert (again["state"], again["settled"]) == ("done", 1)
    aborted = (await service.admin.post(f"{url}/abort")).json()
    assert aborted["state"] == "done"


async def test_a_result_is_the_run_s_own_and_stays_whatever_becomes_of_the_order(
    service: Service,
) -> None:
    """It once was where the order stood when somebody looked."""
    url = (await plan(service)).json()["url"]
    running = (await service.admin.post(f"{url}/run")).json()
    assert (running["items"][0]["result"], running["results"]) == (None, [])
    assert running["items"][0]["now"]["state"] == "held"
    await settle(service)
    (ended,) = (await service.admin.get(url)).json()["items"]
    assert ended["result"]["code"] == "MAPPING_MISSING"
    await service.query("UPDATE orders SET state = 'done', code = 'RELEASED', sentence = 'Done.'")
    later = (await service.admin.get(url)).json()
    assert later["items"][0]["result"] == ended["result"]
    assert later["items"][0]["now"] == {"state": "done", "code": "RELEASED", "sentence": "Done."}
    assert later["results"] == [{"state": "held", "code": "MAPPING_MISSING", "orders": 1}]


async def test_an_order_that_was_never_started_says_so(service: Service) -> None:
    dropped = (await plan(service)).json()["url"]
    await service.admin.post(f"{dropped}/abort")
    told = (await service.admin.get(dropped)).json()
    result = told["items"][0]["result"]
    assert (result["state"], result["at"]) == ("not_started", told["finished_at"])
    assert "dropped" in result["sentence"]
    expired = (await plan(service)).json()
    assert expired["items"][0]["result"] is None
    await service.query("UPDATE replay SET expires_at = created_at WHERE state = 'planned'")
    result = (await service.admin.get(expired["url"])).json()["items"][0]["result"]
    assert (result["state"], result["at"]) == ("not_started", expired["created_at"])
    assert "expired" in result["sentence"]


async def test_a_run_that_ended_before_results_were_kept_has_none(service: Service) -> None:
    url = (await plan(service)).json()["url"]
    await service.admin.post(f"{url}/run")
    await service.query("UPDATE replay SET state = 'done', finished_at = now()")
    await settle(service)
    told = (await service.admin.get(url)).json()
    assert (told["state"], told["settled"], told["results"]) == ("done", 1, [])
    assert told["items"][0]["result"] is None
    assert told["items"][0]["now"]["state"] == "held"


async def test_an_abort_after_the_last_order_is_through_aborts_nothing(service: Service) -> None:
    url = (await plan(service)).json()["url"]
    await service.admin.post(f"{url}/run")
    await settle(service)
    assert (await service.admin.post(f"{url}/abort")).json()["state"] == "done"


async def test_a_run_is_not_over_while_the_service_looks_again_within_moments(
    service: Service,
) -> None:
    url = (await plan(service)).json()["url"]
    await service.admin.post(f"{url}/run")
    lag = (
        "UPDATE orders SET state = 'waiting', code = 'READ_LAG', who = 'nobody',"
        " due_at = now() + interval '{}'"
    )
    await service.query(lag.format("3 seconds"))
    assert (await service.admin.get(url)).json()["state"] == "running"
    await service.query(lag.format("2 seconds").replace("'nobody'", "'purchasing'"))
    assert (await service.admin.get(url)).json()["state"] == "running"
    await service.query(lag.format("10 minutes"))
    assert (await service.admin.get(url)).json()["state"] == "running", (
        "it is tried again by itself"
    )
    await service.query("UPDATE orders SET code = 'RECEIPT_GAP'")
    assert (await service.admin.get(url)).json()["state"] == "done"


async def test_an_abort_in_the_middle_says_of_each_order_where_it_is(service: Service) -> None:
    await another(service)
    made = (await plan(service, orders=["ON10001201", "ON10001301"])).json()
    await service.admin.post(f"{made['url']}/run")
    await service.query(
        "UPDATE orders SET due_at = NULL, state = 'held' WHERE number = 'ON10001201'"
    )
    aborted = (await service.admin.post(f"{made['url']}/abort")).json()
    assert (aborted["state"], aborted["settled"], aborted["orders"]) == ("aborted", 1, 2)
    assert [(item["state"], item["settled"]) for item in aborted["items"]] == [
        ("woken", True),
        ("woken", False),
    ]
    assert [item["result"]["state"] for item in aborted["items"]] == ["held", "aborted"]
    await service.query("UPDATE orders SET due_at = NULL, state = 'done'")
    later = (await service.admin.get(made["url"])).json()
    assert [item["result"] for item in later["items"]] == [
        item["result"] for item in aborted["items"]
    ]
    assert (later["state"], later["settled"]) == ("aborted", 2)  # it went on, and is through


async def test_plan_run_and_abort_are_entries_of_their_own_with_the_reason(
    service: Service,
) -> None:
    url = (await plan(service)).json()["url"]
    await service.admin.post(f"{url}/run")
    await service.admin.post(f"{url}/abort")
    found = await service.query("SELECT action, data FROM audit ORDER BY id")
    told = [(row["action"], json.loads(row["data"])) for row in found]
    expected = {"reason": "mapping added", "orders": ["ON10001201"]}
    assert [one for one in told if one[0].startswith("replay.")] == [
        ("replay.plan", expected),
        ("replay.run", expected),
        ("replay.abort", expected),
    ]


async def test_two_people_who_run_one_plan_at_once_wake_its_orders_once(service: Service) -> None:
    url = (await plan(service)).json()["url"]
    (before,) = await service.query("SELECT wake_seq FROM orders")
    both = await asyncio.gather(*[service.admin.post(f"{url}/run") for _ in range(4)])
    assert {answer.status_code for answer in both} == {202}
    (after,) = await service.query("SELECT wake_seq FROM orders")
    assert after["wake_seq"] == before["wake_seq"] + 1
    ran = await service.query("SELECT 1 FROM audit WHERE action = 'replay.run'")
    assert len(ran) == 1


async def test_a_plan_is_thought_out_beside_other_requests(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An order of hundreds of lines once kept the whole API waiting for seconds."""
    threads: list[int] = []

    def again(_: Any) -> None:
        threads.append(threading.get_ident())

    monkeypatch.setattr(service.parts.replays, "_again", again)
    await plan(service)
    assert threads
    assert threading.get_ident() not in threads
