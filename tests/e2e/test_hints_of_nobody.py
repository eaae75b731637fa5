"""Callbacks about records that no order carries: read once, and dropped (H8)."""

from __future__ import annotations

import asyncio

import pytest

from tests.e2e.harness import Rest, Stack, bearer, running

pytestmark = pytest.mark.processes


async def of_status(stack: Stack, status: str) -> list[Rest]:
    answer = await stack.client.get(
        "/admin/events", params={"status": status, "limit": 200}, headers=bearer()
    )
    answer.raise_for_status()
    found: list[Rest] = answer.json()["items"]
    return found


async def bought_by_person(stack: Stack, count: int) -> None:
    """Purchase orders that are nobody's, each renamed by a person: that calls back."""
    body = {"vendorCompany": {"identifier": "INGRAM"}, "terms": {"id": 1}, "status": {"id": 1}}
    for _ in range(count):
        made = await stack.cw.post("/procurement/purchaseorders", json=body)
        assert made.status_code == 201, made.text
        await stack.control("act", {"act": "rename_purchase_order", "id": made.json()["id"]})


async def test_h8_records_that_are_nobodys_are_read_once_and_dropped(
    database_url: str, redis_url: str
) -> None:
    async with running(database_url, redis_url, callbacks=True) as stack:
        await bought_by_person(stack, 3)
        async with asyncio.timeout(10):
            while len(dropped := await of_status(stack, "dropped")) < 3:
                await asyncio.sleep(0.05)
        assert {one["type"] for one in dropped} == {"purchaseorder.updated"}
        reads = [r for r in await stack.requests() if r["method"] == "GET"]
        assert sum("lineitems" in r["path"] for r in reads) == 3
