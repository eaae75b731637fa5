"""The Commerce simulator's own paths under `/_sandbox`: what each has, and the events that it told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sandbox.commerce.acts import Acts
from sandbox.commerce.seed import first_records
from sandbox.commerce.switches import Switches
from sandbox.kit import control
from sandbox.kit.wire import Reply, Request, json_reply, to_json

if TYPE_CHECKING:
    from sandbox.commerce.api import Api
    from sandbox.commerce.webhooks import Webhooks


class Control(control.Control):
    """Answers the control paths of one simulator."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.webhooks: Webhooks | None = None
        super().__init__(api.log, api.faults, {"events": {"GET": self._events}})

    def reset(self, told: Any) -> None:
        """Ids go on rising, and no change looks older than one before. Where webhooks go stays:
        it is an integration's."""
        del told
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

    def switches(self) -> Mapping[str, Any]:
        return self.api.shop.switches.shown()

    def change(self, switches: dict[str, Any]) -> None:
        self.api.shop.switches = self.api.shop.switches.merged(switches)

    def act(self, request: Request) -> Reply:
        """The events that tell of it, which are posted as well where an address is set."""
        events = Acts(self.api.shop).act(self.body(request))
        if self.webhooks is not None:
            self.webhooks.tell(events)
        return json_reply(200, events)

    def _events(self, request: Request) -> Reply:
        """Every event, with the status of each try to post it (0: no answer)."""
        told = self.webhooks.told if self.webhooks is not None else ()
        return control.json_lines(to_json(one.shown()) for one in told)
