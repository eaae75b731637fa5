"""Whether the tool that posts ConnectWise's records onward can post an order's (A9, G5 to G7).

Owns the table of checks, tool by tool, over what was read of the records; the reading is
`app/sync/readiness.py`. A defect never holds an order: it is shown beside its answer. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.domain.codes import Code, State, Who
from app.domain.facts import STALE_BEFORE
from app.domain.order import OrderView
from app.domain.reasons import CODES
from app.domain.records import (
    ORDER,
    Fact,
)
from app.domain.release import STEP as RELEASE

FACT = "readiness"
WISE_SYNC, CONNECTBOOSTER, INNOVENT = "wise_sync", "connectbooster", "innovent"
NAMES: Mapping[str, str] = {
    WISE_SYNC: "Wise-Sync",
    CONNECTBOOSTER: "ConnectBooster",
    INNOVENT: "Innovent's integration for MYOB",
}
ALL = tuple(NAMES)
LONGEST_NUMBER = 8  # characters of a number that MYOB keeps (G7)
LONGEST_ACCOUNT = 15  # of a card id in MYOB (G7)
LONGEST_ITEM = 30  # of an item code, in Xero as in MYOB
# What an invoice's entries of these types post needs no item: receivable, payable, tax.
WITHOUT_ITEM = frozenset({"AR", "AP", "ST"})

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read for the check, as the fact keeps it, and the supplier prefix of Innovent."""

    body: Row
    prefix: str = ""

    @property
    def orders(self) -> Sequence[Row]:
        return list(self.body.get("purchase_orders", ()))

    @property
    def invoices(self) -> Sequence[Row]:
        return list(self.body.get("invoices", ()))

    @property
    def customer(self) -> Row | None:
        return self.company(self.body.get("customer"))

    def company(self, number: int | None) -> Row | None:
        found: Row | None = self.body.get("companies", {}).get(str(number))
        return found

    @property
    def suppliers(self) -> Sequence[Row]:
        """The suppliers of purchase orders that were received, each once."""
        numbers = dict.fromkeys(po["vendor"] for po in self.orders if _received(po))
        found = (self.company(number) for number in numbers)
        return [company for company in found if company is not None]

    @property
    def cards(self) -> Iterator[tuple[Row, str]]:
        """Each company with its card id in MYOB."""
        if self.customer is not None:
            yield self.customer, self.customer["account"]
        for supplier in self.suppliers:
            yield supplier, f"{self.prefix}{supplier['account']}"


@dataclass(frozen=True, slots=True)
class Check:
    """What a tool cannot post: `find` gives a sentence for each defect. Who acts and the fix stand
    in the table of reasons."""

    code: Code
    tools: tuple[str, ...]
    find: Callable[[Reading], Iterator[str]]


@dataclass(frozen=True, slots=True)
class Defect:
    """A record that the tool cannot post, or not as it stands."""

    code: Code
    sentence: str
    fix: str
    who: Who


def _received(order: Row) -> Sequence[Row]:
    """Its lines on which goods were received and that still stand."""
    return [line for line in order["lines"] if line["received"] and not line["cancelled"]]


def _lines_open(read: Reading) -> Iterator[str]:
    for order in read.orders:
        for line in _received(order):
            if not line["closed"]:
                yield f"Line {line['line']} ({line['sku']}) of {_po(order)} is received, not closed."


def _slips(read: Reading) -> Iterator[str]:
    for order in read.orders:
        for line in _received(order):
            if not line["slip"]:
                yield f"Line {line['line']} ({line['sku']}) of {_po(order)} has no packing slip."


def _supplier_invoices(read: Reading) -> Iterator[str]:
    for order in read.orders:
        missing = [
            name
            for name, key in (("number", "supplier_invoice"), ("date", "supplier_invoice_date"))
            if not order[key]
        ]
        if missing and _received(order):
            yield f"{_po(order)} has no supplier invoice {' and no '.join(missing)}."


