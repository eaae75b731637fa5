"""The admin REST's answers and requests as they stand in OpenAPI.

Owns names and formats of `contracts/http.md`, Admin REST, and how views become them. No rules: what
an order's answer is, is decided in the core.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer

from app.domain import traces
from app.domain.codes import Code, State, Who
from app.domain.readiness import Checked
from app.domain.reasons import CODES
from app.domain.records import Answer, InboxEvent, OrderRow
from app.domain.views import (
    CallRow,
    JournalRow,
    LineView,
    StepView,
)
from app.sync.operations import Story


class Model(BaseModel):
    """Requests refuse unknown members, so that a misspelt one is not silently ignored."""

    model_config = ConfigDict(extra="forbid", from_attributes=True)


Reason = Annotated[
    str,
    Field(
        min_length=1,
        max_length=500,
        description="Why; it is kept with the name of the key.",
        examples=["Agreed with the customer by phone."],
    ),
]


class ReasonIn(Model):
    reason: Reason


class ProblemBody(BaseModel):
    """RFC 9457. `type` is stable for each `code`; `detail` says what to do."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "example": {
                "type": "urn:demandlink:problem:NOT_FOUND",
                "title": "There is no such thing here.",
                "status": 404,
                "detail": "No order ON10001201 is known.",
                "code": "NOT_FOUND",
            }
        },
    )
    type: str
    title: str
    status: int
    detail: str
    code: str


class ScenarioOut(Model):
    name: str
    version: int


