"""The endpoints of finance that are more than a list or a record: the accounting interface, PDFs.

Owns their bodies and answers; the rules behind them live in the model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from sandbox.connectwise.http.listing import Listing, shown, wanted_fields
from sandbox.connectwise.http.routes import Call, Result, add_route, route
from sandbox.connectwise.model.engine import object_body
from sandbox.connectwise.model.errors import not_found
from sandbox.connectwise.model.resources import RESOURCES
from sandbox.connectwise.model.rules import accounting
from sandbox.connectwise.model.rules.orders import line_total
from sandbox.connectwise.model.shapes import SHAPES
from sandbox.connectwise.model.store import Row
from sandbox.kit.pdf import page_of

Rows = Callable[[Call], Iterable[Row]]


# --- records that are worked out on every read


def _list(table: str, rows: Rows, call: Call) -> Result:
    parameters = call.request.parameters
    return call.listed(Listing(call.psa, call.view, table, parameters, source=list(rows(call))))


def _count(table: str, rows: Rows, call: Call) -> Result:
    parameters = call.request.parameters
    listing = Listing(call.psa, call.view, table, parameters, source=list(rows(call)))
    return Result(200, {"count": len(listing.matching())})


def _one(table: str, rows: Rows, call: Call) -> Result:
    for row in rows(call):
        if row["id"] == call.ids[-1]:
            fields = wanted_fields(call.request.parameters)
            return Result(200, shown(call.psa, call.view, table, row, fields))
    raise not_found(RESOURCES[table].name, call.ids[-1])


def unposted_invoices(call: Call) -> Iterable[Row]:
    return accounting.unposted_invoices(call.psa.world, call.view)


def unposted_procurement(call: Call) -> Iterable[Row]:
    return accounting.unposted_procurement(call.view)


def gl_entries(call: Call) -> Iterable[Row]:
    """What an invoice posts, numbered by place."""
    invoice = call.psa.engine.existing("invoice", call.ids[0], None, call.view)
    entries = accounting.entries_of_invoice(call.view, invoice)
    for place, entry in enumerate(entries, start=1):
        yield {
            "id": place,
            "_info": invoice["_info"],
            "type": entry["accountType"],
            "amount": entry.get("debit", entry.get("credit")),
            "cost": entry.get("cost"),
            "description": entry["name"],
            "productId": entry.get("item"),
            "isBatched": invoice.get("glBatch") is not None,
        }


for table, rows in (
    ("unpostedInvoice", unposted_invoices),
    ("unpostedProcurement", unposted_procurement),
    ("glEntry", gl_entries),
):
    path = RESOURCES[table].path
    add_route("GET", path, partial(_list, table, rows))
    add_route("GET", f"{path}/count", partial(_count, table, rows))
    add_route("GET", f"{path}/#", partial(_one, table, rows))


# --- batches


@route("POST", "/finance/accounting/batches")
def post_batch(call: Call) -> Result:
    with call.psa.world.write():
        batch = accounting.create_batch(call.psa.world, object_body(call.body))
    return Result(201, without_nulls(exported(call, batch)))


@route("POST", "/finance/accounting/batches/#/export")
def export_batch(call: Call) -> Result:
    store = call.psa.world.store
    batch = call.psa.engine.existing("accountingBatch", call.ids[0], None, store)
    return Result(200, without_nulls(exported(call, batch)))


def exported(call: Call, batch: Row) -> dict[str, Any]:
    """The vendor's GLExport of a batch: its documents with their lines, vendors and customers."""
    store = call.psa.world.store
    entries = store.find("batchEntry", "batch", (batch["id"],))
    invoices = list(dict.fromkeys(row["invoice"] for row in entries if row.get("invoice")))
    sold = [row for row in (store.get("invoice", number) for number in invoices) if row]
    receipts: dict[int, list[Row]] = {}
    for row in entries:
        if row.get("receipt") is not None:
            receipts.setdefault(row["receipt"], []).append(row)
    purchases = [_purchase(call, rows) for rows in receipts.values()]
    return {
        "vendors": [{"vendor": vendor} for vendor in _each_once(purchases)],
        "customers": [
            {"company": _reference(call, "Company", number)}
            for number in dict.fromkeys(row["company"] for row in sold)
        ],
        "transactions": [_transaction(call, invoice) for invoice in sold],
        "purchaseTransactions": purchases,
    }


