"""Commerce's records as they arrive, as far as finding one's way in them goes.

Owns what a record must have to be told apart: ids and dates (`commerce.openapi.json`). Everything
else is copied by name in `translate` and judged by the events' own contract. Unknown fields and
values are allowed: the vendor adds both (commerce.md 1.4).
"""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from app.domain.commerce import Change, Listing


class Row(BaseModel):
    """Any record. Brands, customers, suppliers and warehouses call their first date otherwise
    (commerce.md 1.5); only the last one matters here."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    id: int = Field(gt=0)
    modified: datetime | None = Field(None, alias="modifiedDate")
    sales_order: int | None = Field(None, alias="salesOrderID")
    purchase_order: int | None = Field(None, alias="purchaseOrderID")

    def change(self, listing: Listing, zone: tzinfo) -> Change:
        """Raises ValueError for a record that does not say when it changed, or of what it is."""
        owner = {
            Listing.SALES_ORDER_LINES: self.sales_order,
            Listing.PURCHASE_ORDER_LINES: self.purchase_order,
            Listing.PURCHASE_ORDER_COSTS: self.purchase_order,
        }.get(listing, self.id)
        if owner is None or self.modified is None:
            raise ValueError("it has no modifiedDate, or does not say what it is part of")
        when = self.modified if self.modified.tzinfo else self.modified.replace(tzinfo=zone)
        return Change(str(self.id), str(owner), when)


def row(raw: Any) -> Row:
    """Raises pydantic.ValidationError."""
    return Row.model_validate(raw)
