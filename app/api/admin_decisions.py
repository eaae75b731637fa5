"""Admin REST: what a person decides about an order.

Owns the addresses and forms of `contracts/http.md` for decisions, holds and single steps; what is
offered and refused is `app/sync/decisions.py`.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from app.api.admin_orders import Connection, Number
from app.api.auth import AdminRoute, Caller, Service
from app.api.lists import REFUSALS
from app.api.models import Model, OrderOut, Reason, ReasonIn
from app.domain.codes import Code

router = APIRouter(
    prefix="/admin/orders", tags=["decisions"], route_class=AdminRoute, responses=REFUSALS
)
Subject = Annotated[
    str | None,
    Field(
        description="Which purchase order or receipt, where several stand there.", max_length=200
    ),
]


class DecideIn(Model):
    """`choice` is one of those that the answer or the runbook lists for `code`."""

    code: Code
    choice: Annotated[str, Field(min_length=1, max_length=100, examples=["look_again"])]
    reason: Reason
    subject: Subject = None


class StepIn(Model):
    reason: Reason
    subject: Subject = None


@router.post("/{number:path}/decide", operation_id="decide_order")
async def decide_order(
    number: Number, body: DecideIn, actor: Caller, service: Service, connection: Connection = None
) -> OrderOut:
    """A person's decision where the rules ask for one. The order goes on from there."""
    story = await service.decisions.decide(
        actor,
        number,
        code=body.code,
        choice=body.choice,
        reason=body.reason,
        subject=body.subject,
        connection=connection,
    )
    return OrderOut.of(story)


@router.post("/{number:path}/hold", operation_id="hold_order")
async def hold_order(
    number: Number, body: ReasonIn, actor: Caller, service: Service, connection: Connection = None
) -> OrderOut:
    """Nothing more is done for the order until it is released."""
    return OrderOut.of(await service.decisions.hold(actor, number, body.reason, connection))


@router.post("/{number:path}/release", operation_id="release_order")
async def release_order(
    number: Number, body: ReasonIn, actor: Caller, service: Service, connection: Connection = None
) -> OrderOut:
    """End a person's hold."""
    return OrderOut.of(await service.decisions.release(actor, number, body.reason, connection))


@router.post("/{number:path}/repin", operation_id="repin_order")
async def repin_order(
    number: Number, body: ReasonIn, actor: Caller, service: Service, connection: Connection = None
) -> OrderOut:
    """Let the order follow the present scenario and behaviour settings. Refused while a step is
    under way or a write is in doubt. What was applied is brought in line, as after a change."""
    return OrderOut.of(await service.decisions.repin(actor, number, body.reason, connection))


@router.post("/{number:path}/steps/{step}/retry", operation_id="retry_step")
async def retry_step(
    number: Number,
    step: str,
    body: StepIn,
    actor: Caller,
    service: Service,
    connection: Connection = None,
) -> OrderOut:
    """Try a step again at once. One that is applied stays as it is."""
    story = await service.decisions.step(
        actor,
        number,
        step,
        skip=False,
        reason=body.reason,
        subject=body.subject,
        connection=connection,
    )
    return OrderOut.of(story)


@router.post("/{number:path}/steps/{step}/skip", operation_id="skip_step")
async def skip_step(
    number: Number,
    step: str,
    body: StepIn,
    actor: Caller,
    service: Service,
    connection: Connection = None,
) -> OrderOut:
    """Leave a step out for good: what it would have done is done by hand."""
    story = await service.decisions.step(
        actor,
        number,
        step,
        skip=True,
        reason=body.reason,
        subject=body.subject,
        connection=connection,
    )
    return OrderOut.of(story)
