"""What is played for a row of the switch table.

Owns the stories: each tells its events, and says what must stand in ConnectWise in the end.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

from tests.e2e.harness import Rest, bearer
from tests.e2e.orders import CABLE, DOCK, INSTALL, MONITOR, SYNNEX, Json, Order
from tests.e2e.remote import Remote, shape
from tests.switches.play import Play, is_of_the_service

HEADER = {
    "deliveryAmount": 25,
    "paymentSurchargeAmount": 3.5,
    "couponDiscount": 10,
    "total": 3878.02,  # the lines and these amounts are 3878.00
}


def whole_order() -> tuple[Order, list[Json]]:
    """A new catalog item, an option left out, surplus, two suppliers, a partial receipt and its
    rest, goods with serial numbers, every header amount and a rounding gap."""
    order = Order(lines=[(MONITOR, 10), (CABLE, 5), (DOCK, 3), (INSTALL, 1)], header=HEADER)
    events = [
        order.quote(),
        order.approved(),
        order.ordered(8891, [(MONITOR, 10), (CABLE, 6)]),
        order.ordered(8892, [(DOCK, 3)], SYNNEX),
        order.receipted(8891, {1: 4, 2: 6}),
        order.receipted(8892),
        order.receipted(8891),
    ]
    return order, events


MARKS = {
    f"dl:default:1201:{key}" for key in (1, 2, 3, 4, "delivery", "surcharge", "coupon", "rounding")
}
WHOLE = {
    "opportunity": "Won",
    "sales_order": "Ready to invoice",
    "sold": {
        "DELL-P2425H": 10,
        "CABLE-2M": 5,
        "DELL-WD22TB4": 3,
        "INSTALL-HALFDAY": 1,
        "FREIGHT": 1,
        "SURCHARGE": 1,
        "COUPON": 1,
        "ROUNDING": 1,
    },
    "purchase_orders": {"PO10008891": "Received In Full", "PO10008892": "Received In Full"},
    "received": {"DELL-P2425H": 10, "CABLE-2M": 6, "DELL-WD22TB4": 3},
    "marks": len(MARKS),
}


async def play_whole_order(play: Play) -> None:
    play.order, events = whole_order()
    await play.tell(*events)


async def whole_order_stands(play: Play) -> None:
    remote = await Remote.read(play.stack, play.order)
    assert shape(remote) == WHOLE
    stand = [line for line in await play.lines("PO10008891") if not line["canceledFlag"]]
    surplus = [line["quantity"] for line in stand if not line["salesOrder"]]
    assert surplus == [1]
    shipped = {"DELL-P2425H": 10, "CABLE-2M": 5, "DELL-WD22TB4": 3}
    ships = play.row.settings.get("mark_shipped") == "on_receipt"
    assert remote.shipped == (shipped if ships else {})


async def play_conversion_by_person(play: Play) -> None:
    play.order, events = whole_order()
    await play.tell(*events)
    await play.stack.until_state(play.order.number, "waiting", "SO_MISSING")
    await play.stack.control("act", {"act": "convert_opportunity", "id": 88})


async def play_callbacks(play: Play) -> None:
    """As above; what the service is told meanwhile is looked at in the end."""
    await play_conversion_by_person(play)


async def told_by_callback(play: Play) -> None:
    await whole_order_stands(play)
    conversions = await sent_about_conversion(play)
    fires = play.row.switch != "callback_on_convert" or play.row.value
    assert [delivery["tries"][-1] for delivery in conversions] == ([202] if fires else [])


async def told_by_nobody(play: Play) -> None:
    await whole_order_stands(play)
    conversions = await sent_about_conversion(play)
    assert {status for delivery in conversions for status in delivery["tries"]} == {429}
    inbox = (await play.stack.client.get("/admin/events", headers=bearer())).json()["items"]
    assert {event["source"] for event in inbox if event["status"] != "rejected"} == {"commerce"}


async def sent_about_conversion(play: Play) -> list[Rest]:
    """Deliveries to the service about what the person did."""
    sent = await play.callbacks("opportunity")
    return [delivery for delivery in sent if delivery["payload"]["MemberId"] == "person"]


async def play_a_callback_comes_again(play: Play) -> None:
    """The signing key cannot be had at first, so the service asks for the callback once more."""
    fault = {"method": "GET", "path": "callbackkey", "kind": "status", "status": 500, "times": 1}
    await play.stack.control("faults", fault)
    await play_conversion_by_person(play)


async def came_again(play: Play) -> None:
    await whole_order_stands(play)

    async def taken_in_the_end() -> bool:  # the vendor tries again after two seconds, and four
        (delivery,) = await sent_about_conversion(play)
        return bool(delivery["tries"][-1:] == [202])

    await play.stack.until_true(taken_in_the_end)
    (delivery,) = await sent_about_conversion(play)
    assert delivery["tries"][0] == 429
    inbox = (await play.stack.client.get("/admin/events", headers=bearer())).json()["items"]
    taken = [event for event in inbox if event["source"] == "connectwise"]
    assert len(taken) == 1


async def play_receiving_by_person(play: Play) -> None:
    play.order = order = Order(lines=[(CABLE, 10)], not_chosen=(), quote_id=None)
    for callback in await play.stack.get("/system/callbacks"):
        # Sandbox and service know one API member: without this its changes would not be told.
        change = [{"op": "replace", "path": "isSelfSuppressedFlag", "value": False}]
        await play.person("PATCH", f"/system/callbacks/{callback['id']}", change)
    await play.tell(order.approved(), order.ordered(8891, [(CABLE, 10)]))
    await play.stack.until_state(order.number, "waiting", "GOODS_NOT_RECEIVED")
    (line,) = await play.lines("PO10008891")
    path = f"/procurement/purchaseorders/{line['purchaseOrderId']}/lineitems/{line['id']}"
    receipt = [
        {"op": "replace", "path": "receivedQuantity", "value": 10},
        {"op": "replace", "path": "receivedStatus", "value": "FullyReceived"},
    ]
    told = len(await play.callbacks("purchaseorder"))
    await play.person("PATCH", path, receipt)
    fired = len(await play.callbacks("purchaseorder")) - told
    assert bool(fired) is play.row.value
    await play.tell(order.receipted(8891))


async def received_once(play: Play) -> None:
    remote = await Remote.read(play.stack, play.order)
    assert remote.received == {"CABLE-2M": 10}
    assert remote.purchase_orders == {"PO10008891": "Received In Full"}


async def play_one_new_product(play: Play) -> None:
    orders = [
        Order(id=number, lines=[(CABLE, 2)], not_chosen=(), quote_id=None, opportunity=None)
        for number in range(1201, 1207)
    ]
    for order in orders:
        await play.tell(order.approved())
    for order in orders:
        await play.stack.until_state(order.number, "waiting", "LINE_NOT_ORDERED")
        await play.tell(order.ordered(order.id * 10, [(CABLE, 2)]), order.receipted(order.id * 10))
    for order in orders[1:]:
        await play.stack.until_state(order.number, "done")
    play.order = orders[0]


async def one_catalog_item(play: Play) -> None:
    items = await play.stack.get("/procurement/catalog", conditions='identifier="CABLE-2M"')
    assert len(items) == 1
    products = await play.stack.get(
        "/procurement/products", conditions='integrationXRef like "dl:default:%"'
    )
    assert {row["catalogItem"]["id"] for row in products} == {items[0]["id"]}
    assert len(products) == 6


async def play_invoiced(play: Play) -> None:
    await play_whole_order(play)


async def invoice_carries_all(play: Play) -> None:
    await whole_order_stands(play)
    (invoice,) = await play.stack.get("/finance/invoices")
    products = await play.stack.get(
        "/procurement/products", conditions=f"invoice/id={invoice['id']}"
    )
    assert {row["integrationXRef"] for row in products} == MARKS


async def play_the_minute_is_used_up(play: Play) -> None:
    """Somebody else made as many requests as a minute allows, all but two seconds ago."""
    api = play.stack.sandbox.app.api
    api._recent.extend([api.psa.world.moment() - 58] * play.row.value)
    await play_whole_order(play)


async def rested_and_went_on(play: Play) -> None:
    await whole_order_stands(play)
    log = [entry for entry in await play.stack.requests() if is_of_the_service(play, entry)]
    limited = [number for number, entry in enumerate(log) if entry["status"] == 429]
    assert 1 <= len(limited) <= 2  # whatever was under way side by side; then the pause holds


async def play_answers_come_too_late(play: Play) -> None:
    """Every call is given up before it is answered, though it is done; after a while it is not."""
    await play.switch(latency_ms=0)
    play.order, events = whole_order()
    await play.tell(*events[:2])
    await play.stack.until_state(play.order.number, "waiting", "LINE_NOT_ORDERED")
    await play.switch(latency_ms=play.row.value)
    await play.tell(*events[2:])
    await play.stack.until(
        play.order.number,
        lambda order: (
            order["state"] == "waiting"
            and order["answer"]["code"] in ("OUTCOME_UNKNOWN", "REMOTE_UNWELL")
        ),
    )
    await play.switch(latency_ms=0)


async def play_keys_refused(play: Play) -> None:
    api = play.stack.sandbox.app.api
    good = api.credentials
    api.credentials = replace(good, private_key="changed by somebody")
    play.order, events = whole_order()
    await play.tell(*events)
    await play.stack.until(
        play.order.number,
        # The step has said so: who resumes before it has, resumes nothing of it.
        lambda order: (
            order["state"] == "waiting"
            and any(step["code"] == "CREDENTIALS_REFUSED" for step in order["steps"])
        ),
    )
    api.credentials = good
    answer = await play.stack.client.get("/admin/connections", headers=bearer())
    (paused,) = [item for item in answer.json()["items"] if item["state"] == "paused"]
    answer = await play.stack.client.post(
        f"/admin/connections/{paused['id']}/resume",
        json={"reason": "the keys are good again"},
        headers=bearer(),
    )
    assert answer.is_success, answer.text


async def refused_once(play: Play) -> None:
    await whole_order_stands(play)
    log = [entry for entry in await play.stack.requests() if is_of_the_service(play, entry)]
    refused = [entry for entry in log if entry["status"] == play.row.value]
    assert 1 <= len(refused) <= 3  # the call, and the look that tells 404 from a record gone


async def play_a_purchase_order_grows(play: Play) -> None:
    """It is made from the demand for less, and then raised: more demand has to be added to it."""
    play.order = order = Order(lines=[(CABLE, 10)], not_chosen=(), quote_id=None)
    await play.tell(order.approved(), order.ordered(8891, [(CABLE, 6)]))
    await play.stack.until_true(play.purchase_orders_stand)
    grown = order.ordered(8891, [(CABLE, 10)])
    await play.tell(grown, order.receipted(8891))


async def play_surplus_beside_another_order(play: Play) -> None:
    """Another order's goods are on no purchase order yet when more than needed is ordered."""
    alone = {"not_chosen": (), "quote_id": None, "opportunity": None}
    play.other = Order(id=1202, lines=[(CABLE, 5)], **alone)  # type: ignore[arg-type]
    await play.tell(play.other.approved())
    await play.stack.until_state(play.other.number, "waiting", "LINE_NOT_ORDERED")
    play.order = order = Order(lines=[(CABLE, 10)], **alone)  # type: ignore[arg-type]
    await play.tell(order.approved(), order.ordered(8891, [(CABLE, 12)]), order.receipted(8891))


