"""The page that says for how long rows are kept, and the form that changes it.

Owns its addresses and what is read of the form; what goes when, and what is refused, is the core's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from app.console.guard import PageRoute, actor_of, form_of, given_reason, service, wrong_of
from app.console.pages import moved, render
from app.console.settings import was_of
from app.domain.retention import Kept
from app.sync.operations import Refusal

router = APIRouter(route_class=PageRoute, include_in_schema=False)

Text = Annotated[str, Query(max_length=100)]
MEANS: Mapping[Kept, str] = {
    Kept.JOURNAL: "Who and what moved an order, with the sentence that stood there.",
    Kept.CALLS: "Remote requests and their answers.",
    Kept.INBOX: "Deliveries as they were sent, with personal data.",
    Kept.ALERTS: "What people were told outside these pages.",
}
_WHOLE = re.compile(r"-?[0-9]{1,9}")


@router.get("/retention")
async def retention(request: Request, changed: Text = "", count: Text = "") -> Response:
    """For how long each kind is kept. Rows are counted only where somebody asks for it."""
    named = [kept for kept in Kept if kept in changed.split(".")]
    return await _page(request, changed=named, days={} if count else None)


@router.post("/retention")
async def change(request: Request) -> Response:
    """Keep what was changed in the form for so long, or count first what would go by it."""
    form = form_of(request)
    was = was_of(form)
    typed = {kept.value: form[kept].strip() for kept in Kept if kept in form}
    wanted = {kept: text for kept, text in typed.items() if text != was.get(kept, "").strip()}
    try:
        if form.get("do") == "count":
            return await _page(request, typed=typed, days=_days(wanted))
        days, reason = _changed(wanted), given_reason(form)
        await service(request).retention.set_days(actor_of(request), days, reason)
    except Refusal as refusal:
        status = 422 if refusal.code == "REQUEST_NOT_VALID" else 409
        return await _page(request, status, typed=typed, refusal=refusal)
    return moved(f"/retention?{urlencode({'changed': '.'.join(days)})}")


def _days(given: Mapping[str, str]) -> dict[str, int]:
    """Raises Refusal: a person may type anything."""
    said = "must be a whole number"
    wrong = {kept: said for kept, text in given.items() if not _WHOLE.fullmatch(text)}
    if wrong:
        raise Refusal("REQUEST_NOT_VALID", f"{', '.join(wrong)}: {said}.", fields=wrong)
    return {kept: int(text) for kept, text in given.items()}


def _changed(given: Mapping[str, str]) -> dict[str, int]:
    """Raises Refusal: nothing to change is a slip."""
    if not given:
        raise Refusal("REQUEST_NOT_VALID", "No number differs from what it was.")
    return _days(given)


async def _page(
    request: Request,
    status: int = 200,
    *,
    changed: list[Kept] | None = None,
    typed: Mapping[str, str] | None = None,
    days: Mapping[str, int] | None = None,
    refusal: Refusal | None = None,
) -> Response:
    """`days`: count what would go, for these kinds as if they were kept for so many."""
    parts = service(request)
    held: dict[Kept, Any] = {}
    if days is not None:
        held = {one.period.kept: one for one in await parts.retention.holdings(days)}
    extents = await parts.retention.extents()
    standing = {one.period.kept.value: str(one.period.days) for one in extents}
    told = ", ".join(
        f"{one.period.kept} {_span(one.period.days)}"
        for one in extents
        if one.period.kept in (changed or ())
    )
    return render(
        request,
        "retention.html",
        status,
        extents=extents,
        held=held,
        means=MEANS,
        span_of=_span,
        given={**standing, **(typed or {})},
        was=form_of(request)["was"] if typed is not None else json.dumps(standing),
        wrong=wrong_of(refusal),
        refused=refusal.sentence if refusal is not None else None,
        reason_given=form_of(request).get("reason", "") if typed is not None else "",
        notice=f"Kept from now on: {told}. What is older goes within the hour." if told else None,
        now=await parts.store.now(),
        live=None,
    )


def _span(days: int) -> str:
    if not days:
        return "for ever"
    return f"for {days} day{'s' if days != 1 else ''}"
