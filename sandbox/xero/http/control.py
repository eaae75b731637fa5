"""The simulator's own paths under `/_sandbox`: the log, reset, switches, faults, acts, webhooks.

For tests and demonstrations; no vendor has them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sandbox.kit.wire import Reply, Request, Unusable, json_reply
from sandbox.xero.model.acts import PERSON, act
from sandbox.xero.model.errors import Invalid, Refusal
from sandbox.xero.model.values import from_json, to_json

if TYPE_CHECKING:
    from sandbox.xero.http.api import Api


def problem(status: int, message: str) -> Reply:
    return json_reply(status, {"error": message})


class Control:
    """Answers the control paths of one site."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.subscribe: Callable[[str, str], None] = lambda url, key: None
        self.webhook: Callable[[], dict[str, Any]] = dict
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
            "webhook": {"GET": self._webhook, "PUT": self._subscribe},
            "deliveries": {"GET": self._deliveries},
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
        """The records before the log's first entry. With what each entry says it changed, a reader
        knows the state at every moment."""
        return Reply(200, to_json(self.api.first), (("content-type", "application/json"),))

    def _reset(self, request: Request) -> Reply:
        """Grants and connections are an integration's, so they stay unless told to go."""
        body = self._body(request)
        drop = isinstance(body, dict) and body.get("grants") == "drop"
        self.api.reset(keep_grants=not drop)
        return json_reply(200, {"reset": True})

    def _settings(self, request: Request) -> Reply:
        return json_reply(200, self.api.books.switches.shown())

    def _change_settings(self, request: Request) -> Reply:
        body = self._body(request)
        if not isinstance(body, dict):
            raise Unusable("settings are one JSON object")
        books = self.api.books
        books.switches = books.switches.merged(body)
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
        books = self.api.books
        books.touched = []
        try:
            shown = self._acted(from_json(request.body or b"{}"))
            reply = Reply(200, to_json(shown), (("content-type", "application/json"),))
        except Invalid as invalid:
            reply = problem(400, "; ".join(invalid.messages))
        except Refusal as refusal:
            reply = problem(refusal.status, str(refusal.body))
        self.api.log.add(
            books.now(), "ACT", "/_sandbox/act", {}, request.body, reply.status, reply.body, PERSON,
            is_json=True, client=PERSON, changed=self.api.changed(books.touched),
        )  # fmt: skip
        return reply

    def _acted(self, body: Any) -> Any:
        """Acts in the books, and those on the consent: `disconnect` takes the organisation away
        from the app, `expire_access` ends its access tokens before their time."""
        name = body.get("act") if isinstance(body, dict) else None
        if name == "disconnect":
            self.api.grants.connections.clear()
            return {"act": name}
        if name == "expire_access":
            self.api.grants.access.clear()
            return {"act": name}
        table, row = act(self.api.books, body)
        return self.api.shown(table, row)

    def _webhook(self, request: Request) -> Reply:
        return json_reply(200, self.webhook())

    def _subscribe(self, request: Request) -> Reply:
        """`url` and `key` of the app's webhook, as a developer sets them on Xero's pages. The
        intent to receive is asked for at once."""
        body = self._body(request)
        if not isinstance(body, dict) or not isinstance(body.get("url"), str):
            raise Unusable("a webhook has a url and a key")
        if not isinstance(body.get("key"), str) or not body["key"]:
            raise Unusable("a webhook has a url and a key")
        self.subscribe(body["url"], body["key"])
        return self._webhook(request)

    def _deliveries(self, request: Request) -> Reply:
        """What was sent to the webhook's address, with every try."""
        return json_reply(200, self.deliveries())
