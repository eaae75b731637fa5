"""The page of settings: each with its value, where that comes from, and the form of those that may be
changed here.

Owns its addresses and forms, and which fields a person changed; what is refused is the core's.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from app.console.guard import (
    PageRoute,
    Refused,
    actor_of,
    form_of,
    given_reason,
    service,
    wrong_of,
)
from app.console.pages import moved, render
from app.settings import Group
from app.sync.operations import Refusal
from app.sync.setup import SettingView

router = APIRouter(route_class=PageRoute, include_in_schema=False)

Text = Annotated[str, Query(max_length=300)]
_PINNED = (
    "Pinned on an order when its sales order comes in: orders in flight keep theirs, a change is for"
    " those that come after. A person may let an order follow it, on the order’s page."
)
_LIVE = "Read each time they are needed: a change is for orders in flight as well."
_RESUMED = (
    " Orders that were held for a missing one look again. Empty: chosen by ConnectWise’s flags."
)
_FIXED = "These come from the environment alone. Change them there and restart."
# By group: its tab, and for whom a change counts.
GROUPS: Mapping[Group, tuple[str, str]] = {
    Group.BEHAVIOUR: ("Behaviour", _PINNED),
    Group.NAMES: ("Records by name", _LIVE + _RESUMED),
    Group.LIVE: ("Read live", _LIVE),
    Group.CONNECTION: ("Connections", _FIXED),
    Group.SERVICE: ("The service", _FIXED),
}
CHANGED = {
    Group.BEHAVIOUR: "for orders that come in from now on; orders in flight keep theirs",
    Group.NAMES: "for orders in flight as well",
    Group.LIVE: "for orders in flight as well",
}
WAS = "was"  # the values that the form was made with


@router.get("/settings")
async def settings(request: Request, group: Text = "", changed: Text = "") -> Response:
    """The settings of a group."""
    shown = next((one for one in GROUPS if one.value == group), Group.BEHAVIOUR)
    names = [name for name in changed.split(".") if name]
    views = await _views(request, shown)
    known = [view.name for view in views if view.name in names]
    notice = f"Changed: {', '.join(known)}, {CHANGED[shown]}." if known else None
    return _page(request, shown, views, notice=notice)


async def _views(request: Request, group: Group) -> list[SettingView]:
    every = await service(request).operations.settings(actor_of(request))
    return [view for view in every if view.group == group.value]


def _page(
    request: Request,
    group: Group,
    views: list[SettingView],
    *,
    status: int = 200,
    given: Mapping[str, str] | None = None,
    refusal: Refusal | None = None,
    notice: str | None = None,
) -> Response:
    standing = {view.name: written(view.value) for view in views}
    return render(
        request,
        "settings.html",
        status,
        group=group,
        groups=GROUPS,
        views=views,
        standing=standing,
        given={**standing, **(given or {})},
        was=json.dumps(standing),
        defaults={view.name: written(view.default) for view in views},
        wrong=wrong_of(refusal),
        refused=refusal.sentence if refusal is not None else None,
        reason_given=form_of(request).get("reason", "") if refusal is not None else "",
        notice=notice,
        live=None,
    )


def written(value: Any) -> str:
    """A value as a person writes it into a field."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.12g}"
    return "" if value is None else str(value)


@router.post("/settings/{group}")
async def change(request: Request, group: str) -> Response:
    """Change what a person changed in the form: what somebody else changed meanwhile stays."""
    shown = next((one for one in CHANGED if one.value == group), None)
    if shown is None:
        raise Refused(404, "There is no such form", "Settings of that kind are not changed here.")
    form = form_of(request)
    views = await _views(request, shown)
    was = was_of(form)
    given = {view.name: form[view.name].strip() for view in views if view.name in form}
    wanted = {name: value for name, value in given.items() if value != was.get(name, "").strip()}
    if not wanted:
        unchanged = Refusal("REQUEST_NOT_VALID", "No field differs from what it was.")
        return _page(request, shown, views, status=422, refusal=unchanged)
    try:
        reason = given_reason(form)
        operations = service(request).operations
        await operations.change_settings(actor_of(request), wanted, reason=reason)
    except Refusal as refusal:
        return _page(request, shown, views, status=422, given=given, refusal=refusal)
    told = urlencode({"group": shown.value, "changed": ".".join(wanted)[:300]})
    return moved(f"/settings?{told}")


def was_of(form: Mapping[str, str]) -> dict[str, str]:
    """The values that a form was made with, by field. Raises Refused: a form of ours has them."""
    try:
        read = json.loads(form.get(WAS, ""))
    except (ValueError, RecursionError):
        read = None
    if not isinstance(read, dict):
        raise Refused(422, "Not readable", "Load the page anew and fill the form in again.")
    return {str(name): str(value) for name, value in read.items()}
