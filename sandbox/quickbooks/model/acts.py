"""What a person would do in QuickBooks' own pages, so that versions and webhooks move as they would."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sandbox.kit.wire import Unusable
from sandbox.quickbooks.model.documents import first_account
from sandbox.quickbooks.model.engine import Engine
from sandbox.quickbooks.model.store import Row
from sandbox.quickbooks.model.tables import ENTITIES, Entity
from sandbox.quickbooks.model.world import World


def perform(engine: Engine, body: Any) -> Row:
    """Carries an act out: `{"act", "id", …}`. Raises Fault, and Unusable for no act at all."""
    if not isinstance(body, Mapping):
        raise Unusable("an act is an object")
    act = ACTS.get(str(body.get("act")))
    if act is None:
        raise Unusable(f"there is no such act; there are: {', '.join(ACTS)}")
    return act(engine, str(body.get("id")), body)


def _pay_bill(engine: Engine, record_id: str, body: Mapping[str, Any]) -> Row:
    world = engine.world
    bill = world.row("Bill", record_id)
    bank = first_account(world, "Bank")["Id"]
    payment = _payment(world, bill, "Bill", body) | {
        "VendorRef": bill["VendorRef"],
        "PayType": "Check",
        "CheckPayment": {"BankAccountRef": {"value": bank}},
    }
    return engine.post(ENTITIES["BillPayment"], payment)


def _pay_invoice(engine: Engine, record_id: str, body: Mapping[str, Any]) -> Row:
    invoice = engine.world.row("Invoice", record_id)
    payment = _payment(engine.world, invoice, "Invoice", body)
    return engine.post(ENTITIES["Payment"], payment | {"CustomerRef": invoice["CustomerRef"]})


def _payment(world: World, row: Row, kind: str, body: Mapping[str, Any]) -> Row:
    amount = body.get("amount", row["Balance"])
    return {
        "TxnDate": world.today(),
        "TotalAmt": amount,
        "Line": [{"Amount": amount, "LinkedTxn": [{"TxnId": row["Id"], "TxnType": kind}]}],
    }


def _edit(engine: Engine, record_id: str, body: Mapping[str, Any]) -> Row:
    spec = _entity(body)
    row = engine.world.row(spec.name, record_id)
    changes = dict(body.get("changes") or {})
    if spec.contact:
        changes.setdefault(spec.contact, row[spec.contact])
    sparse = {"Id": record_id, "SyncToken": row["SyncToken"], "sparse": True}
    return engine.post(spec, changes | sparse)


def _delete(engine: Engine, record_id: str, body: Mapping[str, Any]) -> Row:
    spec = _entity(body)
    row = engine.world.row(spec.name, record_id)
    return engine.post(spec, {"Id": record_id, "SyncToken": row["SyncToken"]}, "delete")


def _void(engine: Engine, record_id: str, body: Mapping[str, Any]) -> Row:
    del body
    row = engine.world.row("Invoice", record_id)
    return engine.post(
        ENTITIES["Invoice"], {"Id": record_id, "SyncToken": row["SyncToken"]}, "void"
    )


def _entity(body: Mapping[str, Any]) -> Entity:
    found = ENTITIES.get(str(body.get("entity")))
    if found is None:
        raise Unusable(f"there is no entity {body.get('entity')}")
    return found


ACTS: dict[str, Callable[[Engine, str, Mapping[str, Any]], Row]] = {
    "pay_bill": _pay_bill,
    "pay_invoice": _pay_invoice,
    "edit": _edit,
    "delete": _delete,
    "void_invoice": _void,
}
