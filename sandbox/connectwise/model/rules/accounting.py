"""The accounting interface: what waits to be posted, batches, and the lock that they put on.

Closed invoices wait one by one; closed receipts wait grouped by purchase order and packing slip.
A batch takes what its request names. A batched line is locked until its purchase order is
unbatched; deleting the batch lets everything wait again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from sandbox.connectwise.model.errors import invalid, invalid_object, refused
from sandbox.connectwise.model.rules import invoicing
from sandbox.connectwise.model.rules.base import Rules, decimal, money
from sandbox.connectwise.model.rules.orders import line_total
from sandbox.connectwise.model.store import Row, View
from sandbox.connectwise.model.world import World

NAME = "createAccountingBatchRequest"


# --- what waits


def unposted_invoices(world: World, view: View) -> Iterator[Row]:
    """Closed invoices that no batch holds, as their unposted records."""
    for invoice in view.rows("invoice"):
        if invoice.get("glBatch") is None and invoicing.is_closed(view, invoice):
            yield _unposted_invoice(world, view, invoice)


def _unposted_invoice(world: World, view: View, invoice: Row) -> Row:
    sums = invoicing.show(world, view, invoice)
    terms = view.get("billingTerm", invoice.get("billingTerms")) or {}
    same = (
        *("id", "_info", "company", "accountNumber", "billToCompany", "shipToCompany"),
        *("invoiceNumber", "billingTerms", "dueDate", "currency", "taxCode", "location"),
        "department",
    )
    return {name: invoice.get(name) for name in same} | {
        "billingLogId": invoice["id"],
        "billToSite": invoice.get("billingSite"),
        "shipToSite": invoice.get("shippingSite"),
        "invoiceDate": invoice.get("date"),
        "invoiceType": invoice["type"],
        "description": invoice.get("reference") or f"Invoice {invoice['invoiceNumber']}",
        "dueDays": str(terms.get("dueDays") or 0),
        "subTotal": sums["subtotal"],
        "total": sums["total"],
        "hasTime": False,
        "hasExpenses": False,
        "hasProducts": bool(view.find("product", "invoice", (invoice["id"],))),
        "invoiceTaxableFlag": sums["salesTax"] > 0,
        "salesTaxAmount": sums["salesTax"],
        "stateTaxFlag": sums["salesTax"] > 0,
        "stateTaxAmount": sums["salesTax"],
        "createdBy": invoice["_info"].get("enteredBy"),
        "dateClosed": invoice["_info"].get("lastUpdated"),
    }


def unposted_procurement(view: View) -> Iterator[Row]:
    """Closed receipts that no batch holds, one record for each packing slip of an order."""
    groups: dict[tuple[int, str], list[Row]] = {}
    for line in view.rows("line"):
        if _waits(line):
            slip = str(line.get("packingSlip") or "")
            groups.setdefault((line["purchaseOrderId"], slip), []).append(line)
    for (number, slip), lines in groups.items():
        order = view.get("purchaseOrder", number)
        if order is not None:
            yield _unposted_receipt(view, order, slip, lines)


def _waits(line: Row) -> bool:
    received = bool(decimal(line.get("receivedQuantity")))
    posted = line.get("batchedFlag") or line.get("unbatchedRecId") is not None
    return bool(line.get("closedFlag")) and received and not posted


def _unposted_receipt(view: View, order: Row, slip: str, lines: list[Row]) -> Row:
    vendor = view.get("company", order["vendorCompany"]) or {}
    tax = sum((decimal(line.get("tax")) for line in lines), Decimal(0))
    freight = decimal(order.get("freightCost")) if _carries_freight(view, order, lines) else 0
    goods = sum((_cost(line) for line in lines), Decimal(0))
    return {
        "id": min(line["id"] for line in lines),
        "_info": max((line["_info"] for line in lines), key=lambda info: str(info["lastUpdated"])),
        "lines": [line["id"] for line in lines],  # behind the scenes, for the batch
        "description": f"{order['poNumber']} {slip}".strip(),
        "unpostedProductId": f"P{order['id']}-{min(line['id'] for line in lines)}",
        "locationId": order.get("location"),
        "departmentId": order.get("businessUnit"),
        "procurementType": "Purchase",
        "purchaseOrder": order["id"],
        "purchaseDate": order.get("poDate"),
        "trackingNumber": order.get("trackingNumber"),
        "billingTerms": order.get("terms"),
        "currency": order.get("currency"),
        "total": money(goods + tax + freight),
        "taxCode": order.get("taxCode"),
        "purchaseOrderTaxableFlag": bool(order.get("taxPoFlag")),
        "stateTaxFlag": tax > 0,
        "stateTaxAmount": money(tax),
        "taxTotal": money(tax),
        "customer": order.get("customerCompany"),
        "vendor": order["vendorCompany"],
        "vendorAccountNumber": vendor.get("accountNumber"),
        "vendorInvoiceNumber": order.get("vendorInvoiceNumber"),
        "vendorInvoiceDate": order.get("vendorInvoiceDate"),
        "taxFreightFlag": bool(order.get("taxFreightFlag")),
        "freightTaxTotal": order.get("freightTaxTotal"),
        "freightCost": money(decimal(freight)),
        "dateClosed": max(str(line.get("dateReceived") or "") for line in lines) or None,
    }


def _carries_freight(view: View, order: Row, lines: list[Row]) -> bool:
    """Freight is posted once: with its own packing slip, else with the order's first receipt."""
    received = [
        line
        for line in view.find("line", "purchaseOrderId", (order["id"],))
        if decimal(line.get("receivedQuantity"))
    ]
    named = [
        line for line in received if line.get("packingSlip") == order.get("freightPackingSlip")
    ]
    chosen = named if order.get("freightPackingSlip") and named else received
    first = min(chosen, key=lambda line: int(line["id"]))
    return any(line["id"] == first["id"] for line in lines)


