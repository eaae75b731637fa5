"""Admin REST: orders, each with its answer, steps and line matrix, its journal and its calls.

Owns the addresses and forms of `contracts/http.md` for orders; what an order's answer is, is
decided in the core. A number may hold a slash, so these paths end with what is asked of it.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from app.api.auth import AdminRoute, Caller, Service
from app.api.lists import ASKS_CONNECTWISE, REFUSALS, Cursor, Limit, Listed, link_next
from app.api.models import CallOut, JournalOut, OrderOut, OrderSummary
from app.domain.codes import Code, State, Who
from app.domain.views import OrderFilter

router = APIRouter(
    prefix="/admin/orders", tags=["orders"], route_class=AdminRoute, responses=REFUSALS
)

Number = Annotated[
    str,
    Path(
        max_length=200,
        description="The order's number, or `id:` and its Commerce id while only that is known.",
        examples=["ON10001201", "id:1201"],
    ),
]
Connection = Annotated[
    str | None,
    Query(max_length=200, description="Chooses where several connections know a number."),
]


@router.get("", operation_id="list_orders")
async def list_orders(
    request: Request,
    response: Response,
    actor: Caller,
    service: Service,
    number: Annotated[str | None, Query(max_length=200)] = None,
    state: State | None = None,
    code: Code | None = None,
    who: Who | None = None,
    connection: Connection = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Listed[OrderSummary]:
    """Orders, the newest first."""
    wanted = OrderFilter(number, state, code, who, connection)
    page = await service.operations.orders(actor, wanted, cursor, limit)
    link_next(request, response, page.next)
    return Listed(items=[OrderSummary.of(row) for row in page.items], next=page.next)


@router.get("/{number:path}/journal", operation_id="get_order_journal")
async def get_order_journal(
    request: Request,
    response: Response,
    number: Number,
    actor: Caller,
    service: Service,
    connection: Connection = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Listed[JournalOut]:
    """The order's story from its beginning: what was done, by whom, and why it waited."""
    row = await service.operations.find(actor, number, connection)
    page = await service.operations.journal(row, cursor, limit)
    link_next(request, response, page.next)
    return Listed(items=[JournalOut.of(entry) for entry in page.items], next=page.next)


@router.get("/{number:path}/calls", operation_id="get_order_calls")
async def get_order_calls(
    request: Request,
    response: Response,
    number: Number,
    actor: Caller,
    service: Service,
    connection: Connection = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Listed[CallOut]:
    """Every remote request for the order and its answer, redacted."""
    row = await service.operations.find(actor, number, connection)
    page = await service.operations.calls(row, cursor, limit)
    link_next(request, response, page.next)
    return Listed(items=[CallOut.of(call) for call in page.items], next=page.next)


@router.post("/{number:path}/readiness", operation_id="check_readiness", responses=ASKS_CONNECTWISE)
async def check_readiness(
    number: Number, actor: Caller, service: Service, connection: Connection = None
) -> OrderOut:
    """Whether the tool of INVOICE_SYNC_TOOL can post the order's records; ConnectWise is asked now.
    What it cannot post stands in `flags`."""
    return OrderOut.of(await service.readiness.check(actor, number, connection))


@router.get("/{number:path}", operation_id="get_order")
async def get_order(
    number: Number, actor: Caller, service: Service, connection: Connection = None
) -> OrderOut:
    """Where the order stands and why, from the same gates that the worker asks."""
    return OrderOut.of(await service.operations.order(actor, number, connection))
