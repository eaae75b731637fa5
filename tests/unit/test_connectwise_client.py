"""The client one call at a time: addresses, headers, paging, conditions and the call log."""

from __future__ import annotations

import json
from decimal import Decimal

import httpx
import pytest

from app.connectors.transport import Calling, calling
from app.domain import psa
from app.domain.errors import FailureKind, RemoteFailure
from app.domain.records import CallRecord
from tests.unit.connectwise_stub import asked, client_of, router


async def refused_with(kind: FailureKind, call) -> RemoteFailure:
    with pytest.raises(RemoteFailure) as caught:
        await call
    assert caught.value.kind is kind
    return caught.value


# --- who calls, and where -------------------------------------------------------------------------


async def test_every_request_carries_the_credentials_and_the_pinned_version() -> None:
    answers = router()
    route = answers.get("/sales/opportunities/88").respond(json={"id": 88, "name": "Monitors"})
    await client_of(answers).opportunity(88)
    headers = route.calls.last.request.headers
    # company+public:private
    assert headers["Authorization"] == "Basic ZHVuZGVyK3B1YmxpYzpwcml2YXRl"
    assert headers["clientId"] == "00000000-0000-0000-0000-000000000001"
    assert headers["Accept"] == "application/vnd.connectwise.com+json; version=2025.1"


async def test_numbers_leave_and_arrive_without_loss() -> None:
    answers = router()
    route = answers.post("/procurement/products").respond(
        201,
        text='{"id":1,"catalogItem":{"id":2},"quantity":3,"price":180.55,"cost":0.1,'
        '"integrationXRef":"dl:1"}',
    )
    new = psa.NewProduct(
        catalog_item_id=2,
        quantity=Decimal("3.0"),
        price=Decimal("180.55"),
        cost=Decimal("0.1"),
        xref="dl:1",
        description="Dell",
        opportunity_id=88,
    )
    product = await client_of(answers).create_product(new)
    body = route.calls.last.request.content.decode()
    assert '"quantity":3,' in body
    assert '"price":180.55,' in body
    assert '"cost":0.1,' in body
    assert product.price == Decimal("180.55")
    assert product.cost == Decimal("0.1")


async def test_a_twice_written_key_in_an_answer_is_tolerated() -> None:
    answers = router()
    answers.get("/sales/opportunities/88").respond(text='{"id":88,"name":"a","name":"b"}')
    assert (await client_of(answers).opportunity(88)).name == "b"


# --- lists ----------------------------------------------------------------------------------------


def page(first: int, count: int) -> list[dict[str, object]]:
    return [{"id": number, "name": f"status {number}"} for number in range(first, first + count)]


async def test_lists_are_read_to_their_end_with_page_numbers_on_our_own_host() -> None:
    answers = router()
    elsewhere = '<https://evil.example/next?page=2>; rel="next"'
    route = answers.get("/sales/orders/statuses").mock(
        side_effect=[
            httpx.Response(200, json=page(1, 1000), headers={"Link": elsewhere}),
            httpx.Response(200, json=page(1001, 1000)),
            httpx.Response(200, json=page(2001, 3)),
        ]
    )
    records = await client_of(answers).set_up(psa.Setup.SALES_ORDER_STATUS)
    assert [record.id for record in records] == list(range(1, 2004))
    assert [asked(call)["page"] for call in route.calls] == ["1", "2", "3"]
    assert {asked(call)["pageSize"] for call in route.calls} == {"1000"}
    assert {asked(call)["orderBy"] for call in route.calls} == {"id asc"}
    assert {call.request.url.host for call in route.calls} == {"api-na.myconnectwise.net"}


async def test_a_server_with_smaller_pages_is_followed_by_its_link_header() -> None:
    answers = router()
    more = {"Link": '<https://na.myconnectwise.net/x?page=2>; rel="next"'}
    route = answers.get("/sales/orders/statuses").mock(
        side_effect=[
            httpx.Response(200, json=page(1, 25), headers=more),
            httpx.Response(200, json=page(26, 2)),
        ]
    )
    assert len(await client_of(answers).set_up(psa.Setup.SALES_ORDER_STATUS)) == 27
    assert route.call_count == 2


async def test_a_record_that_moved_between_two_pages_is_counted_once() -> None:
    answers = router()
    answers.get("/sales/orders/statuses").mock(
        side_effect=[
            httpx.Response(200, json=page(1, 1000)),
            httpx.Response(200, json=page(1000, 2)),
        ]
    )
    assert len(await client_of(answers).set_up(psa.Setup.SALES_ORDER_STATUS)) == 1001


