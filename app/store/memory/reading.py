"""An order in memory, read at one moment: what `decide` rests on. Writes nothing.

What is handed out is shared with the tables, where it is never changed in place. That is why a
snapshot costs little, and why nobody may change what is in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from app.domain.documents import Kind
from app.domain.errors import LeaseLost
from app.domain.records import ORDER, QUOTE, Claim, Decision, Other, Pause, Snapshot
from app.domain.versions import Stored
from app.store import rows
from app.store.memory.database import Database, Part, full_order, order_name, pause_of
from app.store.memory.shelf import record_key
from app.store.memory.tables import Row, Tables

_SERVICE = "service"
_PAUSE_LOOK = timedelta(minutes=5)  # when a pause without an end is looked at again
_SHARED_KINDS = ("opportunity", "sales_order", "ticket")
_RELEASE = "release_invoice"
_Settings = Mapping[str, Any]
_Mappings = Mapping[tuple[str, str], str]


class Reading(Part):
    """The part of the store that reads orders for decisions."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._configs: dict[int, tuple[int, _Settings, _Mappings]] = {}

    async def load(self, claim: Claim) -> Snapshot:
        tables = await self._db.read("load")
        order = tables.orders.get(claim.order_id)
        if order is None or order["lease_token"] != claim.token:
            raise LeaseLost
        return self._snapshot(tables, order)

    async def peek(self, order_id: int) -> Snapshot:
        tables = await self._db.read("peek")
        order = tables.orders.get(order_id)
        if order is None:
            raise KeyError(order_id)
        return self._snapshot(tables, order)

    def _snapshot(self, tables: Tables, order: Row) -> Snapshot:
        now = self._db.now()
        order_id = order["id"]
        documents = _documents(tables, order)
        records = _named(tables, order, documents)
        settings, mappings = self._config(tables, order["tenant_id"])
        return Snapshot(
            order=rows.order(full_order(tables, order)),
            documents=tuple(rows.stored(row) for row in documents),
            ledger=tuple(rows.ledger(row) for row in tables.applied.find("order", order_id)),
            intents=tuple(rows.intent(row) for row in tables.intent.find("order", order_id)),
            refs=tuple(_refs(tables, order_id)),
            facts=tuple(rows.fact(row) for row in tables.fact.find("order", order_id)),
            settings=settings,
            mappings=mappings,
            shared=_shared(tables, order_id, records),
            paused=_pauses(tables, order["tenant_id"], now),
            now=now,
            decisions=tuple(_decisions(tables, order_id)),
            others=tuple(_others(tables, order_id, records)),
            siblings=tuple(_siblings(tables, order_id)) if _of_quote(order) else (),
        )

    def _config(self, tables: Tables, tenant_id: int) -> tuple[_Settings, _Mappings]:
        """Settings and mappings as they stand, put together once for each version of them."""
        tenant = tables.tenant.get(tenant_id)
        assert tenant is not None  # noqa: S101 - the order has its tenant
        known = self._configs.get(tenant_id)
        if known is None or known[0] != tenant["config_version"]:
            settings = {
                row["name"]: row["value"] for row in tables.setting.find("tenant", tenant_id)
            }
            mappings = {
                (row["kind"], row["commerce_key"]): row["connectwise_key"]
                for row in tables.mapping.find("tenant", tenant_id)
            }
            known = self._configs[tenant_id] = (tenant["config_version"], settings, mappings)
        return known[1], known[2]


def _pauses(tables: Tables, tenant_id: int, now: datetime) -> dict[str, Pause]:
    """What may not be called now, by system; one without an end is looked at again."""
    systems = {kind for tenant, kind in tables.connection.values("system") if tenant == tenant_id}
    found = {system: pause_of(tables, tenant_id, system, now) for system in sorted(systems)}
    return {
        system: Pause(
            row["paused_until"] or now + _PAUSE_LOOK,
            row["paused_by"] or _SERVICE,
            row["pause_sentence"] or "",
            row["paused_until"] is not None,
        )
        for system, row in found.items()
        if row is not None
    }


def _of_quote(order: Row) -> bool:
    found: bool = order["source_id"].startswith(QUOTE)
    return found


