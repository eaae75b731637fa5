# ruff: noqa: S608 - the names come from the server's own catalogue
"""Databases for tests, each at head and as migrations leave it.

Making and dropping one costs 30 ms of processor time and hands its test a cold catalogue, emptying
one half a millisecond. So a worker keeps what it made, and gives it to the next test as good as
new. One whose schema or settings a test changed is dropped instead.
"""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

import asyncpg

_T = TypeVar("_T")
Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

_TABLES = """
SELECT relname FROM pg_class
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY relname
"""
_SEQUENCES = "SELECT sequencename FROM pg_sequences WHERE schemaname = 'public'"
# Whatever a statement of a schema leaves: relations, columns, constraints, functions, triggers,
# and the settings of this database.
_SHAPE = """
SELECT concat_ws(' ',
    (SELECT count(*) FROM pg_class), (SELECT max(oid::bigint) FROM pg_class),
    (SELECT count(*) FROM pg_attribute), (SELECT max(oid::bigint) FROM pg_constraint),
    (SELECT max(oid::bigint) FROM pg_proc), (SELECT max(oid::bigint) FROM pg_trigger),
    (SELECT count(*) FROM pg_db_role_setting AS s JOIN pg_database AS d ON d.oid = s.setdatabase
     WHERE d.datname = current_database()))
"""
_END_SESSIONS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
_SESSIONS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


class Administrator:
    """A connection for CREATE and DROP DATABASE, on a loop in a thread of its own."""

    def __init__(self, url: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._connection: Connection = self.wait(asyncpg.connect(url))

    def wait(self, work: Coroutine[Any, Any, _T]) -> _T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=60)

    def run(self, statement: str) -> None:
        self.wait(self._connection.execute(statement))

    def knows(self, database: str) -> bool:
        query = "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)"
        return bool(self.wait(self._connection.fetchval(query, database)))

    def close(self) -> None:
        self.wait(self._connection.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@dataclass
class Kept:
    """A database that will be used again, with how to make it new."""

    name: str
    connection: Connection
    shape: str
    renewal: str

    @classmethod
    async def open(cls, url: str, name: str) -> Kept:
        connection = await asyncpg.connect(url)
        tables = [row[0] for row in await connection.fetch(_TABLES)]
        # Without triggers and foreign keys, so in any order.
        renewal = ["SET session_replication_role = replica"]
        renewal += [f'DELETE FROM "{table}"' for table in tables]
        for table in tables:
            rows = await connection.fetchval(f'SELECT json_agg(t)::text FROM "{table}" AS t')
            if rows is not None:
                renewal.append(
                    f'INSERT INTO "{table}" OVERRIDING SYSTEM VALUE'
                    f' SELECT * FROM json_populate_recordset(NULL::"{table}", {_quoted(rows)})'
                )
        for (sequence,) in await connection.fetch(_SEQUENCES):
            last = await connection.fetchrow(f'SELECT last_value, is_called FROM "{sequence}"')
            assert last is not None
            renewal.append(f"SELECT setval('\"{sequence}\"', {last[0]}, {last[1]})")
        shape = await connection.fetchval(_SHAPE)
        return cls(name, connection, shape, ";".join(renewal))

    async def renew(self) -> bool:
        """Make it as it was. False: a test changed more than rows."""
        await self.connection.fetch(_END_SESSIONS)
        while await self.connection.fetchval(_SESSIONS):
            await asyncio.sleep(0.001)
        if await self.connection.fetchval(_SHAPE) != self.shape:
            return False
        await self.connection.execute(self.renewal)
        return True


class Databases:
    """The databases of one worker of the run."""

    def __init__(self, administrator: Administrator, url: str, template: str, worker: int) -> None:
        self._administrator = administrator
        self._url = url
        self._template = template
        self._worker = worker
        self._numbers = itertools.count()
        self._free: list[Kept] = []

    def take(self) -> Kept:
        if self._free:
            return self._free.pop()
        name = f"test_{self._worker}_{next(self._numbers)}"
        create(self._administrator, name, self._template)
        return self._administrator.wait(Kept.open(in_database(self._url, name), name))

    def give_back(self, kept: Kept) -> None:
        if self._administrator.wait(kept.renew()):
            self._free.append(kept)
        else:
            self._administrator.wait(kept.connection.close())
            drop(self._administrator, kept.name)

    def close(self) -> None:
        for kept in self._free:
            self._administrator.wait(kept.connection.close())


def create(administrator: Administrator, name: str, template: str) -> None:
    # Copying files takes 9 ms here, writing the copy ahead (the default) 22 to 64.
    administrator.run(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")


def drop(administrator: Administrator, name: str) -> None:
    administrator.run(f"DROP DATABASE {name} WITH (FORCE)")


def in_database(url: str, name: str) -> str:
    return f"{url.rpartition('/')[0]}/{name}"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
