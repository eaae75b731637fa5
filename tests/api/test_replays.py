"""Replays over the real store: a plan does nothing, a run wakes, a stale plan is refused."""

from __future__ import annotations

from typing import Any

import pytest

from app.domain.budgets import Spent, Use
from app.domain.views import ConnectionRow
from tests.api.conftest import Service
from tests.api.doors import code_of


async def plan(service: Service, **more: Any) -> Any:
    body = {"orders": ["ON10001201"], "reason": "mapping added", **more}
    return await service.admin.post("/admin/replays", json=body)


async def settle(service: Service) -> None:
    """As a worker leaves an order that waits."""
    await service.query(
        "UPDATE orders SET state = 'held', code = 'MAPPING_MISSING', sentence = 'No company.', "
        "who = 'operator', due_at = NULL"
    )


@pytest.fixture(autouse=True)
async def _order(service: Service) -> None:
    await service.tell("quote.won", "sales_order.approved", "purchase_order.approved")
    await settle(service)


async def test_a_plan_says_by_step_what_would_be_done_and_does_nothing(service: Service) -> None:
    before = await service.query("SELECT * FROM orders")
    answer = await plan(service)
    assert answer.status_code == 201
    replay = answer.json()
    assert (replay["state"], replay["actor"], replay["reason"]) == (
        "planned",
        "admin",
        "mapping added",
    )
    (item,) = replay["items"]
    assert (item["order"], item["state"]) == ("ON10001201", "planned")
    step = item["steps"][0]
    told = {"step", "subject", "gate", "code", "sentence", "writes", "reads", "perhaps", "calls"}
    assert set(step) == told | {"runs", "no_op"}
    assert {step["gate"] for step in item["steps"]} <= {"open", "shut"}
    assert replay["calls"] == sum(step["calls"] for step in item["steps"])
    assert await service.query("SELECT * FROM orders") == before
    assert (await service.admin.get(replay["url"])).json() == replay


async def test_an_unknown_order_is_refused_in_the_plan_of_the_others(service: Service) -> None:
    items = (await plan(service, orders=["ON10001201", "ON9"])).json()["items"]
    assert [item["state"] for item in items] == ["planned", "refused"]
    assert "ON9" in items[1]["sentence"]


async def test_a_plan_by_filter_holds_the_orders_that_fit(service: Service) -> None:
    fitting = (await plan(service, orders=None, filter={"code": "MAPPING_MISSING"})).json()
    assert [item["order"] for item in fitting["items"]] == ["ON10001201"]
    none = await plan(service, orders=None, filter={"state": "parked"})
    assert none.status_code == 404


@pytest.mark.parametrize(
    "wrong",
    [
        {"reason": ""},
        {"reason": None},
        {"orders": []},
        {"orders": None},
        {"filter": {"state": "held"}},
        {"filter": {"colour": "red"}},
        {"more": 1},
    ],
)
async def test_a_plan_that_cannot_be_is_refused(service: Service, wrong: dict[str, Any]) -> None:
    answer = await plan(service, **wrong)
    assert answer.status_code == 422
    assert code_of(answer) == "REQUEST_NOT_VALID"


async def test_a_plan_from_a_step_leaves_out_what_comes_before_and_is_not_done(
    service: Service,
) -> None:
    await service.query(
        "INSERT INTO applied (order_id, step, subject, tenant_id, state)"
        " SELECT id, step, 'order', 1, 'skipped' FROM orders,"
        " unnest(ARRAY['raise_ticket', 'win_opportunity']) AS step"
    )
    (item,) = (await plan(service, from_step="create_sales_order")).json()["items"]
    assert [step["step"] for step in item["steps"]][:2] == ["create_products", "create_sales_order"]
    (refused,) = (await plan(service, from_step="no_such_step")).json()["items"]
    assert refused["state"] == "refused"


async def test_a_run_wakes_the_order_and_tells_its_journal(service: Service) -> None:
    url = (await plan(service)).json()["url"]
    service.parts.wake.count = 0
    answer = await service.admin.post(f"{url}/run")
    assert answer.status_code == 202
    assert answer.json()["state"] == "running"
    (item,) = answer.json()["items"]
    assert (item["state"], item["settled"]) == ("woken", False)
    assert service.parts.wake.count == 1
    (order,) = await service.query("SELECT due_at <= now() AS due, wake_seq FROM orders")
    assert order["due"]
    journal = (await service.admin.get("/admin/orders/ON10001201/journal")).json()["items"]
    told = [entry for entry in journal if entry["actor"] == "admin"]
    assert any("mapping added" in entry["sentence"] for entry in told)


