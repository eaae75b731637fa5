"""Reading what stands of one order in ConnectWise and the ledger, for the drift sweep (H12).

Owns which records are read, each behind the sweep's budget. Reads only, decides nothing; what is
gone is an answer, every other failure ends the reading of this order.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

from app.domain import psa
from app.domain.books import Books, Document
from app.domain.drift import CATALOG_ITEM, CONNECTWISE, LEDGER, Bought, Key, Reading
from app.domain.errors import FailureKind, RemoteFailure
from app.domain.order import OrderView
from app.domain.ports import ConnectWise
from app.domain.posted import KINDS
from app.domain.psa_tickets import Ticket
from app.domain.records import Ref, Snapshot
from app.domain.standing import SYNC

T = TypeVar("T")
Orders: TypeAlias = tuple[psa.SalesOrder, ...]


@dataclass
class OrderReader:
    """Reads one order once. `take` is awaited before each call: it is the budget."""

    cw: ConnectWise
    books: Books | None
    snapshot: Snapshot
    view: OrderView
    take: Callable[[], Awaitable[None]]
    gone: set[Key] = field(default_factory=set)
    system: str = CONNECTWISE  # that is being called

    async def read(self) -> Reading:
        """Everything that the comparison needs. May raise RemoteFailure and BudgetSpent."""
        company, products = await self._sold()
        tickets = await self._tickets(company)
        opportunities = await self._opportunities(company)
        sales_orders, empty_orders = await self._sales_orders(company)
        invoices = await self._invoices()
        items = await self._items()
        bought = await self._bought()
        links = await self._links()
        vendor_orders, elsewhere = await self._vendor_orders(bought), await self._elsewhere(links)
        documents, twins = await self._documents()
        return Reading(
            gone=frozenset(self.gone),
            products=products,
            tickets=tickets,
            opportunities=opportunities,
            sales_orders=sales_orders,
            empty_orders=empty_orders,
            invoices=invoices,
            items=items,
            bought=bought,
            vendor_orders=vendor_orders,
            links=links,
            elsewhere=elsewhere,
            documents=documents,
            twins=twins,
        )

    async def _one(self, ref: Ref, read: Callable[..., Awaitable[T]], *given: Any) -> T | None:
        """The record of a reference; None, and noted, when it is gone."""
        await self.take()
        try:
            return await read(*given)
        except RemoteFailure as failure:
            if failure.kind is not FailureKind.GONE:
                raise
            self.gone.add((ref.kind, ref.external_id))
            return None

    async def _sold(self) -> tuple[int | None, tuple[psa.Product, ...] | None]:
        """Where the products stand, and they: sales order, ticket, or the opportunity before that;
        with the company, which tells where twins would stand."""
        view, company = self.view, None
        found: dict[str, psa.SalesOrder | Ticket | psa.Opportunity | None] = {}
        for kind in ("sales_order", "ticket", "opportunity"):
            ref = view.refs.get((kind, ""))
            if ref is None or (kind == "opportunity" and view.ref("sales_order") is not None):
                continue
            record: psa.SalesOrder | Ticket | psa.Opportunity | None
            number = int(ref.external_id)
            if kind == "sales_order":
                record = await self._one(ref, self.cw.sales_order, number)
            elif kind == "ticket":
                record = await self._one(ref, self.cw.ticket, number)
            else:
                record = await self._one(ref, self.cw.opportunity, number)
            found[kind] = record
            company = company or (record.company_id if record is not None else None)
        if view.by_commerce:
            return company, None
        kind = view.parent_kind if view.parent is not None else "opportunity"
        place = found.get(kind)
        if place is None:
            return company, None
        await self.take()
        if kind == "sales_order":
            return company, tuple(await self.cw.sales_order_products(place.id))
        if kind == "ticket":
            return company, tuple(await self.cw.ticket_products(place.id))
        return company, tuple(await self.cw.opportunity_products(place.id))

    async def _tickets(self, company: int | None) -> tuple[Ticket, ...]:
        """The company's newest, where one of them is the service's own making."""
        own = any(step == "raise_ticket" for step, _, _ in self.view.outcomes)
        if company is None or not own:
            return ()
        await self.take()
        return tuple(await self.cw.tickets_of_company(company))

    async def _opportunities(self, company: int | None) -> tuple[psa.Opportunity, ...]:
        own = any(intent.kind == "opportunity" for intent in self.snapshot.intents)
        if company is None or not own:
            return ()
        await self.take()
        return tuple(await self.cw.opportunities_of(company))

    async def _sales_orders(self, company: int | None) -> tuple[Orders, Orders]:
        """Those that the service made, by its own announcement: with its mark, or of one more
        conversion, which holds the order's products. Beside them those of the opportunity that hold
        nothing: a conversion that came late, or a person's."""
        keys = {one.key for one in self.snapshot.intents if one.kind == "sales_order"}
        ours, opportunity = self.view.ref("sales_order"), self.view.ref("opportunity")
        if ours is None or not keys or self.view.others or self.view.appended:
            return (), ()
        if opportunity is None:
            if company is None:
                return (), ()
            await self.take()
            marker = self.view.marker("sales order", "")
            found = await self.cw.sales_orders_of_company(company)
            return tuple(one for one in found if marker in one.notes), ()
        await self.take()
        holds: list[psa.SalesOrder] = []
        empty: list[psa.SalesOrder] = []
        prefix = self.view.xref("")
        for one in await self.cw.sales_orders_of_opportunity(opportunity):
            if one.id == ours:
                holds.append(one)
                continue
            await self.take()
            products = await self.cw.sales_order_products(one.id)
            if not products:
                empty.append(one)
            elif any((product.xref or "").startswith(prefix) for product in products):
                holds.append(one)
        return tuple(holds), tuple(empty)

    async def _invoices(self) -> tuple[psa.Invoice, ...]:
        """Where the service makes the invoice: one that was made twice has its reference."""
        parent = self.view.parent
        if parent is None or not any(kind == "invoice" for kind, _ in self.view.refs):
            return ()
        await self.take()
        if self.view.by_ticket:
            return tuple(await self.cw.invoices_of_ticket(parent))
        return tuple(await self.cw.invoices_of_sales_order(parent))

    async def _items(self) -> tuple[psa.CatalogItem, ...]:
        """Catalog items called as one that the order made: not every ConnectWise refuses a second."""
        made = {
            str(one.outcome["identifier"])
            for one in self.snapshot.intents
            if one.kind == CATALOG_ITEM and one.outcome and one.outcome.get("identifier")
        }
        if not made:
            return ()
        await self.take()
        return tuple(await self.cw.catalog_items(sorted(made)))

    # Purchasing ---------------------------------------------------------------------------------

    async def _bought(self) -> Mapping[str, Bought]:
        found: dict[str, Bought] = {}
        for (kind, key), ref in sorted(self.view.refs.items()):
            if kind != "purchase_order":
                continue
            number = int(ref.external_id)
            header = await self._one(ref, self.cw.purchase_order, number)
            if header is not None:
                await self.take()
                lines = await self.cw.purchase_order_lines(number)
                found[key] = Bought(header, tuple(lines))
        return found

    async def _links(self) -> tuple[psa.DemandLink, ...] | None:
        """Of all products of the order, wherever they are; None without the permission."""
        ids = [int(r.external_id) for r in self.view.refs.values() if r.kind == "product"]
        if not ids or SYNC not in self.view.steps:
            return ()
        await self.take()
        try:
            return tuple(await self.cw.demand_links(sorted(set(ids))))
        except RemoteFailure as failure:
            if failure.kind is not FailureKind.FORBIDDEN:
                raise
            return None

    async def _vendor_orders(self, bought: Mapping[str, Bought]) -> tuple[psa.PurchaseOrder, ...]:
        """What the same suppliers got since the service first announced one: a second one would be
        among them, whichever of the two it knows."""
        bounds: dict[int, int] = {}
        for intent in self.snapshot.intents:
            if intent.step != SYNC or intent.kind != "purchase_order":
                continue
            vendor, above = intent.evidence.get("vendor"), intent.evidence.get("above")
            if vendor is not None and above is not None:
                bounds[int(vendor)] = min(bounds.get(int(vendor), int(above)), int(above))
        found: dict[int, psa.PurchaseOrder] = {}
        for vendor, above in sorted(bounds.items()) if bought else ():
            await self.take()
            for one in await self.cw.purchase_orders_above(vendor, above):
                found[one.id] = one
        return tuple(found.values())

    async def _elsewhere(
        self, links: tuple[psa.DemandLink, ...] | None
    ) -> tuple[psa.PurchaseOrder, ...]:
        """Purchase orders that take the order's demand and are not its own."""
        own = {int(r.external_id) for r in self.view.refs.values() if r.kind == "purchase_order"}
        found: list[psa.PurchaseOrder] = []
        for number in sorted({row.purchase_order_id for row in links or ()} - own):
            await self.take()
            try:
                found.append(await self.cw.purchase_order(number))
            except RemoteFailure as failure:
                if failure.kind is not FailureKind.GONE:
                    raise
        return tuple(found)

    # The ledger ---------------------------------------------------------------------------------

    async def _documents(
        self,
    ) -> tuple[Mapping[Key, Document], Mapping[Key, tuple[Document, ...]]]:
        """Each posted document, and others of its contact and day that carry its marker."""
        self.system = LEDGER
        books, documents = self.books, {}
        twins: dict[Key, tuple[Document, ...]] = {}
        for key, ref in sorted(self.view.refs.items()):
            if books is None or ref.kind not in KINDS:
                continue
            kind, number = KINDS[ref.kind], ref.external_id
            document = await self._one(ref, books.read_document, kind, number)
            if document is None:
                continue
            documents[key] = document
            if document.on is None or not document.marker:
                continue
            await self.take()
            near = await books.find_documents(
                kind, document.contact_id, document.on, document.number
            )
            twins[key] = tuple(
                other
                for other in near
                if other.marker == document.marker and other.id != document.id
            )
        return documents, twins
