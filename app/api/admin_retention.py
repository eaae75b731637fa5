"""Admin REST: for how long journal, calls, inbox and alerts are kept.

Owns address and form; what goes when, and what an open order keeps, is `app/sync/retention.py`'s.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from app.api.auth import AdminRoute, Caller, Service
from app.api.lists import REFUSALS, Listed
from app.api.models import Model, ReasonIn
from app.domain.retention import Holding, Kept

router = APIRouter(prefix="/admin", tags=["retention"], route_class=AdminRoute, responses=REFUSALS)


class HoldingOut(Model):
    """A kind of rows: for how long it is kept, and what would go now."""

    what: Kept
    days: Annotated[int, Field(description="At least so many; 0: for ever.")]
    before: Annotated[datetime | None, Field(description="What is older goes; null: nothing.")]
    oldest: Annotated[datetime | None, Field(description="Of the oldest row there is.")]
    goes: Annotated[int, Field(description="Rows that go with the next turn of a worker.")]
    of_open_orders: Annotated[
        int,
        Field(description="Older rows that stay: their order is not done, or they are unsettled."),
    ]

    @classmethod
    def of(cls, held: Holding) -> HoldingOut:
        return cls(
            what=held.period.kept,
            days=held.period.days,
            before=held.until,
            oldest=held.oldest,
            goes=held.outlived - held.of_open,
            of_open_orders=held.of_open,
        )


class RetentionIn(ReasonIn):
    """Days by kind of rows; those that are not named stay as they are."""

    days: Annotated[
        dict[Kept, Annotated[int, Field(strict=True, ge=0, le=36500)]],
        Field(min_length=1, examples=[{"calls": 30}]),
    ]


@router.get("/retention", operation_id="show_retention")
async def show_retention(actor: Caller, service: Service) -> Listed[HoldingOut]:
    """For how long each kind of rows is kept, since when there are any, and what would go now."""
    return Listed(items=[HoldingOut.of(one) for one in await service.retention.holdings()])


@router.patch("/retention", operation_id="change_retention")
async def change_retention(
    body: RetentionIn, actor: Caller, service: Service
) -> Listed[HoldingOut]:
    """Keep kinds of rows for so many days from now on. A worker takes away what has outlived its
    use within the hour, for good; `goes` in the answer says how many rows these are."""
    days = {kept.value: number for kept, number in body.days.items()}
    changed = await service.retention.change(actor, days, body.reason)
    return Listed(items=[HoldingOut.of(one) for one in changed])
