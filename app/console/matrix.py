"""The line matrix: what each system says of each line, the difference and its reason.

Owns the last column and the laws of conservation. Pure: from the explanation that every reader gets.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from app.console.rail import total
from app.domain.codes import Code, State
from app.domain.views import Explained, LineView, StepView

COLUMNS: Sequence[tuple[str, str]] = (
    ("ordered", "Ordered"),
    ("on_purchase_orders", "On purchase orders"),
    ("received", "Received"),
    ("linked", "Linked"),
    ("shipped", "Shipped"),
    ("invoiceable", "Invoiceable"),
    ("invoiced", "Invoiced"),
    ("posted", "Posted"),
)
# Which system says them, with how many of the columns.
SYSTEMS: Sequence[tuple[str, int]] = (("commerce", 3), ("connectwise", 4), ("ledger", 1))
_OF_GOODS = ("on_purchase_orders", "received", "linked", "shipped")
NOTHING = "–"  # the column says nothing of this line


@dataclass(frozen=True, slots=True)
class Row:
    """`cells` follow COLUMNS. `missing`: how much of the line is not through, empty for nothing."""

    line: int
    title: str
    cells: tuple[str, ...]
    missing: str
    reason: str
    code: Code | None


@dataclass(frozen=True, slots=True)
class Law:
    sentence: str
    holds: bool


def rows(explained: Explained, steps: Sequence[str]) -> list[Row]:
    """The matrix. `steps` are those of the order's scenario: what it does not do stays empty."""
    posts = _posted(explained)
    return [_row(explained, line, steps, posts) for line in explained.lines]


def _row(
    explained: Explained, line: LineView, steps: Sequence[str], posts: Callable[[LineView], str]
) -> Row:
    by_us = "post_invoice" in steps
    cells = []
    for name, _ in COLUMNS:
        if name == "posted":
            cells.append(posts(line) if by_us else NOTHING)
        elif (
            (name in _OF_GOODS and line.line in explained.services)
            or (name == "linked" and "link_demand" not in steps)
            or (name == "shipped" and "ship_goods" not in steps)
            or (name in ("invoiceable", "invoiced") and "release_invoice" not in steps)
        ):
            cells.append(NOTHING)
        else:
            cells.append(getattr(line, name))
    missing, reason, code = _difference(explained, line, steps, posts(line) if by_us else None)
    return Row(line.line, line.title, tuple(cells), missing, reason, code)


def _posted(explained: Explained) -> Callable[[LineView], str]:
    """An invoice of ours carries every line once it stands (C3)."""
    own = [step for step in explained.steps if step.step == "post_invoice"]
    done = bool(own) and all(step.state is State.DONE for step in own)
    return lambda line: line.ordered if done else "0"


def _difference(
    explained: Explained, line: LineView, steps: Sequence[str], posted: str | None
) -> tuple[str, str, Code | None]:
    """How much is not through, and what the gates say of it."""
    ordered = Decimal(line.ordered)
    on, received, linked = (
        Decimal(getattr(line, name)) for name in ("on_purchase_orders", "received", "linked")
    )
    goods = line.line not in explained.services
    through = Decimal(posted) if posted is not None else Decimal(line.invoiced)
    if through >= ordered:
        return "", "", None
    missing = _number(ordered - through)
    if explained.answer.state is State.CANCELLED:
        return missing, "The order is cancelled.", Code.CANCELLED
    if explained.answer.state in (State.HELD, State.PARKED):
        return missing, explained.answer.sentence, explained.answer.code
    free = Decimal(line.invoiceable) - Decimal(line.invoiced)
    if free > 0:
        return missing, "Free to be invoiced in ConnectWise.", Code.RELEASED
    if goods and "link_demand" in steps and linked < on and _stopped(explained, "link_demand"):
        step = _stopped(explained, "link_demand")
        return _told(_number(on - linked), "not linked to demand", step)
    if goods and received < on:
        return _told(_number(on - received), "to be received", _stopped(explained, *_RECEIVING))
    if goods and on < ordered and posted is None and "release_invoice" in steps:
        return _told(_number(ordered - on), "on no purchase order", _stopped(explained, *_ENDS))
    step = _stopped(explained, *_ENDS)
    if step is None:
        return missing, explained.answer.sentence, explained.answer.code
    if step.code is Code.GOODS_NOT_RECEIVED and received >= on and (others := _behind(explained)):
        return missing, f"Complete: the order waits for {others}.", step.code
    return missing, step.sentence or "", step.code


def _behind(explained: Explained) -> str:
    """The lines whose goods are still to come: the gate's sentence names only the first."""
    behind = [
        one.line
        for one in explained.lines
        if one.line not in explained.services
        and Decimal(one.received) < Decimal(one.on_purchase_orders)
    ]
    if len(behind) > 1:
        return f"{len(behind)} other lines"
    return f"line {behind[0]}" if behind else ""


_RECEIVING = ("receive_purchase_order", "sync_purchase_order", "post_bill", "post_purchase_order")
_ENDS = ("release_invoice", "post_invoice")


def _told(missing: str, what: str, step: StepView | None) -> tuple[str, str, Code | None]:
    """What the step that stopped says; where none did, the plain difference."""
    if step is not None and step.sentence and step.code is not Code.EARLIER_STEP:
        return missing, step.sentence, step.code
    return missing, f"{missing} {what}.", step.code if step is not None else None


def _stopped(explained: Explained, *names: str) -> StepView | None:
    for name in names:
        for step in explained.steps:
            if step.step == name and step.state in (State.WAITING, State.HELD, State.PARKED):
                return step
    return None


def laws(explained: Explained) -> list[Law]:
    """What has to be true of the numbers whatever happens (console.md)."""
    lines, bought = explained.lines, explained.purchase_orders
    if not lines:
        return []

    def never(less: str, more: str) -> Law:
        broken = [
            line.title
            for line in lines
            if Decimal(getattr(line, less)) > Decimal(getattr(line, more))
        ]
        told = f"{less.capitalize()} ≤ {more}"
        return Law(f"{told}: not for {', '.join(broken)}" if broken else told, not broken)

    found = [never("received", "ordered"), never("linked", "ordered")]
    if any(Decimal(line.invoiced) for line in lines):
        found.append(never("invoiced", "invoiceable"))
    if bought:
        for name, own in (
            ("received", "received"),
            ("linked", "linked"),
            ("on_purchase_orders", "sold"),
        ):
            here = total(lines, name)
            there = sum(getattr(one, own) for one in bought)
            words = name.replace("_", " ")
            told = f"{words.capitalize()} by line = by purchase order: {_number(here)}"
            same = here == there
            found.append(Law(told if same else f"{told} ≠ {there}", same))
    return found


def _number(value: Decimal) -> str:
    return f"{value.normalize():f}"
