"""Drift of what was posted to the ledger: purchase orders, bills, sales invoices (H12, C4).

Owns the comparison of total, number and lines with what was posted, and documents that carry our
marker twice. What a person paid is nobody's drift. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from app.domain import bills, ledger_orders
from app.domain.books import Document, Status
from app.domain.codes import Code, Who
from app.domain.drift import LEDGER, Compared, Drift
from app.domain.drift_selling import twin
from app.domain.gone import Forgotten
from app.domain.posted import KINDS, NAMED, STEPS
from app.domain.records import Ref

STEP_OF = {**STEPS, ledger_orders.REF: ledger_orders.STEP}
AWAY = (Status.DELETED, Status.VOIDED)


def found(one: Compared) -> Iterator[Drift]:
    """Everything in the ledger that stands otherwise."""
    for (kind, key), ref in sorted(one.view.refs.items()):
        if kind not in KINDS or (STEP_OF[kind], key) not in one.settled:
            continue
        want = one.view.applied(STEP_OF[kind], key)
        if want is None or want.get("ends") == ledger_orders.Ends.REMOVED:
            continue
        document = one.reading.documents.get((kind, key))
        if document is None or document.status in AWAY:
            if document is not None or (kind, ref.external_id) in one.reading.gone:
                yield _missing(one, ref, want, document)
            continue
        yield from _differs(one, ref, want, document)
        for other in one.reading.twins.get((kind, key), ()):
            if other.status in AWAY:
                continue  # voided, and posted anew when a person said so
            yield twin(
                one, kind, other.id, document.id, STEP_OF[kind], key, str(other.marker),
                f"{_named(one, ref)} stands twice in the ledger", Who.ACCOUNTING, LEDGER,
            )  # fmt: skip


def _named(one: Compared, ref: Ref) -> str:
    return f"{NAMED[KINDS[ref.kind]]} of {one.view.label(ref.key)}"


def _missing(one: Compared, ref: Ref, want: Mapping[str, Any], document: Document | None) -> Drift:
    """C4: never made again by itself. A person may say so: then it is posted as if for the first
    time."""
    how = "voided" if document is not None and document.status is Status.VOIDED else "deleted"
    step = STEP_OF[ref.kind]
    intents = tuple(about for about in one.view.outcomes if about[:2] == (step, ref.key))
    return Drift(
        Code.DRIFT_MISSING, LEDGER, ref.kind, ref.external_id, step, ref.key,
        str(bills.cents(amount(want))), how,
        f"{_named(one, ref)} was {how} in the ledger.", Who.ACCOUNTING,
        url=_url(ref), fix=Forgotten(((step, ref.key),), ((ref.kind, ref.key),), intents),
    )  # fmt: skip


def _differs(
    one: Compared, ref: Ref, want: Mapping[str, Any], document: Document
) -> Iterator[Drift]:
    """To the cent, before tax: what a ledger reckons as tax is told when it is posted (D-12)."""
    accepted = one.view.decided(Code.TOTAL_MISMATCH, ref.key, want) is not None
    told, stands = bills.cents(amount(want)), bills.cents(document.total - document.tax)
    # A tax that is a line of its own, where purchases carry no tax code, is in the total.
    with_tax = told + bills.cents(tax(want))
    if accepted or document.total == with_tax or stands == told:
        return
    currency = document.currency
    yield Drift(
        Code.DRIFT_DIFFERENT, LEDGER, ref.kind, ref.external_id, STEP_OF[ref.kind], ref.key,
        f"{told} {currency}", f"{stands} {currency}",
        f"{_named(one, ref)} comes to {told} {currency} by Commerce and to {stands} {currency} in "
        "the ledger, before tax.",
        Who.ACCOUNTING, about="amount", url=_url(ref),
    )  # fmt: skip


def _url(ref: Ref) -> str | None:
    return str(ref.data.get("url") or "") or None


def amount(want: Mapping[str, Any]) -> Decimal:
    """What a posted document comes to before tax, by the want that was applied."""
    return _sum(want, "amount") + Decimal(str(want.get("freight") or 0))


def tax(want: Mapping[str, Any]) -> Decimal:
    return _sum(want, "tax")


def _sum(want: Mapping[str, Any], name: str) -> Decimal:
    rows = [*want.get("lines", ()), *want.get("costs", ())]
    return sum((Decimal(str(row[name])) for row in rows), Decimal(0))
