"""`doctor --write` at the command line, beside the sandbox: what is made is told and taken away."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.cli.frame import ExitCode
from tests.cli.conftest import Command, beside
from tests.e2e.harness import Stack, running
from tests.e2e.test_doctor import READY
from tests.e2e.test_probe import WHOLE, asked, held, names, sql

pytestmark = pytest.mark.processes


@pytest.fixture
async def stack(
    database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Stack]:
    """The service without a worker, and the environment of a terminal beside it."""
    async with running(database_url, redis_url, worker=False, **READY) as started:
        credentials = started.sandbox.credentials
        for name, value in {
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "CONNECTWISE_URL": started.sandbox.base_url,
            "CONNECTWISE_COMPANY": credentials.company,
            "CONNECTWISE_PUBLIC_KEY": credentials.public_key,
            "CONNECTWISE_PRIVATE_KEY": credentials.private_key,
            "CONNECTWISE_CLIENT_ID": credentials.headers["clientId"],
            "READ_LAG": "0.15",
        }.items():
            monkeypatch.setenv(name, value)
        yield started


async def probed(run: Command, stack: Stack, *more: str) -> Any:
    given = await names(stack)
    arguments = ("doctor", "--write", "--company", given["company"], "--vendor", given["vendor"])
    return await beside(run, *arguments, *more)


async def written(stack: Stack) -> list[str]:
    return [one["method"] for one in await stack.requests() if one["method"] != "GET"]


async def test_g1_what_only_a_write_proves_is_told_and_nothing_is_left(
    stack: Stack, demandlink: Command
) -> None:
    before = await held(stack)
    ended = await probed(demandlink, stack)
    assert ended.code == ExitCode.OK, ended.out
    assert ended.out.startswith(f"{len(WHOLE)} of {len(WHOLE)} in order, for ")
    for name in WHOLE:
        assert f"ok     {name} (by a write): " in ended.out
    assert await held(stack) == before
    assert "POST" in await written(stack)
    assert "DELETE" in await written(stack)
    (audit,) = await sql(stack, "SELECT actor FROM audit WHERE action = 'doctor.probe'")
    assert audit["actor"].endswith("command line")


@pytest.mark.breadth
async def test_g1_it_is_said_as_rest_says_it(stack: Stack, demandlink: Command) -> None:
    told = (await probed(demandlink, stack, "--json")).json
    by_rest = (await asked(stack)).json()
    assert told.keys() == by_rest.keys()
    assert [one.keys() for one in told["findings"]] == [one.keys() for one in by_rest["findings"]]
    for one in ("outcome", "scenarios"):
        assert told[one] == by_rest[one]
    assert {one["name"]: one["outcome"] for one in told["findings"]} == WHOLE


@pytest.mark.breadth
async def test_g1_a_missing_permission_ends_with_1_and_what_to_do(
    stack: Stack, demandlink: Command
) -> None:
    fault = {"method": "POST", "path": "/sales/orders", "times": 9, "kind": "status"}
    body = {"code": "Forbidden", "message": "no"}
    await stack.control("faults", [{**fault, "status": 403, "body": body}])
    before = await held(stack)
    ended = await probed(demandlink, stack)
    assert ended.code == ExitCode.FAILED
    assert "FAILED may_write_sales_orders (by a write): " in ended.out
    assert "Sales Orders" in ended.out.partition("FAILED may_write_sales_orders")[2]
    assert "What to do: " in ended.out
    assert await held(stack) == before


async def test_a_wrong_call_of_it_writes_nothing(stack: Stack, demandlink: Command) -> None:
    for arguments in (("--write",), ("--company", "MSP")):
        ended = await beside(demandlink, "doctor", *arguments)
        assert (ended.code, "--company go together" in ended.err) == (ExitCode.USAGE, True)
    unknown = await beside(demandlink, "doctor", "--write", "--company", "nobody", "--json")
    assert unknown.code == ExitCode.USAGE
    assert "nobody" in unknown.err
    assert await written(stack) == []
    await sql(
        stack,
        "INSERT INTO probe_turn (tenant_id, token, until)"
        " VALUES (1, 'another', now() + interval '1 minute') ON CONFLICT DO NOTHING",
    )
    refused = await probed(demandlink, stack)
    assert refused.code == ExitCode.BLOCKED, refused
    assert await written(stack) == []
