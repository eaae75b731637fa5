"""A client of ConnectWise over a router of canned answers, for tests of one call at a time."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import respx

from app.connectors import wire_json
from app.connectors.connectwise.caller import Access
from app.connectors.connectwise.client import ConnectWiseClient
from app.domain.records import CallRecord

BASE = "https://api-na.myconnectwise.net/v4_6_release/apis/3.0"
ACCESS = Access(
    base_url=BASE,
    company="dunder",
    public_key="public",
    private_key="private",
    client_id="00000000-0000-0000-0000-000000000001",
)


class ManualClock:
    """A clock that moves only when it is told, and by sleeping. `slept`: how long, each time."""

    def __init__(self, at: float = 1_000.0) -> None:
        self.at = at
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += seconds


def router() -> respx.MockRouter:
    return respx.MockRouter(base_url=BASE, assert_all_called=False)


def client_of(
    answers: respx.MockRouter,
    clock: ManualClock | None = None,
    on_call: Callable[[CallRecord], None] | None = None,
) -> ConnectWiseClient:
    return ConnectWiseClient(
        ACCESS,
        clock=clock or ManualClock(),
        transport=httpx.MockTransport(answers.async_handler),
        on_call=on_call,
    )


def sent(call: respx.models.Call) -> object:
    """The JSON body of a request."""
    return wire_json.loads(call.request.content)


def asked(call: respx.models.Call) -> dict[str, str]:
    """The query of a request, decoded."""
    return dict(call.request.url.params)
