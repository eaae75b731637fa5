"""Backup while the service works, and restore into an empty database, by the commands themselves."""

from __future__ import annotations

import asyncio
import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from app.embedded import backups
from app.store import migrate
from app.store.tables import metadata
from tests.e2e.harness import running
from tests.e2e.orders import Order
from tests.e2e.test_main_job import events_of

pytestmark = [pytest.mark.processes, pytest.mark.breadth]


def command(url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-m", "app.cli", *arguments, "--json"],
        env=kept | {"DATABASE_URL": url},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


async def contents(url: str) -> dict[str, Any]:
    connection = await asyncpg.connect(url)
    try:
        return {
            name: await connection.fetchval(
                f'SELECT json_agg(t ORDER BY t::text)::text FROM "{name}" AS t'  # noqa: S608 - ours
            )
            for name in metadata.tables
            if name != "worker"
        }
    finally:
        await connection.close()


async def at_rest(url: str) -> dict[str, Any]:
    """What stands once nothing moves: what a killed worker had handed to its group of commits, as the
    release of a lease, may still land."""
    async with asyncio.timeout(20):
        before, now = None, await contents(url)
        while now != before:
            await asyncio.sleep(0.3)
            before, now = now, await contents(url)
    return now


async def test_a_backup_is_restored_whole_and_the_order_goes_on(
    database_url: str, empty_database_url: str, redis_url: str, tmp_path: Path
) -> None:
    order = Order()
    *begun, last = events_of(order)
    file = tmp_path / "demandlink.dump"
    async with running(database_url, redis_url) as stack:
        for event in begun:
            await stack.deliver(event)
        await stack.until_state(order.number, "waiting")
        await stack.kill_worker()
        stood = await at_rest(database_url)
        made = command(database_url, "backup", str(file))
        assert made.returncode == 0, made.stderr
        assert json.loads(made.stdout)["bytes"] == file.stat().st_size > 0
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert command(database_url, "backup", str(file)).returncode == 2
        over = command(database_url, "restore", str(file))
        assert (over.returncode, "not empty" in over.stderr + over.stdout) == (3, True)
        back = command(empty_database_url, "restore", str(file))
        assert back.returncode == 0, back.stderr
        assert json.loads(back.stdout)["after"] == migrate.head()
        assert await contents(empty_database_url) == stood
        # The service goes on with the restored one, as if nothing had been.
        settings = stack.container.settings.model_copy(update={"database_url": empty_database_url})
        from app.bootstrap import opened

        async with opened(settings, migrated=False) as container:
            stack.container = container
            stack.client = _client(container)
            await stack.start_worker()
            await stack.deliver(last)
            await stack.until_state(order.number, "done")
            await stack.kill_worker()


def _client(container: Any) -> Any:
    import httpx

    from app.main import create_app

    transport = httpx.ASGITransport(app=create_app(container))
    return httpx.AsyncClient(transport=transport, base_url="http://service")


def test_what_cannot_be_backed_up_or_restored_says_why(tmp_path: Path) -> None:
    nowhere = "postgresql://demandlink@127.0.0.1:1/none"
    with pytest.raises(backups.BackupError, match="pg_dump failed"):
        backups.dump(nowhere, tmp_path / "file")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(backups.BackupError, match="There is no file"):
        backups.load(nowhere, tmp_path / "file")


def test_an_address_is_told_by_the_environment_only() -> None:
    told = backups._environment("postgresql://us%40er:p%2Fw@db:5433/name?sslmode=require")
    assert {name: value for name, value in told.items() if name.startswith("PG")} == {
        "PGHOST": "db",
        "PGPORT": "5433",
        "PGUSER": "us@er",
        "PGPASSWORD": "p/w",
        "PGDATABASE": "name",
        "PGSSLMODE": "require",
    }