async def test_a_server_that_does_not_page_ends_the_reading() -> None:
    answers = router()
    route = answers.get("/sales/orders/statuses").respond(json=page(1, 1000))
    assert len(await client_of(answers).set_up(psa.Setup.SALES_ORDER_STATUS)) == 1000
    assert route.call_count == 2


async def test_the_newest_opportunities_are_one_page_of_a_hundred() -> None:
    answers = router()
    rows = [{"id": number} for number in range(200, 100, -1)]
    route = answers.get("/sales/opportunities").respond(json=rows)
    found = await client_of(answers).opportunities_of(250)
    assert len(found) == 100
    assert route.call_count == 1
    assert asked(route.calls.last) == {
        "conditions": "company/id=250",
        "orderBy": "id desc",
        "pageSize": "100",
        "page": "1",
    }


async def test_blanks_and_quotes_are_percent_encoded_in_the_address() -> None:
    answers = router()
    route = answers.get("/company/companies").respond(json=[])
    await client_of(answers).company("Contoso Ltd")
    assert b"conditions=identifier%3D%22Contoso%20Ltd%22&" in route.calls.last.request.url.query


async def test_long_lists_of_ids_are_asked_in_pieces() -> None:
    answers = router()
    route = answers.get("/procurement/products").respond(json=[])
    await client_of(answers).products(range(1, 251))
    assert route.call_count == 3
    assert all(len(str(call.request.url)) < 2_000 for call in route.calls)


async def test_no_ids_cost_no_call() -> None:
    answers = router()
    assert await client_of(answers).products([]) == []
    assert await client_of(answers).demand_links([]) == []
    assert await client_of(answers).catalog_items([]) == []


async def test_inactive_records_are_left_out_of_the_set_up() -> None:
    answers = router()
    answers.get("/procurement/subcategories").respond(
        json=[{"id": 1, "name": "Old", "inactiveFlag": True}, {"id": 2, "name": "Hardware"}]
    )
    records = await client_of(answers).set_up(psa.Setup.PRODUCT_SUBCATEGORY)
    assert [record.name for record in records] == ["Hardware"]


# --- free text never reaches a condition ----------------------------------------------------------


async def test_safe_identifiers_are_asked_for_at_once() -> None:
    answers = router()
    route = answers.get("/procurement/catalog").respond(
        json=[{"id": 1, "identifier": "DELL-P2425H"}, {"id": 2, "identifier": "CAB-1"}]
    )
    found = await client_of(answers).catalog_items(["DELL-P2425H", "CAB-1", "CAB-1"])
    assert {item.id for item in found} == {1, 2}
    assert route.call_count == 1
    assert asked(route.calls.last)["conditions"] == 'identifier in ("CAB-1","DELL-P2425H")'


async def test_an_unsafe_identifier_is_found_in_a_superset_by_its_safe_part() -> None:
    answers = router()
    route = answers.get("/procurement/catalog").respond(
        json=[
            {"id": 1, "identifier": 'MON-24" (black)'},
            {"id": 2, "identifier": 'MON-24" (white)'},
        ]
    )
    found = await client_of(answers).catalog_items(['MON-24" (white)'])
    assert [item.id for item in found] == [2]
    assert asked(route.calls.last)["conditions"] == 'identifier like "*MON-24*"'


async def test_an_identifier_without_any_safe_character_is_found_in_the_whole_catalog() -> None:
    answers = router()
    route = answers.get("/procurement/catalog").respond(json=[{"id": 1, "identifier": "显示器"}])
    assert [item.id for item in await client_of(answers).catalog_items(["显示器"])] == [1]
    assert "conditions" not in asked(route.calls.last)


async def test_an_identifier_is_the_same_in_another_case() -> None:
    answers = router()
    answers.get("/procurement/catalog").respond(json=[{"id": 1, "identifier": "Dell-P2425H"}])
    (found,) = await client_of(answers).catalog_items(["DELL-P2425H"])
    assert found.identifier == "Dell-P2425H"


async def test_of_two_identifiers_that_differ_in_case_the_exact_one_is_given() -> None:
    answers = router()
    answers.get("/procurement/catalog").respond(
        json=[{"id": 1, "identifier": "Dell-1"}, {"id": 2, "identifier": "DELL-1"}]
    )
    assert [item.id for item in await client_of(answers).catalog_items(["DELL-1"])] == [2]


