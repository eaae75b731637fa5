"""Records that several orders may want: one makes them, the others wait and are woken."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from app.domain.codes import Code, State
from app.domain.ports import Paused, Worker
from app.domain.records import Claim, LedgerRow, Ref
from tests.store.build import (
    LEASE,
    TENANT,
    FullStore,
    claim_one,
    deliver,
    done,
    order_of,
    release,
    sales_order,
    writes,
)

ITEM = ("catalog_item", "DELL-P2425H")


async def _claims(store: FullStore, worker: Worker, count: int) -> list[Claim]:
    documents = [sales_order(str(1201 + number)) for number in range(count)]
    await deliver(store, "orders", *documents)
    return await store.claim(worker, count, LEASE)


async def test_one_order_of_many_gets_the_claim(store: FullStore, worker: Worker) -> None:
    claims = await _claims(store, worker, 10)
    answers = await asyncio.gather(*(store.claim_shared(claim, *ITEM, 30) for claim in claims))
    assert sorted(answer.owned for answer in answers) == [False] * 9 + [True]
    assert all(answer.until is not None for answer in answers)


async def test_the_owner_may_claim_again(store: FullStore, worker: Worker) -> None:
    (claim,) = await _claims(store, worker, 1)
    first = await store.claim_shared(claim, *ITEM, 5)
    again = await store.claim_shared(claim, *ITEM, 60)
    assert again.owned
    assert first.until is not None
    assert again.until is not None
    assert again.until > first.until


async def test_dropping_a_claim_wakes_who_waits_for_it(store: FullStore, worker: Worker) -> None:
    owner, waiter, stranger = await _claims(store, worker, 3)
    assert (await store.claim_shared(owner, *ITEM, None)).owned
    answer = await store.claim_shared(waiter, *ITEM, None)
    assert not answer.owned
    assert await release(store, waiter)
    assert await release(store, stranger)
    await store.commit(writes(owner, drop_claims=[ITEM]))
    assert (await order_of(store, "id:1203")).due_at is None
    claim = await claim_one(store, worker)
    assert claim.order_id == waiter.order_id
    assert (await store.claim_shared(claim, *ITEM, None)).owned


async def test_a_claim_dropped_before_the_waiter_rests_refuses_its_rest(
    store: FullStore, worker: Worker
) -> None:
    owner, waiter = await _claims(store, worker, 2)
    await store.claim_shared(owner, *ITEM, None)
    before = await store.load(waiter)
    await store.claim_shared(waiter, *ITEM, None)
    await store.commit(writes(owner, drop_claims=[ITEM]))
    assert (await store.load(waiter)).order.wake_seq == before.order.wake_seq + 1


async def test_only_the_owner_drops_a_claim(store: FullStore, worker: Worker) -> None:
    owner, other = await _claims(store, worker, 2)
    await store.claim_shared(owner, *ITEM, None)
    await store.commit(writes(other, drop_claims=[ITEM]))
    assert not (await store.claim_shared(other, *ITEM, None)).owned


async def test_a_claim_that_ran_out_is_inherited_with_its_doubt(
    store: FullStore, worker: Worker
) -> None:
    owner, heir = await _claims(store, worker, 2)
    await store.claim_shared(owner, *ITEM, 0.2)
    kind, key = ITEM
    begun = await store.begin(
        owner, step="create_products", subject="order", kind=kind, key=key, evidence={}, shared=True
    )
    await store.begin(
        owner,
        step="create_products",
        subject="order",
        kind=kind,
        key="other",
        evidence={},
        shared=True,
    )
    assert not (await store.claim_shared(heir, *ITEM, 5)).owned
    await store.drop(owner, 0.0)
    await asyncio.sleep(0.3)
    answer = await store.claim_shared(heir, *ITEM, 5)
    assert answer.owned
    assert [intent.id for intent in answer.inherited] == [begun.id]
    await store.commit(writes(heir, outcomes=[(begun.id, {"id": 9})]))
    assert (await store.claim_shared(heir, *ITEM, 5)).inherited == ()
    # The first order finds the outcome as the memory of its own intent.
    (owner,) = await store.claim(worker, 1, LEASE)
    known = await store.begin(
        owner, step="create_products", subject="order", kind=kind, key=key, evidence={}, shared=True
    )
    assert known.outcome == {"id": 9}


async def test_h9_slow_calls_do_not_lose_a_claim_while_its_order_is_driven(
    store: FullStore, worker: Worker
) -> None:
    owner, heir = await _claims(store, worker, 2)
    await store.claim_shared(owner, *ITEM, 0.1)
    await asyncio.sleep(0.2)
    answer = await store.claim_shared(heir, *ITEM, 5)
    assert not answer.owned
    assert answer.until is not None
    assert answer.until > await store.now()  # who waits does not ask again and again
    assert (await store.claim_shared(owner, *ITEM, 0.1)).owned
    await store.heartbeat(worker, [owner.token], 0.3)
    assert not (await store.claim_shared(heir, *ITEM, 5)).owned
    await asyncio.sleep(0.4)  # its worker is gone, and with it the lease
    assert (await store.claim_shared(heir, *ITEM, 5)).owned


async def test_the_claim_of_an_order_that_is_done_is_free(store: FullStore, worker: Worker) -> None:
    owner, heir = await _claims(store, worker, 2)
    await store.claim_shared(owner, *ITEM, None)
    assert await release(store, owner, done())
    assert (await store.claim_shared(heir, *ITEM, None)).owned


async def test_claims_and_drops_at_once_lose_nobody(store: FullStore, worker: Worker) -> None:
    """Every order gets the record once, however waiting and dropping interleave."""
    claims = await _claims(store, worker, 12)
    made: list[int] = []

    async def work(claim: Claim) -> None:
        while True:
            snapshot = await store.load(claim)
            if (await store.claim_shared(claim, *ITEM, None)).owned:
                made.append(claim.order_id)
                await store.commit(writes(claim, drop_claims=[ITEM]))
                return
            # What a waiting order does: it rests until somebody wakes it.
            while (await store.load(claim)).order.wake_seq == snapshot.order.wake_seq:
                await asyncio.sleep(0.005)

    await asyncio.wait_for(asyncio.gather(*(work(claim) for claim in claims)), 30)
    assert sorted(made) == sorted(claim.order_id for claim in claims)


# --- connections ---------------------------------------------------------------------------------


def _pause(store: FullStore, seconds: float | None, by: str = "service") -> Paused:
    from datetime import UTC, datetime, timedelta

    until = None if seconds is None else datetime.now(UTC) + timedelta(seconds=seconds)
    return Paused(until, Code.RATE_LIMITED, "Slow down.", by)


async def test_a_pause_is_seen_by_every_order_until_it_ends(
    store: FullStore, worker: Worker
) -> None:
    (claim,) = await _claims(store, worker, 1)
    assert await store.paused(TENANT, "connectwise") is None
    paused = _pause(store, 0.5)
    await store.pause(TENANT, "connectwise", paused)
    assert await store.paused(TENANT, "connectwise") == paused
    assert (await store.load(claim)).paused["connectwise"].until == paused.until
    await asyncio.sleep(0.6)
    assert await store.paused(TENANT, "connectwise") is None
    assert not (await store.load(claim)).paused


async def test_a_pause_of_the_service_never_shortens_another(store: FullStore) -> None:
    long, short = _pause(store, 60), _pause(store, 5)
    await store.pause(TENANT, "connectwise", long)
    await store.pause(TENANT, "connectwise", short)
    assert await store.paused(TENANT, "connectwise") == long
    person = _pause(store, None, by="anna")
    await store.pause(TENANT, "connectwise", person)
    await store.pause(TENANT, "connectwise", long)
    assert await store.paused(TENANT, "connectwise") == person


async def test_what_is_remembered_is_forgotten_in_time(store: FullStore) -> None:
    await store.remember(TENANT, "company", "Contoso", {"id": 1, "name": "a\x00"}, 0.3)
    assert await store.recall(TENANT, "company", "Contoso") == {"id": 1, "name": "a\x00"}
    assert await store.recall(TENANT, "company", "Other") is None
    await store.remember(TENANT, "company", "Contoso", {"id": 2}, 0.3)
    assert await store.recall(TENANT, "company", "Contoso") == {"id": 2}
    await asyncio.sleep(0.4)
    assert await store.recall(TENANT, "company", "Contoso") is None


async def test_d13_an_order_sees_how_far_the_others_on_its_sales_order_are(
    store: FullStore, worker: Worker
) -> None:
    one, other, stranger = await _claims(store, worker, 3)
    number = Ref("sales_order", "", "70")
    for claim in (one, other):
        await store.commit(writes(claim, refs=[number]))
    await store.commit(writes(stranger, refs=[Ref("sales_order", "", "71")]))
    assert [each.ready for each in (await store.load(one)).others] == [False]
    row = LedgerRow("release_invoice", "order", State.WAITING, code=Code.SHARED_NOT_READY)
    await store.commit(writes(other, ledger=[row]))
    (seen,) = (await store.load(one)).others
    assert (seen.name, seen.code, seen.ready) == ("ON1202", Code.SHARED_NOT_READY, True)
    back = replace(row, state=State.DONE, code=None, want={"released": False})
    await store.commit(writes(other, ledger=[back]))
    assert [each.ready for each in (await store.load(one)).others] == [False]
    for ended in (replace(back, want={}), replace(back, state=State.SKIPPED)):
        await store.commit(writes(other, ledger=[ended]))
        assert [each.ready for each in (await store.load(one)).others] == [True]
    assert (await store.load(stranger)).others == ()


async def test_a3_a_write_that_names_a_further_key_is_inherited_by_that_key_too(
    store: FullStore, worker: Worker
) -> None:
    maker, other = await _claims(store, worker, 2)
    announced = await store.begin(
        maker,
        step="create_products",
        subject="order",
        kind="catalog_item",
        key="DELL-P2425H",
        evidence={"also": "P2425H"},
        shared=True,
    )
    answer = await store.claim_shared(other, "catalog_item", "P2425H", 30)
    assert [intent.id for intent in answer.inherited] == [announced.id]
    assert (await store.claim_shared(other, "catalog_item", "P2425", 30)).inherited == ()
