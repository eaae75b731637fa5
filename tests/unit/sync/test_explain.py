"""An order as people read it: steps, lines and plan, from the same decision as the worker's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, cast

from app.domain.codes import Code, State
from app.domain.decide import Plan
from app.domain.order import OrderView
from app.domain.records import Snapshot
from app.domain.views import Explained, LineView, PlannedStep, StepView
from app.sync.engine import Engine
from app.sync.explain import explainer
from app.sync.record_pages import RecordPages
from tests.builders import (
    QUOTE_ROW,
    SERVICE,
    came,
    event,
    issued,
    line,
    order_row,
    ordered,
    po_line,
    product,
    purchase_order,
    quote,
    sales_order,
    snapshot,
)
from tests.ideal import World


@dataclass
class Decided:
    """The engine's half that explaining needs."""

    world: World
    ledger: str = ""

    def plan(self, given: Snapshot) -> tuple[OrderView, Plan]:
        return self.world.view(), self.world.plan()


TYPES = "opportunity=OpportunityFV,purchase_order=OurOwnFV"
PAGES = RecordPages.of("https://api-na.example/v2025_1/apis/3.0", "acme & sons", TYPES)
PAGE = "https://na.example/v4_6_release/services/system_io/router/openrecord.rails?locale=en_US"


def explained(world: World, pages: RecordPages = PAGES) -> Explained:
    explain = explainer(cast(Engine, Decided(world)), pages)
    return explain(snapshot({}, row=order_row()))


def told(*events: Mapping[str, Any], **settings: Any) -> World:
    world = World(settings)
    world.deliver(*cast(Any, events))
    world.settle()
    return world


def planned(world: World, step: str) -> PlannedStep:
    return next(one for one in explained(world).plan if one.step == step)


def step(world: World, name: str) -> StepView:
    return next(one for one in explained(world).steps if one.step == name)


def matrix(world: World) -> list[tuple[str, ...]]:
    def row(one: LineView) -> tuple[str, ...]:
        return (
            one.ordered,
            one.on_purchase_orders,
            one.received,
            one.linked,
            one.shipped,
            one.invoiceable,
        )

    return [row(one) for one in explained(world).lines]


AFTER, FIRST = came(purchase_order(), "R-1", {1: 4})
REST = came(AFTER, "R-2", {1: 6}, minute=200)[1]


def test_the_lines_show_how_far_the_goods_are():
    """B1.3, B1.11."""
    world = told(ordered(), issued())
    assert matrix(world) == [("10", "10", "0", "0", "0", "0")]
    world.deliver(FIRST)
    world.settle()
    assert matrix(world) == [("10", "10", "4", "10", "0", "0")]
    world.deliver(REST)
    world.settle()
    assert matrix(world) == [("10", "10", "10", "10", "0", "10")]


def test_with_shipped_only_what_is_shipped_is_invoiceable():
    """D-14. A service needs no shipment."""
    lines = [line(1), line(2, 303, 2)]
    order = sales_order(lines, products=[product(303, type=SERVICE)])
    world = told(ordered(order), FIRST, invoice_policy="shipped_only", mark_shipped="on_receipt")
    assert [row[-2:] for row in matrix(world)] == [("4", "4"), ("0", "2")]


def test_linked_is_what_was_linked_and_not_what_commerce_says_now():
    """D-11: the purchase order changed a moment ago; ConnectWise still has the old link."""
    world = told(ordered(), issued(), purchase_order_timing="on_issue")
    world.deliver(issued(lines=[po_line(1, quantity=7)], minute=20))
    assert matrix(world)[0][:4] == ("10", "7", "0", "10")
    world.settle()
    assert matrix(world)[0][:4] == ("10", "7", "0", "7")


