"""What PostgreSQL does for each statement that a store really sends, told by the server itself.

Owns the listening: `auto_explain` reports the plan that was used, whichever it chose after how many
executions, with the rows that each part of it really read.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import pytest

from app.store import database
from app.store.postgres import PostgresStore

# How the server plans a statement that is kept: for the values of its first executions, or for any.
FOR_THESE, FOR_ANY = "force_custom_plan", "force_generic_plan"
_TOLD = {
    "session_preload_libraries": "auto_explain",
    "auto_explain.log_min_duration": "0",
    "auto_explain.log_analyze": "on",
    "auto_explain.log_timing": "off",
    "auto_explain.log_format": "json",
    "client_min_messages": "log",
}


@dataclass(frozen=True, slots=True)
class Read:
    """A part of a plan that read rows of a table, or sorted some; `rows` with those thrown away."""

    kind: str
    table: str
    rows: int


@dataclass
class Plans:
    """What the server told, a plan for each execution."""

    told: list[dict[str, Any]] = field(default_factory=list)
    anew: set[str] = field(default_factory=set)  # statements that are planned at each execution

    def hear(self, _: Any, message: Any) -> None:
        _, found, plan = str(message.message).partition("plan:\n")
        if found:
            self.told.append(json.loads(plan))

    def reads(self, planned: str) -> Iterator[tuple[str, Read]]:
        """Of all plans, the scans and sorts, each with its statement. A statement that is planned anew
        never has a plan for any values."""
        for plan in self.told:
            statement = plan["Query Text"]
            if planned == FOR_ANY and statement in self.anew:
                continue
            for read in _reads(plan["Plan"]):
                yield statement, read


def _rows(node: dict[str, Any], *names: str) -> int:
    """The server tells an average of the loops."""
    return round(sum(float(node.get(one, 0)) for one in names) * int(node.get("Actual Loops", 1)))


def _reads(node: dict[str, Any]) -> Iterator[Read]:
    kind: str = node["Node Type"]
    if "Relation Name" in node:
        told = ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Index Recheck")
        yield Read(kind, node["Relation Name"], _rows(node, *told))
    for child in node.get("Plans", ()):
        if "Sort" in kind:
            yield Read(kind, "", _rows(child, "Actual Rows"))
        yield from _reads(child)


@asynccontextmanager
async def listened_to(
    database_url: str, monkeypatch: pytest.MonkeyPatch, planned: str
) -> AsyncIterator[tuple[PostgresStore, Plans]]:
    """A store, and the plans of what it sends."""
    plans, settings, session = Plans(), database.connection_settings, database.Database.session
    told, prepare = {**_TOLD, "plan_cache_mode": planned}, asyncpg.Connection.prepare

    async def noted(self: Any, statement: str, **more: Any) -> Any:
        plans.anew.add(statement)
        return await prepare(self, statement, **more)

    @asynccontextmanager
    async def heard(self: database.Database) -> AsyncIterator[database.Session]:
        async with session(self) as connection:
            connection.add_log_listener(plans.hear)
            try:
                yield connection
            finally:
                connection.remove_log_listener(plans.hear)

    monkeypatch.setattr(database, "connection_settings", lambda name: settings(name) | told)
    monkeypatch.setattr(asyncpg.Connection, "prepare", noted)
    monkeypatch.setattr(database.Database, "session", heard)
    async with await PostgresStore.open(database_url) as store:
        yield store, plans
