"""Two installations whose Commerce systems give orders the same ids, on one ConnectWise (0047)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from app import embedded
from app.bootstrap import Container, NotConfigured, opened
from app.main import create_app
from tests.databases import Databases, in_database
from tests.e2e.harness import Stack, Stops, bearer, running, settings
from tests.e2e.orders import CABLE, DOCK
from tests.e2e.rules.test_purchase_order_changes import an_order, tell
from tests.e2e.test_doctor import examined

pytestmark = pytest.mark.processes
PLAINLY: dict[str, Any] = {"opportunity_missing": "plain_sales_order"}


@pytest.fixture
def other_database_url(servers: embedded.Servers, databases: Databases) -> Iterator[str]:
    kept = databases.take()
    yield in_database(servers.database_url, kept.name)
    databases.give_back(kept)


@asynccontextmanager
async def beside(
    stack: Stack, database_url: str, redis_url: str, **more: Any
) -> AsyncIterator[Stack]:
    """A second installation on the first one's ConnectWise, working."""
    chosen = settings(stack.sandbox, database_url, redis_url, **PLAINLY, **more)
    async with opened(chosen, migrated=False) as container:
        transport = httpx.ASGITransport(app=create_app(container))
        async with httpx.AsyncClient(transport=transport, base_url="http://other") as client:
            other = Stack(container, stack.sandbox, client, stack.cw, Stops())
            await other.start_worker()
            try:
                yield other
            finally:
                await other.kill_worker()
                stack.accepted += other.accepted


async def marks(stack: Stack) -> set[str]:
    products = await stack.get("/procurement/products")
    return {one["integrationXRef"] for one in products if one.get("integrationXRef")}


async def test_h1_equal_ids_of_two_commerce_systems_are_two_orders(
    database_url: str, other_database_url: str, redis_url: str
) -> None:
    ours, theirs = an_order((CABLE, 10), opportunity=None), an_order((DOCK, 3), opportunity=None)
    assert ours.id == theirs.id
    async with running(database_url, redis_url, **PLAINLY) as stack:
        # The observer knows an order by its id, whichever Commerce gave it.
        stack.permitted |= {"H1", "H9", "E3", f"H1 {ours.id}", f"H3 {ours.id}"}
        named = {"commerce_connection": "acme-nz"}
        async with beside(stack, other_database_url, redis_url, **named) as other:
            await tell(stack, ours.approved())
            await stack.until_state(ours.number, "waiting", "LINE_NOT_ORDERED")
            answer = await other.client.post("/webhooks/commerce/default", content=b"{}")
            assert answer.status_code == 404  # the other one's name is no address here
            await other.deliver(theirs.approved())
            await other.until_state(theirs.number, "waiting", "LINE_NOT_ORDERED")
            assert await marks(stack) == {"dl:default:1201:1", "dl:acme-nz:1201:1"}
            tickets = [one["externalXRef"] for one in await stack.get("/service/tickets")]
            assert sorted(tickets) == ["dl:acme-nz:1201:ticket", "dl:default:1201:ticket"]
            assert len(await stack.get("/sales/orders")) == 2
            for each in (stack, other):
                _, found = await examined(each)
                assert found["commerce_connection"]["outcome"] == "ok"


async def test_h1_another_installation_with_the_same_name_is_seen_by_the_doctor(
    database_url: str, other_database_url: str, redis_url: str
) -> None:
    order = an_order((CABLE, 10), opportunity=None)
    async with running(database_url, redis_url, **PLAINLY) as stack:
        await tell(stack, order.approved())
        await stack.until_state(order.number, "waiting", "LINE_NOT_ORDERED")
        async with beside(stack, other_database_url, redis_url) as other:
            _, found = await examined(other)
            assert found["commerce_connection"]["outcome"] == "warning"
            assert "(order 1201)" in found["commerce_connection"]["sentence"]
        _, found = await examined(stack)
        assert found["commerce_connection"]["outcome"] == "ok"


async def test_h1_another_name_is_refused_once_documents_came_in(
    database_url: str, redis_url: str
) -> None:
    order = an_order((CABLE, 10), opportunity=None)
    async with running(database_url, redis_url, worker=False, **PLAINLY) as stack:
        sandbox = stack.sandbox

        async def started(name: str) -> Container:
            renamed = settings(sandbox, database_url, redis_url, commerce_connection=name)
            async with opened(renamed, migrated=False, log=False) as container:
                return container

        # Nothing came in yet: any name will do, and none rules.
        assert (await started("acme-nz")).commerce_connection == "acme-nz"
        await stack.start_worker()
        await tell(stack, order.approved())
        await stack.until_state(order.number, "waiting", "LINE_NOT_ORDERED")
        with pytest.raises(NotConfigured) as refused:
            await started("acme-nz")
        assert "documents came in as default" in str(refused.value)
        assert str(refused.value).endswith("Set it to default again.")
        assert (await started("default")).commerce_connection == "default"
        listed = await stack.client.get("/admin/connections", headers=bearer())
        assert {one["name"] for one in listed.json()["items"]} == {"default", "acme-nz"}
