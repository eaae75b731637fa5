"""An access token for each call, refreshed by one process at a time.

Owns when a token counts as old and who may refresh it; how a vendor refreshes is its own `oauth`.
Must not keep tokens: the vault stores both new ones before either is used, because the vendor
forgets the old ones the moment it gives new ones.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any

from app.domain.books import HeldTokens, Tokens, TokenVault
from app.domain.errors import FailureKind, RemoteFailure
from app.domain.ports import Clock

Refresh = Callable[[Tokens, datetime], Awaitable[Tokens]]
"""Asks the vendor for new tokens, given those and the moment by the vault's clock."""

# A token this close to its end might die on the way to the vendor.
MARGIN = timedelta(seconds=60)


class Bearer:
    """The access token of one connection in this process.

    Both methods raise what the vault and the refresh raise, UNAUTHENTICATED among it.
    """

    def __init__(self, vault: TokenVault, refresh: Refresh, clock: Clock) -> None:
        self._vault = vault
        self._refresh = refresh
        self._clock = clock
        self._access: str | None = None
        self._until = 0.0
        # Side by side calls of this process wait here, not each on a lock in the database.
        self._gate = asyncio.Lock()

    async def access(self) -> str:
        """A token that should hold; from memory while it does."""
        if self._access is not None and self._clock.monotonic() < self._until:
            return self._access
        tokens = await self._vault.tokens()
        if self._take(tokens, await self._vault.now()):
            return tokens.access
        return await self.renew(tokens.access)

    async def renew(self, refused: str) -> str:
        """Another token than the refused one: what somebody else fetched meanwhile, or a new one."""
        async with self._gate:
            here, holds = self._access, self._clock.monotonic() < self._until
            if here is not None and here != refused and holds:
                return here
            async with self._vault.refreshing() as held:
                now = await self._vault.now()
                if held.tokens.access != refused and self._take(held.tokens, now):
                    return held.tokens.access
                fresh = await _to_the_end(self._fetched(held, now))
                self._take(fresh, now)
                return fresh.access

    async def _fetched(self, held: HeldTokens, now: datetime) -> Tokens:
        fresh = await self._refreshed(held.tokens, now)
        await held.store(fresh)
        return fresh

    async def _refreshed(self, tokens: Tokens, now: datetime) -> Tokens:
        """A refresh that got no clear answer leaves its own grant in doubt, and never the call that
        waits for the token: that one was not sent."""
        try:
            return await self._refresh(tokens, now)
        except RemoteFailure as failure:
            if failure.kind is not FailureKind.OUTCOME_UNKNOWN:
                raise
            raise RemoteFailure(
                FailureKind.NOT_SENT,
                failure.message,
                endpoint=failure.endpoint,
                status=failure.status,
            ) from failure

    def _take(self, tokens: Tokens, now: datetime) -> bool:
        left = (tokens.access_until - MARGIN - now).total_seconds()
        if left <= 0:
            return False
        self._access = tokens.access
        self._until = self._clock.monotonic() + left
        return True


async def _to_the_end(work: Coroutine[Any, Any, Tokens]) -> Tokens:
    """Work that a cancelled call, as when a worker stops, still sees through: once the vendor was
    asked, the tokens of its answer may be the only ones that are good."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.gather(task, return_exceptions=True)
        raise
