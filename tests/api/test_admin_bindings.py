"""Scenarios bound to customers and order types over the REST interface: what cannot work is refused."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import Service
from tests.api.doors import code_of

BOUND = {
    "kind": "scenario",
    "commerce_key": "customer:77",
    "connectwise_key": "connectwise-managed",
}


async def test_a_scenario_is_bound_to_a_customer(service: Service) -> None:
    kept = (await service.admin.put("/admin/mappings", json=BOUND)).json()
    assert {key: kept[key] for key in BOUND} == BOUND


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"connectwise_key": "connectwise-mangaed"}, "must be one of commerce-invoicing, "),
        ({"commerce_key": "77"}, "must be customer:"),
    ],
)
async def test_a_binding_that_means_nothing_is_refused(
    service: Service, wrong: dict[str, str], says: str
) -> None:
    answer = await service.admin.put("/admin/mappings", json={**BOUND, **wrong})
    assert (answer.status_code, code_of(answer)) == (422, "REQUEST_NOT_VALID")
    assert says in answer.json()["detail"]


async def test_settings_and_bindings_that_cannot_work_together_are_refused_from_both_sides(
    service: Service,
) -> None:
    chosen: dict[str, Any] = {"RAISE_TICKET": "chosen"}
    assert (await service.admin.patch("/admin/settings", json=chosen)).status_code == 200
    refused = await service.admin.put("/admin/mappings", json=BOUND)
    assert "Set raise_ticket = always" in refused.json()["detail"]
    await service.admin.patch("/admin/settings", json={"RAISE_TICKET": "always"})
    assert (await service.admin.put("/admin/mappings", json=BOUND)).status_code == 200
    refused = await service.admin.patch("/admin/settings", json=chosen)
    assert "connectwise-managed" in refused.json()["detail"]
