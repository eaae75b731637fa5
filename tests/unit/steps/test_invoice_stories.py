"""Stories of the invoice: released by a decision, invoiced too early, taken back, shared."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from app.domain.codes import Code, State
from app.domain.json_values import digest
from app.domain.records import ORDER, Decision, Other
from tests.builders import (
    SERVICE,
    came,
    issued,
    line,
    ordered,
    po_line,
    product,
    purchase_order,
    sales_order,
)
from tests.ideal import DONE, INVOICED, WAITS, World, stands, whole, world

EARLY = (State.HELD, Code.INVOICED_TOO_EARLY)
AFTER = (State.HELD, Code.PO_AFTER_INVOICE)
TWO = sales_order([line(1), line(2, 302, 3)])


def releases(told: World) -> list[Any]:
    return [want for step, _, want in told.done if step == "release_invoice"]


# --- released by a person (D-15, D-14) ------------------------------------------------------------


def test_d15_a_line_that_is_never_ordered_may_be_released_by_a_person() -> None:
    told = world(ordered(TWO), whole())
    plan = told.settle()
    assert stands(plan) == (State.WAITING, Code.LINE_NOT_ORDERED)
    assert plan.answer.choices == ("release_anyway",)
    assert stands(told.decide(Code.LINE_NOT_ORDERED, "release_anyway")) == DONE
    (want,) = releases(told)
    assert want["despite"] == {"2": 3}


def test_d15_after_its_deadline_the_wait_is_held_and_offers_the_same() -> None:
    told = world(ordered(TWO), whole())
    plan = told.wait(hours=97)
    assert stands(plan) == (State.HELD, Code.LINE_NOT_ORDERED)
    assert plan.answer.choices == ("release_anyway", "wait_longer")
    assert stands(told.decide(Code.LINE_NOT_ORDERED, "release_anyway")) == DONE


def test_d15_the_decision_is_about_what_was_missing_then() -> None:
    """More that is missing later is waited for again, and the release stays."""
    told = world(ordered(TWO), whole())
    told.settle()
    told.decide(Code.LINE_NOT_ORDERED, "release_anyway")
    told.deliver(ordered(sales_order([line(1), line(2, 302, 3), line(3, 304, 1)], minute=9)))
    plan = told.settle()
    assert stands(plan) == (State.WAITING, Code.LINE_NOT_ORDERED)
    assert "1 of 1 Product 304" not in plan.answer.sentence  # the first missing line is told
    assert len(releases(told)) == 1, "a person's override is never undone by the machine"
    assert stands(told.decide(Code.LINE_NOT_ORDERED, "release_anyway")) == DONE
    assert releases(told)[-1]["despite"] == {"2": 3, "3": 1}


def test_d15_what_comes_after_the_decision_changes_nothing() -> None:
    told = world(ordered(TWO), whole())
    told.settle()
    told.decide(Code.LINE_NOT_ORDERED, "release_anyway")
    told.deliver(whole(purchase_order(8892, [po_line(1, 302, 3)])))
    assert stands(told.settle()) == DONE
    assert len(releases(told)) == 1


def test_d15_a_decision_about_another_situation_does_not_count() -> None:
    told = world(ordered(TWO), whole())
    told.settle()
    told.decisions.clear()
    plan = told.plan()
    held = next(v for v in plan.verdicts if v.step == "release_invoice")
    told.deliver(ordered(sales_order([line(1), line(2, 302, 5)], minute=9)))
    told.settle()
    assert held.want is not None
    told.decide(Code.LINE_NOT_ORDERED, "release_anyway")
    told.deliver(ordered(sales_order([line(1), line(2, 302, 9)], minute=10)))
    assert stands(told.settle()) == (State.WAITING, Code.LINE_NOT_ORDERED)


def test_b111_goods_that_are_not_received_may_be_released_by_a_person() -> None:
    after, first = came(purchase_order(), "R-1", {1: 4})
    told = world(ordered(), first)
    assert stands(told.settle()) == WAITS
    told.decide(Code.GOODS_NOT_RECEIVED, "release_anyway")
    assert releases(told)[0]["despite"] == {"po:8891:1": 6}
    told.deliver(came(after, "R-2", {1: 6}, minute=200)[1])
    assert stands(told.settle()) == DONE
    assert len(releases(told)) == 1


@pytest.mark.parametrize("sent", [0, 4])
def test_d14_goods_that_are_not_shipped_may_be_released_by_a_person(sent: int) -> None:
    """Nothing or a part is shipped: then everything is billed, not only what is shipped."""
    told = world(ordered(), whole(), invoice_policy="shipped_only", mark_shipped="never")
    told.shipped = {"1": sent}
    assert stands(told.settle()) == (State.WAITING, Code.GOODS_NOT_SHIPPED)
    assert stands(told.decide(Code.GOODS_NOT_SHIPPED, "release_anyway")) == DONE
    want = releases(told)[-1]
    assert want == {"bill_shipped": False, "invoice": False, "despite": {"ship:1": 10 - sent}}
    told.shipped = {"1": 10}
    assert stands(told.wait(hours=1)) == DONE
    assert releases(told)[-1] == want


def test_d6_a_release_that_was_taken_back_may_be_made_again_by_a_person() -> None:
    told = world(ordered(), whole())
    told.settle()
    told.deliver(ordered(sales_order([line(1), line(2, 302, 1)], minute=5)))
    assert stands(told.settle()) == (State.WAITING, Code.LINE_NOT_ORDERED)
    assert stands(told.decide(Code.LINE_NOT_ORDERED, "release_anyway")) == DONE
    assert [want.get("released", True) for want in releases(told)] == [True, False, True]


def test_d6_a_decision_about_an_earlier_taking_back_does_not_count_for_a_later_one() -> None:
    """The goods came before it was acted upon; what is missing next time is asked for anew."""
    told = world(ordered(), whole())
    told.settle()
    told.deliver(ordered(sales_order([line(1), line(2, 302, 1)], minute=5)))
    plan = told.settle()
    held = next(v for v in plan.verdicts if v.step == "release_invoice")
    assert held.want is not None
    told.deliver(whole(purchase_order(8892, [po_line(1, 302, 1)])))
    told.decisions.append(
        Decision(
            "release_invoice",
            ORDER,
            Code.LINE_NOT_ORDERED,
            "release_anyway",
            "why",
            "tester",
            told.now,
            digest(held.want),
        )
    )
    assert stands(told.settle()) == DONE
    told.now += timedelta(hours=1)
    lines = [line(1), line(2, 302, 1), line(3, 304, 1)]
    told.deliver(ordered(sales_order(lines, minute=20)))
    assert stands(told.settle()) == (State.WAITING, Code.LINE_NOT_ORDERED)
    assert releases(told)[-1]["released"] is False


# --- invoiced too early (D-7, B1.12, B1.13) -------------------------------------------------------


def test_d7_goods_that_a_person_invoiced_early_are_held_at_once() -> None:
    told = world(ordered(), issued())
    assert stands(told.settle()) == WAITS
    told.on = {"1": 9001}
    plan = told.call_back()
    assert stands(plan) == EARLY
    assert plan.answer.who == "accounting"
    assert "Product 301 on invoice 9001" in plan.answer.sentence
    assert "10 of Product 301" in plan.answer.sentence
    assert plan.answer.choices == ("accept_unlinked", "look_again", "skip")


def test_d7_when_the_invoice_is_removed_linking_goes_on() -> None:
    told = world(ordered(), issued())
    told.settle()
    told.on = {"1": 9001}
    told.call_back()
    told.on = {}
    assert stands(told.decide(Code.INVOICED_TOO_EARLY, "look_again")) == WAITS
    told.deliver(whole())
    assert stands(told.settle()) == DONE
    assert "link_demand" in told.steps_done()


def test_d7_a_removed_invoice_is_seen_without_anybody_telling() -> None:
    """No callback tells what was deleted for good, so the held order looks by itself."""
    told = world(ordered(), issued())
    told.settle()
    told.on = {"1": 9001}
    told.call_back()
    told.on = {}
    assert stands(told.wait(minutes=2)) == WAITS


def test_d7_an_accepted_invoice_leaves_its_line_unlinked_and_the_rest_goes_on() -> None:
    told = world(ordered(TWO), issued())
    told.settle()
    told.on = {"1": 9001}
    told.call_back()
    told.decide(Code.INVOICED_TOO_EARLY, "accept_unlinked")
    told.deliver(whole(), whole(purchase_order(8892, [po_line(1, 302, 3)])))
    assert stands(told.settle()) == DONE
    linked = {
        share["line"]
        for (step, _), want in told.wants().items()
        if step == "link_demand"
        for share in want["shares"]
    }
    assert linked == {"2"}, "what is invoiced is not linked"


def test_d7_an_acceptance_says_nothing_of_a_later_invoice() -> None:
    told = world(ordered(TWO), issued())
    told.settle()
    told.on = {"1": 9001}
    told.call_back()
    told.decide(Code.INVOICED_TOO_EARLY, "accept_unlinked")
    told.wait(minutes=5)
    told.on = {"1": 9001, "2": 9002}
    plan = told.call_back()
    assert stands(plan) == EARLY
    assert "Product 302 on invoice 9002" in plan.answer.sentence
    assert "9001" not in plan.answer.sentence


def test_b112_it_is_seen_before_the_link_although_no_callback_came() -> None:
    told = world(ordered())
    told.settle()
    told.on = {"1": 9001}
    told.deliver(whole())
    assert stands(told.settle()) == EARLY
    assert "sync_purchase_order" not in told.steps_done()


def test_b112_it_is_seen_before_the_receipt_although_no_callback_came() -> None:
    told = world(ordered(), issued(), purchase_order_timing="on_issue")
    told.settle()
    assert "link_demand" in told.steps_done()
    told.on = {"1": 9001}
    told.deliver(whole())
    assert stands(told.settle()) == EARLY
    assert "receive_purchase_order" not in told.steps_done()
    told.on = {}
    assert stands(told.decide(Code.INVOICED_TOO_EARLY, "look_again")) == DONE


def test_b113_only_the_invoiced_products_stop_a_partly_invoiced_order() -> None:
    other = purchase_order(8892, [po_line(1, 302, 3)])
    told = world(ordered(TWO), issued(), issued(other))
    told.settle()
    told.on = {"1": 9001}
    told.call_back()
    told.deliver(whole(other))
    assert stands(told.settle()) == EARLY
    assert ("receive_purchase_order", "receipt:8892:R-8892") in told.wants()
    assert "sync_purchase_order" not in [
        step for step, subject, _ in told.done if subject == "po:8891"
    ]


@pytest.mark.parametrize("invoiced", ["service", "stock"])
def test_b112_an_invoice_without_open_demand_is_not_too_early(invoiced: str) -> None:
    """Services, goods from stock; down payments carry no product at all."""
    lines = [line(1), line(2, 303), line(3, 304, 2, quantityFromStock=2)]
    told = world(ordered(sales_order(lines, products=[product(303, type=SERVICE)])), issued())
    told.settle()
    told.on = {"2": 9001} if invoiced == "service" else {"3": 9001}
    assert stands(told.call_back()) == WAITS
    told.deliver(whole())
    assert stands(told.settle()) == DONE


def test_b112_an_invoice_after_the_release_is_what_it_is_for() -> None:
    told = world(ordered(), whole())
    told.settle()
    told.on = {"1": 9001}
    assert stands(told.call_back()) == INVOICED


def test_b112_received_goods_that_are_invoiced_before_the_release_are_not_held() -> None:
    """All goods of the line came; only another line keeps the order from its release."""
    told = world(ordered(TWO), whole())
    told.settle()
    told.on = {"1": 9001}
    assert stands(told.call_back()) == (State.WAITING, Code.LINE_NOT_ORDERED)


# --- a purchase order after the invoice (D-6) -----------------------------------------------------


def invoiced_then_more() -> World:
    """Released and invoiced; then a service of the order is bought after all."""
    order = sales_order([line(1), line(2, 303, 4)], products=[product(303, type=SERVICE)])
    told = world(ordered(order), whole())
    told.settle()
    told.on = {"1": 9001, "2": 9001}
    told.call_back()
    told.deliver(issued(purchase_order(8892, [po_line(1, 303, 4)])))
    return told


def test_d6_a_purchase_order_after_the_invoice_is_for_a_person() -> None:
    plan = invoiced_then_more().settle()
    assert stands(plan) == AFTER
    assert plan.answer.choices == ("accept_unlinked", "look_again", "skip")


def test_d6_when_the_invoice_is_removed_the_release_is_taken_back() -> None:
    told = invoiced_then_more()
    told.settle()
    told.on = {}
    assert stands(told.decide(Code.PO_AFTER_INVOICE, "look_again")) == WAITS
    assert releases(told)[-1]["released"] is False


def test_d6_an_accepted_invoice_stays_and_so_does_the_release() -> None:
    told = invoiced_then_more()
    told.settle()
    told.decide(Code.PO_AFTER_INVOICE, "accept_unlinked")
    assert len(releases(told)) == 1
    told.deliver(whole(purchase_order(8892, [po_line(1, 303, 4)])))
    assert stands(told.settle()) == INVOICED
    assert len(releases(told)) == 1


# --- a shared sales order (D-13) ------------------------------------------------------------------


class Shared(World):
    """An order beside another one on the same sales order."""

    other: Other

    def view(self) -> Any:
        return replace(super().view(), others=(self.other,))


def test_d13_a_shared_sales_order_is_released_when_every_order_on_it_is_complete() -> None:
    told = Shared({})
    told.other = Other("ON10001300", State.WAITING, Code.GOODS_NOT_RECEIVED)
    told.deliver(ordered(), whole())
    plan = told.settle()
    assert stands(plan) == (State.WAITING, Code.SHARED_NOT_READY)
    assert "ON10001300" in plan.answer.sentence
    assert "release_invoice" not in told.steps_done()
    told.other = Other("ON10001300", State.WAITING, Code.SHARED_NOT_READY)
    assert stands(told.wait(minutes=2)) == DONE


@pytest.mark.parametrize(
    "other",
    [
        Other("ON10001300", State.CANCELLED),
        Other("ON10001300", State.DONE, None, released=True),
    ],
)
def test_d13_an_order_that_is_cancelled_or_released_keeps_nobody(other: Other) -> None:
    told = Shared({})
    told.other = other
    told.deliver(ordered(), whole())
    assert stands(told.settle()) == DONE
