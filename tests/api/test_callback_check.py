"""What the connector's check of a callback means for the door."""

from __future__ import annotations

from typing import Any, cast

import pytest

from app.connectors.connectwise.callbacks import (
    Callback,
    CallbackVerifier,
    KeyAddressRefused,
    KeyUnreachable,
    NotFromConnectWise,
)
from app.sync.callbacks import checker
from app.sync.inbox import CallbackCheck

FOUND = Callback("opportunity", "updated", 88, "", "m-1:opportunity:88::updated", None)


class Verifier:
    def __init__(self, outcome: Exception | Callback) -> None:
        self.outcome = outcome

    async def verify(self, body: bytes, given: str | None) -> Callback:
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (FOUND, CallbackCheck(id=FOUND.external_id)),
        (NotFromConnectWise("no"), CallbackCheck(refused="no")),
        (KeyAddressRefused("where"), CallbackCheck(refused="where")),
        (KeyUnreachable("away"), CallbackCheck(unreachable="away")),
    ],
)
async def test_each_outcome_of_the_check_has_its_answer(
    outcome: Any, expected: CallbackCheck
) -> None:
    verifier = cast(CallbackVerifier, Verifier(outcome))
    assert await checker(verifier)(b"{}", "signature") == expected


async def test_without_a_connectwise_connection_every_callback_is_refused() -> None:
    assert (await checker(None)(b"{}", "signature")).refused
