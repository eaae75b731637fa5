"""The doctor's probe: makes records in ConnectWise, looks at them, and takes them away again.

Owns the order, what recognises a record as a probe's own, and what of it is told. Each record is
announced before it is made and kept until it is gone, so that whatever ends a probe, the next look
names what is left over (docs/decisions/0051). Nothing is received, shipped, invoiced or won, and
nobody is notified: what no request takes back is not probed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any

from app.domain import psa, psa_tickets
from app.domain.checkup import Finding, Outcome
from app.domain.errors import FailureKind, RemoteFailure
from app.domain.ports import Clock
from app.domain.probing import Ground, Made, Probed, ProbeRecord, ProbeStore
from app.sync.doctor.asking import FIXES
from app.sync.doctor.own import find, is_own, looked

AREA = "connectwise"
TURN_SECONDS = 300.0  # longer than any one call and its looks
LOOKS = 3
PERMISSIONS: Mapping[Made, str] = {
    Made.CATALOG_ITEM: "may_write_catalog",
    Made.TICKET: "may_write_tickets",
    Made.SALES_ORDER: "may_write_sales_orders",
    Made.PRODUCT: "may_write_products",
    Made.PURCHASE_ORDER: "may_write_purchasing_demand",
}
PATHS: Mapping[Made, str] = {
    Made.CATALOG_ITEM: "/procurement/catalog",
    Made.TICKET: "/service/tickets",
    Made.SALES_ORDER: "/sales/orders",
    Made.PRODUCT: "/procurement/products",
    Made.PURCHASE_ORDER: "/procurement/purchasingDemands",
}
SUMMARY = "Demandlink's probe, taken away at once"
NO_DEMAND = "In Setup Tables, Procurement: let products of sales orders and tickets raise purchasing demand."


class TurnLost(Exception):
    """Another probe took over, because this one stood still for too long."""


@dataclass(frozen=True, slots=True)
class Turn:
    """Who probes, under which token, and by how many seconds ConnectWise's reads may lag."""

    tenant_id: int
    token: str
    mark: str
    actor: str
    lag: float


