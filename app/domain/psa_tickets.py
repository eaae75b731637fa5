"""Service tickets of ConnectWise in the service's own terms (rules E, B2).

Owns what steps read of and write to a ticket, without wire names. Which ticket is an order's is
`app/domain/tickets.py`; translation to the wire is the connector's part.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ticket:
    """A service ticket. `merged_into` is the ticket that it was merged into, which closes it.

    `closed` is ConnectWise's own closedFlag: how it is closed is a status of a closed kind.
    """

    id: int
    summary: str
    company_id: int
    board_id: int
    status_id: int
    status: str
    closed: bool
    board: str = ""
    xref: str | None = None
    merged_into: int | None = None


@dataclass(frozen=True, slots=True)
class NewTicket:
    """`xref` is the natural key by which a ticket of ours is recognised (externalXRef).

    `type_name` names a type of the board; ConnectWise takes references by name. `description` is
    what the customer may read, `internal_note` only the desk.
    """

    summary: str  # 100 at most
    company_id: int
    board_id: int
    xref: str
    description: str
    internal_note: str | None = None
    status_id: int | None = None
    type_name: str | None = None
    contact_id: int | None = None
    opportunity_id: int | None = None
    po_number: str | None = None  # 50 at most
