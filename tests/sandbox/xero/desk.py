"""A client of the simulated Xero inside the test's process, under a clock of its own.

Speaks through the wire's pure functions: no sockets, and sixty days take no time.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from sandbox.kit.wire import Reply, Request
from sandbox.xero.app import XeroApplication, create_app
from sandbox.xero.http.api import ROOT

START = datetime(2026, 11, 19, 10, 0, tzinfo=UTC)
SCOPES = (
    "openid profile email offline_access accounting.invoices accounting.contacts "
    "accounting.settings.read accounting.attachments"
)
BACK = "https://dl.example/callback"


class Answer:
    def __init__(self, reply: Reply) -> None:
        self.status = reply.status
        self.dropped = reply.drop
        self.headers = dict(reply.headers)
        self.raw = reply.body

    @property
    def json(self) -> Any:
        return json.loads(self.raw, parse_float=Decimal)

    @property
    def messages(self) -> list[str]:
        """Every sentence of a validation error's elements."""
        body = self.json
        elements = body.get("Elements") or next(
            value for value in body.values() if isinstance(value, list)
        )
        return [
            fault.get("Message") or fault["Description"]
            for each in elements
            for fault in each.get("ValidationErrors", [])
        ]


class Desk:
    """One simulator and somebody working with it."""

    def __init__(self) -> None:
        self.clock = START
        numbers = itertools.count(1)
        self.spawned: list[Coroutine[Any, Any, None]] = []
        self.slept: list[float] = []
        self.posted: list[tuple[str, bytes, dict[str, str]]] = []
        self.post_status: list[int] = []
        self.app: XeroApplication = create_app(
            now=lambda: self.clock,
            new_guid=lambda: f"00000000-0000-4000-8000-{next(numbers):012d}",
            sleep=self._sleep,
        )
        self.api = self.app.api
        self.books = self.app.books
        self.app.webhook.spawn = self.spawned.append
        self.app.webhook.post = self._post
        self.headers = {name.lower(): value for name, value in self.api.credentials.headers.items()}
        self.switch(requests_per_minute=None, tier="core")

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    async def _post(self, url: str, body: bytes, headers: dict[str, str]) -> int:
        self.posted.append((url, body, headers))
        return self.post_status.pop(0) if self.post_status else 200

    def pass_time(self, seconds: float) -> None:
        self.clock += timedelta(seconds=seconds)

    def deliver(self) -> None:
        """Runs the webhook's work that was set off."""

        async def run() -> None:
            while self.spawned:
                await self.spawned.pop(0)

        asyncio.run(run())

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: dict[str, str] | None = None,
        raw: bytes | None = None,
        prefix: str = ROOT,
        **parameters: Any,
    ) -> Request:
        kind = {} if body is None else {"content-type": "application/json"}
        content = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        sent = self.headers | kind | (headers or {})
        return Request(method, prefix + path, urlencode(parameters), sent, content)

    def send(self, method: str, path: str, body: Any = None, **more: Any) -> Answer:
        request = self.request(method, path, body, **more)
        wait, note = self.api.admit(request)
        self.slept.append(wait)
        return Answer(self.api.answer(request, note))

    # --- with the status that is expected

    def get(self, path: str, **more: Any) -> Any:
        answer = self.send("GET", path, **more)
        assert answer.status == 200, answer.raw
        return answer.json

    def all(self, name: str, **more: Any) -> list[Any]:
        found: list[Any] = self.get(f"/{name}", **more)[name]
        return found

    def put(self, name: str, body: Any, **more: Any) -> Any:
        """Creates one record; gives it as answered."""
        answer = self.send("PUT", f"/{name}", {name: [body]}, **more)
        assert answer.status == 200, answer.raw
        return answer.json[name][0]

    def post(self, name: str, key: str, body: Any, **more: Any) -> Any:
        """Changes one record."""
        answer = self.send("POST", f"/{name}/{key}", {name: [body]}, **more)
        assert answer.status == 200, answer.raw
        return answer.json[name][0]

    def refused(self, method: str, path: str, body: Any, *words: str, **more: Any) -> Answer:
        """A validation error that says these words."""
        answer = self.send(method, path, body, **more)
        assert answer.status == 400, (answer.status, answer.raw)
        said = " | ".join(answer.messages)
        assert all(word in said for word in words), said
        return answer

    def control(self, method: str, path: str, body: Any = None) -> Answer:
        return self.send(method, path, body, prefix="/_sandbox")

    def switch(self, **values: Any) -> None:
        answer = self.control("PUT", "/settings", values)
        assert answer.status == 200, answer.raw

    def fault(self, **values: Any) -> None:
        answer = self.control("POST", "/faults", [values])
        assert answer.status == 200, answer.raw

    def act(self, name: str, key: str, **values: Any) -> Any:
        answer = self.control("POST", "/act", {"act": name, "id": key} | values)
        assert answer.status == 200, answer.raw
        return answer.json

    def log(self) -> list[Any]:
        raw = self.control("GET", "/requests").raw.decode()
        return [json.loads(line) for line in raw.splitlines()]

    # --- OAuth2

    def consent(self, scope: str = SCOPES, **more: str) -> dict[str, str]:
        """What the person's browser brings back to the app."""
        answer = self.send(
            "GET", "/identity/connect/authorize", prefix="", response_type="code",
            client_id=self.api.credentials.client_id, redirect_uri=BACK, scope=scope, state="s1",
            **more,
        )  # fmt: skip
        assert answer.status == 302, answer.raw
        return dict(parse_qsl(urlsplit(answer.headers["location"]).query))

    def token(self, **form: str) -> Answer:
        mine = self.api.credentials
        filled = {"client_id": mine.client_id, "client_secret": mine.client_secret} | form
        return self.send("POST", "/connect/token", raw=urlencode(filled).encode(), prefix="")

    def granted(self, scope: str = SCOPES) -> Any:
        code = self.consent(scope)["code"]
        answer = self.token(grant_type="authorization_code", code=code, redirect_uri=BACK)
        assert answer.status == 200, answer.raw
        return answer.json

    def log_in(self, scope: str = SCOPES) -> Any:
        """From here on the desk is the app, and no longer the person with the standing token."""
        granted = self.granted(scope)
        self.headers["authorization"] = f"Bearer {granted['access_token']}"
        return granted

    # --- the story's records

    def contact(self, name: str = "Ingram Micro") -> str:
        (found,) = self.all("Contacts", where=f'Name=="{name}"')
        return str(found["ContactID"])

    def bill(self, *lines: dict[str, Any], **more: Any) -> dict[str, Any]:
        """The body of a bill; None leaves a field out."""
        body = {
            "Type": "ACCPAY",
            "Contact": {"ContactID": self.contact()},
            "Date": "2026-11-19",
            "DueDate": "2026-12-19",
            "InvoiceNumber": "S-1",
            "LineItems": list(lines) or [MONITOR],
        } | more
        return {name: value for name, value in body.items() if value is not None}

    def sale(self, *lines: dict[str, Any], **more: Any) -> dict[str, Any]:
        """The body of a sales invoice."""
        body = {
            "Type": "ACCREC",
            "Contact": {"ContactID": self.contact("Contoso Ltd")},
            "Date": "2026-11-19",
            "DueDate": "2026-12-19",
            "LineItems": list(lines) or [MONITOR | {"AccountCode": "200", "UnitAmount": 239}],
        } | more
        return {name: value for name, value in body.items() if value is not None}

    def order(self, *lines: dict[str, Any], **more: Any) -> dict[str, Any]:
        """The body of a purchase order."""
        body = {
            "Contact": {"ContactID": self.contact()},
            "Date": "2026-11-19",
            "LineItems": list(lines) or [MONITOR],
        } | more
        return {name: value for name, value in body.items() if value is not None}


MONITOR = {
    "Description": "Dell P2425H",
    "Quantity": 4,
    "UnitAmount": 180.55,
    "AccountCode": "300",
}
