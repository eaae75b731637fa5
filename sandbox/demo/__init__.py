"""The demo: a day of Commerce traffic on the real service beside simulated vendors.

Owns its beginning and its end: a throw-away data directory, settings of its own whatever the
environment says, and the check that every order stands where the script says.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.demo import checks, holdings
from sandbox.demo.clients import Bookkeeper, Office, Service
from sandbox.demo.counting import Count
from sandbox.demo.day import Day
from sandbox.demo.ending import Ending
from sandbox.demo.holdings import Holding
from sandbox.demo.narrator import Narrator
from sandbox.demo.stories import GROUPS
from sandbox.observer import Case, Finding, judge
from sandbox.stack import Interrupted, Stack
from sandbox.up import description, environment

# Quick enough to watch. Nothing else differs from what a first start has.
PACE: Mapping[str, str] = {
    "READ_LAG": "0.5",
    "POLL_SECONDS": "1",
    "SWEEP_SECONDS": "0.5",
    "CONNECTWISE_TIMEOUT": "3",
}
STAY_SECONDS = 1.0
OPENING = (
    (
        "Demandlink keeps Datto Commerce and ConnectWise PSA in step. In ConnectWise a deal is an "
        "opportunity; once won it becomes a sales order, whose goods raise purchasing demand. A "
        "purchase order has to be linked to that demand before its goods are received, and the order "
        "may be invoiced when they are. ConnectWise accepts this in no other order."
    ),
    "",
    (
        "What follows is real: PostgreSQL, Redis, the API and a worker as processes of their own, and "
        "a ConnectWise simulator that refuses what ConnectWise refuses. → is a signed message from "
        "Commerce, ✓ a step done in ConnectWise, * what somebody did. A line with an order's number "
        "and state is the service's own answer to why it is not further along."
    ),
    "",
)


@dataclass
class Result:
    """What the day came to. `groups`: the script's endings; `orders`: what the service says."""

    groups: Mapping[str, Sequence[Ending]]
    orders: Mapping[str, Mapping[str, Any]]
    counted: Mapping[str, Count]
    held: Sequence[Holding]
    watched: Case
    broken: Sequence[Finding]
    wrong: list[str]


def play(
    data_dir: Path, narrator: Narrator, other: Mapping[str, str], *, keep: bool, stay: bool = False
) -> list[str]:
    """Play the day; what was not as the script says. `other` expects other states of orders;
    `stay` lets everything run on after the end, until somebody interrupts it.

    Raises StackFailed, Interrupted and embedded.EmbeddedError, and leaves nothing behind then
    either.
    """
    started = time.monotonic()
    narrator.opening(*OPENING)
    with _directory(data_dir, keep=keep) as place:
        # Of settings only these: the demo must never reach a real ConnectWise, nor a database
        # that somebody uses. It runs in its own directory, where there is no .env.
        stack = Stack(place, environment(place, PACE), directory=place)
        with stack.running(narrator.opening):
            result = _play(stack, narrator, other)
            if stay:
                _tell(narrator, result, time.monotonic() - started)
                _stay(stack, narrator)
        if not stay:
            _tell(narrator, result, time.monotonic() - started)
        if keep:
            narrator.opening("", f"Data and logs are kept in {place}.")
    return result.wrong


def _play(stack: Stack, narrator: Narrator, other: Mapping[str, str]) -> Result:
    facts = description(stack)
    service = Service(stack.api_url, facts["commerce_webhook_secret"], facts["admin_key"])
    office = Office(facts["sandbox"]["connectwise"], facts["connectwise_headers"])
    bookkeeper = Bookkeeper(facts["sandbox"]["xero"], facts["xero_headers"])
    with (
        contextlib.closing(service),
        contextlib.closing(office),
        contextlib.closing(bookkeeper),
    ):
        day = Day(stack, service, office, narrator)
        groups = {title: checks.planted(told, other) for title, told in _told(day).items()}
        endings = [ending for told in groups.values() for ending in told]
        orders = checks.orders(endings, service)
        wrong = checks.deviations(endings, orders, checks.read(office))
        held = holdings.of(endings, office, bookkeeper)
        wrong += [fault for one in held for fault in one.faults()]
        wrong += holdings.strangers(held, bookkeeper)
        watched = _watched(service, office, facts["connectwise_headers"]["clientId"], endings)
        watched.books = bookkeeper.requests()
        broken = judge(watched)
        wrong += [f"The observer found: {finding}" for finding in broken]
    return Result(groups, orders, day.counted, held, watched, broken, wrong)


