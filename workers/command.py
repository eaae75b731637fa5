"""The command `worker`: one worker process, from the settings to its last release.

Owns nothing but the start: it opens the parts, keeps the callbacks registered and hands over to
the supervisor. Must not load the web framework.
"""

from __future__ import annotations

import asyncio
import json
from typing import Annotated

import typer

from app.settings import Settings


def worker(
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the worker's name as JSON.")
    ] = False,
) -> None:
    """Run a worker until SIGTERM or Ctrl-C; orders under way come to their next release first."""
    asyncio.run(_work(Settings(), as_json=as_json))


async def _work(settings: Settings, *, as_json: bool) -> None:
    # Here, because these load everything there is, and every command registers this one.
    from app.bootstrap import opened
    from workers.supervisor import run

    async with opened(settings, patience=settings.database_wait_seconds) as parts:
        name = parts.ids.token()[:8]
        typer.echo(json.dumps({"worker": name}) if as_json else f"Worker {name}.")
        if settings.metrics_port:
            _answer(settings.metrics_port)
        await parts.keep_callbacks()
        await run(parts.worker(), parts.redis_url, parts.clock, name)


def _answer(port: int) -> None:
    """Answer Prometheus on a port. Raises NotConfigured for one that is taken."""
    from app.bootstrap import NotConfigured
    from app.telemetry import metrics

    try:
        metrics.serve(port)
    except OSError as error:
        raise NotConfigured(
            f"The worker cannot answer Prometheus on METRICS_PORT {port}: "
            f"{error.strerror or error}. Set a port that is free, one for each worker of a host."
        ) from error


def register(app: typer.Typer) -> None:
    """Adds the command to a command line."""
    app.command("worker")(worker)
