"""The same days on PostgreSQL: real statements, locks and connections, under the same faults.

Owns what differs from the simulation in memory: time is real, but everything that tells it, the
loop and the database's own clock, goes faster; a death cuts the sockets of a host. What can be
repeated is the day and the draw of faults, not their order.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import selectors
import time
import traceback
from collections.abc import Awaitable, Callable, Mapping
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

import asyncpg

from app.connectors import remote
from app.domain.ports import Committed, Worker
from app.store.liveness import LIVENESS
from app.store.postgres import PostgresStore
from tests.simulation import premises
from tests.simulation.chaos import Limits
from tests.simulation.day import CALM, Day
from tests.simulation.loop import HOST, Host, outside
from tests.simulation.play import Run, course
from tests.simulation.premises import BEGIN
from tests.simulation.world import World

SPEED = 25.0
LONGEST = 60.0  # real seconds of a day: a hold is looked at again after 900 of its own

# Statements say now() without a schema, so one that is looked at before pg_catalog's rules.
_CLOCK = """
CREATE SCHEMA faster;
CREATE TABLE faster.began AS SELECT pg_catalog.clock_timestamp() AS at;
CREATE FUNCTION faster.shown(timestamptz) RETURNS timestamptz LANGUAGE sql STABLE AS
    $$ SELECT timestamptz '{begin}' + ($1 - timestamptz '{began}') * {speed} $$;
CREATE FUNCTION faster.now() RETURNS timestamptz LANGUAGE sql STABLE AS
    $$ SELECT faster.shown(pg_catalog.now()) $$;
CREATE FUNCTION faster.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS
    $$ SELECT faster.shown(pg_catalog.clock_timestamp()) $$;
"""
_END_SESSION = """
SELECT pg_terminate_backend(pid) FROM pg_locks
WHERE locktype = 'advisory' AND classid = $1 AND objid = $2
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


class _Faster(selectors.DefaultSelector):
    def select(self, timeout: float | None = None) -> Any:
        return super().select(timeout / SPEED if timeout and timeout > 0 else timeout)


@dataclass(eq=False)
class RealHost(Host):
    """Dies by losing its sockets and its tasks: what runs after that reaches nobody."""

    tasks: list[asyncio.Task[Any]] = field(default_factory=list)
    cuts: list[Callable[[], None]] = field(default_factory=list)

    def die(self) -> None:
        if self.dead:
            return
        super().die()
        for cut in self.cuts:
            cut()
        for task in self.tasks:
            task.cancel()