async def test_a3_identifiers_and_part_numbers_are_asked_for_in_one_call() -> None:
    answers = router()
    route = answers.get("/procurement/catalog").respond(
        json=[
            {"id": 1, "identifier": "DELL-1", "manufacturerPartNumber": "P-9"},
            {
                "id": 2,
                "identifier": "OTHER",
                "manufacturer": {"id": 7, "name": "Dell"},
                "manufacturerPartNumber": "p-1 ",
                "inactiveFlag": True,
            },
        ]
    )
    found = await client_of(answers).catalog_items(["DELL-1"], ["P-1"])
    assert {(item.id, item.part_number, item.manufacturer) for item in found} == {
        (1, "P-9", ""),
        (2, "p-1", "Dell"),
    }
    assert [item.inactive for item in found] == [False, True]
    assert route.call_count == 1
    asked_for = asked(route.calls.last)["conditions"]
    assert asked_for == '(identifier in ("DELL-1") or manufacturerPartNumber in ("P-1"))'


async def test_a3_a_part_number_that_is_no_safe_text_never_reaches_a_condition() -> None:
    answers = router()
    route = answers.get("/procurement/catalog").respond(
        json=[{"id": 3, "identifier": "X", "manufacturerPartNumber": 'P" or id > 0'}]
    )
    found = await client_of(answers).catalog_items(["DELL-1"], ['P" or id > 0'])
    assert [item.id for item in found] == [3]
    asked_for = asked(route.calls.last)["conditions"]
    assert asked_for == ('(identifier in ("DELL-1") or manufacturerPartNumber like "*or id*")')


async def test_a3_too_many_part_numbers_for_one_address_are_asked_for_apart() -> None:
    answers = router()
    route = answers.get("/procurement/catalog").respond(json=[])
    numbers = [f"a-number-that-is-long-{n:03}" for n in range(40)]
    assert await client_of(answers).catalog_items(numbers, [f"P-{n}" for n in numbers]) == []
    assert route.call_count == 2
    assert all(len(str(call.request.url)) < 2000 for call in route.calls)


async def test_a_company_is_found_by_its_exact_identifier_only() -> None:
    answers = router()
    route = answers.get("/company/companies").respond(
        json=[
            {"id": 1, "identifier": "O'Brien & Co 2"},
            {"id": 2, "identifier": "O'Brien & Co", "deletedFlag": True},
            {"id": 3, "identifier": "o'brien & co", "defaultContact": {"id": 9}},
        ]
    )
    company = await client_of(answers).company("O'Brien & Co")
    assert company is not None
    assert (company.id, company.default_contact_id) == (3, 9)
    assert asked(route.calls.last)["conditions"] == 'identifier like "*Brien*"'


async def test_an_empty_company_identifier_is_nobody() -> None:
    assert await client_of(router()).company("  ") is None


async def test_a_company_that_does_not_exist_is_none() -> None:
    answers = router()
    answers.get("/company/companies/7").respond(404, json={"code": "NotFound", "message": "gone"})
    answers.get("/system/info").respond(json={"version": "v2025.1"})
    assert await client_of(answers).company_by_id(7) is None


# --- the call log ---------------------------------------------------------------------------------


async def test_calls_for_set_up_are_counted_apart() -> None:
    answers = router()
    answers.get("/system/members").respond(json=[])
    answers.get("/sales/opportunities/88").respond(json={"id": 88})
    records: list[CallRecord] = []
    token = calling.set(Calling("win_opportunity", "ON1", record=records.append))
    client = client_of(answers)
    await client.members()
    await client.opportunity(88)
    calling.reset(token)
    assert [call.purpose for call in records] == ["reference", "step"]
    assert {call.step for call in records} == {"win_opportunity"}


async def test_the_log_keeps_no_names_of_people() -> None:
    answers = router()
    answers.get("/system/members").respond(
        json=[{"id": 1, "identifier": "psmith", "officeEmail": "p@x.example"}]
    )
    answers.get("/company/contacts").respond(
        json=[{"id": 1, "communicationItems": [{"value": "q@y.example"}], "name": "Q"}]
    )
    records: list[CallRecord] = []
    client = client_of(answers, on_call=records.append)
    assert (await client.members())[0].emails == ("p@x.example",)
    assert (await client.contacts(250))[0].emails == ("q@y.example",)
    kept = json.dumps([call.response for call in records])
    for name in ("psmith", "p@x.example", "q@y.example", '"Q"'):
        assert name not in kept
    assert "Authorization" not in repr(records)
