"""The page of mappings: what Commerce records are called elsewhere, and which are missing (D-10).

Owns its addresses and forms; what is refused, and which orders a mapping lets go on, is the core's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from app.console.doing import mapping_form
from app.console.guard import PageRoute, actor_of, form_of, given_reason, service, wrong_of
from app.console.pages import moved, render
from app.domain.views import MappingRow, Stopped
from app.sync.operations import Actor, Operations, Refusal
from app.sync.setup import MAPPING_KINDS, key_shown

router = APIRouter(route_class=PageRoute, include_in_schema=False)

Text = Annotated[str, Query(max_length=300)]
MappingId = Annotated[int, Path(ge=1, le=2**63 - 1)]
Number = Annotated[int, Query(ge=0, le=2**63 - 1)]
Cursor = Annotated[str | None, Query(max_length=500)]
PAGE = 100
MISSING = 20  # that orders wait for, at a time
MOST_NAMED = 50  # orders in an address
FIELDS = ("kind", "commerce_key", "connectwise_key")


@router.get("/mappings")
async def mappings(
    request: Request,
    kind: Text = "",
    q: Text = "",
    commerce_key: Text = "",
    connectwise_key: Text = "",
    edit: Number = 0,
    saved: Number = 0,
    resumed: Annotated[str, Query(max_length=2000)] = "",
    looking: Annotated[str, Query(max_length=2000)] = "",
    notice: Text = "",
    cursor: Cursor = None,
    missing: Number = 0,
) -> Response:
    """Mappings and the form of one, filled in by the address."""
    given = dict(zip(FIELDS, (kind, commerce_key, connectwise_key), strict=True))
    actor, operations = actor_of(request), service(request).operations
    row = await _known(operations, actor, saved)
    kept = {
        "row": row,
        "resumed": await operations.rows(actor, _ids(resumed)),
        "looking": await operations.rows(actor, _ids(looking)),
    }
    told = "Removed. Orders that need it are held when they come to it." if notice else None
    return await _page(
        request,
        given,
        q=q,
        edit=edit,
        cursor=cursor,
        start=missing,
        kept=kept if row else None,
        notice=told,
    )


async def _page(
    request: Request,
    given: Mapping[str, str],
    *,
    q: str = "",
    edit: int = 0,
    cursor: str | None = None,
    start: int = 0,
    status: int = 200,
    refusal: Refusal | None = None,
    **values: Any,
) -> Response:
    actor, parts = actor_of(request), service(request)
    kind = given["kind"] if given["kind"] in MAPPING_KINDS else ""
    form: Mapping[str, str] = given
    old = await _known(parts.operations, actor, edit)
    if old is not None and not request.state.person.admin:
        old = None  # the form is for who may send it, and shows the key in full
    elif old is not None and refusal is None:
        old = await parts.operations.reveal_mapping(actor, old.id)
    if old is not None and refusal is None:
        form = {name: str(getattr(old, name)) for name in FIELDS}
    # A form that is filled in filters nothing: it may be for a kind of which there are many.
    kind = "" if given["commerce_key"] or refusal is not None else kind
    page = await parts.operations.mapping_page(actor, kind or None, q, cursor, PAGE)
    kept = {name: value for name, value in (("kind", kind), ("q", q)) if value}
    following = f"/mappings?{urlencode({**kept, 'cursor': page.next})}" if page.next else None
    missing = await parts.operations.missing_mappings(actor)
    return render(
        request,
        "mappings.html",
        status,
        rows=page.items,
        following=following,
        missing=missing[start : start + MISSING],
        more_missing=len(missing) - start - MISSING,
        start=start + MISSING,
        form_of=mapping_form,
        key_shown=key_shown,
        kinds=MAPPING_KINDS,
        kind=kind,
        q=q,
        old=old,
        standing=await parts.operations.mapping_named(actor, form["kind"], form["commerce_key"]),
        given=form,
        refused=refusal.sentence if refusal is not None else None,
        wrong=wrong_of(refusal),
        reason_given=form_of(request).get("reason", "") if refusal is not None else "",
        now=await parts.store.now(),
        live=None,
        **{"kept": None, **values},
    )


async def _known(operations: Operations, actor: Actor, number: int) -> MappingRow | None:
    """The mapping with a number of an address; None where there is none (any more)."""
    try:
        return await operations.mapping(actor, number) if number else None
    except Refusal:
        return None


@router.post("/mappings")
async def put(request: Request) -> Response:
    """Add a mapping, or change the one of the same kind and key."""
    form = form_of(request)
    given = {name: form.get(name, "") for name in FIELDS}
    try:
        reason = given_reason(form)
        kept = await service(request).operations.put_mapping(
            actor_of(request), *given.values(), reason=reason
        )
    except Refusal as refusal:
        return await _page(request, given, status=422, refusal=refusal)
    told = {
        "saved": kept.row.id,
        "resumed": _told(kept.resumed),
        "looking": _told(kept.looking),
    }
    return moved(f"/mappings?{urlencode({name: value for name, value in told.items() if value})}")


@router.post("/mappings/{mapping_id}/remove")
async def remove(request: Request, mapping_id: MappingId) -> Response:
    reason = given_reason(form_of(request))
    await service(request).operations.drop_mapping(actor_of(request), mapping_id, reason=reason)
    return moved("/mappings?notice=removed")


def _told(orders: Sequence[Stopped]) -> str:
    return ".".join(str(one.order_id) for one in orders[:MOST_NAMED])


def _ids(given: str) -> list[int]:
    """Ids of an address; what is none is left out."""
    parts = [part for part in given.split(".")[:MOST_NAMED] if part.isascii() and part.isdecimal()]
    return [int(part) for part in parts if len(part) < 19]
