# ruff: noqa: S608 - names of our own tables
"""Partitions on PostgreSQL: a table full of rows becomes one, months come and go, reads are indexed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import asyncpg
import pytest

from app.domain.errors import StoreUnavailable
from app.domain.ports import Worker
from app.domain.retention import Kept, Period
from app.store import claiming, desk, lists, merge_sql, merging, migrate, partitions
from app.store.partitions import GROWING
from app.store.postgres import PostgresStore
from benchmarks.filling import past_months
from tests.store.build import TENANT, claim_one, deliver, entry, sales_order, writes
from tests.store.test_retention import told, with_story

TABLES = [growing.table for growing in GROWING.values()]
FILL = {
    "journal_event": """INSERT INTO journal_event (tenant_id, order_id, at, code, sentence, actor)
        SELECT 1, n % 500, now() - n * interval '1 hour', 'C', 'S', 'service'
        FROM generate_series(1, 6000) AS n""",
    "call": """INSERT INTO call (tenant_id, order_id, at, system, method, path, query, milliseconds,
        purpose) SELECT 1, n % 500, now() - n * interval '1 hour', 'connectwise', 'GET', '/x', '',
        1, 'step' FROM generate_series(1, 6000) AS n""",
    "inbox_event": """INSERT INTO inbox_event (tenant_id, connection_id, source, external_id,
        event_type, body, body_hash, status, received_at) SELECT 1, 1, 'commerce', 'm' || n, 't',
        '', '', 'merged', now() - n * interval '1 hour' FROM generate_series(1, 6000) AS n""",
}


@pytest.fixture
async def session(database_url: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(database_url, server_settings={"timezone": "UTC"})
    yield connection
    await connection.close()


@pytest.fixture
def at_0010(empty_database_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A database as the version before partitions left it."""
    with monkeypatch.context() as patch:
        patch.setattr(migrate, "head", lambda: "0010")
        patch.setattr("alembic.command.upgrade", _only_to("0010"))
        migrate.upgrade(empty_database_url)
    return empty_database_url


def _only_to(revision: str) -> Any:
    from alembic import command

    whole = command.upgrade
    return lambda config, _: whole(config, revision)


@pytest.mark.breadth
async def test_a_table_full_of_rows_is_divided_while_it_is_written(at_0010: str) -> None:
    """Nothing is lost, numbers go on, and statements that were prepared before go on working."""
    connection = await asyncpg.connect(at_0010)
    for statement in FILL.values():
        await connection.execute(statement)
    kept = {t: await connection.fetch(f"SELECT * FROM {t} ORDER BY id") for t in TABLES}
    writer = await asyncpg.connect(at_0010)
    insert = await writer.prepare(
        "INSERT INTO journal_event (tenant_id, order_id, code, sentence, actor)"
        " VALUES (1, 7, 'LIVE', 'S', 'service') RETURNING id"
    )
    ended = asyncio.Event()
    written: list[int] = []

    async def write() -> None:
        while not ended.is_set():
            written.append(await insert.fetchval())
            await asyncio.sleep(0.002)

    writing = asyncio.create_task(write())
    await asyncio.to_thread(migrate.upgrade, at_0010)
    await asyncio.sleep(0.05)
    ended.set()
    await writing
    for table in TABLES:
        rows = await connection.fetch(f"SELECT * FROM {table} ORDER BY id")
        # A column that a later revision added is empty.
        there = [{name: row[name] for name in kept[table][0].keys()} for row in rows]  # noqa: SIM118 - a Record iterates over values
        assert there[: len(kept[table])] == [dict(row) for row in kept[table]]
    assert written == sorted(set(written))
    live = "SELECT id FROM journal_event WHERE code = 'LIVE' ORDER BY id"
    assert [row["id"] for row in await connection.fetch(live)] == written
    names = [name for name, _ in await partitions.parts(connection, "call")]
    assert names[0] == "call_before"
    assert names[-1] == "call_default"
    await writer.close()
    await connection.close()


