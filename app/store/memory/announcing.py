"""Before a write is sent, in memory: intents, and claims on records that several orders may want."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from app.domain.errors import LeaseLost
from app.domain.ports import SharedClaim
from app.domain.records import QUOTE, CallRecord, Claim, Intent
from app.store import rows
from app.store.memory.database import Part, order_name, plain
from app.store.memory.database import seconds as after
from app.store.memory.story import keep_calls
from app.store.memory.tables import Row, Tables
from app.store.texts import key as index_key
from app.store.texts import text


class Announcing(Part):
    """The part of the store that makes doubt resolvable."""

    async def begin(
        self,
        claim: Claim,
        *,
        step: str,
        subject: str,
        kind: str,
        key: str,
        evidence: Mapping[str, Any],
        shared: bool = False,
        calls: Sequence[CallRecord] = (),
    ) -> Intent:
        async with self._db.writing("begin") as tables:
            order, now = _held(tables, claim), self._db.now()
            named = {
                "order_id": claim.order_id,
                "step": step,
                "subject": index_key(subject),
                "kind": kind,
                "key": index_key(key),
            }
            known = tables.intent.find("named", tuple(named.values()))
            row = known[0] if known else None
            if row is None:
                row = tables.intent.add(
                    **named,
                    tenant_id=order["tenant_id"],
                    evidence=plain(dict(evidence)),
                    shared=shared,
                    committed_at=now,
                    attempt=1,
                    looked_at=None,
                    outcome=None,
                    outcome_at=None,
                )
            keep_calls(tables, claim.order_id, calls, now)
        return rows.intent(row, fresh=not known)

    async def announce_again(self, claim: Claim, intent_id: int) -> Intent:
        async with self._db.writing("announce_again") as tables:
            order = _held(tables, claim)
            row = settled_by(tables, order, intent_id)
            if row is None:
                raise LeaseLost
            again = {"attempt": row["attempt"] + 1, "committed_at": self._db.now()}
            row = tables.intent.change(intent_id, **again, looked_at=None)
        return rows.intent(row, fresh=True)

    async def claim_shared(
        self, claim: Claim, kind: str, key: str, lease: float | None
    ) -> SharedClaim:
        async with self._db.writing("claim_shared") as tables:
            order, now = _held(tables, claim), self._db.now()
            record = (order["tenant_id"], text(kind), index_key(key))
            waiter = (*record, claim.order_id)
            known = tables.remote_claim.get(record)
            if known is not None and not _free(tables, known, claim.order_id, now):
                names = ("tenant_id", "kind", "key", "order_id")
                tables.claim_waiter.put(waiter, dict(zip(names, waiter, strict=True)))
                owner = tables.orders.get(known["order_id"])
                later = known["until"] or now + timedelta(minutes=1)
                if owner is not None and owner["lease_until"] is not None:
                    later = max(later, owner["lease_until"])
                return SharedClaim(owned=False, until=later)
            until = None if lease is None else now + after(lease)
            taken = {"order_id": claim.order_id, "until": until}
            tables.remote_claim.put(record, {**_claim_named(record), **taken})
            tables.claim_waiter.remove(waiter)
            alike = (
                *tables.intent.find("shared_open", record),
                *tables.intent.find("also", record),
            )
            open_ones = {row["id"]: row for row in alike if row["order_id"] != claim.order_id}
            inherited = tuple(rows.intent(open_ones[number]) for number in sorted(open_ones))
            return SharedClaim(True, until, inherited, order["wake_seq"])

    async def marked_lost(self, tenant_id: int, opportunity: int) -> tuple[str, datetime] | None:
        tables = await self._db.read("marked_lost")
        record = tables.external_ref.get((tenant_id, "opportunity", str(opportunity)))
        if record is None:
            return None
        found: list[tuple[Row, Row]] = []
        for reference in tables.order_ref.find("ref", record["id"]):
            order = tables.orders.get(reference["order_id"])
            if order is not None and order["source_id"].startswith(QUOTE):
                for row in tables.intent.find("order", order["id"]):
                    about = row["key"].startswith(f"{record['external_id']}@")
                    if row["kind"] == "lost_opportunity" and about:
                        found.append((order, row))
        if not found:
            return None
        order, last = max(found, key=lambda one: (one[1]["committed_at"], one[1]["id"]))
        return order_name(order), last["outcome_at"] or last["committed_at"]


def _held(tables: Tables, claim: Claim) -> Row:
    """The order, while its token is the claim's. Raises LeaseLost."""
    row = tables.orders.get(claim.order_id)
    if row is None or row["lease_token"] != claim.token:
        raise LeaseLost
    return row


def settled_by(tables: Tables, order: Row, intent_id: int) -> Row | None:
    """The intent, if the order may settle it: its own, or another's that is shared."""
    row = tables.intent.get(intent_id)
    if row is None or row["tenant_id"] != order["tenant_id"]:
        return None
    return row if row["order_id"] == order["id"] or row["shared"] else None


def _free(tables: Tables, known: Row, order_id: int, now: datetime) -> bool:
    """A claim is free when it ran out and nobody drives its order, which may be about to create by
    it, or when its order needs it no more."""
    if known["order_id"] == order_id:
        return True
    owner = tables.orders.get(known["order_id"])
    if owner is None:
        return False
    driven = owner["lease_token"] is not None and owner["lease_until"] > now
    ran_out = known["until"] is not None and known["until"] <= now
    return owner["state"] in ("done", "cancelled") or (ran_out and not driven)


def _claim_named(record: tuple[int, str, str]) -> Row:
    return {"tenant_id": record[0], "kind": record[1], "key": record[2]}
