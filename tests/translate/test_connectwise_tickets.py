"""Service tickets, both ways, in golden pairs (connectwise.md 3.9)."""

from __future__ import annotations

from typing import Any

import pytest

from app.connectors.connectwise.translate import checks, tickets
from app.connectors.connectwise.translate.from_wire import setup_record
from app.domain.psa import SetupRecord
from app.domain.psa_tickets import NewTicket, Ticket

WIRE: dict[str, Any] = {
    "id": 21001,
    "summary": "Monitors flicker",
    "company": {"id": 250, "identifier": "Contoso"},
    "board": {"id": 15, "name": "Procurement"},
    "status": {"id": 531, "name": "New"},
    "closedFlag": False,
    "externalXRef": "dl:default:1201:ticket",
}
TICKET = Ticket(
    21001,
    "Monitors flicker",
    250,
    15,
    531,
    "New",
    closed=False,
    board="Procurement",
    xref="dl:default:1201:ticket",
)
NEW = NewTicket("Sales order ON1", 250, 15, "dl:default:1201:ticket", "5 x Cable")


def test_a_ticket_is_read():
    assert tickets.ticket(WIRE) == TICKET


def test_what_is_absent_is_none_and_not_closed():
    assert tickets.ticket({"id": 1}) == Ticket(1, "", 0, 0, 0, "", closed=False)


@pytest.mark.parametrize(
    ("parent", "into"), [({"id": 21002}, 21002), ({"id": 0}, None), (None, None)]
)
def test_a_merged_ticket_names_the_other_one(parent: Any, into: int | None):
    assert tickets.ticket({**WIRE, "mergedParentTicket": parent}).merged_into == into


def test_a_status_of_a_board_has_names_of_its_own():
    wire = {"id": 539, "name": "Closed", "closedStatus": True, "defaultFlag": False}
    assert tickets.board_status(wire) == SetupRecord(539, "Closed", closed=True)
    assert tickets.board_status({**wire, "inactive": True}) is None


def test_a_board_of_projects_takes_no_service_tickets():
    assert setup_record({"id": 16, "name": "Projects", "projectFlag": True}) is None
    assert setup_record({"id": 15, "name": "Procurement", "projectFlag": False}) is not None


def test_a_new_ticket_carries_what_is_given_and_nothing_else():
    assert tickets.new_ticket(NEW) == {
        "summary": "Sales order ON1",
        "company": {"id": 250},
        "board": {"id": 15},
        "externalXRef": "dl:default:1201:ticket",
        "initialDescription": "5 x Cable",
    }


def test_what_connectwise_would_cut_is_refused():
    long = NewTicket("s" * 101, 250, 15, "x", "d")
    with pytest.raises(checks.Refused, match="summary has 101 characters"):
        tickets.new_ticket(long)


def test_a_note_is_the_desks_alone():
    assert tickets.internal_note("Buy 10 at Ingram.") == {
        "text": "Buy 10 at Ingram.",
        "internalAnalysisFlag": True,
        "processNotifications": False,
    }
