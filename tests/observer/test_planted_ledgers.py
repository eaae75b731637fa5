"""The observer is silent over good histories of configurations A and C with a ledger, and loud over
planted faults: who writes what there, nothing twice, nothing above what came or was issued."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import pytest

from sandbox.observer import Case, missing
from tests.e2e.ledgers import invoice, kept
from tests.e2e.orders import CABLE, DOCK, Order
from tests.observer.conftest import History, Json

pytestmark = [pytest.mark.processes, pytest.mark.xdist_group("observer")]
_kept: dict[str, Case] = {}


@pytest.fixture(params=["quickbooks", "xero"])
async def books(request: pytest.FixtureRequest, database_url: str, redis_url: str) -> History:
    """An order received in two parts, billed twice, and invoiced."""
    name = request.param
    if name not in _kept:
        order = Order(lines=[(CABLE, 5), (DOCK, 2)], quote_id=None, not_chosen=())
        async with kept(name, database_url, redis_url, invoice_status="approved") as opened:
            await opened.tell(
                order.approved(),
                order.ordered(8891, [(CABLE, 5), (DOCK, 2)]),
                order.receipted(8891, {1: 2}),
            )
            await opened.stack.until_state(order.number, "waiting", "SALES_INVOICE_MISSING")
            await opened.tell(
                order.receipted(8891),
                invoice(order, ("product", "Cable", "5", "12.5"), ("freight", "Way", "1", "9")),
            )
            await opened.stack.until_state(order.number, "done")
            begun = (await opened.stack.cw.get(f"{opened.stack.sandbox.control_url}/first")).json()
            log = await opened.stack.requests()
            service = opened.stack.sandbox.credentials.headers["clientId"]
            case = Case(list(opened.stack.accepted), log, begun, service, (), "C")
            case.books = await opened.ledger.requests()
            _kept[name] = case
    return History(copy.deepcopy(_kept[name]))


def documents(books: History, kind: str) -> list[tuple[Mapping[str, Any], Json]]:
    """(entry, change) of the writes of bills or invoices, in their order."""
    return [
        (entry, change)
        for entry in books.case.books
        for change in entry.get("changed") or ()
        if change["row"] is not None and entry["method"] != "ACT" and _is(change, kind)
    ]


def _is(change: Json, kind: str) -> bool:
    if change["table"] == "invoice":
        return bool(change["row"]["Type"] == {"bill": "ACCPAY", "invoice": "ACCREC"}[kind])
    return bool(change["table"] == kind.capitalize())


def totalled(row: Json, more: float) -> Json:
    return {
        **row,
        **{name: float(row[name]) + more for name in ("TotalAmt", "Total") if name in row},
    }


def again(books: History, kind: str) -> None:
    """The last such document once more, under another number."""
    entry, change = documents(books, kind)[-1]
    twin = {**change, "id": "999999"}
    books.case.books = [*books.case.books, {**entry, "n": 9_999, "changed": [twin]}]


def test_a_good_history_is_silent_and_was_looked_at(books: History) -> None:
    assert books.findings() == []
    assert len(documents(books, "bill")) >= 2
    assert documents(books, "invoice")


@pytest.mark.parametrize("row", ["B1", "B2", "D"])
def test_g9_only_a_and_c_write_bills(books: History, row: str) -> None:
    books.case.bound = {1201: row}
    said = [str(one) for one in books.findings() if one.rule == "G9"]
    assert any("Bill " in one for one in said)
    assert any("Invoice " in one for one in said)


def test_g9_a5_configuration_a_writes_bills_and_no_invoice(books: History) -> None:
    books.case.bound = {1201: "A"}
    said = [str(one) for one in books.findings() if "in the ledger" in str(one)]
    assert said
    assert all("Invoice " in one for one in said)


@pytest.mark.parametrize(("kind", "above"), [("bill", "C6"), ("invoice", "C3")])
def test_h1_a_document_twice(books: History, kind: str, above: str) -> None:
    again(books, kind)
    assert books.rules() == {"H1", above}


@pytest.mark.parametrize(("kind", "rule"), [("bill", "C6"), ("invoice", "C3")])
def test_c3_c6_a_document_above_what_it_is_for(books: History, kind: str, rule: str) -> None:
    _, change = documents(books, kind)[-1]
    change["row"] = totalled(change["row"], 0.5)
    assert books.rules() == {rule}


def test_c6_a_bill_before_the_goods(books: History) -> None:
    """Both receipts are told only after everything was written."""
    books.case.accepted = [
        one for one in books.case.accepted if one[1]["type"] != "purchase_order.receipted"
    ]
    assert books.rules() == {"C6"}


def test_c3_an_invoice_that_commerce_never_issued(books: History) -> None:
    books.case.accepted = [
        one for one in books.case.accepted if one[1]["type"] != "sales_invoice.issued"
    ]
    assert books.rules() == {"C3"}


def test_h9_a_document_without_a_mark(books: History) -> None:
    _, change = documents(books, "bill")[-1]
    bare = {**change["row"], "PrivateNote": "", "Url": "", "Reference": "", "LineItems": []}
    change["row"] = bare
    assert books.rules() == {"H9"}


def test_g9_no_product_of_connectwise_in_c(books: History) -> None:
    product = {"id": 999_999, "integrationXRef": "dl:default:1201:1", "quantity": 1}
    row = {**product, "catalogItem": 1, "salesOrder": None, "opportunity": None, "ticket": None}
    books.insert(len(books.log) - 1, "POST", "/procurement/products", ("product", row))
    assert "G9" in books.rules()


def test_g9_an_order_that_a_binding_gave_another_row_is_judged_by_that_one(
    books: History,
) -> None:
    product = {"id": 999_999, "integrationXRef": "dl:default:1301:1", "quantity": 1}
    row = {**product, "catalogItem": 1, "salesOrder": None, "opportunity": None, "ticket": None}
    books.insert(len(books.log) - 1, "POST", "/procurement/products", ("product", row))
    assert "G9" in books.rules()
    books.case.bound = {1301: "B1"}
    assert "G9" not in books.rules()
    books.case.bound = {1301: "C"}
    assert "G9" in books.rules()


def test_what_is_billed_and_invoiced_whole_is_not_missed(books: History) -> None:
    assert missing(books.case) == []


@pytest.mark.parametrize("kind", ["bill", "invoice"])
def test_a_document_that_was_never_posted_is_missed(books: History, kind: str) -> None:
    entry, _ = documents(books, kind)[0]
    made = entry["n"]
    books.case.books = [one for one in books.case.books if int(one["n"]) < int(made)]
    words = {"bill": "bills of 0 in the ledger", "invoice": ", 0 in the ledger"}[kind]
    assert any(words in sentence for sentence in missing(books.case))
