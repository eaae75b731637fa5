"""Which ticket an order belongs to, and how its ticket stands: pure, by table (E, B2.4, D-16)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from app.domain import tickets
from app.domain.codes import Code, State
from app.domain.order import OrderView
from app.domain.psa_tickets import Ticket
from app.domain.records import Decision, Ref
from tests import ideal
from tests.builders import NOW, fact, issued, ordered, quote, sales_order, view, won

B2 = ideal.scenario("connectwise-procurement-ticket")
TICKET = Ticket(21001, "Monitors flicker", 250, 15, 531, "New", closed=False)


def on_ticket(hints: Any, *more: Any, **settings: Any) -> OrderView:
    order = sales_order(connectwise=hints, quoteID=501)
    return view(ordered(order), *more, raise_ticket="always", **settings)


@pytest.mark.parametrize(
    ("hints", "ticket", "made"),
    [
        ({}, None, False),
        ({"ticketChoice": "none"}, None, False),
        ({"ticketChoice": "new"}, None, True),
        ({"ticketChoice": "new", "ticketId": 9}, None, True),
        ({"ticketChoice": "existing", "ticketId": 9}, 9, True),
        ({"ticketId": 9}, 9, True),
        ({"ticketChoice": "existing"}, None, False),
    ],
)
def test_what_was_chosen_at_checkout(hints: Any, ticket: int | None, made: bool):
    """E1 to E3."""
    assert tickets.chosen(on_ticket(hints)) == tickets.Choice(ticket, made)


def test_the_quotes_ticket_counts_where_the_order_names_none():
    """E2."""
    accepted = won(quote(connectwise={"ticketId": 9}))
    assert tickets.chosen(on_ticket({}, accepted)).ticket == 9
    assert tickets.chosen(on_ticket({"ticketId": 8}, accepted)).ticket == 8


def test_a_persons_choice_rules_until_commerce_names_another_ticket():
    """D-16."""
    here = fact(tickets.CHOICE, {"ticket": 7, "instead_of": [9, "existing"]})
    assert tickets.chosen(on_ticket({"ticketId": 9}, facts=[here])).ticket == 7
    assert tickets.chosen(on_ticket({"ticketId": 8}, facts=[here])).ticket == 8


@pytest.mark.parametrize(
    ("raises", "source", "wanted"),
    [
        ("always", "opportunity", True),
        ("chosen", "opportunity", False),
        ("chosen", "ticket", True),
    ],
)
def test_e3_where_nothing_was_chosen(raises: str, source: str, wanted: bool):
    found = view(ordered(), raise_ticket=raises, invoice_from=source)
    assert (tickets.wanted(found) is not None) is wanted


def test_what_is_not_approved_gets_no_ticket():
    assert tickets.wanted(view(ordered(status=1), raise_ticket="always")) is None
    assert tickets.wanted(view(issued(), raise_ticket="always")) is None


@pytest.mark.parametrize(
    ("template", "summary"),
    [
        ("Sales order {number}: {customer}", "Sales order ON10001201: Contoso Ltd"),
        ("{reference} {title}", "Contoso Ltd"),
        ("{unknown}", "{unknown}"),
        ("   ", "ON10001201"),
        ("{number}" * 20, ("ON10001201" * 20)[:100]),
    ],
)
def test_the_summary_of_a_new_ticket(template: str, summary: str):
    assert tickets.summary(view(ordered(), ticket_summary=template)) == summary


# --- how it stands --------------------------------------------------------------------------------


def standing(ticket: Ticket, *decisions: Decision, **more: Any) -> OrderView:
    before = view(ordered(), refs=[Ref("ticket", "", "21001")], invoice_from="ticket")
    read = fact(tickets.FACT, tickets.noted(before, ticket, **more))
    return view(
        ordered(),
        refs=[Ref("ticket", "", "21001")],
        facts=[read],
        decisions=decisions,
        invoice_from="ticket",
    )


def code_of(found: OrderView) -> Code | None:
    shut = tickets.ticket_open(found, "po:8891", NOW)
    return shut.code if shut is not None else None


def closed(**more: Any) -> Ticket:
    return Ticket(21001, "x", 250, 15, 539, "Closed", closed=True, **more)


def went_on(at: Any = NOW) -> Decision:
    return Decision("sync", "po:8891", Code.TICKET_CLOSED, "go_on", "why", "ada", at)


def test_b2_4_a_closed_and_a_merged_ticket_are_named():
    assert code_of(standing(TICKET)) is None
    assert code_of(standing(closed())) is Code.TICKET_CLOSED
    assert code_of(standing(closed(merged_into=21002))) is Code.TICKET_MERGED
    assert code_of(standing(closed(merged_into=21002), moved=True)) is None


def test_b2_4_a_person_lets_it_go_on_for_the_closing_that_was_known():
    assert code_of(standing(closed(), went_on())) is None
    assert code_of(standing(closed(), went_on(NOW - timedelta(hours=1)))) is Code.TICKET_CLOSED


def test_what_was_read_of_an_earlier_ticket_says_nothing():
    """E7."""
    other = fact(tickets.FACT, {"id": 20999, "closed": True, "since": NOW.isoformat()})
    found = view(ordered(), refs=[Ref("ticket", "", "21001")], facts=[other])
    assert code_of(found) is None


# --- a whole story --------------------------------------------------------------------------------


def test_b2_runs_in_the_order_that_connectwise_accepts():
    """Products on the ticket before anything is ordered, linked before received, no sales order."""
    told = ideal.World({"raise_ticket": "always"}, scenario=B2)
    told.deliver(ordered(), ideal.whole())
    plan = told.settle()
    assert plan.answer.state is State.DONE
    assert told.steps_done() == [
        "raise_ticket",
        "create_products",
        "win_opportunity",
        "sync_purchase_order",
        "link_demand",
        "receive_purchase_order",
        "receive_purchase_order",
        "release_invoice",
    ]
    assert ("sales_order", "") not in told.refs


def test_b2_a_receipt_before_its_order_waits_and_goes_on():
    told = ideal.World({"raise_ticket": "always"}, scenario=B2)
    told.deliver(ideal.whole())
    assert told.settle().answer.code is Code.SALES_ORDER_UNKNOWN
    told.deliver(ordered())
    assert told.settle().answer.state is State.DONE
