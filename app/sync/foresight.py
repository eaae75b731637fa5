"""Looking ahead: what would make an order invoiceable, and what another configuration would do.

Owns the choice of orders, premises and what is refused; the playing is `app/domain/course.py`'s.
Reads only: no remote system is asked, and nothing is kept.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from logging import WARNING
from typing import Any

from pydantic import ValidationError

from app.domain import binding
from app.domain.admin_store import AdminStore
from app.domain.codes import State
from app.domain.course import Course, Move, Premises, afresh, play, towards_invoice
from app.domain.ports import Store
from app.domain.records import Answer, OrderRow, Snapshot
from app.domain.views import OrderFilter, Progressed, unwatched
from app.settings import Group, Settings, check, group_of
from app.steps import STEPS
from app.steps.foretelling import foretold
from app.sync.asking import wrong, wrong_fields
from app.sync.engine import Engine, Pin
from app.sync.operations import Actor, Operations, Refusal
from app.telemetry import wide

MOST_ORDERS = 500  # of one answer: each takes about 20 ms; who watches a bar may ask for all
LONGEST_DAYS = 366
_PAGE = 100


@dataclass(frozen=True, slots=True)
class Difference:
    """One order under both premises. `here` is how it is pinned or would be, `there` what was
    asked for; writes that both would make stand in neither."""

    order: OrderRow
    here_scenario: str
    there_scenario: str
    here: tuple[tuple[str, str, str], ...]  # step, subject, remote write
    there: tuple[tuple[str, str, str], ...]
    here_answer: Answer
    there_answer: Answer
    refused: str | None = None  # why the order cannot be played so

    @property
    def differs(self) -> bool:
        return bool(self.here or self.there) or self.refused is not None


@dataclass(frozen=True, slots=True)
class WhatIf:
    """All orders that were played, and remote writes by step that only one side makes. `more`: before
    the oldest of them others came in within the days, which were not played."""

    differences: tuple[Difference, ...]
    more: bool = False

    def writes(self) -> dict[str, tuple[int, int]]:
        """By step: how many remote writes only the present, and only the other side makes."""
        here = Counter(step for one in self.differences for step, _, _ in one.here)
        there = Counter(step for one in self.differences for step, _, _ in one.there)
        return {step: (here[step], there[step]) for step in sorted(here | there)}


class Foresight:
    """Every method may raise StoreUnavailable and Refusal."""

    def __init__(
        self,
        *,
        engine: Engine,
        store: Store,
        admin: AdminStore,
        operations: Operations,
    ) -> None:
        self._engine = engine
        self._store = store
        self._admin = admin
        self._operations = operations

    async def needs(
        self, actor: Actor, number: str, connection: str | None = None
    ) -> tuple[OrderRow, Course]:
        """The smallest set of things that would make the order invoiceable (B1.11, C3)."""
        row = await self._operations.find(actor, number, connection)
        snapshot = await self._store.peek(row.id)
        return snapshot.order, await self.needs_of(snapshot)

    async def needs_of(self, snapshot: Snapshot) -> Course:
        """The same of an order that was read already."""
        # An order of hundreds of lines takes seconds: others are served meanwhile.
        return await asyncio.to_thread(towards_invoice, self._premises(snapshot))

    def again(self, snapshot: Snapshot) -> Course | None:
        """How the order would go if what stopped is tried anew, as a replay does, and every write
        works. None where it cannot be decided: an order may be replayed for just that."""
        ledger = tuple(
            replace(
                row,
                state=State.RUNNING if row.state is State.PARKED else row.state,
                retry_at=None,
                retry_wake=None,
            )
            for row in snapshot.ledger
        )
        try:
            return play(self._premises(replace(snapshot, ledger=ledger)))
        except Exception as error:  # noqa: BLE001 - as for `explain`, which then tells the order's own answer
            wide("replay_not_played", level=WARNING, order=snapshot.order.name, exc_info=error)
            return None

    async def what_if(
        self,
        actor: Actor,
        *,
        orders: Sequence[str] | None,
        days: int | None,
        scenario: str | None,
        settings: Mapping[str, Any],
        connection: str | None = None,
        progressed: Progressed = unwatched,
        whole: bool = False,
    ) -> WhatIf:
        """Orders played through another scenario or other behaviour settings, from their documents
        alone: what is known of them now, as if it had come in under either. Of days the newest
        MOST_ORDERS, unless the `whole` of them is asked for."""
        if (orders is None) == (days is None):
            raise Refusal("REQUEST_NOT_VALID", "Give either orders or days.")
        changed = self._checked(scenario, settings)
        if orders is not None and len(orders) > MOST_ORDERS:
            raise Refusal("REQUEST_NOT_VALID", f"orders: at most {MOST_ORDERS} at once.")
        if orders is not None:
            rows = [await self._operations.find(actor, name, connection) for name in orders]
            ids, more = list(dict.fromkeys(row.id for row in rows)), False
        else:
            most = None if whole else MOST_ORDERS
            ids, more = await self._recent(actor, days or 0, connection, most)
        found: list[Difference] = []
        for one in ids:
            progressed(len(found), len(ids))
            snapshot = await self._store.peek(one)
            # As for `needs_of`: others are served meanwhile.
            found.append(await asyncio.to_thread(self._difference, snapshot, scenario, changed))
        return WhatIf(tuple(found), more)

    def _checked(self, scenario: str | None, settings: Mapping[str, Any]) -> dict[str, Any]:
        known = self._engine.scenarios
        if scenario is not None and scenario not in known:
            names = ", ".join(sorted(known))
            raise Refusal("REQUEST_NOT_VALID", f"scenario: must be one of {names}.")
        wanted = {name.lower(): value for name, value in settings.items()}
        if scenario is None and not wanted:
            sentence = "Give a scenario, settings, or both: something has to be different."
            raise Refusal("REQUEST_NOT_VALID", sentence)
        for name in wanted:
            known_here = name != "scenario" and name in Settings.model_fields
            if not known_here or group_of(name) is not Group.BEHAVIOUR:
                sentence = f"{name.upper()}: is no behaviour setting."
                raise Refusal("REQUEST_NOT_VALID", sentence)
        try:
            return dict(check(wanted))
        except ValidationError as error:
            fields = {name: said for name, said in wrong_fields(error) if name}
            raise Refusal("REQUEST_NOT_VALID", f"{wrong(error)}.", fields=fields) from error
        except ValueError as error:
            raise Refusal("REQUEST_NOT_VALID", f"{error}.") from error

    async def _recent(
        self, actor: Actor, days: int, connection: str | None, most: int | None
    ) -> tuple[list[int], bool]:
        """The newest orders of the last days, and whether there are more."""
        if not 1 <= days <= LONGEST_DAYS:
            raise Refusal("REQUEST_NOT_VALID", f"days: must be between 1 and {LONGEST_DAYS}.")
        since = await self._store.now() - timedelta(days=days)
        wanted, ids, cursor = OrderFilter(connection=connection), list[int](), None
        while True:
            page = await self._admin.orders(actor.tenant_id, wanted, cursor, _PAGE)
            ids += [row.id for row in page.items if row.created_at >= since]
            cursor = page.next
            if most is not None and len(ids) > most:
                return ids[:most], True
            if cursor is None or any(row.created_at < since for row in page.items):
                return ids, False

    def _difference(
        self, snapshot: Snapshot, scenario: str | None, changed: Mapping[str, Any]
    ) -> Difference:
        here = self._pin(snapshot)
        there = self._other(snapshot, here, scenario, changed)
        first, refused = self._play(snapshot, here), self._engine.forbidden_pin(snapshot, there)
        second = first if refused else self._play(snapshot, there)
        mine, theirs = Counter(_writes(first.moves)), Counter(_writes(second.moves))
        return Difference(
            order=snapshot.order,
            here_scenario=here[0],
            there_scenario=there[0],
            here=tuple((mine - theirs).elements()),
            there=tuple((theirs - mine).elements()),
            here_answer=_in_thought(first.answer),
            there_answer=_in_thought(second.answer),
            refused=refused,
        )

    def _pin(self, snapshot: Snapshot) -> Pin:
        order = snapshot.order
        if order.scenario is None:
            return self._engine.present_pin(snapshot)
        return order.scenario, order.scenario_version or 1, order.behaviour

    def _other(
        self, snapshot: Snapshot, here: Pin, scenario: str | None, changed: Mapping[str, Any]
    ) -> Pin:
        """The same with another setting, or what the other scenario would make of the order."""
        told = {name: str(value) for name, value in changed.items() if value is not None}
        if scenario is None or scenario == here[0]:
            return here[0], here[1], {**here[2], **told}
        mappings = {key: v for key, v in snapshot.mappings.items() if key[0] != binding.KIND}
        settings = {**snapshot.settings, "scenario": scenario}
        name, version, behaviour = self._engine.present_pin(
            replace(snapshot, mappings=mappings, settings=settings)
        )
        return name, version, {**behaviour, **told}

    def _play(self, snapshot: Snapshot, pin: Pin) -> Course:
        return play(self._premises(afresh(snapshot, pin)))

    def _premises(self, snapshot: Snapshot) -> Premises:
        scenario = self._engine.scenario_of(snapshot)
        settings = {**self._engine.defaults, **scenario.defaults}
        return Premises(scenario, STEPS, settings, snapshot, foretold)


def _writes(moves: Sequence[Move]) -> list[tuple[str, str, str]]:
    return [(move.step, move.subject, write) for move in moves for write in move.writes]


def _in_thought(answer: Answer) -> Answer:
    """An answer without its times, which are of no day: it is played from now on."""
    return replace(answer, since=None, next_look="")
