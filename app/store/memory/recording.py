"""The outcome of a round in memory: one write set, whole or not at all.

A write set counts only while its token is the order's. Commits do not share a transaction here:
what shares one on PostgreSQL is done again one by one when it fails, so nobody sees the difference.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from datetime import datetime

from app.domain import troubles
from app.domain.errors import RecordTaken, StoreUnavailable
from app.domain.facts import KEPT_FACTS
from app.domain.ports import Committed
from app.domain.records import LedgerRow, Ref, Release, WriteSet
from app.domain.troubles import Stood
from app.store.memory.announcing import settled_by
from app.store.memory.claiming import NO_LEASE
from app.store.memory.database import Part, fixed, plain, wake_waiters
from app.store.memory.results import keep_results
from app.store.memory.shelf import EPOCH, keep_fact, record_key
from app.store.memory.story import keep_calls, tell
from app.store.memory.tables import NotUnique, Row, Tables
from app.store.texts import key, text, text_or_none

# A step that a person left out stays out: a round that began before it only adds what it applied.
_STANDING = ("state", "code", "sentence", "who", "choices", "since", "retry_at", "retry_wake")


class Recording(Part):
    """The part of the store that commits what a round did."""

    async def commit(self, writes: WriteSet, release: Release | None = None) -> Committed:
        async with self._db.writing("commit") as tables:
            now = self._db.now()
            order = tables.orders.get(writes.order_id)
            if order is None or order["lease_token"] != writes.token:
                return Committed(held=False)
            _write(tables, writes, order, now)
            order = _progress(tables, writes, release, now)
            released = release is not None and release.wake_seq == order["wake_seq"]
            if release is not None and released:
                tables.orders.change(writes.order_id, **NO_LEASE, due_at=release.due_at)
                keep_results(tables, [writes.order_id], now)
            answer = Committed(held=True, released=released, lease_until=order["lease_until"])
        if writes.drop_claims:
            await self._wake_waiters(order["tenant_id"], writes)
        return answer

    async def _wake_waiters(self, tenant_id: int, writes: WriteSet) -> None:
        """In a transaction of its own, as everywhere: where we die before it, a claim finds them."""
        with contextlib.suppress(StoreUnavailable):
            async with self._db.writing("wake_waiters") as tables:
                dropped = [(tenant_id, text(kind), key(name)) for kind, name in writes.drop_claims]
                wake_waiters(tables, dropped, self._db.now())


def _progress(tables: Tables, writes: WriteSet, release: Release | None, now: datetime) -> Row:
    """The order with what every commit changes of it, and the answer, released or not."""
    changed: Row = {"claims_without_progress": 0, "updated_at": now}
    if writes.pin is not None:
        changed |= pinned(tables, writes.order_id, *writes.pin[:2])
        changed["behaviour"] = plain(dict(writes.pin[2]))
    if release is not None:
        answer = release.answer
        code = answer.code.value if answer.code is not None else None
        order = tables.orders.get(writes.order_id)
        assert order is not None  # noqa: S101 - its token was looked at
        since = answer.since or (order["since"] if order["code"] == code else None) or now
        stood = Stood(order["stood_as"], order["stood_since"], order["stood_until"])
        stands = troubles.after(stood, answer, since, now)
        changed |= {
            "state": answer.state.value,
            "code": code,
            "sentence": text(answer.sentence),
            "who": answer.who.value,
            "since": troubles.since_of(stood, answer, since, now),
            "stood_as": stands.of,
            "stood_since": stands.since,
            "stood_until": stands.until,
            "next_look": text(answer.next_look),
            "choices": tuple(text(choice) for choice in answer.choices),
        }
    return tables.orders.change(writes.order_id, **changed)


def pinned(tables: Tables, order_id: int, name: str, version: int) -> Row:
    """The columns of a pin, with the hash of the text that was seen last under this version."""
    order = tables.orders.get(order_id)
    assert order is not None  # noqa: S101 - whoever pins has it
    bodies = tables.scenario_body.find("version", (order["tenant_id"], name, version))
    last = max(bodies, key=lambda row: row["seen_at"], default=None)
    body_hash = last["body_hash"] if last is not None else None
    return {"scenario": name, "scenario_version": version, "scenario_hash": body_hash}


def _write(tables: Tables, writes: WriteSet, order: Row, now: datetime) -> None:
    order_id = writes.order_id
    drop_ledger(tables, order_id, writes.drop_ledger)
    drop_refs(tables, order_id, writes.drop_refs)
    _keep_refs(tables, order, writes.refs, now)
    for row in writes.ledger:
        _keep_ledger(tables, order, row)
    for fact in writes.facts:
        stale = order["stale_at"] is not None and order["stale_at"] > fact.seen_at
        at = EPOCH if stale and fact.kind not in KEPT_FACTS else fact.seen_at
        keep_fact(tables, order_id, fact.kind, key(fact.key), fact.body, at)
    for intent_id, told in writes.outcomes:
        if settled_by(tables, order, intent_id) is not None:
            tables.intent.change(intent_id, outcome=plain(dict(told)), outcome_at=now)
    for intent_id in writes.looked:
        intent = settled_by(tables, order, intent_id)
        if intent is not None:
            tables.intent.change(intent_id, looked_at=intent["looked_at"] or now)
    for intent_id in writes.refused:
        intent = tables.intent.get(intent_id)
        if intent is not None and intent["order_id"] == order_id and intent["outcome"] is None:
            tables.intent.remove(intent_id)
    tell(tables, ((order_id, entry) for entry in writes.journal), now)
    keep_calls(tables, order_id, writes.calls, now)
    for kind, name in writes.drop_claims:
        claim = (order["tenant_id"], text(kind), key(name))
        known = tables.remote_claim.get(claim)
        if known is not None and known["order_id"] == order_id:
            tables.remote_claim.remove(claim)
    _keep_runs(tables, writes, order, now)


def drop_ledger(tables: Tables, order_id: int, dropped: Iterable[tuple[str, str]]) -> None:
    for step, subject in dropped:
        tables.applied.remove((order_id, step, key(subject)))


def drop_refs(tables: Tables, order_id: int, dropped: Iterable[tuple[str, str]]) -> None:
    """The record stays known; it is free again for others once its only order lets it go."""
    let_go: list[Row] = []
    for kind, name in dropped:
        row = tables.order_ref.get((order_id, kind, key(name)))
        if row is not None:
            tables.order_ref.remove((order_id, kind, key(name)))
            let_go.append(row)
    for row in let_go:
        (record,) = tables.external_ref.find("id", row["ref_id"])
        left = tables.order_ref.find("ref", row["ref_id"])
        carried = any(one["order_id"] == order_id for one in left)
        if record["order_id"] == order_id and not carried:
            tables.external_ref.change(record_key(record), order_id=None)


def _keep_refs(tables: Tables, order: Row, refs: list[Ref], now: datetime) -> None:
    """Keep references. Raises RecordTaken when another order carries one that only one may."""
    order_id = order["id"]
    given = {(ref.kind, key(ref.key)): ref for ref in refs}
    for ref in given.values():
        place = (order["tenant_id"], ref.kind, key(ref.external_id))
        record = tables.external_ref.get(place)
        if record is None:
            row = dict(zip(("tenant_id", "kind", "external_id"), place, strict=True))
            number = tables.external_ref.next_id()
            record = tables.external_ref.put(place, {"id": number, **row, "order_id": None})
        if ref.exclusive and record["order_id"] is None:
            record = tables.external_ref.change(place, order_id=order_id)
    for (kind, name), ref in given.items():
        record = tables.external_ref.get((order["tenant_id"], kind, key(ref.external_id)))
        assert record is not None  # noqa: S101 - it was kept above
        if record["order_id"] not in (None, order_id):
            told = ", ".join(sorted({f"{one.kind} {one.external_id}" for one in given.values()}))
            raise RecordTaken(f"another order carries one of: {told}")
        known = tables.order_ref.get((order_id, kind, name))
        same = known is not None and known["ref_id"] == record["id"]
        row = {"tenant_id": order["tenant_id"], "order_id": order_id, "kind": kind, "key": name}
        row |= {"ref_id": record["id"], "data": plain(dict(ref.data))}
        row["learned_at"] = known["learned_at"] if known is not None and same else now
        tables.order_ref.put((order_id, kind, name), row)


def _keep_ledger(tables: Tables, order: Row, given: LedgerRow) -> None:
    place = (order["id"], fixed(given.step), key(given.subject))
    row = {
        "tenant_id": order["tenant_id"],
        "order_id": order["id"],
        "step": given.step,
        "subject": place[2],
        "state": given.state.value,
        "want": None if given.want is None else plain(dict(given.want)),
        "want_version": given.want_version,
        "applied_at": given.applied_at,
        "code": given.code.value if given.code is not None else None,
        "sentence": text_or_none(given.sentence),
        "who": given.who.value if given.who is not None else None,
        "choices": plain(list(given.choices)),
        "since": given.since,
        "attempts": given.attempts,
        "tries": given.tries,
        "started_at": given.started_at,
        "finished_at": given.finished_at,
        "retry_at": given.retry_at,
        "retry_wake": given.retry_wake,
    }
    known = tables.applied.get(place)
    if known is not None and known["state"] == "skipped":
        row |= {name: known[name] for name in _STANDING}
    tables.applied.put(place, row)


def _keep_runs(tables: Tables, writes: WriteSet, order: Row, now: datetime) -> None:
    """Close and open running steps. What is finished is the running step, or, where none runs,
    the one that the same write set starts."""
    order_id, finished = writes.order_id, writes.run_finished
    running = tables.step_run.find("running", order_id)
    if finished is not None and running:
        for run in running:
            tables.step_run.change(run["id"], state=fixed(finished), finished_at=now)
        running, finished = [], None
    started = writes.run_started
    if started is None:
        return
    if running:
        raise NotUnique(f"step_run_running: a step of order {order_id} is running")
    tables.step_run.add(
        tenant_id=order["tenant_id"],
        order_id=order_id,
        step=started.step,
        subject=key(started.subject),
        attempt=started.attempt,
        state=fixed(finished or "running"),
        started_at=now,
        finished_at=now if finished is not None else None,
    )