def _tax_codes(read: Reading) -> Iterator[str]:
    for invoice in read.invoices:
        if not invoice["taxed"]:
            yield f"{_invoice(invoice)} has no tax code."
    if not read.invoices and read.customer is not None and not read.customer["taxed"]:
        yield f"Company {read.customer['identifier']} has no tax code."


def _contacts(read: Reading) -> Iterator[str]:
    customer = [read.customer] if read.customer is not None else []
    for company in {one["identifier"]: one for one in (*customer, *read.suppliers)}.values():
        if not company["contact"]:
            yield f"Company {company['identifier']} has no billing contact and no primary one."


def _gl(read: Reading) -> Iterator[str]:
    for invoice in read.invoices:
        for entry in invoice["entries"]:
            if entry["type"] not in WITHOUT_ITEM and not entry["item"]:
                yield f"The entry {entry['type']} of {_invoice(invoice)} has no item."


def _numbers_missing(read: Reading) -> Iterator[str]:
    for order in read.orders:
        if not order["number"]:
            yield f"Purchase order {order['id']} in ConnectWise has no number."
    for invoice in read.invoices:
        if not invoice["number"]:
            yield f"Invoice {invoice['id']} in ConnectWise has no number."


def _numbers_long(read: Reading) -> Iterator[str]:
    named = [(order["number"], _po(order)) for order in read.orders]
    named += [(invoice["number"], _invoice(invoice)) for invoice in read.invoices]
    for number, name in named:
        if len(number) > LONGEST_NUMBER:
            cut = number[:LONGEST_NUMBER]
            yield f"{name} has {len(number)} characters; MYOB keeps {LONGEST_NUMBER}, as in {cut}."


def _accounts_missing(read: Reading) -> Iterator[str]:
    for company in {one["identifier"]: one for one, _ in read.cards}.values():
        if not company["account"]:
            yield f"Company {company['identifier']} has no Account."


def _accounts_long(read: Reading) -> Iterator[str]:
    for company, card in read.cards:
        if company["account"] and len(card) > LONGEST_ACCOUNT:
            yield f"The card id of company {company['identifier']} has {len(card)} characters."


def _accounts_shared(read: Reading) -> Iterator[str]:
    for company in {one["identifier"]: one for one, _ in read.cards}.values():
        if company["shared"]:
            others = ", ".join(company["shared"])
            yield f"Company {company['identifier']} has the same Account as {others}."


def _prefixes(read: Reading) -> Iterator[str]:
    customer = read.customer
    if customer is None or not customer["account"] or read.prefix:
        return
    for supplier in read.suppliers:
        if supplier["account"].casefold() == customer["account"].casefold():
            yield f"Supplier and customer {supplier['identifier']} would be one card in MYOB."


def _items_long(read: Reading) -> Iterator[str]:
    skus = {line["sku"] for order in read.orders for line in _received(order)}
    skus |= {entry["item"] for invoice in read.invoices for entry in invoice["entries"]}
    for sku in sorted(skus):
        if len(sku) > LONGEST_ITEM:
            yield f"Product id {sku} has {len(sku)} characters."


def _not_read(read: Reading) -> Iterator[str]:
    for told in read.body.get("not_read", ()):
        yield str(told)


def _po(order: Row) -> str:
    return f"Purchase order {order['number'] or order['id']}"


def _invoice(invoice: Row) -> str:
    return f"Invoice {invoice['number'] or invoice['id']}"