def _documents(tables: Tables, order: Row) -> list[Row]:
    """The order's documents. The quote is joined by what the sales order says now, never by a
    stored guess."""
    own = tables.document.find("order", order["id"])
    sales_orders = [row for row in own if row["kind"] == Kind.SALES_ORDER.value]
    quote = sales_orders[0]["quote"] if sales_orders else None
    if quote is not None:
        joined = tables.document.get((order["connection_id"], Kind.QUOTE.value, quote))
        own += [joined] if joined is not None else []
    return sorted(own, key=lambda row: (row["kind"], row["source_id"]))


def _refs(tables: Tables, order_id: int) -> Iterable[Any]:
    for row in tables.order_ref.find("order", order_id):
        (record,) = tables.external_ref.find("id", row["ref_id"])
        exclusive = record["order_id"] is not None
        told = {**row, "external_id": record["external_id"], "exclusive": exclusive}
        yield rows.ref(told)


def _decisions(tables: Tables, order_id: int) -> Iterable[Decision]:
    found = (rows.decision(row) for row in tables.decision.find("order", order_id))
    return (one for one in found if one is not None)


def _named(tables: Tables, order: Row, documents: Iterable[Row]) -> list[Row]:
    """Records that other orders may carry too: those that the order carries, and the opportunities
    that its documents name."""
    found: dict[int, Row] = {}
    for document in documents:
        if document["opportunity"] is not None:
            place = (order["tenant_id"], "opportunity", document["opportunity"])
            record = tables.external_ref.get(place)
            if record is not None:
                found[record["id"]] = record
    for row in tables.order_ref.find("order", order["id"]):
        if row["kind"] in _SHARED_KINDS:
            (record,) = tables.external_ref.find("id", row["ref_id"])
            found[record["id"]] = record
    return sorted(found.values(), key=record_key)


def _carriers(tables: Tables, order_id: int, record: Row) -> list[Row]:
    """The other orders that carry a record, once for each reference."""
    references = tables.order_ref.find("ref", record["id"])
    found = (tables.orders.get(row["order_id"]) for row in references)
    return [order for order in found if order is not None and order["id"] != order_id]


def _shared(
    tables: Tables, order_id: int, records: Iterable[Row]
) -> dict[tuple[str, str], tuple[str, ...]]:
    shared: dict[tuple[str, str], tuple[str, ...]] = {}
    for record in records:
        carriers = {order["id"]: order for order in _carriers(tables, order_id, record)}
        names = [order_name(one) for _, one in sorted(carriers.items()) if not _of_quote(one)]
        if names:
            shared[record["kind"], record["external_id"]] = tuple(names)
    return shared


def _others(tables: Tables, order_id: int, records: Iterable[Row]) -> list[Other]:
    """D-13, E4: the orders on the same sales order or ticket, as far as their gate goes."""
    found: list[tuple[int, Other]] = []
    for record in records:
        if record["kind"] not in ("sales_order", "ticket"):
            continue
        for order in _carriers(tables, order_id, record):
            applied = tables.applied.get((order["id"], _RELEASE, ORDER))
            told = {
                "name": order_name(order),
                "state": order["state"],
                "shares": record["kind"],
                "code": applied["code"] if applied is not None else None,
                "released": applied is not None and _released(applied),
            }
            found.append((order["id"], rows.other(told)))
    return [other for _, other in sorted(found, key=lambda one: one[0])]


def _released(applied: Row) -> bool:
    if applied["state"] == "skipped":
        return True
    want = applied["want"]
    return want is not None and want.get("released") not in (False, "false")


def _siblings(tables: Tables, order_id: int) -> list[Stored]:
    """B1.4: the other quotes of a declined quote's opportunity, and every sales order that names
    the opportunity, or is placed on one of its quotes."""
    quote, sales_order = Kind.QUOTE.value, Kind.SALES_ORDER.value
    mine = [row for row in tables.document.find("order", order_id) if row["kind"] == quote]
    ids = {row["id"] for row in mine}
    beside: dict[int, Row] = {}
    for row in mine:
        if row["opportunity"] is not None:
            place = (row["tenant_id"], row["opportunity"])
            for one in tables.document.find("opportunity", place):
                if one["kind"] in (quote, sales_order) and one["id"] not in ids:
                    beside[one["id"]] = one
    for row in [*mine, *(one for one in beside.values() if one["kind"] == quote)]:
        for one in tables.document.find("quote", (row["connection_id"], row["source_id"])):
            if one["kind"] == sales_order:
                beside[one["id"]] = one
    return [rows.stored(row) for _, row in sorted(beside.items())]
