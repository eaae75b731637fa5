"""A3: catalog items that carry the manufacturer part number under another identifier."""

from __future__ import annotations

import asyncio
import copy
from typing import Any

import pytest

from tests.e2e.harness import Rest, Stack, bearer, running
from tests.e2e.orders import CABLE, DOCK, MONITOR, Json, Order
from tests.e2e.remote import Remote
from tests.e2e.rules.test_goods import line_of, tell
from tests.e2e.rules.test_papers import corrected
from tests.e2e.tickets import B2, marked, plain

pytestmark = pytest.mark.processes
B1: dict[str, Any] = {}


def known_as(event: Json, product: int, part: str, number: str = "", **more: Any) -> Json:
    """An event whose product has this part number, and maybe another product number."""
    told = copy.deepcopy(event)
    for document in told["data"].values():
        for one in document.get("products", ()):
            if one["id"] == product:
                one.update({"manufacturerPartNumber": part, **more})
                one["productNumber"] = number or one["productNumber"]
        for section in document.get("sections", ()):
            for line in section["lines"]:
                if number and line["productID"] == product:
                    line["productNumber"] = number
    return told


async def an_item(stack: Stack, identifier: str, part: str, **more: Any) -> int:
    """A catalog item that a person made: as the cable would be, under a name of its own."""
    (known,) = await stack.get("/procurement/catalog", conditions='identifier="DELL-WD22TB4"')
    body = {
        "identifier": identifier,
        "description": identifier,
        "customerDescription": identifier,
        "subcategory": {"id": known["subcategory"]["id"]},
        "type": {"id": known["type"]["id"]},
        "productClass": "Inventory",
        "manufacturerPartNumber": part,
        **more,
    }
    answer = await stack.cw.post("/procurement/catalog", json=body)
    assert answer.status_code == 201, answer.text
    return int(answer.json()["id"])


async def identifiers(stack: Stack) -> set[str]:
    return {item["identifier"] for item in await stack.get("/procurement/catalog")}


async def journal(stack: Stack, order: Order, code: str) -> list[str]:
    told = await stack.client.get(f"/admin/orders/{order.number}/journal", headers=bearer())
    return [entry["sentence"] for entry in told.json()["items"] if entry["code"] == code]


@pytest.mark.parametrize("scenario", [B1, B2], ids=["B1", "B2"])
async def test_a3_an_item_with_the_part_number_is_used_linked_and_received(
    database_url: str, redis_url: str, scenario: Rest
) -> None:
    """A sold line with surplus, and goods for stock on the same purchase order, in parts."""
    order = plain((CABLE, 5))
    async with running(database_url, redis_url, **scenario) as stack:
        await an_item(stack, "CBL-BLACK", "cab-2m-blk")
        await an_item(stack, "ARM", 'DA 20/"b"')
        before = await identifiers(stack)

        def told(event: Json) -> Json:
            return known_as(known_as(event, CABLE, "CAB-2M-BLK"), DOCK, 'DA 20/"B"', "STAND-1")

        await tell(stack, [told(order.approved())])
        await tell(stack, [told(order.ordered(8891, [(CABLE, 7), (DOCK, 2)]))])
        await tell(stack, [told(order.receipted(8891, {1: 3}))])
        await stack.until(order.number, lambda o: o["lines"] and o["lines"][0]["received"] == "3")
        await tell(stack, [told(order.receipted(8891))])
        done = await stack.until_state(order.number, "done")
        assert (done["lines"][0]["linked"], done["lines"][0]["received"]) == ("5", "5")
        (sold,) = await marked(stack, order)
        assert (sold["catalogItem"]["identifier"], sold["quantity"]) == ("CBL-BLACK", 5)
        lines = await line_of(stack, "PO10008891")
        got: dict[str, int] = {}
        for line in lines:
            sku = line["product"]["identifier"]
            got[sku] = got.get(sku, 0) + line["receivedQuantity"]
        assert got == {"CBL-BLACK": 7, "ARM": 2}
        assert await identifiers(stack) == before
        assert await journal(stack, order, "CATALOG_ITEM_FOUND") == [
            "Product CABLE-2M is catalog item CBL-BLACK in ConnectWise.",
            "Product STAND-1 is catalog item ARM in ConnectWise.",
        ]


