"""The admin REST over the real store: orders explained, events, mappings, settings, keys."""

from __future__ import annotations

import asyncio
import copy
import itertools
import json
from typing import Any

import pytest
from pydantic import SecretStr
from starlette.routing import Route

from app.api import admin_inbox, admin_orders, admin_replays, admin_setup, health
from app.api.examples import examples
from app.sync.contract_fields import schema
from tests.api.conftest import Service
from tests.api.doors import ADMIN_KEY, code_of, post, settings

READS = [
    "/admin/orders",
    "/admin/orders/ON10001201",
    "/admin/orders/ON10001201/journal",
    "/admin/orders/ON10001201/calls",
    "/admin/events",
    "/admin/mappings",
    "/admin/settings",
    "/admin/connections",
]


# --- keys -----------------------------------------------------------------------------------------


async def test_without_a_key_nothing_is_told(service: Service) -> None:
    keys: tuple[dict[str, str], ...] = (
        {},
        {"authorization": "Bearer wrong"},
        {"authorization": f"Basic {ADMIN_KEY}"},
    )
    for path, headers in itertools.product(READS, keys):
        answer = await service.client.get(path, headers=headers)
        assert answer.status_code == 401
        assert code_of(answer) == "UNAUTHENTICATED"
        assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_an_empty_first_key_lets_nobody_in(service: Service) -> None:
    empty = settings().model_copy(update={"admin_api_key": SecretStr("")})
    service.parts.settings = empty
    for value in ("Bearer ", "Bearer", "bearer  ", ""):
        answer = await service.client.get("/admin/orders", headers={"authorization": value})
        assert answer.status_code == 401


async def test_a_stored_key_reads_and_one_without_the_scope_does_not_change(
    service: Service,
) -> None:
    reader = await service.key("reader", ["read"])
    assert (await service.client.get("/admin/orders", headers=reader)).status_code == 200
    mapping = {"kind": "vendor", "commerce_key": "9", "connectwise_key": "INGRAM"}
    answer = await service.client.put("/admin/mappings", json=mapping, headers=reader)
    assert answer.status_code == 403
    assert code_of(answer) == "FORBIDDEN"
    assert "insufficient_scope" in answer.headers["www-authenticate"]
    writer = await service.key("writer", ["admin"])
    answer = await service.client.put("/admin/mappings", json=mapping, headers=writer)
    assert answer.status_code == 200
    assert answer.json()["updated_by"] == "writer"


async def test_a_withdrawn_key_is_refused(service: Service) -> None:
    reader = await service.key("reader", ["read"])
    await service.query("UPDATE api_key SET revoked_at = now()")
    assert (await service.client.get("/admin/orders", headers=reader)).status_code == 401


async def test_a_key_sees_its_tenant_only(service: Service) -> None:
    await service.tell("sales_order.approved")
    await service.query("INSERT INTO tenant (id, name) VALUES (2, 'other')")
    other = await service.key("other", ["admin"], tenant=2)
    assert (await service.client.get("/admin/orders", headers=other)).json()["items"] == []
    assert (await service.client.get("/admin/events", headers=other)).json()["items"] == []
    for path in ("/admin/orders/ON10001201", "/admin/events/1"):
        answer = await service.client.get(path, headers=other)
        assert answer.status_code == 404


# --- orders ---------------------------------------------------------------------------------------


async def test_an_order_is_explained_as_the_contract_says(service: Service) -> None:
    await service.tell("quote.won", "sales_order.approved", "purchase_order.approved")
    answer = await service.admin.get("/admin/orders/ON10001201")
    assert answer.status_code == 200
    order = answer.json()
    assert set(order) == {
        "number",
        "customer",
        "scenario",
        "state",
        "answer",
        "steps",
        "lines",
        "journal_url",
    }
    assert (order["number"], order["customer"]) == ("ON10001201", "Contoso Ltd")
    assert order["journal_url"] == "/admin/orders/ON10001201/journal"
    assert set(order["answer"]) >= {"code", "sentence", "who", "since", "next_look"}
    names = [step["step"] for step in order["steps"]]
    assert "win_opportunity" in names
    assert set(order["steps"][0]) == {
        "step",
        "subject",
        "state",
        "code",
        "sentence",
        "attempts",
        "started_at",
        "finished_at",
        "remote",
    }
    assert [line["ordered"] for line in order["lines"]] == ["10", "3", "1"]
    assert set(order["lines"][0]) == {
        "line",
        "title",
        "ordered",
        "on_purchase_orders",
        "received",
        "linked",
        "shipped",
        "invoiceable",
        "invoiced",
    }


