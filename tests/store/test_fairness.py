"""One tenant's flood does not stand before another tenant's orders (H10, C7, decision 0038)."""

from __future__ import annotations

from collections import Counter

import pytest

from app.domain.ports import Worker
from app.domain.records import InboxEvent, Merge
from app.store.fairness import in_turn
from tests.store.build import (
    LEASE,
    FullStore,
    delivery,
    done,
    have_tenant,
    merge_all,
    plan,
    release,
    sales_order,
)

FLOOD = 60
OTHER = 2


@pytest.fixture
async def flooded(store: FullStore) -> FullStore:
    """Many events of one tenant, then a few of another."""
    await have_tenant(store, OTHER, "fabrikam")
    for number in range(FLOOD):
        given = sales_order(str(2000 + number))
        await store.accept(delivery(f"flood-{number}", given))
    for number in range(3):
        given = sales_order(str(9000 + number))
        await store.accept(delivery(f"other-{number}", given, connection="fabrikam"))
    return store


async def _count(store: FullStore, taken: list[int]) -> Counter[int]:
    """How many of the orders are whose."""
    others = {row.id for row in await store.by_ids(OTHER, taken)}
    return Counter(OTHER if one in others else 1 for one in taken)


async def test_h10_claims_are_shared_among_the_tenants(flooded: FullStore, worker: Worker) -> None:
    await merge_all(flooded)
    first = await flooded.claim(worker, 4, LEASE)
    names = [claim.order_id for claim in first]
    assert await _count(flooded, names) == {1: 2, OTHER: 2}
    # With two of each under way the next goes to whoever waits longest, then to the other.
    second = await flooded.claim(worker, 2, LEASE)
    assert await _count(flooded, [claim.order_id for claim in second]) == {1: 1, OTHER: 1}
    # What the other does not need is not kept free for it.
    third = await flooded.claim(worker, 32, LEASE)
    assert await _count(flooded, [claim.order_id for claim in third]) == {1: 32}


async def test_h10_one_free_place_goes_to_who_has_least_under_way(
    flooded: FullStore, worker: Worker
) -> None:
    await merge_all(flooded)
    claims = await flooded.claim(worker, 8, LEASE)
    flood = [one for one in claims if await _count(flooded, [one.order_id]) == {1: 1}]
    others = [one for one in claims if one not in flood]
    assert len(others) == 3  # all that it has
    assert await release(flooded, others[0], done())
    await flooded.wake([others[0].order_id])
    (place,) = await flooded.claim(worker, 1, LEASE)
    assert place.order_id == others[0].order_id


async def test_h10_a_tenant_alone_has_every_place_in_order(
    flooded: FullStore, worker: Worker
) -> None:
    await merge_all(flooded)
    taken = [claim.order_id for claim in await flooded.claim(worker, FLOOD + 3, LEASE)]
    assert len(taken) == len(set(taken)) == FLOOD + 3


async def test_h10_groups_of_the_inbox_are_shared_among_the_tenants(flooded: FullStore) -> None:
    seen: list[str] = []

    def noting(event: InboxEvent, now: object) -> Merge:
        seen.append(event.connection)
        return plan(event, now)  # type: ignore[arg-type]

    assert await flooded.merge(noting, 10) >= 8
    assert seen.count("fabrikam") == 3
    await merge_all(flooded)


def test_in_turn_lets_who_has_least_go_first() -> None:
    works = [(1, 10), (1, 11), (1, 12), (2, 20), (2, 21), (3, 30)]
    taken = in_turn(works, lambda one: one[0], lambda one: (one[1], 0), {2: 1}, 5)
    assert taken == [(1, 10), (3, 30), (1, 11), (2, 20), (1, 12)]


async def test_h10_hints_are_read_in_turn_and_a_slow_tenant_holds_no_more_than_its_places(
    flooded: FullStore,
) -> None:
    for tenant, name in ((1, "default"), (OTHER, "fabrikam-cw")):
        await flooded.ensure_connection(tenant, "connectwise", name)
        for number in range(8):
            given = delivery(
                f"{name}-{number}", source="connectwise", connection=name,
                routes=(("invoice", str(number)),), event_type="invoice.updated",
            )  # fmt: skip
            await flooded.accept(given)
    await merge_all(flooded)

    async def handed(limit: int, busy: list[int]) -> Counter[int]:
        return Counter(hint.tenant_id for hint in await flooded.hints(limit, 3, busy))

    assert await handed(4, []) == {1: 2, OTHER: 2}
    assert await handed(1, [1, 1, OTHER]) == {OTHER: 1}
    # The first tenant has all of its places; what it leaves is no reason to stop the other.
    assert await handed(10, [1, 1, 1, OTHER]) == {OTHER: 2}
    assert await handed(10, [1, 1, 1]) == {OTHER: 3}
    assert await handed(10, [1, 1, 1]) == {}
    assert await handed(10, []) == {1: 3}
