"""The simulator's own paths under `/_sandbox`: the log, reset, switches, faults, acts.

For tests and demonstrations; no vendor has them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sandbox.connectwise.model.errors import Refusal
from sandbox.kit.wire import Reply, Request, Unusable, json_reply, to_json

if TYPE_CHECKING:
    from sandbox.connectwise.http.api import Api


def problem(status: int, message: str) -> Reply:
    return json_reply(status, {"error": message})


class Control:
    """Answers the control paths of one site."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.deliveries: Callable[[], list[dict[str, Any]]] = list
        self._paths: dict[str, dict[str, Callable[[Request], Reply]]] = {
            "requests": {"GET": self._requests},
            "first": {"GET": self._first},
            "reset": {"POST": self._reset},
            "settings": {"GET": self._settings, "PUT": self._change_settings},
            "faults": {
                "GET": self._faults,
                "POST": self._add_faults,
                "DELETE": self._clear_faults,
            },
            "act": {"POST": self._act},
            "callbacks": {"GET": self._callbacks},
        }

    def answer(self, request: Request) -> Reply:
        name = request.path.removeprefix("/_sandbox").strip("/")
        methods = self._paths.get(name)
        if methods is None:
            return problem(404, f"there is no {name}; there are: {', '.join(self._paths)}")
        handler = methods.get(request.method)
        if handler is None:
            return problem(405, f"{name} answers {', '.join(methods)}")
        try:
            return handler(request)
        except ValueError as error:
            return problem(400, str(error))

    @staticmethod
    def _body(request: Request) -> Any:
        if not request.body:
            return {}
        try:
            return json.loads(request.body)
        except ValueError:
            raise Unusable("the body is not valid JSON") from None

    def _requests(self, request: Request) -> Reply:
        after = int(request.parameters.get("after", 0))
        lines = [entry.line() for entry in self.api.log.after(after)]
        body = b"\n".join(lines) + (b"\n" if lines else b"")
        return Reply(200, body, (("content-type", "application/jsonl"),))

    def _first(self, request: Request) -> Reply:
        """The rows of every table before the log's first entry. With what each entry says it
        changed, a reader knows the state at every moment."""
        return Reply(200, to_json(self.api.first), (("content-type", "application/json"),))

    def _reset(self, request: Request) -> Reply:
        """Callback registrations are an integration's, so they stay unless told to go."""
        body = self._body(request)
        drop = isinstance(body, dict) and body.get("callbacks") == "drop"
        self.api.reset(keep_callbacks=not drop)
        return json_reply(200, {"reset": True})

    def _settings(self, request: Request) -> Reply:
        return json_reply(200, self.api.psa.world.switches.shown())

    def _change_settings(self, request: Request) -> Reply:
        body = self._body(request)
        if not isinstance(body, dict):
            raise Unusable("settings are one JSON object")
        world = self.api.psa.world
        world.switches = world.switches.merged(body)
        return self._settings(request)

    def _faults(self, request: Request) -> Reply:
        return json_reply(200, self.api.faults.left())

    def _add_faults(self, request: Request) -> Reply:
        self.api.faults.add(self._body(request))
        return self._faults(request)

    def _clear_faults(self, request: Request) -> Reply:
        self.api.faults.clear()
        return self._faults(request)

    def _act(self, request: Request) -> Reply:
        """Logged with the method ACT, so that a reader of the log sees the person's part."""
        body = self._body(request)
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
