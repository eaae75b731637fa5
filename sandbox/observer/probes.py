"""The doctor's probe, from outside: what it made under its mark is all that may ever be deleted.

Owns which records are a probe's. A service that deletes anything else is judged by every other rule,
none of which allows it; what a probe made and did not take away is told in the end.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from sandbox.observer.mirror import Mirror
from sandbox.observer.whose import Broken

Json = Mapping[str, Any]
MARK = "DL-PROBE-"
DEMAND = "/procurement/purchasingDemands"


class Probes:
    """Fed with every entry of the log, in order."""

    def __init__(self) -> None:
        self._own: set[tuple[str, int | str]] = set()

    def takes(self, entry: Json, changed: Iterable[Json], before: Mirror) -> bool:
        """Whether a write of the service is a probe's and nothing else. What stood before is no
        probe's: a counter that moved on."""
        rows = {
            (one["table"], one["id"])
            for one in changed
            if one["row"] is None or before.get(one["table"], one["id"]) is None
        }
        if entry["method"] == "DELETE":
            return bool(rows) and rows <= self._own
        if entry["method"] != "POST":
            return False
        body = entry.get("body")
        if not isinstance(body, dict):
            return False
        if entry["path"] == DEMAND:
            bought = {("product", one.get("productRecId")) for one in body.get("products") or ()}
            own = bool(bought) and bought <= self._own
        else:
            own = MARK in json.dumps(body)
        if own:
            self._own |= rows
        return own

    def follow(self, changed: Iterable[Json]) -> None:
        """Forget what is gone, whoever deleted it."""
        self._own -= {(one["table"], one["id"]) for one in changed if one["row"] is None}

    def left(self) -> list[Broken]:
        """What still stands."""
        return [
            ("PROBE", 0, f"A probe left {table} {number} behind.")
            for table, number in sorted(self._own, key=str)
        ]
