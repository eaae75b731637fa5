"""The test foundations themselves: databases and Redis are fresh, and the world is shut out."""

from __future__ import annotations

import socket

import asyncpg
import pytest
import redis.asyncio
from pytest_socket import SocketConnectBlockedError

from app import embedded
from tests.conftest import fresh_database
from tests.databases import Administrator, Databases, in_database


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
    life = fresh_database(servers, administrator, worker_number)
    url = next(life)
    name = url.rpartition("/")[2]
    connection = await asyncpg.connect(url)
    assert administrator.knows(name)
    assert list(life) == []
    assert not administrator.knows(name)
    connection.terminate()


async def test_a_database_that_is_used_again_is_as_new(
    servers: embedded.Servers, databases: Databases
):
    kept = databases.take()
    try:
        connection = await asyncpg.connect(in_database(servers.database_url, kept.name))
        await connection.execute("SELECT pg_advisory_lock(1)")
        await connection.execute("DELETE FROM connection WHERE name IS NOT NULL")
        await connection.execute("INSERT INTO tenant (name) VALUES ('left over')")
    finally:
        databases.give_back(kept)
    again = databases.take()
    try:
        assert again is kept
        fresh = await asyncpg.connect(in_database(servers.database_url, kept.name))
        assert await fresh.fetchval("SELECT array_agg(id) FROM tenant") == [1]
        assert await fresh.fetchval("SELECT count(*) FROM connection") > 0
        assert await fresh.fetchval("SELECT pg_try_advisory_lock(1)")
        assert await fresh.fetchval("INSERT INTO tenant (name) VALUES ('b') RETURNING id") == 2
        await fresh.close()
    finally:
        databases.give_back(again)
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError)):
        await connection.fetchval("SELECT 1")


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE orders ADD COLUMN left_over int",
        "CREATE TABLE left_over (id int)",
        "DROP TABLE fact",
        "CREATE INDEX ON orders (customer)",
    ],
)
async def test_a_database_whose_schema_was_changed_is_not_used_again(
    servers: embedded.Servers, databases: Databases, administrator: Administrator, change: str
):
    kept = databases.take()
    connection = await asyncpg.connect(in_database(servers.database_url, kept.name))
    await connection.execute(change)
    await connection.close()
    databases.give_back(kept)
    assert not administrator.knows(kept.name)


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
