"""The observer is silent over a good history, and loud over every planted fault."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

import pytest

from sandbox.observer import judge
from tests.observer.conftest import History, Json

pytestmark = [pytest.mark.processes, pytest.mark.xdist_group("observer")]
WON = ("PATCH", "/sales/opportunities/88")
DEMAND = ("POST", "/procurement/purchasingDemands")
RECEIVE = ("PATCH", "/procurement/purchaseorders/")


def convert(history: History) -> int:
    return history.index("POST", "/sales/opportunities/88/convertToSalesOrder")


def test_a_good_history_is_silent_and_was_looked_at(history: History) -> None:
    assert history.findings() == []
    assert history.case.writes > 15


def test_b1_4_converted_before_won(history: History) -> None:
    history.move(convert(history), history.index(*WON, status=1))
    assert "B1.4" in history.rules()


def test_d1_a_frozen_opportunity_was_edited(history: History) -> None:
    edited = history.index("PATCH", "/sales/opportunities/88/forecast/")
    history.move(edited, convert(history) - 1)
    assert "D-1" in history.rules()


def test_d1_a_product_of_a_frozen_opportunity_was_edited(history: History) -> None:
    edited = history.index("PATCH", "/procurement/products/")
    history.move(edited, convert(history) - 1)
    assert "D-1" in history.rules()


def test_b1_7_linked_before_the_sales_order_stood(history: History) -> None:
    history.move(history.index(*DEMAND), convert(history))
    assert "B1.7" in history.rules()


def test_b1_7_received_before_the_sales_order_stood(history: History) -> None:
    at = convert(history)
    history.move(history.index(*DEMAND), at)
    # What the log says of the product is from after the conversion, which is still to come here.
    linked = history.log[at]
    linked["changed"] = [change for change in linked["changed"] if change["table"] != "product"]
    history.move(history.index(*RECEIVE, receivedQuantity=1), at + 1)
    found = [f.sentence for f in history.findings() if f.rule == "B1.7"]
    assert any("received" in sentence for sentence in found)


def test_b1_9_received_without_its_link(history: History) -> None:
    entry = history.log[history.index(*DEMAND)]
    entry["changed"] = [change for change in entry["changed"] if change["table"] != "link"]
    assert "B1.9" in history.rules()


def test_b1_9_linked_above_what_is_sold(history: History) -> None:
    entry = history.log[history.index(*DEMAND)]
    for change in entry["changed"]:
        if change["table"] == "link":
            change["row"]["quantity"] = 11.0
    assert "B1.9" in history.rules()


def _to_another_order(history: History) -> None:
    """What the order's goods were linked to is another order's."""
    (product,) = history.marked("dl:default:1201:1")
    foreign = {**product, "id": 999_999, "integrationXRef": "dl:default:1202:1", "invoice": None}
    at = history.index(*DEMAND)
    history.insert(at, "ACT", "/_sandbox/act", ("product", foreign))
    for entry in history.log[at:]:
        for change in entry.get("changed") or ():
            row = change["row"]
            if change["table"] == "link" and row and row["product"] == product["id"]:
                row["product"] = foreign["id"]


def _of_another_order(history: History, what: str) -> list[str]:
    words = f"was {what} for product 999999 of order 1202"
    return [f.sentence for f in history.findings() if f.rule == "B1.9" and words in f.sentence]


def test_b1_9_received_for_another_order(history: History) -> None:
    _to_another_order(history)
    assert len(_of_another_order(history, "received")) == 2  # a part, and its rest
    history.case.permitted = {"B1.9 1201"}
    assert _of_another_order(history, "received") == []


def test_b1_9_left_linked_to_another_order(history: History) -> None:
    """Also where nothing is received on it yet."""
    _to_another_order(history)
    numbered = history.index("PATCH", "/procurement/purchaseorders/", poNumber=1)
    history.case.log = history.log[: numbered + 1]
    assert len(_of_another_order(history, "left linked")) == 1


@pytest.mark.parametrize("write", [DEMAND, RECEIVE])
def test_d7_linked_or_received_behind_an_invoice(history: History, write: tuple[str, str]) -> None:
    at = history.index(*write, receivedQuantity=1) if write is RECEIVE else history.index(*write)
    (product,) = history.marked("dl:default:1201:1")
    before = {**product, "invoice": 9001}
    history.insert(at, "ACT", "/_sandbox/act", ("product", before))
    assert "D-7" in history.rules()
    history.case.permitted = {"D-7 1201"}
    assert "D-7" not in history.rules()


def test_b1_11_released_before_its_goods(history: History) -> None:
    released = history.index("PATCH", "/sales/orders/", last=True, status=1)
    first = history.index(*RECEIVE, receivedQuantity=1)
    history.move(released, first)
    assert "B1.11" in history.rules()


def test_b1_11_invoiced_before_its_goods(history: History) -> None:
    history.move(history.index("POST", "/finance/invoices"), convert(history) + 1)
    assert "B1.11" in history.rules()


def test_b1_11_released_although_a_later_line_lacks_goods(history: History) -> None:
    _, event = history.case.accepted[1]
    order = event["data"]["salesOrder"]
    order["lines"][1]["quantity"] = 5
    found = [f for f in history.findings() if f.rule == "B1.11"]
    assert [f.entry is None for f in found][-1] is True


def test_h2_received_before_commerce_told(history: History) -> None:
    history.case.accepted = list(history.case.accepted)[:-1]
    assert "H2" in history.rules()


def test_h2_received_twice(history: History) -> None:
    entry = history.log[history.index(*RECEIVE, last=True, receivedQuantity=1)]
    for change in entry["changed"]:
        if change["table"] == "line":
            change["row"]["receivedQuantity"] = 16
    assert "H2" in history.rules()


@pytest.mark.parametrize(
    ("table", "field"), [("catalog", "identifier"), ("purchaseOrder", "poNumber")]
)
def test_h1_the_same_record_twice(history: History, table: str, field: str) -> None:
    twin = {**history.rows(table)[-1], "id": 999_999}
    path = "/procurement/catalog" if table == "catalog" else "/procurement/purchaseorders"
    history.insert(len(history.log) - 1, "POST", path, (table, twin))
    found = [f.sentence for f in history.findings() if f.rule == "H1"]
    assert any(field in sentence for sentence in found)


def test_h1_a_mark_twice_on_a_sales_order(history: History) -> None:
    product = [p for p in history.rows("product") if p.get("salesOrder")][-1]
    twin = {**product, "id": 999_999}
    history.insert(len(history.log) - 1, "POST", "/procurement/products", ("product", twin))
    assert "H1" in history.rules()


def test_h1_two_sales_orders_of_one_order(history: History) -> None:
    product = [p for p in history.rows("product") if p.get("salesOrder")][-1]
    order = history.rows("order")[-1]
    moved = {**product, "salesOrder": 999_999}
    history.insert(
        len(history.log) - 1,
        "POST",
        "/sales/opportunities/88/convertToSalesOrder",
        ("order", {**order, "id": 999_999}),
        ("product", moved),
    )
    assert "H1" in history.rules()


def test_h1_two_invoices_of_one_release(history: History) -> None:
    twin = {**history.rows("invoice")[-1], "id": 999_999}
    history.insert(len(history.log) - 1, "POST", "/finance/invoices", ("invoice", twin))
    assert "H1" in history.rules()


def test_d14_more_shipped_than_sold(history: History) -> None:
    (product,) = history.marked("dl:default:1201:2")
    detail = {"id": 999_999, "productItem": product["id"], "shippedQuantity": 4}
    path = f"/procurement/products/{product['id']}/pickingShippingDetails"
    history.insert(len(history.log) - 1, "POST", path, ("shipping", detail))
    assert "D-14" in history.rules()


def test_g9_a_write_of_another_configuration(history: History) -> None:
    history.insert(len(history.log) - 1, "POST", "/company/companies", ("company", {"id": 999_999}))
    assert "G9" in history.rules()


def test_a_write_whose_answer_was_lost_counts(history: History) -> None:
    at = history.index(*DEMAND)
    history.log[at]["status"] = 0
    history.move(at, convert(history))
    assert "B1.7" in history.rules()


def test_others_may_do_what_the_service_may_not(history: History) -> None:
    at = convert(history)
    history.log[at]["client"] = "somebody else"
    history.move(at, history.index(*WON, status=1))
    assert "B1.4" not in history.rules()


def test_it_reads_a_long_log_quickly(history: History) -> None:
    """Not a benchmark: it must stay usable after every end-to-end test."""
    reads = [entry for entry in history.log if entry["method"] == "GET"]
    history.case.log = [*history.log, *reads * (5000 // len(reads))]
    begun = time.process_time()
    judge(history.case)
    assert time.process_time() - begun < 2


# --- B1.4: marked lost ----------------------------------------------------------------------------


def quote(number: int, status: int, opportunity: int = 88) -> Json:
    told = {
        "id": number,
        "quoteNumber": f"QO{number}",
        "status": status,
        "modifiedDate": "2026-11-19T10:00:00Z",
        "connectwise": {"opportunityId": opportunity},
    }
    return {"type": "quote.declined", "data": {"quote": told}}


def lost(history: History, *events: Json) -> History:
    """A history of one write: opportunity 88 is marked lost, a minute after these were told."""
    case = history.case
    statuses = case.first["opportunityStatus"]
    (status,) = (row["id"] for row in statuses if row.get("lostFlag"))
    (before,) = (row for row in case.first["opportunity"] if row["id"] == 88)
    written = history.log[history.index(*WON, status=1)]
    moment = datetime.fromisoformat(written["t"])
    row = {**before, "status": status}
    changed = [{"table": "opportunity", "id": 88, "row": row}]
    case.log = [{**written, "status": 200, "changed": changed}]
    case.accepted = [(moment - timedelta(minutes=1), event) for event in events]
    case.lost_on_decline = True
    return history


def test_b1_4_marked_lost_for_a_declined_quote_alone_is_silent(history: History) -> None:
    assert lost(history, quote(501, 90), quote(502, 90), quote(503, 1, 89)).findings() == []
    assert history.case.writes == 1


@pytest.mark.parametrize(
    ("beside", "why"),
    [
        ([quote(501, 90), quote(502, 1)], "QO502 is open or won"),
        ([quote(501, 90), quote(502, 3)], "QO502 is open or won"),
        ([quote(501, 1)], "no quote of it was declined"),
        ([quote(501, 90, 89)], "no quote of it was declined"),
    ],
)
def test_b1_4_marked_lost_against_its_quotes(
    history: History, beside: list[Json], why: str
) -> None:
    found = [str(finding) for finding in lost(history, *beside).findings()]
    assert any(one.startswith("B1.4") and why in one for one in found)


def test_b1_4_marked_lost_without_the_setting(history: History) -> None:
    lost(history, quote(501, 90)).case.lost_on_decline = False
    assert "B1.4" in history.rules()


@pytest.mark.parametrize("named", ["opportunity", "quote"])
def test_b1_4_marked_lost_although_an_order_was_placed(history: History, named: str) -> None:
    (order,) = (
        event["data"]["salesOrder"]
        for _, event in history.case.accepted
        if "salesOrder" in event["data"]
    )
    if named == "quote":
        order["connectwise"]["opportunityId"] = None
    else:
        order["quoteID"] = None
    lost(history, quote(501, 90), {"type": "x", "data": {"salesOrder": order}})
    assert any("is placed on it" in finding.sentence for finding in history.findings())
    order["status"] = 90
    assert not any("is placed on it" in finding.sentence for finding in history.findings())


def test_b1_4_marked_lost_although_a_sales_order_stands(history: History) -> None:
    order = history.rows("order")[-1]
    assert order["opportunity"] == 88
    case = lost(history, quote(501, 90)).case
    case.first = {**case.first, "order": [order]}
    assert any("sales order" in finding.sentence for finding in history.findings())


def test_b1_4_marked_lost_although_a_person_had_won_it(history: History) -> None:
    lost(history, quote(501, 90))
    (won,) = (row["id"] for row in history.case.first["opportunityStatus"] if row.get("wonFlag"))
    rows = [{**row, "status": won} for row in history.case.first["opportunity"]]
    history.case.first = {**history.case.first, "opportunity": rows}
    assert any("closed already" in finding.sentence for finding in history.findings())


def test_g9_an_order_is_judged_by_the_row_of_its_own_configuration(history: History) -> None:
    history.case.bound = {1201: "B1"}
    history.case.scenario = "C"
    assert "G9" not in history.rules()
    history.case.bound = {1201: "C"}
    history.case.scenario = "B1"
    broken = {finding.sentence for finding in history.findings() if finding.rule == "G9"}
    kinds = {said.split(" is no")[0].rstrip("0123456789") for said in broken}
    assert {"PATCH /procurement/products/", "POST /procurement/purchasingDemands"} <= kinds, kinds
