"""The doctor beside a ConnectWise that is away, slow, limits or refuses: it ends in time and says so."""

from __future__ import annotations

import time
from typing import Any

import pytest

from app.sync.doctor import asking
from tests.e2e.harness import bearer, running
from tests.e2e.test_doctor import READY, examined

pytestmark = [pytest.mark.processes, pytest.mark.breadth]
EVERY = {"method": "GET", "path": ".*", "times": 999}
AFTER_INFO = {"method": "GET", "path": "/(company|sales|service|procurement|finance|system/(?!info)).*",
              "times": 999}  # fmt: skip


def refused(status: int, **more: Any) -> dict[str, Any]:
    body = {"code": "X", "message": "no"}
    return {**AFTER_INFO, "kind": "status", "status": status, "body": body, **more}


async def test_g1_a_slow_connectwise_is_told_in_time_and_hides_no_other(
    database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "SECONDS", 2.0)
    more = {**READY, "scenario": "commerce-invoicing"}  # posts to a ledger, and none is set up
    async with running(database_url, redis_url, worker=False, **more) as stack:
        await stack.control("faults", [{**AFTER_INFO, "kind": "slow", "seconds": 0.5}])
        begun = time.monotonic()
        outcome, found = await examined(stack)
        assert time.monotonic() - begun < 4.0
        assert outcome == "failed"
        assert found["credentials"]["outcome"] == "ok"
        assert found["may_read_companies"]["outcome"] == "ok"
        told = found["connectwise_answers"]
        assert told["outcome"] == "failed"
        assert "within 2 seconds" in told["sentence"]
        assert told["cause"]
        assert told["fix"]
        late = [one for one in found.values() if one["cause"] == asking.LATE]
        assert {one["outcome"] for one in late} == {"unproven", "skipped"}
        assert f"{len(late)} checks" in told["sentence"]
        assert found["ledger"]["outcome"] == "failed"  # looked at beside it


async def test_g1_a_connectwise_that_never_answers_is_told_in_time(
    database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "SECONDS", 1.0)
    async with running(database_url, redis_url, worker=False, **READY) as stack:
        await stack.control("faults", [{**EVERY, "kind": "slow", "seconds": 30}])
        begun = time.monotonic()
        answer = await stack.client.get("/admin/doctor", headers=bearer())
        assert time.monotonic() - begun < 3.0
        found = {one["name"]: one for one in answer.json()["findings"]}
        assert found["credentials"]["outcome"] == "unproven"
        assert found["permissions"]["outcome"] == "skipped"
        assert found["connectwise_answers"]["outcome"] == "failed"
        assert answer.json()["outcome"] == "failed"


@pytest.mark.parametrize(
    ("fault", "outcome", "word"),
    [
        ({**AFTER_INFO, "kind": "refuse"}, "failed", "in a minute"),
        (refused(401), "failed", "credentials"),
        (refused(403), "failed", "security role"),
        (refused(500), "failed", "status page"),
        (refused(429, headers={"Retry-After": "60"}), "unproven", "limit"),
    ],
)
async def test_g1_what_connectwise_answers_instead_is_told_with_its_fix(
    database_url: str, redis_url: str, fault: dict[str, Any], outcome: str, word: str
) -> None:
    async with running(database_url, redis_url, worker=False, **READY) as stack:
        await stack.control("faults", [fault])
        begun = time.monotonic()
        _, found = await examined(stack)
        assert time.monotonic() - begun < 10.0
        assert found["may_read_companies"]["outcome"] == outcome
        assert word in found["may_read_companies"]["fix"]
        assert len(found["may_read_companies"]["cause"].split()) > 8
        assert "connectwise_answers" not in found
        if fault.get("status") == 429:
            asked = [one for one in await stack.requests() if one["status"] == 429]
            assert len(asked) == 1  # who is asked to wait, waits
