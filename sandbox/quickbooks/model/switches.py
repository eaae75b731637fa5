"""The switches: plan, preferences, and what QuickBooks does where nobody has published it.

Owns names, values and defaults, and refuses what is not one of them by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import date
from typing import Any

PLANS = ("simple_start", "essentials", "plus", "advanced")
WITH_PURCHASE_ORDERS = ("plus", "advanced")


@dataclass(frozen=True)
class Switches:
    """The settings of the simulator, immutable; a change makes a new one."""

    # What the company has chosen or pays for.
    plan: str = "plus"
    subscription: str = "active"
    country: str = "US"
    automated_sales_tax: bool = False
    multi_currency: bool = False
    custom_txn_numbers: bool = False
    custom_purchase_numbers: bool = False
    books_closed: str | None = None
    # What is not published, or seen only now and then.
    drop_po_link: bool = False
    po_closes_when_billed: bool = True
    books_closed_code: int = 6210
    void_bill_status: int = 200
    tax_rounding: str = "rate"
    replay_refusals: bool = True
    requestid_seconds: int = 3600
    refresh_rotation: str = "daily"
    consent: str = "given"
    gateway_keys: str = "lower"
    webhook_format: str = "cloudevents"
    webhook_url: str | None = None
    requests_per_second: int | None = None
    requests_per_minute: int | None = None
    retry_after: int | None = None
    latency_ms: int = 0

    @property
    def american(self) -> bool:
        return self.country == "US"

    @property
    def purchase_orders(self) -> bool:
        return self.plan in WITH_PURCHASE_ORDERS

    def shown(self) -> dict[str, Any]:
        return asdict(self)

    def merged(self, given: Mapping[str, Any]) -> Switches:
        """A copy with these switches set. Raises ValueError naming each that cannot be."""
        problems: list[str] = []
        for name, value in given.items():
            check = CHECKS.get(name)
            if check is None:
                problems.append(f"{name}: there is no such switch")
            elif not check[0](value):
                problems.append(f"{name}: must be {check[1]}")
        if problems:
            raise ValueError("; ".join(problems))
        return replace(self, **given)


Check = tuple[Callable[[Any], bool], str]


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 10_000_000


def _limit(value: Any) -> bool:
    return value is None or (_whole(value) and value > 0)


def _day(value: Any) -> bool:
    if value is None:
        return True
    try:
        date.fromisoformat(value)
    except (TypeError, ValueError):
        return False
    return True


def _among(*allowed: Any) -> Check:
    return (
        lambda value: not isinstance(value, bool) and value in allowed,
        "one of " + ", ".join(str(item) for item in allowed),
    )


CHECKS: dict[str, Check] = {
    "plan": _among(*PLANS),
    "subscription": _among("active", "ended"),
    "country": _among("US", "GB", "AU"),
    "books_closed": (_day, "a date, or null"),
    "books_closed_code": _among(6200, 6210),
    "void_bill_status": _among(200, 400, 500),
    "tax_rounding": _among("rate", "line"),
    "refresh_rotation": _among("daily", "always"),
    "consent": _among("given", "denied"),
    "gateway_keys": _among("lower", "upper"),
    "webhook_format": _among("cloudevents", "legacy"),
    "webhook_url": (
        lambda value: value is None or (isinstance(value, str) and value.startswith("http")),
        "an address, or null",
    ),
    "requestid_seconds": (_whole, "a number of seconds"),
    "latency_ms": (_whole, "a number of milliseconds"),
    "requests_per_second": (_limit, "a number above 0, or null"),
    "requests_per_minute": (_limit, "a number above 0, or null"),
    "retry_after": (_limit, "a number of seconds above 0, or null"),
}
CHECKS |= {
    item.name: (_flag, "true or false") for item in fields(Switches) if item.name not in CHECKS
}
