"""B1.4, LOST_ON_DECLINE: a declined quote marks its opportunity lost, and what speaks against it."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from app.domain.ports import Store
from app.sync.inbox import plan
from tests.e2e.harness import Rest, Stack, bearer, running
from tests.e2e.orders import INSTALL, Order
from tests.e2e.remote import Remote
from tests.e2e.rules.test_goods import tell
from tests.e2e.rules.test_selling import own_opportunity, status_id

pytestmark = pytest.mark.processes

QUOTE = "QO1000501"
OTHER = "QO1000502"
PATCHED = ("PATCH", "/sales/opportunities/88")


def losing(database_url: str, redis_url: str, **more: Any) -> AbstractAsyncContextManager[Stack]:
    return running(database_url, redis_url, lost_on_decline="true", **more)


def small() -> Order:
    """An order of a service only: it is done as soon as its sales order stands."""
    return Order(lines=[(INSTALL, 1)], not_chosen=())


def beside(first: Order, **more: Any) -> Order:
    """Another quote, and the order that may be placed on it, for the same opportunity."""
    return Order(id=1202, quote_id=502, lines=first.lines, not_chosen=(), minute=30, **more)


async def standing(stack: Stack, opportunity: int = 88) -> str:
    await stack.control("settings", {"read_lag_ms": 0}, "PUT")
    found = await stack.get(f"/sales/opportunities/{opportunity}")
    return str(found["status"]["name"])


async def by_service(stack: Stack, method: str, path: str) -> list[Rest]:
    service = stack.sandbox.credentials.headers["clientId"]
    return [
        entry
        for entry in await stack.requests()
        if (entry["method"], entry["path"], entry.get("client")) == (method, path, service)
    ]


async def by_person(stack: Stack, status: int, opportunity: int = 88) -> None:
    body = [{"op": "replace", "path": "status", "value": {"id": status}}]
    answer = await stack.cw.patch(f"/sales/opportunities/{opportunity}", json=body)
    assert answer.status_code == 200, answer.text


async def codes_of(stack: Stack, number: str) -> list[str]:
    answer = await stack.client.get(f"/admin/orders/{number}/journal", headers=bearer())
    return [entry["code"] for entry in answer.json()["items"]]


# --- the setting ----------------------------------------------------------------------------------


async def test_b1_4_a_declined_quote_marks_its_opportunity_lost_once_and_says_so(
    database_url: str, redis_url: str
) -> None:
    async with losing(database_url, redis_url) as stack:
        event = small().declined()
        await stack.deliver(event)
        found = await stack.until_state(QUOTE, "done", "OPPORTUNITY_MARKED_LOST")
        await tell(stack, [event, event])
        await stack.until_state(QUOTE, "done", "OPPORTUNITY_MARKED_LOST")  # looked at again
        (patched,) = await by_service(stack, *PATCHED)

        async def listed() -> bool:  # the list has what the last look left, which may be under way
            place = "/admin/orders?code=OPPORTUNITY_MARKED_LOST"
            found = (await stack.client.get(place, headers=bearer())).json()["items"]
            return [order["number"] for order in found] == [QUOTE]

        await stack.until_true(listed)
        assert await standing(stack) == "Lost"
        assert {change["path"] for change in patched["body"]} == {"status", "closedDate"}
        assert found["customer"] == "Contoso Ltd"
        assert [(s["step"], s["state"]) for s in found["steps"]] == [("lose_opportunity", "done")]
        assert [link["id"] for link in found["steps"][0]["remote"]] == ["88"]
        assert (await codes_of(stack, QUOTE)).count("OPPORTUNITY_MARKED_LOST") == 1


async def test_b1_4_without_the_setting_nothing_is_made_of_a_declined_quote(
    database_url: str, redis_url: str
) -> None:
    async with running(database_url, redis_url) as stack:
        order = small()
        await tell(stack, [beside(order).declined(), order.quote(), order.approved()])
        await stack.until_state(order.number, "done")
        listed = await stack.client.get("/admin/orders", headers=bearer())
        assert [found["number"] for found in listed.json()["items"]] == [order.number]
        assert await standing(stack) == "Won"


async def test_g1_the_lost_status_is_the_one_that_is_set_and_a_wrong_name_is_told(
    database_url: str, redis_url: str
) -> None:
    async with losing(database_url, redis_url, connectwise_lost_status="Declined") as stack:
        await stack.deliver(small().declined())
        held = await stack.until_state(QUOTE, "held", "SETTING_MISSING")
        assert "CONNECTWISE_LOST_STATUS" in held["answer"]["sentence"]
        flags = {"lostFlag": True, "closedFlag": True}
        made = await stack.cw.post(
            "/sales/opportunities/statuses", json={"name": "Declined", **flags}
        )
        assert made.status_code == 201, made.text
        body = {"code": "SETTING_MISSING", "choice": "look_again", "reason": "It is made."}
        decided = await stack.client.post(
            f"/admin/orders/{QUOTE}/decide", json=body, headers=bearer()
        )
        assert decided.status_code == 200, decided.text
        await stack.until_state(QUOTE, "done", "OPPORTUNITY_MARKED_LOST")
        assert await standing(stack) == "Declined"


# --- what speaks against it -----------------------------------------------------------------------


async def test_b1_4_another_open_quote_is_waited_for_and_the_last_decline_marks_it(
    database_url: str, redis_url: str
) -> None:
    first = small()
    second = beside(first)
    async with losing(database_url, redis_url) as stack:
        await tell(stack, [second.quoted(1), first.declined()])
        waiting = await stack.until_state(QUOTE, "waiting", "OTHER_QUOTE_OPEN")
        assert OTHER in waiting["answer"]["sentence"]
        assert not await by_service(stack, *PATCHED)
        await stack.deliver(second.declined())
        ends = [await stack.until_state(number, "done") for number in (QUOTE, OTHER)]
        assert sorted(end["answer"]["code"] for end in ends) == [
            "OPPORTUNITY_MARKED_LOST",
            "QUOTE_IGNORED",
        ]
        assert len(await by_service(stack, *PATCHED)) == 1
        assert await standing(stack) == "Lost"


async def test_b1_4_another_quote_that_is_won_keeps_the_opportunity(
    database_url: str, redis_url: str
) -> None:
    first = small()
    second = beside(first)
    async with losing(database_url, redis_url) as stack:
        await tell(stack, [second.quoted(1), first.declined()])
        await stack.until_state(QUOTE, "waiting", "OTHER_QUOTE_OPEN")
        await tell(stack, [second.quote(), second.approved()])
        ignored = await stack.until_state(QUOTE, "done", "QUOTE_IGNORED")
        await stack.until_state(second.number, "done")
        assert "opportunity 88" in ignored["answer"]["sentence"]
        assert await standing(stack) == "Won"


async def test_b1_4_an_order_placed_on_the_quote_itself_wins_whatever_comes_first(
    database_url: str, redis_url: str
) -> None:
    order = small()
    async with losing(database_url, redis_url, worker=False) as stack:
        approved = order.approved()
        await tell(stack, [order.declined(), approved])
        await stack.start_worker()
        await stack.until_state(order.number, "done")
        ignored = await stack.until_state(QUOTE, "done", "QUOTE_IGNORED")
        assert order.number in ignored["answer"]["sentence"]
        assert await standing(stack) == "Won"


@pytest.mark.parametrize("flag", ["wonFlag", "lostFlag"])
async def test_b1_4_what_a_person_closed_meanwhile_is_left_as_it_is(
    database_url: str, redis_url: str, flag: str
) -> None:
    async with losing(database_url, redis_url, worker=False) as stack:
        await by_person(stack, await status_id(stack, flag))
        before = await standing(stack)
        await stack.deliver(small().declined())
        await stack.start_worker()
        ignored = await stack.until_state(QUOTE, "done", "QUOTE_IGNORED")
        assert before in ignored["answer"]["sentence"]
        assert not await by_service(stack, *PATCHED)


async def test_b1_4_an_opportunity_that_a_person_converted_is_left_as_it_is(
    database_url: str, redis_url: str
) -> None:
    async with losing(database_url, redis_url) as stack:
        won = await status_id(stack, "wonFlag")
        rows = await stack.get("/sales/opportunities/statuses")
        opened = next(row["id"] for row in rows if not row["closedFlag"])
        await by_person(stack, won)
        await stack.control("act", {"act": "convert_opportunity", "id": 88})
        await by_person(stack, opened)
        await stack.deliver(small().declined())
        ignored = await stack.until_state(QUOTE, "done", "QUOTE_IGNORED")
        assert "sales order" in ignored["answer"]["sentence"]
        assert not await by_service(stack, *PATCHED)


async def test_b1_4_an_opportunity_of_another_company_is_never_marked(
    database_url: str, redis_url: str
) -> None:
    async with losing(database_url, redis_url) as stack:
        other = await own_opportunity(stack, "Northwind")
        order = small()
        order.opportunity = other
        await stack.deliver(order.declined())
        held = await stack.until_state(QUOTE, "held", "OPPORTUNITY_OF_OTHER_COMPANY")
        assert held["answer"]["choices"] == ["look_again", "skip"]
        assert not await by_service(stack, "PATCH", f"/sales/opportunities/{other}")
        # Held quotes do not keep the opportunity from others.
        order.opportunity = 88
        await stack.deliver(order.declined())
        await stack.until_state(QUOTE, "done", "OPPORTUNITY_MARKED_LOST")


async def test_b1_4_a_quote_without_an_opportunity_is_told_and_ignored(
    database_url: str, redis_url: str
) -> None:
    order = small()
    order.opportunity = None
    async with losing(database_url, redis_url) as stack:
        await stack.deliver(order.declined())
        ignored = await stack.until_state(QUOTE, "done", "QUOTE_IGNORED")
        assert "names no opportunity" in ignored["answer"]["sentence"]

        async def told() -> bool:
            return "QUOTE_IGNORED" in await codes_of(stack, QUOTE)

        await stack.until_true(told)


# --- late acceptance ------------------------------------------------------------------------------


@pytest.mark.parametrize("lag", [0, 100])
async def test_b1_4_late_acceptance_reopens_and_wins_by_itself(
    database_url: str, redis_url: str, lag: int
) -> None:
    order = small()
    async with losing(database_url, redis_url, connectwise_timeout=1.0) as stack:
        await stack.control("settings", {"read_lag_ms": lag}, "PUT")
        await stack.deliver(order.declined())
        await stack.until_state(QUOTE, "done", "OPPORTUNITY_MARKED_LOST")
        await tell(stack, [order.quote(), order.approved()])
        await stack.until_state(order.number, "done")
        await stack.until_state(QUOTE, "done", "QUOTE_IGNORED")
        remote = await Remote.read(stack, order)
        assert (remote.opportunity_status, len(remote.sales_order_ids)) == ("Won", 1)
        assert "OPPORTUNITY_REOPENED" in await codes_of(stack, order.number)


async def test_b1_4_a_new_quote_that_is_accepted_reopens_what_another_decline_lost(
    database_url: str, redis_url: str
) -> None:
    first = small()
    second = beside(first)
    async with losing(database_url, redis_url) as stack:
        await stack.deliver(first.declined())
        await stack.until_state(QUOTE, "done", "OPPORTUNITY_MARKED_LOST")
        await tell(stack, [second.quote(), second.approved()])
        await stack.until_state(second.number, "done")
        assert await standing(stack) == "Won"
        told = await stack.order(QUOTE)  # it says what was done then
        assert told["answer"]["code"] == "OPPORTUNITY_MARKED_LOST"


async def test_b1_4_what_a_person_marked_lost_is_not_reopened_for_an_order(
    database_url: str, redis_url: str
) -> None:
    order = small()
    async with losing(database_url, redis_url) as stack:
        await by_person(stack, await status_id(stack, "lostFlag"))
        await stack.deliver(order.declined())
        await stack.until_state(QUOTE, "done", "QUOTE_IGNORED")
        await tell(stack, [order.quote(), order.approved()])
        await stack.until_state(order.number, "held", "OPPORTUNITY_LOST")


async def test_b1_4_a_quote_sent_again_and_declined_again_counts_again(
    database_url: str, redis_url: str
) -> None:
    order = small()
    async with losing(database_url, redis_url) as stack:
        await stack.deliver(order.declined())
        await stack.until_state(QUOTE, "done", "OPPORTUNITY_MARKED_LOST")
        rows = await stack.get("/sales/opportunities/statuses")
        await by_person(stack, next(row["id"] for row in rows if not row["closedFlag"]))
        await stack.deliver(order.quoted(1))
        await stack.until_state(QUOTE, "done", "QUOTE_IGNORED")
        await stack.deliver(order.declined())
        await stack.until_state(QUOTE, "done", "OPPORTUNITY_MARKED_LOST")
        assert len(await by_service(stack, *PATCHED)) == 2
        assert await standing(stack) == "Lost"


# --- exactly once ---------------------------------------------------------------------------------


@pytest.mark.parametrize("point", ["intent_committed", "sent", "replied", "outcome_committed"])
async def test_b1_4_a_worker_that_dies_at_a_point_marks_it_lost_once(
    database_url: str, redis_url: str, point: str
) -> None:
    async with losing(database_url, redis_url, worker=False, connectwise_timeout=1.5) as stack:
        await stack.control("settings", {"read_lag_ms": 50}, "PUT")
        stack.stops.step, stack.stops.point = "lose_opportunity", point
        await stack.deliver(small().declined())
        await stack.start_worker()
        async with asyncio.timeout(20):
            await stack.stops.happened.wait()
        await stack.kill_worker()
        await stack.start_worker()
        await stack.until_state(QUOTE, "done", "OPPORTUNITY_MARKED_LOST")
        assert await standing(stack) == "Lost"
        done = [call for call in await by_service(stack, *PATCHED) if call.get("changed")]
        assert len(done) == 1


@pytest.mark.parametrize("kind", ["lose_reply", "refuse"])
async def test_b1_4_an_answer_that_is_lost_is_looked_up_and_an_order_waits_for_it(
    database_url: str, redis_url: str, kind: str
) -> None:
    """Accepted while nobody knows whether it was marked lost: first that, then the order."""
    order = small()
    async with losing(database_url, redis_url, connectwise_timeout=1.5) as stack:
        fault = {"method": "PATCH", "path": "/sales/opportunities/88$", "times": 1, "kind": kind}
        await stack.control("faults", [fault])
        await stack.deliver(order.declined())

        async def tried() -> bool:
            return bool(await by_service(stack, *PATCHED))

        await stack.until_true(tried)
        await tell(stack, [order.quote(), order.approved()])
        await stack.until_state(order.number, "done")
        await stack.until_state(QUOTE, "done", "QUOTE_IGNORED")
        assert await standing(stack) == "Won"


async def test_b1_4_an_order_that_comes_in_between_deciding_and_claiming_is_seen(
    database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The claim is taken as decided: what came in since makes it decide anew."""
    order = small()
    approved = order.approved()
    async with losing(database_url, redis_url, worker=False) as stack:
        store = type(stack.container.store)
        claim_shared = store.claim_shared
        arrived = asyncio.Event()

        async def late(self: Store, *given: Any) -> Any:
            if not arrived.is_set():
                arrived.set()
                await stack.deliver(approved)
                # The worker may be at the same row; whoever merges it, it is there before the claim.
                while (await stack.order(order.number))["state"] is None:
                    await stack.container.engine.store.merge(plan, 50)
            return await claim_shared(self, *given)

        monkeypatch.setattr(store, "claim_shared", late)
        await stack.deliver(order.declined())
        await stack.start_worker()
        await stack.until_state(order.number, "done")
        await stack.until_state(QUOTE, "done", "QUOTE_IGNORED")
        statuses = [
            change["value"]["id"]
            for call in await by_service(stack, *PATCHED)
            for change in call["body"]
            if change["path"] == "status"
        ]
        assert statuses == [await status_id(stack, "wonFlag")]
