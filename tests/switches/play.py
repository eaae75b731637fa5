"""A row of the switch table under way: telling, looking, and what people do meanwhile.

Owns the service's intake and admin interface and the sandbox's control as stories see them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.e2e.harness import Rest, Stack, bearer
from tests.e2e.orders import Json, Order
from tests.switches.table import Row


@dataclass
class Play:
    """A row under way."""

    stack: Stack
    row: Row
    order: Order = field(default_factory=Order)
    other: Order = field(default_factory=lambda: Order(id=1202))  # where a story has two

    async def tell(self, *events: Json) -> None:
        for event in events:
            assert (await self.stack.deliver(event))["status"] == 202

    async def person(self, method: str, path: str, body: Any = None) -> Any:
        """What somebody else does in ConnectWise."""
        answer = await self.stack.cw.request(method, path, json=body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    async def switch(self, **values: Any) -> None:
        await self.stack.control("settings", values, "PUT")

    async def decide(self, held: Rest, choice: str = "look_again") -> None:
        """What a person chooses; by default that the cause is corrected."""
        answer = held["answer"]
        assert choice in answer["choices"]
        stuck = next(step for step in held["steps"] if step["code"] == answer["code"])
        body = {
            "code": answer["code"],
            "choice": choice,
            "subject": stuck["subject"],
            "reason": "looked at it in ConnectWise",
        }
        told = await self.stack.client.post(
            f"/admin/orders/{self.order.number}/decide", json=body, headers=bearer()
        )
        assert told.status_code == 200, told.text

    async def purchase_orders_stand(self) -> bool:
        lines = [
            line
            for po in await self.stack.get("/procurement/purchaseorders")
            for line in await self.lines(po["poNumber"])
        ]
        return bool(lines) and all(line["salesOrder"] for line in lines)

    async def lines(self, number: str) -> list[Rest]:
        (found,) = [
            po
            for po in await self.stack.get("/procurement/purchaseorders")
            if po["poNumber"] == number
        ]
        rows: list[Rest] = await self.stack.get(
            f"/procurement/purchaseorders/{found['id']}/lineitems"
        )
        return rows

    async def callbacks(self, kind: str) -> list[Rest]:
        """What ConnectWise sent, or tries to send, about records of a kind."""
        answer = await self.stack.cw.get(f"{self.stack.sandbox.control_url}/callbacks")
        return [delivery for delivery in answer.json() if delivery["payload"]["Type"] == kind]

    async def writes(self, touched: str, path: str = "") -> list[dict[str, list[Rest]]]:
        """For each write that made or changed rows of a table: its rows, by table."""
        found: list[dict[str, list[Rest]]] = []
        for entry in await self.stack.requests():
            rows: dict[str, list[Rest]] = {}
            for change in entry.get("changed") or ():
                if change["row"] is not None:
                    rows.setdefault(change["table"], []).append(change["row"])
            if touched in rows and path in entry["path"]:
                found.append(rows)
        return found


def is_of_the_service(play: Play, entry: Rest) -> bool:
    return bool(entry["client"] == play.stack.sandbox.credentials.headers["clientId"])
