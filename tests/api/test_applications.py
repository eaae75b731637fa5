"""Applications of one process serve the same endpoints, each from its own parts."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.dependencies.utils import get_dependant

from app.main import create_app
from tests.api.conftest import Service
from tests.api.doors import RefusingStore, TestParts, client_of


async def test_each_application_answers_from_its_own_parts(service: Service):
    lost = create_app(TestParts(RefusingStore(), RefusingStore()))
    async with client_of(lost) as other:
        for _ in range(2):  # the first request is when endpoints are worked out
            assert (await other.get("/readyz?of=intake")).status_code == 503
            assert (await service.client.get("/readyz?of=intake")).status_code == 200
            answers = [await one.get("/admin/orders") for one in (other, service.admin)]
            assert [answer.status_code for answer in answers] == [401, 200]


async def test_endpoints_are_worked_out_once_a_process(
    service: Service, monkeypatch: pytest.MonkeyPatch
):
    assert (await service.client.get("/healthz")).status_code == 200
    built = []

    def counting(**told: Any) -> Any:
        built.append(told["path"])
        return get_dependant(**told)

    monkeypatch.setattr("fastapi.routing.get_dependant", counting)
    another = create_app(service.parts)
    async with client_of(another) as client:
        assert (await client.get("/healthz")).status_code == 200
    assert built == []
