"""A document of ours as it is to stand in the ledger, and how what stands there compares with it.

Owns the reading of one document, and when it counts as gone, as ours unchanged, or as a person's
(C4, D-11). What follows from that is `ledger_documents`' part.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from app.domain.books import Document, DocumentKind, LedgerLine, NewDocument, Status
from app.domain.codes import Code
from app.domain.errors import FailureKind, RemoteFailure
from app.domain.json_values import digest
from app.domain.posted import NAMED
from app.domain.records import Ref
from app.steps import ledger
from app.steps.effects import Effects


@dataclass(frozen=True, slots=True)
class Posting:
    """What is to stand. `want` is the step's, `new` the same in the ledger's terms; `total` holds
    tax. `own_tax`: the ledger reckons it by itself, whatever was sent. `line_keys` name its first
    lines, whose ids in the ledger are kept under these names. `grows`: its changes are announced,
    because what a lost one put on it must not be put on another document."""

    want: Mapping[str, Any]
    new: NewDocument
    total: Decimal
    own_tax: bool = False
    line_keys: tuple[str, ...] = ()
    grows: bool = False

    @property
    def subject(self) -> str:
        return str(self.want["subject"])

    @property
    def kind(self) -> DocumentKind:
        return self.new.kind

    def named(self) -> str:
        """As a sentence begins with it."""
        return f"{NAMED[self.kind]} {self.new.number or self.new.reference}".strip()


def amounts(lines: Sequence[LedgerLine]) -> list[str]:
    """What its lines come to, by which an untouched document is told from an edited one."""
    return sorted(f"{line.amount:.2f}" for line in lines if line.amount)


async def read(fx: Effects, kind: DocumentKind, record: str) -> Document | None:
    """The document as it stands, None when it is gone. One that was made just now may not show
    yet, so what is not found is looked for again before that counts: raises Wait(READ_LAG)."""
    try:
        told = await ledger.books_of(fx).read_document(kind, record)
    except RemoteFailure as failure:
        if failure.kind is not FailureKind.GONE:
            raise
        sentence = f"{NAMED[kind]} {record} of {fx.view.row.name} is not found in the ledger."
        if wait := await fx.lagging(_not_found_since(fx, sentence), sentence):
            raise wait from failure
        return None
    return None if told.status is Status.DELETED else told


def _not_found_since(fx: Effects, sentence: str) -> datetime | None:
    rows = fx.view.ledger.values()
    same = (row for row in rows if row.code is Code.READ_LAG and row.sentence == sentence)
    return min((row.since for row in same if row.since is not None), default=None)


def left_alone(standing: Document | None, known: Ref, posting: Posting) -> str | None:
    """Why a document is not changed any more, None: it may be."""
    told = f"{posting.named()} changed in Commerce, and"
    if standing is None:
        return f"{told} it was deleted in the ledger; it is not made again."
    if standing.status is Status.VOIDED:
        return f"{told} it was voided in the ledger; it is not made again."
    if standing.status is Status.PAID or standing.paid:
        return f"{told} {standing.paid} of it is paid in the ledger."
    if standing.status is Status.CLOSED:
        return f"{told} it is closed in the ledger."
    if posting.kind is DocumentKind.BILL and standing.contact_id != posting.new.contact_id:
        return f"{told} is another supplier's now; what is owed to the first one stays."
    if standing.version != known.data.get("version"):
        return f"{told} a person has changed it in the ledger since."
    return None


def sent(posting: Posting) -> str:
    """The wanted document's fingerprint, without a rounding line that only its total asks for."""
    return digest(repr(posting.new))


def as_sent(standing: Document, known: Ref, posting: Posting) -> bool:
    """Whether this very document was the last that was sent and nobody has changed it since. What
    the ledger then reckons otherwise, as QuickBooks does with tax outside the US, it would reckon
    so again."""
    return (
        known.data.get("sent") == sent(posting)
        and known.data.get("version") == standing.version
        and standing.status in (Status.DRAFT, Status.OPEN)
    )


# A purchase order may be closed, by us or by the ledger, and say what it is to say.
_IN_USE = {False: (Status.DRAFT, Status.OPEN), True: (Status.OPEN, Status.CLOSED)}


def same(standing: Document, posting: Posting) -> bool:
    """Whether it stands as wanted already: by number and date, by each line's amount, and by the
    tax, unless the ledger reckons that by itself."""
    new = posting.new
    numbered = new.number is None or standing.number == new.number
    lines = [line.amount for line in standing.lines if line.amount]
    tax = sum((line.tax_amount or Decimal(0) for line in new.lines), Decimal(0))
    return (
        numbered
        and (posting.own_tax or standing.tax == tax)
        and standing.status in _IN_USE[posting.kind is DocumentKind.PURCHASE_ORDER]
        and standing.on == new.on
        and standing.contact_id == new.contact_id
        and sorted(lines) == sorted(line.amount for line in new.lines if line.amount)
    )
