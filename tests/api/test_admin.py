"""The admin REST over the real store: orders explained, events, mappings, settings, keys."""

from __future__ import annotations

import copy
import itertools

from pydantic import SecretStr

from app.api.examples import examples
from app.domain.codes import Code
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
        "flags",
        "journal_url",
        "drift_url",
        "readiness",
        "trace_id",
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


async def test_h10_a_poisoned_order_says_so_and_goes_on_when_a_person_decides(
    service: Service,
) -> None:
    await service.tell("sales_order.approved")
    await service.query(
        "UPDATE orders SET state = 'parked', code = 'POISON', who = 'operator', due_at = NULL, "
        "sentence = 'The order ended its worker several times.', claims_without_progress = 5"
    )
    order = (await service.admin.get("/admin/orders/ON10001201")).json()
    assert (order["state"], order["answer"]["code"]) == ("parked", "POISON")
    assert order["answer"]["choices"] == ["look_again"]
    assert order["steps"]
    decision = {"code": "POISON", "choice": "look_again", "reason": "the release mends it"}
    answer = await service.admin.post("/admin/orders/ON10001201/decide", json=decision)
    assert answer.status_code == 200, answer.text
    assert answer.json()["answer"]["code"] != "POISON"
    (row,) = await service.query("SELECT code, due_at <= now() AS due FROM orders")
    assert (row["code"], row["due"]) == (None, True)


async def test_h10_an_order_that_cannot_be_read_still_shows_its_last_answer(
    service: Service,
) -> None:
    await service.tell("sales_order.approved")
    await service.query(
        "UPDATE orders SET state = 'parked', code = 'POISON', who = 'operator', sentence = 'It.'"
    )
    await service.query("UPDATE document SET own = '{}', extras = '{}'")
    order = (await service.admin.get("/admin/orders/ON10001201")).json()
    assert (order["state"], order["answer"]["sentence"], order["steps"]) == ("parked", "It.", [])
    path = "/admin/orders/ON10001201/decide"
    other = {"code": "MAPPING_MISSING", "choice": "skip", "reason": "why"}
    refused = await service.admin.post(path, json=other)
    assert code_of(refused) == "DECISION_NOT_OPEN"
    decision = {"code": "POISON", "choice": "look_again", "reason": "mended"}
    assert (await service.admin.post(path, json=decision)).status_code == 200


async def test_refused_requests_are_listed_by_pages_and_by_their_door(service: Service) -> None:
    for door in ("commerce", "connectwise", "commerce", "commerce"):
        await service.parts.store.note_unverified(door, Code.SIGNATURE_REFUSED, "no", b"{}")
    listed, path = [], "/admin/events?status=unverified&source=commerce&limit=2"
    while path:
        answer = await service.admin.get(path)
        listed += answer.json()["items"]
        path = answer.links.get("next", {}).get("url", "")
    assert [one["source"] for one in listed] == ["commerce"] * 3
    assert (await service.admin.get("/admin/events?status=unverified&source=x")).status_code == 422
