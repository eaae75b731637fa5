"""Calls that no order makes leave a part of the budget to orders (C7, decision 0049)."""

from __future__ import annotations

import httpx
import pytest

from app.connectors.transport import Calling, calling
from app.domain.budgets import AtOnceNow, Spent, Turn
from app.domain.errors import RemoteFailure
from app.domain.records import CallRecord
from tests.unit.connectwise_stub import client_of, router


class Asked:
    """A budget that is as good as used up for who leaves room; `parts` are what was asked for."""

    patience = 0.5

    def __init__(self) -> None:
        self.parts: list[float] = []

    async def take(self, part: float = 1.0) -> Turn:
        self.parts.append(part)
        return Turn("a") if part == 1.0 else Turn(None, 30.0)

    async def give_back(
        self, token: str, at_once: AtOnceNow | None = None, left: int | None = None
    ) -> None:
        assert token == "a"

    async def spent(self) -> tuple[Spent, ...]:
        return ()

    async def at_once(self) -> AtOnceNow | None:
        return None


def ignored(_: CallRecord) -> None:
    """Takes the calls of an order."""


@pytest.mark.parametrize(
    ("caller", "part"),
    [
        (Calling("win_opportunity", "", "step", ignored), 1.0),
        (Calling(None, "", "poll", ignored), 1.0),  # an order's own look
        (None, 1.0),  # a person's question
        (Calling(None, None, "reference"), 1.0),
        (Calling(None, None, "poll"), 0.8),
        (Calling(None, None, "hint"), 0.8),
        (Calling(None, None, "drift"), 0.5),
    ],
)
async def test_c7_who_calls_beside_the_orders_leaves_room_for_them(
    caller: Calling | None, part: float
) -> None:
    budget = Asked()
    with router() as answers:
        route = answers.get("/system/info").mock(return_value=httpx.Response(200, json={}))
        client = client_of(answers)
        client._remote.budget = budget
        bound = calling.set(caller)
        try:
            if part == 1.0:
                await client.info()
            else:
                with pytest.raises(RemoteFailure, match="kept for orders") as refused:
                    await client.info()
                assert refused.value.unsent
                assert refused.value.retry_after == 30.0
        finally:
            calling.reset(bound)
        assert route.call_count == (part == 1.0)
    assert budget.parts == [part]
