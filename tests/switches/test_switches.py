"""Every row of the switch table, played against the sandbox: done, or held by its code."""

from __future__ import annotations

import random
from typing import Any

import pytest

from app.domain.codes import Code
from tests.e2e.harness import running
from tests.switches.play import Play
from tests.switches.proofs import PROOFS
from tests.switches.stories import STORIES, WITH_CALLBACKS
from tests.switches.table import ROWS, SHIPS, Row
from tests.switches.ways import WAYS

pytestmark = pytest.mark.processes
NAMES = {"connectwise_rounding_item": "ROUNDING"}


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
async def test_each_value_of_a_switch_has_its_outcome(
    database_url: str, redis_url: str, row: Row
) -> None:
    tell, stands = STORIES[row.story]
    told = row.story in WITH_CALLBACKS
    async with running(database_url, redis_url, callbacks=told, **NAMES, **row.settings) as stack:
        play = Play(stack, row)
        await play.switch(**{row.switch: row.value}, **row.beside)
        await tell(play)
        reached = await stack.until_state(play.order.number, row.state, row.ends.value)
        if row.way:
            await WAYS[row.way](play, reached)
            await stack.until_state(play.order.number, "done")
        await stands(play)
        if row.switch in PROOFS:
            await PROOFS[row.switch](play)


def harmless() -> dict[str, list[Any]]:
    """Values with which the whole order goes through without anybody's doing."""
    found: dict[str, list[Any]] = {}
    for row in ROWS:
        plain = not row.settings and not row.beside and row.story == "whole order"
        if plain and row.ends is Code.RELEASED:
            found.setdefault(row.switch, []).append(row.value)
    return found


@pytest.mark.parametrize("seed", range(6))
async def test_harmless_values_are_harmless_together(
    database_url: str, redis_url: str, seed: int
) -> None:
    rng = random.Random(seed)  # noqa: S311 - a choice of switches, no secret
    chosen = {switch: rng.choice(values) for switch, values in harmless().items()}
    settings = SHIPS if seed % 2 else {}
    async with running(database_url, redis_url, **NAMES, **settings) as stack:
        play = Play(stack, Row("conversion", chosen["conversion"], "", settings=settings))
        await play.switch(**chosen)
        tell, stands = STORIES["whole order"]
        await tell(play)
        await stack.until_state(play.order.number, "done")
        await stands(play)
