"""Plays a day and judges it: safety at every write, liveness in the end.

Owns the course of one run. What is found wrong is a list of sentences; empty means that all is well.
"""

from __future__ import annotations

import asyncio
import gc
import random
import traceback
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from app.connectors import remote
from app.domain.codes import Code, State
from app.domain.records import OrderRow
from app.domain.views import OrderFilter
from sandbox.observer import judge
from tests.e2e.generated import Story, choose, opportunity_for
from tests.e2e.tickets import a_ticket
from tests.simulation import premises
from tests.simulation.chaos import Limits
from tests.simulation.day import CALM, Day, Told, expected, story_of, traffic
from tests.simulation.desk import Desk
from tests.simulation.loop import Halted, Stuck, VirtualLoop, outside, run
from tests.simulation.office import Office
from tests.simulation.outcome import outcome
from tests.simulation.people import People, convert
from tests.simulation.world import World

LOOK = 20.0
# How long after the last fault everything must have settled: parked steps come again by then.
PATIENCE = 4000.0


# What people do themselves in a day, or did not yet; and an order that ended its worker too often.
PEOPLES = (Code.HELD_BY_PERSON, Code.INVOICE_NOT_APPROVED, Code.POISON)


@dataclass
class Run:
    """What came of a day. `faults` of the service; `count` of those that the seed dealt."""

    day: Day
    faults: list[str]
    history: list[str]
    count: int
    outcome: dict[str, Any]


def play(day: Day, limits: Limits | None = None, *, calm: bool = False) -> Run:
    """Play a day. `calm`: nothing goes wrong, and events come one after the other."""
    chance = random.Random(f"turns {day.seed}") if day.reorder and not calm else None  # noqa: S311
    loop = VirtualLoop(chance)
    until = 0.0 if calm else CALM * day.length
    world = World(
        loop, day.seed, day.scenario, limits or Limits(), until, dict(day.settings),
        day.wide.ledger, day.wide.polled,
    )  # fmt: skip
    found: list[str] = []
    ended: dict[str, Any] = {}
    halted = False
    # The log of bodies is for people; masking them is a tenth of a run.
    bodies = patch.object(remote, "body_text", lambda *_, **__: None)
    bodies.start()
    gc.disable()  # what it ends at its own moments would be another history each time
    try:
        run(loop, course(world, day, found, ended, calm=calm))
    except Halted:
        halted = True
    except Stuck as stuck:
        found.append(f"stuck: {stuck}")
    except Exception as error:  # noqa: BLE001 - whatever it is, it is this seed's
        found.append("".join(traceback.format_exception(error)))
    finally:
        told = list(world.history)
        bodies.stop()
        found += [f"broken: {text}" for text in premises.broken]
        loop.finish()
        gc.enable()
    found += world.found
    if not halted:  # else the history ends at the write that was wrong
        world.judge_writes()
        found += [f"rule {finding}" for finding in world.judge.end()]
        if world.ledger is not None:
            found += [f"rule {finding}" for finding in judge(world.case_of_books())]
    return Run(day, found, told, world.chaos.count, ended)


