"""What only the doctor asks of ConnectWise: records of which nobody hears, and their removal.

Owns these requests of `probing.Probed`; everything else of the port is `client`'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.connectors.connectwise import paths, schemas
from app.connectors.connectwise.caller import for_reference
from app.connectors.connectwise.client import ConnectWiseClient
from app.connectors.connectwise.translate import from_wire, tickets, to_wire
from app.domain import psa, psa_tickets
from app.domain.probing import Made, ProcurementSettings, Seat

REMOVED: Mapping[Made, str] = {
    Made.CATALOG_ITEM: paths.CATALOG,
    Made.TICKET: paths.TICKETS,
    Made.SALES_ORDER: paths.SALES_ORDERS,
    Made.PRODUCT: paths.PRODUCTS,
    Made.PURCHASE_ORDER: paths.PURCHASE_ORDERS,
}
SEAT_FIELDS = "id,identifier,inactiveFlag,licenseClass,defaultLocation,defaultDepartment"
API_LICENCE = "A"


class ProbedConnectWise(ConnectWiseClient):
    """Implements probing.Probed."""

    async def create_quiet_ticket(self, new: psa_tickets.NewTicket) -> psa_tickets.Ticket:
        return await self._caller.post(
            paths.TICKETS, lambda: tickets.quiet_ticket(new), tickets.ticket
        )

    async def create_unbilled_product(self, new: psa.NewProduct) -> psa.Product:
        return await self._caller.post(
            paths.PRODUCTS,
            lambda: {**to_wire.new_product(new), "billableOption": "DoNotBill"},
            from_wire.product,
        )

    async def remove(self, kind: Made, record_id: int) -> None:
        await self._caller.delete(f"{REMOVED[kind]}/{record_id}")

    async def status_notifications(self, status_id: int) -> int:
        path = f"{paths.SETUP_PATHS[psa.Setup.PURCHASE_ORDER_STATUS]}/{status_id}/notifications"
        with for_reference():
            return len(await self._caller.pages(path))

    async def seats(self) -> list[Seat]:
        with for_reference():
            return await self._all(paths.MEMBERS, _seat, fields=SEAT_FIELDS)

    async def procurement_settings(self) -> ProcurementSettings | None:
        with for_reference():
            found = await self._all(paths.PROCUREMENT_SETTINGS, _procurement)
        return found[0] if found else None

    async def callback_owners(self, url: str) -> list[int]:
        with for_reference():
            found = await self._all(paths.CALLBACKS, schemas.Callback.model_validate)
        return [one.member_id for one in found if one.url == url and one.member_id]


def _seat(raw: Any) -> Seat | None:
    """None for an inactive member."""
    read = schemas.Member.model_validate(raw)
    if read.inactive_flag:
        return None
    return Seat(
        id=read.id,
        identifier=read.identifier,
        api=read.license_class.upper() == API_LICENCE,
        location=_named(read.default_location),
        business_unit=_named(read.default_department),
    )


def _procurement(raw: Any) -> ProcurementSettings:
    """The type says which of prefix and suffix counts; where it says neither, both are taken."""
    read = schemas.ProcurementSetting.model_validate(raw)
    which = read.prefix_suffix_type.casefold()
    return ProcurementSettings(
        auto_pick=not read.disable_auto_pick_flag,
        auto_close_line=read.auto_close_purchase_order_item_flag,
        auto_close_order=read.auto_close_purchase_order_flag,
        auto_approve=read.auto_approve_purchase_order_flag,
        negative_stock=not read.disable_negative_inventory_flag,
        cost_updates=not read.disable_cost_updates_flag,
        tax=read.tax_purchase_order_flag,
        first_number=read.starting_purchase_order_num,
        prefix="" if which == "suffix" else read.purchase_order_prefix.strip(),
        suffix="" if which == "prefix" else read.purchase_order_suffix.strip(),
    )


def _named(reference: schemas.Reference | None) -> str:
    """A reference in words; "" where it is blank."""
    if reference is None:
        return ""
    return reference.name or str(reference.id or "")