async def test_an_order_of_which_only_the_id_is_known_is_addressed_by_it(service: Service) -> None:
    await service.tell("purchase_order.approved")
    (summary,) = (await service.admin.get("/admin/orders")).json()["items"]
    assert summary["number"] == "id:1201"
    order = (await service.admin.get("/admin/orders/id:1201")).json()
    assert order["number"] == "id:1201"
    assert order["answer"]["code"] == "SALES_ORDER_UNKNOWN"
    await service.tell("sales_order.approved")
    assert (await service.admin.get("/admin/orders/id:1201")).json()["number"] == "ON10001201"


async def test_an_unknown_order_is_not_found_and_says_how_to_ask(service: Service) -> None:
    for path in ("", "/journal", "/calls"):
        answer = await service.admin.get(f"/admin/orders/ON1{path}")
        assert answer.status_code == 404
        assert code_of(answer) == "NOT_FOUND"
        assert "id:1201" in answer.json()["detail"]


async def test_a_number_that_two_connections_know_asks_which_one(service: Service) -> None:
    await service.tell("sales_order.approved")
    await service.query(
        "INSERT INTO connection (tenant_id, kind, name) VALUES (1, 'commerce', 'second')"
    )
    await service.query(
        "INSERT INTO orders (tenant_id, connection_id, source_id, number) "
        "SELECT 1, id, '77', 'ON10001201' FROM connection WHERE name = 'second'"
    )
    answer = await service.admin.get("/admin/orders/ON10001201")
    assert answer.status_code == 409
    assert code_of(answer) == "NUMBER_AMBIGUOUS"
    assert answer.json()["connections"] == ["default", "second"]
    chosen = await service.admin.get("/admin/orders/ON10001201?connection=default")
    assert chosen.status_code == 200
    assert chosen.json()["customer"] == "Contoso Ltd"


async def test_a_number_with_a_slash_is_an_address_like_any_other(service: Service) -> None:
    body = copy.deepcopy(examples()["sales_order.approved"])
    body["data"]["salesOrder"]["orderNumber"] = "ON/12 01?#"
    assert (await post(service.client, body)).status_code == 202
    await service.merge()
    (summary,) = (await service.admin.get("/admin/orders")).json()["items"]
    order = (await service.admin.get(summary["url"])).json()
    assert order["number"] == "ON/12 01?#"
    assert (await service.admin.get(order["journal_url"])).status_code == 200


async def several(service: Service, count: int) -> None:
    for number in range(count):
        body = copy.deepcopy(examples()["sales_order.approved"])
        body["data"]["salesOrder"]["id"] = 2000 + number
        body["data"]["salesOrder"]["orderNumber"] = f"ON{2000 + number}"
        answer = await post(service.client, body, webhook_id=f"msg_{number}")
        assert answer.status_code == 202
    await service.merge()


async def test_lists_are_read_to_their_end_by_cursor(service: Service) -> None:
    await several(service, 5)
    seen: list[str] = []
    path = "/admin/orders?limit=2"
    for _ in range(3):
        answer = await service.admin.get(path)
        page = answer.json()
        seen += [item["number"] for item in page["items"]]
        if page["next"] is None:
            assert "link" not in answer.headers
            break
        link = answer.headers["link"]
        assert link.endswith('; rel="next"')
        path = link.partition(">")[0].removeprefix("<")
    assert sorted(seen) == [f"ON{number}" for number in range(2000, 2005)]


async def test_a_list_is_filtered(service: Service) -> None:
    await several(service, 3)
    found = (await service.admin.get("/admin/orders?number=ON2001")).json()["items"]
    assert [item["number"] for item in found] == ["ON2001"]
    assert (await service.admin.get("/admin/orders?state=done")).json()["items"] == []
    assert (await service.admin.get("/admin/orders?code=POISON&who=sales")).json()["items"] == []


