"""The rules of the ledger, asked at every document that the service writes there.

Owns reading QuickBooks' and Xero's logs as one, and one function a rule. A document is for the
Commerce order that its mark names. Every write of the log is taken for the service's, but a
person's acts: whoever judges leaves other clients out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sandbox.observer.matrix import LEDGER, Rows
from sandbox.observer.told import Json, Told
from sandbox.observer.whose import Broken

# Of a sales order, or of a purchase order for stock (H4).
MARK = re.compile(r"\bdl:[^:\s]+:(stock:)?(\d+):[a-z_]+:[0-9a-f]+")
# QuickBooks' entities and Xero's tables. Xero keeps bills among the invoices.
KINDS: Mapping[str, str] = {
    "Bill": "bill",
    "Invoice": "invoice",
    "Estimate": "estimate",
    "PurchaseOrder": "purchase order",
    "VendorCredit": "vendor credit",
    "invoice": "invoice",
    "purchaseOrder": "purchase order",
    "creditNote": "vendor credit",
}
GONE = ("DELETED", "VOIDED")
# A gap that the ledger's own rounding leaves gets a line of its own, up to this a bill (D-12).
ROUNDING = Decimal("0.05")


@dataclass(frozen=True)
class Document:
    """A document as it stands after a write."""

    kind: str
    key: str
    order: int | None
    mark: str
    total: Decimal
    stock: int | None = None  # the purchase order, where it is for stock

    def __str__(self) -> str:
        return f"{self.kind.capitalize()} {self.key}"


Standing = Mapping[tuple[str, str], Document]


def faults(log: Sequence[Json], told: Told, matrix: Rows) -> Iterator[tuple[int, Broken]]:
    """Every rule that was broken, with the number of the log's entry."""
    standing: dict[tuple[str, str], Document] = {}
    for entry in log:
        for change in entry.get("changed") or ():
            place = (str(change["table"]), str(change["id"]))
            document = _document(place, change["row"])
            if document is None:
                standing.pop(place, None)
                continue
            standing[place] = document
            if entry["method"] in ("GET", "ACT"):
                continue
            moment = datetime.fromisoformat(str(entry["t"]))
            for broken in _asked(document, standing, told, matrix, moment):
                yield int(entry["n"]), broken


def standing(log: Sequence[Json]) -> list[Document]:
    """Every document that stands in the ledger after the log's last entry."""
    found: dict[tuple[str, str], Document] = {}
    for entry in log:
        for change in entry.get("changed") or ():
            place = (str(change["table"]), str(change["id"]))
            document = _document(place, change["row"])
            if document is None:
                found.pop(place, None)
            else:
                found[place] = document
    return list(found.values())


def _document(place: tuple[str, str], row: Json | None) -> Document | None:
    """None for what is no document, and for one that is deleted or void."""
    kind = KINDS.get(place[0])
    note = str((row or {}).get("PrivateNote") or "")
    if kind is None or row is None or row.get("Status") in GONE or note.startswith("Voided"):
        return None
    if row.get("Type") == "ACCPAY":
        kind = "bill"
    words = [str(line.get("Description") or "") for line in row.get("LineItems") or ()]
    text = "\n".join([note, str(row.get("Url") or ""), str(row.get("Reference") or ""), *words])
    marked = MARK.search(text)
    total = Decimal(str(row.get("TotalAmt", row.get("Total", 0))))
    if marked is None:
        return Document(kind, place[1], None, "", total)
    number = int(marked[2])
    order, stock = (None, number) if marked[1] else (number, None)
    return Document(kind, place[1], order, marked[0], total, stock)


def _asked(
    document: Document, standing: Standing, told: Told, matrix: Rows, moment: datetime
) -> Iterable[Broken]:
    yield from _allowed(document, matrix)
    yield from _once(document, standing)
    if document.kind == "bill" and document.order is not None:
        yield from _owed(document, standing, told, moment)
    if document.kind == "invoice" and document.order is not None:
        yield from _issued(document, standing, told, moment)


def _allowed(document: Document, matrix: Rows) -> Iterator[Broken]:
    """G9, A5, A6: a document that the order's row does not have; H9: one without our mark."""
    row = matrix.of(document.order)
    if document.kind not in LEDGER[row]:
        sentence = f"{document} in the ledger is no write of configuration {row}."
        yield "G9", document.order, sentence
    if not document.mark:
        yield "H9", None, f"{document} carries no mark, so a second one could not be known."


def _once(document: Document, standing: Standing) -> Iterator[Broken]:
    """H1: one document for each mark."""
    same = [one.key for one in standing.values() if document.mark and one.mark == document.mark]
    if len(same) > 1:
        yield "H1", document.order, f"{document.kind}s {same} carry the mark {document.mark}."


def _of(kind: str, like: Document, standing: Standing) -> list[Document]:
    """The documents of a kind that are of the same order as this one."""
    same = (kind, like.order, like.stock)
    return [one for one in standing.values() if (one.kind, one.order, one.stock) == same]


def _owed(document: Document, standing: Standing, told: Told, moment: datetime) -> Iterator[Broken]:
    """C6, H2: bills come to no more than what was received by then, with its tax and freight."""
    bills = _of("bill", document, standing)
    billed = sum((one.total for one in bills), Decimal(0))
    owed = told.owed(document.order, moment, document.stock)
    if billed > owed + ROUNDING * len(bills):
        sentence = f"Bills of the order come to {billed}; goods for {owed} had been received."
        yield "C6", document.order, sentence


def _issued(
    document: Document, standing: Standing, told: Told, moment: datetime
) -> Iterator[Broken]:
    """C3: no more is invoiced than Commerce had issued by then."""
    invoices = _of("invoice", document, standing)
    invoiced = sum((one.total for one in invoices), Decimal(0))
    issued = told.issued(int(document.order or 0), moment)
    if invoiced > issued:
        sentence = f"Invoices of the order come to {invoiced}; Commerce had issued {issued}."
        yield "C3", document.order, sentence
