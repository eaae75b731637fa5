"""The timeline: attempts, waits and holds of an order as lanes, idle time folded.

Owns the geometry of the drawing and the same data as rows. Pure: moments in, numbers out.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from app.console.words import day, plain, span, system_word
from app.domain.codes import Code, State
from app.domain.desk import Run
from app.domain.reasons import CODES
from app.domain.views import JournalRow
from app.steps import CALLED, LEDGER_STEPS

LABELS, ROW, TOP, RIGHT = 196, 26, 34, 16
WIDTH = 1196  # the least; a long story is wider and scrolls
FOLD = timedelta(seconds=90)
FOLDED = 54
TICK = 64  # how much room a moment takes
SERVICE = "service"
LANES = ("commerce", "connectwise", "ledger", "mail", "people")
_ENDS = ("HOLD_RELEASED", "WOKEN")


@dataclass(frozen=True, slots=True)
class Piece:
    """A thing that took time, or happened. `kind`: attempt, failed, wait, hold or event."""

    kind: str
    lane: str
    row: str
    start: datetime
    end: datetime | None  # None: until now
    told: str
    attempt: int = 0


@dataclass(frozen=True, slots=True)
class Shape:
    """A piece as it is drawn."""

    kind: str
    x: float
    y: float
    width: float
    title: str


@dataclass(slots=True)
class Drawing:
    width: float = WIDTH
    height: float = 0
    lanes: list[tuple[str, float, float]] = field(default_factory=list)  # name, y, height
    labels: list[tuple[str, float]] = field(default_factory=list)
    shapes: list[Shape] = field(default_factory=list)
    folds: list[tuple[float, float, str]] = field(default_factory=list)  # x, width, how long
    ticks: list[tuple[float, str]] = field(default_factory=list)
    end: tuple[float, str] | None = None  # where the story ends, and when; None without room


def pieces(
    runs: Sequence[Run], journal: Sequence[JournalRow], standing: Collection[str]
) -> list[Piece]:
    """Everything that the drawing shows, in the order in which it began. `standing`: the steps that
    wait or are held now, "" for the whole order; only these go on until now."""
    found = [_attempt(run) for run in runs]
    open_: dict[tuple[str, str], tuple[JournalRow, str]] = {}
    for row in journal:
        entry = row.entry
        key = (entry.step or "", entry.subject or "")
        if entry.code in _ENDS:
            key = ("", "")
        if key in open_ and (entry.step or entry.code in _ENDS):
            found.append(_span(*open_.pop(key), row.at))
        kind = _stops(entry.code)
        if kind is not None:
            open_[key] = (row, kind)
        elif entry.actor != SERVICE:
            found.append(_event("people", entry.actor, row))
        elif entry.step is None and entry.code == "DOCUMENT_MERGED":
            found.append(_event("commerce", "Documents", row))
    finished = {
        (run.step, run.subject): run.finished_at
        for run in runs
        if run.finished_at is not None and run.state == State.DONE
    }
    for key, (row, kind) in open_.items():
        ended = finished.get(key)
        if ended is None or ended < row.at:
            ended = None if key[0] in standing else row.at
        found.append(_span(row, kind, ended))
    return sorted(found, key=lambda piece: piece.start)


def _attempt(run: Run) -> Piece:
    went = run.state in (State.DONE, State.RUNNING)
    return Piece(
        "attempt" if went else "failed",
        _lane(run.step),
        plain(run.step).capitalize(),
        run.started_at,
        run.finished_at,
        f"Attempt {run.attempt}: {plain(run.state)}",
        run.attempt,
    )


def _lane(step: str) -> str:
    if step in LEDGER_STEPS:
        return "ledger"
    return "mail" if step in CALLED else "connectwise"


def _stops(code: str) -> str | None:
    if code not in Code.__members__ or code not in CODES:
        return None
    state = CODES[Code(code)].state
    if state is State.WAITING:
        return "wait"
    return "hold" if state in (State.HELD, State.PARKED) else None


def _span(row: JournalRow, kind: str, end: datetime | None) -> Piece:
    entry = row.entry
    lane = _lane(entry.step) if entry.step else "people"
    name = plain(entry.step).capitalize() if entry.step else "The whole order"
    return Piece(kind, lane, name, row.at, end, f"{entry.code}: {entry.sentence}")


def _event(lane: str, name: str, row: JournalRow) -> Piece:
    return Piece("event", lane, name, row.at, row.at, row.entry.sentence)


def draw(found: Sequence[Piece], now: datetime) -> Drawing:
    """The drawing of these pieces; what is under way goes on until now."""
    drawing = Drawing()
    if not found:
        return drawing
    at = _places(found, now, drawing)
    y = float(TOP)
    for lane in LANES:
        names = list(dict.fromkeys(piece.row for piece in found if piece.lane == lane))
        if not names:
            continue
        begin = y
        for name in names:
            drawing.labels.append((name, y + ROW / 2))
            for piece in found:
                if piece.lane == lane and piece.row == name:
                    drawing.shapes.append(_shape(piece, at, y, now))
            y += ROW
        title = "People" if lane == "people" else system_word(lane)
        drawing.lanes.append((title, begin, y - begin))
        y += 22  # the next lane's name stands here
    drawing.height = y
    # Waits are drawn first, so that what was tried stands upon them.
    order = {"hold": 0, "wait": 0}
    drawing.shapes.sort(key=lambda shape: order.get(shape.kind, 1))
    return drawing


def _shape(piece: Piece, at: Mapping[datetime, float], y: float, now: datetime) -> Shape:
    end = piece.end or now
    took = span((end - piece.start).total_seconds()) if piece.kind != "event" else ""
    still = ", until now" if piece.end is None else ""
    title = f"{piece.row}. {piece.told}{f' ({took}{still})' if took else ''}"
    return Shape(piece.kind, at[piece.start], y, max(at[end] - at[piece.start], 5.0), title)


def _places(found: Sequence[Piece], now: datetime, drawing: Drawing) -> dict[datetime, float]:
    """Where each moment stands. Short spans grow with their logarithm, long ones are folded."""
    moments = sorted({m for piece in found for m in (piece.start, piece.end or now)})
    gaps = [after - before for before, after in itertools.pairwise(moments)]
    wide = [0.0 if gap > FOLD else _grown(gap) for gap in gaps]
    folded = sum(gap > FOLD for gap in gaps) * FOLDED
    room = WIDTH - LABELS - RIGHT - folded
    stretch = max(1.0, min(room / sum(wide), 6.0)) if sum(wide) else 1.0
    x = float(LABELS)
    at = {moments[0]: x}
    drawing.ticks.append((x, f"{day(moments[0], now)} {moments[0]:%H:%M:%S}"))
    for gap, width, after in zip(gaps, wide, moments[1:], strict=True):
        if gap > FOLD:
            drawing.folds.append((x, FOLDED, span(gap.total_seconds())))
            x += FOLDED
            same_day = after.date() == (after - gap).date()
            drawing.ticks.append(
                (x + 4, f"{after:%H:%M:%S}" if same_day else f"{day(after, now)} {after:%H:%M}")
            )
        else:
            x += width * stretch
        at[after] = x
    drawing.width = max(WIDTH, x + RIGHT)
    folds = [place for place, _, _ in drawing.folds]
    # Where the next fold's span stands as well, a moment is left out; the table has all. The first
    # stands over the names.
    drawing.ticks[1:] = [
        (place, told)
        for place, told in drawing.ticks[1:]
        if not any(place - 6 < fold < place + TICK for fold in folds)
        and place + TICK <= drawing.width
    ]
    last = moments[-1]
    told = f"{day(last, now)} {last:%H:%M}"
    if last == now or last.date() == moments[0].date():
        told = "now" if last == now else f"{last:%H:%M:%S}"
    # It stands before its place, if no fold's span and no other moment does; the first stands over
    # the names.
    taken = [
        *(place + 2 * TICK for place, _ in drawing.ticks[1:]),
        *(place + FOLDED for place in folds),
    ]
    if x - len(told) * TICK / 8 > max(taken, default=LABELS):
        drawing.end = (x, told)
    return at


def _grown(gap: timedelta) -> float:
    return 3.0 + 9.0 * math.log10(1.0 + gap.total_seconds() * 200.0)
