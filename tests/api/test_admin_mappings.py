"""D-10 over REST: which mappings are missing, which orders go on, and why something was changed."""

from __future__ import annotations

from typing import Any

import pytest

from app.domain.views import Stopped
from app.domain.wanted import no_company, several_items
from app.sync.setup import MOST_STOPPED
from tests.api.conftest import Service
from tests.api.doors import code_of

COMPANY = {"kind": "company", "commerce_key": "77", "connectwise_key": "Contoso"}
SAID = no_company("company", "customer", "Contoso Ltd", "77", ["CONTOSO"])
ITEMS = several_items("CAB-2M", "CAB", ["A", "B"])


async def stand(service: Service, *said: str) -> None:
    """Orders, each held for a mapping in these words."""
    for number, sentence in enumerate(said, start=1):
        await service.query(
            "INSERT INTO orders (tenant_id, connection_id, source_id, number, state, code, sentence)"
            " SELECT 1, min(id), $1, $2, 'held', 'MAPPING_MISSING', $3 FROM connection",
            str(number),
            f"ON{number}",
            sentence,
        )


async def audited(service: Service, action: str) -> Any:
    (row,) = await service.query("SELECT data FROM audit WHERE action = $1", action)
    return row["data"]


async def test_d10_what_is_missing_is_told_with_the_orders_that_wait(service: Service) -> None:
    await stand(service, ITEMS, SAID, SAID, "A sentence of another release.")
    missing = (await service.admin.get("/admin/mappings/missing")).json()["items"]
    assert [(one["kind"], one["commerce_key"]) for one in missing] == [
        ("company", "77"),
        ("product", "CAB-2M"),
    ]
    assert [order["order"] for order in missing[0]["orders"]] == ["ON2", "ON3"]
    assert missing[0]["sentence"] == SAID


async def test_d10_a_mapping_names_the_orders_that_go_on(service: Service) -> None:
    await stand(service, ITEMS, SAID)
    kept = (await service.admin.put("/admin/mappings", json=COMPANY)).json()
    assert [one["order"] for one in kept["resumed"]] == ["ON2"]
    assert [one["order"] for one in kept["looking"]] == ["ON1"]
    product = {"kind": "product", "commerce_key": "cab-2m", "connectwise_key": "A"}
    kept = (await service.admin.put("/admin/mappings", json=product)).json()
    assert [one["order"] for one in kept["resumed"]] == ["ON1"]


