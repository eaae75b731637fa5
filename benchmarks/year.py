"""Pages, lists and searches with a year of history behind them, and with a day's.

Plays the demo's orders to their ends, copies them over a year, and asks every door of both databases
in turn, over HTTP: each order once, so that little of it stands in memory.

Run: python -m benchmarks.year [--orders 50000] [--rounds 40] [--data-dir kept]
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from benchmarks import computing, filling
from sandbox.demo import PACE
from sandbox.demo.clients import Office, Service
from sandbox.demo.day import Day
from sandbox.demo.narrator import Narrator
from sandbox.demo.stories import GROUPS
from sandbox.stack import Stack, bound
from sandbox.up import description, environment

LIMIT_MS = 200.0  # of the order page
DEEP = 0.5  # of a list, where its deep page is
SLICE = 200  # entries of a REST answer, while the deep page is looked for
# Nothing is pruned: by default a year's calls and deliveries are not kept.
KEEPS = {"RETENTION_CALLS_DAYS": "0", "RETENTION_INBOX_DAYS": "0"}
FILLED = "filled"  # a file in a kept directory
WARM = 3  # requests to a door that are not counted: templates, plans, connections
COMPUTED = 3  # rounds of what takes long
SAMPLE = 500  # orders that are drawn to be looked at

_SAMPLE = """
SELECT number, state FROM orders WHERE number IS NOT NULL AND state = ANY ($2::text[])
ORDER BY random() LIMIT $1
"""
_WORDS = """
SELECT split_part(words, chr(10), 2) FROM document
WHERE kind = 'receipt' AND words IS NOT NULL ORDER BY random() LIMIT $1
"""
# The lists of REST with the pages that show them; how each is asked for anew with a cursor.
REST = {
    "orders": "/admin/orders?",
    "orders waiting": "/admin/orders?state=waiting&",
    "orders held": "/admin/orders?state=held&",
    "orders done": "/admin/orders?state=done&",
    "orders by a code": "/admin/orders?code=TOTAL_MISMATCH&",
    "orders by who acts": "/admin/orders?who=operator&",
    "orders by a beginning": "/admin/orders?number=ON1000120&",
    "orders by no beginning": "/admin/orders?number=XY&",
    "events": "/admin/events?",
    "events of a source": "/admin/events?source=connectwise&",
    "events rejected": "/admin/events?status=rejected&",
    "events merged": "/admin/events?status=merged&",
    "events rejected of a source": "/admin/events?source=xero&status=rejected&",
    "drift": "/admin/drift?",
    "drift open": "/admin/drift?standing=open&",
    "alerts": "/admin/alerts?",
    "search, everywhere": "/admin/search?q=N10001&",
    "mappings": "/admin/mappings?",
    "mappings of a kind": "/admin/mappings?kind=company&",
    "mappings, what many hold": "/admin/mappings?q=part-&",
    "mappings, what few hold": "/admin/mappings?q=ART-77&",
    "mappings, no hit": "/admin/mappings?q=zzqq&",
    "mappings, two letters": "/admin/mappings?q=bu&",
    "events dropped of a source": "/admin/events?source=commerce&status=dropped&",
}
PAGES = {
    "console: front": "/",
    "console: orders": "/orders",
    "console: orders held": "/orders?state=held",
    "console: inbox": "/inbox",
    "console: inbox rejected": "/inbox?status=rejected",
    "console: inbox unverified": "/inbox?status=unverified",
    "console: issues": "/issues",
    "console: replays": "/replay",
    "console: drift": "/drift",
    "console: connections": "/connections",
    "console: mappings": "/mappings",
    "console: mappings, what few hold": "/mappings?q=ART-77",
    "console: inbox dropped of a source": "/inbox?status=dropped&source=commerce",
    "console: settings": "/settings",
    "console: audit": "/audit",
}
MORE = {
    "REST: retention": "/admin/retention",
    "metrics": "/metrics",
    "nothing: /healthz": "/healthz",  # what any answer takes on this machine
}
# Console lists that have a cursor, by the REST list or the page that it is taken from.
NEXT = (
    "/orders",
    "/mappings",
    "/inbox",
    "/audit",
    "/drift?standing=closed",
    "/?q=N10001",
    "/replay",
)


@dataclass
class Side:
    """One database with its API: what is asked of it, and how long each answer took."""

    http: httpx.Client
    numbers: Mapping[str, Sequence[str]]
    words: Sequence[str]
    mappings: Sequence[int] = ()
    deep: Mapping[str, str] = field(default_factory=dict)
    took: dict[str, list[float]] = field(default_factory=dict)

    def ask(
        self, door: str, address: str, *, body: Any = None, counted: bool = True
    ) -> httpx.Response:
        begun = time.perf_counter()
        answer = self.http.request("GET" if body is None else "POST", address, json=body)
        took = (time.perf_counter() - begun) * 1000
        if answer.status_code not in (200, 201, 303):
            raise RuntimeError(f"{address}: {answer.status_code} {answer.text[:500]}")
        if counted:
            self.took.setdefault(door, []).append(took)
        return answer


def _doors(side: Side, chance: random.Random) -> Iterator[tuple[str, str, Any]]:
    """Every door with an address of this round, and what is sent to it where it is no question."""
    for door, address in _read(side, chance):
        yield door, address, None
    for state, numbers in side.numbers.items():
        if not numbers:
            continue
        asked = {"orders": [chance.choice(numbers)]}
        other = {"scenario": computing.OTHER}
        yield f"REST: what-if of an order, {state}", "/admin/what-if", {**asked, **other}
        page = f"/what-if?orders={chance.choice(numbers)}&scenario={computing.OTHER}"
        yield f"console: what-if of an order, {state}", page, None
        plan = {**asked, "reason": computing.REASON}
        yield f"REST: plan a replay of an order, {state}", "/admin/replays", plan


def _read(side: Side, chance: random.Random) -> Iterator[tuple[str, str]]:
    for state, numbers in side.numbers.items():
        if not numbers:
            continue
        number = chance.choice(numbers)
        yield f"console: order, {state}", f"/orders/{number}"
        number = chance.choice(numbers)
        yield f"REST: order, {state}", f"/admin/orders/{number}"
        yield "REST: journal of an order", f"/admin/orders/{number}/journal"
        yield "REST: calls of an order", f"/admin/orders/{number}/calls"
    if side.mappings:
        one = chance.choice(side.mappings)
        yield "REST: a mapping", f"/admin/mappings/{one}"
        yield "console: a mapping's form", f"/mappings?edit={one}"
    number = chance.choice(side.numbers["done"])
    yield "search: a whole number", f"/admin/search?q={number}"
    yield "search: inside a number", f"/admin/search?q={number[5:]}"
    yield "search: a supplier's invoice", f"/admin/search?q={chance.choice(side.words)}"
    yield "search: a customer, inside", "/admin/search?q=ontos"
    yield "search: two letters", "/admin/search?q=co"
    yield "search: no hit", f"/admin/search?q=zz{chance.randrange(10**6)}qq"
    yield "search: no hit, known parts", f"/admin/search?q=ON1000999{chance.randrange(10**4)}ON"
    yield "console: search", f"/?q={number[4:]}"
    for name, address in REST.items():
        yield f"REST: {name}", address.rstrip("?&")
    yield from PAGES.items()
    yield from MORE.items()
    yield from side.deep.items()


def _find_deep(side: Side, rows: int) -> None:
    """Addresses of pages in the middle of each list, by going there."""
    deep: dict[str, str] = {}
    for name, address in REST.items():
        cursor = None
        for _ in range(max(1, int(rows * DEEP) // SLICE)):
            more = f"&cursor={cursor}" if cursor else ""
            answer = side.ask("", f"{address}limit={SLICE}{more}", counted=False).json()
            if answer.get("next") is None:
                break
            cursor = answer["next"]
        if cursor:
            deep[f"REST: {name}, deep"] = f"{address}cursor={cursor}"
    for address in NEXT:
        page = address
        for _ in range(max(1, int(rows * DEEP) // SLICE // 4)):
            following = _following(side.ask("", page, counted=False).text, address)
            if following is None:
                break
            page = following
        if page != address:
            deep[f"console: {address}, deep"] = page
    side.deep = deep


def _following(text: str, address: str) -> str | None:
    """Where a page's link to its next one leads."""
    path = address.partition("?")[0]
    for piece in text.split('href="')[1:]:
        target = piece.partition('"')[0].replace("&amp;", "&")
        if target.startswith(f"{path}?") and "cursor=" in target:
            return target
    return None


