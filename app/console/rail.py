"""The rail: an order's way from Commerce to the ledger, as its scenario goes.

Owns the stops, each with its state and count. Pure: from the explanation that every reader gets.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from app.console.words import grouped
from app.domain.codes import Code, State
from app.domain.views import Explained, LineView, StepView
from app.sync.operations import Story

AHEAD = "ahead"  # nothing is there yet to be done
_WORST = (State.HELD, State.PARKED, State.RUNNING, State.WAITING)
_OFF = (State.SKIPPED, State.NOT_NEEDED, State.CANCELLED)


@dataclass(frozen=True, slots=True)
class Stop:
    """`count` tells how much of it is there, empty where that says nothing."""

    name: str
    state: str
    count: str = ""
    note: str = ""


# A stop stands where the scenario has one of its steps.
STOPS: Sequence[tuple[str, tuple[str, ...]]] = (
    ("Ticket", ("raise_ticket",)),
    ("Products", ("create_products",)),
    ("Opportunity won", ("win_opportunity",)),
    ("Opportunity lost", ("lose_opportunity",)),
    ("Sales order", ("create_sales_order",)),
    ("Demand closed", ("stop_demand",)),
    ("Purchase orders", ("sync_purchase_order", "post_purchase_order")),
    ("Suggestions", ("suggest_purchase", "mail_suggestion")),
    ("Demand linked", ("link_demand",)),
    ("Received", ("receive_purchase_order",)),
    ("Shipped", ("ship_goods",)),
    ("Bills", ("post_bill",)),
    ("Invoice gate", ("release_invoice",)),
)
_BY_LINE = {
    "Demand linked": "linked",
    "Received": "received",
}


def rail(story: Story, steps: Sequence[str]) -> list[Stop]:
    """Every stop of the order's way. `steps` are those of its scenario."""
    explained = story.explained
    names = {step.step for step in explained.steps} | set(steps)
    if story.order.stock or story.order.of_quote:
        names = {step.step for step in explained.steps}
    known = story.order.number is not None
    stops = [Stop("Commerce order", State.DONE if known else State.WAITING)]
    for name, of in STOPS:
        if names.isdisjoint(of):
            continue
        own = [step for step in explained.steps if step.step in of]
        column = _BY_LINE.get(name)
        count = _of_lines(explained, column) if column else _of_steps(own)
        stops.append(Stop(name, _together(own), count))
    if "release_invoice" in names:
        stops += _invoiced_elsewhere(explained)
    if "post_invoice" in names:
        own = [step for step in explained.steps if step.step == "post_invoice"]
        stops.append(Stop("Invoice in the ledger", _together(own), _of_steps(own)))
    if explained.answer.state is State.CANCELLED:
        return [_never(stop) for stop in stops]
    return stops


def _never(stop: Stop) -> Stop:
    """A stop of an order that was cancelled: what was not reached will not be."""
    return stop if stop.state in (State.DONE, *_WORST) else Stop(stop.name, State.NOT_NEEDED)


def _together(steps: Sequence[StepView]) -> str:
    """The state of several steps: the one that a person should see."""
    # What only waits for an earlier step is not reached yet: the clock stands where it stops.
    states = [AHEAD if step.code is Code.EARLIER_STEP else step.state for step in steps]
    for state in _WORST:
        if state in states:
            return state
    if State.DONE in states:
        return State.DONE
    return State.NOT_NEEDED if states and all(state in _OFF for state in states) else AHEAD


def _of_steps(steps: Sequence[StepView]) -> str:
    counted = [step for step in steps if step.state not in _OFF]
    done = sum(step.state is State.DONE for step in counted)
    return f"{done} of {len(counted)}" if len(counted) > 1 else ""


def _of_lines(explained: Explained, column: str) -> str:
    goods = [line for line in explained.lines if line.line not in explained.services]
    if not goods:
        return ""
    whole = total(goods, "on_purchase_orders")
    if not whole:
        return ""
    return f"{_number(total(goods, column))} of {_number(whole)}"


def _invoiced_elsewhere(explained: Explained) -> list[Stop]:
    """ConnectWise makes the invoice, and what posts it to the ledger is another's (G9)."""
    whole, invoiced = total(explained.lines, "ordered"), total(explained.lines, "invoiced")
    count = f"{_number(invoiced)} of {_number(whole)}" if whole else ""
    if invoiced and invoiced >= whole:
        state: str = State.DONE
    else:
        free = total(explained.lines, "invoiceable") > invoiced
        state = State.WAITING if invoiced or free else AHEAD
    tool = explained.readiness.tool if explained.readiness is not None else ""
    note = f"posted by {tool}" if tool else "posted from ConnectWise"
    return [
        Stop("Invoice", state, count, "made in ConnectWise"),
        Stop("Ledger", "elsewhere", "", note),
    ]


def total(lines: Iterable[LineView], column: str) -> Decimal:
    return sum((Decimal(getattr(line, column)) for line in lines), Decimal(0))


def _number(value: Decimal) -> str:
    return grouped(f"{value.normalize():f}")
