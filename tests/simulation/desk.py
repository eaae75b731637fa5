"""ConnectWise as a person or an auditor reads it, in process: what `tests.e2e` reads over HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from tests.simulation.world import World


@dataclass(frozen=True)
class _Answer:
    body: Any
    status_code: int = 201
    text: str = ""

    def json(self) -> Any:
        return self.body

    def raise_for_status(self) -> None:
        """A person's request is carried out, or the run ends."""


@dataclass(frozen=True)
class _Wire:
    world: World

    async def post(self, path: str, json: Any) -> _Answer:
        return _Answer(self.world.ask("POST", path, json))


@dataclass(frozen=True)
class Desk:
    """Stands in for tests.e2e.harness.Stack where only ConnectWise is read or set up."""

    world: World

    @property
    def cw(self) -> _Wire:
        return _Wire(self.world)

    async def get(self, path: str, **params: Any) -> Any:
        return self.world.ask("GET", path, query=urlencode({"pageSize": 1000, **params}))

    async def control(self, path: str, body: Any, method: str = "POST") -> Any:
        """Reads here never lag: nothing to switch."""
