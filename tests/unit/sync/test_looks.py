"""What a look at the invoices keeps, and what it tells of what people did meanwhile."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, cast

import pytest

from app.domain import psa
from app.domain.errors import FailureKind, RemoteFailure
from app.domain.ports import ConnectWise
from app.domain.records import ORDER, Ref
from app.sync.looks import Looked, look_at
from tests.builders import applied, fact, ordered, view

WAITING, READY = 5, 6
SALES_ORDER = Ref("sales_order", "", "70")
WRITTEN = fact("status_written", {"id": WAITING, "name": "Waiting for goods"})


def product(invoice: int | None, key: str = "1") -> psa.Product:
    mark = f"dl:commerce:1201:{key}"
    ten = Decimal(10)
    return psa.Product(1, 5, "SKU-301", ten, ten, ten, mark, invoice_id=invoice)


@dataclass
class Site:
    """A ConnectWise of one sales order."""

    products: list[psa.Product] = field(default_factory=list)
    status: int = WAITING
    locked: bool | None = False
    gone: bool = False

    async def sales_order(self, number: int) -> psa.SalesOrder:
        if self.gone:
            raise RemoteFailure(FailureKind.GONE, "not found", status=404)
        return psa.SalesOrder(number, 1, 88, self.status, None, bill_closed=self.locked)

    async def sales_order_products(self, number: int) -> list[psa.Product]:
        return self.products


async def look(site: Site, before: dict[str, Any] | None = None, **more: Any) -> Looked:
    facts = [WRITTEN, fact("invoicing", before or {"invoiced": {}})]
    refs = more.pop("refs", [SALES_ORDER])
    seen = view(ordered(), refs=refs, facts=facts, **more)
    return await look_at(cast(ConnectWise, site), None, seen, ("invoicing",))


def codes(looked: Looked) -> list[str]:
    return [entry.code for entry in looked.journal]


async def test_d7_an_invoice_is_told_once_and_learned_for_its_callbacks() -> None:
    looked = await look(Site([product(9001)]))
    assert codes(looked) == ["INVOICE_SEEN", "INVOICED_ABOVE_RELEASE"]
    assert looked.refs == [Ref("invoice", "seen:9001", "9001")]
    (kept,) = looked.facts
    assert kept.body["invoiced"] == {"1": 10}
    again = await look(Site([product(9001)]), dict(kept.body), refs=[SALES_ORDER, *looked.refs])
    assert (codes(again), again.refs) == ([], [])
    removed = await look(Site([product(None)]), dict(kept.body))
    assert codes(removed) == ["INVOICE_REMOVED"]


async def test_b111_what_was_released_may_be_invoiced() -> None:
    released = applied("release_invoice", ORDER, {"bill_shipped": False, "invoice": False})
    looked = await look(Site([product(9001)]), ledger=[released])
    assert codes(looked) == ["INVOICE_SEEN"]


async def test_b111_more_invoiced_than_was_shipped_and_released_is_reported() -> None:
    want = {"bill_shipped": True, "invoice": False, "shipped": {"1": 4}}
    looked = await look(Site([product(9001)]), ledger=[applied("release_invoice", ORDER, want)])
    assert codes(looked) == ["INVOICE_SEEN", "INVOICED_ABOVE_RELEASE"]
    assert "10 Product 301 is invoiced, but 4 were released" in looked.journal[1].sentence


async def test_d5_a_status_that_a_person_moved_is_told_once() -> None:
    looked = await look(Site(status=READY))
    assert codes(looked) == ["STATUS_MOVED"]
    assert codes(await look(Site(status=READY), dict(looked.facts[0].body))) == []
    assert codes(await look(Site())) == []


@pytest.mark.parametrize("lock", ["none", "bill_closed_flag"])
async def test_d5_a_lock_that_a_person_took_off_is_told_once(lock: str) -> None:
    looked = await look(Site(locked=False), invoice_lock=lock)
    assert codes(looked) == (["INVOICE_LOCK_OFF"] if lock != "none" else [])
    body = dict(looked.facts[0].body)
    assert codes(await look(Site(locked=False), body, invoice_lock=lock)) == []
    assert codes(await look(Site(locked=True), invoice_lock=lock)) == []


async def test_h10_a_sales_order_that_is_gone_keeps_what_was_known() -> None:
    looked = await look(Site(gone=True), {"invoiced": {"1": 10}, "on": {"1": 9001}})
    (kept,) = looked.facts
    assert kept.body == {"invoiced": {"1": 10}, "on": {"1": 9001}, "gone": True}
    back = await look(Site([product(9001)]), dict(kept.body))
    assert back.facts[0].body["gone"] is False
