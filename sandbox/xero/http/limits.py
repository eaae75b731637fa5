"""How many calls are let through: in flight, a minute, a day, and a minute over all tenants.

Owns the counting (accounting.md 3.3). Windows are fixed and begin at a tenant's own second, so
that a client cannot guess when they do. Time is passed in.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sandbox.xero.model.switches import CALLS_A_DAY, Switches

MINUTE, DAY = 60.0, 86_400.0
APP_A_MINUTE = 10_000
# Where this tenant's windows begin.
MINUTE_BEGINS, DAY_BEGINS = 17.0, 26_000.0
WORDS = {
    "lower": {"minute": "minute", "day": "day", "app": "appminute", "concurrent": "concurrent"},
    "sentence": {
        "minute": "Minute limit",
        "day": "Daily limit",
        "app": "App minute limit",
        "concurrent": "Concurrent limit",
    },
}


class TooMany(Exception):
    """The limit that is reached; `seconds` until it is free again, None where nobody can say."""

    def __init__(self, limit: str, seconds: int | None) -> None:
        super().__init__(limit)
        self.limit = limit
        self.seconds = seconds


@dataclass(slots=True)
class Window:
    """Calls in the current window of a fixed length."""

    length: float
    begins: float
    number: int = -1
    used: int = 0

    def at(self, now: float) -> int:
        number = int((now - self.begins) // self.length)
        if number != self.number:
            self.number, self.used = number, 0
        return self.used

    def seconds_left(self, now: float) -> int:
        end = (self.number + 1) * self.length + self.begins
        return max(1, int(end - now + 0.999))


@dataclass(slots=True)
class Limits:
    """The counters of one tenant and one app."""

    minute: Window = field(default_factory=lambda: Window(MINUTE, MINUTE_BEGINS))
    day: Window = field(default_factory=lambda: Window(DAY, DAY_BEGINS))
    app: Window = field(default_factory=lambda: Window(MINUTE, 0.0))
    in_flight: int = 0

    def enter(self, switches: Switches) -> bool:
        """Counts a call that begins; False when too many are under way already."""
        if self.in_flight >= switches.concurrent_requests:
            return False
        self.in_flight += 1
        return True

    def leave(self) -> None:
        self.in_flight -= 1

    def take(self, now: float, switches: Switches) -> None:
        """Counts a call, replays of a key too. Raises `TooMany`, and then counts nothing."""
        checks = (
            (self.day, CALLS_A_DAY[switches.tier], "day"),
            (self.minute, switches.requests_per_minute, "minute"),
            (self.app, APP_A_MINUTE, "app"),
        )
        for window, most, name in checks:
            if most is not None and window.at(now) >= most:
                raise TooMany(name, window.seconds_left(now))
        for window, _, _ in checks:
            window.used += 1

    def headers(self, now: float, switches: Switches) -> tuple[tuple[str, str], ...]:
        """What is left, on every answer."""
        minute = switches.requests_per_minute
        left = {
            "x-daylimit-remaining": CALLS_A_DAY[switches.tier] - self.day.at(now),
            "x-minlimit-remaining": (60 if minute is None else minute) - self.minute.at(now),
            "x-appminlimit-remaining": APP_A_MINUTE - self.app.at(now),
        }
        return tuple((name, str(max(0, count))) for name, count in left.items())


def refused(limit: TooMany, switches: Switches) -> tuple[tuple[str, str], ...]:
    """The headers of a 429."""
    named = (("x-rate-limit-problem", WORDS[switches.rate_limit_word][limit.limit]),)
    return named if limit.seconds is None else (*named, ("retry-after", str(limit.seconds)))
