"""Faults on order: which of the next requests go wrong, and how.

Owns their validation, matching and counting; carrying them out is the simulator's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.kit.wire import Unusable

KINDS = ("refuse", "lose_reply", "status", "slow", "stale_read")
FIELDS = ("method", "path", "times", "kind", "status", "body", "headers", "seconds")


@dataclass(slots=True)
class Fault:
    """One order. `times` counts down; a fault with `times` null stays."""

    kind: str
    method: str | None
    pattern: re.Pattern[str]
    times: int | None
    status: int
    body: Any
    headers: dict[str, str]
    seconds: float | None

    def matches(self, method: str, path: str) -> bool:
        if self.times is not None and self.times <= 0:
            return False
        if self.kind == "stale_read" and method not in {"GET", "HEAD"}:
            return False
        return self.method in {None, method} and self.pattern.search(path) is not None

    def shown(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "method": self.method,
            "path": self.pattern.pattern,
            "times": self.times,
            "status": self.status,
            "body": self.body,
            "headers": self.headers,
            "seconds": self.seconds,
        }


class Faults:
    """The faults still to come, in the order in which they were asked for.

    `inner` are a simulator's own kinds, which meet a request only while it is carried out, at what
    they spoil: `take` leaves them to `take_inner`. `without` are kinds that it cannot carry out.
    """

    def __init__(self, inner: tuple[str, ...] = (), without: tuple[str, ...] = ()) -> None:
        self._inner = inner
        self._kinds = tuple(kind for kind in (*KINDS, *inner) if kind not in without)
        self._faults: list[Fault] = []

    def add(self, given: Any) -> None:
        """Takes one fault or a list. Raises `Unusable`, and then takes none of them."""
        items = given if isinstance(given, list) else [given]
        self._faults.extend([self._read(item) for item in items])

    def take(self, method: str, path: str) -> Fault | None:
        """The first fault that fits a request, counted down."""
        return self._take(method, path, [f for f in self._faults if f.kind not in self._inner])

    def take_inner(self, kind: str, method: str, path: str) -> Fault | None:
        """The same of one inner kind."""
        return self._take(method, path, [fault for fault in self._faults if fault.kind == kind])

    def _take(self, method: str, path: str, among: list[Fault]) -> Fault | None:
        for fault in among:
            if fault.matches(method, path):
                if fault.times is not None:
                    fault.times -= 1
                    self._faults = [each for each in self._faults if each.times != 0]
                return fault
        return None

    def left(self) -> list[dict[str, Any]]:
        return [fault.shown() for fault in self._faults]

    def clear(self) -> None:
        self._faults.clear()

    def _read(self, item: Any) -> Fault:
        if not isinstance(item, Mapping):
            raise Unusable("a fault is an object")
        extra = [name for name in item if name not in FIELDS]
        if extra:
            raise Unusable(f"a fault has no {', '.join(map(str, extra))}")
        kind = item.get("kind")
        if kind not in self._kinds:
            raise Unusable(f"kind {kind} is not one of {', '.join(self._kinds)}")
        times = item.get("times", 1)
        if times is not None and (isinstance(times, bool) or not isinstance(times, int)):
            raise Unusable("times is a number, or null for always")
        if times is not None and times < 1:
            raise Unusable("times is at least 1")
        seconds = item.get("seconds")
        if seconds is not None and (
            isinstance(seconds, bool) or not isinstance(seconds, int | float) or seconds < 0
        ):
            raise Unusable("seconds is a number")
        if kind == "slow" and seconds is None:
            raise Unusable("slow needs seconds")
        status = item.get("status", 500)
        if isinstance(status, bool) or not isinstance(status, int) or not 100 <= status <= 599:
            raise Unusable("status is an HTTP status")
        headers = item.get("headers") or {}
        if not isinstance(headers, Mapping):
            raise Unusable("headers is an object")
        method = item.get("method")
        try:
            pattern = re.compile(str(item.get("path") or ""))
        except re.error as error:
            raise Unusable(f"path is not a regular expression: {error}") from None
        return Fault(
            kind=str(kind),
            method=str(method).upper() if method and method != "*" else None,
            pattern=pattern,
            times=times,
            status=status,
            body=item.get("body"),
            headers={str(name): str(value) for name, value in headers.items()},
            seconds=float(seconds) if seconds is not None else None,
        )
