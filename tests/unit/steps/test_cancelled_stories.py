"""Stories of orders that are cancelled after something was made of them (H3)."""

from __future__ import annotations

import pytest

from app.domain.codes import Code, State
from tests.builders import issued, ordered
from tests.ideal import DONE, stands, whole, world

CANCELLED = ordered(status=90, minute=50)
HELD = (State.HELD, Code.CANCELLED_AFTER_START)
ENDED = (State.CANCELLED, Code.CANCELLED)


def test_h3_cancelled_with_a_sales_order_the_products_can_be_taken_back() -> None:
    told = world(ordered())
    told.settle()
    told.deliver(CANCELLED)
    plan = told.settle()
    assert stands(plan) == HELD
    assert plan.answer.choices == ("done_by_hand", "cancel_products", "look_again")
    assert stands(told.decide(Code.CANCELLED_AFTER_START, "cancel_products")) == ENDED
    assert told.wants()["create_products", "order"]["cancelled"] is True


def test_h3_what_stands_on_a_purchase_order_is_left_and_named() -> None:
    told = world(ordered(), issued(), purchase_order_timing="on_issue")
    told.settle()
    told.deliver(CANCELLED)
    told.settle()
    plan = told.decide(Code.CANCELLED_AFTER_START, "cancel_products")
    assert stands(plan) == HELD
    assert "SKU-301 (on a purchase order), purchase order 891" in plan.answer.sentence
    assert plan.answer.choices == ("done_by_hand", "look_again")
    assert stands(told.decide(Code.CANCELLED_AFTER_START, "done_by_hand")) == ENDED


@pytest.mark.parametrize("far", ["products", "receipt", "invoice"])
def test_h3_whatever_was_made_a_person_may_say_that_it_is_undone(far: str) -> None:
    told = world(ordered(), sales_order_creation="wait_for_person")
    told.settle()
    if far != "products":
        told.converted = True
        told.deliver(whole())
        told.wait(minutes=2)
    if far == "invoice":
        told.on = {"1": 9001}
        told.call_back()
    told.deliver(CANCELLED)
    plan = told.settle()
    assert stands(plan) == HELD
    assert ("cancel_products" in plan.answer.choices) is (far != "products")
    assert stands(told.decide(Code.CANCELLED_AFTER_START, "done_by_hand")) == ENDED
    done = list(told.done)
    told.wait(days=10)
    assert told.done == done


def test_h3_an_order_that_is_taken_up_again_goes_on_and_its_products_are_put_back() -> None:
    told = world(ordered())
    told.settle()
    told.deliver(CANCELLED)
    told.settle()
    told.decide(Code.CANCELLED_AFTER_START, "cancel_products")
    told.deliver(ordered(minute=60), whole())
    assert stands(told.settle()) == DONE
    assert "cancelled" not in told.wants()["create_products", "order"]


def test_h3_a_second_cancellation_asks_anew() -> None:
    told = world(ordered())
    told.settle()
    told.deliver(CANCELLED)
    told.settle()
    told.decide(Code.CANCELLED_AFTER_START, "done_by_hand")
    told.deliver(ordered(minute=60))
    told.settle()
    told.deliver(ordered(status=90, minute=70))
    assert stands(told.settle()) == HELD
