"""Service tickets, both ways: ConnectWise's records in, request bodies out.

Pure. Owns which field of a ticket says what (connectwise.md 3.9); raises pydantic.ValidationError
for what cannot be read, checks.Refused for what ConnectWise would refuse.
"""

from __future__ import annotations

from typing import Any

from app.connectors.connectwise import schemas
from app.connectors.connectwise.translate import checks, patches
from app.connectors.connectwise.translate.patches import Replace
from app.domain import psa, psa_tickets


def ticket(raw: Any) -> psa_tickets.Ticket:
    read = schemas.Ticket.model_validate(raw)
    merged = read.merged_parent_ticket
    return psa_tickets.Ticket(
        id=read.id,
        summary=read.summary,
        company_id=(read.company.id or 0) if read.company is not None else 0,
        board_id=(read.board.id or 0) if read.board is not None else 0,
        board=read.board.name if read.board is not None else "",
        status_id=(read.status.id or 0) if read.status is not None else 0,
        status=read.status.name if read.status is not None else "",
        closed=read.closed_flag,
        xref=read.external_xref or None,
        merged_into=(merged.id or None) if merged is not None else None,
    )


def board_status(raw: Any) -> psa.SetupRecord | None:
    """None for an inactive status."""
    read = schemas.BoardStatus.model_validate(raw)
    if read.inactive:
        return None
    return psa.SetupRecord(
        id=read.id, name=read.name, default=read.default_flag, closed=read.closed_status
    )


def note_text(raw: Any) -> str:
    return schemas.TicketNote.model_validate(raw).text


def new_ticket(new: psa_tickets.NewTicket) -> dict[str, Any]:
    body: dict[str, Any] = {
        "summary": checks.required("summary", new.summary, 100),
        "company": {"id": new.company_id},
        "board": {"id": new.board_id},
        "externalXRef": checks.required("externalXRef", new.xref, 100),
        "initialDescription": checks.text("initialDescription", new.description),
    }
    for field, record in (
        ("status", new.status_id),
        ("contact", new.contact_id),
        ("opportunity", new.opportunity_id),
    ):
        if record is not None:
            body[field] = {"id": record}
    if new.type_name is not None:
        body["type"] = {"name": checks.required("type", new.type_name)}
    if new.po_number is not None:
        body["poNumber"] = checks.text("poNumber", new.po_number, 50)
    if new.internal_note is not None:
        note = checks.text("initialInternalAnalysis", new.internal_note)
        body["initialInternalAnalysis"] = note
    return body


def quiet_ticket(new: psa_tickets.NewTicket) -> dict[str, Any]:
    """Nobody is notified of it, and no callback is called."""
    return {**new_ticket(new), "processNotifications": False, "skipCallback": True}


def ticket_status(status_id: int) -> list[Replace]:
    return [Replace("status", {"id": status_id}, patches.same_reference)]


def internal_note(text: str) -> dict[str, Any]:
    """Nobody but the desk reads it, and nobody is notified."""
    return {
        "text": checks.required("text", text),
        "internalAnalysisFlag": True,
        "processNotifications": False,
    }
