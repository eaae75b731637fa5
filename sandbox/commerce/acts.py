"""What people do in Commerce: orders, quotes, purchase orders, receipts; and whole documents.

Owns the change of rows that each act makes, and the event that somebody would post of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sandbox.commerce import events
from sandbox.commerce.shop import Row, Shop
from sandbox.kit.wire import Unusable

Json = dict[str, Any]
DRAFT, APPROVED, RECEIVED, CANCELLED = 0, 1, 2, 90
ORDER_APPROVED, QUOTE_SENT, QUOTE_WON, QUOTE_DECLINED = 2, 1, 3, 90
BEYOND = {
    "salesOrder": ("connectwise", "currency", "total"),
    "purchaseOrder": ("currency", "total"),
    "quote": ("connectwise", "currency"),
}
BEYOND_LINES = ("lineTax", "quantityFromStock", "salesOrderLineID", "supplierSku")
TABLE = {"salesOrder": "salesorder", "purchaseOrder": "purchaseorder", "quote": "quote"}
PARTS = {
    "salesOrder": (("salesorderline", "salesOrderID"),),
    "purchaseOrder": (
        ("purchaseorderline", "purchaseOrderID"),
        ("purchaseordercost", "purchaseOrderID"),
    ),
}
CUSTOMER_ENTERED, EMPLOYEE_ENTERED = 1, 2


class Acts:
    """Each act gives the events that tell of it, oldest first. Raises Unusable."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self._acts: dict[str, Callable[[Mapping[str, Any]], list[Json]]] = {
            "put": self.put,
            "draft_quote": self.draft_quote,
            "accept_quote": self.accept_quote,
            "decline_quote": self.decline_quote,
            "place_order": self.place_order,
            "approve_order": lambda given: self._order_status(given, ORDER_APPROVED, "approved"),
            "cancel_order": lambda given: self._order_status(given, CANCELLED, "cancelled"),
            "change_order": self.change_order,
            "issue_purchase_order": self.issue_purchase_order,
            "add_cost": self.add_cost,
            "receive_goods": self.receive_goods,
            "cancel_purchase_order": self.cancel_purchase_order,
            "delete": self.delete,
        }

    def act(self, given: Any) -> list[Json]:
        if not isinstance(given, Mapping) or given.get("act") not in self._acts:
            raise Unusable(f"an act is one of {', '.join(self._acts)}")
        try:
            return self._acts[str(given["act"])](given)
        except KeyError as missing:
            raise Unusable(f"{given['act']} needs {missing.args[0]}") from None

    # --- whole documents

    def put(self, given: Mapping[str, Any]) -> list[Json]:
        """Take the documents of an event as the state of the shop, whatever dates they carry."""
        event = given["event"]
        data = event["data"]
        for name in ("quote", "salesOrder", "purchaseOrder"):
            if name in data:
                self._take(name, data[name])
        if "receipt" in data:
            self._take_serials(data["receipt"])
        told: Json = {}
        for name, show in (
            ("quote", events.quote),
            ("salesOrder", events.sales_order),
            ("purchaseOrder", events.purchase_order),
        ):
            if name in data:
                told[name] = show(self.shop, data[name]["id"])
        if "receipt" in data:
            told["receipt"] = data["receipt"]
        return [events.event(self.shop, str(event["type"]), **told)]

    def delete(self, given: Mapping[str, Any]) -> list[Json]:
        """A whole `kind` (a name of BEYOND) with its parts. Nothing tells of it, and the API has no
        tombstones (commerce.md 1.1)."""
        if given["kind"] not in PARTS:
            raise Unusable(f"what can be deleted is one of {', '.join(PARTS)}")
        number = self.shop.get(TABLE[given["kind"]], given["id"])["id"]
        for table, field in PARTS[given["kind"]]:
            self.shop.keep_only(table, field, number, ())
        self.shop.remove(TABLE[given["kind"]], number)
        return []

    def _take(self, name: str, document: Mapping[str, Any]) -> None:
        shop, number = self.shop, document["id"]
        for table in ("customer", "supplier"):
            if table in document:
                shop.save(table, document[table])
        for product in document.get("products", ()):
            shop.save("product", product)
        shop.save(TABLE[name], {**_flat(document), **self._owner(document)})
        if name == "salesOrder":
            self._take_parts("salesorderline", "salesOrderID", number, document["lines"])
        elif name == "purchaseOrder":
            self._take_parts("purchaseorderline", "purchaseOrderID", number, document["lines"])
            self._take_parts(
                "purchaseordercost", "purchaseOrderID", number, document.get("costs", ())
            )
        else:
            self._take_parts("quotesection", "quoteID", number, document["sections"])
            for section in document["sections"]:
                self._take_parts("quoteline", "quoteSectionID", section["id"], section["lines"])
        beyond = {key: document[key] for key in BEYOND[name] if document.get(key) is not None}
        lines = {
            line["id"]: {key: line[key] for key in BEYOND_LINES if key in line}
            for line in document.get("lines", ())
        }
        shop.beyond[TABLE[name], number] = {**beyond, "lines": lines}

    def _take_parts(
        self, table: str, field: str, number: int, given: Iterable[Mapping[str, Any]]
    ) -> None:
        kept = [self.shop.save(table, {**part, field: number})["id"] for part in given]
        self.shop.keep_only(table, field, number, kept)

    def _take_serials(self, receipt: Mapping[str, Any]) -> None:
        for told in receipt["lines"]:
            self._add_serials(told["purchaseOrderLineID"], told.get("serialNumbers") or ())
        self._complete(receipt["purchaseOrderID"])

    def _owner(self, document: Mapping[str, Any]) -> Json:
        email = document.get("ownerEmail")
        if not email:
            return {}
        known = self.shop.rows["employee"].values()
        found = next((one for one in known if one["email"] == email), None)
        return {"ownerEmployeeID": (found or self.shop.save("employee", {"email": email}))["id"]}

    # --- selling

    def draft_quote(self, given: Mapping[str, Any]) -> list[Json]:
        """`customerID`, `lines`: [{productID, quantity, optional, selected}]. Nobody is told."""
        shop = self.shop
        row = shop.save(
            "quote",
            {
                "id": given.get("id"),
                "quoteNumber": f"QO{10_000_000 + (given.get('id') or shop.next_id('quote'))}",
                "title": given.get("title", "Quote"),
                "status": QUOTE_SENT,
                "customerID": shop.get("customer", given["customerID"])["id"],
                "expiryDate": shop.now() + timedelta(days=30),
            },
        )
        section = shop.save(
            "quotesection", {"quoteID": row["id"], "lineNumber": 1, "isSelected": True}
        )
        for index, line in enumerate(given["lines"], 1):
            product = shop.get("product", line["productID"])
            shop.save(
                "quoteline",
                {
                    **_of_product(product, line, index),
                    "quoteSectionID": section["id"],
                    "productNumber": product["productNumber"],
                    "isOptional": bool(line.get("optional")),
                    "isSelected": bool(line.get("selected", True)),
                },
            )
        self._hints("quote", row["id"], given)
        return []

    def accept_quote(self, given: Mapping[str, Any]) -> list[Json]:
        """Won, with the lines in `deselect` left out; its sales order is placed by it."""
        shop = self.shop
        row = shop.get("quote", given["id"])
        chosen: list[Json] = []
        for section in shop.of("quotesection", "quoteID", row["id"]):
            for line in shop.of("quoteline", "quoteSectionID", section["id"]):
                if line["id"] in given.get("deselect", ()):
                    shop.save("quoteline", {"id": line["id"], "isSelected": False})
                elif line["isSelected"] and line["productID"]:
                    chosen.append(line)
        order = {
            "customerID": row["customerID"],
            "quoteID": row["id"],
            "entryType": CUSTOMER_ENTERED,
            "lines": chosen,
            "connectwise": shop.beyond.get(("quote", row["id"]), {}).get("connectwise"),
        }
        placed = self.place_order(order)
        number = placed[0]["data"]["salesOrder"]["id"]
        shop.save("quote", {"id": row["id"], "status": QUOTE_WON, "salesOrderId": number})
        quote = events.quote(shop, row["id"])
        return [events.event(shop, "quote.won", quote=quote), *placed]

    def decline_quote(self, given: Mapping[str, Any]) -> list[Json]:
        row = self.shop.get("quote", given["id"])
        self.shop.save("quote", {"id": row["id"], "status": QUOTE_DECLINED})
        return [events.event(self.shop, "quote.declined", quote=events.quote(self.shop, row["id"]))]

    def place_order(self, given: Mapping[str, Any]) -> list[Json]:
        """`customerID`, `lines`: [{productID, quantity, price}]; `status` 1 leaves it a draft."""
        shop = self.shop
        number = given.get("id") or shop.next_id("salesorder")
        status = given.get("status", ORDER_APPROVED)
        shop.save(
            "salesorder",
            {
                "id": number,
                "orderNumber": f"ON{10_000_000 + number}",
                "reference": given.get("reference"),
                "customerID": shop.get("customer", given["customerID"])["id"],
                "quoteID": given.get("quoteID"),
                "status": status,
                "entryType": given.get("entryType", EMPLOYEE_ENTERED),
                "ownerEmployeeID": given.get("ownerEmployeeID", 5),
                "orderDate": shop.now(),
            },
        )
        for index, line in enumerate(given["lines"], 1):
            product = shop.get("product", line["productID"])
            shop.save(
                "salesorderline",
                {**_of_product(product, line, index), "salesOrderID": number, "cost": 100},
            )
        self._hints("salesorder", number, given)
        return self._told_order(number, "approved") if status == ORDER_APPROVED else []

    def change_order(self, given: Mapping[str, Any]) -> list[Json]:
        """`changes` of the header, `quantities` by line id; 0 removes the line."""
        number = self.shop.get("salesorder", given["id"])["id"]
        self.shop.save("salesorder", {**given.get("changes", {}), "id": number})
        for line, quantity in given.get("quantities", {}).items():
            if quantity:
                self.shop.save("salesorderline", {"id": int(line), "quantity": quantity})
            else:
                self.shop.remove("salesorderline", int(line))
        return self._told_order(number, "updated")

    def _order_status(self, given: Mapping[str, Any], status: int, told: str) -> list[Json]:
        number = self.shop.get("salesorder", given["id"])["id"]
        self.shop.save("salesorder", {"id": number, "status": status})
        return self._told_order(number, told)

    def _told_order(self, number: int, told: str) -> list[Json]:
        order = events.sales_order(self.shop, number)
        return [events.event(self.shop, f"sales_order.{told}", salesOrder=order)]

    def _hints(self, table: str, number: int, given: Mapping[str, Any]) -> None:
        if given.get("connectwise"):
            self.shop.beyond[table, number] = {"connectwise": given["connectwise"]}

    # --- buying

    def issue_purchase_order(self, given: Mapping[str, Any]) -> list[Json]:
        """`supplierID`, `salesOrderID` (none: for stock), `lines`: [{productID, quantity, price}]."""
        shop = self.shop
        order = given.get("salesOrderID")
        number = given.get("id") or shop.next_id("purchaseorder")
        shop.save(
            "purchaseorder",
            {
                "id": number,
                "orderNumber": f"PO{10_000_000 + number}",
                "supplierID": shop.get("supplier", given["supplierID"])["id"],
                "salesOrderID": shop.get("salesorder", order)["id"] if order else None,
                "type": given.get("type", 0),
                "status": given.get("status", APPROVED),
                "orderDate": shop.now(),
            },
        )
        for index, line in enumerate(given["lines"], 1):
            product = shop.get("product", line["productID"])
            shop.save(
                "purchaseorderline",
                {**_of_product(product, {"price": 100, **line}, index), "purchaseOrderID": number},
            )
        return self._told_purchase(number, "approved")

    def add_cost(self, given: Mapping[str, Any]) -> list[Json]:
        number = self.shop.get("purchaseorder", given["id"])["id"]
        cost = {"description": given["description"], "amount": given["amount"]}
        self.shop.save("purchaseordercost", {**cost, "purchaseOrderID": number})
        return self._told_purchase(number, "updated")

    def cancel_purchase_order(self, given: Mapping[str, Any]) -> list[Json]:
        number = self.shop.get("purchaseorder", given["id"])["id"]
        self.shop.save("purchaseorder", {"id": number, "status": CANCELLED})
        return self._told_purchase(number, "cancelled")

    def receive_goods(self, given: Mapping[str, Any]) -> list[Json]:
        """`quantities` by line id (by default what is open), `serialNumbers` by line id (by
        default made up for serialized goods), and the papers, which the API never shows."""
        shop, number = self.shop, shop_number(self.shop, given["id"])
        wanted = {int(k): v for k, v in (given.get("quantities") or {}).items()}
        serials = {int(k): v for k, v in (given.get("serialNumbers") or {}).items()}
        told: list[Json] = []
        for line in shop.of("purchaseorderline", "purchaseOrderID", number):
            before = line["quantityReceived"]
            default = line["quantity"] - before if not wanted else 0
            quantity = wanted.get(line["id"], default)
            if quantity <= 0:
                continue
            product = shop.rows["product"].get(line["productID"], {})
            made = [f"SN-{number}-{line['id']}-{n}" for n in range(before, before + quantity)]
            taken = serials.get(line["id"], made if product.get("isSerialized") else [])
            shop.save(
                "purchaseorderline", {"id": line["id"], "quantityReceived": before + quantity}
            )
            self._add_serials(line["id"], taken)
            told.append(
                {
                    "purchaseOrderLineID": line["id"],
                    "quantity": quantity,
                    "serialNumbers": list(taken),
                }
            )
        if not told:
            raise Unusable("nothing is left to receive")
        self._complete(number)
        count = len([key for key in shop.beyond if key[0] == f"receipt-{number}"]) + 1
        shop.beyond[f"receipt-{number}", count] = {}
        receipt = {
            "id": f"{number}-{count}",
            "purchaseOrderID": number,
            "receivedDate": events.utc(shop.now()),
            "packingSlip": given.get("packingSlip", f"SLIP-{number}-{count}"),
            "supplierInvoiceNumber": given.get("supplierInvoiceNumber"),
            "lines": told,
        }
        whole = events.purchase_order(shop, number)
        return [
            events.event(shop, "purchase_order.receipted", receipt=receipt, purchaseOrder=whole)
        ]

    def _add_serials(self, line: int, serials: Iterable[str]) -> None:
        row = self.shop.get("purchaseorderline", line)
        known = {one["serialNumber"] for one in row["serialNumbers"]}
        more = [
            {"serialNumber": serial, "status": "InStock", "warehouseID": None}
            for serial in serials
            if serial not in known
        ]
        if more:
            self.shop.save(
                "purchaseorderline", {"id": line, "serialNumbers": [*row["serialNumbers"], *more]}
            )

    def _complete(self, number: int) -> None:
        """There is no status for a part: it is received when every line is."""
        lines = self.shop.of("purchaseorderline", "purchaseOrderID", number)
        if all(line["quantityReceived"] >= line["quantity"] for line in lines):
            received = {"status": RECEIVED, "receivedDate": self.shop.now()}
            self.shop.save("purchaseorder", {"id": number, **received})

    def _told_purchase(self, number: int, told: str) -> list[Json]:
        whole = events.purchase_order(self.shop, number)
        return [events.event(self.shop, f"purchase_order.{told}", purchaseOrder=whole)]


def shop_number(shop: Shop, number: Any) -> int:
    found: int = shop.get("purchaseorder", number)["id"]
    return found


def _of_product(product: Row, line: Mapping[str, Any], index: int) -> Json:
    return {
        "productID": product["id"],
        "title": product["title"],
        "lineNumber": index,
        "quantity": line["quantity"],
        "price": line.get("price", product["price"]),
    }


def _flat(document: Mapping[str, Any]) -> Json:
    """A document's header as the API's flat record: dates as moments, contact spread out."""
    contact = document.get("contact") or {}
    found = {**document, "contactEmail": contact.get("email")}
    for name in ("orderDate", "receivedDate", "expiryDate", "dueDate"):
        if isinstance(found.get(name), str):
            found[name] = datetime.fromisoformat(found[name])
    return found
