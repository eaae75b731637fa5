"""The page of the Commerce events, from the table of fields that the door checks with."""

from __future__ import annotations

import re
from enum import IntEnum

from app.domain.documents import ProductType, PurchaseOrderStatus, QuoteStatus, SalesOrderStatus
from app.sync.contract_fields import DOCUMENTS, ENVELOPE, EVENTS
from tests.docs.markdown import code, table

INTRODUCTION = """\
# Commerce events

Datto Commerce publishes no webhooks, so the contract of inbound events is this service's own:
anything that can sign a POST may send them. Post to `/webhooks/commerce`
([REST](rest.md#receive_commerce)); `demandlink trigger FILE` signs and posts a file. Five events of
one order, in full, are in [an example](../examples/first-order.json).

- Every event carries whole documents, never differences. The newest version of a document counts,
  by the highest `modifiedDate` in it; so late, doubled and reordered events end the same. Give
  every change a newer date.
- A delivery is signed by [Standard Webhooks](https://www.standardwebhooks.com):
  `webhook-id`, `webhook-timestamp`, `webhook-signature`. The id counts once; the timestamp may be
  five minutes off.
- Fields that are not listed may be there. They are not read.
- A type that is not listed is kept, shown as unhandled, and does nothing.

The names and numbers of the documents are those of the vendor's own read-only interface, so that
what was read there can be sent here. A few fields go beyond it: `connectwise`, `lineTax`,
`quantityFromStock`, `salesOrderLineID`, `total`, the receipt and its papers. A version of a document
that lacks one of them does not take it back, save for `total`, which goes with its own version.

`!` marks required fields, `?` those that may be null. A moment is a date and time as in
`2026-11-19T10:02:05Z`; without an offset UTC is read.
"""
MEANINGS = """\
## What the values mean

- `price` is for one unit, before tax and before the discount. `discountMethod` 0 is a percentage, 1
  a fixed amount for the whole line.
- `tax` is for one unit or for the whole line, as
  [`COMMERCE_TAX_BASIS`](settings.md#commerce_tax_basis) says; `lineTax` is always for the whole line
  and goes before it.
- Where `total` is given, lines, header amounts and taxes must add up to it, or the order is held:
  [TOTAL_MISMATCH](../runbook.md#total_mismatch).
- `quantityReceived` of a purchase order line is everything received until now. A receipt's
  `quantity` is what came with it. Both come in one event, so that the receipt can be laid where it
  belongs.
- `salesOrderLineID` says for which line of the sales order goods were bought. Without it they go to
  the lines of the same product in line order.
- `connectwise.opportunityId` is the opportunity of the order. `connectwise.companyIdentifier` names
  the ConnectWise company, before the customer's account number is tried.
- A sales order counts from `status` approved on, a purchase order too; drafts are not mirrored.
"""
NUMBERS: dict[str, type[IntEnum]] = {
    "SalesOrder `status`": SalesOrderStatus,
    "PurchaseOrder `status`": PurchaseOrderStatus,
    "Quote `status`": QuoteStatus,
    "Product `type`": ProductType,
}


def page() -> str:
    types = [
        [", ".join(code(name) for name in names), ", ".join(map(_field, data.items()))]
        for names, data in EVENTS
    ]
    numbers = [
        [what, ", ".join(f"{one.value} {_words(one.name)}" for one in known)]
        for what, known in NUMBERS.items()
    ]
    parts = [INTRODUCTION, "## Envelope", _fields(f"{ENVELOPE}; data!: object"), "## Types"]
    parts += [table(["type", "data"], types), MEANINGS]
    parts += [table(["field", "numbers that are read"], numbers), "## Documents"]
    parts += [f"### {name}\n\n{_fields(fields)}" for name, fields in DOCUMENTS.items()]
    return "\n\n".join(parts)


def _words(name: str) -> str:
    return name.lower().replace("_", " ")


def _field(item: tuple[str, str]) -> str:
    name, document = item
    return f"{code(name)}: {_linked(document)}"


def _fields(text: str) -> str:
    rows = []
    for field in text.split("; "):
        name, _, kind = field.partition(": ")
        rows.append([code(name), _type(kind)])
    return table(["field", "type"], rows)


def _type(kind: str) -> str:
    """The table's own notation in words: `[Line]+` is a list with at least one entry."""
    if match := re.fullmatch(r"\[(\w+)\](\+?)", kind):
        return f"list of {_linked(match[1])}{', not empty' if match[2] else ''}"
    return _linked(kind).replace("|", ", ")


def _linked(kind: str) -> str:
    return f"[{kind}](#{kind.lower()})" if kind in DOCUMENTS else kind