async def test_progress_tells_where_each_order_stands(service: Service) -> None:
    url = (await plan(service)).json()["url"]
    await service.admin.post(f"{url}/run")
    await settle(service)
    progress = (await service.admin.get(url)).json()
    assert (progress["state"], progress["settled"], progress["orders"]) == ("done", 1, 1)
    (item,) = progress["items"]
    stands = {"state": "held", "code": "MAPPING_MISSING", "sentence": "No company."}
    assert item["now"] == stands
    assert item["result"] == {**stands, "at": progress["finished_at"]}


async def test_a_plan_whose_order_moved_is_stale_and_nothing_is_woken(service: Service) -> None:
    url = (await plan(service)).json()["url"]
    await service.tell("purchase_order.receipted (part)")
    await settle(service)
    answer = await service.admin.post(f"{url}/run")
    assert answer.status_code == 409
    assert code_of(answer) == "PLAN_STALE"
    assert answer.json()["orders"] == ["ON10001201"]
    (order,) = await service.query("SELECT due_at FROM orders")
    assert order["due_at"] is None


async def test_an_expired_plan_is_stale(service: Service) -> None:
    url = (await plan(service)).json()["url"]
    await service.query("UPDATE replay SET expires_at = now() - interval '1 second'")
    answer = await service.admin.post(f"{url}/run")
    assert answer.status_code == 409
    assert code_of(answer) == "PLAN_STALE"


async def test_a_run_again_is_the_same_run(service: Service) -> None:
    url = (await plan(service)).json()["url"]
    await service.admin.post(f"{url}/run")
    (first,) = await service.query("SELECT wake_seq FROM orders")
    assert (await service.admin.post(f"{url}/run")).status_code == 202
    (second,) = await service.query("SELECT wake_seq FROM orders")
    assert first == second


async def test_an_aborted_plan_cannot_be_run(service: Service) -> None:
    url = (await plan(service)).json()["url"]
    aborted = await service.admin.post(f"{url}/abort")
    assert (aborted.status_code, aborted.json()["state"]) == (200, "aborted")
    answer = await service.admin.post(f"{url}/run")
    assert answer.status_code == 409
    assert code_of(answer) == "REPLAY_ENDED"


@pytest.mark.parametrize("path", ["", "/run", "/abort"])
async def test_an_unknown_replay_is_not_found(service: Service, path: str) -> None:
    method = "POST" if path else "GET"
    answer = await service.admin.request(method, f"/admin/replays/none{path}")
    assert answer.status_code == 404


async def test_a_cancelled_order_is_refused_with_its_reason(service: Service) -> None:
    await service.query("UPDATE orders SET held_by = 'ask Zoe'")
    (item,) = (await plan(service)).json()["items"]
    assert item["state"] == "refused"
    assert "ask Zoe" in item["sentence"]


# --- Idempotency-Key ------------------------------------------------------------------------------


async def test_a_post_with_a_known_key_is_answered_as_before_and_done_once(
    service: Service,
) -> None:
    body = {"orders": ["ON10001201"], "reason": "once"}
    headers = {"idempotency-key": "key-1"}
    first = await service.admin.post("/admin/replays", json=body, headers=headers)
    again = await service.admin.post("/admin/replays", json=body, headers=headers)
    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers
    assert len(await service.query("SELECT 1 FROM replay")) == 1


async def test_a_known_key_with_another_request_is_refused(service: Service) -> None:
    headers = {"idempotency-key": "key-1"}
    body = {"orders": ["ON10001201"], "reason": "once"}
    first = await service.admin.post("/admin/replays", json=body, headers=headers)
    assert first.status_code == 201
    other = {**body, "reason": "twice"}
    answer = await service.admin.post("/admin/replays", json=other, headers=headers)
    assert answer.status_code == 422
    assert code_of(answer) == "IDEMPOTENCY_KEY_REUSED"


async def test_a_refusal_is_repeated_too(service: Service) -> None:
    headers = {"idempotency-key": "key-1"}
    first = await service.admin.post("/admin/replays/none/run", headers=headers)
    again = await service.admin.post("/admin/replays/none/run", headers=headers)
    for answer in (first, again):
        assert answer.status_code == 404
        assert code_of(answer) == "NOT_FOUND"
    assert again.headers["idempotent-replayed"] == "true"


async def test_a_key_whose_request_is_still_worked_on_is_asked_to_wait(service: Service) -> None:
    headers = {"idempotency-key": "key-1"}
    body = {"orders": ["ON10001201"], "reason": "once"}
    await service.admin.post("/admin/replays", json=body, headers=headers)
    await service.query("UPDATE idempotency_key SET status = 0, created_at = now()")
    answer = await service.admin.post("/admin/replays", json=body, headers=headers)
    assert answer.status_code == 409
    assert code_of(answer) == "IDEMPOTENCY_KEY_IN_USE"
    assert answer.headers["retry-after"]


