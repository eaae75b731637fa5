"""Watches the order of remote writes, from the sandbox's request log alone.

Owns the rules of order that ConnectWise needs (B1.4, B1.7, B1.12), for one order in a log. Shares
no code with the service.
"""

from __future__ import annotations

import re
from typing import Any

Log = list[dict[str, Any]]
DEMAND = "/procurement/purchasingDemands"
LINE = re.compile(r"^/procurement/purchaseorders/(\d+)/lineitems/\d+$")


def _writes(log: Log) -> list[tuple[int, dict[str, Any]]]:
    return [
        (number, entry)
        for number, entry in enumerate(log)
        if entry["method"] not in ("GET", "ACT") and 200 <= entry["status"] < 300
    ]


def _patched(entry: dict[str, Any]) -> dict[str, Any]:
    body = entry["body"]
    return {op["path"]: op["value"] for op in body} if isinstance(body, list) else {}


def _ready_ids(log: Log, ready: str) -> set[int]:
    return {
        status["id"]
        for entry in log
        if entry["path"] == "/sales/orders/statuses" and isinstance(entry["response"], list)
        for status in entry["response"]
        if status["name"] == ready
    }


def broken_rules(  # noqa: C901 - one branch a rule
    log: Log, ready: str = "Ready to invoice"
) -> list[str]:
    """Sentences about every rule of order that the log breaks; nothing when all is well."""
    faults: list[str] = []
    won = converted = released = None
    demanded: set[int] = set()
    ready_ids = _ready_ids(log, ready)
    for number, entry in _writes(log):
        path, patched = entry["path"], _patched(entry)
        if path.startswith("/sales/opportunities/") and path.endswith("/convertToSalesOrder"):
            if won is None:
                faults.append(f"{number}: converted before the opportunity was won")
            if converted is not None:
                faults.append(f"{number}: converted twice")
            converted = number
        elif re.fullmatch(r"/sales/opportunities/\d+", path) and "status" in patched:
            won = number
        elif "/forecast/" in path and won is not None and converted is None:
            faults.append(f"{number}: a won opportunity was edited")
        elif path == DEMAND:
            if converted is None:
                faults.append(f"{number}: demand was purchased before the sales order stood")
            demanded.add(int(entry["response"]["purchaseOrder"]["id"]))
        elif (line := LINE.match(path)) and "receivedQuantity" in patched:
            if int(line[1]) not in demanded:
                faults.append(f"{number}: received on {line[1]} before its demand was linked")
            if released is not None:
                faults.append(f"{number}: received after the sales order was released")
        elif path.startswith("/sales/orders/") and patched.get("status", {}).get("id") in ready_ids:
            released = number
    return faults
