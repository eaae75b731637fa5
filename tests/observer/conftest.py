"""A good history to plant faults in: one order, told and done, as log, rows and events."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import pytest

from sandbox.observer import Case, Finding, judge
from tests.e2e.harness import running
from tests.e2e.orders import DOCK, INSTALL, MONITOR, MONITOR_BIG, SYNNEX, Order

Json = dict[str, Any]
_kept: dict[str, Case] = {}


@dataclass
class History:
    """A case that a test may change, with finders for its entries."""

    case: Case

    @property
    def log(self) -> list[Json]:
        return self.case.log  # type: ignore[return-value] # made of dictionaries by the fixture

    def index(self, method: str, path: str, last: bool = False, **patched: Any) -> int:
        """Where the service's write of this path stands that names all of `patched`."""
        found = [
            number
            for number, entry in enumerate(self.log)
            if entry["method"] == method
            and entry["path"].startswith(path)
            and entry.get("client") == self.case.service
            and all(name in str(entry["body"]) for name in patched)
        ]
        return found[-1 if last else 0]

    def move(self, source: int, target: int) -> None:
        self.log.insert(target, self.log.pop(source))

    def insert(self, at: int, method: str, path: str, *rows: tuple[str, Json]) -> None:
        """A write of the service that made or changed these rows."""
        self.log.insert(
            at,
            {
                **self.log[at],
                "method": method,
                "path": path,
                "status": 200,
                "changed": [{"table": t, "id": row["id"], "row": row} for t, row in rows],
            },
        )

    def rows(self, table: str) -> list[Json]:
        """The rows of a table as they stand in the end."""
        found: dict[int, Json | None] = {row["id"]: dict(row) for row in self.case.first[table]}
        for entry in self.log:
            for change in entry.get("changed") or ():
                if change["table"] == table:
                    found[change["id"]] = change["row"]
        return [dict(row) for row in found.values() if row is not None]

    def marked(self, mark: str) -> list[Json]:
        return [row for row in self.rows("product") if row.get("integrationXRef") == mark]

    def findings(self) -> list[Finding]:
        return judge(self.case)

    def rules(self) -> set[str]:
        return {finding.rule for finding in self.findings()}


@pytest.fixture
async def history(database_url: str, redis_url: str) -> History:
    """An order of two suppliers, with options, a part and its rest, invoiced by the service."""
    if "good" not in _kept:
        order = Order(lines=[(MONITOR, 10), (DOCK, 3), (INSTALL, 1)], not_chosen=(MONITOR_BIG,))
        async with running(database_url, redis_url, invoice_action="create_invoice") as stack:
            for event in (
                order.quote(),
                order.approved(),
                order.ordered(8891, [(MONITOR, 10)]),
                order.ordered(8892, [(DOCK, 3)], SYNNEX),
                order.receipted(8891, {1: 4}),
                order.receipted(8892),
                order.receipted(8891),
            ):
                await stack.deliver(event)
            await stack.until_state(order.number, "done")
            first = (await stack.cw.get(f"{stack.sandbox.control_url}/first")).json()
            log = await stack.requests()
            service = stack.sandbox.credentials.headers["clientId"]
            _kept["good"] = Case(list(stack.accepted), log, first, service)
    return History(copy.deepcopy(_kept["good"]))