async def test_a3_serial_numbers_and_prices_of_an_item_found_by_part_number_are_kept_true(
    stack: Stack,
) -> None:
    order = plain((MONITOR, 2))

    def told(event: Json) -> Json:
        return known_as(event, MONITOR, "P2425H", "MON-24", brand="dell")

    await tell(stack, [told(order.approved())])
    await tell(stack, [told(order.ordered(8891, [(MONITOR, 3)]))])
    order.purchase_orders[8891]["lines"][0]["price"] = 111
    await tell(stack, [told(order.ordered_again(8891))])
    receipted = told(order.receipted(8891))
    await tell(stack, [receipted])
    await stack.until_state(order.number, "done")
    (sold,) = await marked(stack, order)
    assert sold["catalogItem"]["identifier"] == "DELL-P2425H"
    assert {line["unitCost"] for line in await line_of(stack, "PO10008891")} == {111}
    serials = ["NEW-1", "NEW-2", "NEW-3"]
    await tell(stack, [corrected(receipted, serials)])

    async def kept() -> bool:
        there = [line.get("serialNumbers") or "" for line in await line_of(stack, "PO10008891")]
        return sorted(",".join(there).split(",")) == serials

    await stack.until_true(kept)


async def test_a3_several_items_with_the_part_number_are_held_until_a_person_says_which(
    stack: Stack,
) -> None:
    order = plain((CABLE, 5))
    await an_item(stack, "CBL-A", "CAB-2M-BLK")
    await an_item(stack, "CBL-B", "CAB-2M-BLK")

    def told(event: Json) -> Json:
        return known_as(event, CABLE, "CAB-2M-BLK")

    await tell(stack, [told(order.approved())])
    held = await stack.until_state(order.number, "held", "MAPPING_MISSING")
    assert "several have its part number CAB-2M-BLK: CBL-A, CBL-B" in held["answer"]["sentence"]

    async def map_to(identifier: str) -> None:
        mapping = {"kind": "product", "commerce_key": "Cable-2M", "connectwise_key": identifier}
        answer = await stack.client.put("/admin/mappings", json=mapping, headers=bearer())
        assert answer.is_success, answer.text

    await map_to("NO-SUCH")
    held = await stack.until(
        order.number, lambda o: "names 'NO-SUCH', which is no" in o["answer"]["sentence"]
    )
    assert held["state"] == "held"
    await map_to("CBL-B")
    await stack.until_state(order.number, "waiting", "LINE_NOT_ORDERED")
    await map_to("CBL-A")  # comes too late for this order, and disturbs nothing of it
    await tell(stack, [told(order.ordered(8891, [(CABLE, 6)])), told(order.receipted(8891))])
    await stack.until_state(order.number, "done")
    remote = await Remote.read(stack, order)
    assert (remote.sold, remote.received) == ({"CBL-B": 5}, {"CBL-B": 6})
    assert "CABLE-2M" not in await identifiers(stack)


@pytest.mark.parametrize(
    ("part", "more"),
    [("N/A", {}), ("-", {}), ("CAB-1", {"brand": "Acme"})],
    ids=["word for nothing", "sign", "other maker"],
)
async def test_a3_what_is_no_part_number_or_another_makers_names_no_item(
    stack: Stack, part: str, more: Rest
) -> None:
    order = plain((CABLE, 5))
    await an_item(stack, "NOT-THIS", part, manufacturer={"name": "Dell"})
    await tell(stack, [known_as(order.approved(), CABLE, part, **more)])
    await stack.until_state(order.number, "waiting", "LINE_NOT_ORDERED")
    (sold,) = await marked(stack, order)
    assert sold["catalogItem"]["identifier"] == "CABLE-2M"


async def test_a3_the_product_number_rules_before_the_part_number(stack: Stack) -> None:
    order = plain((CABLE, 5))
    await an_item(stack, "OTHER", "CAB-2M-BLK")
    await an_item(stack, "cable-2m", "SOMETHING-ELSE")
    await tell(stack, [known_as(order.approved(), CABLE, "CAB-2M-BLK")])
    await stack.until_state(order.number, "waiting", "LINE_NOT_ORDERED")
    (sold,) = await marked(stack, order)
    assert sold["catalogItem"]["identifier"] == "cable-2m"


