# ruff: noqa: S608 - names of our own tables
"""The way back: each revision is undone to what stood before it, or refused because rows would go."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import asyncpg
import pytest

from app.store import migrate, migrate_back
from app.store.partitions import GROWING
from tests.conftest import fresh_database
from tests.store.test_partitions import FILL

REVISIONS = sorted(file.name.partition("_")[0] for file in migrate.VERSIONS.glob("[0-9]*.py"))
TABLES = [growing.table for growing in GROWING.values()]
# Whatever a schema consists of. Partitions are months of today; the promise of 0012 names one.
_SHAPE = """
SELECT 'column', c.relname, concat_ws(' ', a.attname, format_type(a.atttypid, a.atttypmod),
    a.attnotnull, a.attidentity, pg_get_expr(d.adbin, d.adrelid))
FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0
LEFT JOIN pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
  AND NOT c.relispartition AND NOT a.attisdropped
UNION ALL SELECT 'index', c.relname, pg_get_indexdef(i.indexrelid)
FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indrelid
WHERE c.relnamespace = 'public'::regnamespace AND NOT c.relispartition
UNION ALL SELECT 'constraint', c.relname,
    concat_ws(' ', k.conname, pg_get_constraintdef(k.oid), k.convalidated)
FROM pg_constraint AS k JOIN pg_class AS c ON c.oid = k.conrelid
WHERE c.relnamespace = 'public'::regnamespace AND NOT c.relispartition
"""


async def _shape(url: str) -> list[tuple[str, str, str]]:
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch(_SHAPE)
    finally:
        await connection.close()
    return sorted(
        (row[0], row[1], re.sub(r"'\d{4}-\d\d-\d\d[^']*'", "A MONTH", row[2])) for row in rows
    )


def _up(url: str, to: str, patch: pytest.MonkeyPatch) -> None:
    from alembic import command

    whole = command.upgrade
    with patch.context() as here:
        here.setattr(migrate, "head", lambda: to)
        here.setattr("alembic.command.upgrade", lambda config, _: whole(config, to))
        migrate.upgrade(url)


@pytest.fixture
def another_url(servers: Any, administrator: Any, worker_number: int) -> Iterator[str]:
    yield from fresh_database(servers, administrator, worker_number)


def test_each_revision_goes_back_to_the_schema_before_it(
    empty_database_url: str, another_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _up(another_url, REVISIONS[0], monkeypatch)
    _up(empty_database_url, REVISIONS[0], monkeypatch)
    for before, revision in pairwise(REVISIONS):
        _up(empty_database_url, revision, monkeypatch)
        migrate_back.downgrade(empty_database_url, before)
        assert asyncio.run(_shape(empty_database_url)) == asyncio.run(_shape(another_url)), revision
        _up(another_url, revision, monkeypatch)
        _up(empty_database_url, revision, monkeypatch)
        assert asyncio.run(_shape(empty_database_url)) == asyncio.run(_shape(another_url)), revision


def test_down_and_up_again_keeps_every_row_and_every_number(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Across the partitions, with rows of a year, of the months ahead, and numbers of pruned rows."""

    async def fill() -> dict[str, list[Any]]:
        connection = await asyncpg.connect(empty_database_url)
        for statement in FILL.values():
            await connection.execute(statement)
        for growing in GROWING.values():
            ahead = f"UPDATE {growing.table} SET {growing.moment} = now() + interval '50 days'"
            await connection.execute(f"{ahead} WHERE id = 17")
            await connection.execute(f"DELETE FROM {growing.table} WHERE id > 5990")
        await connection.close()
        return await rows()

    async def rows() -> dict[str, list[Any]]:
        connection = await asyncpg.connect(empty_database_url)
        try:
            return {t: await connection.fetch(f"SELECT * FROM {t} ORDER BY id") for t in TABLES}
        finally:
            await connection.close()

    async def numbers() -> list[int]:
        """The numbers that the next row of each gets. It is not kept."""
        connection = await asyncpg.connect(empty_database_url)
        query = "SELECT nextval(pg_get_serial_sequence($1, 'id'))"
        try:
            return [await connection.fetchval(query, table) for table in TABLES]
        finally:
            await connection.close()

    async def months() -> list[str]:
        connection = await asyncpg.connect(empty_database_url)
        query = "SELECT inhrelid::regclass::text FROM pg_inherits JOIN pg_class ON oid = inhrelid"
        try:
            return [row[0] for row in await connection.fetch(f"{query} WHERE relkind = 'r'")]
        finally:
            await connection.close()

    _up(empty_database_url, "0013", monkeypatch)
    kept = asyncio.run(fill())
    for to in ("0012", "0011", "0010"):
        with monkeypatch.context() as patch:
            patch.setattr(migrate, "head", lambda: "0013")
            migrate_back.downgrade(empty_database_url, to)
        assert asyncio.run(rows()) == kept
        assert min(asyncio.run(numbers())) > 6000
        _up(empty_database_url, "0013", monkeypatch)
        assert asyncio.run(rows()) == kept
        assert min(asyncio.run(numbers())) > 6000
    migrate.upgrade(empty_database_url)
    found = asyncio.run(months())
    assert {f"{table}_before" for table in TABLES} <= set(found)
    with_room = [name for name in found if re.search(r"_\d{4}_\d\d$", name)]
    assert len(with_room) >= len(TABLES)  # months beyond those of the old table


FILLED = {
    "decision": "INSERT INTO decision (tenant_id, order_id, step, subject, code, choice, reason, actor)"
    " VALUES (1, 1, 's', 'o', 'C', 'x', 'r', 'a')",
    "restoration": "INSERT INTO restoration (actor, reason) VALUES ('a', 'r')",
}


@pytest.mark.parametrize(
    ("statement", "to", "stays", "named"),
    [
        (FILLED["restoration"], "0001", "0014", "the rows of restoration"),
        ("UPDATE connection SET resumed = 2", "0001", "0011", "what connection.resumed holds"),
        (
            "SET session_replication_role = replica; " + FILLED["decision"],
            "0003",
            "0004",
            "the rows of decision",
        ),
    ],
)
def test_what_would_be_lost_is_refused_by_name_and_stays(
    database_url: str, statement: str, to: str, stays: str, named: str
) -> None:
    async def run(query: str) -> Any:
        connection = await asyncpg.connect(database_url)
        try:
            await connection.execute(query)
            return await migrate.revision(connection)
        finally:
            await connection.close()

    asyncio.run(run(statement))
    with pytest.raises(migrate_back.WouldLose, match=f"revision {stays} stays: {named}"):
        migrate_back.downgrade(database_url, to)
    assert asyncio.run(run("SELECT 1")) == stays
    migrate.upgrade(database_url)
    assert asyncio.run(run("SELECT 1")) == migrate.head()


@pytest.mark.parametrize("to", ["0000", "9999", "base", ""])
def test_there_is_no_way_to_what_is_no_older_schema(database_url: str, to: str) -> None:
    with pytest.raises(LookupError, match="goes back from"):
        migrate_back.downgrade(database_url, to)
