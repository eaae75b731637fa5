"""A simulated Commerce of one run, in process, and the service's own poll of it.

Owns building both. What happens there is put in by the day's story; its webhooks are the day's own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import httpx

from app.bootstrap.chosen import DEFAULT_CONNECTION, pace_of
from app.connectors.commerce.client import Access, CommerceClient
from app.domain.ports import Chance, Clock
from app.settings import DEFAULT_TENANT, Settings
from app.store.memory import MemoryStore
from app.sync.commerce_budget import Meter
from app.sync.commerce_poll import CommercePoll
from sandbox.commerce.acts import Acts
from sandbox.commerce.api import Api
from sandbox.commerce.app import API_KEY
from sandbox.commerce.seed import first_records
from sandbox.commerce.shop import Shop
from tests.e2e.commerce import renumbered

# An event is left a short time by the poll: some are lost, and some come after it.
SETTINGS: Mapping[str, Any] = {
    "commerce_api_url": "http://commerce",
    "commerce_api_key": API_KEY,
    "commerce_webhook_secrets": "whsec_bm9ib2R5IHNpZ25zIGhlcmUsIG9uIHB1cnBvc2U=",
    "commerce_poll_seconds": 15.0,
    "commerce_poll_patience": 5.0,
    "commerce_poll_since": "2026-11-19T11:00:00+00:00",
    "commerce_calls_a_minute": 100_000,
    "commerce_calls_a_day": 100_000_000,
}


class SimulatedCommerce:
    def __init__(self, now: Callable[[], datetime]) -> None:
        shop = Shop(now)
        first_records(shop)
        shop.switches = shop.switches.merged(
            {"requests_per_minute": None, "requests_per_day": None}
        )
        self.api = Api(shop, API_KEY)
        self._acts = Acts(shop)

    def happens(self, event: Mapping[str, Any]) -> Mapping[str, Any]:
        """Make an event's documents the state of Commerce; the event with the dates that its own
        API shows. A sales invoice is in no list of that API."""
        if "salesInvoice" in event["data"]:
            return event
        (told,) = self._acts.put({"event": renumbered(dict(event))})
        return told


def poll(
    settings: Settings,
    store: MemoryStore,
    clock: Clock,
    chance: Chance,
    timeout: float,
    transport: httpx.AsyncBaseTransport,
) -> CommercePoll:
    """The service's own poll in one process, as its composition root builds it."""
    meter = Meter(clock, settings.commerce_calls_a_minute)
    access = Access(settings.commerce_api_url, settings.commerce_api_key.get_secret_value())
    client = CommerceClient(
        access, clock=clock, timeout=timeout, before=meter.take, transport=transport
    )
    return CommercePoll(
        store=store,
        polls=store,
        commerce=client,
        meter=meter,
        clock=clock,
        chance=chance,
        tenant_id=DEFAULT_TENANT,
        connection=DEFAULT_CONNECTION,
        pace=pace_of(settings),
        since=settings.poll_since,
    )
