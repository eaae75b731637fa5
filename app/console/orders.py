"""Pages of orders: the front page with its search, the list, and an order explained.

Owns these addresses and what a person's buttons send; what is offered and refused is the core's.
"""

from __future__ import annotations

import asyncio
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from app.console import chosen, doing, matrix, rail, timeline, words
from app.console.guard import PageRoute, Refused, actor_of, form_of, service
from app.console.pages import moved, render
from app.domain import tickets, traces
from app.domain.choices import does
from app.domain.codes import Code, State, Who
from app.domain.reasons import CODES
from app.domain.records import OrderRow
from app.domain.views import JournalRow, OrderFilter, Page, RemoteLink
from app.sync.operations import MAX_PAGE, Story

router = APIRouter(route_class=PageRoute, include_in_schema=False)

Text = Annotated[str, Query(max_length=200)]
Cursor = Annotated[str | None, Query(max_length=500)]
PAGE = 50
WAITING = 8  # of each group, on the front page
NEEDS = 12  # of what would make an order invoiceable; the others stand behind a click
CALLS = 40
# What a form did, told once on the page that follows.
NOTICES = {
    "decided": "Decided. The order goes on from there.",
    "held": "Held. Nothing more is done for the order until it is released.",
    "released": "Released. The order goes on.",
    "retried": "It is tried again now.",
    "skipped": "Left out. What it would have done is yours to do by hand.",
    "ticket": "The order goes on that ticket. Products that stand on another move there.",
    "own_ticket": "The order goes on a ticket of its own. Products that stand on another move there.",
    "repinned": "The order follows the present settings from its next round on.",
}


@router.get("/")
async def front(request: Request, q: Text = "", cursor: Cursor = None) -> Response:
    """What needs a person, and a search."""
    parts, actor = service(request), actor_of(request)
    found = None
    if q.strip():
        found = await parts.desk.search(actor, q, cursor)
        exact = [one for one in found.items if one.order.name.casefold() == q.strip().casefold()]
        if len(exact) == 1 and cursor is None:
            return moved(words.order_address(exact[0].order))
    waiting = OrderFilter(state=State.WAITING)
    return render(
        request,
        "front.html",
        overview=await parts.desk.overview(actor),
        shown=WAITING,
        waiting=await parts.operations.orders(actor, waiting, None, WAITING),
        q=q,
        found=found.items if found is not None else None,
        following=f"/?{urlencode({'q': q, 'cursor': found.next})}"
        if found and found.next
        else None,
        hero=found is None,
        now=await parts.store.now(),
        live="/live",
    )


@router.get("/orders")
async def orders(
    request: Request,
    number: Text = "",
    state: Text = "",
    code: Text = "",
    who: Text = "",
    cursor: Cursor = None,
) -> Response:
    """Orders, the newest first, with what to filter by in the address."""
    parts, actor = service(request), actor_of(request)
    given = {"number": number.strip(), "state": state, "code": code, "who": who}
    page = await parts.operations.orders(actor, chosen.wanted(given), cursor, PAGE)
    kept = {name: value for name, value in given.items() if value}
    return render(
        request,
        "orders.html",
        page=page,
        given=given,
        following=f"/orders?{urlencode({**kept, 'cursor': page.next})}" if page.next else None,
        states=[s for s in State if s not in (State.SKIPPED, State.NOT_NEEDED)],
        codes=chosen.reasons(await parts.desk.reasons(actor)),
        people=list(Who),
        replay=f"/replay?{urlencode(kept)}" if kept and "number" not in kept else None,
        now=await parts.store.now(),
        live="/live" if cursor is None else None,
    )


