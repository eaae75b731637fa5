"""What is merged with care after a death, and what is no death: a session that a living worker lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from app.domain.errors import StoreUnavailable
from app.store import careful
from app.store.careful import DEADLY
from app.store.liveness import LIVENESS
from app.store.postgres import PostgresStore
from tests.store.build import delivery, plan, sales_order

LOCK_LOST = f"""
SELECT pg_terminate_backend(pid) FROM pg_locks
WHERE locktype = 'advisory' AND classid = {LIVENESS} AND objid = $1
  -- Other tests' databases on this server have workers of the same number.
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""  # noqa: S608 - constant text
FULL = """
CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'No space left on device' USING ERRCODE = '53100'; END $$;
CREATE TRIGGER full_disk BEFORE UPDATE ON inbox_event FOR EACH ROW EXECUTE FUNCTION full_disk();
"""


@pytest.fixture
async def sql(database_url: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


async def status(sql: Any) -> str:
    told: str = await sql.fetchval("SELECT status FROM inbox_event")
    return told


async def died(sql: Any, since: str) -> None:
    """A worker died over the delivery, that long ago."""
    number = await sql.fetchval("INSERT INTO worker DEFAULT VALUES RETURNING id")
    tried = "INSERT INTO merge_try SELECT id, $1, {} FROM inbox_event"
    await sql.execute(tried.format(since), number)


async def test_a_worker_that_lives_and_loses_its_session_again_and_again_is_no_death(
    postgres: PostgresStore, sql: Any
) -> None:
    await postgres.accept(delivery("one", sales_order("1200")))
    await sql.execute(FULL)
    for _ in range(DEADLY + 1):
        await sql.execute("INSERT INTO worker DEFAULT VALUES")  # somebody died: care is taken
        async with postgres.join() as me:
            with pytest.raises(StoreUnavailable):
                await postgres.merge(plan, 10)
            await sql.execute(LOCK_LOST, me.id)
            async with asyncio.timeout(5):
                while me.alive():
                    await asyncio.sleep(0.01)
    assert await sql.fetchval("SELECT count(*) FROM merge_try") == 1
    await sql.execute("DROP TRIGGER full_disk ON inbox_event")
    async with postgres.join():
        assert await postgres.merge(plan, 10) == 1
    assert await status(sql) == "merged"
    assert await sql.fetchval("SELECT count(*) FROM worker") == 0


async def test_a_delivery_that_three_workers_died_of_is_set_aside(
    postgres: PostgresStore, sql: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(careful, "BACK_WITHIN", 0.0)
    await postgres.accept(delivery("one", sales_order("1200")))
    for _ in range(DEADLY):
        await died(sql, "now()")
    async with postgres.join():
        assert await postgres.merge(plan, 10) == 1
    assert await status(sql) == "rejected"


async def test_what_was_tried_before_the_server_started_says_nothing(
    postgres: PostgresStore, sql: Any
) -> None:
    await postgres.accept(delivery("one", sales_order("1200")))
    for _ in range(DEADLY):
        await died(sql, "pg_postmaster_start_time() - interval '1 second'")
    async with postgres.join():
        assert await postgres.merge(plan, 10) == 1
    assert await status(sql) == "merged"


async def test_who_lost_its_session_just_now_gets_the_time_to_come_back(
    postgres: PostgresStore, sql: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await postgres.accept(delivery("one", sales_order("1200")))
    await died(sql, "now()")
    async with postgres.join():
        await postgres.accept(delivery("two", sales_order("1201")))
        # Neither it, nor together with it what came in later.
        assert await postgres.merge(plan, 10) == 0
        monkeypatch.setattr(careful, "BACK_WITHIN", 0.0)
        assert [await postgres.merge(plan, 10) for _ in range(3)] == [1, 1, 0]
    told = await sql.fetch("SELECT status FROM inbox_event ORDER BY id")
    assert [row["status"] for row in told] == ["merged", "merged"]