@pytest.mark.parametrize("key", ["", "x" * 201, "é"])
async def test_a_key_that_cannot_be_kept_is_refused(service: Service, key: str) -> None:
    headers = [(b"idempotency-key", key.encode())]
    answer = await service.admin.post("/admin/replays/none/run", headers=headers)
    assert answer.status_code == 422


# --- what it costs --------------------------------------------------------------------------------


def left(service: Service, minute: int, day: int = 5000) -> list[str]:
    """Budgets as they stand; the systems that are asked, in their order."""
    asked: list[str] = []

    async def used(row: ConnectionRow) -> Use:
        asked.append(row.system)
        if row.system == "commerce":
            return Use()
        return Use((Spent(60.0, 1000 - minute, 1000), Spent(86400.0, 5000 - day, 5000)))

    service.parts.operations._used = used
    return asked


async def test_a_plan_tells_its_calls_against_what_is_left(service: Service) -> None:
    left(service, 858)
    replay = (await plan(service)).json()
    (cost,) = replay["costs"]
    assert (cost["system"], cost["calls"]) == ("connectwise", replay["calls"])
    assert replay["calls"] > 0
    assert cost["sufficient"] is True
    assert (
        f"{replay['calls']} calls to ConnectWise; 858 of 1,000 left this minute" in cost["sentence"]
    )
    assert cost["limits"][0] == {"seconds": 60.0, "used": 142, "limit": 1000, "left": 858}
    assert cost["seconds"] == pytest.approx(replay["calls"] * 0.06)
    writes = [step for item in replay["items"] for step in item["steps"] if step["calls"]]
    assert {"raise_ticket", "create_products", "create_sales_order"} <= {s["step"] for s in writes}
    assert all(step["code"] in (None, "EARLIER_STEP") for step in writes), "goods are not here yet"
    by_step = {step["step"]: step for step in writes}
    assert by_step["create_products"]["calls"] == len(by_step["create_products"]["writes"]) + 2


async def test_c_its_documents_are_told_against_the_ledger_s_budget(service: Service) -> None:
    await service.query("UPDATE orders SET scenario = 'commerce-invoicing', scenario_version = 1")
    await service.query(
        "INSERT INTO connection (tenant_id, kind, name) VALUES (1, 'xero', 'default')"
    )
    await service.tell("purchase_order.receipted (part)")
    await settle(service)
    left(service, 60, day=4210)
    costs = {cost["system"]: cost for cost in (await plan(service)).json()["costs"]}
    assert "xero" in costs
    assert "4,210 of 5,000 left in these 24 hours" in costs["xero"]["sentence"]


async def test_what_stopped_is_counted_because_it_is_tried_again(service: Service) -> None:
    left(service, 900)
    before = (await plan(service)).json()["calls"]
    await service.query(
        "INSERT INTO applied (order_id, step, subject, tenant_id, state, code, sentence, retry_at)"
        " SELECT id, 'raise_ticket', 'order', 1, 'held', 'MAPPING_MISSING', 'No company.',"
        " now() + interval '1 hour' FROM orders"
    )
    replay = (await plan(service)).json()
    step = next(s for s in replay["items"][0]["steps"] if s["step"] == "raise_ticket")
    assert (step["gate"], step["code"], step["calls"]) == ("shut", "MAPPING_MISSING", 1)
    assert replay["calls"] == before


async def test_a_day_that_does_not_suffice_is_refused_unless_it_is_wanted(service: Service) -> None:
    left(service, 900, day=3)
    replay = (await plan(service)).json()
    assert replay["costs"][0]["sufficient"] is False
    refused = await service.admin.post(f"{replay['url']}/run")
    assert code_of(refused) == "BUDGET_TOO_SMALL"
    assert "3 of 5,000 are left in these 24 hours" in refused.json()["detail"]
    assert (await service.admin.get(replay["url"])).json()["state"] == "planned"
    ran = await service.admin.post(f"{replay['url']}/run", params={"over_budget": True})
    assert ran.status_code == 202
    assert ran.json()["costs"] == []


async def test_an_order_that_cannot_be_played_is_planned_all_the_same(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: Any) -> None:
        raise ValueError("as a defect would")

    monkeypatch.setattr("app.sync.foresight.play", broken)
    replay = (await plan(service)).json()
    assert (replay["items"][0]["state"], replay["calls"], replay["costs"]) == ("planned", 0, [])