@pytest.mark.breadth
async def test_a_migration_gives_way_to_who_holds_a_table_and_goes_on_after(
    at_0010: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrate, "LOCK_SECONDS", 0.1)
    monkeypatch.setattr(migrate, "PAUSE_SECONDS", 0.1)
    holder = await asyncpg.connect(at_0010)
    held = holder.transaction()
    await held.start()
    await holder.execute("LOCK TABLE call IN ACCESS SHARE MODE")
    monkeypatch.setattr(migrate, "TRIES", 3)
    with pytest.raises(StoreUnavailable, match="long transactions"):
        await asyncio.to_thread(migrate.upgrade, at_0010)
    monkeypatch.setattr(migrate, "TRIES", 100)
    again = asyncio.create_task(asyncio.to_thread(migrate.upgrade, at_0010))
    await asyncio.sleep(0.5)
    assert not again.done()
    # Whoever writes meanwhile waits for a moment only.
    async with asyncio.timeout(2):
        writer = await asyncpg.connect(at_0010)
        await writer.execute(FILL["call"])
        await writer.close()
    await held.rollback()
    await again
    assert await migrate.revision(holder) == migrate.head()
    await holder.close()


@pytest.mark.breadth
async def test_a_database_that_is_ahead_is_left_alone(
    database_url: str, session: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await session.execute("UPDATE alembic_version SET version_num = '9999'")
    assert await migrate.at_head(session)
    await asyncio.to_thread(migrate.upgrade, database_url)
    assert await migrate.revision(session) == "9999"
    await session.execute("UPDATE alembic_version SET version_num = $1", migrate.head())


@pytest.mark.breadth
async def test_the_months_ahead_have_room_and_no_row_is_ever_refused(
    postgres: PostgresStore, session: Any
) -> None:
    for table in TABLES:
        *months, default = await partitions.parts(session, table)
        assert default == (f"{table}_default", None)
        assert len(months) == partitions.AHEAD + 1
    assert await postgres.make_room() == []
    newest = (await partitions.parts(session, "call"))[-2][0]
    await session.execute(f"DROP TABLE {newest}")
    assert await postgres.make_room() == [newest]
    # A month that began in the default partition stays there, and the next have room again.
    for name, _ in (await partitions.parts(session, "call"))[:-1]:
        await session.execute(f"DROP TABLE {name}")
    await session.execute(FILL["call"])
    await session.execute("UPDATE call SET at = now()")
    assert len(await postgres.make_room()) == partitions.AHEAD


async def test_a_month_is_dropped_whole_and_what_is_open_moves(
    postgres: PostgresStore, session: Any
) -> None:
    async with postgres.join() as worker:
        shut = await with_story(postgres, worker, "1201", closed=True)
        opened = await with_story(postgres, worker, "1202", closed=False)
    before = await told(postgres, opened)
    for growing in GROWING.values():
        await session.execute(
            f"CREATE TABLE {growing.table}_2024_02 PARTITION OF {growing.table}"
            " FOR VALUES FROM ('2024-02-01 00:00:00+00') TO ('2024-03-01 00:00:00+00')"
        )
        await session.execute(
            f"UPDATE {growing.table} SET {growing.moment} = '2024-02-10 12:00+00'"
        )
    for kept, growing in GROWING.items():
        holding = await postgres.holding(Period(kept, 90))
        assert holding.of_open >= 1
        pruned = await postgres.prune(Period(kept, 90))
        assert pruned.rows == holding.outlived - holding.of_open >= 1
        names = [name for name, _ in await partitions.parts(session, growing.table)]
        assert f"{growing.table}_2024_02" not in names
        left = await session.fetchval(f"SELECT count(*) FROM {growing.table}_default")
        assert left == holding.of_open
        assert not await session.fetchval("SELECT to_regclass($1)", f"{growing.table}_2024_02")
    assert await told(postgres, shut) == (0, 0)
    assert await told(postgres, opened) == before


@pytest.mark.breadth
async def test_pruning_gives_way_to_who_reads(postgres: PostgresStore, session: Any) -> None:
    await session.execute(
        "CREATE TABLE call_2024_02 PARTITION OF call"
        " FOR VALUES FROM ('2024-02-01 00:00:00+00') TO ('2024-03-01 00:00:00+00')"
    )
    async with session.transaction():
        await session.execute("LOCK TABLE call IN ACCESS SHARE MODE")
        assert (await postgres.prune(Period(Kept.CALLS, 90))).busy
    assert not (await postgres.prune(Period(Kept.CALLS, 90))).busy
    assert "call_2024_02" not in dict(await partitions.parts(session, "call"))


@pytest.mark.breadth
async def test_a_user_who_owns_nothing_takes_deliveries_and_cannot_make_room(
    postgres: PostgresStore, worker: Worker, session: Any
) -> None:
    """Then `demandlink migrate`, which the owner runs, makes it; and no insert fails meanwhile."""
    await deliver(postgres, "all", sales_order())
    for name, _ in (await partitions.parts(session, "journal_event"))[:-1]:
        await session.execute(f"DROP TABLE {name}")
    claim = await claim_one(postgres, worker)
    await postgres.commit(writes(claim, journal=[entry()]), None)
    assert await session.fetchval("SELECT count(*) FROM journal_event_default") >= 1
    await session.execute("CREATE ROLE nobody_of_tables")
    try:
        await session.execute("GRANT USAGE ON SCHEMA public TO nobody_of_tables")
        await session.execute("SET ROLE nobody_of_tables")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await partitions.make_room(session)
    finally:
        await session.execute("RESET ROLE")
        await session.execute("REVOKE USAGE ON SCHEMA public FROM nobody_of_tables")
        await session.execute("DROP ROLE nobody_of_tables")


READS: dict[str, tuple[str, tuple[Any, ...]]] = {
    "journal": (lists._JOURNAL, (7, 0, 51)),
    "calls": (lists._CALLS, (7, 0, 51)),
    "events": (lists._EVENTS, (TENANT, 2**62, 51, None, [1, 2], None, None)),
    "events of a source": (lists._EVENTS, (TENANT, 2**62, 51, None, None, "commerce", "merged")),
    "event": (lists._EVENT, (TENANT, 3000)),
    "order's mark": (desk._ORDER_MARK, (7,)),
    "mark": (desk._MARK, ()),
    "taking": (merging._TAKE, (100,)),
    "one": (merging._TAKE_ONE, (3000,)),
    "hints": (merging._HINTS, (10, 60.0, [TENANT], 4)),
    "next": (claiming._NEXT, ()),
    "settling": (
        merge_sql._SETTLE,
        ([3000], ["merged"], [None], [None], [None], ["[]"]),
    ),
}


async def test_every_read_of_a_year_of_rows_is_by_an_index(database_url: str) -> None:
    """Pages of the console, the journal and the calls of an order, and what workers ask."""
    connection = await asyncpg.connect(database_url, server_settings={"timezone": "UTC"})
    await past_months(connection)
    for table in TABLES:
        await connection.execute(FILL[table])
        await connection.execute(f"ANALYZE {table}")
    try:
        for name, (statement, given) in READS.items():
            plan = json.loads(await _explained(connection, statement, given))
            scanned = {
                node["Relation Name"]
                for node in _nodes(plan[0]["Plan"])
                if node["Node Type"] == "Seq Scan" and node["Plan Rows"] > 100
            }
            assert not {one for one in scanned if one.startswith(tuple(TABLES))}, name
    finally:
        await connection.close()


async def _explained(connection: Any, statement: str, given: tuple[Any, ...]) -> str:
    async with connection.transaction():
        return str(await connection.fetchval(f"EXPLAIN (FORMAT JSON) {statement}", *given))


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from _nodes(child)


@pytest.mark.breadth
async def test_an_index_of_every_month_is_built_and_goes_on_where_it_was_broken_off(
    database_url: str, session: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """0028: also of a month that was made since, and after it stopped between two months."""
    from app.store import migrate_back

    index = "inbox_event_of_source"
    of_months = (
        "SELECT c.relname, i.indisvalid FROM pg_inherits AS h"
        " JOIN pg_class AS c ON c.oid = h.inhrelid JOIN pg_index AS i ON i.indexrelid = c.oid"
        f" WHERE h.inhparent = '{index}'::regclass"
    )
    whole = f"SELECT indisvalid FROM pg_index WHERE indexrelid = '{index}'::regclass"
    await session.execute(FILL["inbox_event"])
    await asyncio.to_thread(migrate_back.downgrade, database_url, "0027")
    # As it stands where the server went away between two months, in the midst of an index.
    (first, *_) = await partitions.parts(session, "inbox_event")
    await session.execute(
        f"CREATE INDEX {index} ON ONLY inbox_event (tenant_id, source, status, id)"
    )
    await session.execute(f"CREATE INDEX {first[0]}_of_source ON {first[0]} (id)")
    assert not await session.fetchval(whole)
    await asyncio.to_thread(migrate.upgrade, database_url)
    parts = [name for name, _ in await partitions.parts(session, "inbox_event")]
    assert await session.fetchval(whole)
    built = await session.fetch(of_months)
    assert all(row["indisvalid"] for row in built)
    assert len(built) == len(parts)
    newest = parts[-2]
    await session.execute(f"DROP TABLE {newest}")
    await asyncio.to_thread(migrate.upgrade, database_url)
    assert len(await session.fetch(of_months)) == len(parts)
