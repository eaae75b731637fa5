"""The queue's side of a wake-up: one arq job that says "look now".

Owns the connection to Redis for waking. Redis may be away: nothing is lost by it, because the
sweep finds what is due. Every wake has a job id of its own (measured: a repeated id is dropped).
"""

from __future__ import annotations

import asyncio
import contextlib

import msgpack
from arq.connections import ArqRedis, RedisSettings, create_pool
from redis.asyncio import Redis

from app.domain.ports import Clock, Ids
from app.telemetry import logger

JOB = "drain"
QUEUE = "demandlink:wake"
QUIET_SECONDS = 0.02
AWAY_SECONDS = 1.0
PING_SECONDS = 1.0
CLOSE_SECONDS = 2.0  # that the last wake may take when the process ends


def redis_settings(url: str) -> RedisSettings:
    """Settings that fail fast: a wake-up that comes late is worth nothing."""
    settings = RedisSettings.from_dsn(url)
    settings.conn_retries = 0
    settings.conn_timeout = 1
    return settings


async def answers(url: str) -> bool:
    """Whether Redis is there. Never raises."""
    client = Redis.from_url(url, socket_connect_timeout=PING_SECONDS, socket_timeout=PING_SECONDS)
    try:
        return bool(await client.ping())
    except Exception:  # noqa: BLE001 - whatever fails, the answer is that it is away
        return False
    finally:
        await client.aclose()


def pack(value: object) -> bytes:
    packed: bytes = msgpack.packb(value, use_bin_type=True)
    return packed


def unpack(data: bytes) -> dict[str, object]:
    value: dict[str, object] = msgpack.unpackb(data, raw=False)
    return value


class ArqWake:
    """Implements ports.Wake. Wakes within 20 ms of one another are one."""

    def __init__(self, url: str, clock: Clock, ids: Ids) -> None:
        self._url = url
        self._clock = clock
        self._ids = ids
        self._pool: ArqRedis | None = None
        self._last = float("-inf")
        self._away_until = float("-inf")
        self._pending: asyncio.Task[None] | None = None

    async def wake(self) -> None:
        if self._pending is not None and not self._pending.done():
            return
        self._pending = asyncio.create_task(self._soon())

    async def _soon(self) -> None:
        now = self._clock.monotonic()
        if now < self._away_until:
            return
        if now - self._last < QUIET_SECONDS:
            await self._clock.sleep(QUIET_SECONDS)
        self._last = self._clock.monotonic()
        try:
            if self._pool is None:
                self._pool = await create_pool(
                    redis_settings(self._url),
                    job_serializer=pack,
                    job_deserializer=unpack,
                    default_queue_name=QUEUE,
                )
            await self._pool.enqueue_job(JOB, _job_id=self._ids.token(), _expires=60)
        except Exception as error:  # noqa: BLE001 - the queue is dispensable
            # Any failure of the queue is one: the sweep takes over until it is back.
            self._away_until = self._clock.monotonic() + AWAY_SECONDS
            logger(__name__).info("queue_away", error=type(error).__name__)
            await self._disconnect()

    async def close(self) -> None:
        """Let the last wake go out first: a command that wakes may end right after."""
        pending, self._pending = self._pending, None
        if pending is not None:
            _, late = await asyncio.wait({pending}, timeout=CLOSE_SECONDS)
            for task in late:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
        await self._disconnect()

    async def _disconnect(self) -> None:
        pool, self._pool = self._pool, None
        if pool is not None:
            with contextlib.suppress(Exception):
                await pool.aclose()
