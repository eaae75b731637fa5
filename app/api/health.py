"""Health: whether the process lives, and whether the installation can do its work.

Owns `/healthz`, `/readyz` and `/metrics`, which need no key: they tell of parts and numbers only.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from logging import WARNING
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel, ConfigDict

from app.api.auth import Service
from app.api.lists import refusal
from app.api.parts import Parts
from app.domain.errors import StoreUnavailable
from app.domain.views import Readiness
from app.telemetry import metrics, wide

CHECK_SECONDS = 3.0
INTAKE = ("database", "migrations")
router = APIRouter(tags=["health"])


class Check(BaseModel):
    ok: bool
    detail: str


class Health(BaseModel):
    """The process answers."""

    status: str = "ok"


class Ready(BaseModel):
    """Each part by name: database, migrations, redis, worker."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "ready": False,
                "checks": {"redis": {"ok": False, "detail": "does not answer"}},
            }
        }
    )
    ready: bool
    checks: dict[str, Check]


@router.get("/healthz", operation_id="health")
async def health() -> Health:
    """Whether the process lives. Asks nothing of anyone."""
    return Health()


@router.get(
    "/readyz",
    operation_id="readiness",
    responses={
        422: refusal("`of` is none that is known (REQUEST_NOT_VALID)."),
        503: {"model": Ready, "description": "A part is missing; `checks` says which."},
    },
)
async def readiness(
    service: Service,
    response: Response,
    of: Annotated[
        Literal["intake"] | None,
        Query(description="Only what taking deliveries needs counts: database and migrations."),
    ] = None,
) -> Ready:
    """Whether database, migrations, Redis and a worker are there."""
    database, redis = await asyncio.gather(_database(service), _redis(service))
    checks = {**_of_database(database), "redis": redis, "worker": _of_worker(database)}
    # Without Redis or a worker deliveries are kept all the same: who asks whether to send some here
    # must not hear no, or none would be taken for as long as that lasts.
    counting = INTAKE if of else checks.keys()
    ready = all(checks[name].ok for name in counting)
    if not ready:
        response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
    return Ready(ready=ready, checks=checks)


@router.get(
    "/metrics",
    operation_id="metrics",
    response_class=PlainTextResponse,
    responses={
        503: {
            "description": "The database does not answer, or lacks tables of this version; what this "
            "process counted."
        }
    },
)
async def prometheus(service: Service) -> PlainTextResponse:
    """What this process counted, and how the installation stands, for Prometheus."""
    status, told = HTTPStatus.OK, metrics.of_process()
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            told += metrics.of_installation(await service.admin.gauges())
    except (StoreUnavailable, TimeoutError):
        status = HTTPStatus.SERVICE_UNAVAILABLE
    except Exception as error:  # noqa: BLE001 - as before `migrate` has run: what is counted is told
        wide("gauges_failed", level=WARNING, error=type(error).__name__)
        status = HTTPStatus.SERVICE_UNAVAILABLE
    return PlainTextResponse(told, status, media_type=metrics.CONTENT_TYPE)


async def _database(parts: Parts) -> Readiness | None:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            return await parts.admin.readiness()
    except (StoreUnavailable, TimeoutError):
        return None
    except Exception as error:  # noqa: BLE001 - whatever it is, the answer says which part
        wide("readiness_failed", level=WARNING, error=type(error).__name__)
        return None


async def _redis(parts: Parts) -> Check:
    alive = False
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            alive = await parts.queue_alive()
    except TimeoutError:
        pass
    away = "does not answer; work goes on by sweep"
    return Check(ok=alive, detail="answers" if alive else away)


def _of_database(found: Readiness | None) -> dict[str, Any]:
    if found is None:
        away = Check(ok=False, detail="does not answer")
        return {"database": away, "migrations": Check(ok=False, detail="cannot be read")}
    # A newer release may have expanded the schema already; this one goes on working with it.
    at_head = found.revision is not None and found.revision >= found.head
    at = (
        "at head"
        if found.revision == found.head
        else f"at {found.revision}, newer"
        if at_head
        else f"at {found.revision}, head is {found.head}: run migrate"
    )
    return {
        "database": Check(ok=True, detail="answers"),
        "migrations": Check(ok=at_head, detail=at),
    }


def _of_worker(found: Readiness | None) -> Check:
    if found is None:
        return Check(ok=False, detail="cannot be read")
    alive = found.workers_alive
    return Check(ok=alive > 0, detail=f"{alive} alive" if alive else "none alive: start one")
