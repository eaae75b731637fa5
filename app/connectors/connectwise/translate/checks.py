"""What may be sent: lengths, required texts, whole numbers, dates, checked before anything leaves.

Owns the form of single values on ConnectWise's wire (`connectwise.openapi.json`), never that of
records. Pure. Raises Refused.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal

# JSON's \b and \f and other control characters are refused by ConnectWise (connectwise.md 1.4).
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u2028\u2029]")
LARGEST_INTEGER = 2**31 - 1


class Refused(ValueError):
    """The request may not be sent: ConnectWise would refuse it, or cut it silently."""


def text(field: str, value: str, longest: int | None = None) -> str:
    """Length counts as the vendor's .NET counts it: a character beyond U+FFFF is two."""
    cleaned = CONTROL.sub(" ", value.replace("\r\n", "\n").replace("\r", "\n"))
    length = len(cleaned.encode("utf-16-le", "surrogatepass")) // 2
    if longest is not None and length > longest:
        raise Refused(f"{field} has {length} characters, ConnectWise takes {longest}.")
    return cleaned


def required(field: str, value: str, longest: int | None = None) -> str:
    cleaned = text(field, value, longest)
    if not cleaned.strip():
        raise Refused(f"{field} is empty, and ConnectWise requires it.")
    return cleaned


def number(field: str, value: Decimal) -> Decimal:
    if not value.is_finite() or abs(value) >= 10**12:
        raise Refused(f"{field} is not a number that ConnectWise takes: {value}.")
    return value


def positive(field: str, value: Decimal) -> Decimal:
    if number(field, value) <= 0:
        raise Refused(f"{field} must be above zero and is {value}.")
    return value


def whole(field: str, value: Decimal, least: int = 0) -> int:
    """Some quantities are integers on the wire (connectwise.md 3.5, 3.6)."""
    if number(field, value) != value.to_integral_value():
        raise Refused(f"{field} must be a whole number in ConnectWise and is {value}.")
    if not least <= value <= LARGEST_INTEGER:
        raise Refused(f"{field} must be at least {least} and is {value}.")
    return int(value)


def moment(value: datetime) -> str:
    if value.tzinfo is None:
        raise Refused("a date without a time zone cannot be sent.")
    return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
