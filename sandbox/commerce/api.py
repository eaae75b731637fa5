"""The simulated API: every request from its arrival to its answer, as a pure function of state.

Owns the key, the limits, paging, filters, dates on the wire, faults and the log (commerce.md 1.1).
Does no I/O: waiting and dropping connections are said in what it returns.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from sandbox.commerce.control import Control
from sandbox.commerce.shop import Row, Shop
from sandbox.commerce.tables import TABLES, Table
from sandbox.kit.faults import Fault, Faults
from sandbox.kit.log import RequestLog
from sandbox.kit.wire import Reply, Request, json_reply

LARGEST_PAGE = 100
PATH = re.compile(r"^/v1/([a-z]+)(?:/(-?\d+))?/?$", re.IGNORECASE)
MINUTE, DAY = 60.0, 86_400.0


class Refused(Exception):
    """An answer that is not 200. The body of the vendor's errors is not documented."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class Api:
    """One simulated Commerce. Satisfies kit.asgi.Site."""

    def __init__(self, shop: Shop, api_key: str) -> None:
        self.shop = shop
        self.api_key = api_key
        self.log = RequestLog()
        self.faults = Faults(without=("stale_read",))
        self._calls: deque[float] = deque()
        self.control = Control(self)

    def admit(self, request: Request) -> tuple[float, object]:
        if request.path.startswith("/_sandbox"):
            return 0.0, None
        fault = self.faults.take(request.method, request.path)
        wait = self.shop.switches.latency_ms / 1000
        if fault is not None and fault.kind == "slow":
            wait += fault.seconds or 0.0
        return wait, fault

    def answer(self, request: Request, note: object) -> Reply:
        if request.path.startswith("/_sandbox"):
            return self.control.answer(request)
        fault = note if isinstance(note, Fault) else None
        if fault is not None and fault.kind == "refuse":
            reply = Reply(0, drop=True)
        elif fault is not None and fault.kind == "status":
            reply = _ordered(fault)
        else:
            reply = self._carried_out(request)
        lost = reply.drop or (fault is not None and fault.kind == "lose_reply")
        self.log.add(
            self.shop.now(), request.method, request.path, _without_key(request.parameters),
            request.body, 0 if lost else reply.status, reply.body,
            fault=fault.kind if fault is not None else None,
        )  # fmt: skip
        return Reply(0, drop=True) if lost else reply

    def forget(self) -> None:
        self.log.clear()
        self.faults.clear()
        self._calls.clear()

    def _carried_out(self, request: Request) -> Reply:
        try:
            return json_reply(200, self._result(request))
        except Refused as refused:
            headers = (("retry-after", "60"),) if refused.status == 429 else ()
            return json_reply(refused.status, {"message": refused.message}, headers)

    def _result(self, request: Request) -> Any:
        # Names of parameters look case-insensitive; the key is taken as one, too (1.1).
        given = {name.lower(): value for name, value in request.parameters.items()}
        if self.api_key not in (request.headers.get("apikey"), given.get("apikey")):
            raise Refused(401, "The API Key provided is not valid.")
        self._count()
        found = PATH.match(request.path)
        table = TABLES.get(found.group(1).lower()) if found else None
        if found is None or table is None:
            raise Refused(404, "There is no such resource.")
        if request.method != "GET":
            raise Refused(405, "All endpoints are read-only.")
        if found.group(2) is None:
            return self._list(table, given)
        row = self.shop.rows[table.name].get(int(found.group(2))) if table.by_id else None
        if row is None:
            raise Refused(400, "The requested resource does not exist.")
        return self._shown(table, row)

    def _count(self) -> None:
        now = self.shop.now().timestamp()
        while self._calls and self._calls[0] <= now - DAY:
            self._calls.popleft()
        switches = self.shop.switches
        minute = sum(1 for at in reversed(self._calls) if at > now - MINUTE)
        for limit, made in (
            (switches.requests_per_minute, minute),
            (switches.requests_per_day, len(self._calls)),
        ):
            if limit is not None and made >= limit:
                raise Refused(429, "Too many requests.")
        self._calls.append(now)

    def _list(self, table: Table, given: Mapping[str, str]) -> list[Row]:
        rows = [row for _, row in sorted(self.shop.rows[table.name].items())]
        for name, field in table.filters.items():
            wanted = given.get(name.lower(), "")
            if wanted:
                rows = [row for row in rows if str(row.get(field, "")) == wanted]
        if table.delta and given.get("modifiedafter"):
            after = self._moment(given["modifiedafter"])
            inclusive = self.shop.switches.modified_after_inclusive
            rows = [
                row
                for row in rows
                if row["modifiedDate"] > after or (inclusive and row["modifiedDate"] == after)
            ]
        if table.paged:
            page = max(_number(given, "page", 1), 1)
            size = min(max(_number(given, "pagesize", LARGEST_PAGE), 1), LARGEST_PAGE)
            rows = rows[(page - 1) * size : page * size]
        return [self._shown(table, row) for row in rows]

    # Dates carry no offset, in a zone that is not documented: a switch says how far off UTC.

    def _zone(self) -> timezone:
        return timezone(timedelta(hours=self.shop.switches.utc_offset_hours))

    def _moment(self, text: str) -> datetime:
        try:
            parsed = datetime.fromisoformat(text)
        except ValueError:
            raise Refused(400, f"The value '{text}' is not valid for modifiedAfter.") from None
        return parsed if parsed.tzinfo is not None else parsed.replace(tzinfo=self._zone())

    def _shown(self, table: Table, row: Row) -> Row:
        found: Row = {}
        for name in table.fields:
            value = row[name]
            if isinstance(value, datetime):
                local = value.astimezone(self._zone()).replace(tzinfo=None)
                value = local.isoformat(timespec="milliseconds")
            found[name] = value
        return found


def _number(given: Mapping[str, str], name: str, default: int) -> int:
    try:
        return int(given.get(name) or default)
    except ValueError:
        raise Refused(400, f"The value '{given[name]}' is not valid for {name}.") from None


def _without_key(parameters: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in parameters.items() if name.lower() != "apikey"}


def _ordered(fault: Fault) -> Reply:
    headers = tuple((name.lower(), value) for name, value in fault.headers.items())
    if isinstance(fault.body, str):
        return Reply(fault.status, fault.body.encode(), headers)
    return json_reply(fault.status, fault.body or {"message": "A fault was ordered."}, headers)