@router.get("/orders/{number:path}")
async def order(
    request: Request,
    number: str,
    connection: Text = "",
    journal: Cursor = None,
    calls: Cursor = None,
    notice: Text = "",
) -> Response:
    """Where the order stands and why."""
    parts, actor = service(request), actor_of(request)
    row = await parts.operations.find(actor, number, connection or None)
    snapshot = await parts.store.peek(row.id)
    story = parts.operations.told(snapshot)
    row = story.order
    steps = parts.operations.steps_of(row)
    now, told, runs, called = await asyncio.gather(
        parts.store.now(),
        parts.operations.journal(row, journal, MAX_PAGE),
        parts.desk.runs(row),
        parts.operations.calls(row, calls, CALLS),
    )
    begun: Page[JournalRow] = (
        told if journal is None else await parts.operations.journal(row, None, MAX_PAGE)
    )
    pieces = timeline.pieces(runs, begun.items, _standing(story))
    needs = await parts.foresight.needs_of(snapshot) if _waits(story) else None
    return render(
        request,
        "order.html",
        story=story,
        order=row,
        answer=story.explained.answer,
        choices=_choices(story),
        has_ticket=tickets.STEP in steps and story.explained.answer.state is not State.CANCELLED,
        on_tickets=_tickets(story),
        subjects=_subjects(story),
        meaning=CODES[code] if (code := story.explained.answer.code) is not None else None,
        stops=rail.rail(story, steps),
        columns=matrix.COLUMNS,
        systems=matrix.SYSTEMS,
        rows=matrix.rows(story.explained, steps),
        laws=matrix.laws(story.explained),
        drawing=timeline.draw(pieces, now),
        pieces=pieces,
        needs=needs,
        places=doing.places(needs.needs, story.explained.answer, story.explained.steps)
        if needs
        else [],
        mended=doing.on_order(story.explained.answer.code, story.explained.answer.sentence),
        shown=NEEDS,
        journal=told,
        calls=called,
        sealing=parts.reveals.sealing,
        address=words.order_address(row),
        path_of=words.order_path(row.name),
        now=now,
        notice=NOTICES.get(notice),
        live=f"/live{words.order_address(row)}",
        trace=(trace := traces.trace_id(row.trace)),
        trace_url=parts.settings.trace_viewer_url.replace("{trace_id}", trace or ""),
    )


def _standing(story: Story) -> set[str]:
    """The steps that do not get on now, and "" where a person holds the whole order."""
    stopped = (State.WAITING, State.HELD, State.PARKED)
    found = {step.step for step in story.explained.steps if step.state in stopped}
    return found | ({""} if story.order.held_by is not None else set())


def _waits(story: Story) -> bool:
    explained = story.explained
    return explained.answer.state in (State.WAITING, State.HELD, State.PARKED) and bool(
        explained.steps
    )


def _choices(story: Story) -> list[tuple[str, str]]:
    """What a person may choose now, each with what it does."""
    answer = story.explained.answer
    if answer.code is None:
        return []
    code = answer.code
    return [(name, does(code, name)) for name in answer.choices]


def _tickets(story: Story) -> list[RemoteLink]:
    """The ticket that the order is on, where it is on one."""
    return [
        link
        for step in story.explained.steps
        if step.step == tickets.STEP
        for link in step.remote
        if link.kind == "ticket"
    ]


def _subjects(story: Story) -> list[str]:
    """Where several purchase orders or receipts stand at the reason, one has to be named."""
    code = story.explained.answer.code
    found = [step.subject for step in story.explained.steps if code and step.code is code]
    named = list(dict.fromkeys(found))
    return named if len(named) > 1 and story.order.name not in named else []


# Forms. Each ends at the order's page, so that going back sends nothing twice.


@router.post("/orders/{number:path}/decide")
async def decide(request: Request, number: str, connection: Text = "") -> Response:
    form, parts = form_of(request), service(request)
    if form.get("code") not in Code.__members__:
        raise Refused(
            422, "That cannot be decided", "The form names no reason. Load the page anew."
        )
    story = await parts.decisions.decide(
        actor_of(request),
        number,
        code=Code(form["code"]),
        choice=form.get("choice", ""),
        reason=form.get("reason", ""),
        subject=form.get("subject") or None,
        connection=connection or None,
    )
    return _back(story.order, "decided")


@router.post("/orders/{number:path}/hold")
async def hold(request: Request, number: str, connection: Text = "") -> Response:
    parts, reason = service(request), form_of(request).get("reason", "")
    story = await parts.decisions.hold(actor_of(request), number, reason, connection or None)
    return _back(story.order, "held")


@router.post("/orders/{number:path}/release")
async def release(request: Request, number: str, connection: Text = "") -> Response:
    parts, reason = service(request), form_of(request).get("reason", "")
    story = await parts.decisions.release(actor_of(request), number, reason, connection or None)
    return _back(story.order, "released")


@router.post("/orders/{number:path}/repin")
async def repin(request: Request, number: str, connection: Text = "") -> Response:
    parts, reason = service(request), form_of(request).get("reason", "")
    story = await parts.decisions.repin(actor_of(request), number, reason, connection or None)
    return _back(story.order, "repinned")


@router.post("/orders/{number:path}/step")
async def step(request: Request, number: str, connection: Text = "") -> Response:
    """Retry a step, or leave it out."""
    form, parts = form_of(request), service(request)
    skip = form.get("do") == "skip"
    more: dict[str, Any] = {"skip": skip, "reason": form.get("reason", "")}
    story = await parts.decisions.step(
        actor_of(request),
        number,
        form.get("step", ""),
        subject=form.get("subject") or None,
        connection=connection or None,
        **more,
    )
    return _back(story.order, "skipped" if skip else "retried")


def _back(row: OrderRow, notice: str) -> Response:
    return moved(f"{words.order_address(row)}&notice={notice}")
