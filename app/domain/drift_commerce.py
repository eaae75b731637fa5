"""Drift between Commerce's own API and the documents that came in (H12, contracts/commerce.md 1).

Owns the comparison of a sales order and a purchase order, and of what was received on it, with what
is merged here. Nothing is written for it: a fix takes the document in as the poll would, where the
poll's rule of versions lets it. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeAlias

from pydantic import ValidationError

from app.domain import bills, money
from app.domain.codes import Code, Who
from app.domain.documents import (
    Kind,
    PurchaseOrder,
    PurchaseOrderStatus,
    QuoteStatus,
    SalesOrder,
    SalesOrderStatus,
    parse,
)
from app.domain.drift import COMMERCE, Drift
from app.domain.gone import Forgotten
from app.domain.polled_receipts import polled_receipts
from app.domain.records import ORDER
from app.domain.versions import Stored, incoming, newest_date

COMPARED = (Kind.SALES_ORDER, Kind.PURCHASE_ORDER)
UNTOLD = "untold"  # what a finding is about whose document never came in
Read: TypeAlias = Mapping[tuple[Kind, str], Mapping[str, Any] | None]
Ordered: TypeAlias = SalesOrder | PurchaseOrder
_WHO = {Kind.PURCHASE_ORDER: Who.PURCHASING}
_STATES: Mapping[Kind, type[SalesOrderStatus | PurchaseOrderStatus | QuoteStatus]] = {
    Kind.SALES_ORDER: SalesOrderStatus,
    Kind.PURCHASE_ORDER: PurchaseOrderStatus,
    Kind.QUOTE: QuoteStatus,
}
BY_HAND = (
    " Its date in Commerce is not newer, so it is not taken in by itself: save it there once more, "
    "then it comes with the poll."
)


@dataclass(frozen=True, slots=True)
class _Row:
    """One thing that differs in a document."""

    about: str
    says: str
    stands: str
    sentence: str


def of_interest(documents: Iterable[Stored]) -> list[Stored]:
    """The documents that are compared, the sales order first."""
    found = [one for one in documents if one.kind in COMPARED]
    return sorted(found, key=lambda one: (COMPARED.index(one.kind), one.source_id))


def found(documents: Sequence[Stored], read: Read) -> Iterator[Drift]:
    """What stands otherwise in Commerce. `read`: documents as its API has them, None for one that
    is gone; what is missing there was not read."""
    for stored in of_interest(documents):
        key = (stored.kind, stored.source_id)
        if key not in read:
            continue
        body = read[key]
        if body is None:
            yield from _gone(stored)
            continue
        receipts = [
            one
            for one in documents
            if one.kind is Kind.RECEIPT and str(one.own.get("purchaseOrderID")) == stored.source_id
        ]
        yield from _differs(stored, body, receipts)


def newer(stored: Stored, body: Mapping[str, Any]) -> bool:
    """Whether the state that Commerce has would stand after a merge."""
    return incoming(stored.kind, stored.source_id, body).rank > stored.rank


def _gone(stored: Stored) -> Iterator[Drift]:
    ours = _parsed(stored.kind, stored.body())
    if isinstance(ours, str) or ours.cancelled:
        return  # nothing follows from it any more
    sentence = (
        f"{_named(stored.kind, ours.order_number)} is gone in Commerce. Its API tells of no "
        "deletion: what was made of it stands. Hold or cancel the order here if it is not wanted."
    )
    yield _drift(stored, Code.DRIFT_MISSING, _Row("", "known", "gone", sentence), fix=None)


def _differs(stored: Stored, body: Mapping[str, Any], receipts: list[Stored]) -> Iterator[Drift]:
    kind = stored.kind
    ours, theirs = _parsed(kind, stored.body()), _parsed(kind, body)
    if isinstance(ours, str):
        return
    named = _named(kind, ours.order_number)
    if isinstance(theirs, str):
        sentence = f"{named} cannot be taken in as Commerce has it now: {theirs}."
        row = _Row("contract", _version(stored), theirs, sentence)
        yield _drift(stored, Code.DRIFT_DIFFERENT, row, fix=None)
        return
    received = polled_receipts(body, receipts) if isinstance(theirs, PurchaseOrder) else []
    came = list(_received(named, ours, theirs))
    # A receipt counts no further than its purchase order, so that has to come with it.
    takes = newer(stored, body) or (bool(received) and not came)
    rows = [*_quantities(named, ours, theirs), *came]
    rows = [*_status(kind, named, ours, theirs), *(rows or _amounts(named, ours, theirs))]
    if not rows and received:
        told = sum(int(line["quantity"]) for one in received for line in one["lines"])
        sentence = f"{told} were received on {named} in Commerce by receipts that never came in."
        rows = [_Row("receipts", "not known", f"{told} received", sentence)]
    if not rows and takes:
        now = newest_date(kind, body).isoformat()
        sentence = f"{named} is of {now} in Commerce, and of {_version(stored)} here."
        rows = [_Row("version", _version(stored), now, sentence)]
    for row in rows:
        yield _drift(stored, Code.DRIFT_DIFFERENT, row, fix=Forgotten() if takes else None)


def _drift(stored: Stored, code: Code, row: _Row, fix: Forgotten | None) -> Drift:
    by_hand = BY_HAND if fix is None and code is Code.DRIFT_DIFFERENT else ""
    subject = f"po:{stored.source_id}" if stored.kind is Kind.PURCHASE_ORDER else ORDER
    return Drift(
        code, COMMERCE, stored.kind.value, stored.source_id, "", subject, row.says, row.stands,
        f"{row.sentence}{by_hand}", _WHO.get(stored.kind, Who.SALES), about=row.about, fix=fix,
    )  # fmt: skip


# What differs ---------------------------------------------------------------------------------------


def _status(kind: Kind, named: str, ours: Ordered, theirs: Ordered) -> Iterator[_Row]:
    if (ours.cancelled, ours.draft) != (theirs.cancelled, theirs.draft):
        here, there = state(kind, ours.status), state(kind, theirs.status)
        sentence = f"{named} is {there} in Commerce and {here} here."
        yield _Row("status", here, there, sentence)


def _quantities(named: str, ours: Ordered, theirs: Ordered) -> Iterator[_Row]:
    here = {line.id: line for line in ours.lines}
    there = {line.id: line for line in theirs.lines}
    for number in sorted({*here, *there}):
        one, other = here.get(number), there.get(number)
        line = other or one
        says = str(one.quantity) if one is not None else "no line"
        stands = str(other.quantity) if other is not None else "no line"
        if says != stands and line is not None:
            sentence = f"{line.title} of {named} is {stands} in Commerce and {says} here."
            yield _Row(f"quantity/{number}", says, stands, sentence)


def _received(named: str, ours: Ordered, theirs: Ordered) -> Iterator[_Row]:
    if not isinstance(ours, PurchaseOrder) or not isinstance(theirs, PurchaseOrder):
        return
    here = {line.id: line.quantity_received for line in ours.lines}
    for line in theirs.lines:
        if here.get(line.id, line.quantity_received) != line.quantity_received:
            says, stands = f"{here[line.id]} received", f"{line.quantity_received} received"
            sentence = f"{stands} of {line.title} on {named} in Commerce, and {says} here."
            yield _Row(f"received/{line.id}", says, stands, sentence)


def _amounts(named: str, ours: Ordered, theirs: Ordered) -> Iterator[_Row]:
    """To the cent, before tax: what a line's tax means is not documented (D-12)."""
    here, there = bills.cents(amount(ours)), bills.cents(amount(theirs))
    if here != there:
        sentence = f"{named} comes to {there} in Commerce and to {here} here, before tax."
        yield _Row("amount", str(here), str(there), sentence)


