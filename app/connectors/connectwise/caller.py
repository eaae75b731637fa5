"""Requests to ConnectWise: addresses, paging, patches, and failures raised by kind.

Owns I/O and nothing else: it knows neither records nor rules. Every failure leaves as a
RemoteFailure; nothing is retried here, because only the engine knows what is in doubt.
"""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import quote

import httpx

from app.connectors import wire_json
from app.connectors.connectwise import errors
from app.connectors.connectwise.conditions import Condition
from app.connectors.connectwise.translate.checks import Refused
from app.connectors.connectwise.translate.patches import Replace, differences
from app.connectors.remote import Answer, Remote
from app.connectors.transport import Calling, calling
from app.domain.errors import FailureKind, RemoteFailure

ACCEPT = "application/vnd.connectwise.com+json; version=2025.1"
LARGEST_PAGE = 1_000
# The vendor's advice is 2,000 characters; some gateways refuse above 1,950 (connectwise.md 1.4).
LONGEST_ADDRESS = 1_900
# A pause without a stated length: long enough not to hammer, short enough not to stall.
PAUSE_UNSAID = 1.0
SYSTEM = "connectwise"
SUCCESS = 2  # the first digit of a status
# The call log keeps no names from these.
PEOPLE = ("/company/contacts", "/system/members")
BY_ID = "id asc"

Read = TypeVar("Read")


@dataclass(frozen=True, slots=True)
class Access:
    """Where a ConnectWise stands and who calls it. The keys never show in a repr."""

    base_url: str
    company: str
    public_key: str = field(repr=False)
    private_key: str = field(repr=False)
    client_id: str = field(repr=False)

    @property
    def headers(self) -> dict[str, str]:
        name = f"{self.company}+{self.public_key}:{self.private_key}"
        return {
            "Authorization": f"Basic {base64.b64encode(name.encode()).decode()}",
            "clientId": self.client_id,
            "Accept": ACCEPT,
            "Accept-Encoding": "gzip, deflate",
            "User-Agent": "demandlink",
        }


@contextmanager
def for_reference() -> Iterator[None]:
    """Calls in here read reference data: they are cached by the caller and counted apart."""
    bound = calling.get() or Calling()
    if bound.purpose != "step":
        yield
        return
    token = calling.set(replace(bound, purpose="reference"))
    try:
        yield
    finally:
        calling.reset(token)


