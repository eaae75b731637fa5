"""An upgrade while the service works: the release before goes on, and the two work together.

The release before is the commit that `deploy/previous-release` names, taken out of the repository.
Both are real processes on one database and one queue; the observer judges what they write.
"""

from __future__ import annotations

import asyncio
import io
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path

import asyncpg
import httpx
import pytest

from app.store import migrate
from tests.e2e.harness import Stack, running
from tests.e2e.orders import MONITOR, Order
from tests.e2e.test_kill import environment

pytestmark = [pytest.mark.processes, pytest.mark.breadth, pytest.mark.timeout(150)]

ROOT = Path(__file__).parents[2]
NEW = ROOT


@cache
def _archive() -> bytes:
    """The release before as tar. Skips where the checkout does not have it."""
    lines = (ROOT / "deploy/previous-release").read_text().splitlines()
    (commit,) = [line for line in lines if line and not line.startswith("#")]
    known = subprocess.run(
        ["git", "merge-base", "--is-ancestor", commit, "HEAD"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if known.returncode:
        pytest.skip(f"this checkout does not have the history back to {commit[:12]}")
    return subprocess.run(
        ["git", "archive", commit, "app", "workers", "sandbox"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A directory with the code of the release before."""
    with tarfile.open(fileobj=io.BytesIO(_archive())) as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path


@asynccontextmanager
async def process(
    code: Path, stack: Stack, *command: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A command of the service with the code of a directory; ended by SIGTERM, without an error."""
    given = environment(stack) | {"PYTHONPATH": str(code), "PORT": "0"}
    started = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "app.cli",
        *command,
        cwd=code,
        env=given,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield started
    finally:
        if started.returncode is None:
            started.terminate()
        async with asyncio.timeout(40):
            await started.communicate()
    assert started.returncode == 0


@asynccontextmanager
async def served(api: Path, worker: Path, stack: Stack) -> AsyncIterator[None]:
    """An API and a worker, each with the code of its directory, in place of the stack's own."""
    async with process(worker, stack, "worker"), process(api, stack, "serve", "--json") as serving:
        assert serving.stdout is not None
        async with asyncio.timeout(30):
            told = json.loads(await serving.stdout.readline())
        async with httpx.AsyncClient(base_url=told["url"], timeout=10) as client:
            own, stack.client = stack.client, client
            try:
                yield
            finally:
                stack.client = own


def orders(*ids: int) -> list[Order]:
    return [Order(id=n, opportunity=None, quote_id=None, lines=[(MONITOR, 10)]) for n in ids]


async def begin(stack: Stack, given: Sequence[Order]) -> None:
    """Approved and ordered, and a part of the goods received."""
    for order in given:
        for event in (order.approved(), order.ordered(order.id * 10, [(MONITOR, 10)])):
            assert (await stack.deliver(event))["status"] == 202
        assert (await stack.deliver(order.receipted(order.id * 10, {1: 4})))["status"] == 202


async def end(stack: Stack, given: Sequence[Order]) -> None:
    """The rest of the goods; every order ends as it should."""
    for order in given:
        assert (await stack.deliver(order.receipted(order.id * 10)))["status"] == 202
    for order in given:
        told = await stack.until_state(order.number, "done")
        assert [line["received"] for line in told["lines"]] == ["10"]


def old_schema(code: Path, url: str) -> None:
    """Bring a database to where the release before has it."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    subprocess.run(
        [sys.executable, "-m", "app.cli", "migrate"],
        cwd=code,
        env=kept | {"PYTHONPATH": str(code), "DATABASE_URL": url},
        check=True,
        capture_output=True,
        timeout=60,
    )


async def test_the_release_before_serves_while_the_database_is_migrated(
    old: Path, empty_database_url: str, redis_url: str
) -> None:
    """Orders are begun before it, come in while it runs, and end after it; none has to be mended."""
    await asyncio.to_thread(old_schema, old, empty_database_url)
    files = (old / "app/store/migrations/versions").glob("[0-9]*.py")
    before = await asyncpg.connect(empty_database_url)
    # The processes really have the old code.
    assert await migrate.revision(before) == max(file.name[:4] for file in files) < migrate.head()
    await before.close()
    async with running(empty_database_url, redis_url, worker=False) as stack:
        async with served(old, old, stack):
            early, late = orders(1201, 1202), orders(1203, 1204, 1205)
            await begin(stack, early)
            migrating = asyncio.create_task(asyncio.to_thread(migrate.upgrade, empty_database_url))
            await begin(stack, late)
            await migrating
            await end(stack, [*early, *late])
        connection = await asyncpg.connect(empty_database_url)
        assert await migrate.revision(connection) == migrate.head()
        rows = await connection.fetchval("SELECT count(*) FROM inbox_event WHERE status = 'merged'")
        assert rows == len(stack.accepted)
        await connection.close()


@pytest.mark.parametrize("new_part", ["api", "worker"])
async def test_one_release_apart_api_and_worker_bring_an_order_to_its_end(
    old: Path, database_url: str, redis_url: str, new_part: str
) -> None:
    """Begun by one pairing, ended by the other: what each wrote the other reads."""
    pairs = {"api": (NEW, old), "worker": (old, NEW)}
    first, second = pairs.pop(new_part), pairs.popitem()[1]
    async with running(database_url, redis_url, worker=False) as stack:
        given = orders(1201, 1202)
        async with served(*first, stack):
            await begin(stack, given)
            for order in given:
                await stack.until_state(order.number, "waiting")
        async with served(*second, stack):
            await end(stack, given)
