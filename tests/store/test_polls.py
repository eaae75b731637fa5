"""The memory of the poll of Commerce: one turn at a time, and nothing half kept (G8)."""

from __future__ import annotations

from typing import Any

import pytest

from app.domain.documents import Kind
from app.domain.ports import Worker
from app.domain.records import Delivery
from tests.store import build
from tests.store.build import TENANT, FullStore

LEASE = 60.0


def polled(number: str = "poll:1", body: Any = b"{}", **more: Any) -> Delivery:
    return Delivery(
        source="commerce",
        connection="default",
        external_id=number,
        event_type="sales_order.updated",
        body=body,
        headers={},
        routing=None,
        **more,
    )


async def inbox(store: FullStore) -> list[str]:
    page = await store.events(TENANT, None, None, None, 100)
    return [f"{event.external_id} {event.status}" for event in reversed(page.items)]


async def test_g8_a_turn_is_one_workers_until_it_gives_it_back(
    store: FullStore,
) -> None:
    async with store.join() as one, store.join() as other:
        turn = await store.take_turn("default", one.id, LEASE)
        assert turn.token is not None
        assert turn.state is None
        assert (await store.take_turn("default", other.id, LEASE)).token is None
        assert await store.kept_state("default") is None
        kept = await store.keep_turn("default", turn.token, {"n": 1}, (), lease=LEASE)
        assert await store.kept_state("default") == {"n": 1}
        assert await store.kept_state("nobody") is None
        assert kept
        assert (await store.take_turn("default", other.id, LEASE)).token is None
        await store.keep_turn("default", turn.token, {"n": 2}, (), lease=None, rest=0)
        again = await store.take_turn("default", other.id, LEASE)
        assert (again.token is not None, again.state) == (True, {"n": 2})


async def test_g8_a_turn_rests_as_long_as_it_was_told(store: FullStore) -> None:
    async with store.join() as worker:
        turn = await store.take_turn("default", worker.id, LEASE)
        assert turn.token is not None
        await store.keep_turn("default", turn.token, {}, (), lease=None, rest=90)
        later = await store.take_turn("default", worker.id, LEASE)
        assert later.token is None
        assert 80 < (later.due - later.now).total_seconds() <= 90


async def test_g8_a_dead_workers_turn_is_free_at_once_and_its_token_is_worth_nothing(
    store: FullStore,
) -> None:
    async with store.join() as dead:
        turn = await store.take_turn("default", dead.id, LEASE)
    assert turn.token is not None
    async with store.join() as heir:
        taken = await store.take_turn("default", heir.id, LEASE)
        assert taken.token is not None
        late = await store.keep_turn("default", turn.token, {}, [polled()], lease=LEASE)
        assert late is False
        assert await inbox(store) == []


async def test_g8_a_turn_of_a_lost_host_ends_by_itself(store: FullStore) -> None:
    async with store.join() as lost, store.join() as heir:
        await store.take_turn("default", lost.id, 0.0)
        assert (await store.take_turn("default", heir.id, LEASE)).token is not None


async def test_g8_h1_what_was_read_is_kept_with_how_far_it_was_read(
    store: FullStore,
) -> None:
    async with store.join() as worker:
        turn = await store.take_turn("default", worker.id, LEASE)
        assert turn.token is not None
        two = [polled(), polled("poll:2", status="rejected")]
        assert await store.keep_turn("default", turn.token, {"n": 1}, two, lease=LEASE)
        # The same state read again is the same delivery.
        assert await store.keep_turn("default", turn.token, {"n": 2}, two[:1], lease=LEASE)
        assert await inbox(store) == ["poll:1 new", "poll:2 rejected"]
        broken = polled("poll:3", body=None, body_hash="x")
        with pytest.raises(Exception, match="null value"):
            await store.keep_turn("default", turn.token, {"n": 3}, [broken], lease=None)
        assert (await store.take_turn("default", worker.id, LEASE)).token is None
        await store.keep_turn("default", turn.token, {"n": 4}, (), lease=None)
        again = await store.take_turn("default", worker.id, LEASE)
        assert again.state == {"n": 4}, (
            "neither the state nor the turn moved without its deliveries"
        )


async def test_g8_an_unknown_connection_is_refused(store: FullStore, worker: Worker) -> None:
    with pytest.raises(KeyError):
        await store.take_turn("elsewhere", worker.id, LEASE)


async def test_g8_merged_documents_are_found_by_what_commerce_calls_them(
    store: FullStore,
) -> None:
    assert await store.merged("default", Kind.SALES_ORDER, "1201") is None
    documents = [build.sales_order(), build.purchase_order(), build.receipt(), build.receipt("R-2")]
    await store.accept(build.delivery("msg-1", *documents))
    await store.merge(build.plan, 10)
    found = await store.merged("default", Kind.SALES_ORDER, "1201")
    assert found is not None
    assert found.body()["orderNumber"] == "ON1201"
    receipts = await store.merged_receipts("default", "881")
    assert sorted(one.source_id for one in receipts) == ["R-1", "R-2"]
    assert await store.merged_receipts("default", "882") == []
    assert await store.merged("elsewhere", Kind.SALES_ORDER, "1201") is None
