"""Every write of an API client: create, update, delete, void.

Owns versions, what a sparse update keeps, and which operation an entity has; the rules of each
family stand beside.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any

from sandbox.quickbooks.model import documents, errors, links, names, payments
from sandbox.quickbooks.model.fields import ENVELOPE, read_fields
from sandbox.quickbooks.model.store import Row
from sandbox.quickbooks.model.tables import DETAIL_OF, Entity
from sandbox.quickbooks.model.world import World

OF_PAYMENTS = ("BillPayment", "Payment")
PAYABLE = ("Bill", "VendorCredit", "Invoice")
ZERO = Decimal(0)


class Engine:
    """Carries out writes, each inside a transaction of the world that the caller opens."""

    def __init__(self, world: World) -> None:
        self.world = world

    def post(
        self, spec: Entity, body: Any, operation: str = "", include: Collection[str] = ()
    ) -> Row:
        """What `POST /{entity}` does; the record as it stands, or as little as is left of it."""
        if not isinstance(body, Mapping):
            raise errors.unsupported("the body")
        if spec.family == "setup":
            raise errors.no_operation(operation or "create", spec.name)
        if operation == "delete":
            return self._delete(spec, body)
        if operation == "void" or "void" in include:
            return self._void(spec, body, operation)
        if operation not in {"", "create", "update"}:
            raise errors.no_operation(operation, spec.name)
        if body.get("Id"):
            return self._update(spec, body, include)
        return self._create(spec, body, include)

    def _create(self, spec: Entity, body: Mapping[str, Any], include: Collection[str]) -> Row:
        values = read_fields(spec.fields, body)
        self._check_required(spec, values)
        row = self.world.insert(spec.name, self._complete(spec, values, None, include))
        self._settle(spec, None, row)
        return self.world.row(spec.name, row["Id"])

    def _update(self, spec: Entity, body: Mapping[str, Any], include: Collection[str]) -> Row:
        old = self._current(spec, body)
        values = read_fields(spec.fields, body)
        sparse = str(body.get("sparse")).lower() == "true"
        # Bill and its kin need their contact on every write, also on a sparse one.
        required = (spec.contact,) if sparse and spec.family == "transaction" else None
        self._check_required(spec, values, required if sparse else None)
        if sparse:
            given = set(values) | {name for name, value in body.items() if value is None}
            kept = {
                name: value
                for name, value in old.items()
                if name in spec.fields and name not in given and not spec.fields[name].kept
            }
            values = kept | values
            if "TxnTaxDetail" not in body and "TxnTaxDetail" in kept:
                # The code stays, the amounts are counted anew.
                code = old["TxnTaxDetail"].get("TxnTaxCodeRef")
                values["TxnTaxDetail"] = {"TxnTaxCodeRef": code} if code else {}
        completed = self._complete(spec, values, old, include)
        envelope = {name: old[name] for name in ENVELOPE if name in old}
        row = self.world.replace(spec.name, completed | envelope)
        self._settle(spec, old, row)
        return self.world.row(spec.name, row["Id"])

    def _delete(self, spec: Entity, body: Mapping[str, Any]) -> Row:
        if spec.family != "transaction":
            raise errors.no_operation("delete", spec.name)
        old = self._current(spec, body)
        documents.check_open(self.world, old["TxnDate"])
        self._check_loose(spec, old)
        self.world.delete(spec.name, old["Id"])
        self._settle(spec, old, None)
        return {"Id": old["Id"], "domain": "QBO", "status": "Deleted"}

    def _void(self, spec: Entity, body: Mapping[str, Any], operation: str) -> Row:
        """Only some entities have it, and each in its own words. The rest answer as a bill does:
        a fault, by default with status 200 (accounting.md 2.9)."""
        if not spec.voided_by or (operation or "void") != spec.voided_by:
            raise errors.application_error(self.world.switches.void_bill_status)
        old = self._current(spec, body)
        documents.check_open(self.world, old["TxnDate"])
        self._check_loose(spec, old)
        note = str(old.get("PrivateNote", ""))
        row = dict(old) | {
            "PrivateNote": f"Voided - {note}" if note else "Voided",
            "TotalAmt": ZERO,
            "Line": [_emptied(line) for line in old["Line"]],
        }
        if spec.name in OF_PAYMENTS:
            row["Line"] = []
        if "UnappliedAmt" in row:
            row["UnappliedAmt"] = ZERO
        if "Balance" in row:
            row["Balance"] = ZERO
        if "TxnTaxDetail" in row:
            row["TxnTaxDetail"] = {"TotalTax": ZERO}
        row.pop("LinkedTxn", None)
        row = self.world.replace(spec.name, row)
        self.world.count_as_void(spec.name, row["Id"])
        self._settle(spec, old, row)
        return self.world.row(spec.name, row["Id"])

    # --- what each of them needs

    def _current(self, spec: Entity, body: Mapping[str, Any]) -> Row:
        if not body.get("Id"):
            raise errors.missing("Id")
        old = self.world.row(spec.name, str(body["Id"]))
        token = body.get("SyncToken")
        if token is None or token == "":
            raise errors.missing("SyncToken")
        if str(token) != old["SyncToken"]:
            raise errors.stale()
        return old

    @staticmethod
    def _check_required(spec: Entity, values: Row, only: Collection[str] | None = None) -> None:
        for name, field in spec.fields.items():
            if field.required and name not in values and (only is None or name in only):
                raise errors.missing(name)

    def _complete(
        self, spec: Entity, values: Row, old: Row | None, include: Collection[str]
    ) -> Row:
        if spec.family != "transaction":
            return names.complete(self.world, spec, values, old)
        if spec.name in OF_PAYMENTS:
            return payments.complete(self.world, spec, values, old)
        return documents.complete(self.world, spec, values, old, include)

    def _check_loose(self, spec: Entity, row: Row) -> None:
        """What others rest on is neither deleted nor voided here (nothing is published)."""
        if spec.name in PAYABLE and payments.paying(self.world, spec.name, row["Id"]):
            raise errors.business(f"The {spec.name} is paid: remove its payment first.")
        if spec.name == "PurchaseOrder" and links.bills_of(self.world, row["Id"]):
            raise errors.business("The purchase order has bills.")

    def _settle(self, spec: Entity, before: Row | None, after: Row | None) -> None:
        if spec.name in OF_PAYMENTS:
            payments.settle_paid(self.world, before, after)
        elif spec.family == "transaction":
            if spec.name in PAYABLE and before is not None and after is not None:
                payments.settle(self.world, spec.name, after["Id"])
            links.settle(self.world, spec, before, after)


def _emptied(line: Row) -> Row:
    """A line of a voided document: what it was for stays, what it came to goes."""
    emptied = dict(line)
    if "Amount" in emptied:
        emptied["Amount"] = ZERO
    name = DETAIL_OF.get(line.get("DetailType", ""))
    if name in emptied:
        detail = {key: value for key, value in emptied[name].items() if key != "UnitPrice"}
        emptied[name] = detail | ({"Qty": ZERO} if "Qty" in detail else {})
    return emptied
