"""Builders of the store's suite: deliveries whose bodies say what they do, and a pure plan.

A delivery's body is JSON of documents and routes, so that the suite knows neither the Commerce
contract nor the service's own plan.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from app.domain.admin_store import AdminStore
from app.domain.alerts import Alert
from app.domain.codes import Code, State, Who
from app.domain.commerce import Polls
from app.domain.desk import SearchStore
from app.domain.documents import Kind
from app.domain.grants import SignInStore
from app.domain.ports import Store, Worker
from app.domain.probing import ProbeStore
from app.domain.records import (
    Accepted,
    Answer,
    Claim,
    Delivery,
    DocumentPlace,
    InboxEvent,
    JournalEntry,
    LedgerRow,
    Merge,
    OrderRow,
    Release,
    Snapshot,
    WriteSet,
)
from app.domain.retention import RetentionStore
from app.domain.upkeep import UpkeepStore
from app.domain.versions import incoming
from app.domain.views import Audit
from app.store import alerts
from app.store.memory import MemoryStore
from app.store.postgres import PostgresStore


class FullStore(
    Store,
    AdminStore,
    UpkeepStore,
    Polls,
    SignInStore,
    RetentionStore,
    ProbeStore,
    SearchStore,
    Protocol,
):
    """All ports, and what the composition root sets up: what is written through one is read through
    the other."""

    async def ensure_connection(self, tenant_id: int, system: str, name: str) -> bool: ...

    async def seed_settings(
        self, tenant_id: int, values: Mapping[str, Any]
    ) -> Mapping[str, Any]: ...

    async def keep_scenario(self, name: str, version: int, body_hash: str, body: str) -> None: ...

    async def kept_scenarios(self) -> list[tuple[str, int, str]]: ...

    async def audit(self, tenant_id: int, audit: Audit) -> None: ...


async def keep_alert(store: PostgresStore, alert: Alert) -> None:
    """An alert of the tenant, as the sweep keeps those that it finds."""
    async with store._db.session() as session:
        await alerts._keep(session, TENANT, alert)


TENANT = 1
LEASE = 30.0
DAY = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
LINK_FIELDS = ("order", "order_number", "quote", "purchase_order", "customer")


def at(minutes: int) -> str:
    """A moment of a document, `minutes` after noon."""
    return (DAY + timedelta(minutes=minutes)).isoformat()


def document(kind: Kind, source_id: str, version: int, **more: Any) -> dict[str, Any]:
    """A document without a place; keyword arguments stand in its body."""
    body = {"modifiedDate": at(version), **more}
    return {"kind": kind.value, "source_id": source_id, "body": body}


def sales_order(
    order: str = "1201", version: int = 1, quote: str | None = None, **more: Any
) -> dict[str, Any]:
    number = f"ON{order}"
    body = {"orderNumber": number, "quoteID": quote, "customer": {"name": "Contoso Ltd"}, **more}
    place = {"order": order, "order_number": number, "quote": quote, "customer": "Contoso Ltd"}
    return {**document(Kind.SALES_ORDER, order, version, **body), **place}


def purchase_order(
    number: str = "881", version: int = 1, order: str | None = "1201", **more: Any
) -> dict[str, Any]:
    body = {"orderNumber": f"PO{number}", "salesOrderID": order, **more}
    return {**document(Kind.PURCHASE_ORDER, number, version, **body), "order": order}


def receipt(
    number: str = "R-1", purchase_order: str = "881", version: int = 1, **more: Any
) -> dict[str, Any]:
    body = {"purchaseOrderID": purchase_order, **more}
    place = {"order": None, "purchase_order": purchase_order}
    return {**document(Kind.RECEIPT, number, version, **body), **place}


def quote(number: str = "501", version: int = 1, **more: Any) -> dict[str, Any]:
    return document(Kind.QUOTE, number, version, **more)


def delivery(
    external_id: str = "msg-1",
    *documents: Mapping[str, Any],
    routes: tuple[tuple[str, str], ...] = (),
    source: str = "commerce",
    **more: Any,
) -> Delivery:
    """A delivery that carries these documents. `say` in its body steers the plan."""
    say = more.pop("say", {})
    body = more.pop("body", None)
    given = {"documents": documents, "routes": routes, "id": external_id, **say}
    return Delivery(
        source=source,
        connection=more.pop("connection", "default"),
        external_id=external_id,
        event_type=more.pop("event_type", "test"),
        body=json.dumps(given).encode() if body is None else body,
        headers=more.pop("headers", {"webhook-id": external_id}),
        routing=None,
        **more,
    )


def plan(event: InboxEvent, now: datetime) -> Merge:
    """Does what the body says."""
    said = json.loads(event.body)
    if said.get("explode"):
        raise ZeroDivisionError(said["explode"])
    if "defer" in said:
        until = datetime.fromisoformat(said["defer"])
        if until > now:
            return Merge(event.id, status="deferred", code=Code.DATE_AHEAD, not_before=until)
    return Merge(
        event.id,
        documents=tuple(_place(given) for given in said["documents"]),
        routes=tuple((kind, number) for kind, number in said["routes"]),
        of_ledger=said.get("of_ledger", False),
        status=said.get("status", "merged"),
    )


def _place(given: Mapping[str, Any]) -> DocumentPlace:
    kind = Kind(given["kind"])
    stored = incoming(kind, given["source_id"], given["body"])
    links = {name: given.get(name) for name in LINK_FIELDS}
    return DocumentPlace(stored=stored, kind=kind, **links)


async def deliver(store: FullStore, external_id: str, *documents: Mapping[str, Any]) -> Accepted:
    """Accept a delivery and merge everything that waits."""
    accepted = await store.accept(delivery(external_id, *documents))
    await merge_all(store)
    return accepted


async def have_tenant(store: FullStore, tenant_id: int, name: str) -> None:
    """Another tenant, with a Commerce connection of its name. No port makes one."""
    if isinstance(store, MemoryStore):
        store._db.tables.tenant.put(tenant_id, {"id": tenant_id, "config_version": 1})
    else:
        assert isinstance(store, PostgresStore)
        statement = "INSERT INTO tenant (id, name) VALUES ($1, $2)"
        async with store._db.session() as session:
            await session.execute(statement, tenant_id, name)
    await store.ensure_connection(tenant_id, "commerce", name)


async def merge_all(store: FullStore) -> int:
    """Merge until nothing is left; how many events."""
    total = 0
    while merged := await store.merge(plan, 50):
        total += merged
    return total


async def claim_one(store: FullStore, worker: Worker) -> Claim:
    (claim,) = await store.claim(worker, 10, LEASE)
    return claim


def writes(claim: Claim, **more: Any) -> WriteSet:
    return WriteSet(claim.order_id, claim.token, **more)


def waiting(code: Code = Code.GOODS_NOT_RECEIVED, **more: Any) -> Answer:
    return Answer(State.WAITING, code, "It waits.", Who.PURCHASING, None, "later", **more)


def done() -> Answer:
    return Answer(State.DONE, Code.RELEASED, "It is done.", Who.NOBODY, None, "never")


async def release(
    store: FullStore, claim: Claim, answer: Answer | None = None, due_at: datetime | None = None
) -> bool:
    """Give an order back as it was loaded now; whether it was taken."""
    snapshot = await store.load(claim)
    given = Release(snapshot.order.wake_seq, due_at, answer or waiting())
    return (await store.commit(writes(claim), given)).released


def applied(step: str = "win_opportunity", subject: str = "order", **more: Any) -> LedgerRow:
    more.setdefault("state", State.DONE)
    more.setdefault("want", {"status": "won"})
    return LedgerRow(step, subject, **more)


def entry(code: str = "NOTE", sentence: str = "Something happened.") -> JournalEntry:
    return JournalEntry(code, sentence)


async def order_of(store: FullStore, number: str = "id:1201") -> OrderRow:
    """The order with this number or source id."""
    (row,) = await store.named(TENANT, number)
    return row


async def snapshot_of(store: FullStore, number: str = "id:1201") -> Snapshot:
    return await store.peek((await order_of(store, number)).id)


async def codes_of(store: FullStore, number: str = "id:1201") -> list[str]:
    """The codes of an order's journal."""
    page = await store.journal((await order_of(store, number)).id, None, 200)
    return [row.entry.code for row in page.items]


async def kinds_of(store: FullStore, number: str = "id:1201") -> list[tuple[str, str]]:
    """Kinds and ids of the documents that an order has."""
    snapshot = await snapshot_of(store, number)
    return [(stored.kind.value, stored.source_id) for stored in snapshot.documents]
