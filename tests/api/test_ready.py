"""`/healthz` and `/readyz` with each part gone, behind or standing still: an answer, soon, and which part."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from typing import Any

import pytest

from app.api import health
from app.sync.wake import answers
from tests.api.conftest import Service


async def checks_of(service: Service, path: str = "/readyz") -> tuple[int, dict[str, Any]]:
    answer = await service.client.get(path)
    return answer.status_code, answer.json()["checks"]


def bad(checks: dict[str, Any]) -> list[str]:
    return [name for name, check in checks.items() if not check["ok"]]


async def never(*_: Any, **__: Any) -> Any:
    await asyncio.sleep(600)


async def test_a_database_that_stands_still_is_told_soon_and_the_process_is_healthy(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "CHECK_SECONDS", 0.2)
    monkeypatch.setattr(service.store, "readiness", never)
    begun = time.monotonic()
    status, checks = await checks_of(service)
    assert time.monotonic() - begun < 2
    assert status == 503
    assert bad(checks) == ["database", "migrations", "worker"]
    assert (await service.client.get("/healthz")).json() == {"status": "ok"}
    assert (await checks_of(service, "/readyz?of=intake"))[0] == 503


async def test_a_redis_that_stands_still_is_told_soon_and_keeps_no_delivery_away(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "CHECK_SECONDS", 0.2)
    service.parts.queue_alive = never
    async with service.store.join():
        status, checks = await checks_of(service)
        assert (status, bad(checks)) == (503, ["redis"])
        assert (await checks_of(service, "/readyz?of=intake"))[0] == 200


async def test_a_redis_that_is_gone_is_no_error(service: Service) -> None:
    service.parts.queue_alive = partial(answers, "redis://127.0.0.1:1/0")
    async with service.store.join():
        status, checks = await checks_of(service)
    assert (status, bad(checks)) == (503, ["redis"])


async def test_a_database_without_tables_is_one_that_was_not_migrated(service: Service) -> None:
    await service.query("DROP SCHEMA public CASCADE")
    await service.query("CREATE SCHEMA public")
    status, checks = await checks_of(service)
    assert status == 503
    assert "migrations" in bad(checks)
    assert "migrate" in checks["migrations"]["detail"]
    assert checks["database"]["ok"]
    answer = await service.client.get("/metrics")
    assert answer.status_code == 503
    assert "demandlink_deliveries" in answer.text, "what this process counted is told all the same"


async def test_a_database_that_lets_nobody_look_is_told_and_ends_nothing(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refused() -> Any:
        raise RuntimeError("permission denied for table alembic_version")

    monkeypatch.setattr(service.store, "readiness", refused)
    status, checks = await checks_of(service)
    assert (status, bad(checks)) == (503, ["database", "migrations", "worker"])
    assert "alembic" not in str(checks)


async def test_a_worker_that_left_is_none(service: Service) -> None:
    async with service.store.join():
        assert (await checks_of(service))[0] == 200
    status, checks = await checks_of(service)
    assert (status, bad(checks)) == (503, ["worker"])
