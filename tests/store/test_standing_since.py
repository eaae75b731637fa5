"""Since when an order needs a person, on every kind of store: over looks in between, until a person acts."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

from app.domain.codes import Code, State, Who
from app.domain.ports import Worker
from app.domain.records import Answer, Decision
from app.domain.views import DecisionMade
from app.store.memory import MemoryStore
from app.store.postgres import PostgresStore
from tests.builders import NOW
from tests.store.build import (
    TENANT,
    FullStore,
    claim_one,
    deliver,
    order_of,
    release,
    sales_order,
    waiting,
)

LAG = waiting(Code.READ_LAG)


def held(sentence: str = "No company.", since: datetime | None = None) -> Answer:
    return Answer(State.HELD, Code.MAPPING_MISSING, sentence, Who.SALES, since, "later")


async def answer(store: FullStore, worker: Worker, *answers: Answer) -> datetime:
    """Have the order looked at so; since when it stands then."""
    for one in answers:
        await store.wake([(await order_of(store)).id])
        assert await release(store, await claim_one(store, worker), one)
        await asyncio.sleep(0.002)
    found = await order_of(store)
    assert found.since is not None
    return found.since


async def stood(store: FullStore) -> tuple[str | None, datetime, datetime | None]:
    """What is kept of what stopped it."""
    order_id = (await order_of(store)).id
    row: Any
    if isinstance(store, MemoryStore):
        row = store._db.tables.orders.get(order_id)
    else:
        assert isinstance(store, PostgresStore)
        async with store._db.session() as session:
            row = await session.fetchrow("SELECT * FROM orders WHERE id = $1", order_id)
    assert row is not None
    return row["stood_as"], row["stood_since"], row["stood_until"]


async def test_a_look_in_between_leaves_it_since_the_beginning(
    store: FullStore, worker: Worker
) -> None:
    await deliver(store, "all", sales_order("1201"))
    began = await answer(store, worker, held("3 of 5 are missing."))
    now = await store.now()
    assert await answer(store, worker, LAG) > began
    assert await answer(store, worker, held("2 of 5 are missing.", now)) == began
    assert await answer(store, worker, waiting(Code.CONNECTION_UNREACHABLE), held("2 of 5 are missing.")) == began  # fmt: skip
    _, since, until = await stood(store)
    assert (since, until) == (began, None)


async def test_another_sentence_is_another_trouble(store: FullStore, worker: Worker) -> None:
    await deliver(store, "all", sales_order("1201"))
    began = await answer(store, worker, held())
    first = await stood(store)
    await answer(store, worker, held("No vendor.", began))
    second = await stood(store)
    assert second[0] != first[0]
    assert second[1] > first[1]


async def test_what_went_on_in_between_ends_it_later(store: FullStore, worker: Worker) -> None:
    await deliver(store, "all", sales_order("1201"))
    began = await answer(store, worker, held())
    await answer(store, worker, waiting())
    trouble, since, until = await stood(store)
    assert trouble is not None
    assert since == began
    assert until is not None
    await answer(store, worker, LAG, waiting())
    assert await stood(store) == (trouble, since, until)
    assert await answer(store, worker, held()) == began  # within the episode


async def test_it_begins_anew_after_a_person_acted(store: FullStore, worker: Worker) -> None:
    await deliver(store, "all", sales_order("1201"))
    began = await answer(store, worker, held())
    order_id = (await order_of(store)).id

    async def wake() -> None:
        await store.wake_orders(TENANT, [order_id], "anna", "corrected")

    async def decide() -> None:
        one = Decision("x", "order", Code.MAPPING_MISSING, "look_again", "y", "anna", NOW)
        await store.decide(DecisionMade(order_id, one))

    async def hold() -> None:
        await store.hold(order_id, "anna", "later")
        await store.release_hold(order_id, "anna", "now")

    last = began
    for act in (wake, decide, hold):
        await act()
        trouble, since, _ = await stood(store)
        assert (trouble, since) == (None, last)  # nobody looked at it yet
        assert await answer(store, worker, LAG, held()) > last
        _, last, _ = await stood(store)
        await answer(store, worker, LAG, held())
        assert (await stood(store))[1] == last


async def test_what_was_stopped_before_there_was_such_a_memory_is_no_news(
    store: FullStore, worker: Worker
) -> None:
    await deliver(store, "all", sales_order("1201"))
    began = await answer(store, worker, held())
    nothing = {"stood_as": None, "stood_since": None, "stood_until": None}
    if isinstance(store, MemoryStore):
        store._db.tables.orders.change((await order_of(store)).id, **nothing)
    else:
        assert isinstance(store, PostgresStore)
        async with store._db.session() as session:
            await session.execute("UPDATE orders SET stood_as = NULL, stood_since = NULL")
    await answer(store, worker, held(since=began))
    assert (await stood(store))[1] == began
