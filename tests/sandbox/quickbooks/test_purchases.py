"""Purchase orders, bills and what pays them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.quickbooks.desk import Desk


def test_a_bill_takes_its_goods_from_the_purchase_order_in_parts(desk: Desk) -> None:
    order = desk.order(10, 4)
    first = desk.bill_of(order, 6, 4)
    assert [line["LinkedTxn"][0]["TxnLineId"] for line in first["Line"]] == ["1", "2"]
    standing = desk.get("PurchaseOrder", order["Id"])
    assert [line["Received"] for line in standing["Line"]] == [6, 4]
    assert standing["POStatus"] == "Open"
    assert standing["LinkedTxn"] == [{"TxnId": first["Id"], "TxnType": "Bill"}]
    assert standing["SyncToken"] == "1"
    second = desk.bill_of(order, 4, 0)
    assert desk.get("PurchaseOrder", order["Id"])["POStatus"] == "Closed"
    desk.post("Bill", {"Id": second["Id"], "SyncToken": "0"}, operation="delete")
    assert desk.get("PurchaseOrder", order["Id"])["POStatus"] == "Open"


def test_whether_the_last_bill_closes_the_order_is_a_switch(desk: Desk) -> None:
    desk.switch(po_closes_when_billed=False)
    order = desk.order(2)
    desk.bill_of(order, 2)
    standing = desk.get("PurchaseOrder", order["Id"])
    assert standing["POStatus"] == "Open"
    closing = {"Id": order["Id"], "SyncToken": standing["SyncToken"], "sparse": True}
    closed = desk.post("PurchaseOrder", closing | {"POStatus": "Closed", "VendorRef": desk.vendor})
    assert (closed["POStatus"], closed["ManuallyClosed"]) == ("Closed", True)
    assert closed["Line"][0]["Received"] == 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"TxnLineId": "9"},
        {"TxnId": "99999"},
        {"TxnType": "Estimate"},
        {"TxnLineId": None},
    ],
)
def test_a_wrong_link_is_dropped_without_a_word(desk: Desk, wrong: dict[str, Any]) -> None:
    order = desk.order(3)
    link = {"TxnId": order["Id"], "TxnType": "PurchaseOrder", "TxnLineId": "1"} | wrong
    link = {name: value for name, value in link.items() if value is not None}
    bill = desk.bill(LinkedTxn=[link], Line=[desk.bought(3, LinkedTxn=[link])])
    assert "LinkedTxn" not in bill["Line"][0]
    assert "LinkedTxn" not in bill
    assert desk.get("PurchaseOrder", order["Id"])["SyncToken"] == "0"


def test_links_are_dropped_by_switch_or_for_one_request(desk: Desk) -> None:
    order = desk.order(4)
    desk.switch(drop_po_link=True)
    assert "LinkedTxn" not in desk.bill_of(order, 1)
    desk.switch(drop_po_link=False)
    desk.fault(kind="drop_link", method="POST", path="/bill$")
    assert "LinkedTxn" not in desk.bill_of(order, 1)
    assert "LinkedTxn" in desk.bill_of(order, 1)


def test_a_standing_line_is_linked_only_by_coming_as_a_new_one(desk: Desk) -> None:
    order = desk.order(3)
    bill = desk.bill(3)
    link = {"TxnId": order["Id"], "TxnType": "PurchaseOrder"}
    linked = bill["Line"][0] | {"LinkedTxn": [link | {"TxnLineId": "1"}]}
    same = desk.post("Bill", bill | {"LinkedTxn": [link], "Line": [linked]})
    assert "LinkedTxn" not in same["Line"][0]
    new = {name: value for name, value in linked.items() if name not in {"Id", "LineNum"}}
    changed = desk.post("Bill", same | {"LinkedTxn": [link], "Line": [new]})
    assert changed["Line"][0]["Id"] == "2"
    assert changed["Line"][0]["LinkedTxn"][0]["TxnLineId"] == "1"


def test_purchase_orders_are_a_matter_of_the_plan(desk: Desk) -> None:
    assert desk.send("GET", "preferences").json["Preferences"]["ProductAndServicesPrefs"][
        "InventoryAndPurchaseOrder"
    ]
    desk.switch(plan="essentials")
    body = {"VendorRef": desk.vendor, "APAccountRef": desk.payable, "Line": [desk.bought(1)]}
    desk.refused("PurchaseOrder", body, 5020)
    assert not desk.send("GET", "preferences").json["Preferences"]["ProductAndServicesPrefs"][
        "InventoryAndPurchaseOrder"
    ]
    desk.bill()


def test_a_purchase_order_needs_its_account_and_a_bill_has_one_by_default(desk: Desk) -> None:
    desk.refused("PurchaseOrder", {"VendorRef": desk.vendor, "Line": [desk.bought(1)]}, 2020)
    bank = {"value": desk.one("Account", "AccountType", "Bank")["Id"]}
    body = {"VendorRef": desk.vendor, "APAccountRef": bank, "Line": [desk.bought(1)]}
    desk.refused("PurchaseOrder", body, 6430)
    assert desk.bill()["APAccountRef"]["value"] == desk.payable["value"]


def test_a_bill_is_paid_in_parts_and_a_payment_can_be_taken_back(desk: Desk) -> None:
    bill = desk.bill(2)
    assert bill["Balance"] == 361.1
    payment = desk.act("pay_bill", bill["Id"], amount=100)
    assert desk.get("Bill", bill["Id"])["Balance"] == 261.1
    assert desk.get("Vendor", bill["VendorRef"]["value"])["Balance"] == 261.1
    desk.act("pay_bill", bill["Id"])
    paid = desk.get("Bill", bill["Id"])
    assert paid["Balance"] == 0
    assert [link["TxnType"] for link in paid["LinkedTxn"]] == ["BillPaymentCheck"] * 2
    desk.refused(
        "Bill", {"Id": bill["Id"], "SyncToken": paid["SyncToken"]}, 6000, operation="delete"
    )
    void = {"Id": payment["Id"], "SyncToken": payment["SyncToken"], "sparse": True}
    assert desk.post("BillPayment", void, operation="update", include="void")["TotalAmt"] == 0
    assert desk.get("Bill", bill["Id"])["Balance"] == 100


def test_a_bill_is_never_paid_above_its_balance(desk: Desk) -> None:
    bill = desk.bill(1)
    assert desk.act("pay_bill", bill["Id"], 400, amount=1000)["Fault"]["Error"][0]["code"] == "6000"


def test_a_vendor_credit_pays_a_bill(desk: Desk) -> None:
    bill = desk.bill(2)
    credit = desk.post("VendorCredit", {"VendorRef": desk.vendor, "Line": [desk.bought(1)]})
    bank = {"value": desk.one("Account", "AccountType", "Bank")["Id"]}
    lines = [
        {"Amount": 361.1, "LinkedTxn": [{"TxnId": bill["Id"], "TxnType": "Bill"}]},
        {"Amount": 180.55, "LinkedTxn": [{"TxnId": credit["Id"], "TxnType": "VendorCredit"}]},
    ]
    body = {
        "VendorRef": desk.vendor,
        "PayType": "Check",
        "CheckPayment": {"BankAccountRef": bank},
        "TotalAmt": 180.55,
        "Line": lines,
    }
    desk.post("BillPayment", body)
    assert desk.get("Bill", bill["Id"])["Balance"] == 0
    assert desk.get("VendorCredit", credit["Id"])["Balance"] == 0


def test_voiding_a_bill_answers_200_with_a_fault_and_deleting_it_works(desk: Desk) -> None:
    bill = desk.bill()
    end = {"Id": bill["Id"], "SyncToken": bill["SyncToken"]}
    desk.refused("Bill", end, 10000, 200, operation="void")
    assert desk.get("Bill", bill["Id"])["TotalAmt"] == 180.55
    gone = desk.post("Bill", end, operation="delete")
    assert gone == {"Id": bill["Id"], "domain": "QBO", "status": "Deleted"}
    assert desk.send("GET", f"bill/{bill['Id']}").codes == ["610"]


def test_an_order_with_bills_stays(desk: Desk) -> None:
    order = desk.order(1)
    desk.bill_of(order, 1)
    token = desk.get("PurchaseOrder", order["Id"])["SyncToken"]
    end = {"Id": order["Id"], "SyncToken": token}
    desk.refused("PurchaseOrder", end, 6000, operation="delete")


def test_a_link_to_somebody_else_s_or_to_a_closed_order_is_dropped(desk: Desk) -> None:
    other = {"value": desk.one("Vendor", "DisplayName", "TD SYNNEX")["Id"]}
    order = desk.order(3, VendorRef=other)
    assert "LinkedTxn" not in desk.bill_of(order, 3)
    closed = desk.order(3, POStatus="Closed")
    assert "LinkedTxn" not in desk.bill_of(closed, 3)


def test_a_link_has_to_stand_on_the_bill_too(desk: Desk) -> None:
    order = desk.order(3)
    assert "LinkedTxn" not in desk.bill_of(order, 3, LinkedTxn=[])
