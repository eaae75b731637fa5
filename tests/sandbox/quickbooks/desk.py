"""A client of the simulated QuickBooks inside the test's process, under a clock of its own."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from sandbox.kit.wire import Reply, Request
from sandbox.quickbooks.app import QuickBooksApplication, create_app
from sandbox.quickbooks.http.oauth import AUTHORIZE, SCOPE, TOKEN, Registration

START = datetime(2026, 11, 19, 10, 0, tzinfo=UTC)
REDIRECT = "https://demandlink.example/quickbooks"


class Answer:
    def __init__(self, reply: Reply) -> None:
        self.status = reply.status
        self.dropped = reply.drop
        self.headers = dict(reply.headers)
        self.raw = reply.body

    @property
    def json(self) -> Any:
        return json.loads(self.raw)

    @property
    def codes(self) -> list[str]:
        """The codes of a fault, whatever the status and whichever way its keys are written."""
        body = self.json
        fault = body.get("Fault") or body.get("fault") or {}
        return [each["code"] for each in fault.get("Error") or fault.get("error") or []]


class Desk:
    """One simulator and somebody working with it."""

    def __init__(self) -> None:
        self.clock = START
        numbers = itertools.count(1)
        self.spawned: list[Coroutine[Any, Any, None]] = []
        self.slept: list[float] = []
        self.posted: list[tuple[str, bytes, dict[str, str]]] = []
        self.statuses: list[int] = []
        self.app: QuickBooksApplication = create_app(
            now=lambda: self.clock,
            new_guid=lambda: f"00000000-0000-4000-8000-{next(numbers):012d}",
            sleep=self._sleep,
        )
        self.registration = Registration()
        self.app.sender.spawn = self.spawned.append
        self.app.sender.post = self._post
        self.bearer = self.registration.lasting_token

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    async def _post(self, url: str, body: bytes, headers: dict[str, str]) -> int:
        self.posted.append((url, body, headers))
        return self.statuses.pop(0) if self.statuses else 200

    def pass_time(self, **how: float) -> None:
        self.clock += timedelta(**how)

    def deliver(self) -> None:
        """Runs the webhooks that were set off."""

        async def run() -> None:
            while self.spawned:
                await self.spawned.pop(0)

        asyncio.run(run())

    # --- requests

    def raw(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        headers: dict[str, str] | None = None,
        **parameters: str,
    ) -> Answer:
        request = Request(method, path, urlencode(parameters), headers or {}, body)
        wait, note = self.app.api.admit(request)
        self.slept.append(wait)
        return Answer(self.app.api.answer(request, note))

    def send(self, method: str, resource: str, body: Any = None, **parameters: str) -> Answer:
        """A request to the company's own paths."""
        content = (
            body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        )
        headers = {"authorization": f"Bearer {self.bearer}", "accept": "application/json"}
        path = f"/v3/company/{self.registration.realm}/{resource}"
        return self.raw(method, path, content, headers, **parameters)

    def post(self, entity: str, body: Any, **parameters: str) -> Any:
        answer = self.send("POST", entity.lower(), body, **parameters)
        assert answer.status == 200, answer.raw
        assert "Fault" not in answer.json, answer.raw
        return answer.json[entity]

    def refused(self, entity: str, body: Any, code: int, status: int = 400, **more: str) -> None:
        answer = self.send("POST", entity.lower(), body, **more)
        assert (answer.status, answer.codes) == (status, [str(code)]), answer.raw

    def get(self, entity: str, record_id: str) -> Any:
        answer = self.send("GET", f"{entity.lower()}/{record_id}")
        assert answer.status == 200, answer.raw
        return answer.json[entity]

    def query(self, text: str) -> Any:
        answer = self.send("GET", "query", query=text)
        assert answer.status == 200, answer.raw
        return answer.json["QueryResponse"]

    def one(self, entity: str, field: str, value: str) -> Any:
        text = f"SELECT * FROM {entity} WHERE {field} = '{value}'"  # noqa: S608 - not SQL
        (found,) = self.query(text)[entity]
        return found

    def control(self, method: str, path: str, body: Any = None) -> Answer:
        return self.raw(
            method, f"/_sandbox{path}", json.dumps(body).encode() if body is not None else b""
        )

    def switch(self, **values: Any) -> None:
        answer = self.control("PUT", "/settings", values)
        assert answer.status == 200, answer.raw

    def fault(self, **values: Any) -> None:
        answer = self.control("POST", "/faults", [values])
        assert answer.status == 200, answer.raw

    def act(self, name: str, record_id: str = "", status: int = 200, **values: Any) -> Any:
        answer = self.control("POST", "/act", {"act": name, "id": record_id} | values)
        assert answer.status == status, answer.raw
        return answer.json

    def log(self) -> list[Any]:
        raw = self.control("GET", "/requests").raw.decode()
        return [json.loads(line) for line in raw.splitlines()]

    # --- signing in

    def consent(self, state: str = "s1") -> dict[str, str]:
        """What the callback brings."""
        answer = self.raw(
            "GET",
            AUTHORIZE,
            client_id=self.registration.client_id,
            response_type="code",
            scope=SCOPE,
            redirect_uri=REDIRECT,
            state=state,
        )
        assert answer.status == 302, answer.raw
        return {
            name: value[0]
            for name, value in parse_qs(urlsplit(answer.headers["location"]).query).items()
        }

    def token(self, *, secret: str | None = None, hard: bool = False, **form: str) -> Answer:
        login = f"{self.registration.client_id}:{secret or self.registration.client_secret}"
        headers = {"authorization": "Basic " + base64.b64encode(login.encode()).decode()}
        if hard:
            headers["x-include-refresh-token-hard-expires-in"] = "true"
        return self.raw("POST", TOKEN, urlencode(form).encode(), headers)

    def by_code(self, code: str, **more: Any) -> Answer:
        return self.token(grant_type="authorization_code", code=code, redirect_uri=REDIRECT, **more)

    def refresh(self, token: str, **more: Any) -> Answer:
        return self.token(grant_type="refresh_token", refresh_token=token, **more)

    # --- the story's records

    @property
    def vendor(self) -> dict[str, str]:
        return {"value": self.one("Vendor", "DisplayName", "Ingram Micro")["Id"]}

    @property
    def customer(self) -> dict[str, str]:
        return {"value": self.one("Customer", "DisplayName", "Contoso Ltd")["Id"]}

    @property
    def hardware(self) -> dict[str, str]:
        return {"value": self.one("Item", "Name", "Hardware")["Id"]}

    @property
    def payable(self) -> dict[str, str]:
        return {"value": self.one("Account", "AccountType", "Accounts Payable")["Id"]}

    def bought(self, quantity: int, price: float = 180.55, **more: Any) -> dict[str, Any]:
        """A line of a purchase."""
        detail = {"ItemRef": self.hardware, "Qty": quantity, "UnitPrice": price}
        return {
            "DetailType": "ItemBasedExpenseLineDetail",
            "Amount": round(quantity * price, 2),
            "ItemBasedExpenseLineDetail": detail | more.pop("detail", {}),
        } | more

    def sold(self, quantity: int, price: float = 239.0, **detail: Any) -> dict[str, Any]:
        return {
            "DetailType": "SalesItemLineDetail",
            "Amount": round(quantity * price, 2),
            "SalesItemLineDetail": {"ItemRef": self.hardware, "Qty": quantity, "UnitPrice": price}
            | detail,
        }

    def order(self, *quantities: int, **more: Any) -> Any:
        """A purchase order with a line for each quantity."""
        lines = [self.bought(each) for each in quantities]
        body = {"VendorRef": self.vendor, "APAccountRef": self.payable, "Line": lines}
        return self.post("PurchaseOrder", body | more)

    def bill_of(self, order: Any, *quantities: int, **more: Any) -> Any:
        """A bill for that much of each line of a purchase order, linked to it."""
        lines = [
            self.bought(
                quantity,
                LinkedTxn=[
                    {"TxnId": order["Id"], "TxnType": "PurchaseOrder", "TxnLineId": line["Id"]}
                ],
            )
            for line, quantity in zip(order["Line"], quantities, strict=True)
            if quantity
        ]
        body = {
            "VendorRef": self.vendor,
            "LinkedTxn": [{"TxnId": order["Id"], "TxnType": "PurchaseOrder"}],
            "Line": lines,
        }
        return self.post("Bill", body | more)

    def bill(self, quantity: int = 1, **more: Any) -> Any:
        return self.post("Bill", {"VendorRef": self.vendor, "Line": [self.bought(quantity)]} | more)

    def invoice(self, quantity: int = 1, **more: Any) -> Any:
        body = {"CustomerRef": self.customer, "Line": [self.sold(quantity)]}
        return self.post("Invoice", body | more)
