"""H3, C6: what a cancelled order still owes, and what came of it that goes nowhere by itself."""

from __future__ import annotations

from app.domain.codes import Code, State
from app.domain.records import Ref
from tests.builders import Json, at, came, event, issued, ordered, purchase_order
from tests.ideal import World, scenario, stands, whole

CANCELLED = ordered(status=90, minute=50)
HELD = (State.HELD, Code.CANCELLED_AFTER_START)
ENDED = (State.CANCELLED, Code.CANCELLED)
BILL = ("post_bill", "receipt:8891:R-8891")
LEDGERS = ("commerce-invoicing", "connectwise-invoicing")


def told(name: str, *events: Json, **settings: object) -> World:
    made = World(settings, scenario=scenario(name))
    made.deliver(*events)
    return made


def sold(minute: float = 60) -> Json:
    """A sales invoice that Commerce issued."""
    return event(
        "sales_invoice.issued",
        salesInvoice={
            "id": 7001,
            "invoiceNumber": "IN7001",
            "salesOrderID": 1201,
            "customerID": 77,
            "issueDate": at(minute),
            "modifiedDate": at(minute),
            "lines": [{"id": 1, "kind": "product", "title": "P", "quantity": 10, "price": 100}],
            "customer": {"id": 77, "name": "Contoso Ltd"},
        },
    )


def test_c6_goods_that_come_after_the_order_was_cancelled_are_billed():
    for name in LEDGERS:
        story = told(name, ordered(), issued())
        story.settle()
        story.deliver(CANCELLED)
        assert stands(story.settle()) == HELD
        story.deliver(whole())
        assert stands(story.settle()) == HELD, "the sale is still for a person"
        assert BILL in story.wants(), name


def test_c6_goods_of_an_order_that_was_cancelled_before_anything_was_made_are_billed():
    for name in LEDGERS:
        story = told(name, CANCELLED)
        assert stands(story.settle()) == ENDED
        story.deliver(whole())
        story.settle()
        assert BILL in story.wants(), name


def test_c6_goods_are_billed_after_a_person_said_that_all_was_undone_by_hand():
    story = told("commerce-invoicing", ordered(), issued())
    story.settle()
    story.deliver(CANCELLED)
    story.settle()
    assert stands(story.decide(Code.CANCELLED_AFTER_START, "done_by_hand")) == ENDED
    story.deliver(whole())
    assert stands(story.settle()) == ENDED
    assert BILL in story.wants()


def test_h3_a_purchase_order_that_is_cancelled_after_its_order_leaves_the_ledger_too():
    story = told("commerce-invoicing", ordered(), issued(), purchase_order_timing="on_issue")
    story.settle()
    key = ("ledger_purchase_order", "po:8891")
    story.refs[key] = Ref(*key, "55")
    story.deliver(CANCELLED, issued(purchase_order(status=90, minute=60)))
    story.settle()
    assert story.wants()["post_purchase_order", "po:8891"]["ends"] == "removed"


def test_c6_a_receipt_without_papers_of_a_cancelled_order_waits_for_them_and_is_billed():
    story = told("commerce-invoicing", CANCELLED)
    story.settle()
    bare = purchase_order(minute=70)
    bare["lines"][0]["quantityReceived"] = 4
    story.deliver(issued(bare))
    assert stands(story.settle()) == (State.WAITING, Code.RECEIPT_GAP)
    story.wait(minutes=15)
    assert ("post_bill", "gap:8891:1:0-4") in story.wants()


def test_h3_goods_that_come_for_a_cancelled_order_are_told_where_connectwise_would_receive_them():
    """Not received and not silent: nobody would see that the supplier's goods stand in no system."""
    story = told("connectwise-procurement-opportunity", CANCELLED)
    assert stands(story.settle()) == ENDED
    after, first = came(purchase_order(), "R-1", {1: 4})
    story.deliver(first)
    plan = story.settle()
    assert stands(plan) == HELD
    assert "4 Product 301 came on PO10008891 and are not received" in plan.answer.sentence
    assert stands(story.decide(Code.CANCELLED_AFTER_START, "done_by_hand")) == ENDED
    story.deliver(came(after, "R-2", {1: 6}, minute=200)[1])
    assert stands(story.settle()) == HELD, "what was decided was about the first goods"
    assert story.done == []


def test_h1_an_invoice_and_the_cancellation_of_its_order_end_alike_in_either_order():
    """C3: issued and cancelled in Commerce; whether it stays is for a person, whichever came first."""
    for events in (
        (ordered(), sold(), CANCELLED),
        (ordered(), CANCELLED, sold()),
        (CANCELLED, sold()),
    ):
        story = told("commerce-invoicing")
        for one in events:
            story.deliver(one)
            plan = story.settle()
        assert stands(plan) == HELD
    assert "invoice IN7001 is not in the ledger" in plan.answer.sentence
