"""Commits: what a round writes, and when an order is given back."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from app.domain.codes import Code, State, Who
from app.domain.errors import LeaseLost, RecordTaken
from app.domain.ports import Worker
from app.domain.records import (
    Answer,
    CallRecord,
    Claim,
    Fact,
    JournalEntry,
    Ref,
    Release,
    StepRun,
)
from tests.store.build import (
    LEASE,
    FullStore,
    applied,
    claim_one,
    codes_of,
    deliver,
    done,
    entry,
    order_of,
    purchase_order,
    release,
    sales_order,
    snapshot_of,
    waiting,
    writes,
)

CALL = CallRecord("connectwise", "POST", "/sales/orders", "", 201, 12.5, "{}", '{"id":1}')


async def _claims(store: FullStore, worker: Worker, count: int) -> list[Claim]:
    documents = [sales_order(str(1201 + number)) for number in range(count)]
    await deliver(store, "orders", *documents)
    return await store.claim(worker, count, LEASE)


async def test_everything_of_a_round_is_there_afterwards(store: FullStore, worker: Worker) -> None:
    (claim,) = await _claims(store, worker, 1)
    now = await store.now()
    row = applied(
        want={"b": [1, "2"], "a\x00": None},
        applied_at=now,
        attempts=2,
        tries=1,
        choices=("a", "b"),
        retry_at=now,
        retry_wake=7,
        code=Code.READ_LAG,
        sentence="Look\x00 again.",
        who=Who.SALES,
    )
    fact = Fact("conversion", "k", {"sales_orders": [1]}, now)
    ref = Ref("purchase_order", "881", "7001", {"number": "PO1"}, exclusive=True)
    given = writes(
        claim,
        ledger=[applied(state=State.WAITING), row],
        refs=[ref],
        facts=[fact],
        journal=[entry("ONE"), entry("TWO")],
        calls=[CALL, CALL],
        pin=("connectwise-procurement-opportunity", 1, {"invoice_policy": "all_goods"}),
    )
    assert (await store.commit(given)).held
    snapshot = await store.load(claim)
    (kept,) = snapshot.ledger
    assert kept.sentence == "Look\ufffd again."
    assert (kept.want, kept.choices, kept.retry_wake) == (row.want, row.choices, 7)
    assert (kept.applied_at, kept.retry_at, kept.tries) == (now, now, 1)
    assert snapshot.refs == (ref,)
    assert snapshot.facts == (fact,)
    assert snapshot.order.scenario == "connectwise-procurement-opportunity"
    assert snapshot.order.behaviour == {"invoice_policy": "all_goods"}
    assert (await codes_of(store))[-2:] == ["ONE", "TWO"]
    calls = await store.calls(claim.order_id, None, 10)
    assert [row.call for row in calls.items] == [CALL, CALL]


async def test_what_is_dropped_is_gone(store: FullStore, worker: Worker) -> None:
    (claim,) = await _claims(store, worker, 1)
    refs = [Ref("product", "1", "11"), Ref("product", "2", "12")]
    ledger = [applied("a"), applied("b")]
    await store.commit(writes(claim, refs=refs, ledger=ledger))
    dropped = writes(claim, drop_refs=[("product", "1")], drop_ledger=[("a", "order")])
    await store.commit(dropped)
    snapshot = await store.load(claim)
    assert [ref.key for ref in snapshot.refs] == ["2"]
    assert [row.step for row in snapshot.ledger] == ["b"]


# --- giving back ---------------------------------------------------------------------------------


async def test_new_documents_refuse_the_release(store: FullStore, worker: Worker) -> None:
    (claim,) = await _claims(store, worker, 1)
    before = await store.load(claim)
    await deliver(store, "late", purchase_order())
    given = Release(before.order.wake_seq, None, done())
    answer = await store.commit(writes(claim, journal=[entry("KEPT")]), given)
    assert (answer.held, answer.released) == (True, False)
    # The answer and the round's rows are kept, and the order is still ours.
    assert (await order_of(store)).code is Code.RELEASED
    assert "KEPT" in await codes_of(store)
    after = await store.load(claim)
    assert after.order.wake_seq == before.order.wake_seq + 1
    assert await release(store, claim, done())


async def test_no_document_is_ever_left_unseen(store: FullStore) -> None:
    """Workers come and go while documents come in: the last one that gave the order back had
    seen everything."""
    await deliver(store, "first", sales_order())
    seen: list[int] = []
    stop = asyncio.Event()

    async def work() -> None:
        async with store.join() as worker:
            while not stop.is_set() or await store.next_due() is not None:
                for claim in await store.claim(worker, 5, LEASE):
                    while True:
                        snapshot = await store.load(claim)
                        given = Release(snapshot.order.wake_seq, None, waiting())
                        if (await store.commit(writes(claim), given)).released:
                            seen.append(len(snapshot.documents))
                            break
                await asyncio.sleep(0)

    async def feed() -> None:
        for number in range(60):
            await deliver(store, f"po-{number}", purchase_order(f"9{number}"))
        stop.set()

    await asyncio.gather(feed(), work(), work(), work())
    assert seen[-1] == 61
    assert (await order_of(store)).due_at is None


async def test_since_stays_while_the_reason_stays(store: FullStore, worker: Worker) -> None:
    (claim,) = await _claims(store, worker, 1)
    await release(store, claim, waiting(), due_at=await store.now())
    first = (await order_of(store)).since
    claim = await claim_one(store, worker)
    await release(store, claim, waiting(), due_at=await store.now())
    assert (await order_of(store)).since == first
    claim = await claim_one(store, worker)
    await release(store, claim, waiting(Code.SO_MISSING, choices=("go",)))
    order = await order_of(store)
    assert order.since is not None
    assert first is not None
    assert order.since > first
    assert order.choices == ("go",)
    claim = (await _woken(store, worker, claim.order_id))[0]
    told = first - timedelta(days=1)
    await release(
        store, claim, Answer(State.HELD, Code.SO_MISSING, "Held.", Who.SALES, told, "never")
    )
    assert (await order_of(store)).since == told


async def _woken(store: FullStore, worker: Worker, order_id: int) -> list[Claim]:
    await store.wake([order_id])
    return await store.claim(worker, 10, LEASE)


# --- groups --------------------------------------------------------------------------------------


async def test_a_lost_token_drops_only_its_own_rows(store: FullStore, worker: Worker) -> None:
    claims = await _claims(store, worker, 8)
    lost = Claim(claims[3].order_id, "somebody else's", claims[3].lease_until, 1)
    given = [writes(c, journal=[entry("ROUND")]) for c in [*claims[:3], lost, *claims[4:]]]
    answers = await asyncio.gather(*(store.commit(one) for one in given))
    assert [answer.held for answer in answers] == [True] * 3 + [False] + [True] * 4
    told = [(await codes_of(store, f"id:{1201 + n}")).count("ROUND") for n in range(8)]
    assert told == [1, 1, 1, 0, 1, 1, 1, 1]


async def test_rows_that_cannot_be_kept_do_not_fail_the_group(
    store: FullStore, worker: Worker
) -> None:
    claims = await _claims(store, worker, 8)
    given = [writes(claim, journal=[entry("ROUND")]) for claim in claims]
    given[5].journal.append(JournalEntry("\x00", "A code that no database can keep."))
    answers = await asyncio.gather(*(store.commit(one) for one in given), return_exceptions=True)
    assert [isinstance(answer, Exception) for answer in answers].index(True) == 5
    told = [(await codes_of(store, f"id:{1201 + n}")).count("ROUND") for n in range(8)]
    assert told == [1, 1, 1, 1, 1, 0, 1, 1]
    assert (await store.commit(writes(claims[5]))).held


async def test_two_write_sets_of_one_order_are_both_written(
    store: FullStore, worker: Worker
) -> None:
    (claim,) = await _claims(store, worker, 1)
    given = [
        writes(claim, journal=[entry(f"N{number}")], ledger=[applied()]) for number in range(5)
    ]
    await asyncio.gather(*(store.commit(one) for one in given))
    assert (await codes_of(store))[-5:] == [f"N{number}" for number in range(5)]


# --- records that only one order may carry -------------------------------------------------------


async def test_an_exclusive_record_belongs_to_one_order(store: FullStore, worker: Worker) -> None:
    first, second = await _claims(store, worker, 2)
    ref = Ref("purchase_order", "881", "7001", exclusive=True)
    await store.commit(writes(first, refs=[ref]))
    with pytest.raises(RecordTaken, match="7001"):
        await store.commit(writes(second, refs=[ref], journal=[entry("LOST")]))
    assert "LOST" not in await codes_of(store, "id:1202")
    await store.commit(writes(first, drop_refs=[("purchase_order", "881")]))
    assert (await store.commit(writes(second, refs=[ref]))).held


async def test_what_one_order_has_alone_is_not_shared_with_another(
    store: FullStore, worker: Worker
) -> None:
    """Whoever asks for it as a shared record is refused as well."""
    first, second = await _claims(store, worker, 2)
    await store.commit(writes(first, refs=[Ref("purchase_order", "881", "7001", exclusive=True)]))
    with pytest.raises(RecordTaken, match="7001"):
        await store.commit(writes(second, refs=[Ref("purchase_order", "882", "7001")]))
    assert (await store.load(second)).refs == ()


async def test_of_two_at_once_one_gets_the_exclusive_record(
    store: FullStore, worker: Worker
) -> None:
    claims = await _claims(store, worker, 4)
    ref = Ref("product", "1", "500", exclusive=True)
    answers = await asyncio.gather(
        *(store.commit(writes(claim, refs=[ref])) for claim in claims), return_exceptions=True
    )
    assert sorted(isinstance(answer, RecordTaken) for answer in answers) == [False] + [True] * 3


async def test_a_shared_record_is_seen_by_who_names_it(store: FullStore, worker: Worker) -> None:
    first, second = await _claims(store, worker, 2)
    ref = Ref("opportunity", "", "88")
    await store.commit(writes(first, refs=[ref]))
    assert (await store.load(second)).shared == {}
    await deliver(store, "hint", sales_order("1202", version=2, connectwise={"opportunityId": 88}))
    assert (await store.load(second)).shared == {("opportunity", "88"): ("ON1201",)}
    await store.commit(writes(second, refs=[ref]))
    assert (await store.load(first)).shared == {("opportunity", "88"): ("ON1202",)}


async def test_one_order_may_carry_a_record_under_two_keys(
    store: FullStore, worker: Worker
) -> None:
    (claim,) = await _claims(store, worker, 1)
    refs = [Ref("product", key, "500", exclusive=True) for key in ("1", "2")]
    assert (await store.commit(writes(claim, refs=refs))).held
    await store.commit(writes(claim, drop_refs=[("product", "1")]))
    assert (await store.load(claim)).refs == (refs[1],)


# --- steps and intents ---------------------------------------------------------------------------


async def test_one_step_of_an_order_runs_at_a_time(store: FullStore, worker: Worker) -> None:
    (claim,) = await _claims(store, worker, 1)
    first = StepRun("win_opportunity", "order", 1)
    second = StepRun("create_products", "order", 1)
    await store.commit(writes(claim, run_started=first))
    with pytest.raises(Exception, match="step_run"):
        await store.commit(writes(claim, run_started=second))
    assert (await store.commit(writes(claim, run_finished="done", run_started=second))).held
    assert (await store.commit(writes(claim, run_finished="done"))).held
    once = writes(claim, run_started=first, run_finished="done")
    assert (await store.commit(once)).held
    assert (await store.commit(writes(claim, run_started=first))).held


async def _intent(store: FullStore, claim: Claim, key: str = "k", *, shared: bool = False) -> int:
    evidence = {"x": 1}
    begun = await store.begin(
        claim, step="s", subject="order", kind="product", key=key, evidence=evidence, shared=shared
    )
    return begun.id


async def test_an_intent_is_announced_once_and_remembered(store: FullStore, worker: Worker) -> None:
    (claim,) = await _claims(store, worker, 1)
    given: dict[str, Any] = {"step": "s", "subject": "order", "kind": "product", "key": "k"}
    first = await store.begin(claim, **given, evidence={"x": 1}, calls=[CALL])
    again = await store.begin(claim, **given, evidence={"x": 2})
    assert (first.fresh, again.fresh) == (True, False)
    assert (again.id, again.evidence, again.attempt) == (first.id, {"x": 1}, 1)
    await store.commit(writes(claim, looked=[first.id]))
    looked = (await store.begin(claim, **given, evidence={})).looked_at
    assert looked is not None
    await store.commit(writes(claim, looked=[first.id]))
    assert (await store.begin(claim, **given, evidence={})).looked_at == looked
    anew = await store.announce_again(claim, first.id)
    assert (anew.attempt, anew.looked_at) == (2, None)
    assert anew.committed_at > first.committed_at
    await store.commit(writes(claim, outcomes=[(first.id, {"id": 5})]))
    known = await store.begin(claim, **given, evidence={})
    assert known.outcome == {"id": 5}
    assert (await snapshot_of(store)).intents == (known,)
    assert len((await store.calls(claim.order_id, None, 10)).items) == 1


async def test_a_refused_intent_is_forgotten_and_a_settled_one_is_not(
    store: FullStore, worker: Worker
) -> None:
    (claim,) = await _claims(store, worker, 1)
    refused, settled = await _intent(store, claim, "a"), await _intent(store, claim, "b")
    await store.commit(writes(claim, outcomes=[(settled, {"id": 1})]))
    await store.commit(writes(claim, refused=[refused, settled]))
    assert [intent.key for intent in (await store.load(claim)).intents] == ["b"]


async def test_without_the_lease_nothing_is_announced(store: FullStore, worker: Worker) -> None:
    (claim,) = await _claims(store, worker, 1)
    known = await _intent(store, claim)
    lost = Claim(claim.order_id, "lost", claim.lease_until, 1)
    with pytest.raises(LeaseLost):
        await _intent(store, lost, "other")
    with pytest.raises(LeaseLost):
        await store.announce_again(lost, known)
    with pytest.raises(LeaseLost):
        await store.claim_shared(lost, "catalog_item", "A", 5)
    assert len((await store.load(claim)).intents) == 1


async def test_another_orders_intent_is_settled_only_where_it_is_shared(
    store: FullStore, worker: Worker
) -> None:
    first, second = await _claims(store, worker, 2)
    own = await _intent(store, first, "own")
    shared = await _intent(store, first, "shared", shared=True)
    await store.commit(writes(second, outcomes=[(own, {"id": 1}), (shared, {"id": 2})]))
    outcomes = {intent.key: intent.outcome for intent in (await store.load(first)).intents}
    assert outcomes == {"own": None, "shared": {"id": 2}}