def _signed_in(url: str, key: str) -> httpx.Client:
    http = httpx.Client(
        base_url=url, timeout=60, trust_env=False, headers={"authorization": f"Bearer {key}"}
    )
    answer = http.post("/sign-in", data={"key": key, "to": "/"})
    if answer.status_code != httpx.codes.SEE_OTHER:
        raise RuntimeError(f"The sign-in was answered {answer.status_code}.")
    return http


async def _drawn(
    database_url: str,
) -> tuple[Mapping[str, Sequence[str]], Sequence[str], Sequence[int]]:
    """Numbers of orders by how they stand, suppliers' invoices, and ids of mappings."""
    connection = await asyncpg.connect(database_url)
    numbers = {}
    for state, kinds in (("done", ["done"]), ("open", ["waiting", "held", "parked"])):
        found = await connection.fetch(_SAMPLE, SAMPLE, kinds)
        numbers[state] = [row["number"] for row in found]
    words = [row[0] for row in await connection.fetch(_WORDS, SAMPLE)]
    found = await connection.fetch("SELECT id FROM mapping ORDER BY random() LIMIT $1", SAMPLE)
    mappings = [row["id"] for row in found]
    await connection.close()
    return numbers, words, mappings


def _play(stack: Stack) -> None:
    """The demo's day, without telling it."""
    facts = description(stack)
    service = Service(stack.api_url, facts["commerce_webhook_secret"], facts["admin_key"])
    office = Office(facts["sandbox"]["connectwise"], facts["connectwise_headers"])
    with contextlib.closing(service), contextlib.closing(office):
        day = Day(stack, service, office, Narrator(as_json=True))
        for _, stories in GROUPS:
            for story in stories:
                story(day)


