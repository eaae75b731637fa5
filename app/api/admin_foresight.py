"""Admin REST: what would make an order invoiceable, and what another configuration would do.

Owns the addresses and forms; what is played, and how, is `app/sync/foresight.py`'s.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field

from app.api.admin_orders import Connection, Number
from app.api.auth import AdminRoute, Caller, Service
from app.api.lists import REFUSALS
from app.api.models import AnswerOut, Model
from app.domain.codes import Code, Who
from app.domain.course import Course
from app.domain.records import OrderRow
from app.sync.foresight import Difference, WhatIf

router = APIRouter(prefix="/admin", tags=["foresight"], route_class=AdminRoute, responses=REFUSALS)


class NeedOut(Model):
    """A thing that has to happen. `at`: when it is so by itself, if nobody does anything."""

    step: str
    subject: str
    code: Code
    sentence: str
    who: Who
    remedy: str
    at: datetime | None


class NeedsOut(Model):
    """`sufficient`: with these the order is invoiceable. False: they come first, and what comes
    after them cannot be told yet."""

    order: str
    invoiceable: bool
    sufficient: bool
    needs: list[NeedOut]

    @classmethod
    def of(cls, order: OrderRow, course: Course) -> NeedsOut:
        return cls(
            order=order.name,
            invoiceable=course.reached and not course.needs,
            sufficient=course.reached,
            needs=[NeedOut.model_validate(need) for need in course.needs],
        )


class WhatIfIn(Model):
    """Either `orders` or `days` (the newest 500 that came in since); `scenario`, `settings`, or
    both."""

    orders: Annotated[list[str], Field(min_length=1, max_length=500)] | None = None
    days: Annotated[int, Field(ge=1, le=366, examples=[30])] | None = None
    scenario: Annotated[str | None, Field(examples=["commerce-invoicing"])] = None
    settings: Annotated[
        Mapping[str, Any], Field(examples=[{"PURCHASE_ORDER_TIMING": "on_issue"}])
    ] = {}


class WriteOut(Model):
    """A remote write that one side makes and the other does not."""

    step: str
    subject: str
    write: str


class DifferenceOut(Model):
    """`here`: as the order is pinned, or would be. `refused`: why it cannot be played so."""

    order: str
    here_scenario: str
    there_scenario: str
    here: list[WriteOut]
    there: list[WriteOut]
    here_answer: AnswerOut
    there_answer: AnswerOut
    refused: str | None

    @classmethod
    def of(cls, one: Difference) -> DifferenceOut:
        return cls(
            order=one.order.name,
            here_scenario=one.here_scenario,
            there_scenario=one.there_scenario,
            here=_writes(one.here),
            there=_writes(one.there),
            here_answer=AnswerOut.of(one.here_answer),
            there_answer=AnswerOut.of(one.there_answer),
            refused=one.refused,
        )


class SideOut(Model):
    """Remote writes of a step that only one side makes."""

    here: int
    there: int


class WhatIfOut(Model):
    """`orders`: how many were played; `more`: older ones came in within the days and were not.
    `items`: those for which something would be different."""

    orders: int
    more: bool
    different: int
    writes: dict[str, SideOut]
    items: list[DifferenceOut]

    @classmethod
    def of(cls, found: WhatIf) -> WhatIfOut:
        items = [DifferenceOut.of(one) for one in found.differences if one.differs]
        return cls(
            orders=len(found.differences),
            more=found.more,
            different=len(items),
            writes={
                step: SideOut(here=here, there=there)
                for step, (here, there) in found.writes().items()
            },
            items=items,
        )


def _writes(writes: tuple[tuple[str, str, str], ...]) -> list[WriteOut]:
    return [WriteOut(step=step, subject=subject, write=told) for step, subject, told in writes]


@router.get("/orders/{number:path}/needs", operation_id="get_order_needs")
async def get_order_needs(
    number: Number, actor: Caller, service: Service, connection: Connection = None
) -> NeedsOut:
    """The smallest set of things that would make the order invoiceable, and who does each. From the
    gates that the worker asks, played on in thought: nothing is touched."""
    return NeedsOut.of(*await service.foresight.needs(actor, number, connection))


@router.post("/what-if", operation_id="what_if")
async def what_if(
    body: WhatIfIn, actor: Caller, service: Service, connection: Connection = None
) -> WhatIfOut:
    """What another scenario or other behaviour settings would write for these orders, beside what
    is written now. Played from the documents alone; nothing is touched and nothing is kept."""
    found = await service.foresight.what_if(
        actor,
        orders=body.orders,
        days=body.days,
        scenario=body.scenario,
        settings=body.settings,
        connection=connection,
    )
    # Hundreds of orders: others are served meanwhile.
    return await asyncio.to_thread(WhatIfOut.of, found)
