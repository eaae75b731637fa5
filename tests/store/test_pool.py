"""Connections of the pool are given back as they were, without asking the server to forget."""

from __future__ import annotations

import ast
import contextlib
from pathlib import Path
from typing import Any

from app.store.database import Database

STORE = Path(__file__).parents[2] / "app" / "store"
# What stays with a connection after its transaction.
STAYS = ("pg_advisory_lock(", "pg_try_advisory_lock(", "LISTEN ", "set_config(", "TEMP TABLE")
OUTSIDE = {"migrations", "memory"}  # a connection each for Alembic; no database


async def test_a_statement_costs_one_round_trip(database_url: str) -> None:
    database = await Database.open(database_url)
    seen: list[str] = []
    try:
        async with database.session() as session:
            session.add_query_logger(lambda record: seen.append(record.query))
            assert await session.fetchval("SELECT 1") == 1
        async with database.session() as session:
            await session.fetchval("SELECT 2")
    finally:
        await database.close()
    assert seen == ["SELECT 1", "SELECT 2"]


async def test_what_an_error_left_open_is_rolled_back(database_url: str) -> None:
    database = await Database.open(database_url, size=1)
    try:
        with contextlib.suppress(ZeroDivisionError):
            async with database.transaction() as session:
                first = await session.fetchval("SELECT pg_backend_pid()")
                await session.execute("SET LOCAL lock_timeout = '1ms'")
                await session.execute("SELECT pg_advisory_xact_lock(7)")
                raise ZeroDivisionError
        async with database.session() as session:
            told: Any = await session.fetchrow(
                "SELECT pg_backend_pid() AS pid, current_setting('lock_timeout') AS wait,"
                " (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
                " AND pid = pg_backend_pid()) AS locks"
            )
            assert not session.is_in_transaction()
    finally:
        await database.close()
    assert (told["pid"], told["locks"]) == (first, 0)
    assert told["wait"] != "1ms"


def _keeping(tree: ast.AST) -> list[int]:
    """Lines with a statement whose effect stays, but for those in a `dedicated` connection's block."""
    own = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.AsyncWith)
        and any("dedicated(" in ast.unparse(one.context_expr) for one in node.items)
        for inner in ast.walk(node)
    }
    return [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in own
        if any(word in node.value for word in STAYS) or node.value.lstrip().startswith("SET ")
        if "SET LOCAL" not in node.value
    ]


def test_what_outlives_a_transaction_is_asked_of_dedicated_connections_only() -> None:
    found = {
        f"{path.relative_to(STORE)}:{line}"
        for path in STORE.rglob("*.py")
        if not OUTSIDE & set(path.parts) and path.name != "migrate.py"
        for line in _keeping(ast.parse(path.read_text()))
    }
    assert found == set()


def test_the_check_sees_a_lock_on_the_pool_and_leaves_a_dedicated_one_alone() -> None:
    pooled = "async def f():\n async with db.session() as s:\n  await s.execute({0})"
    alone = pooled.replace("session", "dedicated")
    lock = "'SELECT pg_try_advisory_lock(1)'"
    assert _keeping(ast.parse(pooled.format(lock))) == [3]
    assert _keeping(ast.parse(pooled.format("'SET lock_timeout = 5'"))) == [3]
    assert _keeping(ast.parse(pooled.format("'SET LOCAL lock_timeout = 5'"))) == []
    assert _keeping(ast.parse(alone.format(lock))) == []
