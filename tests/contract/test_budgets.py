"""C7: two processes, each with its own clients, never draw a 429 from a ledger that keeps its limits."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from redis.asyncio import Redis

from app.domain.budgets import DAY, MINUTE, Limits, Spent
from app.domain.errors import FailureKind, RemoteFailure
from app.sync.budget import Budgets
from app.system import SystemClock, UuidIds
from tests.contract.ledgers import Ledger, quickbooks
from tests.contract.xero_site import busy_xero

pytestmark = [pytest.mark.processes, pytest.mark.breadth]


def processes(ledger: Ledger, redis_url: str, system: str, limits: Limits) -> list[Any]:
    """Clients of two processes: they share nothing but Redis and the vault."""
    made = []
    for _ in range(2):
        budgets = Budgets(redis_url, SystemClock(), UuidIds(), {system: limits}, 2)
        client: Any = ledger.another()
        client._remote.budget = budgets.of(system, "company", timeout=5.0)
        made.append((client, budgets))
    return made


async def refused(ledger: Ledger) -> int:
    return sum(entry["status"] == 429 for entry in await ledger.requests())


async def test_c7_quickbooks_never_answers_429_to_two_processes(redis_url: str) -> None:
    async with quickbooks() as ledger:
        await ledger.books.accounts()
        await asyncio.sleep(1)
        await ledger.switch(requests_per_second=10)
        made = processes(ledger, redis_url, "quickbooks", Limits.of((10, 1.0), (500, MINUTE)))

        async def read(client: Any) -> int:
            tries = 0
            while True:
                try:
                    await client.accounts()
                except RemoteFailure as failure:
                    assert failure.kind is FailureKind.RATE_LIMITED  # noqa: PT017
                    assert failure.retry_after is not None  # noqa: PT017
                    await asyncio.sleep(failure.retry_after)
                    tries += 1
                else:
                    return tries

        await asyncio.gather(*(read(client) for client, _ in made for _ in range(20)))
        assert await refused(ledger) == 0
        for _, budgets in made:
            await budgets.close()


async def test_c7_xero_never_answers_429_and_the_rest_is_not_even_sent(redis_url: str) -> None:
    async with busy_xero() as ledger:
        # Its windows are its own: what was called before the count begins must not stand in one.
        await ledger.switch(requests_per_minute=40, latency_ms=20)
        limits = Limits.of((20, MINUTE), (1000, 86_400.0), at_once=5)
        made = processes(ledger, redis_url, "xero", limits)
        before = len(await ledger.requests())
        outcomes = await asyncio.gather(
            *(client.accounts() for client, _ in made for _ in range(20)), return_exceptions=True
        )
        failures = [one for one in outcomes if isinstance(one, BaseException)]
        assert len(failures) == 20
        for failure in failures:
            assert isinstance(failure, RemoteFailure)
            assert (failure.kind, failure.status) == (FailureKind.RATE_LIMITED, None)
            assert failure.retry_after is not None
            assert 50 < failure.retry_after <= MINUTE
        assert await refused(ledger) == 0
        assert len(await ledger.requests()) - before <= 22  # a refresh of tokens besides
        for _, budgets in made:
            await budgets.close()


async def test_c7_the_day_is_known_again_by_xeros_first_answer_after_redis_was_emptied(
    redis_url: str,
) -> None:
    """With the calls of a program that is not counted here."""
    async with busy_xero() as ledger:
        await ledger.switch(tier="starter")  # 1,000 a day
        limits = Limits.of((0, MINUTE), (1000, DAY))
        (one, budgets), (other, elsewhere) = processes(ledger, redis_url, "xero", limits)
        for _ in range(4):
            await one.accounts()
        stranger = ledger.another()
        for _ in range(6):
            await stranger.accounts()
        async with Redis.from_url(redis_url) as redis:
            await redis.flushdb()
        assert await budgets.of("xero", "company", timeout=5.0).spent() == (Spent(DAY, 0, 1000),)
        await other.accounts()
        (day,) = await budgets.of("xero", "company", timeout=5.0).spent()
        assert day.used == 4 + 6 + 1
        for process in (budgets, elsewhere):
            await process.close()