class Caller:
    """Sends requests and gives parsed answers. Every method may raise RemoteFailure."""

    def __init__(self, remote: Remote) -> None:
        self._remote = remote

    async def get(self, path: str, read: Callable[[Any], Read], query: str = "") -> Read:
        return self._read("GET", path, await self._send("GET", path, query=query), read)

    async def post(self, path: str, body: Callable[[], Any], read: Callable[[Any], Read]) -> Read:
        """`body` is made here, so that what it refuses leaves as INVALID, unsent."""
        encoded = self._encoded("POST", path, body)
        return self._read("POST", path, await self._send("POST", path, body=encoded), read)

    async def patch(
        self,
        path: str,
        changes: Callable[[], Sequence[Replace]],
        read: Callable[[Any], Read],
        *,
        choose: Callable[[Any], Any] = lambda raw: raw,
    ) -> Read:
        """Change a record and compare the answer with what was asked for.

        ConnectWise may answer 200 and change nothing (connectwise.md 1.5): a difference is
        REJECTED. `choose` picks the record out of answers that are lists.
        """
        asked: list[Replace] = []

        def operations() -> list[dict[str, Any]]:
            asked.extend(changes())
            return [change.operation() for change in asked]

        encoded = self._encoded("PATCH", path, operations)
        answer = await self._send("PATCH", path, body=encoded)
        record = choose(self._json("PATCH", path, answer))
        wrong = differences(asked, record)
        if wrong:
            raise RemoteFailure(
                FailureKind.REJECTED,
                "ConnectWise answered that the change was made, but these fields do not hold what "
                f"was asked for: {', '.join(wrong)}.",
                endpoint=errors.endpoint("PATCH", path),
                status=answer.status,
            )
        return self._understood("PATCH", path, answer.status, read, record)

    async def delete(self, path: str) -> None:
        """Delete a record for good. GONE when it is not there."""
        await self._send("DELETE", path)

    async def pages(
        self,
        path: str,
        condition: Condition | None = None,
        *,
        order: str = BY_ID,
        fields: str = "",
        most: int | None = None,
    ) -> list[Any]:
        """All records of a list, or the first `most` (one page)."""
        wanted = {"orderBy": order, "fields": fields}
        query = _query(condition, wanted)
        size = LARGEST_PAGE if most is None else most
        found: dict[str, Any] = {}
        async for records, full in self._each_page(path, query, size):
            before = len(found)
            for place, record in enumerate(records):
                found.setdefault(wire_json.identity(record, "id", place), record)
            # A page that brings nothing new: a server that does not page would go on for ever.
            if most is not None or not full or len(found) == before:
                break
        return list(found.values())

    async def report(
        self, name: str, columns: Sequence[str], condition: Condition, order: str
    ) -> AsyncIterator[Any]:
        """The pages of a report, as they come."""
        path = f"/system/reports/{name}"
        query = _query(condition, {"columns": ",".join(columns), "orderBy": order})
        number, before = 1, None
        while True:
            sized = f"{query}&pageSize={LARGEST_PAGE}&page={number}"
            raw = self._json("GET", path, await self._send("GET", path, query=sized))
            rows = raw.get("row_values") if isinstance(raw, Mapping) else None
            if isinstance(rows, list) and rows == before:
                return  # a server that does not page would go on for ever
            yield raw
            if not isinstance(rows, list) or len(rows) < LARGEST_PAGE:
                return
            number, before = number + 1, rows

    def read(self, path: str, raw: Any, read: Callable[[Any], Read]) -> Read:
        """Parse a part of a GET's answer."""
        return self._understood("GET", path, 200, read, raw)

    async def _each_page(
        self, path: str, query: str, size: int
    ) -> AsyncIterator[tuple[list[Any], bool]]:
        number = 1
        while True:
            sized = f"{query}&pageSize={size}&page={number}"
            answer = await self._send("GET", path, query=sized)
            records = self._json("GET", path, answer)
            if not isinstance(records, list):
                raise errors.unreadable("GET", path, answer.status, "it is not a list")
            # Only whether there is a next page is taken from Link, never its address: that may
            # point to another host, and the credentials stay with ours (connectwise.md 1.3).
            more = 'rel="next"' in answer.headers.get("link", "")
            yield records, len(records) >= size or (more and bool(records))
            number += 1

    async def _send(
        self, method: str, path: str, *, query: str = "", body: bytes | None = None
    ) -> Answer:
        if len(self._remote.base_url) + len(path) + len(query) + 1 > LONGEST_ADDRESS:
            raise errors.invalid(method, path, "the address would be too long for ConnectWise.")
        answer = await self._call(method, path, query=query, body=body)
        if answer.status // 100 == SUCCESS:
            return answer
        failure = await self._failure(method, path, answer)
        if answer.status == HTTPStatus.NOT_FOUND:
            await self._ask_who_we_are(method, path)
        raise failure

    async def _failure(self, method: str, path: str, answer: Answer) -> RemoteFailure:
        """What an answer that is no success means; the pause that it asks for begins with it."""
        failure = errors.of_answer(method, path, answer.status, answer.headers, answer.body)
        if failure.kind is FailureKind.RATE_LIMITED or failure.retry_after is not None:
            wait = failure.retry_after or PAUSE_UNSAID
            await self._remote.pacing.asked_to_wait(wait, failure.message)
        return failure

    async def _call(
        self, method: str, path: str, *, query: str = "", body: bytes | None = None
    ) -> Answer:
        try:
            return await self._remote.call(method, path, query=query, body=body)
        except (httpx.HTTPError, httpx.InvalidURL) as cause:
            raise errors.of_transport(cause, method, path) from cause

    async def _ask_who_we_are(self, method: str, path: str) -> None:
        """ConnectWise's cloud answers wrong credentials with 404 too (connectwise.md 1.2). One
        call to /system/info tells that apart. Raises UNAUTHENTICATED, or RATE_LIMITED or TRANSIENT
        when it cannot be told (a 404 did nothing, so even a write may simply be tried again)."""
        probe = "/system/info"
        if path == probe:
            raise errors.unauthenticated(method, path, HTTPStatus.NOT_FOUND)
        answer = await self._call("GET", probe)
        if answer.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.NOT_FOUND}:
            raise errors.unauthenticated(method, path, HTTPStatus.NOT_FOUND)
        if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
            raise await self._failure("GET", probe, answer)
        if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise RemoteFailure(
                FailureKind.TRANSIENT,
                "ConnectWise answered 404, and whether the credentials hold could not be asked.",
                endpoint=errors.endpoint(method, path),
                status=HTTPStatus.NOT_FOUND,
            )

    def _encoded(self, method: str, path: str, body: Callable[[], Any]) -> bytes:
        try:
            return wire_json.encode(body())
        except (Refused, *wire_json.MISSHAPEN) as cause:
            raise errors.invalid(method, path, wire_json.why(cause)) from cause

    def _json(self, method: str, path: str, answer: Answer) -> Any:
        if not answer.body.strip():
            return None
        try:
            return wire_json.loads(answer.body)
        except wire_json.NotReadable as cause:
            raise errors.unreadable(method, path, answer.status, str(cause)) from cause

    def _read(self, method: str, path: str, answer: Answer, read: Callable[[Any], Read]) -> Read:
        raw = self._json(method, path, answer)
        return self._understood(method, path, answer.status, read, raw)

    def _understood(
        self, method: str, path: str, status: int, read: Callable[[Any], Read], raw: Any
    ) -> Read:
        try:
            return read(raw)
        except wire_json.MISSHAPEN as cause:
            raise errors.unreadable(method, path, status, wire_json.why(cause)) from cause


def _query(condition: Condition | None, parameters: Mapping[str, str]) -> str:
    """A query string with everything percent-encoded, blanks as %20 (connectwise.md 1.4)."""
    parts = [] if condition is None else [f"conditions={condition.encoded}"]
    parts += [f"{name}={_quoted(value)}" for name, value in parameters.items() if value]
    return "&".join(parts)


@lru_cache(maxsize=256)
def _quoted(value: str) -> str:
    """Orders and fields are a few texts of ours, asked for with nearly every list."""
    return quote(value, safe="/,")
