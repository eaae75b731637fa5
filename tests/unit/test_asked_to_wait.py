"""What any vendor asks one process for is told to the others, whatever the call was for (H10)."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
import respx

from app.domain.commerce import Listing
from app.domain.errors import FailureKind, RemoteFailure
from tests.builders import NOW
from tests.unit import connectwise_stub, quickbooks_stub, test_commerce_client, xero_stub

Ask = Any
CLIENTS: dict[str, tuple[Any, Any, Ask]] = {
    "connectwise": (connectwise_stub.router, connectwise_stub.client_of, lambda one: one.info()),
    "commerce": (
        lambda: respx.MockRouter(base_url=test_commerce_client.BASE, assert_all_called=False),
        test_commerce_client.client_of,
        lambda one: one.changed(Listing.QUOTES, NOW),
    ),
    "quickbooks": (
        quickbooks_stub.router,
        quickbooks_stub.client_of,
        lambda one: one.accounts(),
    ),
    "xero": (xero_stub.router, xero_stub.client_of, lambda one: one.accounts()),
}


@pytest.mark.parametrize("system", CLIENTS)
async def test_h10_a_429_is_told_to_the_other_processes(system: str) -> None:
    router, client_of, ask = CLIENTS[system]
    answers = router()
    answers.route().mock(return_value=httpx.Response(429, headers={"Retry-After": "7"}))
    client = client_of(answers)
    told: list[tuple[float, str]] = []

    async def note(seconds: float, message: str) -> None:
        told.append((seconds, message))

    client._remote.pacing.tell_others = note
    for _ in range(2):  # the second is refused here, and nothing was asked for by it
        with pytest.raises(RemoteFailure) as refused:
            await ask(client)
        assert refused.value.kind is FailureKind.RATE_LIMITED
    assert [seconds for seconds, _ in told] == [7]
    assert len(answers.calls) == 1