async def surplus_is_for_nobody(play: Play) -> None:
    stand = [line for line in await play.lines("PO10008891") if not line["canceledFlag"]]
    assert [line["quantity"] for line in stand if not line["salesOrder"]] == [2]
    assert (await Remote.read(play.stack, play.order, {"PO10008892"})).received["CABLE-2M"] >= 12


async def other_taken_instead(play: Play) -> None:
    """The numbers stand on the purchase orders that ConnectWise made; the headers are given up."""
    found = {po["poNumber"]: po for po in await play.stack.get("/procurement/purchaseorders")}
    assert {number: po["status"]["name"] for number, po in found.items()} == {
        "PO10008891": "Received In Full",
        "PO10008891-unused": "Cancelled",
        "PO10008892": "Received In Full",
        "PO10008892-unused": "Cancelled",
    }
    assert (await Remote.read(play.stack, play.order)).received == WHOLE["received"]


async def play_sold_where_commerce_buys(play: Play) -> None:
    """From stock: what Commerce buys and owes is not this story's."""
    header = {"fulfillmentStatus": 1}
    play.order = Order(lines=[(CABLE, 5)], quote_id=None, not_chosen=(), header=header)
    await play.tell(play.order.approved())


async def demand_is_as_the_flag_says(play: Play) -> None:
    (sold,) = await play.stack.get("/procurement/products", conditions="salesOrder/id > 0")
    assert sold["needToOrderQuantity"] == (0 if play.row.value else 5)
    assert await play.stack.get("/procurement/purchaseorders") == []


