"""What people do with the service: one class behind REST, command line and console.

Owns the rules of these operations (who may see what, what is refused and why), each with its
actor; knows neither HTTP nor tables. Nothing here writes to a remote system: a change wakes
orders, and the worker goes on from there. Replays are `app/sync/replays.py`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from pydantic import SecretStr, ValidationError

from app.connectors.recording import redacted
from app.domain import binding, json_values
from app.domain.admin_store import AdminStore
from app.domain.budgets import Spent
from app.domain.ports import Store, Wake
from app.domain.records import InboxEvent, OrderRow, Snapshot
from app.domain.scenario import Scenario, forbidden
from app.domain.views import (
    Audit,
    CallRow,
    ConnectionRow,
    Explained,
    JournalRow,
    MappingRow,
    OrderFilter,
    Page,
    Unverified,
)
from app.settings import Group, Settings, check, group_of

MAX_PAGE = 200
WAKE_SECONDS = 2.0
# What a Commerce record can be mapped to (D-10). Members and contacts are named by e-mail address
# in Commerce and by number in ConnectWise.
MAPPING_KINDS: dict[str, str] = {
    "company": "Commerce customer id → ConnectWise company identifier or id",
    "vendor": "Commerce supplier id → ConnectWise company identifier or id",
    "product": "Commerce product number → ConnectWise catalog item identifier",
    "ledger_vendor": "Commerce supplier id → the ledger's id of the vendor",
    "ledger_customer": "Commerce customer id → the ledger's id of the customer",
    "contact": "e-mail address of the customer's contact → ConnectWise contact id",
    "member": "e-mail address of the Commerce owner → ConnectWise member id",
    binding.KIND: "customer:{Commerce id}, or entry_type:{how it was placed} → scenario",
}
_BY_EMAIL = ("contact", "member")
_CASELESS = (*_BY_EMAIL, "product")
_MAX_KEY = 200


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does it: the name of a key or of a person at the command line, and their tenant."""

    tenant_id: int
    name: str


class Refusal(Exception):
    """An operation is refused. `code` is stable, `sentence` says what to do, `more` is data."""

    def __init__(self, code: str, sentence: str, **more: Any) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence
        self.more = more


@dataclass(frozen=True, slots=True)
class Story:
    """An order and its explanation."""

    order: OrderRow
    explained: Explained


@dataclass(frozen=True, slots=True)
class SettingView:
    """A setting as it rules now. Values of secrets never stand here, only whether one is set.

    `source`: environment, database or default. `environment` is a value that is given there
    but no longer rules, because the database has another.
    """

    name: str
    value: Any
    source: str
    group: str
    description: str
    read_only: bool
    secret: bool = False
    environment: Any = None


