"""The order's ticket as it stands now, and the statuses of its board.

Owns every reading of a ticket by a step: merges are followed, what is closed is named (B2.4).
Writes nothing; how a reading is judged is `app/domain/tickets.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from app.domain import psa, tickets
from app.domain.choices import names_of
from app.domain.codes import Code
from app.domain.errors import Hold
from app.domain.order import OrderView
from app.domain.ports import ConnectWise
from app.domain.psa_tickets import Ticket
from app.domain.records import Ref
from app.domain.shut import Shut
from app.steps.effects import Effects, chosen
from app.steps.resolve import REFERENCE_SECONDS

MOST_MERGES = 10
MOST_OFFERED = 10


async def followed(cw: ConnectWise, number: int) -> Ticket:
    """The ticket, or the one that it was merged into at last."""
    ticket = await cw.ticket(number)
    for _ in range(MOST_MERGES):
        if ticket.merged_into is None:
            break
        ticket = await cw.ticket(ticket.merged_into)
    return ticket


async def state_of(
    cw: ConnectWise, view: OrderView, number: int, products: Sequence[psa.Product]
) -> tuple[Ticket, bool]:
    """The order's ticket, and whether it was merged and our products went along: then it is the
    other ticket. `products` are ours, as they were just read by their ids."""
    ticket = await cw.ticket(number)
    if ticket.merged_into is None:
        return ticket, False
    parent = await followed(cw, ticket.merged_into)
    if all(product.ticket_id == parent.id for product in products):
        return parent, True
    return replace(ticket, merged_into=parent.id), False


def keep(fx: Effects, ticket: Ticket) -> None:
    """What is known of the ticket, as a fact and for this drive."""
    fx.keep("ticket read", ticket)
    fx.see(tickets.FACT, tickets.noted(fx.view, ticket))


async def now(fx: Effects) -> Ticket:
    """The order's ticket, read once in this drive."""
    known: Ticket | None = fx.recent("ticket read")
    number = fx.ref("ticket")
    assert number is not None  # noqa: S101 - raise_ticket came before
    if known is None or known.id != number:
        known = await fx.cw.ticket(number)
        keep(fx, known)
    return known


async def refuse_shut(fx: Effects, products: Sequence[psa.Product]) -> None:
    """B2.4, before each link and each receipt: the ticket is open, or a person says that it goes
    on so. A merge is followed where ConnectWise took our products along. Raises Hold."""
    number = fx.ref("ticket")
    if number is None:
        return
    ticket, moved = await state_of(fx.cw, fx.view, number, products)
    if moved:
        fx.learn(Ref("ticket", "", str(ticket.id)))
        fx.journal(
            "TICKET_FOLLOWED",
            f"Ticket {number} was merged into ticket {ticket.id}"
            f"{', and the products went along' if products else ''}.",
        )
    keep(fx, ticket)
    if shut := tickets.closed(fx.view, tickets.noted(fx.view, ticket)):
        raise hold_of(shut)


def hold_of(shut: Shut) -> Hold:
    return Hold(shut.code, shut.sentence, choices=ways_on(shut.code))


def ways_on(code: Code) -> tuple[str, ...]:
    """The choices once products stand on the ticket: none of them moves products off it."""
    return tuple(name for name in names_of(code) if name != "new_ticket")


async def open_ones(fx: Effects, company_id: int) -> list[int]:
    """Open tickets of the company that may be chosen, the newest first."""
    found = await fx.cw.tickets_of_company(company_id, only_open=True)
    return [ticket.id for ticket in choosable(found, fx.view.names)][:MOST_OFFERED]


def choosable(found: Sequence[Ticket], names: Mapping[str, Any]) -> list[Ticket]:
    """E6: open tickets of the boards and statuses that settings name; all where they name none."""
    boards, statuses = (
        {part.strip().casefold() for part in str(names.get(name) or "").split(",") if part.strip()}
        for name in ("connectwise_ticket_boards", "connectwise_ticket_statuses")
    )
    return [
        ticket
        for ticket in found
        if not ticket.closed and ticket.merged_into is None
        if not boards or ticket.board.strip().casefold() in boards
        if not statuses or ticket.status.strip().casefold() in statuses
    ]


# Statuses of its board --------------------------------------------------------------------------


async def _statuses(fx: Effects, board: int, *, fresh: bool) -> list[psa.SetupRecord]:
    known = None if fresh else await fx.recall("set_up", f"board:{board}")
    if known is not None:
        return [psa.SetupRecord(**record) for record in known["records"]]
    records = await fx.cw.ticket_statuses(board)
    body = {"records": [asdict(record) for record in records]}
    await fx.remember("set_up", f"board:{board}", body, REFERENCE_SECONDS)
    return list(records)


async def _status(fx: Effects, board: int, setting: str, name: str) -> psa.SetupRecord:
    """The board's status of that name, after one look past what is remembered. Raises Hold."""
    have: list[psa.SetupRecord] = []
    for fresh in (False, True):
        have = await _statuses(fx, board, fresh=fresh)
        if name and (found := chosen(have, name)) is not None:
            return found
    listed = ", ".join(record.name for record in have) or "none"
    said = f"names no active status of board {board} ({name!r})" if name else "is not set"
    raise Hold(Code.SETTING_MISSING, f"{setting.upper()} {said}; it has: {listed}.", who="operator")


async def ready_status(fx: Effects, board: int) -> psa.SetupRecord:
    """The status of a ticket that may be invoiced. It has no flag, so its name is set; where only
    the sales orders' is, the board's status of the same name."""
    own = str(fx.view.names.get("connectwise_ticket_status_ready") or "")
    shared = str(fx.view.names.get("connectwise_sales_order_status_ready") or "")
    return await _status(fx, board, "connectwise_ticket_status_ready", own or shared)


async def new_status(fx: Effects, board: int) -> int | None:
    """The status of new tickets; None: the board's own default."""
    name = str(fx.view.names.get("connectwise_ticket_status") or "")
    if not name:
        return None
    return (await _status(fx, board, "connectwise_ticket_status", name)).id


async def waiting_status(fx: Effects, board: int, before: int | None) -> psa.SetupRecord | None:
    """The status of a ticket whose goods are not complete: where it stood before it was released,
    else as a new one; None where nothing tells."""
    records = await _statuses(fx, board, fresh=False)
    wanted = before or await new_status(fx, board)
    named = [record for record in records if record.id == wanted]
    default = [record for record in records if record.default and not record.closed]
    return next(iter(named or default), None)


async def ready_or_none(fx: Effects, board: int) -> int | None:
    """The ready status where it is set; what is not set is named when it is needed."""
    try:
        return (await ready_status(fx, board)).id
    except Hold:
        return None
