"""Settings that cannot work together are refused at start, also with what the database rules."""

from __future__ import annotations

import pytest

from app.bootstrap import opened
from app.domain.scenario import ScenarioInvalid
from sandbox.server import SandboxServer
from tests.e2e.harness import settings

pytestmark = pytest.mark.processes


async def test_d3_what_the_database_rules_counts_at_start(
    database_url: str, redis_url: str
) -> None:
    async with SandboxServer() as sandbox:
        by_person = settings(
            sandbox, database_url, redis_url, sales_order_creation="wait_for_person"
        )
        async with opened(by_person, migrated=False):
            pass
        plain = settings(sandbox, database_url, redis_url, opportunity_missing="plain_sales_order")
        with pytest.raises(ScenarioInvalid) as refused:
            async with opened(plain, migrated=False):
                raise AssertionError("it started")
        assert "wait_for_person" in str(refused.value)
        async with opened(settings(sandbox, database_url, redis_url), migrated=False) as container:
            assert "opportunity_missing" not in await container.admin.settings(1)
