"""Declined quotes and what stands beside them (B1.4): found and woken while documents are merged.

Owns the second level of locks, on opportunities, which come after those on documents. Decides
nothing: whether an opportunity is marked lost is `app/domain/losing.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from app.domain.documents import Kind
from app.store.database import Session
from app.store.placing import Doc, Key
from app.store.story import columns

Declined: TypeAlias = dict[tuple[int, str], set[int]]  # (tenant, opportunity) to orders

_LOCK = """
SELECT pg_advisory_xact_lock(h) FROM (
    SELECT DISTINCT hashtextextended(k, 0) AS h FROM unnest($1::text[]) AS t (k) ORDER BY h
) AS keys
"""
# Tenants for whom a declined quote counts. What the environment says stands among the settings
# since the first start.
_LOSING = """
SELECT tenant_id FROM setting WHERE tenant_id = ANY ($1::bigint[])
    AND name = 'lost_on_decline' AND value #>> '{}' = 'true'
"""
_DECLINED = """
SELECT t.tenant_id, t.opportunity, d.order_id
FROM unnest($1::bigint[], $2::text[]) AS t (tenant_id, opportunity)
JOIN document AS d USING (tenant_id, opportunity)
WHERE d.kind = 'quote' AND d.order_id IS NOT NULL
"""


async def lock(session: Session, names: Iterable[str]) -> None:
    """Take advisory locks to the end of the transaction, in one order everywhere."""
    await session.execute(_LOCK, sorted(names))


async def read(session: Session, docs: Mapping[Key, Doc]) -> Declined:
    """Say of each document that begins to be a declined quote whether that counts, and find the
    declined quotes of every opportunity that the documents name or named.

    The opportunities are locked: of two merges about one of them the later sees the earlier, so
    that no declined quote misses a quote or an order beside it.
    """
    begin = [doc for doc in docs.values() if doc.changed and doc.declined and doc.order_id is None]
    if begin:
        tenants = sorted({doc.tenant_id for doc in begin})
        losing = {row["tenant_id"] for row in await session.fetch(_LOSING, tenants)}
        for doc in begin:
            doc.losing = doc.tenant_id in losing
    named = sorted({(doc.tenant_id, one) for doc in docs.values() for one in doc.opportunities})
    declined: Declined = {}
    if not named:
        return declined
    await lock(session, (f"opportunity/{tenant}/{one}" for tenant, one in named))
    for row in await session.fetch(_DECLINED, *columns(named)):
        about = declined.setdefault((row["tenant_id"], row["opportunity"]), set())
        about.add(row["order_id"])
    return declined


def beside(doc: Doc, docs: Mapping[Key, Doc], declined: Declined) -> set[int]:
    """The declined quotes that a changed document decides about: those of the opportunity that it
    names or named, and of the one that its quote names."""
    about = [doc]
    if doc.quote is not None and doc.kind is Kind.SALES_ORDER:
        quote = docs.get((doc.connection_id, Kind.QUOTE, doc.quote))
        about += [quote] if quote is not None else []
    return {
        order
        for one in about
        for named in one.opportunities
        for order in declined.get((one.tenant_id, named), ())
    }
