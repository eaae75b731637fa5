"""The two stores under the same generated work: every answer and every row told must be the same.

The suite proves each promise alone; this proves that there is no third thing on which they differ.
What may differ is left out: ids, tokens and moments. See `play.py` for what is done.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.store import events
from app.store.memory import MemoryStore, Seed
from app.store.postgres import PostgresStore
from app.system import SystemClock, UuidIds
from tests.store.play import Player

TURNS = 250


@pytest.fixture(autouse=True)
def _no_second_is_waited(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stores postpone at moments of their own: a merge in between would see one of them due."""
    monkeypatch.setattr(events, "POSTPONED", timedelta(0))


async def _alike(postgres: PostgresStore, seed: int) -> set[str]:
    clock = SystemClock()
    began = clock.wall() - timedelta(seconds=clock.monotonic())
    memory = MemoryStore(clock, UuidIds(), setup=Seed(epoch=began))
    async with Player(memory, seed) as one, Player(postgres, seed) as other:
        for turn in range(TURNS):
            told = (await one.turn(), await other.turn())
            assert told[0] == told[1], f"seed {seed}, turn {turn}"
            if turn % 10 == 9:
                assert await one.seen() == await other.seen(), f"seed {seed}, turn {turn}"
    return one.reached


async def test_both_stores_answer_alike(postgres: PostgresStore) -> None:
    reached = await _alike(postgres, 1)
    # What the seed is good for: a test in which nothing happens proves nothing.
    assert reached > {"released", "refused release", "owned", "taken", "LeaseLost", "RecordTaken"}


@pytest.mark.breadth
@pytest.mark.parametrize("seed", range(2, 8))
async def test_both_stores_answer_alike_whatever_is_asked(
    postgres: PostgresStore, seed: int
) -> None:
    await _alike(postgres, seed)
