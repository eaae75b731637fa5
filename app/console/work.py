"""Pages of the work behind orders: deliveries, issues, replays.

Owns these addresses and forms; what is planned, run and refused is the core's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from app.console import chosen, words
from app.console.doing import place
from app.console.guard import PageRoute, Refused, actor_of, form_of, service
from app.console.pages import moved, render
from app.domain.codes import Code, State, Who
from app.domain.desk import Fingerprint
from app.domain.reasons import CODES
from app.domain.records import InboxEvent
from app.domain.views import ReplayState
from app.sync.operations import SOURCES, shown
from app.sync.replays import BESIDE

router = APIRouter(route_class=PageRoute, include_in_schema=False)

Text = Annotated[str, Query(max_length=200)]
Cursor = Annotated[str | None, Query(max_length=500)]
Start = Annotated[int, Query(ge=0, le=10_000)]
EventId = Annotated[int, Path(ge=1, le=2**63 - 1)]
ReplayId = Annotated[str, Path(max_length=100)]
PAGE = 50
ITEMS = 50  # orders of a replay
UNVERIFIED = "unverified"
STATUSES = ("rejected", "unhandled", "deferred", "dropped", "hint", "new", "merged", UNVERIFIED)
MEANS = {
    "": "Every delivery from Commerce, ConnectWise and the ledger, the newest first.",
    "rejected": "They cannot be read: something in them is not as the contract says. What is "
    "rejected stays here with its cause.",
    "unhandled": "Of a kind that no order needs. They are kept, and nothing follows from them.",
    "deferred": "They belong to something that has not come in yet, and are merged when it does.",
    "dropped": "They concern no order of this installation.",
    "hint": "A system told that something changed there; the service reads the record itself.",
    "new": "They came in and are not merged yet: a worker takes them within moments.",
    "merged": "They became part of an order.",
    UNVERIFIED: "The newest requests whose signature or time was refused. Nothing of them can be "
    "trusted.",
}
# Which deliveries a person may have read again (`app/sync/upkeep.py` refuses the others).
AGAIN = ("rejected", "unhandled", "deferred", "dropped")


@router.get("/inbox")
async def inbox(
    request: Request, status: Text = "", source: Text = "", cursor: Cursor = None
) -> Response:
    """Every delivery, the newest first; the refused with their cause."""
    parts, actor = service(request), actor_of(request)
    kept = {name: v for name, v in (("status", status), ("source", source)) if v}
    now = await parts.store.now()
    values: dict[str, Any] = {
        "status": status,
        "statuses": STATUSES,
        "source": source,
        "sources": SOURCES,
        "means": MEANS.get(status, MEANS[""]),
        "codes": CODES,
        "now": now,
        "to": lambda **other: _inbox({**kept, **other}),
    }
    if status == UNVERIFIED:
        ring = await parts.operations.unverified(source or None, cursor, PAGE)
        following = _inbox({**kept, "cursor": ring.next}) if ring.next else None
        return render(
            request, "unverified.html", ring=ring.items, following=following, live=None, **values
        )
    page = await parts.operations.events(actor, source or None, status or None, cursor, PAGE)
    return render(
        request,
        "inbox.html",
        page=page,
        following=_inbox({**kept, "cursor": page.next}) if page.next else None,
        live="/live" if cursor is None else None,
        **values,
    )


def _inbox(given: Mapping[str, str]) -> str:
    """The inbox's address with this filter."""
    told = urlencode({name: value for name, value in given.items() if value})
    return f"/inbox?{told}" if told else "/inbox"


@router.get("/inbox/{event_id}")
async def event(request: Request, event_id: EventId, notice: Text = "") -> Response:
    """One delivery with its body, redacted."""
    found = await service(request).operations.event(actor_of(request), event_id)
    told = "It is read again by today's rules." if notice == "replayed" else None
    return event_page(request, found, shown(found.body), notice=told)


def event_page(
    request: Request,
    found: InboxEvent,
    body: Any,
    *,
    notice: str | None = None,
    revealed: bool = False,
) -> Response:
    """The page of a delivery. `revealed`: `body` is shown with personal data."""
    return render(
        request,
        "event.html",
        event=found,
        body=words.pretty(body),
        reason=CODES[found.code] if found.code is not None else None,
        again=found.status in AGAIN,
        notice=notice,
        revealed=revealed,
        live=None,
    )