class AnswerOut(Model):
    """Why the order is not further along, who acts, since when, and when it is looked at again.

    `choices` stands only in the answer of a held or parked order.
    """

    code: Code | None
    sentence: str
    who: Who
    since: datetime | None
    next_look: str
    choices: list[str] | None = None

    @model_serializer(mode="wrap")
    def _without_empty_choices(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        written: dict[str, Any] = handler(self)
        if written.get("choices") is None:
            written.pop("choices", None)
        return written

    @classmethod
    def of(cls, answer: Answer) -> AnswerOut:
        held = answer.state in (State.HELD, State.PARKED)
        return cls(
            code=answer.code,
            sentence=answer.sentence,
            who=answer.who,
            since=answer.since,
            next_look=answer.next_look,
            choices=list(answer.choices) if held else None,
        )


class RemoteOut(Model):
    """`url`: the record's address, in ConnectWise that of the API. `page`: where a person opens it in
    the browser; null where nobody knows."""

    system: str
    kind: str
    id: str
    url: str | None
    page: str | None


class StepOut(Model):
    step: str
    subject: str
    state: State
    code: Code | None
    sentence: str | None
    attempts: int
    started_at: datetime | None
    finished_at: datetime | None
    remote: list[RemoteOut]

    @classmethod
    def of(cls, step: StepView) -> StepOut:
        return cls.model_validate(step)


class LineOut(Model):
    """Quantities are decimal text."""

    line: int
    title: str
    ordered: str
    on_purchase_orders: str
    received: str
    linked: str
    shipped: str
    invoiceable: str
    invoiced: str

    @classmethod
    def of(cls, line: LineView) -> LineOut:
        return cls.model_validate(line)


class OrderSummary(Model):
    number: str
    connection: str
    customer: str | None
    scenario: ScenarioOut | None
    state: State
    answer: AnswerOut
    updated_at: datetime
    url: str

    @classmethod
    def of(cls, row: OrderRow) -> OrderSummary:
        # The list shows the answer as the worker left it; the order's page asks the gates anew
        # and lists the choices.
        answer = AnswerOut(
            code=row.code,
            sentence=row.sentence or "",
            who=row.who or Who.NOBODY,
            since=row.since,
            next_look=row.next_look or "",
        )
        return cls(
            number=row.name,
            connection=row.connection,
            customer=row.customer,
            scenario=_scenario(row),
            state=row.state,
            answer=answer,
            updated_at=row.updated_at,
            url=address(row),
        )


class FlagOut(Model):
    """Something for a person that does not hold the order."""

    code: Code
    sentence: str
    who: Who


class ReadinessOut(Model):
    """Whether the tool of INVOICE_SYNC_TOOL can post the order's records; `flags` names each
    defect. `checked_at` null: they are read once the order is released, or on demand."""

    tool: str
    checked_at: datetime | None
    sentence: str
    defects: int

    @classmethod
    def of(cls, checked: Checked) -> ReadinessOut:
        found = len(checked.defects)
        return cls(
            tool=checked.tool,
            checked_at=checked.checked_at,
            sentence=checked.sentence,
            defects=found,
        )


class OrderOut(Model):
    number: str
    customer: str | None
    scenario: ScenarioOut | None
    state: State
    answer: AnswerOut
    steps: list[StepOut]
    lines: list[LineOut]
    flags: list[FlagOut]
    readiness: ReadinessOut | None = None
    journal_url: str
    drift_url: str
    trace_id: str | None = None

    @classmethod
    def of(cls, story: Story) -> OrderOut:
        row, explained = story.order, story.explained
        return cls(
            number=row.name,
            customer=row.customer,
            scenario=_scenario(row),
            state=explained.answer.state,
            answer=AnswerOut.of(explained.answer),
            steps=[StepOut.of(step) for step in explained.steps],
            lines=[LineOut.of(line) for line in explained.lines],
            flags=[FlagOut.model_validate(flag) for flag in explained.flags],
            readiness=ReadinessOut.of(readiness) if (readiness := explained.readiness) else None,
            journal_url=f"{address(row)}/journal",
            drift_url=f"/admin/drift?number={quote(row.name, safe=':')}",
            trace_id=traces.trace_id(row.trace),
        )


def _scenario(row: OrderRow) -> ScenarioOut | None:
    if row.scenario is None:
        return None
    return ScenarioOut(name=row.scenario, version=row.scenario_version or 1)


def address(row: OrderRow) -> str:
    """The order's path. Numbers are the vendor's text, so they are quoted."""
    return f"/admin/orders/{quote(row.name, safe=':')}"


class JournalOut(Model):
    id: int
    at: datetime
    actor: str
    code: str
    sentence: str
    step: str | None
    subject: str | None
    data: dict[str, Any]

    @classmethod
    def of(cls, row: JournalRow) -> JournalOut:
        entry = row.entry
        return cls(
            id=row.id,
            at=row.at,
            actor=entry.actor,
            code=entry.code,
            sentence=entry.sentence,
            step=entry.step,
            subject=entry.subject,
            data=dict(entry.data),
        )


class CallOut(Model):
    """A remote request and its answer, redacted. `status` is null when none came. `sealed`: whether
    personal values that were taken out of it are kept, for keys with the scope `reveal`."""

    id: int
    at: datetime
    system: str
    method: str
    path: str
    query: str
    status: int | None
    milliseconds: float
    request: str | None
    response: str | None
    failure: str | None
    step: str | None
    subject: str | None
    purpose: str
    sealed: bool

    @classmethod
    def of(cls, row: CallRow) -> CallOut:
        own = ("id", "at", "sealed")
        named = {name: getattr(row.call, name) for name in CallOut.model_fields if name not in own}
        return cls(id=row.id, at=row.at, sealed=row.sealed, **named)


class EventSummary(Model):
    """A delivery. `status`: new, merged, hint, unhandled, dropped, deferred, rejected, or
    unverified for a refused request of the ring, which has no id."""

    id: int | None
    source: str
    connection: str | None
    external_id: str | None
    type: str | None
    status: str
    code: Code | None
    cause: str | None
    remedy: str | None
    received_at: datetime
    merged_at: datetime | None = None
    orders: list[str] = []
    trace_id: str | None = None

    @classmethod
    def of(cls, event: InboxEvent) -> EventSummary:
        return cls(
            id=event.id,
            source=event.source,
            connection=event.connection,
            external_id=event.external_id,
            type=event.event_type or None,
            status=event.status,
            code=event.code,
            cause=event.cause,
            remedy=CODES[event.code].remedy if event.code is not None else None,
            received_at=event.received_at,
            merged_at=event.merged_at,
            trace_id=traces.trace_id(event.trace),
            orders=list(event.orders),
        )


class EventOut(EventSummary):
    """A delivery with its body: personal data is removed, and of what is not JSON only
    the size is told."""

    size: int
    body: Any
