"""A token vault in memory, which counts who refreshes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from app.domain.books import HeldTokens, Tokens
from app.domain.errors import StoreUnavailable


class _Held:
    def __init__(self, vault: MemoryVault) -> None:
        self._vault = vault

    @property
    def tokens(self) -> Tokens:
        return self._vault.kept

    async def store(self, new: Tokens) -> None:
        if self._vault.full:
            raise StoreUnavailable
        await asyncio.sleep(0)  # a commit takes its time, and others want in meanwhile
        self._vault.kept = new
        self._vault.stored.append(new)


class MemoryVault:
    """See `app.domain.books.TokenVault`. One for each connection; shared by its clients."""

    def __init__(self, tokens: Tokens) -> None:
        self.kept = tokens
        self.stored: list[Tokens] = []
        self.entered = 0
        self.full = False  # the database takes nothing
        self._lock = asyncio.Lock()

    async def now(self) -> datetime:
        return datetime.now(UTC)

    async def tokens(self) -> Tokens:
        return self.kept

    @asynccontextmanager
    async def refreshing(self) -> AsyncIterator[HeldTokens]:
        async with self._lock:
            self.entered += 1
            yield _Held(self)
