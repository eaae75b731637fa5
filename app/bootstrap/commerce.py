"""What reads Commerce's API: the poll, and the drift sweep with a part of the calls of its own.

Owns the building of both, and of what the doctor asks with; nothing where no key is set.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

from app.bootstrap.budgets import Counted
from app.bootstrap.chosen import pace_of
from app.connectors.commerce.client import Access, CommerceClient
from app.connectors.pacing import Pacing
from app.domain.watching import Seen
from app.settings import DEFAULT_TENANT, Settings
from app.store.postgres import PostgresStore
from app.sync.beside import Watch
from app.sync.commerce_budget import Meter
from app.sync.commerce_poll import LEASE, CommercePoll
from app.sync.commerce_share import Share
from app.sync.drift_commerce import CommerceSide
from app.system import SystemChance, SystemClock


@dataclass(frozen=True, slots=True)
class InCommerce:
    """Clients are closed with the stack."""

    settings: Settings
    store: PostgresStore
    clock: SystemClock
    stack: AsyncExitStack
    pacing: Pacing

    def poll(self) -> CommercePoll | None:
        settings = self.settings
        if not settings.polls_commerce:
            return None
        meter = Meter(self.clock, settings.commerce_calls_a_minute)
        return CommercePoll(
            store=self.store,
            polls=self.store,
            commerce=self._client(meter.take),
            meter=meter,
            clock=self.clock,
            chance=SystemChance(),
            tenant_id=DEFAULT_TENANT,
            connection=settings.commerce_connection,
            pace=pace_of(settings),
            since=settings.poll_since,
            watch=Watch(self.store, self.clock, DEFAULT_TENANT, Seen.COMMERCE_POLL, LEASE),
        )

    def asked(self, counted: Counted) -> CommerceClient | None:
        """Who asks Commerce once, for a person. The poll's client may call only while the poll has its
        turn, so this one takes of the sweep's part; where there is none its calls are not counted."""
        if not self.settings.polls_commerce:
            return None
        return self._client(self._share(counted).take)

    def side(self, counted: Counted) -> CommerceSide | None:
        """Commerce for the drift sweep; None where it is not to be read."""
        settings = self.settings
        if not settings.polls_commerce or not settings.drift_commerce_calls_a_day:
            return None
        return CommerceSide(
            self.store,
            self.store,
            self.store,
            self._client(self._share(counted).take),
            DEFAULT_TENANT,
            settings.commerce_connection,
        )

    def _share(self, counted: Counted) -> Share:
        """The sweep's part; where it has none, calls are not counted."""
        has_part = self.settings.drift_commerce_calls_a_day
        return Share(counted.sweep() if has_part else None, self.clock)

    def _client(self, before: Callable[[], Awaitable[None]]) -> CommerceClient:
        settings = self.settings
        key = settings.commerce_api_key.get_secret_value()
        client = CommerceClient(
            Access(settings.commerce_api_url, key, settings.commerce_zone),
            clock=self.clock,
            timeout=settings.commerce_api_timeout,
            before=before,
            pacing=self.pacing,
        )
        self.stack.push_async_callback(client.aclose)
        return client
