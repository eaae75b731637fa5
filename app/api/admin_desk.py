"""Admin REST: failures by their cause, replays that were planned, and the audit log.

Owns addresses and forms; what is listed is `app/sync/desk.py`'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import Field

from app.api.admin_replays import ReplayOut, ReplaySummary, told
from app.api.auth import AdminRoute, Caller, Service
from app.api.lists import REFUSALS, Cursor, Limit, Listed, link_next
from app.api.models import Model
from app.domain.codes import Code
from app.domain.desk import AuditRow, Fingerprint, Issue
from app.domain.records import OrderRow

router = APIRouter(prefix="/admin", route_class=AdminRoute, responses=REFUSALS)
Step = Annotated[str, Field(max_length=200, examples=["link_demand"])]
Endpoint = Annotated[str, Field(max_length=500, examples=["POST /procurement/purchaseorders"])]


class IssueOut(Model):
    """Orders that stand held or parked for one cause; `orders` names some of them. `step` and `endpoint`
    are empty where none is known."""

    code: Code
    step: Step
    endpoint: Endpoint
    count: int
    orders: list[str]
    since: datetime | None
    newest: datetime | None
    sentence: str

    @classmethod
    def of(cls, issue: Issue) -> IssueOut:
        mark = issue.fingerprint
        return cls(
            code=mark.code,
            step=mark.step,
            endpoint=mark.endpoint,
            count=issue.count,
            orders=list(issue.orders),
            since=issue.since,
            newest=issue.newest,
            sentence=issue.sentence,
        )


class IssueIn(Model):
    """An issue as it is listed, and why its orders are replayed."""

    code: Code
    step: Step = ""
    endpoint: Endpoint = ""
    reason: Annotated[str, Field(min_length=1, max_length=500, examples=["permission given"])]


class AuditOut(Model):
    """A change that a person made. `target` is what it was made to, in the words of `action`; `order` its
    number where that is one."""

    id: int
    at: datetime
    actor: Annotated[str, Field(examples=["admin"])]
    action: Annotated[str, Field(examples=["order.hold"])]
    target: str
    order: str | None
    data: Mapping[str, Any]

    @classmethod
    def of(cls, row: AuditRow, order: OrderRow | None) -> AuditOut:
        one = row.audit
        return cls(
            id=row.id,
            at=row.at,
            actor=one.actor,
            action=one.action,
            target=one.target,
            order=order.name if order is not None else None,
            data=one.data,
        )


@router.get("/issues", operation_id="list_issues", tags=["replays"])
async def list_issues(actor: Caller, service: Service) -> Listed[IssueOut]:
    """What stands held or parked, by code, step and endpoint, the newest first."""
    found = await service.desk.issues(actor)
    return Listed(items=[IssueOut.of(one) for one in found])


@router.post("/issues/plan", operation_id="plan_issue", status_code=201, tags=["replays"])
async def plan_issue(body: IssueIn, actor: Caller, service: Service) -> ReplayOut:
    """Plan a replay of every order of an issue, as they stand now. Nothing is executed."""
    wanted = Fingerprint(body.code, body.step, body.endpoint)
    replay = await service.desk.plan_issue(actor, wanted, body.reason)
    return await told(await service.replays.preview(actor, replay))


@router.get("/replays", operation_id="list_replays", tags=["replays"])
async def list_replays(
    request: Request,
    response: Response,
    actor: Caller,
    service: Service,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Listed[ReplaySummary]:
    """Plans, the newest first, and what became of them."""
    page = await service.desk.replays(actor, cursor, limit)
    link_next(request, response, page.next)
    return Listed(items=[ReplaySummary.of(one) for one in page.items], next=page.next)


@router.get("/audit", operation_id="list_audit", tags=["audit"])
async def list_audit(
    request: Request,
    response: Response,
    actor: Caller,
    service: Service,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Listed[AuditOut]:
    """Who changed what, the newest first. Nothing there is ever changed or removed."""
    page = await service.desk.audits(actor, cursor, limit)
    orders = await service.desk.orders_of(actor, page.items)
    link_next(request, response, page.next)
    items = [AuditOut.of(row, orders.get(row.id)) for row in page.items]
    return Listed(items=items, next=page.next)
