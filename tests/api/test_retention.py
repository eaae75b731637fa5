"""The admin REST for how long rows are kept."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.domain.retention import Kept
from tests.api.conftest import Service
from tests.api.doors import code_of

WHY = "agreed with the data protection officer"


def by_kind(answer: Any) -> dict[str, dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    return {item["what"]: item for item in answer.json()["items"]}


async def old_call(service: Service) -> None:
    await service.query(
        "INSERT INTO call (tenant_id, order_id, at, system, method, path, query, milliseconds, purpose)"
        " VALUES (1, 999, now() - interval '80 days', 'connectwise', 'GET', '/x', '', 1, 'step')"
    )


async def test_retention_is_shown_changed_and_audited_and_rules_the_next_turn(
    service: Service,
) -> None:
    await old_call(service)
    shown = by_kind(await service.admin.get("/admin/retention"))
    assert {kind: one["days"] for kind, one in shown.items()} == {
        "journal": 730,
        "calls": 90,
        "inbox": 180,
        "alerts": 365,
    }
    assert (shown["calls"]["goes"], shown["calls"]["of_open_orders"]) == (0, 0)
    assert shown["calls"]["oldest"]
    change = {"days": {"calls": 20, "journal": 0}, "reason": WHY}
    changed = by_kind(await service.admin.patch("/admin/retention", json=change))
    assert (changed["calls"]["days"], changed["calls"]["goes"]) == (20, 1)
    assert (changed["journal"]["days"], changed["journal"]["before"]) == (0, None)
    assert by_kind(await service.admin.get("/admin/retention")) == changed
    (row,) = await service.query("SELECT actor, target, data FROM audit WHERE action LIKE 'ret%'")
    assert (row["actor"], row["target"]) == ("admin", "calls, journal")
    assert json.loads(row["data"]) == {
        "reason": WHY,
        "days": {"calls": 20, "journal": 0},
        "was": {"calls": 90, "journal": 730},
    }
    done = {one.kept: one.rows for one in await service.parts.retention.prune()}
    assert done[Kept.CALLS] == 1
    assert by_kind(await service.admin.get("/admin/retention"))["calls"]["oldest"] is None


@pytest.mark.parametrize(
    "body",
    [
        {"days": {"calls": 20}},
        {"days": {}, "reason": WHY},
        {"days": {"orders": 20}, "reason": WHY},
        {"days": {"calls": -1}, "reason": WHY},
        {"days": {"calls": 36501}, "reason": WHY},
        {"days": {"calls": "20"}, "reason": WHY},
        {"days": {"calls": 20}, "reason": " "},
        {"days": {"calls": 20}, "reason": WHY, "more": 1},
    ],
)
async def test_a_wrong_change_is_refused_and_changes_nothing(
    service: Service, body: dict[str, Any]
) -> None:
    before = (await service.admin.get("/admin/retention")).json()
    answer = await service.admin.patch("/admin/retention", json=body)
    assert (answer.status_code, code_of(answer)) == (422, "REQUEST_NOT_VALID")
    assert (await service.admin.get("/admin/retention")).json() == before


async def test_reading_keys_see_it_and_change_nothing(service: Service) -> None:
    held = await service.key("viewer", ["read"])
    assert (await service.client.get("/admin/retention", headers=held)).status_code == 200
    change = {"days": {"calls": 20}, "reason": WHY}
    refused = await service.client.patch("/admin/retention", headers=held, json=change)
    assert (refused.status_code, code_of(refused)) == (403, "FORBIDDEN")


async def test_what_is_kept_is_measured(service: Service) -> None:
    await old_call(service)
    text = (await service.client.get("/metrics")).text
    lines = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    oldest = float(lines['demandlink_kept_oldest_seconds{what="calls"}'])
    assert abs(oldest - 80 * 86400) < 3600
    for what in ("journal", "calls", "inbox"):
        assert float(lines[f'demandlink_kept_bytes{{part="months",what="{what}"}}']) > 0
        assert float(lines[f'demandlink_kept_bytes{{part="default",what="{what}"}}']) >= 0
    assert float(lines['demandlink_kept_bytes{part="all",what="alerts"}']) > 0
