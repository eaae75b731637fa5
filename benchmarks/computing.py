"""What is computed of many orders, not read: what-if of a month, plans of replays; and who waits meanwhile.

Owns the questions and how the answers are told. While each is worked on, another client asks for pages
of single orders: what a computation takes from others is what those wait longer.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

OTHER = "commerce-invoicing"  # the scenario that orders are played through; the demo's is another
MONTH = 30
DAYS = (7, 3, 1)  # asked for in turn where a month is more than one answer takes
CODE = "TOTAL_MISMATCH"
REASON = "to see what it would do"


@dataclass
class Computed:
    """One question: how long its answer took, of how many orders, and what others waited meanwhile."""

    took: float
    told: str
    beside: list[float] = field(default_factory=list)


@dataclass
class _Beside:
    """Somebody else's pages, asked one after the other until the computation ends."""

    url: str
    cookies: httpx.Cookies
    addresses: Sequence[str]
    took: list[float] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        with httpx.Client(
            base_url=self.url, cookies=self.cookies, timeout=60, trust_env=False
        ) as http:
            for address in itertools.cycle(self.addresses):
                begun = time.perf_counter()
                http.get(address).raise_for_status()
                self.took.append((time.perf_counter() - begun) * 1000)
                if self.ended.wait(0.02):
                    return


def questions(
    http: httpx.Client, orders: Sequence[str]
) -> Iterator[tuple[str, Callable[[], tuple[bool, str]]]]:
    """Each question by its name; it says whether it was answered, and of how many orders."""
    for days in (MONTH, *DAYS):
        yield f"what-if, the last {days} days", lambda days=days: _what_if(http, days)  # type: ignore[misc]
    yield "a plan, by a filter", lambda: _planned(http, {"filter": {"code": CODE}})
    yield "a plan, of an issue's group", lambda: _of_issue(http)
    yield "a plan, of 500 orders", lambda: _planned(http, {"orders": orders})
    made = http.post("/admin/replays", json={"orders": orders, "reason": REASON}).json()
    yield "the page of a plan of 500 orders", lambda: _page(http, f"/replay/{made['id']}")


def _what_if(http: httpx.Client, days: int) -> tuple[bool, str]:
    answer = http.post("/admin/what-if", json={"days": days, "scenario": OTHER})
    if answer.status_code != httpx.codes.OK:
        return False, str(answer.json()["detail"])
    found = answer.json()
    return True, f"{found['orders']} orders, {found['different']} differ"


def _planned(http: httpx.Client, chosen: Mapping[str, Any]) -> tuple[bool, str]:
    answer = http.post("/admin/replays", json={**chosen, "reason": REASON})
    if answer.status_code != httpx.codes.CREATED:
        return False, str(answer.json()["detail"])
    return True, f"{answer.json()['orders']} orders"


def _page(http: httpx.Client, address: str) -> tuple[bool, str]:
    answer = http.get(address).raise_for_status()
    return True, f"{len(answer.content) // 1024} KiB"


def _of_issue(http: httpx.Client) -> tuple[bool, str]:
    """By the console's form: the largest group that a plan takes."""
    page = http.get("/issues").text
    for piece in page.split('action="/issues/plan"')[1:]:
        form = {
            name: value
            for name in ("form", "code", "step", "endpoint")
            if (value := _hidden(piece.partition("</form>")[0], name)) is not None
        }
        answer = http.post("/issues/plan", data={**form, "reason": REASON})
        if answer.status_code == httpx.codes.SEE_OTHER:
            found = http.get(answer.headers["location"].replace("/replay/", "/admin/replays/"))
            return True, f"{found.json()['orders']} orders of {form['code']}"
    return False, "no group was planned"


def _hidden(text: str, name: str) -> str | None:
    _, found, rest = text.partition(f'name="{name}" value="')
    return rest.partition('"')[0] if found else None


def compute(
    http: httpx.Client, orders: Sequence[str], rounds: int
) -> Mapping[str, Sequence[Computed]]:
    """Ask each so many times, with somebody else beside; a page is asked alone for as long first."""
    addresses = ["/healthz", *(f"/orders/{number}" for number in orders[:20])]
    found: dict[str, list[Computed]] = {}
    for _ in range(rounds):
        for name, ask in [("nothing", lambda: (not time.sleep(2), "")), *questions(http, orders)]:
            other = _Beside(str(http.base_url), http.cookies, addresses)
            thread = threading.Thread(target=other.run)
            thread.start()
            begun = time.perf_counter()
            try:
                answered, told = ask()
            finally:
                took = time.perf_counter() - begun
                other.ended.set()
                thread.join()
            said = told if answered else f"refused: {told}"
            found.setdefault(name, []).append(Computed(took, said, other.took))
    return found


def tell(found: Mapping[str, Sequence[Computed]], say: Callable[[str], Any]) -> None:
    say(f"{'computed':34} {'s':>6} {'others: p50 ms':>15} {'longest ms':>11}  of what")
    for name, rounds in found.items():
        waited = sorted(one for each in rounds for one in each.beside)
        took = sorted(each.took for each in rounds)[len(rounds) // 2]
        say(
            f"{name:34} {took:6.2f} {waited[len(waited) // 2]:15.1f} {waited[-1]:11.1f}  "
            f"{rounds[-1].told}"
        )
