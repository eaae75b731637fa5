"""The admin REST for what an operator sets up, health, and the document that describes it all."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from starlette.routing import Route

from app.api import (
    admin_alerts,
    admin_decisions,
    admin_desk,
    admin_doctor,
    admin_drift,
    admin_foresight,
    admin_inbox,
    admin_orders,
    admin_replays,
    admin_retention,
    admin_reveals,
    admin_search,
    admin_setup,
    admin_tickets,
    health,
    sign_in,
)
from app.sync.contract_fields import schema
from tests.api.conftest import Service
from tests.api.doors import ADMIN_KEY, code_of

# --- mappings -------------------------------------------------------------------------------------


async def test_a_mapping_is_added_changed_and_removed(service: Service) -> None:
    mapping = {"kind": "vendor", "commerce_key": "9", "connectwise_key": "INGRAM"}
    added = (await service.admin.put("/admin/mappings", json=mapping)).json()
    assert added["updated_by"] == "admin"
    again = await service.admin.put("/admin/mappings", json={**mapping, "connectwise_key": "X"})
    assert again.json()["id"] == added["id"]
    path = f"/admin/mappings/{added['id']}"
    changed = (await service.admin.put(path, json={"connectwise_key": "SYNNEX"})).json()
    assert changed["connectwise_key"] == "SYNNEX"
    assert (changed.pop("resumed"), changed.pop("looking")) == ([], [])
    assert (await service.admin.get(path)).json() == changed
    assert (await service.admin.get("/admin/mappings?kind=vendor")).json()["items"] == [changed]
    assert (await service.admin.get("/admin/mappings?kind=company")).json()["items"] == []
    assert (await service.admin.delete(path)).status_code == 204
    assert code_of(await service.admin.delete(path)) == "NOT_FOUND"
    assert [row["action"] for row in await service.query("SELECT action FROM audit")].count(
        "mapping.put"
    ) == 3


async def test_a_mapping_wakes_what_waits_for_it(service: Service) -> None:
    await service.tell("sales_order.approved")
    await service.query("UPDATE orders SET state = 'held', code = 'MAPPING_MISSING', due_at = NULL")
    mapping = {"kind": "company", "commerce_key": "77", "connectwise_key": "Contoso"}
    await service.admin.put("/admin/mappings", json=mapping)
    (order,) = await service.query("SELECT due_at <= now() AS due FROM orders")
    assert order["due"]


async def test_people_are_mapped_by_address_in_any_case_and_by_number(service: Service) -> None:
    mapping = {"kind": "member", "commerce_key": " Sales@MSP.example ", "connectwise_key": "12"}
    kept = (await service.admin.put("/admin/mappings", json=mapping)).json()
    assert kept["commerce_key"] == "sales@msp.example"
    wrong = await service.admin.put("/admin/mappings", json={**mapping, "connectwise_key": "Zoe"})
    assert wrong.status_code == 422


async def test_a_wrong_mapping_is_refused(service: Service) -> None:
    wrongs: list[dict[str, Any]] = [
        {"kind": "verdor"},
        {"commerce_key": " "},
        {"connectwise_key": ""},
        {"connectwise_key": "x" * 201},
        {"commerce_key": "a\x00"},
        {"commerce_key": 9},
        {"more": "fields"},
    ]
    for wrong in wrongs:
        mapping = {"kind": "vendor", "commerce_key": "9", "connectwise_key": "INGRAM"}
        answer = await service.admin.put("/admin/mappings", json={**mapping, **wrong})
        assert answer.status_code == 422
        assert code_of(answer) == "REQUEST_NOT_VALID"


# --- settings and connections ---------------------------------------------------------------------


def by_name(answer: Any) -> dict[str, dict[str, Any]]:
    return {item["name"]: item for item in answer.json()["items"]}


async def test_settings_say_where_they_come_from_and_tell_no_secret(service: Service) -> None:
    answer = await service.admin.get("/admin/settings")
    found = by_name(answer)
    assert found["ADMIN_API_KEY"]["value"] == "set"
    assert found["ADMIN_API_KEY"]["shown"] == "from environment"
    assert found["ADMIN_API_KEY"]["read_only"] is True
    assert found["CONNECTWISE_PRIVATE_KEY"]["value"] == ""
    assert (found["READ_LAG"]["source"], found["READ_LAG"]["value"]) == ("default", 3.0)
    assert ADMIN_KEY not in answer.text


async def test_a_changed_setting_comes_from_the_database(service: Service) -> None:
    changes = {"INVOICE_POLICY": "shipped_only", "rounding_limit": "0.10"}
    found = by_name(await service.admin.patch("/admin/settings", json=changes))
    assert found["INVOICE_POLICY"]["value"] == "shipped_only"
    assert found["INVOICE_POLICY"]["source"] == "database"
    assert found["ROUNDING_LIMIT"]["value"] == "0.10"
    assert by_name(await service.admin.get("/admin/settings")) == found


@pytest.mark.parametrize(
    ("changes", "code", "named"),
    [
        ({"INVOICE_POLICY": "some_goods"}, "REQUEST_NOT_VALID", "INVOICE_POLICY"),
        ({"READ_LAG": -1}, "REQUEST_NOT_VALID", "READ_LAG"),
        ({"SCENARIO": "none-such"}, "REQUEST_NOT_VALID", "SCENARIO"),
        ({"INVOICE_FROM": "ticket"}, "REQUEST_NOT_VALID", "invoice_from = opportunity"),
        (
            {
                "SALES_ORDER_CREATION": "wait_for_person",
                "OPPORTUNITY_MISSING": "plain_sales_order",
            },
            "REQUEST_NOT_VALID",
            "sales_order_creation",
        ),
        ({"NO_SUCH": 1}, "REQUEST_NOT_VALID", "NO_SUCH"),
        ({"CONNECTWISE_URL": "https://evil.example"}, "SETTING_READ_ONLY", "CONNECTWISE_URL"),
        ({"ADMIN_API_KEY": "mine"}, "SETTING_READ_ONLY", "ADMIN_API_KEY"),
    ],
)
async def test_a_setting_that_cannot_be_is_refused_whole(
    service: Service, changes: dict[str, Any], code: str, named: str
) -> None:
    answer = await service.admin.patch("/admin/settings", json={"READ_LAG": 9, **changes})
    assert answer.status_code == 422
    assert code_of(answer) == code
    assert named in answer.json()["detail"]
    assert by_name(await service.admin.get("/admin/settings"))["READ_LAG"]["value"] == 3.0


async def test_connections_are_shown_without_credentials(service: Service) -> None:
    await service.query(
        "UPDATE connection SET paused = true, pause_code = 'RATE_LIMITED', paused_by = 'service',"
        " pause_sentence = 'asked for', paused_until = now() + interval '1 hour', "
        "credentials = 'secret' WHERE kind = 'connectwise'"
    )
    answer = await service.admin.get("/admin/connections")
    found = {item["system"]: item for item in answer.json()["items"]}
    assert found["commerce"]["state"] == "open"
    assert found["connectwise"]["state"] == "paused"
    assert found["connectwise"]["code"] == "RATE_LIMITED"
    assert "secret" not in answer.text


# --- health and the document ----------------------------------------------------------------------


async def test_ready_names_what_is_missing(service: Service) -> None:
    answer = await service.client.get("/readyz")
    assert answer.status_code == 503
    checks = answer.json()["checks"]
    assert [name for name, check in checks.items() if not check["ok"]] == ["worker"]

    async def no() -> bool:
        return False

    service.parts.queue_alive = no
    checks = (await service.client.get("/readyz")).json()["checks"]
    assert [name for name, check in checks.items() if not check["ok"]] == ["redis", "worker"]


async def test_deliveries_may_be_sent_here_without_redis_and_without_a_worker(
    service: Service,
) -> None:
    async def no() -> bool:
        return False

    service.parts.queue_alive = no
    answer = await service.client.get("/readyz?of=intake")
    assert (answer.status_code, answer.json()["ready"]) == (200, True)
    assert not answer.json()["checks"]["redis"]["ok"]
    await service.query("UPDATE alembic_version SET version_num = '0001'")
    assert (await service.client.get("/readyz?of=intake")).status_code == 503
    assert (await service.client.get("/readyz?of=tea")).status_code == 422


async def test_with_a_worker_alive_it_is_ready(service: Service) -> None:
    async with service.store.join():
        answer = await service.client.get("/readyz")
        assert answer.status_code == 200, answer.text
        assert answer.json()["ready"] is True


async def test_migrations_that_are_not_at_head_are_named(service: Service) -> None:
    await service.query("UPDATE alembic_version SET version_num = '0001'")
    async with service.store.join():
        checks = (await service.client.get("/readyz")).json()["checks"]
        await service.query("UPDATE alembic_version SET version_num = '9999'")
        ahead = (await service.client.get("/readyz")).json()["checks"]["migrations"]
    assert [name for name, check in checks.items() if not check["ok"]] == ["migrations"]
    assert ahead["ok"], "the next release has expanded the schema: this one goes on"


async def test_the_document_describes_every_route_and_every_event(service: Service) -> None:
    document = (await service.client.get("/openapi.json")).json()
    assert document["openapi"].startswith("3.1")
    modules = (
        admin_orders,
        admin_decisions,
        admin_tickets,
        admin_inbox,
        admin_setup,
        admin_replays,
        admin_reveals,
        admin_foresight,
        admin_drift,
        admin_search,
        admin_doctor,
        admin_alerts,
        admin_desk,
        admin_retention,
        admin_reveals,
        health,
    )
    served: list[Any] = [route for module in modules for route in module.router.routes]
    served += [*sign_in.router.routes, *sign_in.back.routes]
    served += [route for route in service.app.routes if isinstance(route, Route)]
    routes = {route.path.replace(":path", "") for route in served} - {"/openapi.json"}
    assert routes == set(document["paths"])
    listed = schema()["oneOf"]
    assert set(document["webhooks"]) == {
        name for branch in listed for name in branch["properties"]["type"]["enum"]
    }
    operations = [
        operation for methods in document["paths"].values() for operation in methods.values()
    ]
    ids = [operation["operationId"] for operation in operations]
    assert len(ids) == len(set(ids))
    text = json.dumps(document)
    for reference in {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}:
        assert reference in document["components"]["schemas"]


async def test_no_page_loads_anything_from_another_host(service: Service) -> None:
    for path in ("/docs", "/redoc"):
        assert (await service.client.get(path)).status_code == 404


async def test_the_document_is_a_valid_one(service: Service) -> None:
    from openapi_spec_validator import validate

    document = (await service.client.get("/openapi.json")).json()
    await asyncio.to_thread(validate, document)
