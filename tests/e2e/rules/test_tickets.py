"""E: which ticket an order goes on: chosen at checkout or here, else one of its own; in every
scenario the same."""

from __future__ import annotations

from typing import Any

import pytest

from app.sync.operations import Actor, Refusal
from tests.e2e.harness import Stack, bearer, running
from tests.e2e.orders import CABLE, DOCK, Order
from tests.e2e.rules.test_purchase_order_changes import decide
from tests.e2e.tickets import (
    B2,
    a_ticket,
    act,
    assign,
    choose,
    marked,
    on,
    plain,
    remote,
    tell,
    ticket,
    tickets,
)

pytestmark = pytest.mark.processes
OPPORTUNITY: dict[str, Any] = {}  # B1, the default
SCENARIOS = pytest.mark.parametrize("scenario", [OPPORTUNITY, B2], ids=["B1", "B2"])
READY = ("waiting", "LINE_NOT_ORDERED")


@SCENARIOS
async def test_e3_where_nothing_was_chosen_a_ticket_is_made(
    database_url: str, redis_url: str, scenario: Any
) -> None:
    order = Order(lines=[(CABLE, 5)], quote_id=None, not_chosen=())
    more = {"ticket_summary": "{number} for {customer} ({reference})", **scenario}
    async with running(database_url, redis_url, **more) as stack:
        await tell(stack, order.approved())
        told = await stack.until_state(order.number, *READY)
        (one,) = await tickets(stack)
        assert remote(told, "raise_ticket", "ticket") == [str(one["id"])]
        assert one["summary"] == "ON10001201 for Contoso Ltd (REF-1201)"
        assert one["board"]["name"] == "Procurement"
        assert one["externalXRef"] == "dl:default:1201:ticket"
        (note,) = await stack.get(f"/service/tickets/{one['id']}/notes")
        assert "5 x Product CABLE-2M" in note["text"]


@SCENARIOS
@pytest.mark.parametrize("entry_type", [1, 2], ids=["online", "internal"])
async def test_e1_e2_e5_an_open_ticket_that_was_chosen_is_used(
    database_url: str, redis_url: str, scenario: Any, entry_type: int
) -> None:
    order = plain((CABLE, 5), header={"entryType": entry_type})
    async with running(database_url, redis_url, **scenario) as stack:
        number = await a_ticket(stack)
        await tell(stack, choose(order, number).approved())
        told = await stack.until_state(order.number, *READY)
        assert remote(told, "raise_ticket", "ticket") == [str(number)]
        assert [one["id"] for one in await tickets(stack)] == [number]
        assert await on(stack, number) == ({"CABLE-2M": 5} if scenario else {})
        assert (await ticket(stack, number))["summary"] == "Monitors flicker"


async def test_e2_the_ticket_of_the_quote_counts_where_the_order_names_none(
    database_url: str, redis_url: str
) -> None:
    order = Order(lines=[(CABLE, 5)], not_chosen=())
    async with running(database_url, redis_url, **B2) as stack:
        number = await a_ticket(stack)
        quote = order.quote()
        quote["data"]["quote"]["connectwise"] |= {"ticketId": number, "ticketChoice": "existing"}
        await tell(stack, quote, order.approved())
        await stack.until_state(order.number, *READY)
        assert await on(stack, number) == {"CABLE-2M": 5}


async def test_e3_with_raise_ticket_chosen_only_a_chosen_ticket_counts(
    database_url: str, redis_url: str
) -> None:
    without, new = plain((CABLE, 1)), plain((CABLE, 1), id=1202)
    async with running(database_url, redis_url, raise_ticket="chosen") as stack:
        await tell(stack, without.approved(), choose(new, None, "new").approved())
        for order in (without, new):
            await stack.until_state(order.number, *READY)
        assert [one["externalXRef"] for one in await tickets(stack)] == ["dl:default:1202:ticket"]