def test_a_step_that_is_done_shows_its_records_and_where_to_open_them():
    """F1, F2."""
    world = told(ordered(), FIRST)
    (link,) = step(world, "sync_purchase_order").remote
    assert (link.kind, link.id) == ("purchase_order", "891")
    assert link.url == "https://api-na.example/v2025_1/apis/3.0/procurement/purchaseorders/891"
    assert link.page == f"{PAGE}&companyName=acme+%26+sons&recordType=OurOwnFV&recid=891"
    assert step(world, "sync_purchase_order").subject == "PO10008891"


def test_records_of_another_purchase_order_are_not_shown():
    second = came(purchase_order(8892, [po_line(1, quantity=6)]), "R-9", {1: 6})[1]
    world = told(
        ordered(), came(purchase_order(lines=[po_line(1, quantity=4)]), "R-1", {1: 4})[1], second
    )
    shown = [one.remote for one in explained(world).steps if one.step == "link_demand"]
    assert [[link.id for link in links] for links in shown] == [["891"], ["892"]]


def test_a_record_of_which_no_page_is_known_is_shown_without_a_link():
    """F1, F2."""
    (link,) = step(told(ordered()), "create_sales_order").remote
    assert (link.kind, link.page) == ("sales_order", None)


def test_without_the_connections_address_records_are_shown_without_a_link():
    world = told(ordered())
    nowhere = RecordPages.of("", "acme", TYPES)
    found = [link for one in explained(world, nowhere).steps for link in one.remote]
    assert found
    assert all((link.url, link.page) == (None, None) for link in found)


def test_the_plan_says_what_would_be_written_and_behind_which_gate():
    world = World()
    world.deliver(ordered())
    first = planned(world, "create_products")
    assert (first.gate, first.calls) == ("open", 1)
    assert first.writes == ("mark or create product Product 301 x 10 on opportunity 88",)
    then = planned(world, "create_sales_order")
    assert (then.gate, then.code) == ("shut", Code.EARLIER_STEP)


def test_what_is_applied_has_no_writes_and_no_calls():
    world = told(ordered(), FIRST, REST)
    assert explained(world).answer.state is State.DONE
    assert all((one.writes, one.calls) == ((), 0) for one in explained(world).plan)


def test_what_only_waits_for_more_has_no_writes_either():
    """A replay of a released order that still ships calls nobody."""
    world = told(ordered(), FIRST, invoice_policy="shipped_only", mark_shipped="on_receipt")
    release = planned(world, "release_invoice")
    assert (release.code, release.writes, release.calls) == (Code.GOODS_NOT_SHIPPED, (), 0)


def test_before_the_sales_order_is_known_there_are_no_lines():
    world = told(issued())
    assert explained(world).lines == ()
    assert explained(world).answer.code is Code.SALES_ORDER_UNKNOWN


def test_b1_4_a_declined_quote_shows_its_one_step_and_what_it_would_write():
    world = World({"lost_on_decline": "true"}, row=order_row(**QUOTE_ROW))
    world.deliver(event("quote.declined", quote=quote(status=90)))
    assert [one.step for one in explained(world).steps] == ["lose_opportunity"]
    assert planned(world, "lose_opportunity").writes == ("set opportunity 88 to lost",)
    assert explained(world).lines == ()
    world.deliver(event("quote.declined", quote=quote(status=90, minute=5, salesOrderId=1201)))
    assert step(world, "lose_opportunity").state is State.NOT_NEEDED
    assert planned(world, "lose_opportunity").writes == ()


def test_the_answer_stands_since_the_order_does_and_not_since_the_last_look():
    """What a step keeps begins anew when it was looked at in between."""
    world = told(ordered(), issued())
    answer = world.plan().answer
    assert answer.since is not None
    explain = explainer(cast(Engine, Decided(world)), PAGES)
    earlier = answer.since - timedelta(hours=5)
    row = replace(order_row(), state=answer.state, code=answer.code, since=earlier)
    assert explain(snapshot({}, row=row)).answer == replace(answer, since=earlier)
    another = replace(row, code=Code.POISON if answer.code is None else None)
    assert explain(snapshot({}, row=another)).answer == answer
