"""B1.4: declined quotes as aggregates of their own kind, and who wakes them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from app.domain.ports import Worker
from app.domain.records import Claim, Ref
from app.domain.views import Audit
from tests.store.build import (
    LEASE,
    TENANT,
    FullStore,
    codes_of,
    deliver,
    delivery,
    merge_all,
    order_of,
    plan,
    quote,
    sales_order,
    snapshot_of,
    writes,
)

QUOTE = "QO501"
OPEN, WON, DECLINED = 1, 3, 90
AUDIT = Audit("tester", "settings.set", "lost_on_decline")


@pytest.fixture
async def losing(store: FullStore) -> FullStore:
    """A store whose tenant lets declined quotes count."""
    await store.put_settings(TENANT, {"lost_on_decline": "true"}, AUDIT)
    return store


def told(
    number: str = "501", status: int = DECLINED, version: int = 1, opportunity: int | None = 88
) -> dict[str, Any]:
    return quote(
        number,
        version,
        status=status,
        quoteNumber=f"QO{number}",
        customer={"name": "Contoso Ltd"},
        connectwise={"opportunityId": opportunity},
    )


def order(number: str = "1201", on: str | None = None, opportunity: int | None = None) -> Any:
    return sales_order(number, quote=on, connectwise={"opportunityId": opportunity})


async def wakes(store: FullStore, number: str = QUOTE) -> int:
    return (await order_of(store, number)).wake_seq


async def beside(store: FullStore, number: str = QUOTE) -> set[tuple[str, str]]:
    snapshot = await snapshot_of(store, number)
    return {(stored.kind.value, stored.source_id) for stored in snapshot.siblings}


async def test_a_declined_quote_is_a_row_with_its_number_and_customer(losing: FullStore) -> None:
    accepted = await deliver(losing, "msg-1", told())
    row = await order_of(losing, QUOTE)
    assert (row.source_id, row.customer, row.of_quote, row.stock) == (
        "quote:501",
        "Contoso Ltd",
        True,
        False,
    )
    assert row.due_at is not None
    event = await losing.event(TENANT, accepted.event_id)
    assert event is not None
    assert event.orders == (QUOTE,)
    assert await codes_of(losing, QUOTE) == ["DOCUMENT_MERGED"]


@pytest.mark.parametrize("value", [None, "false"])
async def test_without_the_setting_there_is_no_row(store: FullStore, value: str | None) -> None:
    if value is not None:
        await store.put_settings(TENANT, {"lost_on_decline": value}, AUDIT)
    await deliver(store, "msg-1", told())
    assert await store.named(TENANT, QUOTE) == []


@pytest.mark.parametrize("status", [OPEN, WON])
async def test_a_quote_that_is_not_declined_begins_no_row_and_keeps_one(
    losing: FullStore, status: int
) -> None:
    await deliver(losing, "msg-1", told(status=status))
    assert await losing.named(TENANT, QUOTE) == []
    await deliver(losing, "msg-2", told(version=2))
    await deliver(losing, "msg-3", told(status=status, version=3))
    snapshot = await snapshot_of(losing, QUOTE)
    assert [stored.own["status"] for stored in snapshot.documents] == [status]


async def test_an_older_decline_that_comes_late_begins_nothing(losing: FullStore) -> None:
    await deliver(losing, "msg-1", told(status=WON, version=2))
    await deliver(losing, "msg-2", told(version=1))
    assert await losing.named(TENANT, QUOTE) == []


@pytest.mark.parametrize(
    "document",
    [
        told("502", OPEN),
        told("502", DECLINED),
        order(opportunity=88),
        order(on="501"),
        order(on="503"),
        told(status=WON, version=2),
    ],
    ids=["open", "declined", "its opportunity", "on it", "on another", "itself"],
)
async def test_what_decides_about_it_wakes_it_and_stands_beside_it(
    losing: FullStore, document: dict[str, Any]
) -> None:
    await deliver(losing, "msg-1", told(), told("503"))
    before = await wakes(losing)
    await deliver(losing, "msg-2", document)
    assert await wakes(losing) == before + 1
    own = document["source_id"] == "501"
    place = (document["kind"], document["source_id"])
    assert (place in await beside(losing)) is not own
    await deliver(losing, "msg-3", document)
    assert await wakes(losing) == before + 1, "the same again says nothing new"


async def test_what_is_not_of_its_opportunity_leaves_it_alone(losing: FullStore) -> None:
    await deliver(losing, "msg-1", told())
    before = await wakes(losing)
    others = [told("502", OPEN, opportunity=89), order(opportunity=89), order("1202", on="502")]
    await deliver(losing, "msg-2", *others)
    assert await wakes(losing) == before
    assert await beside(losing) == set()


async def test_a_quote_that_leaves_the_opportunity_wakes_it_too(losing: FullStore) -> None:
    await deliver(losing, "msg-1", told(), told("502", OPEN))
    before = await wakes(losing)
    await deliver(losing, "msg-2", told("502", OPEN, version=2, opportunity=89))
    assert await wakes(losing) == before + 1
    assert await beside(losing) == set()


async def test_of_merges_at_once_none_misses_the_other(losing: FullStore) -> None:
    """Neither sees the row of the other while it is not committed: opportunities are locked."""
    for round_ in range(8):
        opportunity = 100 + round_
        pair = [told(f"6{round_}", DECLINED, opportunity=opportunity)]
        pair += [told(f"7{round_}", DECLINED, opportunity=opportunity)]
        for document in pair:
            await losing.accept(delivery(f"m-{document['source_id']}", document))
        await asyncio.gather(*(_one(losing) for _ in pair))
        # Each begins its own row, and the later merge wakes the row of the earlier one.
        seen = [await wakes(losing, f"QO{document['source_id']}") for document in pair]
        assert sorted(seen) == [1, 2]
        found = [await beside(losing, f"QO{document['source_id']}") for document in pair]
        assert all(len(one) == 1 for one in found)


async def _one(store: FullStore) -> None:
    await store.merge(plan, 1)
    await merge_all(store)


# --- with orders ----------------------------------------------------------------------------------


async def _both(store: FullStore, worker: Worker) -> tuple[Claim, Claim]:
    """The claims of a declined quote and of an order, both of opportunity 88."""
    await deliver(store, "msg-1", told())
    await deliver(store, "msg-2", order(opportunity=88))
    claims = {claim.order_id: claim for claim in await store.claim(worker, 2, LEASE)}
    return (
        claims[(await order_of(store, QUOTE)).id],
        claims[(await order_of(store, "ON1201")).id],
    )


async def test_d13_an_opportunity_is_not_shared_with_its_declined_quotes(
    losing: FullStore, worker: Worker
) -> None:
    mine, theirs = await _both(losing, worker)
    await losing.commit(writes(mine, refs=[Ref("opportunity", "88", "88")]))
    assert (await losing.load(theirs)).shared == {}
    await losing.commit(writes(theirs, refs=[Ref("opportunity", "", "88")]))
    assert (await losing.load(mine)).shared == {("opportunity", "88"): ("ON1201",)}


async def test_who_marked_an_opportunity_lost_is_known_from_the_announcement_on(
    losing: FullStore, worker: Worker
) -> None:
    mine, _ = await _both(losing, worker)
    await losing.commit(writes(mine, refs=[Ref("opportunity", "88", "88")]))
    assert await losing.marked_lost(TENANT, 88) is None
    intent = await losing.begin(
        mine,
        step="lose_opportunity",
        subject="order",
        kind="lost_opportunity",
        key="88@then",
        evidence={},
    )
    assert await losing.marked_lost(TENANT, 88) == (QUOTE, intent.committed_at)
    await losing.commit(writes(mine, outcomes=[(intent.id, {"status": 5})]))
    known = await losing.marked_lost(TENANT, 88)
    assert known is not None
    assert known[1] > intent.committed_at
    assert await losing.marked_lost(TENANT, 8) is None


async def test_a_claim_tells_whether_something_came_in(losing: FullStore, worker: Worker) -> None:
    mine, theirs = await _both(losing, worker)
    seen = (await losing.load(mine)).order.wake_seq
    assert (await losing.claim_shared(mine, "opportunity", "88", 5)).wake_seq == seen
    await deliver(losing, "msg-3", told("502", OPEN))
    assert (await losing.claim_shared(mine, "opportunity", "88", 5)).wake_seq == seen + 1
    assert not (await losing.claim_shared(theirs, "opportunity", "88", 5)).owned
