"""The QuickBooks simulator's own paths under `/_sandbox`: what each has, and its webhooks."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sandbox.kit import control
from sandbox.kit.wire import Reply, Request, Unusable, json_reply, to_json
from sandbox.quickbooks.model.books import shown_row
from sandbox.quickbooks.model.errors import Fault

if TYPE_CHECKING:
    from sandbox.quickbooks.http.api import Api


class Control(control.Control):
    """Answers the control paths of one site."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.deliveries: Callable[[], list[dict[str, Any]]] = list
        super().__init__(api.log, api.faults, {"webhooks": {"GET": self._webhooks}})

    def reset(self, told: Any) -> None:
        del told
        self.api.reset()

    def switches(self) -> Mapping[str, Any]:
        return self.api.books.switches.shown()

    def change(self, switches: dict[str, Any]) -> None:
        self.api.books.configure(switches)

    def act(self, request: Request) -> Reply:
        """Logged with the method ACT, so that a reader of the log sees the person's part."""
        body = _with_decimals(request)
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


def _with_decimals(request: Request) -> Any:
    """What is done in the books has amounts."""
    try:
        return json.loads(request.body, parse_float=Decimal) if request.body else {}
    except ValueError:
        raise Unusable("the body is not valid JSON") from None
