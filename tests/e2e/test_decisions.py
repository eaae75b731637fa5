"""What a person decides, through the service's own interface, and what becomes of the order."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.harness import Rest, Stack, bearer, running
from tests.e2e.orders import CABLE, DOCK, MONITOR, Order

pytestmark = [pytest.mark.processes, pytest.mark.breadth]


async def post(stack: Stack, path: str, **body: Any) -> tuple[int, Rest]:
    answer = await stack.client.post(f"/admin/orders/{path}", json=body, headers=bearer())
    return answer.status_code, answer.json()


async def waiting(stack: Stack) -> Order:
    """An order whose goods are on no purchase order."""
    order = Order(lines=[(MONITOR, 10)], not_chosen=(), quote_id=None)
    await stack.deliver(order.approved())
    await stack.until_state(order.number, "waiting", "LINE_NOT_ORDERED")
    return order


async def test_h11_a_held_order_goes_on_when_a_person_says_that_the_cause_is_gone(
    stack: Stack,
) -> None:
    await stack.control(
        "faults",
        [
            {
                "method": "PATCH",
                "path": "^/sales/opportunities/[0-9]+$",
                "times": 1,
                "kind": "status",
                "status": 400,
                "body": {"code": "InvalidObject", "message": "stage is required"},
            }
        ],
    )
    order = Order(lines=[(MONITOR, 10)], not_chosen=(), quote_id=None)
    await stack.deliver(order.approved())
    held = await stack.until_state(order.number, "held", "REMOTE_REJECTED")
    assert held["answer"]["choices"] == ["look_again", "skip"]
    status, told = await post(
        stack,
        f"{order.number}/decide",
        code="REMOTE_REJECTED",
        choice="look_again",
        reason="corrected the stage",
    )
    assert status == 200, told
    await stack.until_state(order.number, "waiting", "LINE_NOT_ORDERED")
    journal = await stack.client.get(f"/admin/orders/{order.number}/journal", headers=bearer())
    decided = [e for e in journal.json()["items"] if e["code"] == "DECIDED"]
    assert [(e["actor"], e["step"]) for e in decided] == [("admin", "win_opportunity")]
    assert "corrected the stage" in decided[0]["sentence"]


async def test_h11_a_step_that_a_person_leaves_out_stays_out(stack: Stack) -> None:
    order = await waiting(stack)
    status, told = await post(
        stack, f"{order.number}/steps/release_invoice/skip", reason="invoiced by hand"
    )
    assert status == 200, told
    await stack.until_state(order.number, "done")
    for event in (order.ordered(8891, [(MONITOR, 10)]), order.receipted(8891)):
        await stack.deliver(event)
    done = await stack.until(
        order.number,
        lambda o: any(s["step"] == "receive_purchase_order" for s in o["steps"]),
    )
    await stack.until_state(order.number, "done")
    (release,) = [s for s in done["steps"] if s["step"] == "release_invoice"]
    assert (release["state"], "invoiced by hand" in release["sentence"]) == ("skipped", True)
    sales_order = (await stack.get("/sales/orders"))[-1]
    assert sales_order["status"]["name"] == "Waiting for goods"


async def test_a_wait_that_outlived_its_deadline_can_be_prolonged(
    database_url: str, redis_url: str
) -> None:
    async with running(database_url, redis_url, hold_deadline=0.0003) as stack:
        order = Order(lines=[(MONITOR, 10)], not_chosen=(), quote_id=None)
        await stack.deliver(order.approved())
        held = await stack.until_state(order.number, "held", "LINE_NOT_ORDERED")
        assert "wait_longer" in held["answer"]["choices"]
        status, told = await post(
            stack,
            f"{order.number}/decide",
            code="LINE_NOT_ORDERED",
            choice="wait_longer",
            reason="the supplier answers tomorrow",
        )
        assert (status, told["state"]) == (200, "waiting")
        await stack.until_state(order.number, "held", "LINE_NOT_ORDERED")


async def test_h11_a_held_order_stands_still_until_it_is_released(stack: Stack) -> None:
    order = await waiting(stack)
    assert (await post(stack, f"{order.number}/hold", reason="customer asked"))[0] == 200
    await stack.until_state(order.number, "held", "HELD_BY_PERSON")
    before = len(await stack.requests())
    for event in (order.ordered(8891, [(MONITOR, 10)]), order.receipted(8891)):
        await stack.deliver(event)
    held = await stack.until_state(order.number, "held", "HELD_BY_PERSON")
    assert held["answer"]["choices"] == ["look_again"]
    assert len(await stack.requests()) == before
    assert (await post(stack, f"{order.number}/release", reason="agreed"))[0] == 200
    await stack.until_state(order.number, "done")
    status, problem = await post(stack, f"{order.number}/release", reason="again")
    assert (status, problem["code"]) == (409, "DECISION_NOT_OPEN")


async def test_h11_a_step_is_left_out_while_a_person_holds_the_order(stack: Stack) -> None:
    order = await waiting(stack)
    await post(stack, f"{order.number}/hold", reason="wait")
    held = await stack.until_state(order.number, "held", "HELD_BY_PERSON")
    assert "release_invoice" in {s["step"] for s in held["steps"]}
    skip = f"{order.number}/steps/release_invoice/skip"
    status, told = await post(stack, skip, reason="invoiced by hand")
    assert (status, told["state"]) == (200, "held")
    await post(stack, f"{order.number}/decide", **released("agreed"))
    await stack.until_state(order.number, "done")
    status, problem = await post(stack, skip, reason="again")
    assert (status, problem["code"]) == (409, "DECISION_NOT_OPEN")


def released(reason: str) -> dict[str, str]:
    return {"code": "HELD_BY_PERSON", "choice": "look_again", "reason": reason}


async def test_what_cannot_be_decided_is_refused_with_what_can(stack: Stack) -> None:
    order = await waiting(stack)
    number = order.number
    status, problem = await post(
        stack, f"{number}/decide", code="MAPPING_MISSING", choice="skip", reason="why"
    )
    assert (status, problem["code"]) == (409, "DECISION_NOT_OPEN")
    assert "LINE_NOT_ORDERED at release_invoice" in problem["detail"]
    status, problem = await post(
        stack, f"{number}/decide", code="LINE_NOT_ORDERED", choice="fly", reason="why"
    )
    assert (status, problem["code"]) == (422, "CHOICE_NOT_KNOWN")
    assert "wait_longer" in problem["choices"]
    for reason in ("", "   ", "a\x00b", "x" * 501):
        status, problem = await post(
            stack, f"{number}/decide", code="LINE_NOT_ORDERED", choice="wait_longer", reason=reason
        )
        assert (status, problem["code"]) == (422, "REQUEST_NOT_VALID"), reason


async def test_h11_what_a_person_corrected_is_read_anew_also_while_the_order_is_under_way(
    stack: Stack,
) -> None:
    """The worker still drives the order when the decision comes: what it read is out of date."""
    await stack.control("settings", {"clone_keeps_link": False}, "PUT")
    receiving = {"method": "PATCH", "path": "/lineitems/", "kind": "slow"}
    await stack.control("faults", [receiving | {"seconds": 0}, receiving | {"seconds": 1.2}])
    order = Order(lines=[(CABLE, 10), (DOCK, 3)], not_chosen=(), quote_id=None)
    for event in (
        order.approved(),
        order.ordered(8891, [(CABLE, 10)]),
        order.ordered(8892, [(DOCK, 3)]),
        order.receipted(8892),
        order.receipted(8891, {1: 4}),
        order.receipted(8891),
    ):
        await stack.deliver(event)
    await stack.until_state(order.number, "held", "DEMAND_NOT_LINKED")
    (po,) = await stack.get("/procurement/purchaseorders", conditions='poNumber="PO10008891"')
    path = f"/procurement/purchaseorders/{po['id']}/lineitems"
    (rest,) = [line for line in await stack.get(path) if not line["receivedQuantity"]]
    assert (await stack.cw.delete(f"{path}/{rest['id']}")).is_success
    named = {name: {"id": rest[name]["id"]} for name in ("product", "unitOfMeasure", "warehouse")}
    again = {"lineNumber": 2, "quantity": 6, "description": "the rest", **named}
    assert (await stack.cw.post(path, json=again)).is_success  # links to the open demand
    status, told = await post(
        stack,
        f"{order.number}/decide",
        code="DEMAND_NOT_LINKED",
        choice="look_again",
        reason="the rest is linked",
    )
    assert status == 200, told
    await stack.until_state(order.number, "done")
