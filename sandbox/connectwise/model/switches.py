"""The switches: what ConnectWise does where its documentation is silent.

Owns names, values and defaults, and refuses what is not one of them by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

DEMAND_SOURCES = ("sales_order", "ticket")


@dataclass(frozen=True)
class Switches:
    """The settings of the simulator, immutable; a change makes a new one."""

    demand_from: tuple[str, ...] = DEMAND_SOURCES
    purchase_flag_clears: bool = True
    plain_lines_link: bool = True
    demand_post_appends: bool = True
    conversion: str = "move"
    conversion_keeps_xref: bool = True
    clone_keeps_link: bool = True
    auto_pick: bool = True
    auto_close_line: bool = True
    auto_close_order: bool = False
    enforce_unique_identifier: bool = True
    callback_on_receive: bool = True
    callback_on_convert: bool = True
    message_id_on_retry: str = "same"
    key_url_needs_auth: bool = False
    invoice_post_picks_products: bool = True
    line_sales_order_writable: bool = False
    requests_per_minute: int | None = None
    bad_credentials_status: int = 401
    read_lag_ms: int = 0
    latency_ms: int = 0

    def shown(self) -> dict[str, Any]:
        return asdict(self) | {"demand_from": list(self.demand_from)}

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


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 600_000


def _among(*allowed: Any) -> Check:
    return (
        lambda value: not isinstance(value, bool) and value in allowed,
        "one of " + ", ".join(str(item) for item in allowed),
    )


CHECKS: dict[str, Check] = {
    "demand_from": (
        lambda value: isinstance(value, list) and all(item in DEMAND_SOURCES for item in value),
        "a list of sales_order, ticket, both or neither",
    ),
    "conversion": _among("move", "copy"),
    "message_id_on_retry": _among("same", "new"),
    "bad_credentials_status": _among(401, 404),
    "requests_per_minute": (
        lambda value: value is None or (_whole(value) and value > 0),
        "a number above 0, or null",
    ),
    "read_lag_ms": (_whole, "a number of milliseconds"),
    "latency_ms": (_whole, "a number of milliseconds"),
}
CHECKS |= {
    item.name: (_flag, "true or false") for item in fields(Switches) if item.name not in CHECKS
}
