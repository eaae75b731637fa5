"""What people set up: mappings and settings, with what waits for them.

Owns what is refused and why, where a setting's value comes from, and which orders a mapping lets go
on. Part of `Operations`; knows neither HTTP nor tables.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import SecretStr, ValidationError

from app.domain import binding
from app.domain.admin_store import AdminStore
from app.domain.codes import Code
from app.domain.ports import Wake
from app.domain.scenario import Scenario, forbidden
from app.domain.views import Audit, MappingRow, Page, Stopped
from app.domain.wanted import Wanted, wanted
from app.settings import Group, Settings, check, group_of
from app.sync.asking import Actor, Refusal, at_most, readable_cursor, wrong, wrong_fields

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
MAX_REASON = 500
# As many orders are looked at for what they wait for; of a mapping that more wait for, these.
MOST_STOPPED = 1000
_USER_PART = re.compile(r"(?<=://)[^/@\s]*@")  # name and password in an address


def key_shown(kind: str, key: str) -> str:
    """A mapping's key as pages and the audit tell it: of an e-mail address only so much that whoever
    knows it recognises it. What is audited stays for good, and personal data must not."""
    user, at, host = key.partition("@")
    return f"{user[:1]}…@{host}" if kind in _BY_EMAIL and at else key


@dataclass(frozen=True, slots=True)
class SettingView:
    """A setting as it rules now. Values of secrets never stand here, only whether one is set.

    `source`: environment, database, scenario or default. `environment` is a value that is given
    there but no longer rules, because the database has another. `options`: the only values that
    may be given; none: any that its kind allows.
    """

    name: str
    value: Any
    source: str
    group: str
    description: str
    read_only: bool
    secret: bool = False
    environment: Any = None
    default: Any = None
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Mapped:
    """A mapping that was kept. `resumed`: the orders that waited for just this one and go on;
    `looking`: others that look again, because they wait for one too."""

    row: MappingRow
    resumed: tuple[Stopped, ...] = ()
    looking: tuple[Stopped, ...] = ()


@dataclass(frozen=True, slots=True)
class Missing:
    """A mapping that orders wait for, in the words of one of them."""

    wanted: Wanted
    sentence: str
    orders: tuple[Stopped, ...]


class SetUp:
    """Mappings and settings. Every method may raise StoreUnavailable and Refusal."""

    def __init__(
        self,
        *,
        admin: AdminStore,
        wake: Wake,
        settings: Settings,
        scenarios: Mapping[str, Scenario],
    ) -> None:
        self._admin = admin
        self._wake = wake
        self._settings = settings
        self._scenarios = scenarios

    async def wake(self) -> None:
        """Tell the workers, shortly: the sweep finds it anyway."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(WAKE_SECONDS):
                await self._wake.wake()

    # Mappings -----------------------------------------------------------------------------

    async def mapping_page(
        self,
        actor: Actor,
        kind: str | None = None,
        holds: str | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> Page[MappingRow]:
        """Mappings, the newest first; `holds`: those with this text in one of their keys."""
        if kind is not None:
            known_kind(kind)
        text = holds.strip() if holds is not None else None
        with readable_cursor():
            most = at_most(limit)
            return await self._admin.mapping_page(actor.tenant_id, kind, text or None, cursor, most)

    async def mapping(self, actor: Actor, mapping_id: int) -> MappingRow:
        row = await self._admin.mapping(actor.tenant_id, mapping_id)
        if row is None:
            raise Refusal("NOT_FOUND", f"There is no mapping {mapping_id}. See /admin/mappings.")
        return row

    async def mapping_named(self, actor: Actor, kind: str, commerce_key: str) -> MappingRow | None:
        """The mapping that `put_mapping` with this kind and key would change."""
        return await self._admin.mapping_named(actor.tenant_id, kind, _kept_key(kind, commerce_key))

    async def reveal_mapping(self, actor: Actor, mapping_id: int) -> MappingRow:
        """A mapping with its key in full, for a form that changes it; that it was shown is recorded."""
        row = await self.mapping(actor, mapping_id)
        if row.kind in _BY_EMAIL:
            target = f"{row.kind}/{key_shown(row.kind, row.commerce_key)}"
            await self._admin.audit(actor.tenant_id, Audit(actor.name, "mapping.reveal", target))
        return row

    async def missing_mappings(self, actor: Actor) -> Sequence[Missing]:
        """The mappings that orders wait for (D-10), those that most wait for first."""
        stopped = await self._stopped(actor)
        found: dict[Wanted, tuple[str, dict[int, Stopped]]] = {}
        for order in stopped:
            for sentence in order.sentences:
                if (one := wanted(sentence)) is not None:
                    _, orders = found.setdefault(one, (sentence, {}))
                    orders.setdefault(order.order_id, order)
        made = [Missing(one, said, tuple(own.values())) for one, (said, own) in found.items()]
        return sorted(made, key=lambda one: (-len(one.orders), one.wanted.kind, one.wanted.key))

    async def put_mapping(
        self,
        actor: Actor,
        kind: str,
        commerce_key: str,
        connectwise_key: str,
        *,
        reason: str = "",
    ) -> Mapped:
        """Add or change a mapping; orders that wait for one are woken."""
        known_kind(kind)
        commerce, connectwise = _kept_key(kind, commerce_key), connectwise_key.strip()
        for name, value in (("commerce_key", commerce), ("connectwise_key", connectwise)):
            if not value or len(value) > _MAX_KEY or not value.isprintable():
                raise _not_so(name, f"must be 1 to {_MAX_KEY} printable characters")
        if kind in _BY_EMAIL and not (connectwise.isascii() and connectwise.isdecimal()):
            raise _not_so("connectwise_key", f"a {kind} is named by its number in ConnectWise")
        if kind == binding.KIND:
            await self._refuse_binding(actor, commerce, connectwise)
        said = key_shown(kind, commerce)
        given = {"kind": kind, "commerce_key": said, "connectwise_key": connectwise}
        audit = Audit(actor.name, "mapping.put", f"{kind}/{said}", {**given, **_why(reason)})
        # Before the change: a worker may be through with them right after it.
        stopped = await self._stopped(actor)
        row = await self._admin.put_mapping(actor.tenant_id, kind, commerce, connectwise, audit)
        await self.wake()
        resumed = tuple(one for one in stopped if _waits_for(one, kind, commerce))
        known = {one.order_id for one in resumed}
        return Mapped(row, resumed, tuple(one for one in stopped if one.order_id not in known))

    async def _stopped(self, actor: Actor) -> Sequence[Stopped]:
        code = Code.MAPPING_MISSING
        return await self._admin.stopped(actor.tenant_id, code, MOST_STOPPED)

    async def _refuse_binding(self, actor: Actor, key: str, name: str) -> None:
        """A scenario that does not exist, or cannot work with the settings as they are."""
        if not binding.KEY.fullmatch(key):
            said = "must be customer:{Commerce id} or entry_type:{number}"
            raise _not_so("commerce_key", said)
        if name not in self._scenarios:
            raise _not_so("connectwise_key", f"must be one of {', '.join(sorted(self._scenarios))}")
        self._refuse_together(name, await self._admin.settings(actor.tenant_id))

    async def drop_mapping(self, actor: Actor, mapping_id: int, *, reason: str = "") -> None:
        audit = Audit(actor.name, "mapping.remove", str(mapping_id), _why(reason))
        if not await self._admin.drop_mapping(actor.tenant_id, mapping_id, audit):
            raise Refusal("NOT_FOUND", f"There is no mapping {mapping_id}. See /admin/mappings.")
        await self.wake()

    # Settings -----------------------------------------------------------------------------

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
        chosen = self._scenarios.get(str(stored.get("scenario", self._settings.scenario)))
        if not read_only and name in stored:
            value, source = stored[name], "database"
            if in_environment and given[name] != value:
                environment = given[name]
        elif chosen is not None and name in chosen.defaults:
            value, source = chosen.defaults[name], "scenario"
        default = described.get_default()
        if secret:
            plain = live.get_secret_value() if isinstance(live, SecretStr) else live
            value, default = "set" if plain else "", ""
        return SettingView(
            name=name.upper(),
            value=_USER_PART.sub("", value) if isinstance(value, str) else value,
            source=source,
            group=group.value,
            description=described.description or "",
            read_only=read_only,
            secret=secret,
            environment=environment,
            default=default
            if default is None or type(default) in (bool, float, int)
            else str(default),
            options=self._options(name),
        )

    def _options(self, name: str) -> tuple[str, ...]:
        if name == "scenario":
            return tuple(sorted(self._scenarios))
        given = get_args(Settings.model_fields[name].annotation)
        return tuple(one for one in given if isinstance(one, str))

    async def _refuse_forbidden(self, actor: Actor, checked: Mapping[str, Any]) -> None:
        """Settings that cannot work together with a scenario in use and the others (D-5, D-14)."""
        ruling = {**await self._admin.settings(actor.tenant_id), **checked}
        bound = await self._admin.bound(actor.tenant_id)
        chosen = str(ruling.get("scenario", self._settings.scenario))
        for name in dict.fromkeys((chosen, *bound)):
            self._refuse_together(name, ruling)

    def _refuse_together(self, name: str, ruling: Mapping[str, Any]) -> None:
        scenario = self._scenarios.get(name)
        if scenario is None:
            return
        defaults = {**self._settings.model_dump(mode="json"), **scenario.defaults}
        if sentence := forbidden(scenario, {**defaults, **ruling}):
            raise Refusal("REQUEST_NOT_VALID", sentence)

    async def change_settings(
        self, actor: Actor, values: Mapping[str, Any], *, reason: str = ""
    ) -> list[SettingView]:
        """Change settings that the database rules; orders that wait for one are woken. What a
        refusal says of single settings stands by name in its `fields`."""
        wished = {name.lower(): value for name, value in values.items()}
        for name in wished:
            if name not in Settings.model_fields:
                raise _not_so(name.upper(), "there is no such setting")
            if group_of(name) in (Group.SERVICE, Group.CONNECTION):
                raise Refusal(
                    "SETTING_READ_ONLY",
                    f"{name.upper()} comes from the environment: change it there and restart.",
                )
        try:
            checked = check(wished)
        except ValidationError as error:
            fields = {name: said for name, said in wrong_fields(error) if name}
            raise Refusal("REQUEST_NOT_VALID", f"{wrong(error)}.", fields=fields) from error
        except ValueError as error:
            raise Refusal("REQUEST_NOT_VALID", f"{error}.") from error
        scenario = checked.get("scenario")
        if scenario is not None and scenario not in self._scenarios:
            raise _not_so("SCENARIO", f"must be one of {', '.join(sorted(self._scenarios))}")
        await self._refuse_forbidden(actor, checked)
        audit = Audit(
            actor.name, "settings.change", ", ".join(sorted(checked)), {**checked, **_why(reason)}
        )
        await self._admin.put_settings(actor.tenant_id, checked, audit)
        await self.wake()
        return await self.settings(actor)


def _not_so(name: str, said: str) -> Refusal:
    return Refusal("REQUEST_NOT_VALID", f"{name}: {said}.", fields={name: said})


def _why(reason: str) -> dict[str, str]:
    """The reason for the audit, where one is given."""
    told = " ".join(reason.split())
    if len(told) > MAX_REASON:
        raise Refusal("REQUEST_NOT_VALID", f"reason: at most {MAX_REASON} characters.")
    return {"reason": told} if told else {}


def _kept_key(kind: str, commerce_key: str) -> str:
    """The Commerce key as it is kept."""
    key = commerce_key.strip()
    return key.casefold() if kind in _CASELESS else key


def _waits_for(order: Stopped, kind: str, key: str) -> bool:
    asked = (wanted(sentence) for sentence in order.sentences)
    return any(one is not None and one.is_of(kind, key) for one in asked)


def known_kind(kind: str) -> None:
    if kind not in MAPPING_KINDS:
        raise _not_so("kind", f"must be one of {', '.join(MAPPING_KINDS)}")
