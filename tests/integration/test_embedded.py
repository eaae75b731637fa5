"""The embedded servers: they start, are shared, and come back after anything was killed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
import redis

from app import embedded
from app.embedded import keeper, lifecycle
from app.embedded.postgres import PostgresServer
from tests.servers import (
    alive,
    eventually,
    ping,
    query,
    start,
    start_postgres,
    start_valkey,
    wait_for_another,
    wait_until,
)

pytestmark = pytest.mark.processes

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

# An owner: starts the servers, says so on stdout, and then only waits to be ended.
OWNER = """
import json, signal, sys, time
from pathlib import Path
from app import embedded

# A job in the background inherits SIGINT as ignored; a person's terminal does not.
signal.signal(signal.SIGINT, signal.default_int_handler)
servers = embedded.start_sync(Path(sys.argv[1]), durable=False)
print(json.dumps([servers.database_url, servers.redis_url, servers.pids]), flush=True)
try:
    time.sleep(60)
finally:
    if sys.argv[2:] == ["lets go"]:
        servers.stop_sync()
"""


@contextlib.contextmanager
def an_owner(
    directory: Path, *arguments: str
) -> Iterator[tuple[subprocess.Popen[str], str, str, dict[str, int]]]:
    process = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(directory), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    with process.stdout:
        try:
            database, queue, pids = json.loads(process.stdout.readline())
            yield process, database, queue, pids
        finally:
            process.kill()
            process.wait()
            wait_until(lambda: not lifecycle.keeper_lives(directory / "postgres"))
            wait_until(lambda: not lifecycle.keeper_lives(directory / "redis"))


def test_both_servers_start_are_real_and_leave_no_process(tmp_path: Path):
    servers = embedded.start_sync(tmp_path / "data")
    with servers:
        assert servers.owner
        assert str(query(servers.database_url, "SELECT version()")).startswith("PostgreSQL")
        assert query(servers.database_url, "SHOW server_encoding") == "UTF8"
        assert query(servers.database_url, "SHOW timezone") == "UTC"
        assert query(servers.database_url, "SHOW fsync") == "on"
        assert ping(servers.redis_url)
        pids = servers.pids
        assert sorted(pids) == ["postgres", "redis"]
        assert all(alive(pid) for pid in pids.values())
    assert not any(alive(pid) for pid in pids.values())
    assert not lifecycle.keeper_lives(tmp_path / "data" / "postgres")
    servers.stop_sync()  # once more does no harm


@pytest.mark.breadth
async def test_they_start_and_stop_without_blocking_the_loop(tmp_path: Path):
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.005)
            ticks += 1

    ticking = asyncio.create_task(tick())
    async with await embedded.start(tmp_path, postgres=False) as servers:
        assert servers.database_url == ""
        assert servers.redis_url
    ticking.cancel()
    assert ticks > 3


def test_nobody_gets_in_without_the_password(tmp_path: Path):
    with start(tmp_path) as servers:
        user, _, rest = servers.database_url.partition("@")
        with pytest.raises(asyncpg.InvalidPasswordError):
            query(f"{user.rpartition(':')[0]}:guessed@{rest}", "SELECT 1")
        with pytest.raises(redis.AuthenticationError):
            ping(f"redis://{servers.redis_url.rpartition('@')[2]}")
        for secret in ("postgres/password", "redis/password", "redis/valkey.conf"):
            assert (tmp_path / secret).stat().st_mode & 0o077 == 0
        assert (tmp_path / "postgres" / "data").stat().st_mode & 0o077 == 0


@pytest.mark.breadth
def test_a_second_use_attaches_and_the_last_one_to_leave_stops_the_server(tmp_path: Path):
    first = start(tmp_path)
    second = start(tmp_path)
    assert not second.owner
    assert second.database_url == first.database_url
    assert second.redis_url == first.redis_url
    pids = second.pids
    first.stop_sync()
    assert query(second.database_url, "SELECT 1") == 1
    assert second.pids == pids
    second.stop_sync()
    assert not any(alive(pid) for pid in pids.values())


def test_two_checkouts_run_side_by_side(tmp_path: Path):
    with start(tmp_path / "one") as one, start(tmp_path / "two") as two:
        assert one.database_url != two.database_url
        query(one.database_url, "CREATE TABLE here ()", "SELECT 1")
        assert query(two.database_url, "SELECT to_regclass('here')") is None
        assert ping(one.redis_url)
        assert ping(two.redis_url)


def test_the_address_stays_and_data_is_kept_over_a_restart(tmp_path: Path):
    with start_postgres(tmp_path) as servers:
        url = servers.database_url
        query(url, "CREATE TABLE kept AS SELECT 42 AS n", "SELECT 1")
    with start_postgres(tmp_path) as servers:
        assert servers.database_url == url
        assert query(url, "SELECT n FROM kept") == 42


@pytest.mark.breadth
def test_a_port_taken_meanwhile_is_replaced_by_another(tmp_path: Path):
    with start_valkey(tmp_path) as servers:
        url = servers.redis_url
    port = int(url.rpartition(":")[2].partition("/")[0])
    with socket.socket() as stranger:
        stranger.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        stranger.bind(("127.0.0.1", port))
        stranger.listen()
        with start_valkey(tmp_path) as servers:
            assert servers.redis_url != url
            assert ping(servers.redis_url)


async def test_a_killed_postgres_comes_back_at_its_address_with_its_data(tmp_path: Path):
    async with await embedded.start(tmp_path, redis=False) as servers:
        session = await asyncpg.connect(servers.database_url)
        await session.execute("CREATE TABLE kept AS SELECT 42 AS n")
        pid = servers.pids["postgres"]
        os.kill(pid, signal.SIGKILL)
        await asyncio.to_thread(wait_until, session.is_closed)
        await asyncio.to_thread(wait_for_another, servers, "postgres", pid)
        kept = await asyncio.to_thread(
            eventually, lambda: query(servers.database_url, "SELECT n FROM kept")
        )
        assert kept == 42


@pytest.mark.breadth
def test_a_killed_valkey_comes_back_at_its_address(tmp_path: Path):
    with start_valkey(tmp_path) as servers:
        pid = servers.pids["redis"]
        os.kill(pid, signal.SIGKILL)
        wait_for_another(servers, "redis", pid)
        assert eventually(lambda: ping(servers.redis_url))


def test_servers_of_a_killed_owner_stop_by_themselves_and_start_again_with_data(tmp_path: Path):
    with an_owner(tmp_path) as (process, database, _queue, pids):
        query(database, "CREATE TABLE kept AS SELECT 42 AS n", "SELECT 1")
        process.kill()
        wait_until(lambda: not any(alive(pid) for pid in pids.values()))
    with start_postgres(tmp_path) as servers:
        assert servers.owner
        assert query(servers.database_url, "SELECT n FROM kept") == 42


@pytest.mark.breadth
def test_servers_outlive_a_killed_owner_while_another_process_uses_them(tmp_path: Path):
    with (
        an_owner(tmp_path) as (process, _database, _queue, pids),
        start(tmp_path) as servers,
    ):
        assert not servers.owner
        process.kill()
        process.wait()
        time.sleep(2 * keeper.LOOK_EVERY)
        assert servers.pids == pids
        assert query(servers.database_url, "SELECT 1") == 1


@pytest.mark.breadth
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("manner", ["lets go", "just ends"])
def test_no_server_is_left_when_its_owner_is_told_to_end(
    tmp_path: Path, number: signal.Signals, manner: str
):
    with an_owner(tmp_path, manner) as (process, _database, _queue, pids):
        process.send_signal(number)
        process.wait(10)
        wait_until(lambda: not any(alive(pid) for pid in pids.values()))


@linux_only
@pytest.mark.breadth
def test_a_server_whose_keeper_was_killed_stops_too(tmp_path: Path):
    with start_postgres(tmp_path) as servers:
        query(servers.database_url, "CREATE TABLE kept AS SELECT 42 AS n", "SELECT 1")
        state = keeper.read_state(tmp_path / "postgres")
        assert state is not None
        assert state.pid is not None
        assert state.keeper_pid is not None
        os.kill(state.keeper_pid, signal.SIGKILL)
        pid = state.pid
        wait_until(lambda: not alive(pid))
        with start_postgres(tmp_path) as again:
            assert again.owner
            assert query(again.database_url, "SELECT n FROM kept") == 42


@pytest.mark.breadth
def test_a_server_left_without_a_keeper_is_found_and_replaced(tmp_path: Path):
    with start_postgres(tmp_path) as servers:
        port = int(servers.database_url.rpartition(":")[2].partition("/")[0])
    # As a keeper would start it, but with nobody to stop it.
    spec = PostgresServer(tmp_path / "postgres", durable=False).spec(port)
    orphan = subprocess.Popen(keeper.launch_command(spec), stderr=subprocess.DEVNULL)
    eventually(lambda: query(servers.database_url, "SELECT 1"))
    with start_postgres(tmp_path) as again:
        assert orphan.wait(0.1) == 0
        assert again.owner
        assert query(again.database_url, "SELECT 1") == 1


@pytest.mark.breadth
def test_a_pid_file_whose_number_went_to_a_stranger_is_no_obstacle(tmp_path: Path):
    with start_postgres(tmp_path):
        pid_file = tmp_path / "postgres" / "data" / "postmaster.pid"
        lines = pid_file.read_text().split("\n")
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        pid_file.write_text("\n".join([str(stranger.pid), *lines[1:]]))
        with start_postgres(tmp_path) as servers:
            assert query(servers.database_url, "SELECT 1") == 1
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


@pytest.mark.breadth
def test_half_made_data_of_a_killed_first_start_is_made_again(tmp_path: Path):
    half = tmp_path / "postgres" / "data.unfinished"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    with start_postgres(tmp_path) as servers:
        assert query(servers.database_url, "SELECT 1") == 1
    assert not half.exists()


@pytest.mark.breadth
def test_a_server_that_cannot_start_is_reported_with_the_end_of_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with start_postgres(tmp_path):
        pass
    (tmp_path / "postgres" / "data" / "global" / "pg_control").unlink()
    with pytest.raises(embedded.EmbeddedError, match=r"(?s)PostgreSQL does not start.*pg_control"):
        start_postgres(tmp_path)
    assert not lifecycle.keeper_lives(tmp_path / "postgres")
