"""Reading ConnectWise: which endpoint and condition answer a question of the port.

Owns the reads of `ports.ConnectWise`; the writes stand in `client`, parsing in `translate`, sending
and failures in `caller`. Never decides, retries or remembers anything.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Any, TypeVar

from app.connectors.connectwise import paths
from app.connectors.connectwise.caller import Caller, for_reference
from app.connectors.connectwise.conditions import (
    ROOM,
    Condition,
    above,
    among,
    equals,
    is_safe,
    longest_safe_run,
    resembles,
    since,
)
from app.connectors.connectwise.translate import from_wire, posting, tickets
from app.domain import psa, psa_posting, psa_tickets
from app.domain.errors import FailureKind, RemoteFailure

Read = TypeVar("Read")

# Of people only what is compared is fetched.
CONTACT_FIELDS = "id,defaultFlag,inactiveFlag,communicationItems"
MEMBER_FIELDS = "id,identifier,primaryEmail,officeEmail,mobileEmail,homeEmail,inactiveFlag"
COMPANY_FIELDS = "id,identifier,name,defaultContact,currency,deletedFlag"
POSTING_FIELDS = "id,identifier,accountNumber,billingContact,defaultContact,taxCode,deletedFlag"
NEWEST_FIRST = "id desc"
NEWEST = 100

LINK_REPORT = "PurchaseOrderWithLineItems"
LINK_COLUMNS = ("Purchase_Header_RecID", "Purchase_Detail_RecID", "IV_Product_RecID", "Quantity")


class Reads:
    """The reading half of `ConnectWiseClient`. Every method may raise RemoteFailure."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def _all(
        self,
        path: str,
        read: Callable[[Any], Read | None],
        condition: Condition | None = None,
        **how: Any,
    ) -> list[Read]:
        """Every record of a list that `read` does not leave out."""
        raw = await self._caller.pages(path, condition, **how)
        records = [self._caller.read(path, one, read) for one in raw]
        return [record for record in records if record is not None]

    async def info(self) -> psa.SystemInfo:
        with for_reference():
            return await self._caller.get(paths.INFO, from_wire.system_info)

    async def set_up(self, kind: psa.Setup) -> list[psa.SetupRecord]:
        with for_reference():
            return await self._all(paths.SETUP_PATHS[kind], from_wire.setup_record)

    async def company(self, identifier: str) -> psa.Company | None:
        """The company with this identifier, as ConnectWise compares it: without regard to case."""
        wanted = identifier.strip().casefold()
        if not wanted:
            return None
        with for_reference():
            found = await self._all(
                paths.COMPANIES,
                from_wire.company,
                _matching("identifier", identifier.strip()),
                fields=COMPANY_FIELDS,
            )
        return next((one for one in found if one.identifier.strip().casefold() == wanted), None)

    async def company_by_id(self, company_id: int) -> psa.Company | None:
        path = f"{paths.COMPANIES}/{company_id}"
        try:
            with for_reference():
                return await self._caller.get(path, from_wire.company, f"fields={COMPANY_FIELDS}")
        except RemoteFailure as failure:
            if failure.kind is FailureKind.GONE:
                return None
            raise

    async def contacts(self, company_id: int) -> list[psa.Contact]:
        with for_reference():
            return await self._all(
                paths.CONTACTS,
                from_wire.contact,
                equals("company/id", company_id),
                fields=CONTACT_FIELDS,
            )

    async def members(self) -> list[psa.Member]:
        with for_reference():
            return await self._all(paths.MEMBERS, from_wire.member, fields=MEMBER_FIELDS)

    async def opportunity(self, opportunity_id: int) -> psa.Opportunity:
        return await self._caller.get(
            f"{paths.OPPORTUNITIES}/{opportunity_id}", from_wire.opportunity
        )

    async def opportunities_of(self, company_id: int) -> list[psa.Opportunity]:
        condition = equals("company/id", company_id)
        return await self._all(
            paths.OPPORTUNITIES, from_wire.opportunity, condition, order=NEWEST_FIRST, most=NEWEST
        )

    async def forecast(self, opportunity_id: int) -> list[psa.ForecastLine]:
        path = paths.forecast_of(opportunity_id)
        return await self._caller.get(path, from_wire.forecast_lines)

    async def sales_order(self, sales_order_id: int) -> psa.SalesOrder:
        return await self._caller.get(
            f"{paths.SALES_ORDERS}/{sales_order_id}", from_wire.sales_order
        )

    async def sales_orders_of_opportunity(self, opportunity_id: int) -> list[psa.SalesOrder]:
        return await self._all(
            paths.SALES_ORDERS, from_wire.sales_order, equals("opportunity/id", opportunity_id)
        )

    async def sales_orders_of_company(self, company_id: int) -> list[psa.SalesOrder]:
        condition = equals("company/id", company_id)
        return await self._all(
            paths.SALES_ORDERS, from_wire.sales_order, condition, order=NEWEST_FIRST, most=NEWEST
        )

    async def opportunity_products(self, opportunity_id: int) -> list[psa.Product]:
        return await self._all(
            paths.PRODUCTS, from_wire.product, equals("opportunity/id", opportunity_id)
        )

    async def sales_order_products(self, sales_order_id: int) -> list[psa.Product]:
        return await self._all(
            paths.PRODUCTS, from_wire.product, equals("salesOrder/id", sales_order_id)
        )

    async def ticket_products(self, ticket_id: int) -> list[psa.Product]:
        return await self._all(paths.PRODUCTS, from_wire.product, equals("ticket/id", ticket_id))

    async def ticket(self, ticket_id: int) -> psa_tickets.Ticket:
        return await self._caller.get(f"{paths.TICKETS}/{ticket_id}", tickets.ticket)

    async def tickets_of_company(
        self, company_id: int, *, only_open: bool = False
    ) -> list[psa_tickets.Ticket]:
        condition = equals("company/id", company_id)
        if only_open:
            condition &= equals("closedFlag", False)
        return await self._all(
            paths.TICKETS, tickets.ticket, condition, order=NEWEST_FIRST, most=NEWEST
        )

    async def ticket_statuses(self, board_id: int) -> list[psa.SetupRecord]:
        with for_reference():
            return await self._all(paths.statuses_of(board_id), tickets.board_status)

    async def ticket_notes(self, ticket_id: int) -> list[str]:
        return await self._all(paths.notes_of(ticket_id), tickets.note_text)

    async def products(self, ids: Sequence[int]) -> list[psa.Product]:
        return [
            product
            for condition in among("id", sorted(set(ids)))
            for product in await self._all(paths.PRODUCTS, from_wire.product, condition)
        ]

    async def marked_products(self, run: str) -> list[psa.Product]:
        return await self._all(
            paths.PRODUCTS,
            from_wire.product,
            resembles("integrationXRef", run),
            order=NEWEST_FIRST,
            most=NEWEST,
        )

    async def shipping_details(self, product_id: int) -> list[psa.ShippingDetail]:
        return await self._all(paths.shipping_of(product_id), from_wire.shipping_detail)

    async def catalog_items(
        self, identifiers: Sequence[str], part_numbers: Sequence[str] = ()
    ) -> list[psa.CatalogItem]:
        """Compared as ConnectWise compares identifiers: without regard to case, because one that
        differs only in case cannot be created beside it. Where both stand all the same, the one
        written exactly alike is given.
        """
        wanted, parts = set(identifiers) - {""}, set(part_numbers) - {""}
        found: dict[str, list[psa.CatalogItem]] = {}
        by_part: dict[str, list[psa.CatalogItem]] = {}
        for condition in _either(
            _supersets("identifier", wanted), _supersets("manufacturerPartNumber", parts)
        ):
            for item in await self._all(paths.CATALOG, from_wire.catalog_item, condition):
                for text, index in ((item.identifier, found), (item.part_number, by_part)):
                    alike = index.setdefault(text.casefold(), [])
                    if item not in alike:
                        alike.append(item)
        chosen: dict[int, psa.CatalogItem] = {}
        for identifier in sorted(wanted):
            alike = found.get(identifier.casefold(), [])
            exact = [item for item in alike if item.identifier == identifier]
            chosen.update((item.id, item) for item in exact or alike)
        for part in sorted(parts):
            chosen.update((item.id, item) for item in by_part.get(part.casefold(), ()))
        return list(chosen.values())

    async def purchase_order(self, purchase_order_id: int) -> psa.PurchaseOrder:
        return await self._caller.get(
            f"{paths.PURCHASE_ORDERS}/{purchase_order_id}", from_wire.purchase_order
        )

    async def purchase_orders_above(
        self, vendor_id: int, purchase_order_id: int
    ) -> list[psa.PurchaseOrder]:
        condition = equals("vendorCompany/id", vendor_id) & above("id", purchase_order_id)
        return await self._all(paths.PURCHASE_ORDERS, from_wire.purchase_order, condition)

    async def purchase_order_lines(self, purchase_order_id: int) -> list[psa.PurchaseOrderLine]:
        return await self._all(paths.lines_of(purchase_order_id), from_wire.purchase_order_line)

    async def demand_links(self, product_ids: Sequence[int]) -> list[psa.DemandLink]:
        conditions = [*among("IV_Product_RecID", sorted(set(product_ids)))]
        return await self._links(conditions)

    async def purchase_order_links(self, purchase_order_id: int) -> list[psa.DemandLink]:
        return await self._links([equals("Purchase_Header_RecID", purchase_order_id)])

    async def _links(self, conditions: Sequence[Condition]) -> list[psa.DemandLink]:
        links: list[psa.DemandLink] = []
        path = paths.report(LINK_REPORT)
        for condition in conditions:
            pages = self._caller.report(
                LINK_REPORT, LINK_COLUMNS, condition, "Purchase_Detail_RecID asc"
            )
            async for raw in pages:
                links += self._caller.read(path, raw, from_wire.demand_links)
        # A row for each shipment or serial may repeat a link: one line and product are one link.
        return list(dict.fromkeys(links))

    async def invoice(self, invoice_id: int) -> psa.Invoice:
        return await self._caller.get(f"{paths.INVOICES}/{invoice_id}", from_wire.invoice)

    async def invoices_of_sales_order(self, sales_order_id: int) -> list[psa.Invoice]:
        return await self._invoices_of("SalesOrder", "salesOrder/id", sales_order_id)

    async def invoices_of_ticket(self, ticket_id: int) -> list[psa.Invoice]:
        return await self._invoices_of("Ticket", "ticket/id", ticket_id)

    async def _invoices_of(self, kind: str, field: str, record_id: int) -> list[psa.Invoice]:
        applied = equals("applyToType", kind) & equals("applyToId", record_id)
        condition = equals(field, record_id) | applied
        return await self._all(paths.INVOICES, from_wire.invoice, condition)

    async def invoices_since(self, moment: datetime) -> list[psa.Invoice]:
        return await self._all(paths.INVOICES, from_wire.invoice, since("lastUpdated", moment))

    async def standing_invoices(self, ids: Sequence[int]) -> set[int]:
        return {
            found
            for condition in among("id", sorted(set(ids)))
            for found in await self._all(
                paths.INVOICES, from_wire.record_id, condition, fields="id"
            )
        }

    async def posting_companies(self, ids: Sequence[int]) -> list[psa_posting.PostingCompany]:
        return [
            company
            for condition in among("id", sorted(set(ids)))
            for company in await self._all(
                paths.COMPANIES, posting.company, condition, fields=POSTING_FIELDS
            )
        ]

    async def companies_of_account(self, account: str) -> list[psa_posting.PostingCompany]:
        """Compared without regard to case: the caller asks whether another one clashes."""
        wanted = account.strip().casefold()
        condition = _matching("accountNumber", account.strip())
        found = await self._all(paths.COMPANIES, posting.company, condition, fields=POSTING_FIELDS)
        return [one for one in found if one.account.casefold() == wanted]

    async def gl_entries(self, invoice_id: int) -> list[psa_posting.GlEntry]:
        return await self._all(f"{paths.INVOICES}/{invoice_id}/glEntries", posting.gl_entry)

    async def callbacks(self) -> list[psa.Callback]:
        with for_reference():
            return await self._all(paths.CALLBACKS, from_wire.callback)


def _supersets(field: str, texts: AbstractSet[str]) -> list[Condition | None]:
    """Conditions that find at least the records with these texts; None for all records."""
    safe = sorted(text for text in texts if is_safe(text))
    conditions: list[Condition | None] = [*among(field, safe)]
    for text in sorted(texts - set(safe)):
        condition = _matching(field, text)
        if condition is None:
            return [None]
        if condition not in conditions:
            conditions.append(condition)
    return conditions


def _either(left: list[Condition | None], right: list[Condition | None]) -> list[Condition | None]:
    """Conditions for what either side finds: one where both fit into an address, all records where
    one side needs them."""
    if None in left or None in right:
        return [None]
    if len(left) == len(right) == 1 and left[0] is not None and right[0] is not None:
        both = left[0] | right[0]
        if len(both.encoded) <= ROOM:
            return [both]
    return [*left, *right]


def _matching(field: str, text: str) -> Condition | None:
    """The narrowest condition that text allows: itself, a part of it, or none at all."""
    if is_safe(text):
        return equals(field, text)
    run = longest_safe_run(text)
    return resembles(field, run) if run else None
