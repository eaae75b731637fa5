"""Every row of the switch table, played against the sandbox: done, or held by its code."""

from __future__ import annotations

import pytest

from app.domain.codes import CODES, State
from tests.e2e.harness import running
from tests.switches.stories import STORIES, WAYS, WITH_CALLBACKS, Play
from tests.switches.table import ROWS, Row

pytestmark = pytest.mark.processes


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
async def test_each_value_of_a_switch_has_its_outcome(
    database_url: str, redis_url: str, row: Row
) -> None:
    tell, stands = STORIES[row.story]
    told = row.story in WITH_CALLBACKS
    async with running(database_url, redis_url, callbacks=told, **row.settings) as stack:
        play = Play(stack, row)
        await play.switch(**{row.switch: row.value}, **row.beside)
        await tell(play)
        state = State.DONE if CODES[row.ends].state is State.DONE else State.HELD
        reached = await stack.until_state(play.order.number, state.value, row.ends.value)
        if row.way:
            await WAYS[row.way][1](play, reached)
            await stack.until_state(play.order.number, "done")
        if row.way or state is State.DONE:
            await stands(play)
