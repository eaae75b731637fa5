"""The simulator's own paths under `/_sandbox`: the log, reset, switches, faults, acts, events.

For tests and demonstrations; no vendor has them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sandbox.commerce.acts import Acts
from sandbox.commerce.seed import first_records
from sandbox.commerce.switches import Switches
from sandbox.kit.wire import Reply, Request, Unusable, json_reply, to_json

if TYPE_CHECKING:
    from sandbox.commerce.api import Api
    from sandbox.commerce.webhooks import Webhooks


class Control:
    """Answers the control paths of one simulator."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.webhooks: Webhooks | None = None
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
            "events": {"GET": self._events},
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
        try:
            return json.loads(request.body) if request.body else {}
        except ValueError:
            raise Unusable("the body is not valid JSON") from None

    def _requests(self, request: Request) -> Reply:
        after = int(request.parameters.get("after", 0))
        return _lines([entry.line() for entry in self.api.log.after(after)])

    def _reset(self, request: Request) -> Reply:
        """Ids go on rising, and no change looks older than one before. Where webhooks go stays:
        it is an integration's."""
        shop = self.api.shop
        for table, rows in shop.rows.items():
            shop.next_ids[table] = shop.next_id(table)
            rows.clear()
        shop.beyond.clear()
        kept = shop.switches
        shop.switches = Switches(webhook_url=kept.webhook_url, webhook_secret=kept.webhook_secret)
        first_records(shop)
        self.api.forget()
        if self.webhooks is not None:
            self.webhooks.told.clear()
        return json_reply(200, {"reset": True})

    def _settings(self, request: Request) -> Reply:
        return json_reply(200, self.api.shop.switches.shown())

    def _change_settings(self, request: Request) -> Reply:
        body = self._body(request)
        if not isinstance(body, dict):
            raise Unusable("settings are one JSON object")
        self.api.shop.switches = self.api.shop.switches.merged(body)
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
        """The events that tell of it, which are posted as well where an address is set."""
        events = Acts(self.api.shop).act(self._body(request))
        if self.webhooks is not None:
            self.webhooks.tell(events)
        return json_reply(200, events)

    def _events(self, request: Request) -> Reply:
        """Every event, with the status of each try to post it (0: no answer)."""
        told = self.webhooks.told if self.webhooks is not None else ()
        return _lines([to_json(one.shown()) for one in told])


def _lines(lines: list[bytes]) -> Reply:
    body = b"\n".join(lines) + (b"\n" if lines else b"")
    return Reply(200, body, (("content-type", "application/jsonl"),))


def _problem(status: int, message: str) -> Reply:
    return json_reply(status, {"error": message})
