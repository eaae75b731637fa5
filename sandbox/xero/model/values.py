"""How values look on Xero's wire and how they are kept: dates, amounts, identifiers.

Owns both directions. Kept are `date`, `datetime`, `Decimal` and text; nothing here knows a record.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from uuid import UUID

MS_DATE = re.compile(r"^/Date\((-?\d{1,14})(?:[+-]\d{4})?\)/$")
CENT = Decimal("0.01")
UNIT = Decimal("0.0001")


def cents(value: Decimal) -> Decimal:
    return value.quantize(CENT, ROUND_HALF_UP)


def rounded(value: Decimal, places: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


def read_moment(text: str) -> datetime | None:
    """A moment in either of the forms that Xero takes; None when it is in neither."""
    found = MS_DATE.match(text)
    try:
        if found:
            return datetime.fromtimestamp(int(found.group(1)) / 1000, UTC)
        moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError, OSError):
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def read_date(text: str) -> date | None:
    moment = read_moment(text)
    return None if moment is None else moment.date()


def ms_moment(moment: datetime) -> str:
    """The form of Microsoft's JSON: milliseconds since 1970."""
    return f"/Date({round(moment.timestamp() * 1000)}+0000)/"


def ms_date(day: date) -> str:
    return ms_moment(datetime(day.year, day.month, day.day, tzinfo=UTC))


def iso_date(day: date) -> str:
    return f"{day.isoformat()}T00:00:00"


def is_guid(text: str) -> bool:
    try:
        return len(text) == 36 and bool(UUID(text))
    except ValueError:
        return False


def wire(value: Any) -> Any:
    """A kept value as JSON has it."""
    if isinstance(value, datetime):
        return ms_moment(value)
    if isinstance(value, date):
        return ms_date(value)
    if isinstance(value, dict):
        return {key: wire(item) for key, item in value.items()}
    if isinstance(value, list):
        return [wire(item) for item in value]
    return value


def _amount(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"{type(value)} has no form on the wire")


def to_json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), default=_amount).encode()


def from_json(body: bytes) -> Any:
    """Fractions as Decimal. Raises ValueError."""
    return json.loads(body, parse_float=Decimal, parse_int=int)
