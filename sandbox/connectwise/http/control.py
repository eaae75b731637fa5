"""The ConnectWise simulator's own paths under `/_sandbox`: what each has, and its tables and callbacks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from sandbox.connectwise.model.errors import Refusal
from sandbox.kit import control
from sandbox.kit.wire import Reply, Request, json_reply, to_json

if TYPE_CHECKING:
    from sandbox.connectwise.http.api import Api


class Control(control.Control):
    """Answers the control paths of one site."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.deliveries: Callable[[], list[dict[str, Any]]] = list
        more = {"first": {"GET": self._first}, "callbacks": {"GET": self._callbacks}}
        super().__init__(api.log, api.faults, more)

    def _first(self, request: Request) -> Reply:
        """The rows of every table before the log's first entry. With what each entry says it
        changed, a reader knows the state at every moment."""
        return Reply(200, to_json(self.api.first), (("content-type", "application/json"),))

    def reset(self, told: Any) -> None:
        """Callback registrations are an integration's, so they stay unless told to go."""
        drop = isinstance(told, dict) and told.get("callbacks") == "drop"
        self.api.reset(keep_callbacks=not drop)

    def switches(self) -> Mapping[str, Any]:
        return self.api.psa.world.switches.shown()

    def change(self, switches: dict[str, Any]) -> None:
        world = self.api.psa.world
        world.switches = world.switches.merged(switches)

    def act(self, request: Request) -> Reply:
        """Logged with the method ACT, so that a reader of the log sees the person's part."""
        body = self.body(request)
        psa = self.api.psa
        psa.world.touched = []
        try:
            record = psa.act(body)
            reply = json_reply(200, record)
        except Refusal as refusal:
            reply = json_reply(refusal.status, refusal.body())
        self.api.log.add(
            psa.world.now(), "ACT", "/_sandbox/act", {}, to_json(body), reply.status,
            reply.body, "person", changed=tuple(psa.world.touched),
        )  # fmt: skip
        return reply

    def _callbacks(self, request: Request) -> Reply:
        """What was sent to callback URLs, with every try."""
        return json_reply(200, self.deliveries())
