"""Payments of bills and of invoices, and what they leave to pay.

A payment's lines name what they pay; the balance of a document is its total less those lines.
"""

from __future__ import annotations

from decimal import Decimal

from sandbox.quickbooks.model import errors
from sandbox.quickbooks.model.amounts import cents
from sandbox.quickbooks.model.documents import check_open, first_account
from sandbox.quickbooks.model.fields import Field, read_fields, read_value
from sandbox.quickbooks.model.store import Row
from sandbox.quickbooks.model.tables import LINE, LINK, Entity
from sandbox.quickbooks.model.world import World, named

PAYS: dict[str, tuple[str, ...]] = {
    "BillPayment": ("Bill", "VendorCredit"),
    "Payment": ("Invoice",),
}
PAID_BY = {"Bill": "BillPayment", "VendorCredit": "BillPayment", "Invoice": "Payment"}
SHOWN_AS = {"BillPayment": "BillPaymentCheck", "Payment": "Payment"}


def complete(world: World, spec: Entity, values: Row, old: Row | None) -> Row:
    row = dict(values)
    target = spec.fields[spec.contact].target
    row[spec.contact] = named(world.referred(target, row[spec.contact], spec.contact))
    row.setdefault("TxnDate", world.today())
    check_open(world, row["TxnDate"])
    row["CurrencyRef"] = dict(world.row(target, row[spec.contact]["value"])["CurrencyRef"])
    row["TotalAmt"] = cents(row["TotalAmt"])
    if spec.name == "BillPayment":
        _paid_from(world, row)
    row["Line"] = [_line(world, spec, row, raw, old) for raw in row.get("Line", ())]
    used = sum((_signed(line) for line in row["Line"]), Decimal(0))
    if used > row["TotalAmt"]:
        raise errors.business("More is applied than was paid.")
    if spec.name == "Payment":
        row["UnappliedAmt"] = row["TotalAmt"] - used
        row.setdefault("DepositToAccountRef", named(first_account(world, "Bank")))
    return row


def _paid_from(world: World, row: Row) -> None:
    place, field, needed = (
        ("CheckPayment", "BankAccountRef", "Bank")
        if row["PayType"] == "Check"
        else ("CreditCardPayment", "CCAccountRef", "Credit Card")
    )
    given = row.get(place, {}).get(field) or {}
    reference = read_value(Field(field, "x"), given, f"{place}.{field}")
    if reference is None:
        raise errors.missing(f"{place}.{field}")
    account = world.referred("Account", reference, f"{place}.{field}")
    if account["AccountType"] != needed:
        raise errors.wrong_account(f"{place}.{field}", needed)


def _line(world: World, spec: Entity, payment: Row, raw: Row, old: Row | None) -> Row:
    line = read_fields(LINE, raw, "Line.")
    amount = cents(line.get("Amount", Decimal(0)))
    found = [read_fields(LINK, each, "Line.LinkedTxn.") for each in line.get("LinkedTxn", ())]
    for link in found:
        kind, paid_id = link.get("TxnType"), link.get("TxnId")
        if kind not in PAYS[spec.name]:
            raise errors.invalid_choice("Line.LinkedTxn.TxnType", kind)
        paid = world.get(kind, paid_id)
        if paid is None:
            raise errors.bad_reference(f"{kind}s", paid_id, "Line.LinkedTxn.TxnId")
        if paid[spec.contact]["value"] != payment[spec.contact]["value"]:
            raise errors.business(f"The {kind} {paid_id} is somebody else's.")
        already = sum(
            (_towards(line, kind, paid_id) for line in (old or {}).get("Line", ())), Decimal(0)
        )
        if amount > paid["Balance"] + already:
            raise errors.business(f"The {kind} {paid_id} has only {paid['Balance']} left to pay.")
    return {"Amount": amount, "LinkedTxn": found}


def _signed(line: Row) -> Decimal:
    credit = any(link["TxnType"] == "VendorCredit" for link in line["LinkedTxn"])
    amount: Decimal = line["Amount"]
    return -amount if credit else amount


def _towards(line: Row, kind: str, record_id: str) -> Decimal:
    hit = any(link["TxnType"] == kind and link["TxnId"] == record_id for link in line["LinkedTxn"])
    amount: Decimal = line["Amount"] if hit else Decimal(0)
    return amount


def paying(world: World, entity: str, record_id: str) -> list[Row]:
    """The payments of a document."""
    return [
        row
        for row in world.store.rows(PAID_BY[entity])
        if any(_towards(line, entity, record_id) for line in row["Line"])
    ]


def settle(world: World, entity: str, record_id: str) -> None:
    """Brings a document's balance and its links to payments into step."""
    row = world.get(entity, record_id)
    if row is None:
        return
    payments = paying(world, entity, record_id)
    paid = sum(
        (_towards(line, entity, record_id) for each in payments for line in each["Line"]),
        Decimal(0),
    )
    shown_as = SHOWN_AS[PAID_BY[entity]]
    links = [link for link in row.get("LinkedTxn", ()) if link["TxnType"] != shown_as]
    links += [{"TxnId": each["Id"], "TxnType": shown_as} for each in payments]
    world.change(entity, record_id, Balance=row["TotalAmt"] - paid, LinkedTxn=links)


def settle_paid(world: World, before: Row | None, after: Row | None) -> None:
    """After a payment changed: everything that it pays or has paid."""
    named_ = {
        (link["TxnType"], link["TxnId"])
        for row in (before, after)
        for line in (row or {}).get("Line", ())
        for link in line["LinkedTxn"]
    }
    for entity, record_id in sorted(named_):
        settle(world, entity, record_id)
