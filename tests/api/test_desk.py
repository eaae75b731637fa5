"""Issues, replays and the audit log by REST: paged, of one tenant, and planned as the console plans."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from app.api.admin_replays import ReplayOut
from tests.api.conftest import Service

HELD = (
    "UPDATE orders SET state = 'held', code = 'PERMISSION_MISSING', who = 'operator',"
    " sentence = 'The role may not.', since = now()"
)


async def test_an_issues_whole_group_is_planned_and_listed(service: Service) -> None:
    await service.tell("sales_order.approved")
    await service.query(HELD)
    (issue,) = (await service.admin.get("/admin/issues")).json()["items"]
    assert (issue["code"], issue["count"], issue["orders"]) == (
        "PERMISSION_MISSING", 1, ["ON10001201"],
    )  # fmt: skip
    body = {**{name: issue[name] for name in ("code", "step", "endpoint")}, "reason": "given"}
    planned = await service.admin.post("/admin/issues/plan", json=body)
    assert planned.status_code == 201, planned.text
    assert [one["order"] for one in planned.json()["items"]] == ["ON10001201"]
    (listed,) = (await service.admin.get("/admin/replays")).json()["items"]
    assert (listed["id"], listed["state"]) == (planned.json()["id"], "planned")
    nothing = await service.admin.post("/admin/issues/plan", json={**body, "code": "POISON"})
    assert (nothing.status_code, nothing.json()["code"]) == (404, "NOT_FOUND")


async def test_the_audit_log_is_paged_and_names_orders(service: Service) -> None:
    await service.tell("sales_order.approved")
    for _ in range(2):
        for what in ("hold", "release"):
            path = f"/admin/orders/ON10001201/{what}"
            assert (await service.admin.post(path, json={"reason": "look"})).status_code < 300
    first = await service.admin.get("/admin/audit?limit=3")
    assert len(first.json()["items"]) == 3
    assert {one["order"] for one in first.json()["items"]} == {"ON10001201"}
    assert 'rel="next"' in first.headers["link"]
    rest = await service.admin.get(f"/admin/audit?cursor={first.json()['next']}")
    assert len(rest.json()["items"]) >= 1
    ids = [one["id"] for one in (*first.json()["items"], *rest.json()["items"])]
    assert ids == sorted(set(ids), reverse=True)


async def test_another_tenant_sees_none_of_it_and_a_reader_plans_nothing(service: Service) -> None:
    await service.tell("sales_order.approved")
    await service.query(HELD)
    await service.query("INSERT INTO tenant (id, name) VALUES (2, 'other')")
    other = await service.key("other", ["admin"], tenant=2)
    for path in ("/admin/issues", "/admin/replays", "/admin/audit"):
        assert (await service.client.get(path, headers=other)).json()["items"] == []
        assert (await service.client.get(path)).status_code == 401
    body = {"code": "PERMISSION_MISSING", "reason": "x"}
    refused = await service.client.post("/admin/issues/plan", json=body, headers=other)
    assert refused.status_code == 404
    reader = await service.key("reader", ["read"])
    refused = await service.client.post("/admin/issues/plan", json=body, headers=reader)
    assert refused.status_code == 403


async def test_a_planned_issue_is_told_beside_other_requests(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An issue may have five hundred orders; other plans were told beside the loop, and this was not."""
    await service.tell("sales_order.approved")
    await service.query(HELD)
    threads: list[int] = []
    told = ReplayOut.whole

    def whole(progress: Any) -> ReplayOut:
        threads.append(threading.get_ident())
        return told(progress)

    monkeypatch.setattr(ReplayOut, "whole", whole)
    (issue,) = (await service.admin.get("/admin/issues")).json()["items"]
    body = {**{name: issue[name] for name in ("code", "step", "endpoint")}, "reason": "given"}
    assert (await service.admin.post("/admin/issues/plan", json=body)).status_code == 201
    assert threads
    assert threading.get_ident() not in threads


async def test_replays_are_listed_by_as_many_as_are_asked_for(service: Service) -> None:
    await service.tell("sales_order.approved")
    for _ in range(3):
        body = {"orders": ["ON10001201"], "reason": "x"}
        assert (await service.admin.post("/admin/replays", json=body)).status_code == 201
    first = await service.admin.get("/admin/replays?limit=2")
    assert len(first.json()["items"]) == 2
    assert "limit=2" in first.headers["link"]
    rest = await service.admin.get(f"/admin/replays?limit=2&cursor={first.json()['next']}")
    assert (len(rest.json()["items"]), rest.json()["next"]) == (1, None)
