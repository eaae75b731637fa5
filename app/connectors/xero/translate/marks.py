"""Where our marker stands on a document of Xero's, and how it is found again.

Owns the three places, by what the record offers (accounting.md 3.2): the address of our page
(bills and sales invoices), the reference (purchase orders, and sales invoices without an address),
a line of words only (vendor credits, and bills without an address).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from app.connectors.xero.paths import Family
from app.connectors.xero.schemas import Document
from app.domain import books

IN_ADDRESS = "#"
MARKER = re.compile(r"[A-Za-z0-9:._/-]{1,100}")
IN_BRACKETS = re.compile(rf"(?:^|\s)\[({MARKER.pattern})\]$")
SALES = "ACCREC"


@dataclass(frozen=True, slots=True)
class Marked:
    """What goes into the address, the reference, and a line of words at the end."""

    url: str = ""
    reference: str = ""
    note: str = ""


def place(new: books.NewDocument, family: Family) -> Marked:
    """Bills and vendor credits have no reference in Xero, so theirs becomes a part of the note;
    the memo too. On what the other side sees, there is no place for a memo, and it is left out."""
    internal = family.type not in {"", SALES}
    words = [part for part in (new.reference, new.memo) if part] if internal else []
    if family.url and new.link:
        return Marked(
            url=f"{new.link}{IN_ADDRESS}{new.marker}",
            reference="" if internal else new.reference,
            note="\n".join(words),
        )
    if internal:
        return Marked(note="\n".join([*words, f"[{new.marker}]"]))
    return Marked(reference=f"{new.reference} [{new.marker}]".strip())


def found(document: Document) -> str | None:
    """Our marker on a document as it stands; None where there is none of ours."""
    _, sign, last = document.url.rpartition(IN_ADDRESS)
    if sign and MARKER.fullmatch(last):
        return last
    words = (line.description for line in document.lines if line.is_words)
    for text in (document.reference, *words):
        seen = IN_BRACKETS.search(text)
        if seen:
            return seen.group(1)
    return None
