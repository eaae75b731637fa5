"""Who calls the admin REST, what they may do, and requests that must not be done twice.

Owns keys, scopes and `Idempotency-Key`, as a route class under every admin endpoint, so that none
can be added without them. Must not know what an endpoint does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from app import telemetry
from app.api import problems
from app.api.parts import Parts, parts_of
from app.api.problems import Problem
from app.domain.views import ApiKey
from app.sync.keys import ADMIN, READ, REVEAL, digest_of, key_behind, may, may_not
from app.sync.operations import Actor, Refusal

REPLAYED = "idempotent-replayed"
_CHALLENGE = 'Bearer realm="demandlink"'
_MAX_KEY = 200
_READING = ("GET", "HEAD")
_SERVER_ERROR = 500
Handler = Callable[[Request], Coroutine[Any, Any, Response]]


async def authenticate(parts: Parts, authorization: str) -> ApiKey:
    """The key behind an Authorization header. Raises Problem (401)."""
    scheme, _, given = authorization.partition(" ")
    key = given.strip()
    if scheme.lower() != "bearer" or not key:
        detail = "Send the header Authorization: Bearer <key>; `demandlink keys create` makes one."
        raise Problem("UNAUTHENTICATED", detail, headers={"www-authenticate": _CHALLENGE})
    known = await key_behind(
        digest_of(key),
        first=parts.settings.admin_api_key.get_secret_value(),
        tenant_id=parts.default_tenant,
        admin=parts.admin,
    )
    if known is None:
        challenge = f'{_CHALLENGE}, error="invalid_token"'
        detail = "The key is not known here, or was withdrawn."
        raise Problem("UNAUTHENTICATED", detail, headers={"www-authenticate": challenge})
    return known


def _allowed(key: ApiKey, needed: str) -> None:
    if not may(key, needed):
        challenge = f'{_CHALLENGE}, error="insufficient_scope", scope="{needed}"'
        raise Problem("FORBIDDEN", may_not(key, needed), headers={"www-authenticate": challenge})


def _refused(refusal: Refusal) -> Problem:
    return Problem(refusal.code, refusal.sentence, more=refusal.more)


class AdminRoute(APIRoute):
    """A route that asks for a key before anything of the request is read."""

    # The scope that is needed; empty: by the method. What is answered is kept for a repeated
    # request (Idempotency-Key), unless it is personal.
    needs = ""
    personal = False

    def get_route_handler(self) -> Handler:
        handle = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            parts = parts_of(request.app)
            key = await authenticate(parts, request.headers.get("authorization", ""))
            _allowed(key, self.needs or (READ if request.method in _READING else ADMIN))
            request.state.actor = Actor(key.tenant_id, key.name)
            request.state.admin = may(key, ADMIN)
            request.state.correlation_id = parts.ids.token()
            with telemetry.correlated(request.state.correlation_id, actor=key.name):
                repeat = request.headers.get("idempotency-key")
                if request.method == "POST" and repeat is not None:
                    keep = not self.personal
                    return await _once(parts, key.tenant_id, repeat, request, handle, keep=keep)
                try:
                    return await handle(request)
                except Refusal as refusal:
                    raise _refused(refusal) from refusal

        return guarded


class RevealRoute(AdminRoute):
    """A route that answers with personal data. Nothing keeps the answer: no cache, and no table."""

    needs = REVEAL
    personal = True

    def get_route_handler(self) -> Handler:
        handle = super().get_route_handler()

        async def answered(request: Request) -> Response:
            answer = await handle(request)
            answer.headers["cache-control"] = "no-store"
            return answer

        return answered


async def _once(
    parts: Parts, tenant_id: int, key: str, request: Request, handle: Handler, *, keep: bool
) -> Response:
    """Do a request, or answer as it was answered before. Not `keep`: the answer may be kept
    nowhere, so that only a request that is still being worked on is not done again."""
    if not 0 < len(key) <= _MAX_KEY or not key.isascii() or not key.isprintable():
        detail = f"Idempotency-Key: must be 1 to {_MAX_KEY} printable ASCII characters."
        raise Problem("REQUEST_NOT_VALID", detail)
    target = f"{request.method} {request.url.path}?{request.url.query}\n".encode()
    digest = hashlib.sha256(target + await request.body()).hexdigest()
    known = await parts.admin.remember_request(tenant_id, key, digest)
    if known is not None:
        if known.digest != digest:
            detail = "Send another Idempotency-Key for another request."
            raise Problem("IDEMPOTENCY_KEY_REUSED", detail)
        if not known.status:
            detail = "Send the same request again in a moment."
            raise Problem("IDEMPOTENCY_KEY_IN_USE", detail, headers={"retry-after": "1"})
        refused = known.status >= 400
        media_type = problems.MEDIA_TYPE if refused else "application/json"
        return Response(known.body, known.status, {REPLAYED: "true"}, media_type)
    try:
        answer = await _answered(request, handle)
    except BaseException:
        # Nobody knows how far it came: the same key may try again.
        await parts.admin.forget_request(tenant_id, key)
        raise
    if answer.status_code >= _SERVER_ERROR or not keep:
        await parts.admin.forget_request(tenant_id, key)
    else:
        await parts.admin.answer_request(tenant_id, key, answer.status_code, bytes(answer.body))
    return answer


async def _answered(request: Request, handle: Handler) -> Response:
    """The answer, with what is refused turned into its problem, so that it can be kept."""
    try:
        return await handle(request)
    except Refusal as refusal:
        return problems.response(_refused(refusal))
    except Problem as problem:
        return problems.response(problem)
    except RequestValidationError as error:
        return await problems.on_invalid(request, error)
    except HTTPException as error:
        return await problems.on_http_error(request, error)


def _actor(request: Request) -> Actor:
    actor: Actor = request.state.actor
    return actor


def _admin(request: Request) -> bool:
    return bool(request.state.admin)


def _parts(request: Request) -> Parts:
    return parts_of(request.app)


Caller = Annotated[Actor, Depends(_actor)]
IsAdmin = Annotated[bool, Depends(_admin)]
"""Whether the key may change things, for what its reader is shown."""
Service = Annotated[Parts, Depends(_parts)]
