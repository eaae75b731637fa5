"""C7: the vendors' limits, kept by processes that count in one Redis; each process alone without it."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis

from app.domain.budgets import AGAIN, Budget, Limits, Spent, wait_for
from app.sync.budget import AWAY_SECONDS, SAID_SECONDS, Budgets
from app.system import SystemClock, UuidIds
from tests.unit.connectwise_stub import ManualClock

AWAY = "redis://127.0.0.1:1"
MINUTE, DAY = 60.0, 86_400.0


def budgets(url: str, limits: Limits, clock: SystemClock | ManualClock | None = None) -> Budgets:
    return Budgets(url, clock or SystemClock(), UuidIds(), {"xero": limits}, 2)


@pytest.fixture
async def two(redis_url: str) -> AsyncIterator[list[Budgets]]:
    """Two processes of one installation."""
    made = [budgets(redis_url, Limits.of((6, MINUTE), (5, 1.0), at_once=3)) for _ in range(2)]
    yield made
    for one in made:
        await one.close()


def budget_of(one: Budgets, company: str = "acme", timeout: float = 8.0) -> Budget:
    found = one.of("xero", company, timeout=timeout)
    assert found is not None
    return found


async def test_c7_two_processes_share_what_is_allowed_at_once(two: list[Budgets]) -> None:
    here, there = map(budget_of, two)
    turns = [await one.take() for one in (here, there, here)]
    assert all(turn.token for turn in turns)
    shut = await there.take()
    assert (shut.token, shut.wait) == (None, AGAIN)
    assert turns[0].token is not None
    await here.give_back(turns[0].token)
    assert (await there.take()).token


async def test_c7_two_processes_share_the_minute_and_the_second(two: list[Budgets]) -> None:
    here, there = map(budget_of, two)
    for one in (here, there, here, there, here):
        turn = await one.take()
        assert turn.token is not None
        await one.give_back(turn.token)
    second = await there.take()
    assert second.token is None
    assert 0 < second.wait <= 1
    await asyncio.sleep(second.wait + 0.02)
    assert (await there.take()).token  # the sixth of the minute
    minute = await here.take()
    assert minute.token is None
    assert 50 < minute.wait <= MINUTE
    # The second passes between two looks; the minute does not.
    assert (await here.spent())[0] == (await there.spent())[0] == Spent(MINUTE, 6, 6)
    assert (await here.spent())[0].left == 0


async def test_c7_who_leaves_room_stops_while_orders_go_on(redis_url: str) -> None:
    made = [budgets(redis_url, Limits.of((6, MINUTE), at_once=4)) for _ in range(2)]
    here, there = map(budget_of, made)
    for one in (here, there):
        turn = await one.take(0.5)
        assert turn.token is not None
    at_once = await there.take(0.5)
    assert (at_once.token, at_once.wait) == (None, AGAIN)
    assert turn.token is not None
    await there.give_back(turn.token)
    assert (await here.take(0.5)).token
    minute = await there.take(0.5)
    assert minute.token is None
    assert minute.wait > 1
    assert (await here.spent())[0] == Spent(MINUTE, 3, 6)
    for _ in range(2):
        assert (await there.take()).token
    for process in made:
        await process.close()


async def test_c7_an_emptied_redis_does_not_forget_the_day_longer_than_to_the_next_answer(
    redis_url: str,
) -> None:
    made = [budgets(redis_url, Limits.of((100, MINUTE), (8, DAY))) for _ in range(2)]
    here, there = map(budget_of, made)
    for left in (7, 6, 5):
        turn = await here.take()
        assert turn.token is not None
        await here.give_back(turn.token, None, left)
    assert (await there.spent())[1] == Spent(DAY, 3, 8)
    async with Redis.from_url(redis_url) as redis:
        await redis.flushdb()
    assert (await there.spent())[1] == Spent(DAY, 0, 8)
    turn = await there.take()
    assert turn.token is not None
    await there.give_back(turn.token, None, 4)
    assert (await here.spent())[1] == Spent(DAY, 4, 8)
    # Half of the day is used, so who leaves room for orders is not let through by either process.
    assert (await here.take(0.5)).token is None
    for one in (here, there, here, there):
        turn = await one.take()
        assert turn.token is not None
        await one.give_back(turn.token)  # answers that say nothing count all the same
    assert (await here.spent())[1] == Spent(DAY, 8, 8)
    spent = await there.take()
    assert spent.token is None
    assert SAID_SECONDS - 10 < spent.wait <= SAID_SECONDS
    for process in made:
        await process.close()


async def test_c7_what_a_system_says_never_lowers_what_was_counted(two: list[Budgets]) -> None:
    budget = budget_of(two[0])
    turn = await budget.take()
    assert turn.token is not None
    await budget.give_back(turn.token, None, 4000)
    assert (await budget.spent())[0] == Spent(MINUTE, 1, 6)


async def test_c7_one_company_does_not_spend_what_another_has(two: list[Budgets]) -> None:
    for _ in range(3):
        assert (await budget_of(two[0], "acme").take()).token
    assert (await budget_of(two[1], "acme").take()).token is None
    assert (await budget_of(two[1], "globex").take()).token


async def test_c7_a_killed_process_gives_its_places_back(two: list[Budgets]) -> None:
    for _ in range(3):
        assert (await budget_of(two[0], timeout=0.3).take()).token
    assert (await budget_of(two[1]).take()).token is None
    await asyncio.sleep(0.35)
    assert (await budget_of(two[1]).take()).token


async def test_c7_without_redis_each_process_keeps_to_its_part() -> None:
    clock = ManualClock()
    apart = budgets(AWAY, Limits.of((6, MINUTE)), clock)
    one = budget_of(apart)
    for _ in range(3):
        turn = await one.take()
        assert turn.token is not None
        await one.give_back(turn.token)
    for _ in range(int(MINUTE / AWAY_SECONDS)):
        shut = await one.take()
        # Asked again by when Redis is: a pause of the connection must not outlast the absence.
        assert (shut.token, shut.wait) == (None, AWAY_SECONDS)
        assert await one.spent() == (Spent(MINUTE, 3, 3),)
        clock.at += shut.wait
    assert (await one.take()).token
    await apart.close()


async def test_c7_what_a_part_refused_is_allowed_once_redis_is_back(redis_url: str) -> None:
    clock = ManualClock()
    process = budgets(AWAY, Limits.of((6, MINUTE)), clock)
    one = budget_of(process)
    for _ in range(3):
        assert (await one.take()).token
    shut = await one.take()
    assert shut.token is None
    process._redis = Redis.from_url(redis_url)
    clock.at += shut.wait
    assert (await one.take()).token
    await process.close()


async def test_who_is_told_to_stop_while_redis_is_asked_makes_no_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As asyncio.wait_for hides it before Python 3.12, by which the client of Redis sends."""
    one = budgets(AWAY, Limits.of((6, MINUTE)))
    asked = asyncio.Event()

    async def hides(*_: object) -> str:
        asked.set()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(3600)
        return "0"

    monkeypatch.setattr(one._redis, "eval", hides)
    turn = asyncio.create_task(budget_of(one).take())
    await asked.wait()
    turn.cancel()
    await asyncio.wait({turn}, timeout=5)
    assert turn.cancelled()
    await one.close()


