"""Payments, and the accounting interface: what waits to be posted, batches, and their lock."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.desk import Answer, Desk

BATCHES = "/finance/accounting/batches"
INVOICES = "/finance/accounting/unpostedinvoices"
RECEIPTS = "/finance/accounting/unpostedprocurement"


@pytest.fixture
def order(watched: Desk) -> Any:
    return watched.convert()


@pytest.fixture
def invoice(watched: Desk, order: Any) -> Any:
    """An invoice of the whole order: 9987 before tax."""
    return watched.act("invoice_sales_order", order["id"])


def closed(desk: Desk, invoice: Any) -> Any:
    return desk.patch(f"/finance/invoices/{invoice['id']}", status={"name": "Closed"})


@pytest.fixture
def purchase(watched: Desk, order: Any) -> Any:
    """A purchase order of three docks at 240, two of them received on a packing slip."""
    return received(watched, order)


def received(desk: Desk, order: Any) -> Any:
    dock = desk.products(salesOrder=order["id"])["DELL-WD22TB4"]
    purchase = desk.demand(
        (dock["id"], 3), products=[{"productRecId": dock["id"], "quantity": 3, "cost": 240}]
    )
    (line,) = desk.lines(purchase["id"])
    path = f"/procurement/purchaseorders/{purchase['id']}/lineitems/{line['id']}"
    desk.patch(path, packingSlip="SLIP-1", tax=4.5)
    assert desk.receive(line, 2, "PartiallyReceiveCloneRest").status == 200
    return purchase


def batch(desk: Desk, *numbers: int, **more: Any) -> Answer:
    body = {
        "exportInvoicesFlag": True,
        "exportProductsFlag": True,
        "exportExpensesFlag": False,
        "processedRecordIds": list(numbers),
    }
    return desk.send("POST", BATCHES, body | more)


# --- payments


def test_payments_and_credits_lower_the_balance(watched: Desk, invoice: Any) -> None:
    path = f"/finance/invoices/{invoice['id']}"
    total = invoice["total"]
    watched.pass_time(60)
    paid = watched.post(f"{path}/payments", {"amount": 100, "source": "bank"})
    assert (paid["type"], paid["appliedBy"]) == ("Payment", "integration")
    assert (paid["invoiceTotal"], paid["invoiceBalance"]) == (total, round(total - 100, 2))
    shown = watched.get(path)
    assert (shown["payments"], shown["balance"]) == (100, round(total - 100, 2))
    assert shown["_info"]["lastUpdated"] == "2026-11-19T10:01:00Z"
    memo = watched.post("/finance/invoices", {"type": "CreditMemo", "company": {"id": 250}})
    credited = watched.post(f"{path}/payments", {"amount": 50, "credit": {"id": memo["id"]}})
    assert credited["type"] == "Credit"
    shown = watched.get(path)
    assert (shown["payments"], shown["credits"]) == (100, 50)
    watched.patch(f"{path}/payments/{paid['id']}", amount=70)
    answer = watched.send("PUT", f"{path}/payments/{credited['id']}", {"amount": 20})
    assert answer.json["type"] == "Payment"  # the credit was left out
    assert watched.get(path)["balance"] == round(total - 90, 2)
    assert len(watched.get(f"{path}/payments")) == 2
    watched.refused("DELETE", path, None)
    for each in (paid, credited):
        assert watched.send("DELETE", f"{path}/payments/{each['id']}").status == 204
    assert watched.get(path)["balance"] == total
    assert watched.send("DELETE", path).status == 204


def test_no_more_is_paid_than_is_due_and_only_with_the_companys_credit(
    watched: Desk, invoice: Any
) -> None:
    path = f"/finance/invoices/{invoice['id']}/payments"
    watched.refused("POST", path, {"amount": 0})
    watched.refused("POST", path, {"amount": invoice["total"] + 0.01})
    watched.refused("POST", path, {"amount": 1, "credit": {"id": invoice["id"]}})
    foreign = watched.post("/finance/invoices", {"type": "CreditMemo", "company": {"id": 251}})
    watched.refused("POST", path, {"amount": 1, "credit": {"id": foreign["id"]}})
    whole = watched.post(path, {"amount": invoice["total"]})
    assert whole["invoiceBalance"] == 0
    assert watched.try_patch(f"{path}/{whole['id']}", amount=invoice["total"] + 1).status == 400


def test_an_invoice_is_printed(watched: Desk, invoice: Any) -> None:
    answer = watched.send("GET", f"/finance/invoices/{invoice['id']}/pdf")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/pdf")
    assert answer.raw.startswith(b"%PDF-1.4")
    assert answer.raw.rstrip().endswith(b"%%EOF")
    place = int(answer.raw.split(b"startxref\n")[1].split()[0])
    assert answer.raw[place:].startswith(b"xref")
    assert f"Invoice {invoice['invoiceNumber']} for Contoso Ltd".encode() in answer.raw
    assert b"9987.00" in answer.raw
    assert watched.send("GET", "/finance/invoices/1/pdf").status == 404


def test_routings_and_commissions_stand_on_an_invoice(watched: Desk, invoice: Any) -> None:
    path = f"/finance/invoices/{invoice['id']}"
    routing = watched.post(f"{path}/routings", {"member": {"identifier": "sales"}})
    assert (routing["sequenceNumber"], "dateReviewedUTC" in routing) == (1, False)
    reviewed = watched.patch(f"{path}/routings/{routing['id']}", reviewedFlag=True)
    assert reviewed["dateReviewedUTC"] == "2026-11-19T10:00:00Z"
    share = {"member": {"identifier": "sales"}, "percent": 10, "splitPercent": 50}
    commission = watched.post(f"{path}/commissions", share | {"adjustment": -1})
    assert (commission["netAmount"], commission["amount"]) == (9987, 498.35)
    assert commission["salesOrder"]["id"] == invoice["salesOrder"]["id"]
    watched.refused("POST", f"{path}/commissions", share | {"percent": 101})
    assert watched.get(f"{path}/commissions/count") == {"count": 1}


def test_the_entries_of_an_invoice_balance(watched: Desk, invoice: Any) -> None:
    path = f"/finance/invoices/{invoice['id']}/glEntries"
    entries = watched.get(f"{path}/")
    sums = {
        kind: round(sum(each["amount"] for each in entries if each["type"] == kind), 2)
        for kind in ("AR", "R", "ST")
    }
    assert sums == {"AR": invoice["total"], "R": 9987, "ST": invoice["salesTax"]}
    assert watched.get(f"{path}/1") == entries[0]
    assert watched.send("GET", f"{path}/99").status == 404


# --- what waits


def test_an_invoice_waits_once_it_is_closed(watched: Desk, invoice: Any) -> None:
    assert watched.get(INVOICES) == []
    closed(watched, invoice)
    (waiting,) = watched.get(INVOICES)
    assert (waiting["id"], waiting["invoiceNumber"]) == (invoice["id"], invoice["invoiceNumber"])
    assert (waiting["total"], waiting["hasProducts"]) == (invoice["total"], True)
    assert (waiting["invoiceType"], waiting["dueDays"]) == ("Standard", "30")
    assert watched.get(f"{INVOICES}/{invoice['id']}") == waiting
    assert watched.get(INVOICES, conditions="total < 1") == []
    assert watched.get(f"{INVOICES}/count") == {"count": 1}
    assert watched.send("GET", f"{INVOICES}/1").status == 404


def test_receipts_wait_by_packing_slip_with_the_freight_once(watched: Desk, purchase: Any) -> None:
    path = f"/procurement/purchaseorders/{purchase['id']}"
    watched.patch(path, freightCost=12, vendorInvoiceNumber="IN-77")
    first, rest = watched.lines(purchase["id"])
    (waiting,) = watched.get(RECEIPTS)
    assert (waiting["id"], waiting["description"]) == (
        first["id"],
        f"{purchase['poNumber']} SLIP-1",
    )
    assert (waiting["total"], waiting["taxTotal"], waiting["freightCost"]) == (496.5, 4.5, 12)
    assert (waiting["vendor"]["identifier"], waiting["vendorInvoiceNumber"]) == ("INGRAM", "IN-77")
    assert waiting["procurementType"] == "Purchase"
    watched.patch(f"{path}/lineitems/{rest['id']}", packingSlip="SLIP-2")
    assert watched.receive(rest, 1).status == 200
    slips = {each["description"].split()[-1]: each["freightCost"] for each in watched.get(RECEIPTS)}
    assert slips == {"SLIP-1": 12, "SLIP-2": 0}
    watched.patch(path, freightPackingSlip="SLIP-2")
    slips = {each["description"].split()[-1]: each["freightCost"] for each in watched.get(RECEIPTS)}
    assert slips == {"SLIP-1": 0, "SLIP-2": 12}
    assert watched.get(f"{RECEIPTS}/{rest['id']}")["freightCost"] == 12


def test_an_open_receipt_does_not_wait(watched: Desk, order: Any) -> None:
    watched.switch(auto_close_line=False)
    purchase = received(watched, order)
    assert watched.get(RECEIPTS) == []
    line = watched.lines(purchase["id"])[0]
    watched.patch(
        f"/procurement/purchaseorders/{purchase['id']}/lineitems/{line['id']}", closedFlag=True
    )
    assert len(watched.get(RECEIPTS)) == 1


# --- batches


def test_a_batch_posts_what_it_names_and_exports_it(
    watched: Desk, purchase: Any, invoice: Any
) -> None:
    closed(watched, invoice)
    line = watched.lines(purchase["id"])[0]
    answer = batch(watched, invoice["id"], line["id"], batchIdentifier="NOV-1")
    assert answer.status == 201
    (sold,), (bought,) = answer.json["transactions"], answer.json["purchaseTransactions"]
    assert (sold["documentNumber"], sold["total"]) == (invoice["invoiceNumber"], invoice["total"])
    assert (bought["packingSlip"], bought["total"]) == ("SLIP-1", 484.5)
    assert [each["quantity"] for each in bought["purchaseDetail"]] == [2]
    assert [each["vendor"]["identifier"] for each in answer.json["vendors"]] == ["INGRAM"]
    assert watched.get(INVOICES) == watched.get(RECEIPTS) == []
    (made,) = watched.get(BATCHES)
    assert (made["batchIdentifier"], made["closedFlag"]) == ("NOV-1", False)
    assert watched.get(f"{BATCHES}/count") == {"count": 1}
    entries = watched.get(f"{BATCHES}/{made['id']}/entries", pageSize=100)
    debit = round(sum(each.get("debit", 0) for each in entries), 2)
    assert debit == round(sum(each.get("credit", 0) for each in entries), 2)
    assert debit == round(invoice["total"] + 484.5, 2)
    assert watched.get(f"{BATCHES}/{made['id']}/entries/{entries[0]['id']}") == entries[0]
    again = watched.post(f"{BATCHES}/{made['id']}/export", {}, status=200)
    assert again == answer.json
    shown = watched.get(f"/finance/invoices/{invoice['id']}")
    assert shown["glBatch"]["name"] == "NOV-1"


def test_a_batch_takes_only_what_waits_and_what_its_flags_allow(
    watched: Desk, purchase: Any, invoice: Any
) -> None:
    line = watched.lines(purchase["id"])[0]
    assert batch(watched, invoice["id"]).status == 400  # it is not closed
    closed(watched, invoice)
    assert batch(watched, line["id"], exportProductsFlag=False).status == 400
    assert batch(watched).status == 400
    nothing = {"exportInvoicesFlag": False, "exportProductsFlag": False}
    assert batch(watched, line["id"], **nothing).status == 400
    assert batch(watched, line["id"], batchIdentifier="x" * 51).status == 400
    assert batch(watched, line["id"], invoice["id"]).status == 201
    assert batch(watched, line["id"]).status == 400  # and nothing is posted twice
    assert watched.get(f"{BATCHES}/count") == {"count": 1}


def test_each_packing_slip_of_an_order_is_a_purchase_of_its_own(
    watched: Desk, purchase: Any
) -> None:
    first, rest = watched.lines(purchase["id"])
    path = f"/procurement/purchaseorders/{purchase['id']}/lineitems/{rest['id']}"
    watched.patch(path, packingSlip="SLIP-2", tax=0)
    assert watched.receive(rest, 1).status == 200
    exported = batch(watched, first["id"], rest["id"]).json
    bought = [(each["packingSlip"], each["total"]) for each in exported["purchaseTransactions"]]
    assert bought == [("SLIP-1", 484.5), ("SLIP-2", 240)]
    assert len(exported["vendors"]) == 1


def test_batched_records_are_locked_until_the_batch_is_gone(
    watched: Desk, purchase: Any, invoice: Any
) -> None:
    closed(watched, invoice)
    line = watched.lines(purchase["id"])[0]
    assert batch(watched, invoice["id"], line["id"]).status == 201
    path = f"/procurement/purchaseorders/{purchase['id']}"
    assert watched.lines(purchase["id"])[0]["batchedFlag"] is True
    answer = watched.try_patch(f"{path}/lineitems/{line['id']}", internalNotes="late")
    assert (answer.status, "locked" in answer.messages) == (400, True)
    watched.refused("DELETE", f"{path}/lineitems/{line['id']}", None)
    both = {"trackingNumber": "1Z", "updateShipmentInfo": True}
    assert watched.try_patch(path, **both).status == 400
    assert watched.try_patch(f"/finance/invoices/{invoice['id']}", reference="x").status == 400
    watched.refused("DELETE", f"/finance/invoices/{invoice['id']}", None)
    (made,) = watched.get(BATCHES)
    assert watched.send("DELETE", f"{BATCHES}/{made['id']}").status == 204
    watched.patch(f"{path}/lineitems/{line['id']}", internalNotes="late")
    watched.patch(f"/finance/invoices/{invoice['id']}", reference="x")
    assert (len(watched.get(INVOICES)), len(watched.get(RECEIPTS))) == (1, 1)


def test_a_purchase_order_is_unbatched_to_be_changed_and_batched_again(
    watched: Desk, purchase: Any
) -> None:
    first, rest = watched.lines(purchase["id"])
    path = f"/procurement/purchaseorders/{purchase['id']}"
    assert watched.post(f"{path}/unbatch", status=200)["success"] is False
    assert batch(watched, first["id"]).status == 201
    (made,) = watched.get(BATCHES)
    watched.patch(f"{path}/lineitems/{rest['id']}", internalNotes="free")  # the rest is not in it
    assert watched.post(f"{path}/unbatch", status=200)["success"] is True
    line = watched.patch(f"{path}/lineitems/{first['id']}", internalNotes="corrected")
    assert (line["batchedFlag"], line["unbatchedRecId"]) == (False, made["id"])
    assert watched.get(RECEIPTS) == []  # it goes back to its own batch
    assert watched.post(f"{path}/rebatch", status=200)["success"] is True
    assert watched.try_patch(f"{path}/lineitems/{first['id']}", internalNotes="x").status == 400
    assert watched.post(f"{path}/rebatch", status=200)["success"] is False
    assert watched.send("POST", "/procurement/purchaseorders/1/unbatch").status == 404
