"""The Xero simulator's own paths under `/_sandbox`: what each has, its records, and the app's webhook."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from sandbox.kit import control
from sandbox.kit.control import problem
from sandbox.kit.wire import Reply, Request, Unusable, json_reply
from sandbox.xero.model.acts import PERSON, act
from sandbox.xero.model.errors import Invalid, Refusal
from sandbox.xero.model.values import from_json, to_json

if TYPE_CHECKING:
    from sandbox.xero.http.api import Api


class Control(control.Control):
    """Answers the control paths of one site."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.subscribe: Callable[[str, str], None] = lambda url, key: None
        self.webhook: Callable[[], dict[str, Any]] = dict
        self.deliveries: Callable[[], list[dict[str, Any]]] = list
        more = {
            "first": {"GET": self._first},
            "webhook": {"GET": self._webhook, "PUT": self._subscribe},
            "deliveries": {"GET": self._deliveries},
        }
        super().__init__(api.log, api.faults, more)

    def _first(self, request: Request) -> Reply:
        """The records before the log's first entry. With what each entry says it changed, a reader
        knows the state at every moment."""
        return Reply(200, to_json(self.api.first), (("content-type", "application/json"),))

    def reset(self, told: Any) -> None:
        """Grants and connections are an integration's, so they stay unless told to go."""
        drop = isinstance(told, dict) and told.get("grants") == "drop"
        self.api.reset(keep_grants=not drop)

    def switches(self) -> Mapping[str, Any]:
        return self.api.books.switches.shown()

    def change(self, switches: dict[str, Any]) -> None:
        books = self.api.books
        books.switches = books.switches.merged(switches)

    def act(self, request: Request) -> Reply:
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
        body = self.body(request)
        if not isinstance(body, dict) or not isinstance(body.get("url"), str):
            raise Unusable("a webhook has a url and a key")
        if not isinstance(body.get("key"), str) or not body["key"]:
            raise Unusable("a webhook has a url and a key")
        self.subscribe(body["url"], body["key"])
        return self._webhook(request)

    def _deliveries(self, request: Request) -> Reply:
        """What was sent to the webhook's address, with every try."""
        return json_reply(200, self.deliveries())