class Operations:
    """Everything a person may do or read. Every method may raise StoreUnavailable and Refusal."""

    def __init__(
        self,
        *,
        store: Store,
        admin: AdminStore,
        wake: Wake,
        explain: Callable[[Snapshot], Explained],
        settings: Settings,
        scenarios: Mapping[str, Scenario],
        spent: Callable[[ConnectionRow], Awaitable[Sequence[Spent]]],
    ) -> None:
        self._store = store
        self._admin = admin
        self._wake = wake
        self._explain = explain
        self._settings = settings
        self._scenarios = scenarios
        self._spent = spent

    async def wake(self) -> None:
        """Tell the workers, shortly: the sweep finds it anyway."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(WAKE_SECONDS):
                await self._wake.wake()

    # Orders -------------------------------------------------------------------------------

    async def orders(
        self, actor: Actor, wanted: OrderFilter, cursor: str | None = None, limit: int = 50
    ) -> Page[OrderRow]:
        with readable_cursor():
            return await self._admin.orders(actor.tenant_id, wanted, cursor, _page(limit))

    async def find(self, actor: Actor, number: str, connection: str | None = None) -> OrderRow:
        """The order of this number, or of `id:1201` while only its Commerce id is known."""
        known = await self._admin.named(actor.tenant_id, number)
        found = [row for row in known if connection in (None, row.connection)]
        if not found:
            where = f" on the connection {connection}" if connection else ""
            raise Refusal(
                "NOT_FOUND",
                f"No order {number} is known{where}. An order whose sales order has not come in "
                "is addressed by its Commerce id, as in id:1201.",
            )
        if len(found) > 1:
            names = sorted(row.connection for row in found)
            raise Refusal(
                "NUMBER_AMBIGUOUS",
                f"The connections {', '.join(names)} know {number}. Choose one with ?connection=.",
                connections=names,
            )
        return found[0]

    async def order(self, actor: Actor, number: str, connection: str | None = None) -> Story:
        return await self.story(await self.find(actor, number, connection))

    async def story(self, row: OrderRow) -> Story:
        """The explanation, from one snapshot."""
        snapshot = await self._store.peek(row.id)
        return Story(snapshot.order, self._explain(snapshot))

    def steps_of(self, order: OrderRow) -> tuple[str, ...]:
        """The steps of the order's scenario, in their order; of one not pinned yet, of the service's."""
        scenario = self._scenarios.get(order.scenario or self._settings.scenario)
        return tuple(use.name for use in scenario.steps) if scenario is not None else ()

    def known_steps(self) -> tuple[str, ...]:
        """The steps of all scenarios, each once."""
        every = (use.name for scenario in self._scenarios.values() for use in scenario.steps)
        return tuple(dict.fromkeys(every))

    async def journal(
        self, order: OrderRow, cursor: str | None = None, limit: int = 50
    ) -> Page[JournalRow]:
        with readable_cursor():
            return await self._admin.journal(order.id, cursor, _page(limit))

    async def calls(
        self, order: OrderRow, cursor: str | None = None, limit: int = 50
    ) -> Page[CallRow]:
        with readable_cursor():
            return await self._admin.calls(order.id, cursor, _page(limit))

    # Inbox --------------------------------------------------------------------------------

    async def events(
        self,
        actor: Actor,
        source: str | None = None,
        status: str | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> Page[InboxEvent]:
        with readable_cursor():
            return await self._admin.events(actor.tenant_id, source, status, cursor, _page(limit))

    async def event(self, actor: Actor, event_id: int) -> InboxEvent:
        found = await self._admin.event(actor.tenant_id, event_id)
        if found is None:
            raise Refusal("NOT_FOUND", f"There is no event {event_id}. See /admin/events.")
        return found

    async def unverified(self, limit: int = 50) -> Sequence[Unverified]:
        """The newest refused requests of the ring. They belong to no tenant: nobody vouches."""
        return await self._admin.unverified(_page(limit))

    # Mappings -----------------------------------------------------------------------------

    async def mappings(self, actor: Actor, kind: str | None = None) -> Sequence[MappingRow]:
        if kind is not None:
            _known_kind(kind)
        return await self._admin.mappings(actor.tenant_id, kind)

    async def mapping(self, actor: Actor, mapping_id: int) -> MappingRow:
        for row in await self._admin.mappings(actor.tenant_id, None):
            if row.id == mapping_id:
                return row
        raise Refusal("NOT_FOUND", f"There is no mapping {mapping_id}. See /admin/mappings.")

    async def put_mapping(
        self, actor: Actor, kind: str, commerce_key: str, connectwise_key: str
    ) -> MappingRow:
        """Add or change a mapping; orders that wait for one are woken."""
        _known_kind(kind)
        commerce, connectwise = commerce_key.strip(), connectwise_key.strip()
        for name, value in (("commerce_key", commerce), ("connectwise_key", connectwise)):
            if not value or len(value) > _MAX_KEY or not value.isprintable():
                raise Refusal(
                    "REQUEST_NOT_VALID",
                    f"{name}: must be 1 to {_MAX_KEY} printable characters.",
                )
        if kind in _CASELESS:
            commerce = commerce.casefold()
        if kind in _BY_EMAIL and not (connectwise.isascii() and connectwise.isdecimal()):
            sentence = f"connectwise_key: a {kind} is named by its number in ConnectWise."
            raise Refusal("REQUEST_NOT_VALID", sentence)
        if kind == binding.KIND:
            await self._refuse_binding(actor, commerce, connectwise)
        audit = Audit(
            actor.name,
            "mapping.put",
            f"{kind}/{commerce}",
            {"kind": kind, "commerce_key": commerce, "connectwise_key": connectwise},
        )
        row = await self._admin.put_mapping(actor.tenant_id, kind, commerce, connectwise, audit)
        await self.wake()
        return row

    async def _refuse_binding(self, actor: Actor, key: str, name: str) -> None:
        """A scenario that does not exist, or cannot work with the settings as they are."""
        if not binding.KEY.fullmatch(key):
            sentence = "commerce_key: must be customer:{Commerce id} or entry_type:{number}."
            raise Refusal("REQUEST_NOT_VALID", sentence)
        if name not in self._scenarios:
            names = ", ".join(sorted(self._scenarios))
            raise Refusal("REQUEST_NOT_VALID", f"connectwise_key: must be one of {names}.")
        self._refuse_together(name, await self._admin.settings(actor.tenant_id))

    async def drop_mapping(self, actor: Actor, mapping_id: int) -> None:
        audit = Audit(actor.name, "mapping.remove", str(mapping_id))
        if not await self._admin.drop_mapping(actor.tenant_id, mapping_id, audit):
            raise Refusal("NOT_FOUND", f"There is no mapping {mapping_id}. See /admin/mappings.")
        await self.wake()

    # Settings and connections -------------------------------------------------------------

    async def settings(self, actor: Actor) -> list[SettingView]:
        stored = await self._admin.settings(actor.tenant_id)
        given = self._settings.model_dump(mode="json")
        return [self._setting(name, stored, given) for name in Settings.model_fields]

    def _setting(
        self, name: str, stored: Mapping[str, Any], given: Mapping[str, Any]
    ) -> SettingView:
        described = Settings.model_fields[name]
        group = group_of(name)
        live = getattr(self._settings, name)
        in_environment = name in self._settings.model_fields_set
        read_only = group in (Group.SERVICE, Group.CONNECTION)
        secret = isinstance(live, SecretStr) or name in ("database_url", "redis_url")
        value, source = given[name], "environment" if in_environment else "default"
        environment = None
        if not read_only and name in stored:
            value, source = stored[name], "database"
            if in_environment and given[name] != value:
                environment = given[name]
        if secret:
            plain = live.get_secret_value() if isinstance(live, SecretStr) else live
            value = "set" if plain else ""
        return SettingView(
            name=name.upper(),
            value=value,
            source=source,
            group=group.value,
            description=described.description or "",
            read_only=read_only,
            secret=secret,
            environment=environment,
        )

    async def _refuse_forbidden(self, actor: Actor, checked: Mapping[str, Any]) -> None:
        """Settings that cannot work together with a scenario in use and the others (D-5, D-14)."""
        ruling = {**await self._admin.settings(actor.tenant_id), **checked}
        rows = await self._admin.mappings(actor.tenant_id, binding.KIND)
        chosen = str(ruling.get("scenario", self._settings.scenario))
        for name in dict.fromkeys((chosen, *(row.connectwise_key for row in rows))):
            self._refuse_together(name, ruling)

    def _refuse_together(self, name: str, ruling: Mapping[str, Any]) -> None:
        scenario = self._scenarios.get(name)
        if scenario is None:
            return
        defaults = {**self._settings.model_dump(mode="json"), **scenario.defaults}
        if sentence := forbidden(scenario, {**defaults, **ruling}):
            raise Refusal("REQUEST_NOT_VALID", sentence)

    async def change_settings(self, actor: Actor, values: Mapping[str, Any]) -> list[SettingView]:
        """Change settings that the database rules; orders that wait for one are woken."""
        wanted = {name.lower(): value for name, value in values.items()}
        for name in wanted:
            if name not in Settings.model_fields:
                raise Refusal("REQUEST_NOT_VALID", f"{name.upper()}: there is no such setting.")
            if group_of(name) in (Group.SERVICE, Group.CONNECTION):
                raise Refusal(
                    "SETTING_READ_ONLY",
                    f"{name.upper()} comes from the environment: change it there and restart.",
                )
        try:
            checked = check(wanted)
        except ValidationError as error:
            raise Refusal("REQUEST_NOT_VALID", f"{wrong(error)}.") from error
        except ValueError as error:
            raise Refusal("REQUEST_NOT_VALID", f"{error}.") from error
        scenario = checked.get("scenario")
        if scenario is not None and scenario not in self._scenarios:
            names = ", ".join(sorted(self._scenarios))
            raise Refusal("REQUEST_NOT_VALID", f"SCENARIO: must be one of {names}.")
        await self._refuse_forbidden(actor, checked)
        audit = Audit(actor.name, "settings.change", ", ".join(sorted(checked)), checked)
        await self._admin.put_settings(actor.tenant_id, checked, audit)
        await self.wake()
        return await self.settings(actor)

    async def connections(self, actor: Actor) -> Sequence[ConnectionRow]:
        """With what each called lately, where that is counted."""
        rows = await self._admin.connections(actor.tenant_id)
        return [replace(row, calls=tuple(await self._spent(row))) for row in rows]


def shown(body: bytes) -> Any:
    """A delivery's body for a person: JSON without personal data, of anything else its size."""
    try:
        parsed = json_values.loads(body)
    except json_values.NotJson:
        return f"[{len(body)} bytes that are not readable JSON]"
    if isinstance(parsed, dict) and isinstance(parsed.get("Entity"), str):
        # A callback carries its record as JSON inside JSON.
        with contextlib.suppress(json_values.NotJson):
            parsed["Entity"] = json_values.loads(parsed["Entity"])
    return json.loads(json.dumps(redacted(parsed), default=_number))


def wrong(error: ValidationError) -> str:
    """Wrong settings under the names that people give them; values stay out."""
    return "; ".join(
        f"{'/'.join(map(str, item['loc'])).upper()}: {item['msg']}" for item in error.errors()
    )


def _number(value: Any) -> float:
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"{type(value).__name__} does not stand in JSON")


def _page(limit: int) -> int:
    return min(max(limit, 1), MAX_PAGE)


@contextlib.contextmanager
def readable_cursor() -> Any:
    try:
        yield
    except ValueError as error:
        sentence = "cursor: cannot be read; take it from the answer before, or leave it out."
        raise Refusal("REQUEST_NOT_VALID", sentence) from error


def _known_kind(kind: str) -> None:
    if kind not in MAPPING_KINDS:
        names = ", ".join(MAPPING_KINDS)
        raise Refusal("REQUEST_NOT_VALID", f"kind: must be one of {names}.")
