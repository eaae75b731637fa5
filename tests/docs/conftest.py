"""The stacks that the pages are tried on."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.e2e.harness import Stack, running


@pytest.fixture
async def stack(database_url: str, redis_url: str) -> AsyncIterator[Stack]:
    """The service with default settings, running in this process."""
    async with running(database_url, redis_url) as started:
        yield started