@router.post("/inbox/{event_id}/replay")
async def replay_event(request: Request, event_id: EventId) -> Response:
    parts, form = service(request), form_of(request)
    await parts.upkeep.replay_event(actor_of(request), event_id, form.get("reason", ""))
    return moved(f"/inbox/{event_id}?notice=replayed")


@router.get("/issues")
async def issues(request: Request) -> Response:
    """What stands held or parked, by cause."""
    parts = service(request)
    found = await parts.desk.issues(actor_of(request))
    now = await parts.store.now()
    return render(
        request, "issues.html", issues=found, codes=CODES, place=place, now=now, live="/live"
    )


@router.post("/issues/plan")
async def plan_issue(request: Request) -> Response:
    """Plan a replay of all orders of an issue."""
    form, parts = form_of(request), service(request)
    if form.get("code") not in Code.__members__:
        raise Refused(422, "That cannot be planned", "The form names no issue. Load the page anew.")
    wanted = Fingerprint(Code(form["code"]), form.get("step", ""), form.get("endpoint", ""))
    replay = await parts.desk.plan_issue(actor_of(request), wanted, form.get("reason", ""))
    return moved(f"/replay/{replay.id}")


@router.get("/replay")
async def replays(
    request: Request,
    orders: Text = "",
    state: Text = "",
    code: Text = "",
    who: Text = "",
    cursor: Cursor = None,
) -> Response:
    """Plans of replays, and the form that makes one."""
    parts, actor = service(request), actor_of(request)
    page = await parts.desk.replays(actor, cursor)
    return render(
        request,
        "replays.html",
        replays=page.items,
        following=f"/replay?{urlencode({'cursor': page.next})}" if page.next else None,
        given={"orders": orders, "state": state, "code": code, "who": who},
        states=(State.HELD, State.PARKED, State.WAITING, State.DONE),
        codes=chosen.reasons(await parts.desk.reasons(actor)),
        people=list(Who),
        steps=parts.operations.known_steps(),
        now=await parts.store.now(),
        live=None,
    )


@router.post("/replay")
async def plan(request: Request) -> Response:
    """Make a plan. Nothing is executed."""
    form, parts = form_of(request), service(request)
    named = form.get("orders", "").replace(",", " ").split()
    made = await parts.replays.plan(
        actor_of(request),
        orders=named or None,
        wanted=None if named else chosen.wanted(form),
        reason=form.get("reason", ""),
        from_step=form.get("from_step") or None,
    )
    return moved(f"/replay/{made.id}")


@router.get("/replay/{replay_id}")
async def replay(request: Request, replay_id: ReplayId, start: Start = 0) -> Response:
    """A plan, its progress, its result; its orders in parts, in the order in which they were frozen."""
    parts = service(request)
    progress = await parts.replays.status(actor_of(request), replay_id)
    replay = progress.replay
    woken = [item for item in progress.items if item.item.state == ReplayState.WOKEN]
    settled = sum(item.settled for item in woken)
    now = await parts.store.now()
    return render(
        request,
        "replay.html",
        replay=replay,
        progress=progress,
        woken=woken,
        settled=settled,
        shown=progress.items[start : start + ITEMS],
        start=start,
        following=f"/replay/{replay.id}?start={start + ITEMS}"
        if len(progress.items) > start + ITEMS
        else None,
        expired=replay.state == ReplayState.PLANNED and now > replay.expires_at,
        beside=BESIDE,
        now=now,
        live=f"/live/replay/{replay.id}" if settled < len(woken) else None,
    )


@router.post("/replay/{replay_id}/run")
async def run(request: Request, replay_id: ReplayId) -> Response:
    over = form_of(request).get("over_budget") == "1"
    await service(request).replays.run(actor_of(request), replay_id, over_budget=over)
    return moved(f"/replay/{replay_id}")


@router.post("/replay/{replay_id}/abort")
async def abort(request: Request, replay_id: ReplayId) -> Response:
    await service(request).replays.abort(actor_of(request), replay_id)
    return moved(f"/replay/{replay_id}")
