"""Admin REST: the search of orders.

Owns the address and the form; what is searched is `desk.SearchStore`'s.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from app.api.auth import AdminRoute, Caller, Service
from app.api.lists import REFUSALS, Cursor, Limit, Listed, link_next
from app.api.models import Model, OrderSummary
from app.domain.desk import Found

router = APIRouter(prefix="/admin", tags=["orders"], route_class=AdminRoute, responses=REFUSALS)


class FoundOut(Model):
    """`what` of the order fits (order, customer, reference, receipt, a kind of record), and the text
    that does."""

    order: OrderSummary
    what: str
    text: str

    @classmethod
    def of(cls, found: Found) -> FoundOut:
        return cls(order=OrderSummary.of(found.order), what=found.what, text=found.text)


@router.get("/search", operation_id="search_orders")
async def search_orders(
    request: Request,
    response: Response,
    actor: Caller,
    service: Service,
    q: Annotated[str, Query(min_length=1, max_length=100, examples=["1201"])],
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Listed[FoundOut]:
    """Orders by any part, of three characters or more, of a number, of a customer's name or reference,
    of a supplier's invoice, tracking or serial number; or by the whole id of a record elsewhere. What
    begins so comes first."""
    page = await service.desk.search(actor, q, cursor, limit)
    link_next(request, response, page.next)
    return Listed(items=[FoundOut.of(one) for one in page.items], next=page.next)
