"""What a probe announced is kept until it is gone, and one probe at a time has the turn."""

from __future__ import annotations

import asyncio

from app.domain.probing import Made
from app.domain.views import Audit
from tests.store.build import TENANT, FullStore

AUDIT = Audit("anna", "doctor.probe", "MSP", {"mark": "DL-PROBE-A"})
ITEM = (Made.CATALOG_ITEM, "DL-PROBE-A", {"company": 250})


async def test_h9_announced_records_stand_in_order_until_they_are_gone(store: FullStore) -> None:
    assert await store.begin_probe(TENANT, "a", 30.0, AUDIT)
    first = await store.announce_probe(TENANT, "a", 30.0, ITEM, "anna")
    second = await store.announce_probe(TENANT, "a", 30.0, (Made.PRODUCT, "m", {}), "anna")
    assert first is not None
    assert second is not None
    await store.probe_made(first, 9001)
    one, two = await store.probe_records(TENANT)
    assert (one.kind, one.mark, one.external_id, dict(one.data)) == (*ITEM[:2], 9001, ITEM[2])
    assert (one.token, one.actor, one.announced_at <= await store.now()) == ("a", "anna", True)
    assert (two.id, two.kind, two.external_id) == (second, Made.PRODUCT, None)
    await store.probe_gone(first)
    assert [record.id for record in await store.probe_records(TENANT)] == [second]
    assert await store.probe_records(TENANT + 1) == []


async def test_h10_one_probe_at_a_time_has_the_turn(store: FullStore, beside: FullStore) -> None:
    taken = await asyncio.gather(
        *(one.begin_probe(TENANT, str(n), 30.0, AUDIT) for n, one in enumerate((store, beside)))
    )
    assert sorted(taken) == [False, True]
    mine = str(taken.index(True))
    assert await store.probe_under_way(TENANT)
    assert await store.announce_probe(TENANT, "another", 30.0, ITEM, "anna") is None
    await beside.end_probe(TENANT, "another")
    assert await store.probe_under_way(TENANT)
    await beside.end_probe(TENANT, mine)
    assert not await store.probe_under_way(TENANT)
    assert await store.announce_probe(TENANT, mine, 30.0, ITEM, "anna") is None
    assert await store.probe_records(TENANT) == []


async def test_h9_a_turn_that_stood_still_is_taken_over_and_cannot_go_on(store: FullStore) -> None:
    assert await store.begin_probe(TENANT, "dead", 0.05, AUDIT)
    assert await store.announce_probe(TENANT, "dead", 0.05, ITEM, "anna") is not None
    await asyncio.sleep(0.1)
    assert not await store.probe_under_way(TENANT)
    assert await store.begin_probe(TENANT, "next", 30.0, AUDIT)
    assert await store.announce_probe(TENANT, "dead", 30.0, ITEM, "anna") is None
    assert [record.token for record in await store.probe_records(TENANT)] == ["dead"]


async def test_an_announcement_prolongs_the_turn(store: FullStore) -> None:
    assert await store.begin_probe(TENANT, "a", 0.05, AUDIT)
    assert await store.announce_probe(TENANT, "a", 30.0, ITEM, "anna") is not None
    await asyncio.sleep(0.1)
    assert not await store.begin_probe(TENANT, "b", 30.0, AUDIT)
