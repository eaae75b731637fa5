"""Requests to Xero: tokens, keys, paging, and failures raised by kind.

Owns I/O and nothing else: it knows neither records nor rules. Every failure leaves as a
RemoteFailure. Nothing is retried, save once after a token was refused, when nothing was done.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import quote

import httpx

from app.connectors import wire_json
from app.connectors.bearer import Bearer
from app.connectors.remote import Answer, Remote
from app.connectors.transport import Calling, calling
from app.connectors.xero import errors, oauth
from app.connectors.xero.translate.to_wire import Refused
from app.connectors.xero.where import Unsafe
from app.domain.books import Tokens
from app.domain.errors import FailureKind, RemoteFailure

SYSTEM = "xero"
PEOPLE = ("/Contacts",)
PAGE = 500
# accounting.md 3.3: calls in flight for each organisation. Other processes have theirs; what is
# one too many is answered 429, and the connection's pause holds for all of them.
IN_FLIGHT = 5
LONGEST_KEY = 128
UNAUTHORIZED = 401
SUCCESS = 2  # the first digit of a status

Read = TypeVar("Read")


@dataclass(frozen=True, slots=True)
class Access:
    """Where Xero stands and which organisation is meant. `identity_url` is the token's host."""

    tenant_id: str
    app: oauth.App
    base_url: str = f"{oauth.API}/api.xro/2.0"
    identity_url: str = oauth.IDENTITY


class SignIn:
    """How Xero refreshes a grant; when, and by whom, is the bearer's part."""

    def __init__(self, remote: Remote, app: oauth.App) -> None:
        self._remote = remote
        self._app = app

    async def refresh(self, held: Tokens, now: datetime) -> Tokens:
        """New tokens for those. Not the step's own call: it reaches no checkpoint. A lost answer is
        no doubt either: the refresh token of before is good for thirty minutes more."""
        post = oauth.refresh(self._app, held.refresh)
        bound = calling.get() or Calling()
        token = calling.set(replace(bound, purpose="reference", sent=None))
        try:
            answer = await self._remote.call(
                "POST", post.path, body=post.body, headers=post.headers
            )
        except (httpx.HTTPError, httpx.InvalidURL) as cause:
            raise errors.of_transport(cause, "GET", post.path) from cause
        finally:
            calling.reset(token)
        return oauth.tokens(answer.status, answer.headers, answer.body, now)


