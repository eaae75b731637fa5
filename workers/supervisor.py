"""Runs the worker beside arq and keeps going when Redis goes.

Owns the process's life: arq exits within a moment when Redis is away (measured), so it is started
again with backoff, while the sweep goes on working from PostgreSQL.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from typing import Any

from arq.worker import Worker as ArqWorker
from arq.worker import func

from app.domain.ports import Clock
from app.sync.wake import QUEUE, pack, redis_settings, unpack
from app.sync.worker import Worker
from app.telemetry import logger
from workers.jobs import drain

POLL_SECONDS = 0.05
STOOD = 10.0  # seconds after which a connection that ends is a new absence
FIRST_BACKOFF = 0.2
# The queue is listened to again this soon after Redis is back; until then the sweep finds the work.
LONGEST_BACKOFF = 1.0


async def run(worker: Worker, redis_url: str, clock: Clock, name: str) -> None:
    """Work until SIGTERM or SIGINT; orders under way come to their next release first."""
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError, RuntimeError):
            loop.add_signal_handler(signum, worker.stop)
    queue = asyncio.create_task(keep_queue(worker, redis_url, clock, name))
    try:
        await worker.run()
    finally:
        queue.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await queue


async def keep_queue(worker: Worker, redis_url: str, clock: Clock, name: str) -> None:
    """Listen to the queue for ever, reconnecting with backoff."""
    wait = FIRST_BACKOFF
    while True:
        started = clock.monotonic()
        try:
            await _listen(worker, redis_url, name)
        except asyncio.CancelledError:
            raise
        except (Exception, SystemExit) as error:  # noqa: BLE001 - the queue is dispensable
            if wait < LONGEST_BACKOFF:  # a long absence is told at its beginning
                logger(__name__).info("queue_away", error=type(error).__name__)
        lasted = clock.monotonic() - started > STOOD
        wait = FIRST_BACKOFF if lasted else min(wait * 2, LONGEST_BACKOFF)
        await clock.sleep(wait)


async def _listen(worker: Worker, redis_url: str, name: str) -> None:
    ctx: dict[Any, Any] = {"demandlink": worker}
    arq = ArqWorker(
        functions=[func(drain, name="drain", keep_result=0, timeout=30, max_tries=1)],
        queue_name=QUEUE,
        redis_settings=redis_settings(redis_url),
        handle_signals=False,
        poll_delay=POLL_SECONDS,
        max_jobs=50,
        job_serializer=pack,
        job_deserializer=unpack,
        health_check_key=f"{QUEUE}:health:{name}",
        health_check_interval=5,
        ctx=ctx,
    )
    try:
        await arq.async_run()
    finally:
        with contextlib.suppress(Exception):
            await arq.close()
        with contextlib.suppress(Exception):
            # arq gives up closing when Redis is away, and would leave its connections open.
            await arq.pool.aclose(close_connection_pool=True)
