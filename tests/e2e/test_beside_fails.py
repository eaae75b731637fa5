"""A poll that ends by an error which nobody foresaw is seen by people, and no more once it reads again."""

from __future__ import annotations

from typing import Any

import pytest

from app.connectors.commerce.client import CommerceClient
from tests.e2e.commerce import polling
from tests.e2e.harness import Stack, bearer
from tests.e2e.test_doctor import examined

pytestmark = [pytest.mark.processes, pytest.mark.breadth]
SECRET = "a-word-of-the-error"


async def commerce_of(stack: Stack) -> dict[str, Any]:
    answer = await stack.client.get("/admin/connections", headers=bearer())
    found: list[dict[str, Any]] = answer.json()["items"]
    (row,) = [one for one in found if one["system"] == "commerce"]
    return row


async def test_g8_a_poll_that_breaks_is_told_by_connections_and_doctor_until_it_reads(
    database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.sync.commerce_poll.BROKEN_REST", 0.2)
    monkeypatch.setattr("app.sync.beside.TOLD_AGAIN", 0.0)
    asked = CommerceClient.changed
    async with polling(database_url, redis_url) as (stack, _):

        async def reads() -> bool:
            row = await commerce_of(stack)
            return row["read_at"] is not None and row["trouble"] is None

        async def breaks() -> bool:
            return bool((await commerce_of(stack))["trouble"])

        await stack.until_true(reads)

        async def broken(*_: Any) -> None:
            raise KeyError(SECRET)

        monkeypatch.setattr(CommerceClient, "changed", broken)
        await stack.until_true(breaks)
        row = await commerce_of(stack)
        assert row["trouble"].startswith("Commerce was last read")
        assert "KeyError" in row["trouble"]
        assert SECRET not in row["trouble"]
        assert row["state"] == "open"
        assert row["read_at"] is not None
        _, found = await examined(stack)
        assert found["turns_commerce_poll"]["outcome"] == "warning"
        assert found["turns_commerce_poll"]["fix"]
        # The doctor asks the same of Commerce, and says that too instead of ending by it.
        assert found["commerce_polling"]["outcome"] == "unproven"
        assert SECRET not in repr(found)

        monkeypatch.setattr(CommerceClient, "changed", asked)
        await stack.until_true(reads)
        _, found = await examined(stack)
        assert found["turns"]["outcome"] == "ok"
        assert not [name for name in found if name.startswith("turns_")]
