"""Which orders a reason stops, and in which words: what leads from them to a mapping's form."""

from __future__ import annotations

from typing import Any

from app.domain.codes import Code, State, Who
from app.domain.ports import Worker
from app.domain.records import Answer
from tests.store.build import (
    LEASE,
    TENANT,
    FullStore,
    applied,
    deliver,
    release,
    sales_order,
    waiting,
    writes,
)

HELD = Answer(State.HELD, Code.MAPPING_MISSING, "No such one.", Who.OPERATOR, None, "then")


async def test_who_a_reason_stops_is_told_in_the_words_of_each_step(
    store: FullStore, worker: Worker
) -> None:
    await deliver(store, "all", *[sales_order(str(1201 + number)) for number in range(3)])
    first, second, third = await store.claim(worker, 3, LEASE)
    said: Any = {"state": State.HELD, "want": None, "code": Code.MAPPING_MISSING}
    ledger = [
        applied(**said, step="create_products", sentence="No item."),
        applied(**said, step="raise_ticket", sentence="No company."),
        applied(**{**said, "code": Code.SETTING_MISSING}, step="ship_goods", sentence="No bin."),
    ]
    await store.commit(writes(second, ledger=ledger))
    await release(store, first, HELD)
    await release(store, second, waiting())
    await release(store, third, waiting())
    found = await store.stopped(TENANT, Code.MAPPING_MISSING, 10)
    assert [(one.order, one.sentences) for one in found] == [
        ("ON1201", (HELD.sentence,)),
        ("ON1202", ("No company.", "No item.")),
    ]
    assert [one.order_id for one in found] == [first.order_id, second.order_id]
    assert {one.connection for one in found} == {"default"}
    assert [one.order for one in await store.stopped(TENANT, Code.MAPPING_MISSING, 1)] == ["ON1201"]
    assert await store.stopped(TENANT + 1, Code.MAPPING_MISSING, 10) == []
    assert await store.stopped(TENANT, Code.BOOKS_CLOSED, 10) == []
