"""What tests of the doors need: signed requests, a store that refuses, parts for one app."""

from __future__ import annotations

import base64
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
from fastapi import FastAPI
from pydantic import SecretStr

from app.api.signatures import key_of, sign
from app.domain.codes import Code
from app.domain.errors import StoreUnavailable
from app.domain.records import Accepted, Delivery
from app.settings import Settings
from app.sync.inbox import CallbackCheck
from app.sync.ledger_events import Door

SECRET = "whsec_" + base64.b64encode(b"a secret of twenty-four").decode()
OLD_SECRET = "whsec_" + base64.b64encode(b"the secret of last year!").decode()
TOKEN = "an-unguessable-token"
ADMIN_KEY = "the-first-admin-key"
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def settings(**more: Any) -> Settings:
    return Settings(
        admin_api_key=SecretStr(ADMIN_KEY), connectwise_callback_token=SecretStr(TOKEN), **more
    )


def signed(
    body: bytes, webhook_id: str = "msg_1", secret: str = SECRET, at: datetime = NOW
) -> dict[str, str]:
    key = key_of(secret)
    assert key is not None
    timestamp = str(int(at.timestamp()))
    return {
        "content-type": "application/json",
        "webhook-id": webhook_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": sign(key, webhook_id, timestamp, body),
    }


def callback(**more: Any) -> bytes:
    body = {"Action": "updated", "ID": 88, "Type": "opportunity", "MessageId": "m-1", **more}
    return json.dumps(body).encode()


class RefusingStore:
    """A store whose database is away."""

    async def accept(self, delivery: Delivery) -> Accepted:
        raise StoreUnavailable("no database")

    async def note_unverified(self, source: str, code: Code, cause: str, head: bytes) -> None:
        raise StoreUnavailable("no database")

    async def readiness(self) -> Any:
        raise StoreUnavailable("no database")

    async def key(self, digest: bytes) -> Any:
        raise StoreUnavailable("no database")

    async def named(self, tenant_id: int, number: str) -> Any:
        raise StoreUnavailable("no database")


class CountingWake:
    def __init__(self) -> None:
        self.count = 0

    async def wake(self) -> None:
        self.count += 1


class Tokens:
    def __init__(self) -> None:
        self.count = 0

    def token(self) -> str:
        self.count += 1
        return f"token-{self.count}"


async def accepting(body: bytes, given: str | None) -> CallbackCheck:
    """A check that knows one signature, as the connector's knows many."""
    if given == "fits":
        return CallbackCheck(id=f"callback:{json.loads(body)['MessageId']}")
    if given == "later":
        return CallbackCheck(unreachable="the signing key cannot be fetched: ConnectError")
    return CallbackCheck(refused="the signature does not fit the body")


async def yes() -> bool:
    return True


@dataclass
class TestParts:
    """Parts of an app under test. Satisfies app.api.parts.Parts."""

    __test__ = False
    store: Any
    admin: Any
    operations: Any = None
    decisions: Any = None
    replays: Any = None
    foresight: Any = None
    findings: Any = None
    doctor: Any = None
    tickets: Any = None
    readiness: Any = None
    upkeep: Any = None
    reveals: Any = None
    desk: Any = None
    sessions: Any = None
    clock: Any = None
    ledgers: Any = None
    alerts: Any = None
    retention: Any = None
    ledger_doors: Sequence[Door] = (
        Door("quickbooks", "default", "intuit-signature", ("verifier", "older"), 2.5),
        Door("xero", "default", "x-xero-signature", ("webhook-key",), 4.5),
    )
    settings: Settings = field(default_factory=settings)
    wake: CountingWake = field(default_factory=CountingWake)
    ids: Tokens = field(default_factory=Tokens)
    wall: Callable[[], datetime] = lambda: NOW
    default_tenant: int = 1
    commerce_connection: str = "default"
    commerce_secrets: Mapping[str, Sequence[str]] = field(
        default_factory=lambda: {"default": (SECRET, OLD_SECRET), "off": ()}
    )
    connectwise_connection: str = "default"
    check_callback: Callable[[bytes, str | None], Awaitable[CallbackCheck]] = accepting
    queue_alive: Callable[[], Awaitable[bool]] = yes


def client_of(app: FastAPI, **headers: str) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://service", headers=headers)


async def post(
    client: httpx.AsyncClient, body: bytes | Any, path: str = "/webhooks/commerce", **more: Any
) -> httpx.Response:
    """A signed Commerce delivery."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await client.post(path, content=raw, headers=signed(raw, **more))


def code_of(response: httpx.Response) -> str:
    """The code of a problem, once it is known to be one in every respect."""
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem["status"] == response.status_code
    assert problem["type"] == f"urn:demandlink:problem:{problem['code']}"
    assert problem["title"]
    assert problem["detail"]
    return str(problem["code"])
