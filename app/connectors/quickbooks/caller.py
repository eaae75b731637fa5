"""Requests to one QuickBooks company: addresses, tokens, envelopes, and failures raised by kind.

Owns I/O and nothing else. Nothing is retried here but a call with a token that was refused, which
was certainly not carried out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

import httpx

from app.connectors import wire_json
from app.connectors.bearer import Bearer
from app.connectors.quickbooks import errors
from app.connectors.quickbooks.query import LARGEST_PAGE, Where, select
from app.connectors.quickbooks.translate.to_wire import Refused
from app.connectors.remote import Answer, Remote
from app.domain.errors import FailureKind, RemoteFailure

SYSTEM = "quickbooks"
MINOR_VERSION = "75"
LONGEST_KEY = 50
SUCCESS = 2  # the first digit of a status

Read = TypeVar("Read")


@dataclass(frozen=True, slots=True)
class Access:
    """Where a company's books stand. `app_url` is where people read them."""

    base_url: str
    realm: str
    app_url: str = "https://app.qbo.intuit.com"

    @property
    def path(self) -> str:
        return f"/v3/company/{quote(self.realm, safe='')}"

    @property
    def people(self) -> tuple[str, ...]:
        """Paths of records whose names may be people's."""
        return (f"{self.path}/vendor", f"{self.path}/customer")


BASE_HEADERS = {
    "Accept": "application/json",  # without it the answer may come as XML
    "Accept-Encoding": "gzip, deflate",
    "User-Agent": "demandlink",
}


class Caller:
    """Sends requests and gives parsed answers. Every method may raise RemoteFailure."""

    def __init__(self, remote: Remote, access: Access, bearer: Bearer) -> None:
        self._remote = remote
        self._access = access
        self._bearer = bearer

    async def read(self, resource: str, name: str, read: Callable[[Any], Read]) -> Read:
        """One record, which answers come as `{name: …}`."""
        path = f"{self._access.path}/{resource}"
        body, status = await self._send("GET", path, {}, by_id=True)
        return _understood("GET", path, status, read, _inside(body, name))

    async def query(
        self, entity: str, read: Callable[[Any], Read], *conditions: Where
    ) -> list[Read]:
        """All records that fit. Read page by page; a record that moved between pages counts once."""
        path = f"{self._access.path}/query"
        found: dict[str, Any] = {}
        start = 1
        while True:
            asked = {"query": select(entity, *conditions, start=start)}
            body, status = await self._send("GET", path, asked)
            answer = _inside(body, "QueryResponse")
            if not isinstance(answer, Mapping):
                raise errors.unreadable("GET", path, status, "it is no answer to a query")
            page = answer.get(entity) or []
            if not isinstance(page, list):
                raise errors.unreadable("GET", path, status, f"{entity} is not a list")
            before = len(found)
            for place, raw in enumerate(page):
                found.setdefault(wire_json.identity(raw, "Id", place), raw)
            # A page that brings nothing new: a server that does not page would go on for ever.
            if len(page) < LARGEST_PAGE or len(found) == before:
                return [_understood("GET", path, status, read, raw) for raw in found.values()]
            start += len(page)

    async def changes(self, entities: str, since: str, read: Callable[[Any], Read]) -> Read:
        path = f"{self._access.path}/cdc"
        asked = {"entities": entities, "changedSince": since}
        body, status = await self._send("GET", path, asked)
        return _understood("GET", path, status, read, _inside(body, "CDCResponse"))

    async def write(
        self,
        entity: str,
        content: Callable[[], Any],
        read: Callable[[Any], Read],
        key: str,
        *,
        operation: str = "",
        by_id: bool = False,
    ) -> Read:
        """Create, update, delete or void. `content` is made here, so that what it refuses leaves
        as INVALID, unsent."""
        path = f"{self._access.path}/{entity.lower()}"
        asked = {"operation": operation} if operation else {}
        if key:
            if len(key) > LONGEST_KEY:
                raise errors.invalid("POST", path, f"the key is longer than {LONGEST_KEY}.")
            asked["requestid"] = key
        try:
            encoded = wire_json.encode(content())
        except (Refused, *wire_json.MISSHAPEN) as cause:
            raise errors.invalid("POST", path, wire_json.why(cause)) from cause
        body, status = await self._send("POST", path, asked, encoded, by_id=by_id)
        return _understood("POST", path, status, read, _inside(body, entity))

    async def _send(
        self,
        method: str,
        path: str,
        asked: Mapping[str, str],
        content: bytes | None = None,
        *,
        by_id: bool = False,
    ) -> tuple[Any, int]:
        """The parsed answer and its status. A fault counts whatever the status is."""
        query = urlencode({**asked, "minorversion": MINOR_VERSION}, quote_via=quote)
        token = await self._bearer.access()
        answer = await self._call(method, path, query, content, token)
        if answer.status == 401:
            # The gateway turned it away: nothing was done, so even a write may go again.
            token = await self._bearer.renew(token)
            answer = await self._call(method, path, query, content, token)
        body = _parsed(answer.body)
        if answer.status // 100 == SUCCESS and errors.fault_in(body) is None:
            return body, answer.status
        failure = errors.of_answer(method, path, answer.status, answer.headers, body, by_id=by_id)
        if failure.kind is FailureKind.RATE_LIMITED:
            wait = failure.retry_after or errors.THROTTLE_SECONDS
            await self._remote.pacing.asked_to_wait(wait, failure.message)
        raise failure

    async def _call(
        self, method: str, path: str, query: str, content: bytes | None, token: str
    ) -> Answer:
        # Read by the call before it first waits, so calls side by side do not mix tokens.
        self._remote.headers = BASE_HEADERS | {"Authorization": f"Bearer {token}"}
        try:
            return await self._remote.call(method, path, query=query, body=content)
        except (httpx.HTTPError, httpx.InvalidURL) as cause:
            raise errors.of_transport(cause, method, path) from cause


def _parsed(body: bytes) -> Any:
    try:
        return wire_json.loads(body) if body.strip() else None
    except wire_json.NotReadable:
        return None


def _inside(body: Any, name: str) -> Any:
    """What stands under a name of the envelope. An answer of 200 may come without it."""
    return body.get(name) if isinstance(body, Mapping) else None


def _understood(method: str, path: str, status: int, read: Callable[[Any], Read], raw: Any) -> Read:
    if raw is None:
        raise errors.unreadable(method, path, status, "what was asked for is not in it")
    try:
        return read(raw)
    except wire_json.MISSHAPEN as cause:
        raise errors.unreadable(method, path, status, wire_json.why(cause)) from cause


def ambiguous_code(code: str, found: int) -> RemoteFailure:
    return RemoteFailure(
        FailureKind.REJECTED, f"{found} items in QuickBooks have the SKU {code}: one has to go."
    )
