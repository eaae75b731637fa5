"""The page of what-if: orders played through another scenario or other settings, side by side.

Owns its address, which holds the whole question; what is played, and how, is the core's. Touches
nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.console.guard import PageRoute, actor_of, service, wrong_of
from app.console.pages import moved, render
from app.domain import binding
from app.settings import Group
from app.sync.foresight import LONGEST_DAYS, MOST_ORDERS
from app.sync.operations import Refusal
from app.sync.setup import SettingView

router = APIRouter(route_class=PageRoute, include_in_schema=False)

PAGE = 20  # orders that differ, on a page
DAYS = "30"
MOST_TEXT = 4000
ASKED = ("orders", "days", "scenario", "connection", "start")


@router.get("/what-if")
async def what_if(request: Request) -> Response:
    """The form, and below it what the question in the address comes to."""
    parts, actor = service(request), actor_of(request)
    views = await parts.operations.settings(actor)
    behaviour = [one for one in views if one.group == Group.BEHAVIOUR.value]
    scenarios = next(one.options for one in behaviour if one.name == binding.KIND.upper())
    settings = [one for one in behaviour if one.name != binding.KIND.upper()]
    query = dict(request.query_params)
    given = _given(query, settings)
    if set(query) - set(given):
        # The address is what somebody is sent: it holds what was asked and nothing else.
        return moved(f"/what-if?{urlencode(given)}")
    found, refused = None, None
    if "scenario" in given or any(one.name in given for one in settings):
        try:
            found = await parts.foresight.what_if(
                actor,
                orders=given["orders"].split() if "orders" in given else None,
                days=None if "orders" in given else _number(given.get("days", DAYS)),
                scenario=given.get("scenario"),
                settings={one.name: given[one.name] for one in settings if one.name in given},
                connection=given.get("connection"),
            )
        except Refusal as refusal:
            refused = refusal
    elif "orders" not in given and "days" in given:
        refused = Refusal("REQUEST_NOT_VALID", "Choose a scenario or a setting to compare with.")
    differing = [one for one in found.differences if one.differs] if found is not None else []
    start = _number(given.get("start", "0"))
    rest = {name: value for name, value in given.items() if name != "start"}
    following = f"/what-if?{urlencode({**rest, 'start': start + PAGE})}#differences"
    return render(
        request,
        "what_if.html",
        422 if refused is not None else 200,
        given=defaultdict(str, given),
        scenarios=scenarios,
        settings=settings,
        other=any(one.name in given for one in settings),
        days=given.get("days", DAYS),
        longest=LONGEST_DAYS,
        most=MOST_ORDERS,
        found=found,
        differing=len(differing),
        shown=differing[start : start + PAGE],
        start=start,
        following=following if len(differing) > start + PAGE else None,
        refused=refused.sentence if refused is not None else None,
        wrong=wrong_of(refused),
        now=await parts.store.now(),
        live=None,
    )


def _given(query: Mapping[str, str], settings: list[SettingView]) -> dict[str, str]:
    """What was asked: fields that were left empty, or that mean nothing here, are left out."""
    names = (*ASKED, *(one.name for one in settings))
    kept = {name: query[name].strip()[:MOST_TEXT] for name in names if name in query}
    kept = {name: value for name, value in kept.items() if value}
    if "orders" in kept:
        kept["orders"] = " ".join(dict.fromkeys(kept["orders"].replace(",", " ").split()))
        kept.pop("days", None)
    return kept


def _number(given: str) -> int:
    """A number of an address; what is none is asked for as 0, which is refused in words."""
    return int(given) if given.isascii() and given.isdecimal() and len(given) < 10 else 0