async def test_e4_a_later_order_is_added_to_the_same_ticket_and_overwrites_nothing(
    database_url: str, redis_url: str
) -> None:
    """The ticket was released for the first; it waits again until both are complete."""
    first, second = plain((CABLE, 5)), plain((CABLE, 2), (DOCK, 1), id=1202)
    async with running(database_url, redis_url, **B2) as stack:
        number = await a_ticket(stack)
        desk = {"catalogItem": {"identifier": "DELL-P2425H"}, "ticket": {"id": number}}
        made = await stack.cw.post(
            "/procurement/products", json={**desk, "quantity": 1, "billableOption": "Billable"}
        )
        assert made.status_code == 201
        await tell(stack, choose(first, number).approved(), first.ordered(8891, [(CABLE, 5)]))
        await tell(stack, first.receipted(8891))
        await stack.until_state(first.number, "done")
        assert (await ticket(stack, number))["status"]["name"] == "Ready to invoice"
        await tell(stack, choose(second, number).approved())
        await stack.until_state(second.number, *READY)
        assert (await ticket(stack, number))["status"]["name"] == "New"
        assert await on(stack, number) == {"CABLE-2M": 7, "DELL-WD22TB4": 1, "DELL-P2425H": 1}
        await tell(stack, second.ordered(8892, [(CABLE, 2), (DOCK, 1)]), second.receipted(8892))
        await stack.until_state(second.number, "done")
        assert (await ticket(stack, number))["status"]["name"] == "Ready to invoice"
        assert len(await marked(stack, first)) == 1


async def test_e4_a_shared_ticket_is_released_when_every_order_on_it_is_complete(
    database_url: str, redis_url: str
) -> None:
    first, second = plain((CABLE, 5)), plain((DOCK, 1), id=1202)
    async with running(database_url, redis_url, **B2) as stack:
        number = await a_ticket(stack)
        await tell(stack, choose(first, number).approved(), choose(second, number).approved())
        for order in (first, second):
            await stack.until_state(order.number, *READY)
        await tell(stack, first.ordered(8891, [(CABLE, 5)]), first.receipted(8891))
        waiting = await stack.until_state(first.number, "waiting", "SHARED_NOT_READY")
        assert second.number in waiting["answer"]["sentence"]
        assert (await ticket(stack, number))["status"]["name"] == "New"
        await tell(stack, second.ordered(8892, [(DOCK, 1)]), second.receipted(8892))
        for order in (first, second):
            await stack.until_state(order.number, "done")
        assert (await ticket(stack, number))["status"]["name"] == "Ready to invoice"


@SCENARIOS
async def test_e4_instead_of_a_closed_ticket_a_new_one_is_made_and_says_why(
    database_url: str, redis_url: str, scenario: Any
) -> None:
    order = plain((CABLE, 5))
    async with running(database_url, redis_url, **scenario) as stack:
        number = await a_ticket(stack)
        await act(stack, "close_ticket", number)
        await tell(stack, choose(order, number).approved())
        told = await stack.until_state(order.number, *READY)
        (new,) = remote(told, "raise_ticket", "ticket")
        assert int(new) != number
        notes = [note["text"] for note in await stack.get(f"/service/tickets/{new}/notes")]
        assert any(f"Ticket {number}, which was chosen, is closed" in text for text in notes)


@pytest.mark.parametrize("way", ["new_ticket", "use", "reopened"])
async def test_e4_with_closed_ticket_hold_a_person_says_which(
    database_url: str, redis_url: str, way: str
) -> None:
    order = plain((CABLE, 5))
    more: dict[str, Any] = {**B2, "closed_ticket": "hold"}
    async with running(database_url, redis_url, **more) as stack:
        number, other = await a_ticket(stack), await a_ticket(stack)
        await act(stack, "close_ticket", number)
        await tell(stack, choose(order, number).approved())
        held = await stack.until_state(order.number, "held", "TICKET_CLOSED")
        assert f"use:{other}" in held["answer"]["choices"]
        assert held["answer"]["who"] == "sales"
        if way == "reopened":
            status = (await ticket(stack, other))["status"]["id"]
            change = {"op": "replace", "path": "status", "value": {"id": status}}
            await stack.cw.patch(f"/service/tickets/{number}", json=[change])
        choice = {"new_ticket": way, "use": f"use:{other}", "reopened": "look_again"}[way]
        await decide(stack, order.number, "TICKET_CLOSED", choice, order.number)
        told = await stack.until_state(order.number, *READY)
        (found,) = remote(told, "raise_ticket", "ticket")
        wanted = {"use": str(other), "reopened": str(number)}
        assert found == wanted.get(way, found)
        assert await on(stack, int(found)) == {"CABLE-2M": 5}


