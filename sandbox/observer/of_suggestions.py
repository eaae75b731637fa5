"""The rules of purchasing suggestions, asked at every note that the service writes (D3 to D5).

Owns one function a rule. A note is the service's where it carries the mark of a suggestion; it is
held against the purchase order of Commerce that the mark names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from sandbox.observer.mirror import Row
from sandbox.observer.rules import Rule, Write
from sandbox.observer.whose import Broken

MARK = re.compile(r"\[demandlink suggestion [^/\]]+/(\d+)/(?:po:(\d+)|order)/(\d+)\]")


def _notes(write: Write) -> Iterator[tuple[re.Match[str], Row]]:
    for _, note in write.rows("ticketNote"):
        if found := MARK.search(str(note.get("text") or "")):
            yield found, note


def told_once(write: Write) -> Iterator[Broken]:
    """H1, H9: no state of a suggestion is told twice, on whatever ticket."""
    for found, _ in _notes(write):
        same = [n["id"] for n in write.after.rows("ticketNote") if found[0] in str(n.get("text"))]
        if len(same) > 1:
            yield "H1", int(found[1]), f"Notes {same} carry the mark {found[0]}."


def for_the_desk_only(write: Write) -> Iterator[Broken]:
    """D4: the purchasing officer reads it, never the customer: costs and suppliers stand in it."""
    for found, note in _notes(write):
        if note.get("detailDescriptionFlag") or note.get("resolutionFlag"):
            yield "D4", int(found[1]), f"Note {note['id']} can be read by the customer."
        elif not note.get("internalAnalysisFlag"):
            yield "D4", int(found[1]), f"Note {note['id']} is no internal note."


def as_commerce_worked_it_out(write: Write) -> Iterator[Broken]:
    """D3, D5: it is marked as a suggestion, and names supplier, lines, quantities, the supplier's
    SKU, of a state of the purchase order that Commerce had told by then."""
    for found, note in _notes(write):
        text, order = str(note["text"]), int(found[1])
        if not text.startswith("Purchasing suggestion "):
            yield "D3", order, f"Note {note['id']} does not say that it is a suggestion."
        known = write.told.purchase_orders.get(int(found[2])) if found[2] else None
        if found[2] is None or " is withdrawn: " in text:
            continue
        versions = known.ever(write.moment) if known is not None else []
        if not any(_says(text, body) for body in versions):
            sentence = f"Note {note['id']} says another thing than purchase order {found[2]}."
            yield "D5", order, sentence


def _says(text: str, body: Row) -> bool:
    lines = [line for line in body["lines"] if line["quantity"]]
    numbers = {product["id"]: product["productNumber"] for product in body.get("products", ())}
    return str(body["supplier"]["name"]) in text and all(
        f"- {line['quantity']} x {numbers.get(line['productID'], '')}" in text
        and str(line.get("supplierSku") or "") in text
        for line in lines
    )


AFTER: tuple[Rule, ...] = (told_once, for_the_desk_only, as_commerce_worked_it_out)
