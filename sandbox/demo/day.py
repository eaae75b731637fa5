"""What a story may do: post events, follow an order until it stands where it should, count calls.

Owns the waiting and the telling of progress. Every wait has an end and says what it waited for.
"""

from __future__ import annotations

import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sandbox.demo.clients import Office, Service, names
from sandbox.demo.counting import Count, count
from sandbox.demo.events import Event
from sandbox.demo.goods import Party
from sandbox.demo.narrator import Narrator, Telling, told
from sandbox.stack import Stack, StackFailed

PATIENCE_SECONDS = 30.0
LOOK_SECONDS = 0.05
QUIET_SECONDS = 1.2  # without a request to ConnectWise: what an order set off has come to rest
JOURNAL_LINES = 8


class Day:
    """The stories' surroundings, with what has been told already."""

    def __init__(self, stack: Stack, service: Service, office: Office, narrator: Narrator) -> None:
        self.stack = stack
        self.service = service
        self.office = office
        self._narrator = narrator
        self._stories = 0
        self._told: dict[tuple[str, str, str, int], str] = {}  # with when it was finished
        self.counted: dict[str, Count] = {}

    def group(self, title: str) -> None:
        """Stories of one kind follow."""
        self._narrator.group(title)

    def begin(self, title: str, text: str) -> None:
        self._stories += 1
        self._narrator.story(self._stories, title, text)

    def happened(self, what: str) -> None:
        self._narrator.happened(what)

    def post(self, *events: Event) -> None:
        for event in events:
            self.service.post(event)
        self._narrator.sent(names(events))

    def post_thrice(self, event: Event) -> None:
        """Once, again under the same id (Commerce is told: a duplicate), and under a new id."""
        identity = f"msg_{uuid.uuid4().hex}"
        answers = [self.service.post(event, identity), self.service.post(event, identity)]
        if [answer["duplicate"] for answer in answers] != [False, True]:
            raise StackFailed(f"A repeated delivery of {event['type']} was not seen as one.")
        self.service.post(event)
        self._narrator.sent(f"{event['type']}, three times")

    def bind(self, customer: Party, scenario: str) -> None:
        """ConnectWise knows a further customer, whose orders follow a scenario of their own."""
        self.office.make_customer(customer)
        self.service.map("scenario", f"customer:{customer.id}", scenario)
        self.happened(f"{customer.name} is bound to the scenario {scenario}.")

    def decide(self, number: str, code: str, choice: str, reason: str) -> None:
        """A person decides what the service asks for."""
        self.service.decide(number, code, choice, reason)
        self.happened(f"A person decides {choice}: {reason}")

    def read_journal(self, number: str, says: str) -> None:
        """Tell the sentence of the order's journal that says so, once it stands there."""
        found: list[str] = []

        def there() -> bool:
            found[:] = [line for line in self.service.journal(number) if says in line]
            return bool(found)

        self.wait_for(there, f"the journal of {number} to say {says!r}", number)
        self.happened(f"The journal of {number}: {found[-1]}")

    def look(self, number: str) -> None:
        """Tell what is done by now."""
        order = self.service.order(number)
        if order is not None:
            self._tell_steps(order)

    def follow(self, number: str, state: str, code: str | None = None, says: str = "") -> None:
        """Tell each step as it is done, until the order stands as wanted. Raises StackFailed."""

        def there() -> bool:
            order = self.service.order(number)
            if order is None:
                return False
            self._tell_steps(order)
            answer = order["answer"]
            if order["state"] != state or (code and answer["code"] != code):
                return False
            if says not in answer["sentence"]:
                return False
            self._narrator.stands(order)
            return True

        self.wait_for(there, f"{number} to be {state}{f' with {code}' if code else ''}", number)

    def _tell_steps(self, order: dict[str, Any]) -> None:
        stock = order["number"].startswith("PO")
        parts: Counter[tuple[str, str]] = Counter()
        for step in order["steps"]:
            # A purchase order and its lines without a link are two subjects of the same name.
            part = parts[step["step"], step["subject"]]
            parts[step["step"], step["subject"]] += 1
            key = (order["number"], step["step"], step["subject"], part)
            finished = step["finished_at"]
            if step["state"] == "done" and finished and self._told.get(key) != finished:
                how = Telling(again=key in self._told, stock=stock, unlinked=part > 0)
                self._narrator.step(told(step, how))
                self._told[key] = finished

    def wait_for(self, true: Callable[[], bool], what: str, number: str = "") -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not true():
            if time.monotonic() > deadline:
                raise StackFailed(
                    f"Waited {PATIENCE_SECONDS:.0f} s for {what}.{self._how_it_stands(number)}"
                )
            self.stack.pause(LOOK_SECONDS)

    def _how_it_stands(self, number: str) -> str:
        order = self.service.order(number) if number else None
        if order is None:
            return ""
        answer = order["answer"]
        journal = self.service.journal(number)[-JOURNAL_LINES:]
        lines = [f"    {line}" for line in journal]
        stands = f" It is {order['state']} ({answer['code']}): {answer['sentence']}"
        return "\n".join([stands, "  Its journal ends with:", *lines])

    def prove_once(self, method: str, path: str) -> None:
        """ConnectWise's own log shows the request a single time. Raises StackFailed."""
        wanted = (method, path)
        found = [
            1 for entry in self.office.requests() if (entry["method"], entry["path"]) == wanted
        ]
        if len(found) != 1:
            raise StackFailed(f"ConnectWise was asked {len(found)} times for {method} {path}.")
        self.happened("ConnectWise's log: it was asked for that sales order once.")

    @contextmanager
    def counting(self, number: str) -> Iterator[None]:
        """Count what ConnectWise is asked meanwhile, with what comes after by itself."""
        before = self.office.last_request()
        yield
        self._settle()
        self.counted[number] = count(self.office.requests(before), self.service.calls(number))

    def _settle(self) -> None:
        """Callbacks of the last writes are still on their way: wait until nothing is asked."""
        last, since = self.office.last_request(), time.monotonic()
        while time.monotonic() - since < QUIET_SECONDS:
            self.stack.pause(LOOK_SECONDS * 2)
            now = self.office.last_request()
            if now != last:
                last, since = now, time.monotonic()
