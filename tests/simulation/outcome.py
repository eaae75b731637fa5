"""How a day ended: of each order what stands in ConnectWise and the ledger, without ids and moments."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from app.domain.books import Books, ContactKind, DocumentKind
from app.domain.views import OrderFilter
from tests.e2e.endings import BOUGHT, SOLD
from tests.e2e.generated import SUPPLIERS, Story
from tests.e2e.orders import CONTOSO
from tests.simulation.desk import Desk
from tests.simulation.premises import TENANT
from tests.simulation.wide import C
from tests.simulation.world import World

POSTED: tuple[tuple[str, DocumentKind, ContactKind, Sequence[Any], date], ...] = (
    ("bills", DocumentKind.BILL, ContactKind.VENDOR, SUPPLIERS, BOUGHT),
    ("ordered", DocumentKind.PURCHASE_ORDER, ContactKind.VENDOR, SUPPLIERS, BOUGHT),
    ("invoices", DocumentKind.INVOICE, ContactKind.CUSTOMER, (CONTOSO,), SOLD),
)


async def outcome(desk: Desk, world: World, stories: dict[int, Story]) -> dict[str, Any]:
    page = await world.store.orders(TENANT, OrderFilter(), None, 100)
    rows = {row.number: row for row in page.items}
    products = await desk.get("/procurement/products")
    headers = await desk.get("/procurement/purchaseorders")
    lines = {
        header["id"]: await desk.get(f"/procurement/purchaseorders/{header['id']}/lineitems")
        for header in headers
    }
    catalog = [item["identifier"] for item in await desk.get("/procurement/catalog")]
    tickets = await desk.get("/service/tickets")
    deals = await desk.get("/sales/opportunities")
    books = world.books()
    ended: dict[str, Any] = {}
    for made in stories.values():
        mark = f"dl:default:{made.order.id}:"
        own = f"[demandlink opportunity default/{made.order.id}/]"
        mine = [one for one in products if str(one.get("integrationXRef") or "").startswith(mark)]
        placed = [one for one in mine if one.get("salesOrder") or one.get("ticket")]
        numbers = {str(one["orderNumber"]) for one in made.order.purchase_orders.values()}
        bought = [header for header in headers if header["poNumber"] in numbers]
        row = rows[made.number]
        shown: dict[str, Any] = {
            "code": row.code.value if row.code is not None else None,
            "said": row.sentence,
            "opportunity": None,
            "sales_order": None,
            "ticket": None,
            "marks": len({one["integrationXRef"] for one in placed if _left(one)}),
            "twice": len(placed) - len({one["integrationXRef"] for one in placed}),
            "sold": _sum((one["catalogItem"]["identifier"], _left(one)) for one in placed),
            "purchase_orders": {one["poNumber"]: one["status"]["name"] for one in bought},
            "purchase_orders_twice": len(bought) - len({one["poNumber"] for one in bought}),
            "received": _sum(
                (line["product"]["identifier"], line.get("receivedQuantity") or 0)
                for header in bought
                for line in lines[header["id"]]
            ),
            "serials": sorted(
                number.strip()
                for header in bought
                for line in lines[header["id"]]
                for number in str(line.get("serialNumbers") or "").split(",")
                if number.strip()
            ),
            "own tickets": sum(one.get("externalXRef") == f"{mark}ticket" for one in tickets),
            "catalog_twice": len(catalog) - len(set(catalog)),
        }
        for field, path in (("salesOrder", "/sales/orders"), ("ticket", "/service/tickets")):
            ids = sorted({one[field]["id"] for one in placed if one.get(field)})
            records = [await desk.get(f"{path}/{number}") for number in ids]
            if not ids and field == "ticket" and world.scenario == C:  # no product stands on it
                records = [
                    one
                    for one in tickets
                    if one["id"] == made.ticket or one.get("externalXRef") == f"{mark}ticket"
                ]
            name = "sales_order" if field == "salesOrder" else field
            statuses = [record["status"]["name"] for record in records]
            shown[name] = statuses[0] if len(statuses) == 1 else statuses or None
        won = [
            deal["status"]["name"]
            for deal in deals
            if deal["id"] == made.order.opportunity or own in (deal.get("notes") or "")
        ]
        shown["opportunity"] = won[0] if len(won) == 1 else won or None
        if books is not None:
            shown |= await posted(books, made)
        ended[made.number] = shown
    return ended


def _left(product: Any) -> float:
    left: float = product["quantity"] - (product.get("quantityCancelled") or 0)
    return left


async def posted(books: Books, made: Story) -> dict[str, Any]:
    """The order's own documents in the ledger, by kind: how many, and what they come to."""
    shown: dict[str, Any] = {}
    for name, kind, of, parties, on in POSTED:
        documents = [
            one
            for party in parties
            if (contact := await books.find_contact(of, party["name"])) is not None
            for one in await books.find_documents(kind, contact.id, on)
            if f":{made.order.id}:" in (one.marker or "")
        ]
        shown[name] = sum((one.total for one in documents), Decimal(0))
        shown[f"{name} statuses"] = sorted(one.status.value for one in documents)
    return shown


def _sum(pairs: Any) -> dict[str, int]:
    total: dict[str, int] = {}
    for name, quantity in pairs:
        if quantity:
            total[name] = total.get(name, 0) + int(quantity)
    return total
