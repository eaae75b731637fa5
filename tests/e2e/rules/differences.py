"""One difference of each kind that the drift sweep finds, made in the systems themselves.

Owns how each comes about; what a person does about it then is `tests/e2e/test_drift_table.py`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from app.domain.books import Document, DocumentKind, NewDocument
from app.domain.posted import REFS
from tests.e2e.commerce import Shop, polling
from tests.e2e.harness import Rest, Stack, running
from tests.e2e.ledgers import Kept, invoice, kept
from tests.e2e.orders import CABLE, DOCK, Order
from tests.e2e.remote import Remote
from tests.e2e.rules.test_drift import _demand, late
from tests.e2e.rules.test_drift_commerce import FREELY, blinded, overlooked
from tests.e2e.rules.test_purchase_order_changes import ON_ISSUE, an_order, tell

ORDERS, LINES = "/procurement/purchaseorders", "/procurement/purchaseorders/{}/lineitems"
BY_US: dict[str, Any] = {"opportunity_missing": "plain_sales_order"}
BY_PERSON: dict[str, Any] = {"sales_order_creation": "wait_for_person"}
PLAINLY: dict[str, Any] = {**ON_ISSUE, "demand_linking": "demand_appends_to_po"}


@dataclass
class Scene:
    """Where a difference is made. `place`: the ledger or Commerce, where one of them is in it."""

    stack: Stack
    order: Order
    place: Any = None


Act = Callable[[Scene], Awaitable[object]]
Opened = Callable[[str, str], AbstractAsyncContextManager[Scene]]


@dataclass(frozen=True)
class Difference:
    """`name`: (system, kind of record, code). `fix`: whether a step can mend it."""

    name: tuple[str, str, str]
    opened: Opened
    make: Act
    fix: bool = False
    held: bool = False  # the fix ends in a hold with choices of its own
    about: dict[str, Any] = field(default_factory=dict)  # which finding, where several are found

    @property
    def ways(self) -> list[str]:
        return ["adopt", *(["fix"] if self.fix else []), "ignore"]


# In ConnectWise -----------------------------------------------------------------------------------


def sold(opportunity: int | None = 88, state: str = "LINE_NOT_ORDERED", **more: Any) -> Opened:
    """An order that waits: for its purchase order, or for its sales order."""

    @asynccontextmanager
    async def opened(database_url: str, redis_url: str) -> AsyncIterator[Scene]:
        order = an_order((CABLE, 10), opportunity=opportunity)
        async with running(database_url, redis_url, **more) as stack:
            await stack.control("settings", {"enforce_unique_identifier": False}, "PUT")
            await tell(stack, order.approved())
            await stack.until_state(order.number, "waiting", state)
            yield Scene(stack, order)

    return opened


def ordered(quantity: int = 10, **more: Any) -> Opened:
    """An order whose goods are still to come."""

    @asynccontextmanager
    async def opened(database_url: str, redis_url: str) -> AsyncIterator[Scene]:
        order = an_order((CABLE, 10))
        async with running(database_url, redis_url, **{**ON_ISSUE, **more}) as stack:
            await tell(stack, order.approved(), order.ordered(8891, [(CABLE, quantity)]))
            await stack.until_state(order.number, "waiting", "GOODS_NOT_RECEIVED")
            yield Scene(stack, order)

    return opened


@asynccontextmanager
async def invoiced(database_url: str, redis_url: str) -> AsyncIterator[Scene]:
    order = an_order((CABLE, 10))
    async with running(database_url, redis_url, invoice_action="create_invoice") as stack:
        await tell(stack, order.approved(), order.ordered(8891, [(CABLE, 10)]))
        await tell(stack, order.receipted(8891))
        await stack.until_state(order.number, "done")
        yield Scene(stack, order)


# By what a record shows that the service made it; others were there before.
MARKS = {
    "/service/tickets": ("externalXRef", "dl:"),
    "/sales/opportunities": ("notes", "[demandlink"),
}


def deleted(path: str) -> Act:
    field, mark = MARKS.get(path, ("id", ""))

    async def act(scene: Scene) -> None:
        there = await scene.stack.get(path)
        (number,) = [one["id"] for one in there if str(one.get(field) or "").find(mark) == 0]
        assert (await scene.stack.cw.delete(f"{path}/{number}")).is_success

    return act


async def product_of(scene: Scene) -> int:
    (product,) = (await Remote.read(scene.stack, scene.order)).product_ids.values()
    return product


async def delete_product(scene: Scene) -> None:
    path = f"/procurement/products/{await product_of(scene)}"
    assert (await scene.stack.cw.delete(path)).is_success


async def change_product(scene: Scene) -> None:
    act = {"act": "edit_product", "id": await product_of(scene), "changes": {"quantity": 7}}
    await scene.stack.control("act", act)


async def second_product(scene: Scene) -> None:
    (order,) = await scene.stack.get("/sales/orders")
    place = {"salesOrder": {"id": order["id"]}, "opportunity": None, "ticket": None}
    await late(scene.stack, "/procurement/products", **place)


def again(path: str, **more: Any) -> Act:
    """The request that the service sent arrives once more."""

    async def act(scene: Scene) -> None:
        await late(scene.stack, path, **more)

    return act


async def buy_by_hand(scene: Scene) -> None:
    body = await _demand(scene.stack, await product_of(scene))
    assert (await scene.stack.cw.post("/procurement/purchasingDemands", json=body)).is_success


async def order_by_hand(scene: Scene) -> None:
    """A person makes an empty sales order of the same opportunity."""
    (ours,) = await scene.stack.get("/sales/orders")
    fields = ("company", "status", "salesRep", "opportunity")
    body = {name: {"id": ours[name]["id"]} for name in fields}
    made = await scene.stack.cw.post("/sales/orders", json=body)
    assert made.is_success, made.text


async def _purchase_order(scene: Scene) -> int:
    (record,) = await scene.stack.get(ORDERS)
    return int(record["id"])


async def delete_purchase_order(scene: Scene) -> None:
    act = {"act": "delete_purchase_order", "id": await _purchase_order(scene)}
    await scene.stack.control("act", act)


async def rename_purchase_order(scene: Scene) -> None:
    number = await _purchase_order(scene)
    act = {"act": "rename_purchase_order", "id": number, "poNumber": "BY HAND"}
    await scene.stack.control("act", act)


async def delete_line(scene: Scene) -> None:
    path = LINES.format(await _purchase_order(scene))
    (line,) = await scene.stack.get(path)
    assert (await scene.stack.cw.delete(f"{path}/{line['id']}")).is_success


async def add_foreign_line(scene: Scene) -> None:
    path = LINES.format(await _purchase_order(scene))
    (line,) = await scene.stack.get(path)
    items = await scene.stack.get("/procurement/catalog", conditions="identifier='DELL-WD22TB4'")
    body = {
        "product": {"id": items[0]["id"]}, "quantity": 1, "unitCost": 5, "lineNumber": 9,
        "description": "by hand", "unitOfMeasure": line.get("unitOfMeasure"), "warehouse": line.get("warehouse"),
        "warehouseBin": line.get("warehouseBin"),
    }  # fmt: skip
    made = await scene.stack.cw.post(path, json={k: v for k, v in body.items() if v is not None})
    assert made.is_success, made.text


async def invoice_early(scene: Scene) -> None:
    (record,) = await scene.stack.get("/sales/orders")
    act = {"act": "invoice_sales_order", "id": record["id"]}
    await scene.stack.control("act", act)


def _in_connectwise() -> list[Difference]:
    def one(kind: str, code: str, opened: Opened, make: Act, **more: Any) -> Difference:
        return Difference(("connectwise", kind, code), opened, make, **more)

    missing, different, twice = "DRIFT_MISSING", "DRIFT_DIFFERENT", "DUPLICATE_REMOTE"
    waits = sold(None, "SO_MISSING", **BY_PERSON)
    number = {"stands": "BY HAND"}
    return [
        one("ticket", missing, sold(), deleted("/service/tickets")),
        one("ticket", twice, sold(), again("/service/tickets")),
        one("opportunity", missing, waits, deleted("/sales/opportunities"), fix=True),
        one("opportunity", twice, waits, again("/sales/opportunities")),
        one("sales_order", missing, sold(), deleted("/sales/orders"), fix=True),
        one("sales_order", twice, sold(None, **BY_US), again("/sales/orders")),
        one("sales_order", "DRIFT_FOREIGN", sold(), order_by_hand),
        one("catalog_item", twice, sold(), again("/procurement/catalog")),
        one("product", missing, sold(), delete_product, fix=True),
        one("product", different, sold(), change_product, fix=True),
        one("product", twice, sold(None, **BY_US), second_product),
        one("purchase_order", "DRIFT_FOREIGN", sold(), buy_by_hand),
        one("purchase_order", "DRIFT_FOREIGN", ordered(), add_foreign_line),
        one("purchase_order", missing, ordered(), delete_purchase_order, fix=True),
        one(
            "purchase_order", different, ordered(), rename_purchase_order, fix=True, about=number
        ),
        one("purchase_order", different, ordered(), delete_line, about={"stands": "0 ordered"}),
        one("purchase_order", "DRIFT_UNLINKED", ordered(), delete_line, fix=True, held=True),
        one("purchase_order", twice, ordered(**PLAINLY), again(ORDERS, poNumber="LATE")),
        one("invoice", "DRIFT_INVOICED", ordered(), invoice_early, fix=True, held=True),
        one("invoice", twice, invoiced, again("/finance/invoices")),
    ]  # fmt: skip


# In the ledger ------------------------------------------------------------------------------------


def posted(name: str, **more: Any) -> Opened:
    """An order in the books, without its bill where the purchase order is posted when issued: one
    that is billed cannot be taken out."""

    @asynccontextmanager
    async def opened(database_url: str, redis_url: str) -> AsyncIterator[Scene]:
        order = Order(lines=[(CABLE, 5)], quote_id=None, not_chosen=())
        chosen = {"invoice_status": "approved", **more}
        async with kept(name, database_url, redis_url, **chosen) as books:
            await books.tell(order.approved(), order.ordered(8891, [(CABLE, 5)]))
            await books.tell(invoice(order, ("product", "Cable", "5", "12.5")))
            if "purchase_order_timing" not in more:
                await books.tell(order.receipted(8891))
            await books.stack.until_state(order.number, "done")
            books.stack.ledger_log = None  # the observer cannot tell a person's hand in the ledger
            yield Scene(books.stack, order, books)

    return opened


async def document(books: Kept, kind: DocumentKind) -> Document:
    found = {
        DocumentKind.PURCHASE_ORDER: books.purchase_orders,
        DocumentKind.BILL: books.bills,
    }
    (one,) = await found[kind]() if kind in found else await books.invoices(kind)
    return one


def as_sent(document: Document) -> NewDocument:
    """The document as the service posted it."""
    assert document.on is not None
    assert document.marker is not None
    return NewDocument(
        kind=document.kind,
        contact_id=document.contact_id,
        on=document.on,
        currency=document.currency,
        lines=tuple(replace(line, id=None, fulfils=None) for line in document.lines),
        marker=document.marker,
        number=document.number,
    )


def taken_out(kind: DocumentKind) -> Act:
    async def act(scene: Scene) -> None:
        one = await document(scene.place, kind)
        await scene.place.ledger.books.remove_document(kind, one.id, one.version, "by hand")

    return act


def dearer(kind: DocumentKind) -> Act:
    async def act(scene: Scene) -> None:
        one = await document(scene.place, kind)
        first, *rest = as_sent(one).lines
        price = (first.amount + 1) / first.quantity
        lines = (replace(first, amount=first.amount + 1, unit_price=price), *rest)
        new = replace(as_sent(one), lines=lines)
        await scene.place.ledger.books.update_document(one.id, one.version, new, "by hand")

    return act


def posted_again(kind: DocumentKind) -> Act:
    async def act(scene: Scene) -> None:
        new = as_sent(await document(scene.place, kind))
        number = f"{new.number}-2"[:20] if kind is not DocumentKind.INVOICE else None
        await scene.place.ledger.books.create_document(replace(new, number=number), "another key")

    return act


def _in_the_ledger() -> list[Difference]:
    as_estimate = {"invoice_status": "draft", "draft_as_estimate": "true"}
    special = {
        DocumentKind.ESTIMATE: posted("quickbooks", **as_estimate),
        DocumentKind.PURCHASE_ORDER: posted("xero", **ON_ISSUE),
    }
    rows = []
    for kind, ref in REFS.items():
        opened = special.get(kind) or posted("xero")
        rows += [
            Difference(("ledger", ref, "DRIFT_MISSING"), opened, taken_out(kind), fix=True),
            Difference(("ledger", ref, "DRIFT_DIFFERENT"), opened, dearer(kind)),
            Difference(("ledger", ref, "DUPLICATE_REMOTE"), opened, posted_again(kind)),
        ]
    return rows


# In Commerce --------------------------------------------------------------------------------------


@asynccontextmanager
async def in_commerce(database_url: str, redis_url: str) -> AsyncIterator[Scene]:
    """An order with a purchase order; the poll overlooks what changes from now on."""
    order = Order(lines=[(CABLE, 10), (DOCK, 3)], not_chosen=(), quote_id=None, opportunity=None)
    async with polling(database_url, redis_url, **FREELY) as (stack, shop):
        await shop.put(order.approved())
        await shop.put(order.ordered(8891, [(CABLE, 10)]))
        await stack.until(order.number, lambda told: told["lines"][0]["ordered"] != "0")
        await stack.until_state(order.number, "waiting")
        await blinded(stack, shop)
        yield Scene(stack, order, shop)


def gone(kind: str, number: int) -> Act:
    return lambda scene: scene.place.act("delete", kind=kind, id=number)


def unheard(tell_of: Callable[[Order], Rest]) -> Act:
    """Something happens in Commerce, and no event tells of it."""

    async def act(scene: Scene) -> None:
        shop: Shop = scene.place
        await shop.put(tell_of(scene.order), tell=False)
        await overlooked(scene.stack, shop)

    return act


def _fewer(order: Order) -> Rest:
    order.lines = [(CABLE, 10), (DOCK, 2)]
    return order.approved("sales_order.updated")


def _some_came(order: Order) -> Rest:
    return order.receipted(8891, {1: 4})


def _bought_more(order: Order) -> Rest:
    return order.ordered(8892, [(DOCK, 3)])


def _another(order: Order) -> Rest:
    return replace(order, id=1300, lines=[(CABLE, 2)], purchase_orders={}).approved()


def _quoted(order: Order) -> Rest:
    return replace(order, id=1300, quote_id=577, lines=[(CABLE, 2)]).quoted(3)


def _in_commerce() -> list[Difference]:
    def one(kind: str, code: str, make: Act, **more: Any) -> Difference:
        return Difference(("commerce", kind, code), in_commerce, make, **more)

    missing, different = "DRIFT_MISSING", "DRIFT_DIFFERENT"
    return [
        one("sales_order", missing, gone("salesOrder", 1201)),
        one("purchase_order", missing, gone("purchaseOrder", 8891)),
        one("sales_order", different, unheard(_fewer), fix=True),
        one("purchase_order", different, unheard(_some_came), fix=True),
        one("sales_order", missing, unheard(_another), fix=True),
        one("purchase_order", missing, unheard(_bought_more), fix=True),
        one("quote", missing, unheard(_quoted), fix=True),
    ]


DIFFERENCES = [*_in_connectwise(), *_in_the_ledger(), *_in_commerce()]
