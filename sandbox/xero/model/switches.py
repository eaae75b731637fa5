"""The switches: what Xero does where it depends on a plan, an app, or is documented nowhere.

Owns names, values and defaults, and refuses what is not one of them by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import date
from typing import Any

CALLS_A_DAY = {"starter": 1_000, "core": 5_000, "plus": 5_000}
BILLABLE = ("DRAFT", "SUBMITTED", "AUTHORISED")


@dataclass(frozen=True)
class Switches:
    """The settings of the simulator, immutable; a change makes a new one."""

    tier: str = "starter"
    lock_date: str | None = None
    requests_per_minute: int | None = 60
    concurrent_requests: int = 5
    rate_limit_word: str = "lower"
    multicurrency: bool = True
    plan: str = "standard"
    contact_names_unique: bool = True
    billed_from: tuple[str, ...] = ("AUTHORISED",)
    billed_reopens: bool = False
    payment_fires_webhook: bool = True
    element_error_key: str = "Message"
    missing_scope_status: int = 403
    broad_scopes: bool = False
    consent: bool = True
    attachment_megabytes: int = 10
    offline: bool = False
    read_lag_ms: int = 0
    latency_ms: int = 0

    def shown(self) -> dict[str, Any]:
        return asdict(self) | {"billed_from": list(self.billed_from)}

    @property
    def lock_day(self) -> date | None:
        return None if self.lock_date is None else date.fromisoformat(self.lock_date)

    def merged(self, given: Mapping[str, Any]) -> Switches:
        """A copy with these switches set. Raises ValueError naming each that cannot be."""
        problems: list[str] = []
        values: dict[str, Any] = {}
        for name, value in given.items():
            check = CHECKS.get(name)
            if check is None:
                problems.append(f"{name}: there is no such switch")
            elif not check[0](value):
                problems.append(f"{name}: must be {check[1]}")
            else:
                values[name] = tuple(value) if isinstance(value, list) else value
        if problems:
            raise ValueError("; ".join(problems))
        return replace(self, **values)


Check = tuple[Callable[[Any], bool], str]


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 600_000


def _date(value: Any) -> bool:
    if value is None:
        return True
    try:
        return isinstance(value, str) and date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False


def _among(*allowed: Any) -> Check:
    return (
        lambda value: not isinstance(value, bool) and value in allowed,
        "one of " + ", ".join(str(item) for item in allowed),
    )


CHECKS: dict[str, Check] = {
    "tier": _among(*CALLS_A_DAY),
    "lock_date": (_date, "a date (YYYY-MM-DD), or null"),
    "requests_per_minute": (
        lambda value: value is None or (_whole(value) and value > 0),
        "a number above 0, or null",
    ),
    "concurrent_requests": (lambda value: _whole(value) and value > 0, "a number above 0"),
    "rate_limit_word": _among("lower", "sentence"),
    "plan": _among("standard", "early"),
    "billed_from": (
        lambda value: isinstance(value, list) and all(item in BILLABLE for item in value),
        "a list of " + ", ".join(BILLABLE),
    ),
    "element_error_key": _among("Message", "Description"),
    "missing_scope_status": _among(401, 403),
    "attachment_megabytes": _among(10, 25),
    "read_lag_ms": (_whole, "a number of milliseconds"),
    "latency_ms": (_whole, "a number of milliseconds"),
}
CHECKS |= {
    item.name: (lambda value: isinstance(value, bool), "true or false")
    for item in fields(Switches)
    if item.name not in CHECKS
}