async def test_a_thousand_orders_that_wait_for_one_mapping_are_not_compared_with_each_other(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It took a quarter of a second of everybody's loop on each page that tells of them."""
    await service.query(
        "INSERT INTO orders (tenant_id, connection_id, source_id, state, code, sentence)"
        " SELECT 1, (SELECT min(id) FROM connection), n, 'held', 'MAPPING_MISSING', $1"
        " FROM generate_series(1, $2::int) AS n",
        SAID,
        MOST_STOPPED,
    )
    compared: list[object] = []

    def counted(one: object, other: object) -> bool:
        compared.append(one)
        return one is other

    monkeypatch.setattr(Stopped, "__eq__", counted)
    (missing,) = (await service.admin.get("/admin/mappings/missing")).json()["items"]
    kept = (await service.admin.put("/admin/mappings", json=COMPANY)).json()
    assert len(missing["orders"]) == len(kept["resumed"]) == MOST_STOPPED
    assert kept["looking"] == []
    assert len(compared) <= 2 * MOST_STOPPED


async def test_the_reason_of_a_change_stands_in_the_audit(service: Service) -> None:
    given = {**COMPANY, "reason": "  the id was  wrong "}
    kept = (await service.admin.put("/admin/mappings", json=given)).json()
    assert "the id was wrong" in str(await audited(service, "mapping.put"))
    path = f"/admin/mappings/{kept['id']}"
    assert (await service.admin.delete(path, params={"reason": "gone"})).status_code == 204
    assert "gone" in str(await audited(service, "mapping.remove"))
    change = {"READ_LAG": 5}
    answer = await service.admin.patch("/admin/settings?reason=slower+now", json=change)
    assert answer.status_code == 200
    assert "slower now" in str(await audited(service, "settings.change"))


@pytest.mark.parametrize("method", ["put", "patch"])
async def test_a_reason_that_is_a_book_is_refused(service: Service, method: str) -> None:
    long = "x" * 501
    if method == "put":
        answer = await service.admin.put("/admin/mappings", json={**COMPANY, "reason": long})
    else:
        answer = await service.admin.patch(f"/admin/settings?reason={long}", json={"READ_LAG": 5})
    assert code_of(answer) == "REQUEST_NOT_VALID"
    assert await service.query("SELECT 1 FROM audit WHERE action <> 'console.sign_in'") == []


async def test_a_setting_says_its_default_its_values_and_what_the_scenario_gives(
    service: Service,
) -> None:
    await service.admin.patch("/admin/settings", json={"SCENARIO": "connectwise-managed"})
    items = (await service.admin.get("/admin/settings")).json()["items"]
    found = {item["name"]: item for item in items}
    policy = found["INVOICE_POLICY"]
    assert (policy["value"], policy["source"]) == ("all_goods", "scenario")
    assert (policy["default"], policy["options"]) == ("all_goods", ["all_goods", "shipped_only"])
    assert "connectwise-managed" in found["SCENARIO"]["options"]
    assert (found["READ_LAG"]["default"], found["READ_LAG"]["options"]) == (3.0, [])
    assert found["ADMIN_API_KEY"]["default"] == ""


async def test_what_the_scenario_gives_is_told_and_not_the_service_s_own_default(
    service: Service,
) -> None:
    await service.admin.patch("/admin/settings", json={"SCENARIO": "commerce-invoicing"})
    items = (await service.admin.get("/admin/settings")).json()["items"]
    found = {item["name"]: item for item in items}["INVOICE_FROM"]
    assert (found["value"], found["source"], found["default"]) == (
        "commerce",
        "scenario",
        "opportunity",
    )


async def test_each_wrong_setting_is_named_apart(service: Service) -> None:
    wrong = {"READ_LAG": -1, "INVOICE_POLICY": "tea", "QUOTE_WAIT": 3}
    answer = await service.admin.patch("/admin/settings", json=wrong)
    assert set(answer.json()["fields"]) == {"READ_LAG", "INVOICE_POLICY"}
    answer = await service.admin.patch("/admin/settings", json={"SCENARIO": "tea"})
    assert set(answer.json()["fields"]) == {"SCENARIO"}


async def test_a_password_in_an_address_is_not_shown(service: Service) -> None:
    given = {"connectwise_url": "https://anna:tops3cret@cw.example/apis/3.0"}
    service.parts.operations._settings = service.parts.settings.model_copy(update=given)
    answer = await service.admin.get("/admin/settings")
    assert "tops3cret" not in answer.text
    assert "https://cw.example/apis/3.0" in answer.text


async def test_an_address_is_told_in_full_only_to_who_may_change_it_and_that_is_recorded(
    service: Service,
) -> None:
    """A key that may only read once read every contact's address over REST, which no page shows it."""
    person = {"kind": "contact", "commerce_key": "joe@contoso.example", "connectwise_key": "12"}
    kept = (await service.admin.put("/admin/mappings", json=person)).json()
    one = f"/admin/mappings/{kept['id']}"
    reader = await service.key("reader", ["read"])
    for path in ("/admin/mappings", "/admin/mappings?q=joe", one):
        answer = await service.client.get(path, headers=reader)
        assert answer.status_code == 200
        assert "j…@contoso.example" in answer.text
        assert "joe@" not in answer.text
    assert "joe@" not in (await service.admin.get("/admin/mappings")).text
    assert await service.query("SELECT 1 FROM audit WHERE action = 'mapping.reveal'") == []
    assert (await service.admin.get(one)).json()["commerce_key"] == "joe@contoso.example"
    (row,) = await service.query("SELECT target FROM audit WHERE action = 'mapping.reveal'")
    assert row["target"] == "contact/j…@contoso.example"