@pytest.mark.parametrize("dies", [None, "intent_committed", "sent"])
async def test_a3_orders_with_one_part_under_two_product_numbers_make_one_item(
    database_url: str, redis_url: str, dies: str | None
) -> None:
    """The claim covers the part number, and so does what the dead announced."""
    orders = [plain((CABLE, 4), id=1201), plain((CABLE, 4), id=1202)]
    quick: Rest = {"connectwise_timeout": 1.0, "opportunity_missing": "plain_sales_order"}

    def told(order: Order, event: Json) -> Json:
        return known_as(event, CABLE, "CAB-2M-BLK", "CABLE-2M" if order.id == 1201 else "KABEL")

    async with running(database_url, redis_url, worker=False, **quick) as stack:
        await stack.control("settings", {"read_lag_ms": 100}, "PUT")
        if dies is not None:
            stack.stops.step, stack.stops.point = "create_products", dies
            await tell(stack, [told(orders[0], orders[0].approved())])
            await stack.start_worker()
            async with asyncio.timeout(20):
                await stack.stops.happened.wait()
            await stack.kill_worker()
            await tell(stack, [told(orders[1], orders[1].approved())])
        else:
            for order in orders:
                await tell(stack, [told(order, order.approved())])
        await stack.start_worker()
        for order in orders:
            await stack.until_state(order.number, "waiting", "LINE_NOT_ORDERED")
        for order in orders:
            po = order.id * 10
            await tell(stack, [told(order, order.ordered(po, [(CABLE, 4)]))])
            await tell(stack, [told(order, order.receipted(po))])
        for order in orders:
            await stack.until_state(order.number, "done")
        items = await stack.get("/procurement/catalog")
        assert [i for i in items if i["identifier"] in ("CABLE-2M", "KABEL")] == [
            i for i in items if i.get("manufacturerPartNumber") == "CAB-2M-BLK"
        ]
        assert len([i for i in items if i.get("manufacturerPartNumber") == "CAB-2M-BLK"]) == 1


async def test_a3_two_products_of_one_part_number_on_one_order_are_one_item_and_received_both(
    stack: Stack,
) -> None:
    order = plain((CABLE, 4), (DOCK, 3))

    def told(event: Json) -> Json:
        one = known_as(event, CABLE, "CAB-2M-BLK")
        return known_as(one, DOCK, "cab-2m-blk", "KABEL", isSerialized=False)

    await tell(stack, [told(order.approved())])
    await tell(stack, [told(order.ordered(8891, [(CABLE, 4), (DOCK, 3)]))])
    await tell(stack, [told(order.receipted(8891, {2: 2}))])
    await stack.until(order.number, lambda o: o["lines"] and o["lines"][1]["received"] == "2")
    await tell(stack, [told(order.receipted(8891))])
    await stack.until_state(order.number, "done")
    remote = await Remote.read(stack, order)
    assert sum(remote.received.values()) == 7
    assert len(remote.sold) == 1


@pytest.mark.parametrize("conversion", ["move", "copy"])
async def test_a3_b1_5_options_that_go_by_a_part_number_are_matched_and_left_out(
    stack: Stack, conversion: str
) -> None:
    """What a salesperson put on the opportunity goes by names of ConnectWise's own."""
    switches = {"conversion": conversion, "conversion_keeps_xref": False}
    await stack.control("settings", switches, "PUT")
    for identifier, part in (("CBL-BLACK", "CAB-2M-BLK"), ("ARM", "DA20")):
        item = await an_item(stack, identifier, part)
        body = {
            "catalogItem": {"id": item},
            "opportunity": {"id": 88},
            "quantity": 5,
            "billableOption": "Billable",
        }
        assert (await stack.cw.post("/procurement/products", json=body)).status_code == 201
    order = Order(lines=[(MONITOR, 10), (CABLE, 5)], not_chosen=(DOCK,))

    def told(event: Json) -> Json:
        return known_as(known_as(event, CABLE, "CAB-2M-BLK"), DOCK, "DA20", "STAND-1")

    await tell(stack, [told(order.quote()), told(order.approved())])
    await tell(stack, [told(order.ordered(8891, [(MONITOR, 10), (CABLE, 5)]))])
    await tell(stack, [told(order.receipted(8891))])
    await stack.until_state(order.number, "done")
    (forecast,) = await stack.get("/sales/opportunities/88/forecast")
    ticked = {
        item["catalogItem"]["identifier"]: item["includeFlag"]
        for item in forecast["forecastItems"]
        if item.get("catalogItem")
    }
    assert (ticked["CBL-BLACK"], ticked["ARM"]) == (True, False)
    (sales_order,) = await stack.get("/sales/orders")
    rows = await stack.get("/procurement/products", conditions=f"salesOrder/id={sales_order['id']}")
    assert sorted(row["catalogItem"]["identifier"] for row in rows).count("CBL-BLACK") == 1
    assert "ARM" not in {row["catalogItem"]["identifier"] for row in rows}
    assert "CABLE-2M" not in await identifiers(stack)
