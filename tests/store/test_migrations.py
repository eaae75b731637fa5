"""The schema: what the classes say is what the migrations make."""

from __future__ import annotations

import asyncio
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import asyncpg
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from app.store import migrate
from app.store.tables import metadata


async def _differences(url: str) -> list[Any]:
    engine = create_async_engine(
        "postgresql+asyncpg://", async_creator=lambda: asyncpg.connect(url), poolclass=NullPool
    )

    def compare(connection: Any) -> list[Any]:
        def whole(name: str | None, kind: str, _: Any) -> bool:
            return kind != "table" or not re.search(r"_(default|before|\d{4}_\d\d)$", name or "")

        options = {"compare_type": True, "compare_server_default": True, "include_name": whole}
        return list(
            compare_metadata(MigrationContext.configure(connection, opts=options), metadata)
        )

    async with engine.connect() as connection:
        found = await connection.run_sync(compare)
    await engine.dispose()
    return found


async def test_the_tables_are_what_the_migrations_make(database_url: str) -> None:
    assert await _differences(database_url) == []


def test_the_newest_file_is_the_head_of_the_one_line_of_revisions() -> None:
    script = ScriptDirectory(str(migrate.MIGRATIONS))
    assert script.get_heads() == [migrate.head()]
    assert [r.revision for r in script.walk_revisions()][-1] == "0001"


def test_two_starts_at_once_do_not_clash(empty_database_url: str) -> None:
    with ThreadPoolExecutor(3) as threads:
        for done in [threads.submit(migrate.upgrade, empty_database_url) for _ in range(3)]:
            done.result(timeout=50)
    migrate.upgrade(empty_database_url)

    async def look() -> tuple[bool, int]:
        pool = await asyncpg.create_pool(empty_database_url, min_size=1, max_size=1)
        try:
            tenants = await pool.fetchval("SELECT count(*) FROM tenant")
            return await migrate.at_head(pool), tenants
        finally:
            await pool.close()

    assert asyncio.run(look()) == (True, 1)


async def test_an_empty_database_has_no_revision(empty_database_url: str) -> None:
    connection = await asyncpg.connect(empty_database_url)
    try:
        assert await migrate.revision(connection) is None
        assert not await migrate.at_head(connection)
    finally:
        await connection.close()


def test_every_row_belongs_to_a_tenant() -> None:
    """Workers serve all tenants, the items of a replay belong to it, a database goes back whole."""
    without = {name for name, table in metadata.tables.items() if "tenant_id" not in table.c}
    assert without == {
        "tenant", "worker", "replay_item", "database_home", "restoration", "merge_try",
    }  # fmt: skip


def test_nothing_unique_and_no_key_rests_on_what_is_partitioned() -> None:
    for name in ("inbox_event", "journal_event", "call"):
        table = metadata.tables[name]
        assert not any(index.unique for index in table.indexes)
        assert not table.foreign_keys
        assert [column.name for column in table.primary_key] == ["id"]
        for other in metadata.tables.values():
            assert not any(key.column.table is table for key in other.foreign_keys)