Part = Callable[[Play], Awaitable[None]]
STORIES: dict[str, tuple[Part, Part]] = {
    "whole order": (play_whole_order, whole_order_stands),
    "another purchase order": (play_whole_order, other_taken_instead),
    "a person converts": (play_conversion_by_person, whole_order_stands),
    "a person converts, callbacks": (play_callbacks, told_by_callback),
    "a person converts, no callback": (play_callbacks, told_by_nobody),
    "a callback comes again": (play_a_callback_comes_again, came_again),
    "surplus beside another order": (play_surplus_beside_another_order, surplus_is_for_nobody),
    "a purchase order grows": (play_a_purchase_order_grows, received_once),
    "a person receives": (play_receiving_by_person, received_once),
    "one new product": (play_one_new_product, one_catalog_item),
    "sold where Commerce buys": (play_sold_where_commerce_buys, demand_is_as_the_flag_says),
    "invoiced": (play_invoiced, invoice_carries_all),
    "the minute is used up": (play_the_minute_is_used_up, rested_and_went_on),
    "keys refused": (play_keys_refused, refused_once),
    "answers come too late": (play_answers_come_too_late, whole_order_stands),
}
WITH_CALLBACKS = {
    "a person converts, callbacks",
    "a person converts, no callback",
    "a callback comes again",
    "a person receives",
}