def _each_once(purchases: list[dict[str, Any]]) -> Iterable[Any]:
    return {purchase["company"]["id"]: purchase["company"] for purchase in purchases}.values()


def without_nulls(value: Any) -> Any:
    """Nulls are left out, as everywhere."""
    if isinstance(value, dict):
        return {name: without_nulls(each) for name, each in value.items() if each is not None}
    return [without_nulls(each) for each in value] if isinstance(value, list) else value


def _reference(call: Call, shape: str, number: int) -> dict[str, Any]:
    return call.psa.renderer.reference(call.psa.world.store, SHAPES[shape], number)


def _transaction(call: Call, invoice: Row) -> dict[str, Any]:
    record = call.psa.show("invoice", invoice)
    products = call.psa.world.store.find("product", "invoice", (invoice["id"],))
    return {
        "id": invoice["id"],
        "documentType": "INV",
        "documentNumber": record["invoiceNumber"],
        "documentDate": record.get("date"),
        "dueDate": record.get("dueDate"),
        "company": record["company"],
        "total": record["total"],
        "salesTax": record["salesTax"],
        "detail": [
            {
                "id": product["id"],
                "description": product.get("description"),
                "item": _reference(call, "IvItem", product["catalogItem"]),
                "quantity": product.get("quantity"),
                "itemPrice": product.get("price"),
                "itemCost": product.get("cost"),
                "total": float(line_total(product)),
            }
            for product in products
        ],
    }


def _purchase(call: Call, entries: list[Row]) -> dict[str, Any]:
    """One receipt: the lines of a purchase order that came on one packing slip."""
    store = call.psa.world.store
    order = store.get("purchaseOrder", entries[0]["purchaseOrder"]) or {}
    found = (store.get("line", row.get("lineItem")) for row in entries)
    lines = [line for line in found if line is not None]
    return {
        "id": str(entries[0]["receipt"]),
        "documentNumber": order.get("poNumber"),
        "purchaseDate": order.get("poDate"),
        "company": _reference(call, "Company", order["vendorCompany"]),
        "packingSlip": lines[0].get("packingSlip"),
        "freightAmount": sum(float(row["debit"]) for row in entries if row["accountType"] == "FR"),
        "vendorInvoiceNumber": order.get("vendorInvoiceNumber"),
        "vendorInvoiceDate": order.get("vendorInvoiceDate"),
        "total": sum(float(row["credit"]) for row in entries if row["accountType"] == "AP"),
        "purchaseDetail": [
            {
                "id": line["id"],
                "description": line.get("description"),
                "item": _reference(call, "IvItem", line["product"]),
                "lineNumber": line.get("lineNumber"),
                "quantity": line.get("receivedQuantity"),
                "itemCost": line.get("unitCost"),
                "serialNumbers": line.get("serialNumbers"),
            }
            for line in lines
        ],
    }


# --- invoices


@route("GET", "/finance/invoices/#/pdf")
def invoice_pdf(call: Call) -> Result:
    """A page with the invoice's number, customer, lines and sums."""
    row = call.psa.engine.existing("invoice", call.ids[0], None, call.view)
    record = call.psa.show("invoice", row, call.view)
    products = call.view.find("product", "invoice", (row["id"],))
    lines = [
        f"{product.get('quantity'):g} x {product.get('description')}: {line_total(product):.2f}"
        for product in products
    ]
    sums = [f"{name}: {record[name]:.2f}" for name in ("subtotal", "salesTax", "total", "balance")]
    title = f"Invoice {record['invoiceNumber']} for {record['company'].get('name')}"
    return Result(200, page_of([title, *lines, *sums]))
