"""Builds the FastAPI application from the parts that the composition root gives.

Owns which routes are served and what happens at start and stop of the process. Must not build a
part itself (`app/bootstrap` does).
"""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute

from app import bootstrap
from app.api import (
    admin_alerts,
    admin_decisions,
    admin_desk,
    admin_doctor,
    admin_drift,
    admin_foresight,
    admin_inbox,
    admin_orders,
    admin_replays,
    admin_retention,
    admin_reveals,
    admin_search,
    admin_setup,
    admin_tickets,
    health,
    openapi,
    sign_in,
)
from app.api.ledger_webhooks import LedgerDoors
from app.api.parts import Parts
from app.api.problems import HANDLERS
from app.api.room import Room
from app.api.webhooks import Background, CallbackDoor, CommerceDoor, Doors
from app.console import guard, routes

VERSION = "1"
# Objects allocated between two collections. Intake allocates little that lives; with the default
# of 700 the full collections of a heap full of imports are its slowest answers (p99 6 times).
GC_THRESHOLDS = (50_000, 20, 100)


def create_app(parts: Parts | None = None) -> FastAPI:
    """The application. With parts, whoever opened them closes them; without, it opens its own
    when the server starts it, in the server's loop (`uvicorn --factory app.main:create_app`).
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        _quiet_collector()
        if parts is not None:
            yield
            await _drain(app)
            return
        async with bootstrap.opened() as opened:
            _serve(app, opened)
            yield
            await _drain(app)

    app = FastAPI(
        title="Demandlink",
        version=VERSION,
        description="Keeps Datto Commerce, ConnectWise PSA and the ledger in step, exactly once.",
        lifespan=lifespan,
        exception_handlers={
            **HANDLERS,
            HTTPException: guard.or_page(HANDLERS[HTTPException]),
            Exception: guard.or_page(HANDLERS[Exception]),
        },
        # FastAPI's own pages load scripts from another host.
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        redirect_slashes=False,
    )
    # FastAPI offers no other way to describe more than its own routes.
    app.openapi = lambda: openapi.describe(app)  # type: ignore[method-assign]
    app.router.routes.extend(_endpoints())
    if parts is not None:
        _serve(app, parts)
    return app


@cache
def _endpoints() -> tuple[BaseRoute, ...]:
    """What every application of this process serves, worked out once: an endpoint finds the parts
    in the state of the application that was asked. FastAPI would work each out again for every
    application that includes it, at its first request, which costs that request 30 ms and more.
    """
    shared = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    for module in (
        admin_search,
        admin_doctor,
        admin_foresight,
        admin_drift,
        admin_orders,
        admin_decisions,
        admin_tickets,
        admin_inbox,
        admin_reveals,
        admin_setup,
        admin_alerts,
        sign_in,
        admin_desk,
        admin_replays,
        admin_retention,
        health,
    ):
        shared.include_router(module.router)
    shared.include_router(sign_in.back)
    shared.include_router(routes.router)
    return tuple(shared.router.routes)


def _serve(app: FastAPI, parts: Parts) -> None:
    """Give the endpoints their parts and open the doors, first, as they are asked most."""
    app.state.parts = parts
    app.state.background = Background(parts.wake)
    token = parts.settings.connectwise_callback_token.get_secret_value()
    room = app.state.room = Room()
    doors = Doors(
        room=room,
        store=parts.store,
        background=app.state.background,
        wall=parts.wall,
        commerce=CommerceDoor(parts.commerce_connection, parts.commerce_secrets),
        connectwise=CallbackDoor(parts.connectwise_connection, token, parts.check_callback),
    )
    ledgers = LedgerDoors(parts.store, app.state.background, parts.ledger_doors, room)
    app.router.routes[:0] = [*doors.routes(), *ledgers.routes()]


async def _drain(app: FastAPI) -> None:
    background: Background = app.state.background
    await background.drain()


def _quiet_collector() -> None:
    """What was imported lives as long as the process: the collector need not look at it."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
