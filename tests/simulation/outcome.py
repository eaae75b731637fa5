"""How a day ended: of each order what stands in ConnectWise, without ids and moments."""

from __future__ import annotations

from typing import Any

from app.domain.views import OrderFilter
from tests.e2e.generated import Story
from tests.simulation.desk import Desk
from tests.simulation.world import TENANT, World


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
    ended: dict[str, Any] = {}
    for made in stories.values():
        mark = f"dl:default:{made.order.id}:"
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
            "marks": len({one["integrationXRef"] for one in placed}),
            "twice": len(placed) - len({one["integrationXRef"] for one in placed}),
            "sold": _sum(
                (
                    one["catalogItem"]["identifier"],
                    one["quantity"] - (one.get("quantityCancelled") or 0),
                )
                for one in placed
            ),
            "purchase_orders": {one["poNumber"]: one["status"]["name"] for one in bought},
            "purchase_orders_twice": len(bought) - len({one["poNumber"] for one in bought}),
            "received": _sum(
                (line["product"]["identifier"], line.get("receivedQuantity") or 0)
                for header in bought
                for line in lines[header["id"]]
            ),
            "catalog_twice": len(catalog) - len(set(catalog)),
        }
        for field, path in (("salesOrder", "/sales/orders"), ("ticket", "/service/tickets")):
            ids = sorted({one[field]["id"] for one in placed if one.get(field)})
            records = [await desk.get(f"{path}/{number}") for number in ids]
            name = "sales_order" if field == "salesOrder" else field
            statuses = [record["status"]["name"] for record in records]
            shown[name] = statuses[0] if len(statuses) == 1 else statuses or None
            for record in records:
                if record.get("opportunity"):
                    deal = await desk.get(f"/sales/opportunities/{record['opportunity']['id']}")
                    shown["opportunity"] = deal["status"]["name"]
        ended[made.number] = shown
    return ended


def _sum(pairs: Any) -> dict[str, int]:
    total: dict[str, int] = {}
    for name, quantity in pairs:
        if quantity:
            total[name] = total.get(name, 0) + int(quantity)
    return total
