"""What a person does where a row of the switch table is held, after which the order is done.

Owns the doing; the words for readers stand in `words.py` under the same names.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from tests.e2e.harness import Rest
from tests.e2e.orders import CABLE
from tests.e2e.remote import Remote
from tests.switches.play import Play


async def demand_switched_on(play: Play, held: Rest) -> None:
    assert (await Remote.read(play.stack, play.order)).received == {}
    await play.switch(demand_from=["sales_order", "ticket"])
    await play.decide(held)


async def linked_again(play: Play, held: Rest) -> None:
    """Demand has to be raised for it; whether plain lines link does not matter."""
    assert (await Remote.read(play.stack, play.order)).received == {}
    await play.switch(demand_from=["sales_order", "ticket"])
    for _ in play.order.purchase_orders:
        await play.decide(held, "link_again")
        held = await until_another_answer(play, held)


async def until_another_answer(play: Play, held: Rest) -> Rest:
    told = held["answer"]["sentence"]
    return await play.stack.until(
        play.order.number,
        lambda order: (
            order["state"] == "done"
            or (order["state"] == "held" and order["answer"]["sentence"] != told)
        ),
    )


async def rest_linked_again(play: Play, held: Rest) -> None:
    assert "6 DELL-P2425H, is not linked" in held["answer"]["sentence"]
    assert (await Remote.read(play.stack, play.order)).received["DELL-P2425H"] == 4
    await play.decide(held, "link_again")


def attempts(order: Rest, step: str) -> int:
    return sum(one["attempts"] for one in order["steps"] if one["step"] == step)


async def other_deleted(play: Play, held: Rest) -> None:
    (made,) = [
        po["id"]
        for po in await play.stack.get("/procurement/purchaseorders")
        if po["poNumber"] != "PO10008891"
    ]
    for _ in range(2):  # the cause is told as well when it is asked again
        assert f"purchase order {made} instead" in held["answer"]["sentence"], held["answer"]
        tried = attempts(held, "sync_purchase_order")
        await play.decide(held)
        held = await play.stack.until(
            play.order.number,
            lambda order, before=tried: (  # type: ignore[misc]
                order["state"] == "held"
                and attempts(order, "sync_purchase_order") > before
                and "accept_unlinked" in order["answer"]["choices"]
            ),
        )
    await play.stack.control("act", {"act": "delete_purchase_order", "id": made})
    await play.decide(held, "accept_unlinked")


async def others_taken(play: Play, held: Rest) -> None:
    """One purchase order after the other: each is held by itself."""
    assert (await Remote.read(play.stack, play.order)).received == {}
    for _ in play.order.purchase_orders:
        (choice,) = [one for one in held["answer"]["choices"] if one.startswith("use:")]
        await play.decide(held, choice)
        held = await until_another_answer(play, held)


async def products_put_on_it(play: Play, held: Rest) -> None:
    (invoice,) = await play.stack.get("/finance/invoices")
    for product in await play.stack.get("/procurement/products"):
        if product.get("salesOrder"):
            changes = {"invoice": {"id": invoice["id"]}}
            await play.stack.control(
                "act", {"act": "edit_product", "id": product["id"], "changes": changes}
            )
    await play.decide(held)


async def shown_at_last(play: Play, held: Rest) -> None:
    await play.switch(read_lag_ms=0)
    await play.decide(held)


async def demand_given_back(play: Play, held: Rest) -> None:
    """It stands again when the other order's goods are ordered: else it would take it again."""
    assert "(Commerce order 1202)" in held["answer"]["sentence"]
    await play.decide(held, "give_back")
    held = await until_another_answer(play, held)
    assert "stand on no line" in held["answer"]["sentence"]
    other = play.other
    await play.tell(other.ordered(8892, [(CABLE, 5)]), other.receipted(8892))
    await play.stack.until_state(other.number, "done")
    await play.decide(held)


async def demand_kept(play: Play, held: Rest) -> None:
    assert "5 of CABLE-2M" in held["answer"]["sentence"]
    await play.decide(held, "keep_demand")


WAYS: dict[str, Callable[[Play, Rest], Awaitable[None]]] = {
    "demand switched on": demand_switched_on,
    "demand switched on, linked again": linked_again,
    "linked again": linked_again,
    "rest linked again": rest_linked_again,
    "other purchase order taken": others_taken,
    "other purchase order deleted": other_deleted,
    "products put on it": products_put_on_it,
    "demand kept": demand_kept,
    "demand given back": demand_given_back,
    "shown at last": shown_at_last,
}
