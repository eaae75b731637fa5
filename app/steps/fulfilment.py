"""The link of a bill's lines to the purchase order's in the ledger, sent and read back (C6, G3).

A ledger may make the bill and drop the link without a word (accounting.md 2.7): that is a named
state. Where a ledger knows no such link, the purchase order's number stands in the bill.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from app.domain.books import Capabilities, Document, DocumentKind, LedgerLine, LineLink
from app.domain.codes import Code
from app.domain.errors import Hold
from app.domain.ledger_orders import REF
from app.steps import ledger_standing
from app.steps.effects import Effects
from app.steps.ledger_standing import Posting


async def linked(
    fx: Effects, want: Mapping[str, Any], lines: Sequence[LedgerLine], can: Capabilities
) -> list[LedgerLine]:
    """A bill's lines with what they fulfil. Its goods come first, as they stand in `want`."""
    known = fx.view.refs.get((REF, f"po:{want['purchase_order']}"))
    if known is None or not can.links_purchase_orders:
        return list(lines)
    kind = DocumentKind.PURCHASE_ORDER
    standing = await ledger_standing.read(fx, kind, known.external_id)
    there = {line.id for line in standing.lines} if standing is not None else set()
    goods = [known.data.get("lines", {}).get(str(line["line"])) for line in want["lines"]]
    return [
        replace(line, fulfils=LineLink(known.external_id, target)) if target in there else line
        for line, target in zip(lines, [*goods, *[None] * (len(lines) - len(goods))], strict=True)
    ]


def refuse_unlinked(fx: Effects, posting: Posting, document: Document | None) -> None:
    """Raises Hold where a link that was sent is not there, unless a person lets it be so."""
    if document is None:
        return
    sent = Counter(line.fulfils for line in posting.new.lines if line.fulfils)
    missing = sent - Counter(line.fulfils for line in document.lines if line.fulfils)
    if not missing or fx.view.decided(Code.BILL_NOT_LINKED, posting.subject, posting.want):
        return
    raise Hold(
        Code.BILL_NOT_LINKED,
        f"{posting.named()} stands in the ledger, and {missing.total()} of its lines "
        f"{'is' if missing.total() == 1 else 'are'} not linked to the purchase order there.",
    )
