"""The switches: what Commerce does where its documentation is silent, and where webhooks go.

Owns names, values and defaults, and refuses what is not one of them by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any


@dataclass(frozen=True)
class Switches:
    """The settings of the simulator, immutable; a change makes a new one."""

    line_bumps_header: bool = True
    modified_after_inclusive: bool = False
    utc_offset_hours: int = 0
    requests_per_minute: int | None = 60
    requests_per_day: int | None = 10_000
    latency_ms: int = 0
    webhook_url: str = ""
    webhook_secret: str = ""
    post_webhooks: bool = True

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


def _whole(least: int, most: int) -> Callable[[Any], bool]:
    def check(value: Any) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most

    return check


def _limit(value: Any) -> bool:
    return value is None or _whole(0, 10**9)(value)


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


def _text(value: Any) -> bool:
    return isinstance(value, str)


CHECKS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "line_bumps_header": (_flag, "true or false"),
    "modified_after_inclusive": (_flag, "true or false"),
    "utc_offset_hours": (_whole(-12, 14), "whole hours from -12 to 14"),
    "requests_per_minute": (_limit, "a number, or null for no limit"),
    "requests_per_day": (_limit, "a number, or null for no limit"),
    "latency_ms": (_whole(0, 600_000), "milliseconds"),
    "webhook_url": (_text, "an address, or empty for no webhooks"),
    "webhook_secret": (_text, "a secret (whsec_...)"),
    "post_webhooks": (_flag, "true or false"),
}
