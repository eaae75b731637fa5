"""Admin REST: mappings, settings and connections.

Owns the addresses and forms of `contracts/http.md` for what an operator sets up. The rules, and
which orders a change wakes, are those of `app/sync/operations.py`.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Query, Request, Response

from app.api.auth import AdminRoute, Caller, IsAdmin, Service
from app.api.lists import REFUSALS, Cursor, Limit, Listed, link_next
from app.api.models import ReasonIn
from app.api.setup_models import (
    ConnectionOut,
    MappedOut,
    MappingIn,
    MappingOut,
    MissingMappingOut,
    SettingOut,
)
from app.sync.setup import MAX_REASON

router = APIRouter(prefix="/admin", tags=["set-up"], route_class=AdminRoute, responses=REFUSALS)

MappingId = Annotated[int, Path(ge=1, le=2**63 - 1)]
Reason = Annotated[str, Query(max_length=MAX_REASON, description="Why, for the audit.")]
ConnectionId = Annotated[int, Path(ge=1, le=2**63 - 1)]


@router.get("/mappings", operation_id="list_mappings")
async def list_mappings(
    request: Request,
    response: Response,
    actor: Caller,
    service: Service,
    kind: Annotated[str | None, Query(max_length=50, examples=["vendor"])] = None,
    q: Annotated[
        str | None,
        Query(
            max_length=200,
            description="Only those with this text in one of their keys; one or two characters: at "
            "its beginning.",
            examples=["SYN"],
        ),
    ] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Listed[MappingOut]:
    """What Commerce records are called in ConnectWise, where names do not say it; the newest first."""
    page = await service.operations.mapping_page(actor, kind, q, cursor, limit)
    link_next(request, response, page.next)
    return Listed(items=[MappingOut.of(row) for row in page.items], next=page.next)


@router.put("/mappings", operation_id="put_mapping")
async def put_mapping(body: MappingIn, actor: Caller, service: Service) -> MappedOut:
    """Add a mapping, or change the one of the same kind and Commerce key. Orders that wait for it go
    on, and are named."""
    kept = await service.operations.put_mapping(
        actor, body.kind, body.commerce_key, body.connectwise_key, reason=body.reason
    )
    return MappedOut.from_kept(kept)


@router.get("/mappings/missing", operation_id="list_missing_mappings")
async def list_missing_mappings(actor: Caller, service: Service) -> Listed[MissingMappingOut]:
    """The mappings that orders wait for, those that most wait for first."""
    found = await service.operations.missing_mappings(actor)
    return Listed(items=[MissingMappingOut.of(one) for one in found])


@router.get("/mappings/{mapping_id}", operation_id="get_mapping")
async def get_mapping(
    mapping_id: MappingId, actor: Caller, admin: IsAdmin, service: Service
) -> MappingOut:
    """One mapping. Who may change it is told an e-mail address in full; that it was told is recorded."""
    if admin:
        return MappingOut.whole(await service.operations.reveal_mapping(actor, mapping_id))
    return MappingOut.of(await service.operations.mapping(actor, mapping_id))


@router.put("/mappings/{mapping_id}", operation_id="change_mapping")
async def change_mapping(
    mapping_id: MappingId,
    connectwise_key: Annotated[str, Body(embed=True, examples=["SYNNEX"])],
    actor: Caller,
    service: Service,
    reason: Annotated[str, Body(embed=True, max_length=MAX_REASON)] = "",
) -> MappedOut:
    """Change what the Commerce record is called in ConnectWise."""
    # The answer tells the key in full, as that of `put_mapping` does.
    row = await service.operations.reveal_mapping(actor, mapping_id)
    changed = await service.operations.put_mapping(
        actor, row.kind, row.commerce_key, connectwise_key, reason=reason
    )
    return MappedOut.from_kept(changed)


@router.delete("/mappings/{mapping_id}", operation_id="remove_mapping", status_code=204)
async def remove_mapping(
    mapping_id: MappingId, actor: Caller, service: Service, reason: Reason = ""
) -> Response:
    await service.operations.drop_mapping(actor, mapping_id, reason=reason)
    return Response(status_code=204)


@router.get("/settings", operation_id="list_settings")
async def list_settings(actor: Caller, service: Service) -> Listed[SettingOut]:
    """Every setting as it rules now, and where its value comes from."""
    return Listed(items=[SettingOut.of(one) for one in await service.operations.settings(actor)])


@router.patch("/settings", operation_id="change_settings")
async def change_settings(
    values: Annotated[
        dict[str, Any], Body(examples=[{"INVOICE_POLICY": "shipped_only", "READ_LAG": 5}])
    ],
    actor: Caller,
    service: Service,
    reason: Reason = "",
) -> Listed[SettingOut]:
    """Change settings by name. Behaviour settings rule for orders that come after."""
    changed = await service.operations.change_settings(actor, values, reason=reason)
    return Listed(items=[SettingOut.of(one) for one in changed])


@router.get("/connections", operation_id="list_connections")
async def list_connections(actor: Caller, service: Service) -> Listed[ConnectionOut]:
    """Connections, without their credentials, and whether they may be called now."""
    rows = await service.operations.connections(actor)
    return Listed(items=[ConnectionOut.of(row) for row in rows])


@router.post("/connections/{connection_id}/pause", operation_id="pause_connection")
async def pause_connection(
    connection_id: ConnectionId, body: ReasonIn, actor: Caller, service: Service
) -> ConnectionOut:
    """Call nothing through a connection until it is resumed. Deliveries are still taken; a step
    that is under way ends."""
    return ConnectionOut.of(await service.upkeep.pause(actor, connection_id, body.reason))


@router.post("/connections/{connection_id}/resume", operation_id="resume_connection")
async def resume_connection(
    connection_id: ConnectionId, body: ReasonIn, actor: Caller, service: Service
) -> ConnectionOut:
    """End a pause, a person's or the service's own. The orders that wait for it go on."""
    return ConnectionOut.of(await service.upkeep.resume(actor, connection_id, body.reason))