class Probe:
    """One probe of one turn. May raise StoreUnavailable and TurnLost; what was made is announced."""

    def __init__(self, cw: Probed, kept: ProbeStore, clock: Clock, turn: Turn) -> None:
        self._cw = cw
        self._kept = kept
        self._clock = clock
        self._turn = turn
        self._found: list[Finding] = []

    async def run(self, ground: Ground) -> list[Finding]:
        """Make what the scenarios make, as far as it can be taken away, and take it away."""
        item = await self._item(ground)
        hosts = {host: await self._host(host, ground) for host in ground.hosts}
        host = hosts.get(ground.product_host) if ground.product_host is not None else None
        if ground.product_host is not None:
            await self._products(ground, item, host)
        self._found.append(await self.take_away(own=True))
        return self._found

    # Making -----------------------------------------------------------------------------------

    async def _item(self, ground: Ground) -> int | None:
        subcategory, kind = ground.ids.get("subcategory"), ground.ids.get("type")
        if ground.product_host is None:
            return None
        if subcategory is None or kind is None:
            self._skip(PERMISSIONS[Made.CATALOG_ITEM], "its type or subcategory is not chosen")
            return None
        new = psa.NewCatalogItem(
            identifier=self._turn.mark,
            description=SUMMARY,
            customer_description=SUMMARY,
            product_class="Inventory",
            subcategory_id=subcategory,
            type_id=kind,
            unit_of_measure_id=ground.ids.get("unit"),
            price=Decimal(0),
            cost=Decimal(0),
            serialized=False,
        )
        return await self._make(Made.CATALOG_ITEM, {}, lambda: self._cw.create_catalog_item(new))

    async def _host(self, kind: Made, ground: Ground) -> int | None:
        data = {"company": ground.company.id}
        if kind is Made.TICKET:
            board = ground.ids.get("board")
            if board is None:
                self._skip(PERMISSIONS[kind], "CONNECTWISE_BOARD names no board")
                return None
            ticket = psa_tickets.NewTicket(
                summary=SUMMARY,
                company_id=ground.company.id,
                board_id=board,
                xref=self._turn.mark,
                description=SUMMARY,
            )

            async def make_ticket() -> int:
                return (await self._cw.create_quiet_ticket(ticket)).id

            return await self._make(kind, data, make_ticket)
        status, owner = ground.ids.get("status"), ground.ids.get("owner")
        if status is None or owner is None:
            missing = "CONNECTWISE_SALES_ORDER_STATUS_WAITING or CONNECTWISE_SALES_REP"
            self._skip(PERMISSIONS[kind], f"{missing} names nothing")
            return None
        order = psa.NewSalesOrder(
            company_id=ground.company.id,
            status_id=status,
            sales_rep_id=owner,
            po_number=self._turn.mark,
            notes=self._turn.mark,
            location_id=ground.ids.get("location"),
            business_unit_id=ground.ids.get("business_unit"),
        )

        async def make_order() -> int:
            return (await self._cw.create_sales_order(order)).id

        return await self._make(kind, data, make_order)

    async def _products(self, ground: Ground, item: int | None, host: int | None) -> None:
        kind = ground.product_host
        if item is None or host is None:
            self._skip(PERMISSIONS[Made.PRODUCT], "there is nothing to put a product on")
            return
        by_ticket = kind is Made.TICKET
        new = psa.NewProduct(
            catalog_item_id=item,
            quantity=Decimal(1),
            price=Decimal(0),
            cost=Decimal(0),
            xref=self._turn.mark,
            description=SUMMARY,
            ticket_id=host if by_ticket else None,
            sales_order_id=None if by_ticket else host,
        )

        async def make() -> int:
            return (await self._cw.create_unbilled_product(new)).id

        data = {"host": host, "on": kind.value if kind is not None else ""}
        product = await self._make(Made.PRODUCT, data, make)
        if product is not None and ground.buys and await self._raised(product, by_ticket):
            await self._buy(ground, item, product)

    async def _raised(self, product: int, by_ticket: bool) -> bool:
        """Whether the product raised demand, as ConnectWise tells of it (connectwise.md 3.3)."""
        where = "ticket" if by_ticket else "sales order"
        told: Decimal | None = None
        for look in range(LOOKS):
            if look:
                await self._clock.sleep(self._turn.lag)
            read = await looked(lambda: self._cw.products([product]))
            told = next((one.open_demand for one in read or []), None)
            if told:
                said = f"A product on a {where} raised purchasing demand."
                self._tell("demand", Outcome.OK, said, proven="needToOrderQuantity of a product")
                return True
        if told is None:
            return True  # it says nothing: the link will
        self._tell(
            "demand",
            Outcome.FAILED,
            f"A product on a {where} raised no purchasing demand.",
            "ConnectWise is not set up to raise it, so no purchase order can link (B1.9).",
            NO_DEMAND,
            "needToOrderQuantity of a product",
        )
        return False

    async def _buy(self, ground: Ground, item: int, product: int) -> None:
        name = PERMISSIONS[Made.PURCHASE_ORDER]
        warehouse = ground.ids.get("warehouse")
        if ground.vendor is None or warehouse is None:
            what = "no vendor was named" if ground.vendor is None else "no warehouse is chosen"
            self._skip(name, what)
            return
        vendor = ground.vendor.id
        if tells := await self._would_tell():
            self._skip(name, tells)
            return
        before = await looked(lambda: self._cw.purchase_orders_above(vendor, 0))
        if before is None:
            self._skip(name, "the vendor's purchase orders cannot be read")
            return
        floor = max((one.id for one in before), default=0)
        demand = [psa.Demand(product, Decimal(1), Decimal(0))]

        async def buy() -> int | None:
            return await self._cw.purchase_demand(vendor, warehouse, demand)

        data = {"vendor": vendor, "floor": floor, "item": item, "product": product}
        order = await self._make(Made.PURCHASE_ORDER, data, buy)
        if order is not None:
            await self._linked(order, product)

    async def _would_tell(self) -> str:
        """Whom a new purchase order would write to. Its status is not chosen by the request, so each
        that it may get is looked at."""
        statuses = await looked(lambda: self._cw.set_up(psa.Setup.PURCHASE_ORDER_STATUS))
        if statuses is None:
            return "the statuses of purchase orders cannot be read"
        open_ones = [one for one in statuses if not one.closed]
        for status in [one for one in open_ones if one.default] or open_ones:
            told = await looked(partial(self._cw.status_notifications, status.id))
            if told is None:
                return f"whether the status {status.name!r} notifies anybody cannot be read"
            if told:
                return f"its status {status.name!r} notifies people, and nobody is to be written to"
        return ""

    async def _linked(self, order: int, product: int) -> None:
        proven = "the report PurchaseOrderWithLineItems"
        for look in range(LOOKS):
            if look:
                await self._clock.sleep(self._turn.lag)
            links = await looked(lambda: self._cw.demand_links([product]))
            if any(link.purchase_order_id == order for link in links or []):
                said = "A purchase order that was made from demand was linked to its product."
                self._tell("demand_link", Outcome.OK, said, proven=proven)
                return
        self._tell(
            "demand_link",
            Outcome.FAILED,
            "A purchase order that was made from demand shows no link to its product.",
            "ConnectWise links nothing, or its report may not be read (API Reports).",
            NO_DEMAND,
            proven,
        )

    async def _make(
        self, kind: Made, data: Mapping[str, Any], send: Callable[[], Awaitable[int | None]]
    ) -> int | None:
        """Announce, make, and say what that proves. None: it was not made, or nobody knows."""
        turn = self._turn
        told = (kind, turn.mark, data)
        record = await self._kept.announce_probe(
            turn.tenant_id, turn.token, TURN_SECONDS, told, turn.actor
        )
        if record is None:
            raise TurnLost
        name, proven = PERMISSIONS[kind], f"POST {PATHS[kind]}, taken away again"
        made: int | None = None
        failure: RemoteFailure | None = None
        try:
            made = await send()
        except RemoteFailure as failed:
            failure = failed
        if made is None and (failure is None or failure.kind is FailureKind.OUTCOME_UNKNOWN):
            made = await self._search(kind, data)
        if made is not None:
            await self._kept.probe_made(record, made)
            said = f"The API member may make a {kind.words} (number {made}, taken away again)."
            self._tell(name, Outcome.OK, said, proven=proven)
            return made
        if failure is not None and failure.kind is not FailureKind.OUTCOME_UNKNOWN:
            await self._kept.probe_gone(record)  # it was refused: nothing was made
        message = failure.message if failure is not None else "ConnectWise names no record."
        fix = FIXES.get(failure.kind, "") if failure is not None else ""
        cause = failure.kind.value.replace("_", " ") if failure is not None else ""
        self._tell(
            name, Outcome.FAILED, message, cause, fix or "See what ConnectWise says.", proven
        )
        return None

    async def _search(self, kind: Made, data: Mapping[str, Any]) -> int | None:
        """What was made although no answer says so, once reads have caught up."""
        for _ in range(LOOKS):
            await self._clock.sleep(self._turn.lag)
            found = await looked(lambda: find(self._cw, kind, self._turn.mark, data))
            if found is not None:
                return found
        return None

    # Taking away ------------------------------------------------------------------------------

    async def take_away(self, *, own: bool) -> Finding:
        """Remove what is announced, the newest first: of this probe, or of those before."""
        gone: list[str] = []
        left: list[str] = []
        records = await self._kept.probe_records(self._turn.tenant_id)
        for record in reversed(records):
            if (record.token == self._turn.token) is not own:
                continue
            done, what = await self._remove(record)
            if done:
                await self._kept.probe_gone(record.id)
            if what:
                (gone if done else left).append(what)
        name = "probe_taken_away" if own else "probe_leftovers"
        proven = "DELETE of each record"
        if left:
            return Finding(
                name,
                AREA,
                Outcome.FAILED,
                f"A probe left behind: {'; '.join(left)}.",
                "ConnectWise refused to delete it, or could not be asked.",
                "Delete it in ConnectWise, or ask for a probe again: that takes it away first.",
                proven,
                wrote=True,
            )
        said = f"Taken away again: {', '.join(gone)}." if gone else "Nothing was left behind."
        return Finding(name, AREA, Outcome.OK, said, proven_by=proven, wrote=True)

    async def _remove(self, record: ProbeRecord) -> tuple[bool, str]:
        """Whether it is gone, and what it was; "" for what was never made."""
        number = record.external_id
        if number is None:
            try:
                number = await find(self._cw, record.kind, record.mark, record.data)
            except RemoteFailure as failure:
                return False, f"perhaps a {record.kind.words} {record.mark} ({failure.message})"
            if number is None:
                return True, ""
        what = f"{record.kind.words} {number}"
        why = "which somebody has changed"
        for look in range(LOOKS):
            if look:
                await self._clock.sleep(self._turn.lag)
            try:
                own = await is_own(self._cw, record, number)
                if own is None:
                    return True, what
                if own:
                    await self._cw.remove(record.kind, number)
                    return True, what
            except RemoteFailure as failure:
                if failure.kind is FailureKind.GONE:
                    return True, what
                why = failure.message
                if failure.kind is FailureKind.FORBIDDEN:
                    break
        return False, f"{what} ({why})"

    # Telling ----------------------------------------------------------------------------------

    def _tell(
        self,
        name: str,
        outcome: Outcome,
        sentence: str,
        cause: str = "",
        fix: str = "",
        proven: str = "",
    ) -> None:
        self._found.append(Finding(name, AREA, outcome, sentence, cause, fix, proven, wrote=True))

    def _skip(self, name: str, why: str) -> None:
        self._found.append(
            Finding(name, AREA, Outcome.UNPROVEN, f"Not tried: {why}.", proven_by="a probe")
        )