def _cost(line: Row) -> Decimal:
    return decimal(line.get("unitCost")) * decimal(line.get("receivedQuantity"))


# --- batches


def create_batch(world: World, body: Mapping[str, Any]) -> Row:
    """Makes a batch of the unposted records that the body names. Gives its row."""
    flags = {
        name: body.get(name) is True
        for name in ("exportInvoicesFlag", "exportExpensesFlag", "exportProductsFlag")
    }
    if not any(flags.values()):
        message = "Batch must export Invoices, Expenses or Products."
        raise refused(NAME, "exportInvoicesFlag", message)
    ids = body.get("processedRecordIds")
    if not isinstance(ids, list) or not ids:
        raise refused(NAME, "processedRecordIds", "The processedRecordIds field is required.")
    identifier = body.get("batchIdentifier")
    if identifier is not None and (not isinstance(identifier, str) or len(identifier) > 50):
        raise refused(NAME, "batchIdentifier", "The value must be text of at most 50 characters.")
    invoices, receipts = _waiting(world, flags, ids)
    batch = world.insert("accountingBatch", flags | {"closedFlag": False})
    batch = world.change(
        "accountingBatch", batch["id"], batchIdentifier=identifier or f"Batch {batch['id']}"
    )
    for invoice in invoices:
        world.change("invoice", invoice["id"], glBatch=batch["id"])
        _enter(world, batch, entries_of_invoice(world.store, invoice))
    for receipt in receipts:
        for number in receipt["lines"]:
            world.change("line", number, batchedFlag=True, batch=batch["id"])
        _enter(world, batch, _entries_of_receipt(world.store, receipt))
    return batch


def _waiting(
    world: World, flags: Mapping[str, bool], ids: list[Any]
) -> tuple[list[Row], list[Row]]:
    invoices = {row["id"]: row for row in unposted_invoices(world, world.store)}
    receipts = {row["id"]: row for row in unposted_procurement(world.store)}
    open_invoices = invoices if flags["exportInvoicesFlag"] else {}
    open_receipts = receipts if flags["exportProductsFlag"] else {}
    numbers = list(dict.fromkeys(number for number in ids if isinstance(number, int)))
    unknown = [
        invalid(NAME, "processedRecordIds", f"{number} is not an unposted record of the batch")
        for number in (numbers if len(numbers) == len(ids) else ids)
        if number not in open_invoices and number not in open_receipts
    ]
    if unknown:
        raise invalid_object(NAME, *unknown)
    return (
        [world.row("invoice", number) for number in numbers if number in open_invoices],
        [open_receipts[number] for number in numbers if number in open_receipts],
    )


