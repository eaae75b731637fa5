"""The simulator's own paths under `/_sandbox`: the log, reset, switches, faults, acts.

For tests and demonstrations; no vendor has them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sandbox.kit.wire import Reply, Request, Unusable, json_reply, to_json
from sandbox.quickbooks.model.books import shown_row
from sandbox.quickbooks.model.errors import Fault

if TYPE_CHECKING:
    from sandbox.quickbooks.http.api import Api


class Control:
    """Answers the control paths of one site."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.deliveries: Callable[[], list[dict[str, Any]]] = list
        self._paths: dict[str, dict[str, Callable[[Request], Reply]]] = {
            "requests": {"GET": self._requests},
            "reset": {"POST": self._reset},
            "settings": {"GET": self._settings, "PUT": self._change_settings},
            "faults": {
                "GET": self._faults,
                "POST": self._add_faults,
                "DELETE": self._clear_faults,
            },
            "act": {"POST": self._act},
            "webhooks": {"GET": self._webhooks},
        }

    def answer(self, request: Request) -> Reply:
        name = request.path.removeprefix("/_sandbox").strip("/")
        methods = self._paths.get(name)
        if methods is None:
            return _problem(404, f"there is no {name}; there are: {', '.join(self._paths)}")
        handler = methods.get(request.method)
        if handler is None:
            return _problem(405, f"{name} answers {', '.join(methods)}")
        try:
            return handler(request)
        except ValueError as error:
            return _problem(400, str(error))

    @staticmethod
    def _body(request: Request) -> Any:
        if not request.body:
            return {}
        try:
            return json.loads(request.body, parse_float=Decimal)
        except ValueError:
            raise Unusable("the body is not valid JSON") from None

    def _requests(self, request: Request) -> Reply:
        after = int(request.parameters.get("after", 0))
        lines = [entry.line() for entry in self.api.log.after(after)]
        body = b"\n".join(lines) + (b"\n" if lines else b"")
        return Reply(200, body, (("content-type", "application/jsonl"),))

    def _reset(self, request: Request) -> Reply:
        del request
        self.api.reset()
        return json_reply(200, {"reset": True})

    def _settings(self, request: Request) -> Reply:
        del request
        return json_reply(200, self.api.books.switches.shown())

    def _change_settings(self, request: Request) -> Reply:
        body = self._body(request)
        if not isinstance(body, dict):
            raise Unusable("settings are one JSON object")
        self.api.books.configure(body)
        return self._settings(request)

    def _faults(self, request: Request) -> Reply:
        del request
        return json_reply(200, self.api.faults.left())

    def _add_faults(self, request: Request) -> Reply:
        self.api.faults.add(shown_row(self._body(request)))
        return self._faults(request)

    def _clear_faults(self, request: Request) -> Reply:
        self.api.faults.clear()
        return self._faults(request)

    def _act(self, request: Request) -> Reply:
        """Logged with the method ACT, so that a reader of the log sees the person's part."""
        body = self._body(request)
        self.api.books.world.touched = []
        reply = self._acted(body)
        self.api.log.add(
            self.api.books.world.now(),
            "ACT",
            "/_sandbox/act",
            {},
            to_json(shown_row(body)),
            reply.status,
            reply.body,
            "person",
            changed=self.api.touched(),
        )
        return reply

    def _acted(self, body: Any) -> Reply:
        act = body.get("act") if isinstance(body, dict) else None
        if act == "expire_access":
            self.api.sign_in.expire_access()
            return json_reply(200, {})
        if act == "disconnect":
            self.api.sign_in.disconnect()
            return json_reply(200, {})
        try:
            return json_reply(200, shown_row(self.api.books.act(body)))
        except Fault as fault:
            return json_reply(fault.status, {"Fault": fault.body()})

    def _webhooks(self, request: Request) -> Reply:
        """What was sent to the webhook address, with every try."""
        del request
        return json_reply(200, self.deliveries())


def _problem(status: int, message: str) -> Reply:
    return json_reply(status, {"error": message})
