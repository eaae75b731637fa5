"""Whether a switch really did in ConnectWise what its value says: else a row would prove nothing.

Owns one look for each switch whose effect the outcome alone does not show.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from tests.e2e.harness import Rest
from tests.switches.play import Play
from tests.switches.stories import MARKS, is_of_the_service


async def conversion(play: Play) -> None:
    left = await play.stack.get("/procurement/products", conditions="opportunity/id=88")
    marked = {row["integrationXRef"] for row in left if row.get("integrationXRef")}
    copies = play.row.value == "copy"
    assert marked == (MARKS if copies else set())


async def conversion_keeps_xref(play: Play) -> None:
    (converted,) = await play.writes("conversion")
    there = [row for row in converted["product"] if row.get("salesOrder")]
    assert len(there) == len(MARKS)
    # A person may convert before the service marked anything.
    kept = {bool(row["integrationXRef"]) for row in there}
    assert kept == {play.row.value}


async def receipts(play: Play) -> list[dict[str, list[Rest]]]:
    return [
        rows
        for rows in await play.writes("line", "/lineitems/")
        if any(line["receivedQuantity"] for line in rows["line"])
    ]


async def clone_keeps_link(play: Play) -> None:
    (parted,) = [rows for rows in await receipts(play) if len(rows["line"]) > 1]
    (rest,) = [line for line in parted["line"] if not line["receivedQuantity"]]
    assert any(link["line"] == rest["id"] for link in parted["link"]) is play.row.value


async def auto_pick(play: Play) -> None:
    linked = [rows for rows in await receipts(play) if "link" in rows]
    assert {"shipping" in rows for rows in linked} == {play.row.value}


async def auto_close_line(play: Play) -> None:
    lines = [line for rows in await receipts(play) for line in rows["line"]]
    assert {line["closedFlag"] for line in lines if line["receivedQuantity"]} == {play.row.value}


async def auto_close_order(play: Play) -> None:
    closed = [rows for rows in await receipts(play) if "purchaseOrder" in rows]
    assert len(closed) == (len(play.order.purchase_orders) if play.row.value else 0)


async def line_sales_order_writable(play: Play) -> None:
    written = [
        entry["body"]
        for entry in await play.stack.requests()
        if "/lineitems" in entry["path"] and entry["body"] and is_of_the_service(play, entry)
    ]
    assert written
    assert not [body for body in written if "salesOrder" in str(body)]


async def enforce_unique_identifier(play: Play) -> None:
    (item,) = await play.stack.get("/procurement/catalog", conditions='identifier="CABLE-2M"')
    named = {name: {"id": item[name]["id"]} for name in ("subcategory", "type", "unitOfMeasure")}
    body = {"identifier": "CABLE-2M", "description": "another", "customerDescription": "x", **named}
    answer = await play.stack.cw.post("/procurement/catalog", json=body)
    assert answer.status_code == (400 if play.row.value else 201), answer.text


async def key_url_needs_auth(play: Play) -> None:
    sent = await play.callbacks("opportunity")
    address = sent[0]["payload"]["Metadata"]["key_url"]
    answer = await play.stack.cw.get(address, headers={"Authorization": ""})
    assert answer.status_code == (401 if play.row.value else 200)


PROOFS: Mapping[str, Callable[[Play], Awaitable[None]]] = {
    proof.__name__: proof
    for proof in (
        conversion,
        conversion_keeps_xref,
        clone_keeps_link,
        auto_pick,
        auto_close_line,
        auto_close_order,
        line_sales_order_writable,
        enforce_unique_identifier,
        key_url_needs_auth,
    )
}