# The table: what is asked for which tool. Wise-Sync's own stops are GL mapping and contact; item
# codes are the ledger's limit, and ConnectBooster's ledgers are not known.
CHECKS: tuple[Check, ...] = (
    Check(Code.SYNC_LINE_OPEN, ALL, _lines_open),
    Check(Code.SYNC_PACKING_SLIP_MISSING, ALL, _slips),
    Check(Code.SYNC_SUPPLIER_INVOICE_MISSING, ALL, _supplier_invoices),
    Check(Code.SYNC_TAX_CODE_MISSING, ALL, _tax_codes),
    Check(Code.SYNC_CONTACT_MISSING, ALL, _contacts),
    Check(Code.SYNC_GL_MAPPING_MISSING, ALL, _gl),
    Check(Code.SYNC_NUMBER_MISSING, ALL, _numbers_missing),
    Check(Code.SYNC_NUMBER_LONG, (INNOVENT,), _numbers_long),
    Check(Code.SYNC_ACCOUNT_MISSING, (INNOVENT,), _accounts_missing),
    Check(Code.SYNC_ACCOUNT_LONG, (INNOVENT,), _accounts_long),
    Check(Code.SYNC_ACCOUNT_SHARED, (INNOVENT,), _accounts_shared),
    Check(Code.SYNC_PREFIX_MISSING, (INNOVENT,), _prefixes),
    Check(Code.SYNC_ITEM_LONG, (WISE_SYNC, INNOVENT), _items_long),
    Check(Code.SYNC_NOT_READ, ALL, _not_read),
)


def defects(tool: str, read: Reading) -> tuple[Defect, ...]:
    """What the tool cannot post of what was read, in the order of the table."""
    return tuple(
        Defect(check.code, sentence, CODES[check.code].remedy, CODES[check.code].who)
        for check in CHECKS
        if tool in check.tools
        for sentence in check.find(read)
    )


# --- of an order ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Checked:
    """How an order stands with the tenant's tool. `checked_at` None: its records are read once it
    is released, or right now."""

    tool: str
    checked_at: datetime | None
    sentence: str
    defects: tuple[Defect, ...] = ()


def tool_of(view: OrderView) -> str | None:
    """The tool that posts the order's records; None where nobody named one, or where the sales
    invoice is Commerce's, so that nothing of the order is posted by it (C)."""
    named = view.names.get("invoice_sync_tool", "")
    return named if named in NAMES and not (view.by_commerce or view.of_quote) else None


def wanted(view: OrderView) -> bool:
    """Whether the records have to be read: a tool is named, the order is released, and they were
    not read since for this tool, or a callback or a write of the service changed them."""
    tool, released = tool_of(view), view.applied(RELEASE, ORDER)
    if tool is None or released is None or released.get("released") is False:
        return False
    fact = view.facts.get((FACT, ""))
    if fact is None or fact.body.get("tool") != tool or _stale(fact):
        return True
    moments = (row.applied_at for row in view.ledger.values() if row.applied_at is not None)
    return max(moments, default=fact.seen_at) > fact.seen_at


def checked(view: OrderView, codes: frozenset[Code] = frozenset()) -> Checked | None:
    """The answer of the check; None where no tool is named. `codes` are those at which the order
    stands: an invoice that a person may remove breaks its pairing (G6)."""
    tool = tool_of(view)
    if tool is None:
        return None
    fact = view.facts.get((FACT, ""))
    warned = _remade(view, tool, codes)
    if fact is None or fact.body.get("tool") != tool:
        told = f"{NAMES[tool]}: checked once the order is released, or on demand."
        return Checked(tool, None, told, warned)
    prefix = view.names.get("invoice_sync_supplier_prefix", "")
    found = (*warned, *defects(tool, Reading(fact.body, prefix)))
    told = f"{NAMES[tool]} can post what stands of the order in ConnectWise."
    if found:
        told = (
            f"{NAMES[tool]} may not post the order's records as they stand: {len(found)} to see to."
        )
    return Checked(tool, None if _stale(fact) else fact.seen_at, told, found)


def _stale(fact: Fact) -> bool:
    return fact.seen_at.year < STALE_BEFORE


def _remade(view: OrderView, tool: str, codes: frozenset[Code]) -> tuple[Defect, ...]:
    """G6: where the way out of a hold is to remove an invoice, or one was removed."""
    gone = view.ledger.get((RELEASE, ORDER))
    removed = gone is not None and gone.code is Code.REMOTE_GONE and gone.state is State.HELD
    if Code.INVOICED_TOO_EARLY not in codes and not removed:
        return ()
    reason = CODES[Code.SYNC_REMADE]
    told = f"{NAMES[tool]} pairs an invoice with its copy in the ledger when it posts it."
    return (Defect(Code.SYNC_REMADE, told, reason.remedy, reason.who),)
