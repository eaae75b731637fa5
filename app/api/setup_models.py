"""The admin REST's forms of mappings, settings and connections as they stand in OpenAPI.

Owns their names and formats of `contracts/http.md`. No rules.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from app.api.models import Model
from app.domain.budgets import Spent
from app.domain.codes import Code
from app.domain.grants import LEDGERS, advice
from app.domain.views import ConnectionRow, MappingRow, Stopped
from app.sync.setup import MAX_REASON, Mapped, Missing, SettingView, key_shown


class _Mapping(Model):
    kind: Annotated[str, Field(examples=["vendor"])]
    commerce_key: Annotated[str, Field(examples=["9"])]
    connectwise_key: Annotated[str, Field(examples=["INGRAM"])]


class MappingIn(_Mapping):
    """What a Commerce record is called in ConnectWise. `reason` is kept in the audit."""

    reason: Annotated[str, Field(max_length=MAX_REASON, examples=["the supplier moved"])] = ""


class MappingOut(_Mapping):
    """A mapping. Of an e-mail address `commerce_key` tells no more than its beginning and its host,
    but to who has just written it, or may write it and asks for it alone."""

    id: int
    updated_at: datetime
    updated_by: str

    @classmethod
    def of(cls, row: MappingRow) -> MappingOut:
        return cls.model_validate(replace(row, commerce_key=key_shown(row.kind, row.commerce_key)))

    @classmethod
    def whole(cls, row: MappingRow) -> MappingOut:
        return cls.model_validate(row)


class StoppedOut(Model):
    """An order that waits for a mapping."""

    order: str
    connection: str

    @classmethod
    def of(cls, row: Stopped) -> StoppedOut:
        return cls(order=row.order, connection=row.connection)


class MappedOut(MappingOut):
    """`resumed`: orders that waited for just this mapping and go on. `looking`: others that wait
    for one and look again."""

    resumed: list[StoppedOut]
    looking: list[StoppedOut]

    @classmethod
    def from_kept(cls, kept: Mapped) -> MappedOut:
        return cls(
            **MappingOut.whole(kept.row).model_dump(),
            resumed=[StoppedOut.of(one) for one in kept.resumed],
            looking=[StoppedOut.of(one) for one in kept.looking],
        )


class MissingMappingOut(Model):
    """A mapping that orders wait for. `commerce_key` is empty where it is somebody's e-mail address,
    which no sentence names. `sentence`: what one of the orders says."""

    kind: str
    commerce_key: str
    sentence: str
    orders: list[StoppedOut]

    @classmethod
    def of(cls, one: Missing) -> MissingMappingOut:
        return cls(
            kind=one.wanted.kind,
            commerce_key=one.wanted.key,
            sentence=one.sentence,
            orders=[StoppedOut.of(order) for order in one.orders],
        )


class SettingOut(Model):
    """A setting as it rules now. Of secrets only whether one is set is shown. `source`: environment,
    database, scenario or default. `options`: the only values it may have; empty: any of its kind."""

    name: str
    value: Any
    source: str
    shown: str
    group: str
    description: str
    read_only: bool
    secret: bool
    environment: Any = None
    default: Any = None
    options: Sequence[str] = ()

    @classmethod
    def of(cls, setting: SettingView) -> SettingOut:
        shown = "from environment" if setting.read_only else f"from {setting.source}"
        named = {name: getattr(setting, name) for name in cls.model_fields if name != "shown"}
        return cls(shown=shown, **named)


class CallsOut(Model):
    """What stands against one limit of a connection: calls in the last `seconds`."""

    seconds: float
    used: int
    limit: int
    left: int

    @classmethod
    def of(cls, spent: Spent) -> CallsOut:
        return cls(seconds=spent.seconds, used=spent.used, limit=spent.limit, left=spent.left)


class AtOnceOut(Model):
    """Calls that each process sends at once: `limit` now, by the narrowest that called in the last
    five minutes, and `most` where the system stands all."""

    limit: int
    most: int


class ConnectionOut(Model):
    """`sign_in` says what a person has to do for a ledger; null where there is nothing to do.
    `signed_in_until`: when the consent ends if nothing is called until then. `calls`: one entry for
    each limit that the vendor has, a minute's and a day's; empty where calls are not counted.
    `at_once`: null where no process called lately. `circuit`: `open` while the system is left alone
    because it did not answer well, else `closed`; null where the poll rests by itself. `read_at`: when
    the poll read Commerce last; `trouble`: why it does not read it now, null where it does."""

    id: int
    name: str
    system: str
    state: str
    paused_until: datetime | None
    code: Code | None
    sentence: str | None
    paused_by: str | None
    company: str | None
    signed_in_by: str | None
    signed_in_until: datetime | None
    sign_in: str | None
    calls: list[CallsOut]
    at_once: AtOnceOut | None
    circuit: Literal["open", "closed"] | None
    read_at: datetime | None = None
    trouble: str | None = None

    @classmethod
    def of(cls, row: ConnectionRow) -> ConnectionOut:
        paused, grant, once = row.paused, row.grant, row.use.at_once
        return cls(
            id=row.id,
            name=row.name,
            system=row.system,
            state="paused" if paused else "open",
            paused_until=paused.until if paused else None,
            code=paused.code if paused else None,
            sentence=paused.sentence if paused else None,
            paused_by=paused.by if paused else None,
            company=grant.company.name if grant else None,
            signed_in_by=grant.consented_by if grant else None,
            signed_in_until=grant.until if grant else None,
            sign_in=advice(row.system, grant) if row.system in LEDGERS else None,
            calls=[CallsOut.of(one) for one in row.use.spent],
            at_once=AtOnceOut(limit=once.limit, most=once.most) if once is not None else None,
            circuit=row.circuit,
            read_at=row.use.read_at,
            trouble=row.use.trouble or None,
        )
