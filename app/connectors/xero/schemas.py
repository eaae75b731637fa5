"""Xero's records as they arrive, as far as the service reads them.

Owns names and types of the wire (`xero.openapi.json`). Lenient: unknown fields are ignored and
nearly everything may be absent; only a record's own id must be there. Must not know the domain.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

MS_DATE = re.compile(r"/Date\((-?\d{1,14})(?:[+-]\d{4})?\)/")


def moment(value: Any) -> datetime | None:
    """A moment in either of Xero's forms. Raises ValueError for anything else that is said."""
    if value is None or value == "":
        return None
    text = str(value)
    found = MS_DATE.fullmatch(text)
    if found:
        return datetime.fromtimestamp(int(found.group(1)) / 1000, UTC)
    read = datetime.fromisoformat(text)
    return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)


def _day(value: Any) -> date | None:
    read = moment(value)
    return None if read is None else read.date()


def _listed(value: Any) -> Any:
    return [] if value is None else value


def _text(value: Any) -> Any:
    return "" if value is None else value


Id = Annotated[str, Field(min_length=1)]
Text = Annotated[str, BeforeValidator(_text)]
Flag = Annotated[bool, BeforeValidator(lambda value: False if value is None else value)]
Number = Annotated[Decimal, BeforeValidator(lambda value: 0 if value is None else value)]
Day = Annotated[date | None, BeforeValidator(_day)]


class Wire(BaseModel):
    model_config = ConfigDict(
        extra="ignore", frozen=True, coerce_numbers_to_str=True, populate_by_name=True
    )


class Organisation(Wire):
    id: Id = Field(alias="OrganisationID")
    name: Text = Field("", alias="Name")
    country: Text = Field("", alias="CountryCode")
    currency: Id = Field(alias="BaseCurrency")
    period_lock: Day = Field(None, alias="PeriodLockDate")
    year_lock: Day = Field(None, alias="EndOfYearLockDate")


class Action(Wire):
    name: Text = Field("", alias="Name")
    status: Text = Field("", alias="Status")


class Account(Wire):
    code: Text = Field("", alias="Code")
    name: Text = Field("", alias="Name")
    type: Text = Field("", alias="Type")
    status: Text = Field("", alias="Status")
    system: Text = Field("", alias="SystemAccount")
    currency: Text = Field("", alias="CurrencyCode")


class TaxRate(Wire):
    type: Id = Field(alias="TaxType")
    name: Text = Field("", alias="Name")
    status: Text = Field("", alias="Status")
    rate: Decimal | None = Field(None, alias="EffectiveRate")
    expenses: Flag = Field(False, alias="CanApplyToExpenses")
    revenue: Flag = Field(False, alias="CanApplyToRevenue")


class Contact(Wire):
    id: Id = Field(alias="ContactID")
    name: Text = Field("", alias="Name")
    status: Text = Field("ACTIVE", alias="ContactStatus")
    currency: Text = Field("", alias="DefaultCurrency")
    email: Text = Field("", alias="EmailAddress")
    updated: Text = Field("", alias="UpdatedDateUTC")


class Item(Wire):
    id: Id = Field(alias="ItemID")
    code: Id = Field(alias="Code")
    name: Text = Field("", alias="Name")
    tracked: Flag = Field(False, alias="IsTrackedAsInventory")
    updated: Text = Field("", alias="UpdatedDateUTC")


class Line(Wire):
    id: Text = Field("", alias="LineItemID")
    description: Text = Field("", alias="Description")
    quantity: Decimal | None = Field(None, alias="Quantity")
    unit: Decimal | None = Field(None, alias="UnitAmount")
    amount: Number = Field(Decimal(0), alias="LineAmount")
    tax: Decimal | None = Field(None, alias="TaxAmount")
    account: Text = Field("", alias="AccountCode")
    item: Text = Field("", alias="ItemCode")
    tax_type: Text = Field("", alias="TaxType")

    @property
    def is_words(self) -> bool:
        """A line of words only: nothing is booked by it."""
        return not (self.account or self.item or self.amount)


class Reference(Wire):
    id: Text = Field("", alias="ContactID")


class Document(Wire):
    """Any document. Its id and number stand under names of their own (`paths.Family`)."""

    type: Text = Field("", alias="Type")
    status: Text = Field("", alias="Status")
    contact: Reference = Field(Reference(), alias="Contact")
    currency: Text = Field("", alias="CurrencyCode")
    on: Day = Field(None, alias="Date")
    total: Number = Field(Decimal(0), alias="Total")
    tax: Number = Field(Decimal(0), alias="TotalTax")
    paid: Number = Field(Decimal(0), alias="AmountPaid")
    credited: Number = Field(Decimal(0), alias="AmountCredited")
    remaining: Decimal | None = Field(None, alias="RemainingCredit")
    reference: Text = Field("", alias="Reference")
    url: Text = Field("", alias="Url")
    updated: Text = Field("", alias="UpdatedDateUTC")
    lines: Annotated[list[Line], BeforeValidator(_listed)] = Field([], alias="LineItems")


class TokenAnswer(Wire):
    access: Id = Field(alias="access_token")
    refresh: Id = Field(alias="refresh_token")
    seconds: int = Field(alias="expires_in", gt=0, le=366 * 86_400)


class Connection(Wire):
    """A tenant that the grant reaches."""

    id: Id
    tenant: Id = Field(alias="tenantId")
    kind: Text = Field("", alias="tenantType")
    name: Text = Field("", alias="tenantName")
