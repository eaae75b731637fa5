"""Admin REST: the drift sweep, and what it found (H12).

Owns the addresses and forms; what is compared is `app/sync/drift.py`, what may be done about a
finding `app/sync/findings.py`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import Field

from app.api.admin_orders import Connection
from app.api.auth import AdminRoute, Caller, Service
from app.api.lists import REFUSALS, Cursor, Limit, Listed, link_next
from app.api.models import Model, ReasonIn
from app.domain.codes import Code, Who
from app.domain.drift import Finding, Standing, SweepView, Way
from app.sync.findings import MOST_ORDERS

router = APIRouter(
    prefix="/admin/drift", tags=["drift"], route_class=AdminRoute, responses=REFUSALS
)


class FindingOut(Model):
    """A difference. `says`: what Commerce asks for and the service left there; `stands`: what was
    read. `ways`: what may be done; without `fix` no step can mend it by itself. `order` is null for
    a document of Commerce that never came in; `step` is empty for what differs in Commerce."""

    id: int
    order: str | None
    code: Code
    standing: Standing
    system: str
    kind: str
    record: str
    url: str | None
    step: str
    subject: str
    says: str
    stands: str
    sentence: str
    who: Who
    since: datetime
    seen_at: datetime
    ways: list[Way]
    actor: str | None
    reason: str | None
    closed_at: datetime | None

    @classmethod
    def of(cls, one: Finding) -> FindingOut:
        drift = one.drift
        told = {name: getattr(drift, name) for name in _DRIFT}
        kept = {name: getattr(one, name) for name in _KEPT}
        return cls(**told, **kept, ways=list(drift.ways))


_DRIFT = (
    "code", "system", "kind", "record", "url", "step", "subject", "says", "stands", "sentence", "who",
)  # fmt: skip
_KEPT = ("id", "order", "standing", "since", "seen_at", "actor", "reason", "closed_at")


class InCommerceOut(Model):
    """Commerce's calls are few, so a round may take several sweeps. `orders` were compared with it
    in this sweep, `left` come with the next one, and `trouble` says why."""

    orders: int
    left: int
    trouble: str | None


class SweepOut(Model):
    """`orders`: compared so far. `unread`: of these, that moved or could not be read; they come
    with the next sweep. `trouble`: why it rests before its end."""

    under_way: bool
    started: datetime | None
    finished: datetime | None
    next_at: datetime | None
    orders: int
    unread: int
    calls: int
    trouble: str | None
    commerce: InCommerceOut

    @classmethod
    def of(cls, view: SweepView) -> SweepOut:
        sweep, there = view.sweep, view.sweep.commerce
        names = ("started", "finished", "orders", "unread", "calls", "trouble")
        told = {name: getattr(sweep, name) for name in names}
        commerce = InCommerceOut(orders=there.orders, left=there.left, trouble=there.trouble)
        return cls(under_way=view.under_way, next_at=view.next_at, commerce=commerce, **told)


class SweepIn(Model):
    """`orders`: compare just these, at once. Without: a worker sweeps all."""

    orders: Annotated[list[str], Field(min_length=1, max_length=MOST_ORDERS)] | None = None


class SweptOut(Model):
    """`items`: what stands of the orders that were named. `not_read`: what could not be compared."""

    sweep: SweepOut
    items: list[FindingOut]
    not_read: list[str]


@router.get("", operation_id="list_drift")
async def list_drift(
    request: Request,
    response: Response,
    actor: Caller,
    service: Service,
    number: Annotated[str | None, Query(max_length=200, description="Only this order's.")] = None,
    standing: Standing | None = None,
    code: Code | None = None,
    connection: Connection = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Listed[FindingOut]:
    """Differences between the systems, the newest first."""
    page = await service.findings.listed(
        actor,
        number=number,
        standing=standing,
        code=code,
        connection=connection,
        cursor=cursor,
        limit=limit,
    )
    link_next(request, response, page.next)
    return Listed(items=[FindingOut.of(one) for one in page.items], next=page.next)


@router.get("/sweep", operation_id="get_drift_sweep")
async def get_drift_sweep(actor: Caller, service: Service) -> SweepOut:
    """How far the sweep is, and when the next one begins."""
    return SweepOut.of(await service.findings.sweep(actor))


@router.post("/sweep", operation_id="sweep_drift", status_code=202)
async def sweep_drift(
    body: SweepIn, actor: Caller, service: Service, connection: Connection = None
) -> SweptOut:
    """Sweep now. With `orders` these are compared before the answer, else a worker does it."""
    if body.orders is None:
        return SweptOut(sweep=SweepOut.of(await service.findings.ask(actor)), items=[], not_read=[])
    now = await service.findings.compare(actor, body.orders, connection)
    sweep = await service.findings.sweep(actor)
    items = [FindingOut.of(one) for one in now.found]
    return SweptOut(sweep=SweepOut.of(sweep), items=items, not_read=now.not_read)


@router.post("/{finding}/{way}", operation_id="settle_drift")
async def settle_drift(
    finding: Annotated[int, Path(ge=1, le=2**63 - 1)],
    way: Way,
    body: ReasonIn,
    actor: Caller,
    service: Service,
) -> FindingOut:
    """Adopt what stands, let the step mend it, or ignore it; with a reason, which is journalled."""
    return FindingOut.of(await service.findings.settle(actor, finding, way, body.reason))