def _tell(narrator: Narrator, result: Result, seconds: float) -> None:
    _tell_end(narrator, result.groups, result.orders, result.counted)
    _tell_holdings(narrator, result.held)
    writes = result.watched.writes
    narrator.opening(
        "",
        f"An observer that shares no code with the service judged each of its {writes} writes to "
        f"ConnectWise by the rules of order: {len(result.broken) or 'none'} broken.",
    )
    _tell_verdict(narrator, result.wrong, sum(map(len, result.groups.values())), seconds)
    narrator.as_json(
        {
            "good": not result.wrong,
            "wrong": result.wrong,
            "watched": writes,
            "orders": result.orders,
            "calls": {number: vars(count) for number, count in result.counted.items()},
            "held": {
                one.sale.number: {"way": one.ending.way, **one.addresses} for one in result.held
            },
            "seconds": round(seconds, 1),
        }
    )


def _stay(stack: Stack, narrator: Narrator) -> None:
    """Until somebody interrupts: then that is the end that was asked for."""
    facts = description(stack)
    narrator.opening("", f"The console: {facts['console']} with the key {facts['admin_key']}")
    narrator.opening("Everything runs on until Ctrl-C. The records are read with these headers:")
    for name in ("connectwise_headers", "xero_headers"):
        for header, value in facts[name].items():
            narrator.opening(f"{header}: {value}")
    with contextlib.suppress(Interrupted):
        while True:
            stack.pause(STAY_SECONDS)


def _told(day: Day) -> dict[str, list[Ending]]:
    """Every story, in its group."""
    groups: dict[str, list[Ending]] = {}
    for title, stories in GROUPS:
        day.group(title)
        endings = groups.setdefault(title, [])
        for story in stories:
            told = story(day)
            endings += [told] if isinstance(told, Ending) else told
    return groups


def _watched(service: Service, office: Office, client_id: str, endings: Sequence[Ending]) -> Case:
    """The day as an outsider sees it: what was accepted, what ConnectWise was asked."""
    case = Case(service.accepted, office.requests(), office.first(), client_id)
    case.lost_on_decline = True  # one story switches it on
    case.bound = {one.sale.id: one.way for one in endings if one.way != case.scenario}
    return case


@contextmanager
def _directory(data_dir: Path, *, keep: bool) -> Iterator[Path]:
    """A place below the data directory, gone after the end."""
    parent = data_dir.absolute()
    fresh = not parent.exists()
    parent.mkdir(parents=True, exist_ok=True)
    place = Path(tempfile.mkdtemp(prefix="demo-", dir=parent))
    try:
        yield place
    finally:
        if not keep:
            shutil.rmtree(place, ignore_errors=True)
            if fresh:
                with contextlib.suppress(OSError):  # somebody else uses it by now
                    parent.rmdir()


def _tell_end(
    narrator: Narrator,
    groups: Mapping[str, Sequence[Ending]],
    orders: Mapping[str, Mapping[str, Any]],
    counted: Mapping[str, Count],
) -> None:
    narrator.grouped(
        "Where each order stands, and why",
        ("order", "customer", "state", "acts", "why"),
        [(name, [_row(end, orders) for end in endings]) for name, endings in groups.items()],
    )
    for number, calls in counted.items():
        narrator.table(
            f"Calls to ConnectWise for {number}, an order with a single purchase order",
            ("what for", "calls#"),
            (
                ("writes", calls.writes),
                ("reads of the order's own records", calls.reads),
                ("reference data, kept for the orders after it", calls.reference),
                ("polls and reads after callbacks", calls.polls),
                *((("not in the service's record", calls.untold),) if calls.untold else ()),
                ("together", calls.total),
            ),
        )


def _tell_holdings(narrator: Narrator, held: Sequence[Holding]) -> None:
    """Which system holds what, with links, for an order of each configuration; the amounts of all."""
    one_each = {one.ending.way: one for one in reversed(held)}
    chosen = [one_each[way] for way in sorted(one_each)]
    narrator.table(
        "Which system holds what: an order of each configuration (invoice and bill in Xero, the "
        "rest in ConnectWise)",
        ("order", *holdings.KINDS),
        holdings.table(chosen),
    )
    narrator.table(
        "Where to look, while the simulators run (demandlink demo --stay)",
        ("record", "address"),
        [row for one in chosen for row in holdings.links(one)],
    )
    narrator.table(
        "Commerce's amounts against those of ConnectWise and Xero",
        ("order", "what", "Commerce#", "there#", "difference#"),
        holdings.totals(held),
    )


def _row(ending: Ending, orders: Mapping[str, Mapping[str, Any]]) -> tuple[str, ...]:
    order = orders[ending.sale.number]
    answer = order["answer"]
    return (
        ending.sale.number,
        ending.sale.customer.name,
        order["state"],
        answer["who"],
        answer["sentence"],
    )


def _tell_verdict(narrator: Narrator, wrong: list[str], orders: int, seconds: float) -> None:
    for sentence in wrong:
        narrator.end(sentence, good=False)
    if wrong:
        narrator.end("The day did not end as the script says.", good=False)
        return
    narrator.end(
        f"All {orders} orders stand where they should, each with exactly one record of each kind "
        f"in ConnectWise ({seconds:.0f} s).",
        good=True,
    )
