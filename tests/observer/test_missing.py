"""What was accepted and does not stand is told, and nothing else is."""

from __future__ import annotations

import copy

import pytest

from sandbox.observer import missing
from tests.observer.conftest import History

pytestmark = [pytest.mark.processes, pytest.mark.xdist_group("observer")]
RECEIVE = ("PATCH", "/procurement/purchaseorders/")


def undo(history: History, at: int) -> None:
    """The write was never made."""
    history.log[at]["changed"] = []


def test_a_good_history_lacks_nothing(history: History) -> None:
    assert missing(history.case) == []


def test_an_order_that_was_accepted_and_never_made_is_told_line_by_line(history: History) -> None:
    when, event = history.case.accepted[1]
    other = copy.deepcopy(event)
    other["data"]["salesOrder"]["id"] = 4711
    history.case.accepted = [*history.case.accepted, (when, other)]
    found = [sentence for sentence in missing(history.case) if "4711" in sentence]
    assert len(found) == len(event["data"]["salesOrder"]["lines"])
    assert found[0].endswith("10 sold, 0 on a sales order.")


def test_a_line_in_too_small_a_quantity_is_told(history: History) -> None:
    for entry in history.log:
        for change in entry.get("changed") or ():
            row = change["row"] or {}
            if change["table"] == "product" and row.get("integrationXRef") == "dl:default:1201:1":
                row["quantity"] = 9.0
    assert missing(history.case) == ["Order 1201, line 1: 10 sold, 9 on a sales order."]


def test_a_receipt_that_was_accepted_and_never_received_is_told(history: History) -> None:
    last = history.index(*RECEIVE, last=True, receivedQuantity=1)
    row = next(c["row"] for c in history.log[last]["changed"] if c["table"] == "line")
    undo(history, last)
    (told,) = [sentence for sentence in missing(history.case) if "received" in sentence]
    assert told.startswith("Purchase order PO1000889")
    assert str(int(row["receivedQuantity"])) in told


def test_an_order_with_all_its_goods_that_is_not_released_is_told(history: History) -> None:
    released = history.index("PATCH", "/sales/orders/", last=True, status=1)
    history.case.log = history.log[:released]
    assert missing(history.case) == ["Order 1201 has all its goods and is not released."]


def test_what_commerce_cancelled_is_not_missed(history: History) -> None:
    when, event = history.case.accepted[1]
    other = copy.deepcopy(event)
    other["data"]["salesOrder"] |= {"id": 4711, "status": 90}
    history.case.accepted = [*history.case.accepted, (when, other)]
    assert missing(history.case) == []