async def course(
    world: World, day: Day, found: list[str], ended: dict[str, Any], *, calm: bool
) -> None:
    await world.open()
    if day.callbacks:
        await world.keep_callbacks()
    desk = Desk(world)
    stories: dict[int, Story] = {}
    for order in day.stories:
        deal = await opportunity_for(desk, day.seed * 10 + order)  # type: ignore[arg-type]
        made = stories[order] = story_of(day, order, deal)
        if day.wide.ticket:
            choose(made, await a_ticket(desk))  # type: ignore[arg-type]
    world.begin(day.switches)
    for number in range(day.workers):
        world.loop.create_task(world.keep(f"w{number}"), context=outside())
    tellers = [
        world.loop.create_task(_tell(world, at), context=outside())
        for order, made in stories.items()
        for at in traffic(day, made, order, calm=calm)
    ]
    if day.drafts:
        world.loop.create_task(Office(world, day).approve(), context=outside())
    if not calm:
        people = People(world, day)
        tellers += [world.loop.create_task(one, context=outside()) for one in people.acts()]
    await asyncio.gather(*tellers)
    await asyncio.sleep(max(0.0, world.chaos.calm - world.loop.time()))
    began = world.loop.time()
    wrong = ["nobody looked"]
    while wrong and world.loop.time() < began + PATIENCE + world.chaos.back:
        await asyncio.sleep(LOOK)
        wrong = world.unsettled = await _unsettled(world, day, stories)
        if day.converts:
            convert(world)
        if not wrong:
            world.psa.world.switches = world.psa.world.switches.merged({"read_lag_ms": 0})
            ended.update(await outcome(desk, world, stories))
            wrong = _unlike(day, stories, ended)
    found += [f"in the end {sentence}" for sentence in wrong]
    if not world.chaos.jumped:  # else a lag may well have been taken for over
        found += _in_vain(world, day, stories)


def _in_vain(world: World, day: Day, stories: dict[int, Story]) -> list[str]:
    """What people were asked to see to although it passes by itself, however much lags or fails."""
    ends = {expected(day, made)["code"] for made in stories.values()}
    return [
        f"H9: somebody was asked in vain: {code.value}: {sentence}"
        for code, sentence in world.asked.items()
        if code not in PEOPLES and code.value not in ends
    ]


async def _tell(world: World, told: Told) -> None:
    if told.heard is None:
        await world.until(told.at)
        await world.deliver(told.identity, told.event, told.behind)
        return
    await asyncio.sleep(told.at)  # in its order: what happens in Commerce cannot come early
    event = world.happens(told.event)
    for late in sorted(told.heard):
        await asyncio.sleep(late)
        await world.deliver(told.identity, event)


async def _unsettled(world: World, day: Day, stories: dict[int, Story]) -> list[str]:
    """What still moves, or stands where nobody can do anything about it."""
    page = await world.store.orders(premises.TENANT, OrderFilter(), None, 100)
    rows = {row.number: row for row in page.items}
    wrong: list[str] = []
    for made in stories.values():
        row = rows.get(made.number)
        if row is None:
            wrong.append(f"{made.number} is not known")
        elif row.code is None or row.state is State.RUNNING:
            wrong.append(f"{made.number} moves: {_shown(row)}")
        elif row.code is Code.POISON:
            continue  # ended its worker too often; a person decides
        elif row.code.value != (wanted := expected(day, made)["code"]):
            wrong.append(f"{made.number} is {_shown(row)}, not {wanted}")
    tables = await world.tables()
    for name, state in (("inbox_event", "new"), ("inbox_event", "rejected")):
        wrong += [
            f"{name} {row['id']} is {state}: {row.get('cause')}"
            for row in tables[name].values()
            if row["status"] == state
        ]
    counted = [(row["connection_id"], row["external_id"]) for row in tables["inbox_event"].values()]
    if len(counted) > len(set(counted)):
        wrong.append("H1: a delivery counted more than once")
    wrong += [
        f"order {row['number']} is under way"
        for row in tables["orders"].values()
        if row["lease_owner"] is not None
    ]
    return wrong


def _shown(row: OrderRow) -> str:
    return f"{row.state.value} {row.code} {row.sentence}"


def _unlike(day: Day, stories: dict[int, Story], ended: dict[str, Any]) -> list[str]:
    """Where the day ended otherwise than it must."""
    wrong = []
    for made in stories.values():
        got = ended[made.number]
        if got["code"] == Code.POISON.value:
            continue
        wrong += [
            f"{made.number}: {name} is {got[name]}, not {value} ({got['said']})"
            for name, value in expected(day, made).items()
            if got[name] != value
        ]
    return wrong
