"""Group commit, without a database."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from app.domain.errors import StoreUnavailable
from app.store.database import Clash
from app.store.grouping import GroupCommit


class Log:
    """A `run` that notes its groups, waits while `gate` is shut and fails where it is told to."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.fail: dict[int, Exception] = {}
        self.once: list[Exception] = []

    async def __call__(self, items: Sequence[int]) -> Sequence[int]:
        self.groups.append(list(items))
        await self.gate.wait()
        await asyncio.sleep(0)
        if self.once:
            raise self.once.pop()
        for item in items:
            if item in self.fail:
                raise self.fail[item]
        return [item * 10 for item in items]


async def _start(group: GroupCommit[int, int], items: Sequence[int]) -> list[asyncio.Task[int]]:
    tasks = [asyncio.ensure_future(group(item)) for item in items]
    await asyncio.sleep(0.01)
    return tasks


async def test_what_comes_in_while_one_is_in_flight_shares_the_next() -> None:
    log = Log()
    group = GroupCommit(log)
    log.gate.clear()
    tasks = await _start(group, [1])
    tasks += await _start(group, [2, 3, 4])
    log.gate.set()
    assert await asyncio.gather(*tasks) == [10, 20, 30, 40]
    assert log.groups == [[1], [2, 3, 4]]


async def test_a_group_that_fails_is_tried_one_by_one() -> None:
    log = Log()
    group = GroupCommit(log)
    log.fail = {3: KeyError("three")}
    answers = await asyncio.gather(*(group(n) for n in (1, 2, 3, 4)), return_exceptions=True)
    assert [type(answer) for answer in answers] == [int, int, KeyError, int]
    assert log.groups[-4:] == [[1], [2], [3], [4]]


async def test_an_absent_database_is_not_asked_again_for_each() -> None:
    log = Log()
    group = GroupCommit(log)
    log.fail = {1: StoreUnavailable("away")}
    answers = await asyncio.gather(*(group(n) for n in (1, 2, 3)), return_exceptions=True)
    assert {type(answer) for answer in answers} == {StoreUnavailable}
    assert len(log.groups) == 1


async def test_a_clash_is_tried_again_as_it_is() -> None:
    log = Log()
    group = GroupCommit(log)
    log.once = [Clash("deadlock"), Clash("deadlock")]
    assert await asyncio.gather(*(group(n) for n in (1, 2))) == [10, 20]
    assert log.groups == [[1, 2]] * 3
    log.once = [Clash("deadlock")] * 3
    with pytest.raises(StoreUnavailable):
        await group(1)


async def test_a_caller_that_gave_up_is_left_out() -> None:
    log = Log()
    group = GroupCommit(log)
    log.gate.clear()
    tasks = await _start(group, [1])
    tasks += await _start(group, [2, 3])
    tasks[1].cancel()
    await asyncio.sleep(0)
    log.gate.set()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert answers[0] == 10
    assert answers[2] == 30
    assert log.groups == [[1], [3]]


async def test_a_caller_waits_only_as_long_as_it_said() -> None:
    log = Log()
    group = GroupCommit(log)
    log.gate.clear()
    with pytest.raises(StoreUnavailable):
        await group(1, 0.05)
    log.gate.set()
    assert await group(2, 1.0) == 20


async def test_items_that_must_not_meet_go_one_after_the_other() -> None:
    log = Log()
    group = GroupCommit(log, alike=lambda item: item % 2)
    assert await asyncio.gather(*(group(n) for n in (1, 2, 3, 4))) == [10, 20, 30, 40]
    assert log.groups == [[1, 2], [3, 4]]


async def test_a_group_has_a_limit() -> None:
    log = Log()
    group = GroupCommit(log, limit=2)
    await asyncio.gather(*(group(n) for n in range(5)))
    assert log.groups == [[0, 1], [2, 3], [4]]
