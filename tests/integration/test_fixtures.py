"""The test foundations themselves: databases and Redis are fresh, and the world is shut out."""

from __future__ import annotations

import socket

import asyncpg
import pytest
import redis.asyncio
from pytest_socket import SocketConnectBlockedError

from app import embedded
from tests.conftest import Administrator, fresh_database


@pytest.mark.parametrize("round_number", [1, 2])
async def test_each_test_gets_a_database_without_the_rows_of_another(
    empty_database_url: str, round_number: int
):
    connection = await asyncpg.connect(empty_database_url)
    try:
        await connection.execute("CREATE TABLE left_over (id int)")
    finally:
        await connection.close()


async def test_a_database_is_dropped_even_while_something_is_connected(
    servers: embedded.Servers, administrator: Administrator, worker_number: int
):
    life = fresh_database(servers, administrator, worker_number, "template0")
    url = next(life)
    name = url.rpartition("/")[2]
    connection = await asyncpg.connect(url)
    assert administrator.knows(name)
    assert list(life) == []
    assert not administrator.knows(name)
    connection.terminate()


@pytest.mark.parametrize("round_number", [1, 2])
async def test_each_test_finds_redis_empty(redis_url: str, round_number: int):
    client = redis.asyncio.Redis.from_url(redis_url)
    try:
        assert await client.dbsize() == 0
        await client.set("left over", "1")
    finally:
        await client.aclose()


def test_a_connection_beyond_this_machine_is_refused():
    with socket.socket() as outside, pytest.raises(SocketConnectBlockedError):
        outside.connect(("203.0.113.1", 80))