def _end(stack: Stack, name: str) -> None:
    child = stack.children.pop(name)
    child.process.terminate()
    child.process.wait(60)


async def _twice(database_url: str) -> str:
    """A second database as the first one stands; its address."""
    server, _, name = database_url.rpartition("/")
    connection = await asyncpg.connect(f"{server}/postgres")
    with contextlib.suppress(asyncpg.DuplicateDatabaseError):  # it was kept
        await connection.execute(f'CREATE DATABASE year_small TEMPLATE "{name}"')
    await connection.close()
    return f"{server}/year_small"


def _serve(stack: Stack, name: str, database_url: str) -> str:
    """Another API, on this database; its address."""
    stack.environment["DATABASE_URL"] = database_url
    with bound("127.0.0.1", 0) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        stack.spawn(name, "serve", "--fd", str(listener.fileno()), fds=[listener.fileno()])
    with httpx.Client(base_url=url, trust_env=False, timeout=10) as http:
        for _ in range(600):
            stack.pause(0.1)
            with contextlib.suppress(httpx.HTTPError):
                if http.get("/healthz").status_code == httpx.codes.OK:
                    return url
    raise RuntimeError(f"The API {name} does not answer.")


def measure(
    orders: int, rounds: int, kept: Path | None, say: Callable[[str], Any]
) -> Mapping[str, list[float]]:
    """Print p50 and p99 of each door with a year, and how they compare; the year's times by door.
    `kept` is filled once, and measured again as it is."""
    with contextlib.ExitStack() as stays:
        place = kept or Path(stays.enter_context(tempfile.TemporaryDirectory()))
        place.mkdir(parents=True, exist_ok=True)
        known = (place / FILLED).exists()
        stack = Stack(place, environment(place, {**PACE, **KEEPS}), directory=place)
        stays.enter_context(stack.running(lambda _: None))
        if not known:
            _play(stack)
        for name in ("worker", "api"):
            _end(stack, name)
        whole = stack.environment["DATABASE_URL"]
        small = asyncio.run(_twice(whole))
        if not known:
            begun = time.perf_counter()
            asyncio.run(filling.fill(whole, orders))
            say(f"Filled in {time.perf_counter() - begun:.0f} s.")
            (place / FILLED).touch()
        year = asyncio.run(filling.told(whole))
        rows = ", ".join(f"{count} {name}" for name, count in year.rows.items())
        say(f"A year, {year.size / 2**30:.1f} GiB: {rows}.")
        key = stack.environment["ADMIN_API_KEY"]
        sides = [
            Side(_signed_in(_serve(stack, name, url), key), *asyncio.run(_drawn(url)))
            for name, url in (("api-small", small), ("api-year", whole))
        ]
        _find_deep(sides[0], 0)
        _find_deep(sides[1], year.rows["orders"])
        chance = random.Random(rounds)  # noqa: S311 - which order is looked at, no secret
        for turn in range(rounds + WARM):
            for side in sides:
                for door, address, body in _doors(side, chance):
                    side.ask(door, address, body=body, counted=turn >= WARM)
        computed = computing.compute(sides[1].http, sides[1].numbers["done"], COMPUTED)
        for side in sides:
            side.http.close()
    _tell(sides[0].took, sides[1].took, say)
    computing.tell(computed, say)
    return sides[1].took


def _tell(
    small: Mapping[str, list[float]], whole: Mapping[str, list[float]], say: Callable[[str], Any]
) -> None:
    say(f"{'door':44} {'p50 ms':>8} {'p99 ms':>8} {'ratio of p50 to a day of history':>34}")
    for door, took in sorted(whole.items(), key=lambda one: -_at(one[1], 0.99)):
        beside = small.get(door) or small.get(door.removesuffix(", deep"))
        ratio = f"{_at(took, 0.5) / _at(beside, 0.5):.1f}" if beside else "-"
        say(f"{door:44} {_at(took, 0.5):8.1f} {_at(took, 0.99):8.1f} {ratio:>34}")
    slow = {door for door, took in whole.items() if _at(took, 0.99) >= LIMIT_MS}
    say(f"Doors that took {LIMIT_MS:.0f} ms or longer: {', '.join(sorted(slow)) or 'none'}.")


def _at(times: Sequence[float], part: float) -> float:
    """The time that this part of all stays within."""
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--data-dir", type=Path, help="kept, and measured again without filling")
    given = parser.parse_args()
    kept = given.data_dir.absolute() if given.data_dir else None
    measure(given.orders, given.rounds, kept, lambda text: sys.stdout.write(f"{text}\n"))