async def test_a_wrong_filter_is_named(service: Service) -> None:
    for query in (
        "state=nowhere",
        "code=NONE",
        "who=me",
        "limit=0",
        "limit=x",
        "cursor=%00",
        "cursor=x",
    ):
        answer = await service.admin.get(f"/admin/orders?{query}")
        assert answer.status_code == 422
        assert code_of(answer) == "REQUEST_NOT_VALID"
        assert query.partition("=")[0] in answer.json()["detail"]


async def test_journal_and_calls_are_told_from_the_beginning(service: Service) -> None:
    await service.tell("sales_order.approved")
    await service.query(
        "INSERT INTO journal_event (tenant_id, order_id, code, sentence, actor) "
        "SELECT 1, id, told, 'told', 'service' FROM orders, unnest(ARRAY['A', 'B']) AS told"
    )
    await service.query(
        "INSERT INTO call (tenant_id, order_id, system, method, path, query, milliseconds, "
        "purpose, status) SELECT 1, id, 'connectwise', 'GET', '/x', '', 1.5, 'step', 200 "
        "FROM orders"
    )
    told = (await service.admin.get("/admin/orders/ON10001201/journal")).json()["items"]
    assert [entry["code"] for entry in told if entry["sentence"] == "told"] == ["A", "B"]
    (call,) = (await service.admin.get("/admin/orders/ON10001201/calls")).json()["items"]
    assert (call["method"], call["path"], call["status"]) == ("GET", "/x", 200)


# --- events ---------------------------------------------------------------------------------------


async def test_events_are_listed_with_what_became_of_them(service: Service) -> None:
    await service.tell("sales_order.approved", "purchase_order.approved")
    await post(service.client, b"no", webhook_id="bad")
    events = (await service.admin.get("/admin/events")).json()["items"]
    assert [event["status"] for event in events] == ["rejected", "merged", "merged"]
    assert events[0]["remedy"]
    assert events[1]["orders"] == ["ON10001201"]
    rejected = (await service.admin.get("/admin/events?status=rejected")).json()["items"]
    assert [event["code"] for event in rejected] == ["BODY_NOT_JSON"]
    assert (await service.admin.get("/admin/events?source=connectwise")).json()["items"] == []


async def test_an_events_body_is_shown_without_personal_data(service: Service) -> None:
    await service.tell("sales_order.approved")
    (event,) = (await service.admin.get("/admin/events")).json()["items"]
    answer = await service.admin.get(f"/admin/events/{event['id']}")
    shown = answer.json()["body"]["data"]["salesOrder"]
    assert shown["orderNumber"] == "ON10001201"
    assert shown["lines"][0]["price"] == 239
    for secret in ("dana.lee@contoso.example", "Dana", "sales@msp.example"):
        assert secret not in answer.text


async def test_an_unknown_event_is_not_found(service: Service) -> None:
    assert code_of(await service.admin.get("/admin/events/999")) == "NOT_FOUND"
    for wrong in ("0", "x", str(2**63)):
        assert (await service.admin.get(f"/admin/events/{wrong}")).status_code == 422


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


async def test_with_a_worker_alive_it_is_ready(service: Service) -> None:
    async with service.store.join():
        answer = await service.client.get("/readyz")
        assert answer.status_code == 200, answer.text
        assert answer.json()["ready"] is True


async def test_migrations_that_are_not_at_head_are_named(service: Service) -> None:
    await service.query("UPDATE alembic_version SET version_num = 'older'")
    async with service.store.join():
        checks = (await service.client.get("/readyz")).json()["checks"]
    assert [name for name, check in checks.items() if not check["ok"]] == ["migrations"]


async def test_the_document_describes_every_route_and_every_event(service: Service) -> None:
    document = (await service.client.get("/openapi.json")).json()
    assert document["openapi"].startswith("3.1")
    modules = (admin_orders, admin_inbox, admin_setup, admin_replays, health)
    served: list[Any] = [route for module in modules for route in module.router.routes]
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
