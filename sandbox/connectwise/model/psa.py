"""The whole simulated company behind one object: what the wire, the acts and simulations use.

Owns the wiring of world, engine, renderer and compilers. Pure: clock and identifiers come in.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

from sandbox.connectwise.model.acts import perform
from sandbox.connectwise.model.engine import Engine
from sandbox.connectwise.model.query import Compiler
from sandbox.connectwise.model.render import PATHS, VIEWS, Renderer
from sandbox.connectwise.model.resources import RESOURCES
from sandbox.connectwise.model.rules import RULES
from sandbox.connectwise.model.seed import PERSON, sow
from sandbox.connectwise.model.store import Row, Store, View
from sandbox.connectwise.model.switches import Switches
from sandbox.connectwise.model.world import World


class ConnectWise:
    """One company's ConnectWise. `base_url` is shown in references; set it once it is known. `first`:
    what it starts with; the usual records by default."""

    def __init__(
        self,
        *,
        now: Callable[[], datetime],
        new_guid: Callable[[], str],
        company: str = "training",
        api_member: str = "integration",
        base_url: str = "http://localhost/v4_6_release/apis/3.0",
        first: Store | None = None,
    ) -> None:
        self.company = company
        self.base_url = base_url
        self.world = World(now=now, new_guid=new_guid, api_member=api_member)
        self.engine = Engine(self.world)
        for resource in RESOURCES.values():
            PATHS[resource.table] = resource.path
            if resource.stored_in and resource.only:
                VIEWS[resource.stored_in] = resource
        computed = {
            table: partial(rules.computed, self.world)
            for table, rules in RULES.items()
            if rules.computed is not None
        }
        self.renderer = Renderer(computed, lambda: self.base_url)
        self.compilers = {
            table: Compiler(resource, self.renderer.value) for table, resource in RESOURCES.items()
        }
        if first is None:
            sow(self.world, self.engine)
        else:
            self.world.store = first

    def reset(self, keep_callbacks: bool = True) -> None:
        """Back to the first records and switches. Callback registrations may outlive it."""
        kept = list(self.world.store.rows("callback")) if keep_callbacks else []
        self.world.switches = Switches()
        self.world.clear()
        sow(self.world, self.engine)
        with self.world.write("system", first=True):
            for row in kept:
                self.world.store.put("callback", row["id"], row)

    def view(self, seconds_ago: float = 0.0) -> View:
        """What a read sees: the state now, or as it was that long ago or the read lag ago."""
        lag = max(seconds_ago, self.world.switches.read_lag_ms / 1000)
        return self.world.store.as_of(self.world.moment() - lag) if lag else self.world.store

    def show(self, table: str, row: Row, view: View | None = None) -> dict[str, Any]:
        """A record as the wire shows it, now by default."""
        return self.renderer.record(view or self.world.store, RESOURCES[table], row)

    def act(self, body: Any) -> dict[str, Any] | None:
        """What a person does. Raises `Refusal`. Gives the record it made or changed."""
        with self.world.write(PERSON):
            table, row = perform(self.engine, body)
        return None if row is None else self.show(table, self.world.row(table, row["id"]))