async def test_a_system_without_limits_is_not_counted() -> None:
    apart = Budgets(AWAY, SystemClock(), UuidIds(), {"xero": Limits.of((0, MINUTE))}, 2)
    assert apart.of("xero", "acme", timeout=1) is None
    assert apart.of("connectwise", "acme", timeout=1) is None
    await apart.close()


@given(
    st.lists(
        st.tuples(st.floats(0, 0.5), st.floats(0, 0.9), st.floats(0, 1)), min_size=1, max_size=60
    ),
    st.integers(1, 6),
    st.integers(0, 4),
)
def test_c7_no_window_of_the_vendor_ever_sees_more_than_its_limit(
    calls: list[tuple[float, float, float]], most: int, at_once: int
) -> None:
    """Whenever within a call's way the vendor counts it: (idle before, duration, part of it)."""
    limits = Limits.of((most, 1.0), at_once=at_once)
    now, until, arrived = 0.0, list[float](), list[float]()
    spans = list[tuple[float, float]]()
    for idle, lasts, part in calls:
        now += idle
        while (wait := wait_for(limits, until, now)) > 0:
            now += wait
        until.append(now + lasts)
        spans.append((now, now + lasts))
        arrived.append(now + lasts * part)
    for begin, following in itertools.pairwise([*sorted(arrived), float("inf")]):
        assert sum(begin <= one < begin + 1.0 - 1e-9 for one in arrived) <= most
        assert following >= begin
    if at_once:
        for begin, _ in spans:
            assert sum(first <= begin < last for first, last in spans) <= at_once
