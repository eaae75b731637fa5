"""`restored`: a person says that the database went back."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest

from app.store.postgres import PostgresStore
from tests.cli.conftest import Command


def test_h9_a_restoration_is_told_kept_and_minded_for_thirty_days(
    demandlink: Command, database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("REDIS_URL", redis_url)

    async def kept() -> str | None:
        async with await PostgresStore.open(database_url) as store:
            found = await store.last_restoration()
        return found.reason if found is not None else None

    assert demandlink("restored").code == 2  # without a reason
    assert asyncio.run(kept()) is None
    told = demandlink("restored", "--reason", "disk lost", "--json").json
    at, until = (datetime.fromisoformat(told[name]) for name in ("at", "until"))
    assert until - at == timedelta(days=30)
    assert asyncio.run(kept()) == "disk lost"
    assert "Start the workers" in demandlink("restored", "--reason", "again").out
