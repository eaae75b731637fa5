"""Admin REST: personal data of a delivery or a call, for a key with the scope `reveal`.

Owns the addresses. Who looked, at what and why is in the audit log before the answer leaves
(`app/sync/reveals.py`); the answer is kept nowhere.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path

from app.api.admin_inbox import EventId
from app.api.admin_orders import Connection, Number
from app.api.auth import Caller, RevealRoute, Service
from app.api.lists import REFUSALS
from app.api.models import CallOut, EventOut, EventSummary, Model, ReasonIn
from app.sync.reveals import RevealedCall

router = APIRouter(prefix="/admin", tags=["reveal"], route_class=RevealRoute, responses=REFUSALS)
CallId = Annotated[int, Path(ge=1, le=2**63 - 1, description="As the order's calls have it.")]


class RevealedEventOut(EventOut):
    """A delivery with its body, personal data and all. Secrets are removed, and of what is not JSON
    only the size is told."""


class RevealedValueOut(Model):
    """A value that was taken out of `request` or `response`; `field` is its JSON Pointer."""

    side: str
    field: str
    value: Any


class RevealedCallOut(CallOut):
    """A call with its personal values, in their places in `request` and `response` and listed. A
    body that was cut off when it was kept stays without them."""

    values: list[RevealedValueOut]

    @classmethod
    def revealed(cls, found: RevealedCall) -> RevealedCallOut:
        kept = CallOut.of(found.row)
        given = {**kept.model_dump(), "request": found.request, "response": found.response}
        values = [
            RevealedValueOut(side=one.side, field=one.field, value=one.value)
            for one in found.values
        ]
        return cls(**given, values=values)


@router.post("/events/{event_id}/reveal", operation_id="reveal_event")
async def reveal_event(
    event_id: EventId, body: ReasonIn, actor: Caller, service: Service
) -> RevealedEventOut:
    """A delivery's body with personal data, never secrets. Needs the scope `reveal`, which `admin`
    does not include; who looked and why goes into the audit log first."""
    found = await service.reveals.event(actor, event_id, body.reason)
    summary = EventSummary.of(found.event).model_dump()
    return RevealedEventOut(**summary, size=len(found.event.body), body=found.body)


@router.post("/orders/{number:path}/calls/{call_id}/reveal", operation_id="reveal_call")
async def reveal_call(
    number: Number,
    call_id: CallId,
    body: ReasonIn,
    actor: Caller,
    service: Service,
    connection: Connection = None,
) -> RevealedCallOut:
    """A call with the personal values that were taken out of it, where CALLS_SEALED was on when it
    was made; else CALL_NOT_SEALED. Needs the scope `reveal`, which `admin` does not include; who
    looked and why goes into the audit log first."""
    return RevealedCallOut.revealed(
        await service.reveals.call(actor, number, call_id, body.reason, connection)
    )