async def test_e4_a_merged_ticket_is_followed(database_url: str, redis_url: str) -> None:
    order = plain((CABLE, 5))
    async with running(database_url, redis_url, **B2) as stack:
        number, into = await a_ticket(stack), await a_ticket(stack)
        await act(stack, "merge_ticket", number, into=into)
        await tell(stack, choose(order, number).approved())
        await stack.until_state(order.number, *READY)
        assert await on(stack, into) == {"CABLE-2M": 5}


@SCENARIOS
async def test_e6_a_ticket_of_another_company_is_refused_with_the_customers_own(
    database_url: str, redis_url: str, scenario: Any
) -> None:
    order = plain((CABLE, 5))
    async with running(database_url, redis_url, **scenario) as stack:
        foreign, own = await a_ticket(stack, "Northwind"), await a_ticket(stack)
        await tell(stack, choose(order, foreign).approved())
        held = await stack.until_state(order.number, "held", "TICKET_OF_OTHER_COMPANY")
        assert {"new_ticket", f"use:{own}"} <= set(held["answer"]["choices"])
        assert f"use:{foreign}" not in held["answer"]["choices"]
        code = "TICKET_OF_OTHER_COMPANY"
        await decide(stack, order.number, code, f"use:{own}", order.number)
        told = await stack.until_state(order.number, *READY)
        assert remote(told, "raise_ticket", "ticket") == [str(own)]
        assert await on(stack, foreign) == {}


async def test_e6_only_open_tickets_of_the_customer_on_chosen_boards_are_listed(
    database_url: str, redis_url: str
) -> None:
    more: dict[str, Any] = {"connectwise_ticket_boards": "Procurement, Service Desk"}
    async with running(database_url, redis_url, worker=False, **more) as stack:
        wanted = await a_ticket(stack)
        closed, _ = await a_ticket(stack), await a_ticket(stack, "Northwind")
        await act(stack, "close_ticket", closed)
        place = {"location": {"name": "Head Office"}, "department": {"identifier": "Services"}}
        desk = await stack.cw.post("/service/boards", json={"name": "Help Desk", **place})
        board = desk.json()["id"]
        body = {"name": "New", "defaultFlag": True}
        await stack.cw.post(f"/service/boards/{board}/statuses", json=body)
        await a_ticket(stack, board={"id": board})
        assert await listed(stack, "CONTOSO") == [wanted]
        missing = await stack.client.get(
            "/admin/tickets", params={"customer": "77"}, headers=bearer()
        )
        assert (missing.status_code, missing.json()["code"]) == (404, "NOT_FOUND")
        mapping = {"kind": "company", "commerce_key": "77", "connectwise_key": "Contoso"}
        await stack.client.put("/admin/mappings", json=mapping, headers=bearer())
        assert await listed(stack, "77") == [wanted]


async def listed(stack: Stack, customer: str) -> list[int]:
    answer = await stack.client.get(
        "/admin/tickets", params={"customer": customer}, headers=bearer()
    )
    assert answer.status_code == 200, answer.text
    return [one["id"] for one in answer.json()["items"]]


async def test_e7_d16_an_order_is_put_on_another_ticket_and_its_products_move(
    database_url: str, redis_url: str
) -> None:
    order = plain((CABLE, 5), (DOCK, 1))
    async with running(database_url, redis_url, **B2) as stack:
        number = await a_ticket(stack)
        await tell(stack, order.approved(), order.ordered(8891, [(CABLE, 5), (DOCK, 1)]))
        await stack.until_state(order.number, "waiting", "GOODS_NOT_RECEIVED")
        before = {product["id"] for product in await marked(stack, order)}
        row = await stack.container.operations.find(Actor(1, "zoe"), order.number)
        offer = await stack.container.tickets.offered(row)
        own = int(remote(await stack.order(order.number), "raise_ticket", "ticket")[0])
        assert (offer.ticket, {one.id for one in offer.tickets}) == (own, {own, number})
        assert (await assign(stack, order, number))["status"] == 200

        async def moved() -> bool:
            return await on(stack, number) == {"CABLE-2M": 5, "DELL-WD22TB4": 1}

        await stack.until_true(moved)
        assert {product["id"] for product in await marked(stack, order)} == before
        await tell(stack, order.receipted(8891))
        await stack.until_state(order.number, "done")
        assert (await ticket(stack, number))["status"]["name"] == "Ready to invoice"
        refused = await assign(stack, order, None)
        assert (refused["status"], refused["reason"]) == (409, "CHANGED_AFTER_FREEZE")
        asked = len(await stack.requests())
        with pytest.raises(Refusal, match=f"{order.number} stays on ticket {number}") as offered:
            await stack.container.tickets.offered(row)
        assert offered.value.code == "TICKET_REFUSED"
        assert len(await stack.requests()) == asked


