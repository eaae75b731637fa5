"""A client of the simulated ConnectWise inside the test's process, under a clock of its own.

Speaks through the wire's pure functions, so a test of a thousand requests takes no sockets and a
lag of an hour takes no time.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from sandbox.connectwise.app import CODEBASE, ConnectWiseApplication, create_app
from sandbox.kit.faults import Fault
from sandbox.kit.wire import Reply, Request

START = datetime(2026, 11, 19, 10, 0, tzinfo=UTC)


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
    def links(self) -> dict[str, str]:
        """The addresses of the Link header by relation."""
        found = {}
        for part in self.headers.get("link", "").split(", "):
            if part:
                address, _, relation = part.partition(">; ")
                found[relation.split('"')[1]] = address[1:]
        return found

    @property
    def messages(self) -> str:
        """Every sentence of an error body."""
        body = self.json
        return " | ".join([body["message"], *(each["message"] for each in body.get("errors", []))])

    @property
    def codes(self) -> list[tuple[str, str]]:
        return [(each["code"], each["field"]) for each in self.json.get("errors", [])]


class Desk:
    """One simulator and somebody working with it."""

    def __init__(self) -> None:
        self.clock = START
        numbers = itertools.count(1)
        self.spawned: list[Coroutine[Any, Any, None]] = []
        self.slept: list[float] = []
        self.app: ConnectWiseApplication = create_app(
            now=lambda: self.clock,
            new_guid=lambda: f"00000000-0000-4000-8000-{next(numbers):012d}",
            sleep=self._sleep,
        )
        self.api = self.app.api
        self.psa = self.app.psa
        self.app.sender.spawn = self.spawned.append
        self.headers = {name.lower(): value for name, value in self.api.credentials.headers.items()}

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    def pass_time(self, seconds: float) -> None:
        self.clock += timedelta(seconds=seconds)

    def deliver(self) -> None:
        """Runs the callbacks that were set off."""

        async def run() -> None:
            while self.spawned:
                await self.spawned.pop(0)

        asyncio.run(run())

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: dict[str, str] | None = None,
        raw: bytes | None = None,
        prefix: str = f"/{CODEBASE}/apis/3.0",
        **parameters: Any,
    ) -> Answer:
        query = "&".join(f"{name}={quote(str(value))}" for name, value in parameters.items())
        sent = self.headers | {"content-type": "application/json"} | (headers or {})
        content = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        request = Request(method, prefix + path, query, sent, content)
        wait, note = self.api.admit(request)
        assert note is None or isinstance(note, Fault)
        self.slept.append(wait)
        return Answer(self.api.answer(request, note))

    # --- with the status that is expected

    def get(self, path: str, **parameters: Any) -> Any:
        answer = self.send("GET", path, **parameters)
        assert answer.status == 200, answer.raw
        return answer.json

    def one(self, path: str, conditions: str) -> Any:
        found = self.get(path, conditions=conditions)
        assert len(found) == 1, found
        return found[0]

    def post(self, path: str, body: Any = None, status: int = 201) -> Any:
        answer = self.send("POST", path, {} if body is None else body)
        assert answer.status == status, answer.raw
        return answer.json

    def patch(self, path: str, **values: Any) -> Any:
        answer = self.try_patch(path, **values)
        assert answer.status == 200, answer.raw
        return answer.json

    def try_patch(self, path: str, **values: Any) -> Answer:
        operations = [
            {"op": "replace", "path": name, "value": value} for name, value in values.items()
        ]
        return self.send("PATCH", path, operations)

    def refused(self, method: str, path: str, body: Any, status: int = 400) -> Answer:
        answer = self.send(method, path, body)
        assert answer.status == status, (answer.status, answer.raw)
        return answer

    def control(self, method: str, path: str, body: Any = None) -> Answer:
        return self.send(method, path, body, prefix="/_sandbox")

    def switch(self, **values: Any) -> None:
        answer = self.control("PUT", "/settings", values)
        assert answer.status == 200, answer.raw

    def fault(self, **values: Any) -> None:
        answer = self.control("POST", "/faults", [values])
        assert answer.status == 200, answer.raw

    def act(self, name: str, number: int, status: int = 200, **values: Any) -> Any:
        answer = self.control("POST", "/act", {"act": name, "id": number} | values)
        assert answer.status == status, answer.raw
        return answer.json

    def log(self) -> list[Any]:
        raw = self.control("GET", "/requests").raw.decode()
        return [json.loads(line) for line in raw.splitlines()]

    # --- the story's records

    def vendor(self, identifier: str = "INGRAM") -> int:
        return int(self.one("/company/companies", f'identifier="{identifier}"')["id"])

    def win(self, opportunity: int = 88) -> None:
        status = self.one("/sales/opportunities/statuses", "wonFlag=True")
        self.patch(f"/sales/opportunities/{opportunity}", status={"id": status["id"]})

    def convert(self, opportunity: int = 88, **body: Any) -> Any:
        return self.post(f"/sales/opportunities/{opportunity}/convertToSalesOrder", body)

    def products(self, **parent: int) -> dict[str, Any]:
        """The products of an opportunity or sales order by their catalog identifier."""
        ((field, number),) = parent.items()
        found = self.get("/procurement/products", conditions=f"{field}/id={number}", pageSize=1000)
        return {product["catalogItem"]["identifier"]: product for product in found}

    def demand(self, *wanted: tuple[int, int], vendor: str = "INGRAM", **more: Any) -> Any:
        """Posts purchasing demand of (product, quantity); gives the purchase order."""
        body = {
            "vendor": {"id": self.vendor(vendor)},
            "products": [
                {"productRecId": number, "quantity": quantity, "cost": 1.0}
                for number, quantity in wanted
            ],
        } | more
        return self.post("/procurement/purchasingDemands", body)["purchaseOrder"]

    def lines(self, order: int) -> list[Any]:
        found: list[Any] = self.get(f"/procurement/purchaseorders/{order}/lineitems")
        return found

    def receive(self, line: Any, quantity: int, status: str = "FullyReceived") -> Answer:
        serials = ",".join(f"SN-{line['id']}-{number}" for number in range(quantity))
        return self.try_patch(
            f"/procurement/purchaseorders/{line['purchaseOrderId']}/lineitems/{line['id']}",
            receivedQuantity=quantity,
            receivedStatus=status,
            serialNumbers=serials,
        )

    def plain_product(
        self, identifier: str, *, order: int | None = None, kind: str = "Inventory", **more: Any
    ) -> Any:
        """A product of a new, unserialized catalog item on a sales order."""
        self.post(
            "/procurement/catalog",
            {
                "identifier": identifier,
                "description": identifier,
                "customerDescription": identifier,
                "type": {"name": "Hardware"},
                "subcategory": {"name": "Hardware"},
                "productClass": kind,
                "cost": 5,
                "price": 8,
            },
        )
        body = {"catalogItem": {"identifier": identifier}, "billableOption": "Billable"} | more
        if order is not None:
            body["salesOrder"] = {"id": order}
        return self.post("/procurement/products", body)
