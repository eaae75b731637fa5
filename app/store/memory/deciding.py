"""What a person decides about one order, in memory: a choice, a step left out, a hold, a pin."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

from app.domain.errors import StoreUnavailable
from app.domain.gone import Forgotten
from app.domain.records import Decision, Fact, JournalEntry
from app.domain.views import Audit, DecisionMade
from app.store import decided
from app.store.memory.claiming import NO_LEASE
from app.store.memory.database import Part, plain, wake, wake_waiters
from app.store.memory.operating import acted, wake_as_a_person
from app.store.memory.recording import drop_ledger, drop_refs, pinned
from app.store.memory.shelf import keep_fact
from app.store.memory.story import audit as append
from app.store.memory.story import tell
from app.store.memory.tables import Row, Tables
from app.store.texts import text, text_or_none


class Deciding(Part):
    """The part of the store behind `decide`, `skip`, `hold` and `release`."""

    async def decide(self, made: DecisionMade) -> bool:
        """See admin_store.AdminStore. False, and nothing is kept: it would `forget` while a step is under
        way or a write is in doubt. Raises KeyError."""
        one, order_id = made.decision, made.order_id
        dropped: list[tuple[int, str, str]] = []
        async with self._db.writing("decide") as tables:
            order, now = _order(tables, order_id), self._db.now()
            if made.forget is not None:
                if _unsure(tables, order_id):
                    return False
                _forget(tables, order_id, made.forget, made.intents)
            self._keep(tables, order, one)
            if made.skip:
                self._skip(tables, order, one)
            if made.release:
                tables.orders.change(order_id, held_by=None)
            append(tables, order["tenant_id"], decided.audit(made), now)
            wake_as_a_person(tables, [order_id], decided.entry(made), now)
            for row in tables.remote_claim.find("order", order_id) if made.drop_claims else ():
                if row["until"] is None:
                    claim = (row["tenant_id"], row["kind"], row["key"])
                    tables.remote_claim.remove(claim)
                    dropped.append(claim)
        if dropped:
            with contextlib.suppress(StoreUnavailable):
                async with self._db.writing("wake_waiters") as tables:
                    wake_waiters(tables, dropped, self._db.now())
        return True

    def _keep(self, tables: Tables, order: Row, one: Decision) -> None:
        tables.decision.add(
            tenant_id=order["tenant_id"],
            order_id=order["id"],
            at=self._db.now(),
            step=one.step,
            subject=one.subject,
            code=one.code.value,
            choice=text(one.choice),
            reason=text(one.reason),
            actor=text(one.actor),
            about=one.about,
        )

    def _skip(self, tables: Tables, order: Row, one: Decision) -> None:
        """A step that a person leaves out keeps what it applied, so that the past stays told."""
        place = (order["id"], one.step, one.subject)
        nothing = {
            **dict.fromkeys(("want", "applied_at", "started_at", "finished_at")),
            **dict.fromkeys(("attempts", "tries"), 0),
            "want_version": 1,
        }
        row = {
            **(tables.applied.get(place) or nothing),
            "tenant_id": order["tenant_id"],
            "order_id": order["id"],
            "step": one.step,
            "subject": one.subject,
            "state": "skipped",
            "sentence": text(decided.left_out(one)),
            "code": None,
            "who": None,
            "choices": [],
            "since": self._db.now(),
            "retry_at": None,
            "retry_wake": None,
        }
        tables.applied.put(place, row)

    async def hold(self, order_id: int, actor: str, reason: str) -> None:
        """Hold an order until `release_hold`. Raises KeyError."""
        held_by = f"{actor}: {reason}"
        await self._hold(order_id, held_by, decided.held(actor, reason), "order.hold")

    async def release_hold(self, order_id: int, actor: str, reason: str) -> None:
        """End a person's hold. Raises KeyError."""
        await self._hold(order_id, None, decided.released(actor, reason), "order.release")

    async def _hold(
        self, order_id: int, held_by: str | None, entry: JournalEntry, action: str
    ) -> None:
        async with self._db.writing("hold") as tables:
            order, now = _order(tables, order_id), self._db.now()
            tables.orders.change(order_id, held_by=text_or_none(held_by))
            acted(tables, [order_id], now)
            audit = Audit(entry.actor, action, str(order_id), {"told": entry.sentence})
            append(tables, order["tenant_id"], audit, now)
            tell(tables, [(order_id, entry)], now)
            wake(tables, [order_id], now)

    async def keep_fact(self, order_id: int, fact: Fact, entry: JournalEntry, audit: Audit) -> None:
        """Keep what a person said of an order, and wake it with its retries reset. Raises
        KeyError."""
        async with self._db.writing("keep_fact") as tables:
            order, now = _order(tables, order_id), self._db.now()
            keep_fact(tables, order_id, fact.kind, fact.key, fact.body, now)
            append(tables, order["tenant_id"], audit, now)
            wake_as_a_person(tables, [order_id], entry, now)

    async def repin(
        self, order_id: int, pin: tuple[str, int, Mapping[str, Any]], actor: str, reason: str
    ) -> bool:
        """Pin the order anew. Its lease ends, so that a worker that read it before begins again.
        Raises KeyError."""
        async with self._db.writing("repin") as tables:
            order, now = _order(tables, order_id), self._db.now()
            if _unsure(tables, order_id):
                return False
            columns = pinned(tables, order_id, *pin[:2])
            behaviour = plain(dict(pin[2]))
            tables.orders.change(order_id, **columns, **NO_LEASE, behaviour=behaviour)
            entry = decided.repinned(order, pin, actor, reason)
            audit = Audit(actor, "order.repin", str(order_id), entry.data)
            append(tables, order["tenant_id"], audit, now)
            wake_as_a_person(tables, [order_id], entry, now)
        return True


def _order(tables: Tables, order_id: int) -> Row:
    row = tables.orders.get(order_id)
    if row is None:
        raise KeyError(order_id)
    return row


def _unsure(tables: Tables, order_id: int) -> bool:
    """Whether a step is under way, or a write of the order is in doubt."""
    announced = tables.intent.find("order", order_id)
    doubt = any(row["outcome"] is None for row in announced)
    return doubt or bool(tables.step_run.find("running", order_id))


def _forget(tables: Tables, order_id: int, forget: Forgotten, intents: Sequence[int]) -> None:
    """The order's lease ends, so that a worker that read it before begins again."""
    drop_ledger(tables, order_id, forget.ledger)
    drop_refs(tables, order_id, forget.refs)
    for kind, name in forget.facts:
        tables.fact.remove((order_id, kind, name))
    for number in intents:
        intent = tables.intent.get(number)
        if intent is not None and intent["order_id"] == order_id:
            tables.intent.remove(number)
    tables.orders.change(order_id, **NO_LEASE)
