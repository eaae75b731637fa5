"""A client of QuickBooks over a router of canned answers, for tests of one call at a time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import respx

from app.connectors import wire_json
from app.connectors.bearer import Refresh
from app.connectors.quickbooks.caller import Access
from app.connectors.quickbooks.client import QuickBooksClient
from app.domain.books import Tokens
from app.domain.records import CallRecord
from tests.contract.vault import MemoryVault
from tests.unit.connectwise_stub import ManualClock

ACCESS = Access("https://quickbooks.api.intuit.com", "4620")
COMPANY = "/v3/company/4620"


def tokens(name: str = "1", seconds: float = 3600) -> Tokens:
    until = datetime.now(UTC) + timedelta(seconds=seconds)
    return Tokens(f"access-{name}", f"refresh-{name}", until)


class Refresher:
    """Gives new tokens and counts how often it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def __call__(self, old: Tokens, now: datetime) -> Tokens:
        del now
        self.asked.append(old.refresh)
        return tokens(f"{len(self.asked) + 1}")


def router() -> respx.MockRouter:
    return respx.MockRouter(base_url=f"{ACCESS.base_url}{COMPANY}", assert_all_called=False)


def client_of(
    answers: respx.MockRouter,
    *,
    vault: MemoryVault | None = None,
    refresh: Refresh | None = None,
    clock: ManualClock | None = None,
    on_call: Callable[[CallRecord], None] | None = None,
) -> QuickBooksClient:
    return QuickBooksClient(
        ACCESS,
        vault or MemoryVault(tokens()),
        refresh or Refresher(),
        clock=clock or ManualClock(),
        transport=httpx.MockTransport(answers.async_handler),
        on_call=on_call,
    )


def fault(code: str, message: str = "No", detail: str = "") -> dict[str, Any]:
    return {"Fault": {"Error": [{"Message": message, "Detail": detail, "code": code}], "type": "x"}}


def sent(call: respx.models.Call) -> Any:
    """The JSON body of a request."""
    return wire_json.loads(call.request.content)


def asked(call: respx.models.Call) -> dict[str, str]:
    """The query of a request, decoded."""
    return dict(call.request.url.params)
