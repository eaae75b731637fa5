"""Declined quotes and what stands beside them (B1.4): found and woken while documents are merged.

Owns the second level of locks, on opportunities, which come after those on documents. Decides
nothing: whether an opportunity is marked lost is `app/domain/losing.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from app.domain.documents import Kind
from app.store.placing import Doc, Key
from app.store.shelf import Shelf

Declined: TypeAlias = dict[tuple[int, str], set[int]]  # (tenant, opportunity) to orders


async def read(shelf: Shelf, docs: Mapping[Key, Doc]) -> Declined:
    """Say of each document that begins to be a declined quote whether that counts, and find the
    declined quotes of every opportunity that the documents name or named.

    The opportunities are locked: of two merges about one of them the later sees the earlier, so
    that no declined quote misses a quote or an order beside it.
    """
    begin = [doc for doc in docs.values() if doc.changed and doc.declined and doc.order_id is None]
    if begin:
        tenants = sorted({doc.tenant_id for doc in begin})
        losing = await shelf.losing(tenants)
        for doc in begin:
            doc.losing = doc.tenant_id in losing
    named = sorted({(doc.tenant_id, one) for doc in docs.values() for one in doc.opportunities})
    declined: Declined = {}
    if not named:
        return declined
    await shelf.lock(f"opportunity/{tenant}/{one}" for tenant, one in named)
    for row in await shelf.declined(named):
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
