"""A player that does generated work on a store and tells what it was answered.

Owns the choice of what is done, which rests on a seed and on the answers alone: two players with
one seed do the same as long as their stores answer the same. Ids, tokens and moments are told by
what they belong to, because those are a store's own.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any, Self

from app.domain.codes import Code, State
from app.domain.errors import LeaseLost, RecordTaken
from app.domain.gone import Forgotten
from app.domain.ports import Paused, Worker
from app.domain.records import (
    Claim,
    Decision,
    Fact,
    JournalEntry,
    Ref,
    Release,
    StepRun,
    WriteSet,
)
from app.domain.views import Audit, DecisionMade
from app.telemetry import metrics
from tests.store import build
from tests.store.build import TENANT, FullStore
from tests.store.seen import entries, lines_of, told_of

AUDIT = Audit("anna", "test", "target")
LEASE = 600.0
ORDERS = ("1201", "1202", "1203")
PURCHASE_ORDERS = ("881", "882")
QUOTES = ("501", "502")
RECORDS = (("opportunity", "88"), ("opportunity", "89"), ("sales_order", "70"), ("bill", "145"))
CLAIMS = (("catalog_item", "A"), ("opportunity", "88"))
STEPS = (
    ("win_opportunity", "order"),
    ("sync_purchase_order", "po:881"),
    ("receive_purchase_order", "receipt:881:R-1"),
    ("release_invoice", "order"),
    ("link_demand", "po:882"),
)
CODES = (Code.GOODS_NOT_RECEIVED, Code.MAPPING_MISSING, Code.SETTING_MISSING, Code.RATE_LIMITED)


class Player:
    """One store at work: two workers that die now and then, and people beside them."""

    def __init__(self, store: FullStore, seed: int) -> None:
        self.reached: set[str] = set()
        self.store = store
        self._chance = Random(seed)  # noqa: S311 - which work is done, not a secret
        self._workers: list[tuple[AsyncExitStack, Worker]] = []
        self._claims: list[Claim] = []
        self._number = 0
        self._now = build.DAY
        self._turns: list[tuple[int, Callable[[], Awaitable[Any]]]] = [
            (8, self._deliver),
            (6, self._merge),
            (8, self._claim),
            (10, self._commit),
            (4, self._begin),
            (3, self._settle),
            (6, self._claim_shared),
            (2, self._drop),
            (2, self._die),
            (2, self._decide),
            (2, self._person),
            (2, self._configure),
            (2, self._callback),
            (1, self._pause),
            (1, self._wake),
        ]

    async def __aenter__(self) -> Self:
        await self.store.seed_settings(TENANT, {"lost_on_decline": True})
        for _ in range(2):
            await self._join()
        return self

    async def __aexit__(self, *_: object) -> None:
        for life, _worker in self._workers:
            await life.aclose()

    async def turn(self) -> Any:
        """Do one thing; what was answered."""
        weights = [weight for weight, _ in self._turns]
        (act,) = self._chance.choices([act for _, act in self._turns], weights)
        self._now = await self.store.now()
        try:
            told = await act()
        except (LeaseLost, RecordTaken, KeyError) as error:
            told = type(error).__name__
        except Exception as error:
            # The same rule by its name; how a store says it is its own.
            if "step_run_running" not in str(error):
                raise
            told = "step_run_running"
        self.reached.add(str(told))
        return act.__name__, told

    # What workers do --------------------------------------------------------------------------

    async def _join(self) -> None:
        life = AsyncExitStack()
        self._workers.append((life, await life.enter_async_context(self.store.join())))

    async def _die(self) -> None:
        life, _ = self._workers.pop(self._chance.randrange(len(self._workers)))
        await life.aclose()
        await self._join()

    async def _merge(self) -> int:
        return await self.store.merge(build.plan, self._chance.choice((1, 3, 50)))

    async def _claim(self) -> Any:
        _, worker = self._chance.choice(self._workers)
        taken = await self.store.claim(worker, self._chance.randint(1, 4), LEASE)
        self._claims += taken
        names = await self._names()
        return [(names[c.order_id], c.claims_without_progress, c.interrupted) for c in taken]

    def _any_claim(self) -> Claim | None:
        """A claim, now and then one whose order somebody else has by now."""
        last = {claim.order_id: claim for claim in self._claims}
        known = self._claims[-6:] if self._chance.random() < 0.2 else list(last.values())
        return self._chance.choice(known) if known else None

    async def _commit(self) -> Any:
        claim = self._any_claim()
        if claim is None:
            return None
        wants = build.writes(claim)
        self._ledger(wants)
        self._records(wants)
        self._course(wants)
        answer = await self.store.commit(wants, await self._release(claim))
        if answer.held:
            self.reached.add("released" if answer.released else "refused release")
        return answer.held, answer.released

    def _ledger(self, wants: WriteSet) -> None:
        chance = self._chance
        for step, subject in chance.sample(STEPS, chance.randint(0, 2)):
            state = chance.choice((State.DONE, State.WAITING, State.HELD, State.PARKED))
            code = None if state is State.DONE else chance.choice(CODES)
            later = self._now + timedelta(hours=1) if chance.random() < 0.5 else None
            want = chance.choice((None, {"released": False}, {"a": [1, (2,)]}))
            given: dict[str, Any] = {"state": state, "code": code, "want": want}
            done = self._now if state is State.DONE else None
            row = build.applied(step, subject, **given, retry_at=later, applied_at=done)
            wants.ledger.append(row)
        if chance.random() < 0.2:
            wants.drop_ledger.append(chance.choice(STEPS))

    def _records(self, wants: WriteSet) -> None:
        chance = self._chance
        if chance.random() < 0.4:
            number = chance.choice(("7001", "7002"))
            key = chance.choice((*PURCHASE_ORDERS, ""))
            wants.refs.append(Ref("purchase_order", key, number, {"n": 1}, chance.random() < 0.8))
        if chance.random() < 0.4:
            kind, number = chance.choice(RECORDS)
            wants.refs.append(Ref(kind, "", number))
        if chance.random() < 0.2:
            wants.drop_refs.append(("purchase_order", chance.choice(PURCHASE_ORDERS)))
        if chance.random() < 0.3:
            kind = chance.choice(("conversion", "purchase_order_lines", "sales_order_seen"))
            wants.facts.append(Fact(kind, chance.choice(("881", "")), {"x": 1}, self._now))

    def _course(self, wants: WriteSet) -> None:
        chance = self._chance
        if chance.random() < 0.3:
            wants.run_started = StepRun("win_opportunity", "order", 1)
        if chance.random() < 0.5:
            wants.run_finished = chance.choice(("done", "waiting"))
        if chance.random() < 0.3:
            wants.drop_claims.append(chance.choice(CLAIMS))
        if chance.random() < 0.2:
            wants.pin = ("b1", chance.choice((1, 2)), {"invoice_policy": "all_goods"})
        wants.journal.append(JournalEntry("ROUND", "A round.", data={"at": (1, 2)}))

    async def _release(self, claim: Claim) -> Release | None:
        chance = self._chance
        kind, late = chance.random(), chance.random() < 0.2
        due = chance.choice((None, self._now, self._now + timedelta(hours=1)))
        answer = build.done() if chance.random() < 0.2 else build.waiting(chance.choice(CODES))
        if kind < 0.6:
            return None
        seq = (await self.store.peek(claim.order_id)).order.wake_seq
        return Release(seq - 1 if late else seq, due, answer)

    async def _begin(self) -> Any:
        claim = self._any_claim()
        if claim is None:
            return None
        step, subject = self._chance.choice(STEPS)
        kind, key = self._chance.choice((*CLAIMS, ("lost_opportunity", "88@then")))
        shared = self._chance.random() < 0.5
        evidence = {"x": self._chance.randint(1, 3)}
        given: dict[str, Any] = {"step": step, "subject": subject, "kind": kind, "key": key}
        begun = await self.store.begin(claim, **given, evidence=evidence, shared=shared)
        marked = await self.store.marked_lost(TENANT, 88)
        return told_of(begun), begun.fresh, marked is not None and marked[0]

    async def _settle(self) -> Any:
        claim = self._any_claim()
        if claim is None:
            return None
        told = self._chance.choice(("outcome", "looked", "refused", "again"))
        intents = (await self.store.peek(claim.order_id)).intents
        if not intents:
            return None
        intent = self._chance.choice(intents)
        if told == "again":
            return told_of(await self.store.announce_again(claim, intent.id))
        wants = build.writes(claim)
        if told == "outcome":
            wants.outcomes.append((intent.id, {"id": 5, "on": (1,)}))
        elif told == "looked":
            wants.looked.append(intent.id)
        else:
            wants.refused.append(intent.id)
        return (await self.store.commit(wants)).held

    async def _claim_shared(self) -> Any:
        claim = self._any_claim()
        if claim is None:
            return None
        lease = self._chance.choice((None, LEASE, 0.0))
        answer = await self.store.claim_shared(claim, *self._chance.choice(CLAIMS), lease)
        self.reached.add("owned" if answer.owned else "taken")
        seen = sorted(told_of(one) for one in answer.inherited)
        return answer.owned, answer.until is None, seen, answer.wake_seq

    async def _drop(self) -> None:
        if claim := self._any_claim():
            waited = self._chance.random() < 0.3
            await self.store.drop(claim, self._chance.choice((0.0, 3600.0)), waited=waited)

    # What comes in ----------------------------------------------------------------------------

    async def _deliver(self) -> Any:
        chance = self._chance
        version, order = chance.randint(1, 6), chance.choice((*ORDERS, None))
        documents = [
            build.sales_order(
                chance.choice(ORDERS),
                version,
                chance.choice((*QUOTES, None)),
                connectwise={"opportunityId": chance.choice((88, 89, None))},
            ),
            build.purchase_order(chance.choice(PURCHASE_ORDERS), version, order),
            build.receipt(chance.choice(("R-1", "R-2")), chance.choice(PURCHASE_ORDERS), version),
            build.quote(
                chance.choice(QUOTES),
                version,
                status=chance.choice((1, 3, 90)),
                quoteNumber=f"QO{chance.randint(1, 2)}",
                connectwise={"opportunityId": chance.choice((88, 89))},
            ),
        ]
        self._number += 1
        number = self._number if chance.random() < 0.9 else chance.randint(1, self._number)
        say: dict[str, Any] = {} if chance.random() < 0.95 else {"explode": "now"}
        chosen = chance.sample(documents, chance.randint(1, 2))
        given = build.delivery(f"m-{number}", *chosen, say=say)
        answer = await self.store.accept(given)
        return answer.duplicate, answer.reused

    async def _callback(self) -> Any:
        chance, store = self._chance, self.store
        record = chance.choice((*RECORDS, ("ticket", "5")))
        if chance.random() < 0.3:
            return await store.touch(TENANT, [record])
        self._number += 1
        given = build.delivery(f"c-{self._number}", routes=(record,), source="connectwise")
        if chance.random() < 0.3:
            given = replace(given, body=given.body.replace(b'"id"', b'"of_ledger": true, "id"'))
        await store.accept(given)
        handed = await store.hints(2, 2) if chance.random() < 0.5 else []
        return [await store.settle_hint(one.id, [chance.choice(RECORDS)]) for one in handed]

    # What people do ---------------------------------------------------------------------------

    async def _an_order(self) -> int:
        found = sorted(await self._names())
        return self._chance.choice(found) if found else 4711

    async def _decide(self) -> Any:
        chance, order_id = self._chance, await self._an_order()
        step, subject = chance.choice(STEPS)
        one = Decision(step, subject, Code.DEMAND_NOT_LINKED, "go", "why", "anna", self._now)
        forget = None
        if chance.random() < 0.3:
            forget = Forgotten(ledger=((step, subject),), refs=(("purchase_order", "881"),))
        made = DecisionMade(
            order_id,
            one,
            skip=chance.random() < 0.3,
            drop_claims=chance.random() < 0.3,
            release=chance.random() < 0.3,
            forget=forget,
        )
        return await self.store.decide(made)

    async def _person(self) -> Any:
        order_id, store = await self._an_order(), self.store
        act = self._chance.randrange(5)
        if act == 0:
            await store.hold(order_id, "anna", "why")
        elif act == 1:
            await store.release_hold(order_id, "ben", "done")
        elif act == 2:
            return await store.repin(order_id, ("b2", 1, {"x": [1]}), "anna", "agreed")
        elif act == 3:
            fact, entry = Fact("ticket_choice", "", {"id": 1}, self._now), build.entry()
            await store.keep_fact(order_id, fact, entry, AUDIT)
        else:
            return await store.wake_orders(TENANT, [order_id, 4711], "anna", "fixed")
        return None

    async def _configure(self) -> Any:
        chance, store = self._chance, self.store
        if chance.random() < 0.4:
            row = await store.put_mapping(TENANT, "company", chance.choice("12"), "C", AUDIT)
            return row.commerce_key, row.connectwise_key
        if chance.random() < 0.3:
            newest = await store.mapping_page(TENANT, None, None, None, 1)
            return [await store.drop_mapping(TENANT, row.id, AUDIT) for row in newest.items]
        values = {chance.choice(("read_lag", "lost_on_decline")): chance.choice((True, "true", 2))}
        await store.put_settings(TENANT, values, AUDIT)
        return dict(await store.settings(TENANT))

    async def _pause(self) -> Any:
        chance, store = self._chance, self.store
        act = chance.randrange(3)
        later = chance.choice((None, self._now + timedelta(hours=1)))
        paused = Paused(later, Code.RATE_LIMITED, "Slow.", chance.choice(("service", "anna")))
        connectwise = (await store.connections(TENANT))[1]
        if act == 0:
            await store.pause(TENANT, "connectwise", paused)
        elif act == 1:
            await store.pause_connection(TENANT, connectwise.id, paused, AUDIT)
        else:
            await store.resume_connection(TENANT, connectwise.id, AUDIT)
        known = await store.paused(TENANT, "connectwise")
        return known and (known.until is None, known.code, known.by)

    async def _wake(self) -> Any:
        names = await self._names()
        await self.store.wake(sorted(names))
        return sorted(names.values())

    # What can be seen -------------------------------------------------------------------------

    async def _names(self) -> dict[int, str]:
        found = await self.store.by_ids(TENANT, range(1, 1000))
        return {row.id: row.source_id for row in found}

    async def seen(self) -> list[str]:
        """Everything that the ports show, by what it belongs to, a line each."""
        store = self.store
        linked = await store.last_linked(TENANT)
        told = [f"due: {await store.next_due() is not None} linked: {linked and linked[0]}"]
        gauges = dict(await store.gauges())
        gauges.pop(metrics.KEPT_BYTES.name, None)  # memory has no size on disk
        for name, values in sorted(gauges.items()):
            # Ages are a store's own; the others are counts.
            aged = name.endswith("_seconds")
            told += sorted(f"{name} {labels} {aged or float(value)}" for labels, value in values)
        for order_id, name in sorted((await self._names()).items()):
            lines = lines_of(await store.peek(order_id))
            journal = await store.journal(order_id, None, 1000)
            lines += [f"told: {one.code} {one.sentence}" for one in entries(journal.items)]
            told += [f"{name} {line}" for line in lines]
        events = (await store.events(TENANT, None, None, None, 1000)).items
        told += [f"{one.external_id}: {one.status} {one.code} {one.orders}" for one in events]
        return told