async def test_e7_linked_products_move_with_their_links(database_url: str, redis_url: str) -> None:
    order = plain((CABLE, 5))
    more: dict[str, Any] = {**B2, "purchase_order_timing": "on_issue"}
    async with running(database_url, redis_url, **more) as stack:
        number = await a_ticket(stack)
        await tell(stack, order.approved(), order.ordered(8891, [(CABLE, 5)]))
        await stack.until(order.number, lambda o: (o["lines"] or [{}])[0].get("linked") == "5")
        await tell(stack, choose(order, number).approved("sales_order.updated"))
        await stack.until(
            order.number, lambda o: remote(o, "raise_ticket", "ticket") == [str(number)]
        )
        await tell(stack, order.receipted(8891))
        told = await stack.until_state(order.number, "done")
        assert told["lines"][0]["received"] == "5"
        assert await on(stack, number) == {"CABLE-2M": 5}
        assert len(await stack.get("/procurement/purchaseorders")) == 1


async def test_e7_after_goods_came_the_ticket_is_for_a_person(
    database_url: str, redis_url: str
) -> None:
    order = plain((CABLE, 5))
    async with running(database_url, redis_url, **B2) as stack:
        number = await a_ticket(stack)
        await tell(stack, order.approved(), order.ordered(8891, [(CABLE, 5)]))
        await tell(stack, order.receipted(8891, {1: 2}))
        await stack.until(order.number, lambda o: (o["lines"] or [{}])[0].get("received") == "2")
        await tell(stack, choose(order, number).approved("sales_order.updated"))
        held = await stack.until_state(order.number, "held", "CHANGED_AFTER_FREEZE")
        assert f"ticket {number}" in held["answer"]["sentence"]
        await decide(stack, order.number, "CHANGED_AFTER_FREEZE", "keep_connectwise", order.number)
        await tell(stack, order.receipted(8891))
        await stack.until_state(order.number, "done")
        assert await on(stack, number) == {}


@pytest.mark.parametrize(
    ("company", "closed", "reason"),
    [("Northwind", False, "TICKET_OF_OTHER_COMPANY"), ("Contoso", True, "TICKET_CLOSED")],
)
async def test_d16_a_ticket_that_does_not_fit_is_refused_at_once(
    stack: Stack, company: str, closed: bool, reason: str
) -> None:
    order = plain((CABLE, 5))
    number, own = await a_ticket(stack, company), await a_ticket(stack)
    if closed:
        await act(stack, "close_ticket", number)
    await tell(stack, choose(order, own).approved())
    await stack.until_state(order.number, *READY)
    refused = await assign(stack, order, number)
    assert (refused["status"], refused["code"]) == (409, "TICKET_REFUSED")
    assert (refused["reason"], refused["choices"]) == (reason, [own])
    assert (await assign(stack, order, 999_999))["status"] == 404


async def test_d16_what_commerce_says_later_rules_again(stack: Stack) -> None:
    order = plain((CABLE, 5))
    first, second, third = [await a_ticket(stack) for _ in range(3)]
    await tell(stack, choose(order, first).approved())
    await stack.until_state(order.number, *READY)
    await assign(stack, order, second)
    await stack.until(order.number, lambda o: remote(o, "raise_ticket", "ticket") == [str(second)])
    await tell(stack, order.approved("sales_order.updated"))  # says the first one still
    await stack.until_state(order.number, *READY)
    assert remote(await stack.order(order.number), "raise_ticket", "ticket") == [str(second)]
    await tell(stack, choose(order, third).approved("sales_order.updated"))
    await stack.until(order.number, lambda o: remote(o, "raise_ticket", "ticket") == [str(third)])