class Caller:
    """Sends requests and gives parsed answers. Every method may raise RemoteFailure."""

    def __init__(self, remote: Remote, bearer: Bearer) -> None:
        self._remote = remote
        self._bearer = bearer
        self._room = asyncio.Semaphore(IN_FLIGHT)

    async def get(
        self, path: str, query: Mapping[str, str] | None = None, *, since: datetime | None = None
    ) -> Any:
        """The parsed answer of a read."""
        headers = {} if since is None else {"If-Modified-Since": f"{since:%Y-%m-%dT%H:%M:%S}"}
        answer = await self._send("GET", path, query=_query(query), headers=headers)
        return self._json("GET", path, answer)

    async def every(
        self,
        path: str,
        name: str,
        query: Mapping[str, str] | None = None,
        *,
        since: datetime | None = None,
    ) -> list[Any]:
        """All records of a list, page by page: without pages documents come without lines."""
        found: dict[str, Any] = {}
        number = 1
        while True:
            paged = {**(query or {}), "page": str(number), "pageSize": str(PAGE)}
            records = self.listed(path, name, await self.get(path, paged, since=since))
            before = len(found)
            for place, record in enumerate(records):
                key = wire_json.identity(record, f"{name.removesuffix('s')}ID", place)
                found.setdefault(key, record)
            # A page that brings nothing new: a list that does not page would go on for ever.
            if len(records) < PAGE or len(found) == before:
                return list(found.values())
            number += 1

    def listed(self, path: str, name: str, parsed: Any) -> list[Any]:
        records = parsed.get(name) if isinstance(parsed, Mapping) else None
        if not isinstance(records, list):
            raise errors.unreadable("GET", path, 200, f"it has no list {name}")
        return records

    async def write(
        self,
        method: str,
        path: str,
        name: str,
        body: Callable[[], Mapping[str, Any]],
        key: str,
        read: Callable[[Any], Read],
        query: Mapping[str, str] | None = None,
    ) -> Read:
        """Sends one record and reads the one that comes back. `body` is made here, so that what it
        refuses leaves as INVALID, unsent.

        With `summarizeErrors=false` a refusal is a 200 that tells it on the element; both forms
        are understood, and neither is trusted by its status alone (accounting.md 0.5).
        """
        if not 0 < len(key) <= LONGEST_KEY:
            raise errors.invalid(method, path, f"a key has 1 to {LONGEST_KEY} characters")
        try:
            encoded = wire_json.encode({name: [body()]})
        except (Refused, Unsafe, ValueError, TypeError) as cause:
            raise errors.invalid(method, path, str(cause)) from cause
        answer = await self._send(
            method,
            path,
            query=_query({**(query or {}), "summarizeErrors": "false"}),
            body=encoded,
            headers={"Idempotency-Key": key},
        )
        parsed = self._json(method, path, answer)
        records = parsed.get(name) if isinstance(parsed, Mapping) else None
        if not isinstance(records, list) or len(records) != 1:
            raise errors.unreadable(method, path, answer.status, f"it has no single {name}")
        failure = errors.of_element(method, path, answer.status, records[0])
        if failure is not None:
            raise failure
        return self.understood(method, path, answer.status, read, records[0])

    def understood(
        self, method: str, path: str, status: int, read: Callable[[Any], Read], raw: Any
    ) -> Read:
        try:
            return read(raw)
        except wire_json.MISSHAPEN as cause:
            raise errors.unreadable(method, path, status, wire_json.why(cause)) from cause

    async def _send(
        self,
        method: str,
        path: str,
        *,
        query: str = "",
        body: bytes | None = None,
        headers: Mapping[str, str],
    ) -> Answer:
        async with self._room:
            token = await self._bearer.access()
            answer = await self._call(method, path, query, body, headers, token)
            failure = self._failure(method, path, answer)
            if failure is not None and failure.kind is FailureKind.UNAUTHENTICATED:
                if answer.status != UNAUTHORIZED:
                    raise failure
                # Refused before anything was done, so even a write may be sent again, once.
                token = await self._bearer.renew(token)
                answer = await self._call(method, path, query, body, headers, token)
                failure = self._failure(method, path, answer)
        if failure is None:
            return answer
        if failure.retry_after is not None:
            await self._remote.pacing.asked_to_wait(failure.retry_after, failure.message)
        raise failure

    @staticmethod
    def _failure(method: str, path: str, answer: Answer) -> RemoteFailure | None:
        if answer.status // 100 == SUCCESS:
            return None
        return errors.of_answer(method, path, answer.status, answer.headers, answer.body)

    async def _call(
        self,
        method: str,
        path: str,
        query: str,
        body: bytes | None,
        headers: Mapping[str, str],
        token: str,
    ) -> Answer:
        sent = {**headers, "Authorization": f"Bearer {token}"}
        try:
            return await self._remote.call(method, path, query=query, body=body, headers=sent)
        except (httpx.HTTPError, httpx.InvalidURL) as cause:
            raise errors.of_transport(cause, method, path) from cause

    @staticmethod
    def _json(method: str, path: str, answer: Answer) -> Any:
        try:
            return wire_json.loads(answer.body)
        except wire_json.NotReadable as cause:
            raise errors.unreadable(method, path, answer.status, str(cause)) from cause


def _query(parameters: Mapping[str, str] | None) -> str:
    """Percent-encoded, blanks as %20."""
    return "&".join(
        f"{name}={quote(value, safe='')}" for name, value in (parameters or {}).items() if value
    )