def _enter(world: World, batch: Row, entries: list[Row]) -> None:
    for entry in entries:
        world.insert("batchEntry", entry | {"batch": batch["id"]})


def entries_of_invoice(view: View, invoice: Row) -> list[Row]:
    """Both sides of an invoice: the receivable, a revenue for each product, the tax."""
    products = view.find("product", "invoice", (invoice["id"],))
    code = view.get("taxCode", invoice.get("taxCode")) or {}
    taxable = sum((line_total(row) for row in products if row.get("taxableFlag")), Decimal(0))
    tax = taxable * decimal(code.get("levelOneRate")) / 100
    asked = invoice.get("downpaymentApplied") if invoice["type"] == "DownPayment" else 0
    down = decimal(asked)
    total = sum((line_total(row) for row in products), Decimal(0)) + down
    of = {"invoice": invoice["id"]}
    entries: list[Row] = [
        of | {"accountType": "AR", "name": "Accounts receivable", "debit": money(total + tax)}
    ]
    for product in products:
        item = view.get("catalog", product["catalogItem"]) or {}
        entries.append(
            of
            | {
                "accountType": "R",
                "name": product.get("description"),
                "item": item.get("identifier"),
                "credit": money(line_total(product)),
                "cost": money(decimal(product.get("cost")) * decimal(product.get("quantity"))),
            }
        )
    if down:
        entries.append(of | {"accountType": "DP", "name": "Down payment", "credit": money(down)})
    if tax:
        entries.append(of | {"accountType": "ST", "name": "Sales tax", "credit": money(tax)})
    return entries


def _entries_of_receipt(view: View, receipt: Row) -> list[Row]:
    of = {"purchaseOrder": receipt["purchaseOrder"], "receipt": receipt["id"]}
    entries: list[Row] = []
    for number in receipt["lines"]:
        line = view.get("line", number) or {}
        item = view.get("catalog", line.get("product")) or {}
        entries.append(
            of
            | {
                "accountType": "I",
                "name": line.get("description"),
                "item": item.get("identifier"),
                "lineItem": number,
                "debit": money(_cost(line) + decimal(line.get("tax"))),
                "cost": money(_cost(line)),
            }
        )
    if receipt["freightCost"]:
        entries.append(
            of | {"accountType": "FR", "name": "Freight", "debit": receipt["freightCost"]}
        )
    payable = {"accountType": "AP", "name": "Accounts payable", "credit": receipt["total"]}
    return [*entries, of | payable]


def delete_batch(world: World, row: Row) -> None:
    for invoice in world.find("invoice", "glBatch", row["id"]):
        world.change("invoice", invoice["id"], glBatch=None)
    for line in world.find("line", "batch", row["id"]):
        world.change("line", line["id"], batchedFlag=False, unbatchedRecId=None, batch=None)
    for entry in world.find("batchEntry", "batch", row["id"]):
        world.delete("batchEntry", entry["id"])


# --- a purchase order leaves its batches, and returns to them


def unbatch(world: World, order: Row) -> bool:
    """Unlocks the batched lines of a purchase order. Gives whether there were any."""
    lines = [
        line for line in world.find("line", "purchaseOrderId", order["id"]) if line["batchedFlag"]
    ]
    for line in lines:
        world.change("line", line["id"], batchedFlag=False, unbatchedRecId=line["batch"])
    return bool(lines)


def rebatch(world: World, order: Row) -> bool:
    """Locks the lines again that were unbatched. Gives whether there were any."""
    lines = [
        line
        for line in world.find("line", "purchaseOrderId", order["id"])
        if line.get("unbatchedRecId") is not None
    ]
    for line in lines:
        world.change("line", line["id"], batchedFlag=True, unbatchedRecId=None)
    return bool(lines)


RULES: dict[str, Rules] = {"accountingBatch": Rules(before_delete=delete_batch)}