def amount(document: Ordered) -> Decimal:
    """What a document comes to before tax, with the amounts of its header."""
    lines = sum((money.net(line, Decimal(line.quantity)) for line in document.lines), Decimal(0))
    if isinstance(document, SalesOrder):
        return lines + sum((one.amount for one in money.header_lines(document)), Decimal(0))
    return lines + sum((cost.amount for cost in document.costs), Decimal(0))


# What never came in ---------------------------------------------------------------------------------


def untold(kind: Kind, header: Mapping[str, Any]) -> Drift:
    """A document that Commerce's list shows and that never came in."""
    number = str(header.get("orderNumber") or header.get("quoteNumber") or f"id:{header['id']}")
    stands = state(kind, header.get("status"))
    sentence = f"{_named(kind, number)} is {stands} in Commerce and never came in."
    return Drift(
        Code.DRIFT_MISSING, COMMERCE, kind.value, str(header["id"]), "", ORDER, "not known",
        stands, sentence, _WHO.get(kind, Who.SALES), about=UNTOLD, fix=Forgotten(),
    )  # fmt: skip


def state(kind: Kind, status: Any) -> str:
    """A status as people say it; the vendor may add others (commerce.md 1.4)."""
    known = {one.value: one.name.lower() for one in _STATES[kind]}
    return known.get(status, f"of status {status}")


def _named(kind: Kind, number: str) -> str:
    return f"{kind.value.replace('_', ' ').capitalize()} {number}"


def _version(stored: Stored) -> str:
    return stored.version


def _parsed(kind: Kind, body: Mapping[str, Any]) -> Ordered | str:
    """The document, or what is wrong with it, without its values."""
    try:
        document = parse(kind, body)
    except ValidationError as wrong:
        first = wrong.errors(include_input=False, include_url=False, include_context=False)[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"[:200]
    assert isinstance(document, SalesOrder | PurchaseOrder)  # noqa: S101 - by its kind
    return document
