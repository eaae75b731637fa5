"""An app over the real store, with the clock of the signatures in the test's hand."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from app.api.examples import examples
from app.bootstrap import defaults_of, scenarios
from app.bootstrap.chosen import periods_of
from app.domain.budgets import Use
from app.domain.scenario import Scenario
from app.main import create_app
from app.settings import Settings
from app.store.postgres import PostgresStore
from app.sync import inbox
from app.sync.alerts import AlertPace, Alerts
from app.sync.decisions import Decisions
from app.sync.desk import Desk
from app.sync.drift import Comparison
from app.sync.engine import Engine
from app.sync.explain import explainer
from app.sync.findings import Findings
from app.sync.foresight import Foresight
from app.sync.keys import Sessions
from app.sync.operations import Operations
from app.sync.record_pages import RecordPages
from app.sync.replays import Replays
from app.sync.retention import Retention
from app.sync.reveals import Reveals
from app.sync.upkeep import Upkeep
from app.system import NoCheckpoints, SystemChance, SystemClock, UuidIds
from tests.api.doors import ADMIN_KEY, TestParts, client_of, post

PAGES = RecordPages.of(
    "https://cw.example/v4_6_release/apis/3.0", "training", Settings().connectwise_record_types
)


@cache
def known_scenarios() -> dict[str, Scenario]:
    """The shipped ones, read once for all services of a process."""
    return scenarios()


@dataclass
class Service:
    """The app, its parts and two clients: one with the admin key, one without any."""

    app: FastAPI
    parts: TestParts
    store: PostgresStore
    admin: httpx.AsyncClient
    client: httpx.AsyncClient
    database_url: str

    async def tell(self, *names: str) -> None:
        """Deliver published examples and merge them, as a worker would."""
        for name in names:
            body = examples()[name]
            answer = await post(self.client, body, webhook_id=f"msg_{name.replace(' ', '_')}")
            assert answer.status_code == 202, answer.text
        await self.merge()

    async def merge(self) -> None:
        while await self.store.merge(inbox.plan, 100):
            pass

    async def query(self, statement: str, *values: Any) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(self.database_url)
        try:
            rows: list[asyncpg.Record] = await connection.fetch(statement, *values)
            return rows
        finally:
            await connection.close()

    async def key(self, name: str, scopes: list[str], tenant: int = 1) -> dict[str, str]:
        """The headers of a new stored key."""
        secret = f"key of {name}"
        await self.query(
            "INSERT INTO api_key (tenant_id, name, digest, scopes) VALUES ($1, $2, $3, $4)",
            tenant,
            name,
            hashlib.sha256(secret.encode()).digest(),
            scopes,
        )
        return {"authorization": f"Bearer {secret}"}


async def uncounted(_: object) -> Use:
    return Use()


@pytest.fixture
async def service(database_url: str) -> AsyncIterator[Service]:
    store = await PostgresStore.open(database_url)
    admin_store = store
    parts = TestParts(store, admin_store)
    cw: Any = None  # explaining and planning call nobody
    engine = Engine(
        store=store,
        cw=cw,
        clock=SystemClock(),
        chance=SystemChance(),
        checkpoints=NoCheckpoints(),
        scenarios=known_scenarios(),
        defaults=defaults_of(parts.settings),
    )
    parts.operations = Operations(
        store=store,
        admin=store,
        wake=parts.wake,
        explain=explainer(engine, PAGES),
        settings=parts.settings,
        scenarios=known_scenarios(),
        used=uncounted,
    )
    parts.decisions = Decisions(
        store=store,
        admin=store,
        operations=parts.operations,
        plan=engine.plan,
        pin=engine.present_pin,
        forbidden=engine.forbidden_pin,
    )
    parts.upkeep = Upkeep(store=store, kept=store, operations=parts.operations, ids=parts.ids)
    parts.reveals = Reveals(
        operations=parts.operations, admin=store, opened=None, sealing=parts.settings.calls_sealed
    )
    parts.foresight = Foresight(
        engine=engine, store=store, admin=store, operations=parts.operations
    )
    parts.replays = Replays(
        store=store, admin=store, operations=parts.operations, ids=parts.ids,
        again=parts.foresight.again,
    )  # fmt: skip
    parts.alerts = Alerts(
        store=store, kept=store, places=(), clock=SystemClock(), pace=AlertPace(), tenant_id=1
    )
    parts.desk = Desk(store=store, admin=store, replays=parts.replays)
    parts.sessions = Sessions(store=store, admin=store, ids=UuidIds(), first=ADMIN_KEY, tenant_id=1)
    parts.clock = SystemClock()
    parts.retention = Retention(
        store=store, admin=store, clock=SystemClock(), defaults=periods_of(parts.settings),
        tenant_id=1,
    )  # fmt: skip
    compare = Comparison(store, cw, None, engine.plan)
    parts.findings = Findings(
        store=store, admin=store, kept=store, compare=compare, clock=SystemClock(),
        operations=parts.operations, calls_a_minute=60,
    )  # fmt: skip
    app = create_app(parts)
    admin = client_of(app, authorization=f"Bearer {ADMIN_KEY}")
    async with admin, client_of(app) as client:
        yield Service(app, parts, store, admin, client, database_url)
        await app.state.background.drain()
    await store.close()