class RealLoop(asyncio.SelectorEventLoop):
    """asyncio's own loop, in which SPEED seconds go by in one."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        super().__init__(_Faster())
        self.halted: str | None = None
        self.course: asyncio.Task[None] | None = None
        self.set_task_factory(self._make)

    def time(self) -> float:
        return (time.monotonic() - self._began) * SPEED

    def _make(self, loop: asyncio.AbstractEventLoop, work: Any, **more: Any) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.Task(work, loop=loop, **more)
        context: Context = more.get("context") or copy_context()
        host = context.get(HOST)
        if isinstance(host, RealHost):
            host.tasks.append(task)
        return task

    def host(self, name: str) -> RealHost:
        return RealHost(name)

    def thaw(self, host: Host) -> None:
        host.frozen = False

    def halt(self, why: str) -> None:
        self.halted = self.halted or why
        if self.course is not None:
            self.course.cancel()


class Reached:
    """A store as one host reaches it: faults come before and after each of its calls."""

    def __init__(self, store: PostgresStore, world: RealWorld) -> None:
        self._store, self._fault, self._world = store, world.fault, world

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        if not inspect.iscoroutinefunction(found):
            return found

        async def asked(*given: Any, **named: Any) -> Any:
            await self._fault(f"{name}.before")
            answer = await found(*given, **named)
            if isinstance(answer, Committed) and answer.released:
                self._world.asked.hear(given[1])
            await self._fault(f"{name}.after")
            return answer

        return asked

    @contextlib.asynccontextmanager
    async def join(self) -> Any:
        await self._fault("join.before")
        async with self._store.join() as me:
            host = HOST.get()
            if host is not None:
                host.sessions.append(lambda: self._world.end_session(me))
            yield me


async def _quietly(work: Awaitable[Any]) -> None:
    with contextlib.suppress(Exception):
        await work


class RealWorld(World):
    """`home` is how the intake and who looks on reach the database."""

    home: PostgresStore
    url: str

    async def connect(self, url: str) -> None:
        self.url = url
        connection = await asyncpg.connect(url)
        began = await connection.fetchval("SELECT clock_timestamp()")
        passed = self.loop.time()
        begin = BEGIN.isoformat()
        await connection.execute(_CLOCK.format(begin=begin, began=began.isoformat(), speed=SPEED))
        name = await connection.fetchval("SELECT current_database()")
        path = "faster, pg_catalog, public"
        await connection.execute(f'ALTER DATABASE "{name}" SET search_path = {path}')
        await connection.close()
        assert passed < CALM
        self.home = await PostgresStore.open(url)
        self.store = Reached(self.home, self)  # type: ignore[assignment]

    async def store_of(self, host: Host) -> Any:
        store = await PostgresStore.open(self.url)
        assert isinstance(host, RealHost)
        host.cuts.append(store._db.pool.terminate)
        return Reached(store, self)

    def end_session(self, me: Worker) -> None:
        """The server ends a worker's session."""
        work = self.home._db.pool.execute(_END_SESSION, LIVENESS, me.id)
        self.loop.create_task(_quietly(work), context=outside())

    async def tables(self) -> Mapping[str, Mapping[Any, Mapping[str, Any]]]:
        async with self.home._db.session() as session:
            return {
                name: {row["id"]: dict(row) for row in await session.fetch(f"SELECT * FROM {name}")}  # noqa: S608
                for name in ("inbox_event", "orders")
            }

    async def fault(self, point: str) -> None:
        await self.chaos.fault(point)
        await self._running()

    async def _running(self) -> None:
        """Nothing of a host goes on while it is frozen."""
        host = HOST.get()
        while host is not None and host.frozen:
            await asyncio.sleep(0.05)

    def sends(self, where: str) -> int:
        self._sent += 1  # whose lease it is cannot be asked without waiting
        return self._sent


def play_for_real(day: Day, url: str) -> Run:
    """Play a day on the database at `url`, which is as migrations leave it."""
    loop = RealLoop()
    limits = Limits(frozenset({"jump"}))
    until = CALM * day.length
    found: list[str] = []
    ended: dict[str, Any] = {}
    world = RealWorld(loop, day.seed, day.scenario, limits, until, dict(day.settings))  # type: ignore[arg-type]

    async def whole() -> None:
        await world.connect(url)
        await course(world, day, found, ended, calm=False)

    asyncio.set_event_loop(loop)
    try:
        with patch.object(remote, "body_text", lambda *_, **__: None):
            loop.course = loop.create_task(whole())
            loop.run_until_complete(asyncio.wait_for(loop.course, LONGEST * SPEED))
        world.judge_writes()
        found += [f"rule {finding}" for finding in world.judge.end()]
    except asyncio.CancelledError:
        pass  # halted: the history ends at the write that was wrong
    except TimeoutError:
        found += [f"not in {LONGEST:.0f} s: {sentence}" for sentence in world.unsettled]
        found += ["not in time"]
    except Exception as error:  # noqa: BLE001 - whatever it is, it is this seed's
        found.append("".join(traceback.format_exception(error)))
    finally:
        found += [f"broken: {text}" for text in premises.broken]
        _end(loop, world)
    return Run(day, found + world.found, list(world.history), world.chaos.count, ended)


def _end(loop: RealLoop, world: RealWorld) -> None:
    for host in world.hosts.values():
        host.sessions.clear()
        host.frozen = False
        host.die()
    for _ in range(5):
        tasks = [task for task in asyncio.all_tasks(loop) if not task.done()]
        if not tasks:
            break
        for task in tasks:
            task.cancel()
        loop.run_until_complete(asyncio.wait(tasks, timeout=SPEED))
    if hasattr(world, "home"):
        world.home._db.pool.terminate()
    loop.run_until_complete(asyncio.sleep(0.1))
    asyncio.set_event_loop(None)
    loop.close()
