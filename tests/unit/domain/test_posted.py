"""Documents in the ledger: which hints are open, and what is told of a person's act (C4)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from app.domain import posted
from app.domain.books import Document, DocumentKind, Status
from app.domain.facts import LEDGER_HINT, LEDGER_SEEN
from app.domain.order import OrderView
from app.domain.records import (
    Ref,
)
from tests.builders import fact, ordered, view

BILL = Ref("bill", "receipt:8891:1", "145", {"version": "1"})


def document(version: str = "2", status: Status = Status.OPEN, paid: str = "0") -> Document:
    return Document(
        DocumentKind.BILL,
        "145",
        version,
        status,
        "7",
        "USD",
        Decimal(100),
        number="SUP-1",
        paid=Decimal(paid),
    )


def hinted(seen: dict[str, Any] | None = None, event: int = 9) -> OrderView:
    facts = [fact(LEDGER_HINT, {"event": event}, "bill/145")]
    if seen is not None:
        facts.append(fact(LEDGER_SEEN, seen, "bill/145"))
    return view(ordered(), refs=[BILL], facts=facts)


def told(found: Document | None, seen: dict[str, Any] | None = None) -> str | None:
    order = hinted(seen)
    entry = posted.by_person(order, BILL, found, posted.noted(order, BILL, found))
    return entry.code if entry is not None else None


def test_a_hint_is_open_until_its_own_reading() -> None:
    assert posted.told(view(ordered(), refs=[BILL])) == []
    assert posted.told(hinted()) == [BILL]
    assert posted.told(hinted({"event": 8})) == [BILL]
    assert posted.told(hinted({"event": 9})) == []


@pytest.mark.parametrize(
    ("found", "code"),
    [
        (document("1"), None),
        (document(), "LEDGER_DOCUMENT_EDITED"),
        (document(status=Status.PAID, paid="100"), "LEDGER_DOCUMENT_PAID"),
        (document(paid="40"), "LEDGER_DOCUMENT_PAID"),
        (document(status=Status.VOIDED), "LEDGER_DOCUMENT_REMOVED"),
        (document(status=Status.DELETED), "LEDGER_DOCUMENT_REMOVED"),
        (None, "LEDGER_DOCUMENT_REMOVED"),
    ],
)
def test_c4_each_act_has_its_code_and_is_told_once(
    found: Document | None, code: str | None
) -> None:
    assert told(found) == code
    assert told(found, posted.noted(hinted(event=8), BILL, found)) is None


def test_c4_an_edit_after_a_payment_is_told_as_an_edit() -> None:
    paid = posted.noted(hinted(), BILL, document(status=Status.PAID, paid="100"))
    assert told(document("3", Status.PAID, "100"), paid) == "LEDGER_DOCUMENT_EDITED"


def test_xero_tells_bills_and_invoices_by_one_word() -> None:
    assert posted.routes("invoice", "r") == (("bill", "r"), ("ledger_invoice", "r"))
    assert posted.routes("vendor", "r") == ()
