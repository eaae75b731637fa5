"""The console's pure parts: the rail, the matrix with its laws, the timeline, the stream, words."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.console import live, matrix, rail, timeline, words
from app.console.guard import inside
from app.domain.codes import Code, State, Who
from app.domain.desk import Run
from app.domain.errors import StoreUnavailable
from app.domain.records import Answer, JournalEntry
from app.domain.views import Explained, JournalRow, LineView, PurchaseOrderView, StepView
from app.sync.operations import Story
from tests.builders import order_row

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
B1 = (
    "create_products",
    "create_sales_order",
    "sync_purchase_order",
    "link_demand",
    "receive_purchase_order",
    "ship_goods",
    "release_invoice",
)


def line(**more: Any) -> LineView:
    values = {
        "line": 1,
        "title": "Monitor",
        "ordered": "10",
        "on_purchase_orders": "10",
        "received": "4",
        "linked": "10",
        "shipped": "0",
        "invoiceable": "0",
        "invoiced": "0",
    }
    return LineView(**{**values, **more})


def explained(*lines: LineView, steps: tuple[StepView, ...] = (), **more: Any) -> Explained:
    answer = Answer(State.WAITING, Code.GOODS_NOT_RECEIVED, "6 of 10.", Who.PURCHASING, NOW, "")
    return Explained(more.pop("answer", answer), lines=lines, steps=steps, **more)


def test_the_difference_of_a_line_is_told_by_the_step_that_waits() -> None:
    waits = StepView(
        "receive_purchase_order", "PO1", State.WAITING, Code.GOODS_NOT_RECEIVED, "6 of 10 to come."
    )
    (row,) = matrix.rows(explained(line(), steps=(waits,)), B1)
    assert (row.missing, row.reason, row.code) == ("6", "6 of 10 to come.", Code.GOODS_NOT_RECEIVED)


def test_a_line_that_is_complete_names_the_lines_that_are_not() -> None:
    """The gate's sentence is about another line, and stood in this one's row as if it were its own."""
    waits = StepView(
        "release_invoice", "ON1", State.WAITING, Code.GOODS_NOT_RECEIVED, "6 of 10 Monitor to come."
    )
    whole = line(line=2, title="Dock", received="10")
    first, second = matrix.rows(explained(line(), whole, steps=(waits,)), B1)
    assert "to be received" in first.reason
    assert second.reason == "Complete: the order waits for line 1."
    third = line(line=3)
    *_, second, _ = matrix.rows(explained(line(), whole, third, steps=(waits,)), B1)
    assert second.reason == "Complete: the order waits for 2 other lines."


def test_what_waits_for_an_earlier_step_is_not_reached_yet() -> None:
    held = StepView("create_products", "ON1", State.HELD, Code.TOTAL_MISMATCH, "252 is not 242.")
    after = StepView("create_sales_order", "ON1", State.WAITING, Code.EARLIER_STEP, "252 is not.")
    story = Story(order_row(), explained(line(), steps=(held, after)))
    stops = {stop.name: stop.state for stop in rail.rail(story, B1)}
    assert stops["Products"] == State.HELD
    assert stops["Sales order"] == rail.AHEAD


def test_of_a_cancelled_order_nothing_is_still_to_come() -> None:
    done = StepView("create_products", "ON1", State.DONE, None, None)
    told = explained(
        line(),
        steps=(done,),
        answer=Answer(State.CANCELLED, Code.CANCELLED, "No.", Who.NOBODY, NOW, ""),
    )
    states = {stop.name: stop.state for stop in rail.rail(Story(order_row(), told), B1)}
    assert states["Products"] == State.DONE
    assert set(states.values()) == {State.DONE, State.NOT_NEEDED}


def test_the_systems_above_the_columns_stand_over_all_of_them() -> None:
    assert sum(many for _, many in matrix.SYSTEMS) == len(matrix.COLUMNS)


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ("1234567", "1\u202f234\u202f567"),
        ("12345.5", "12\u202f345.5"),
        ("1234", "1234"),
        ("–", "–"),
        ("-12345", "-12345"),
    ],
)
def test_long_numbers_are_read_in_threes(told: str, shown: str) -> None:
    assert words.grouped(told) == shown


def test_a_line_that_is_through_differs_in_nothing() -> None:
    (row,) = matrix.rows(explained(line(received="10", invoiceable="10", invoiced="10")), B1)
    assert (row.missing, row.reason) == ("", "")


def test_what_is_free_but_not_invoiced_is_said_so() -> None:
    (row,) = matrix.rows(explained(line(received="10", invoiceable="10")), B1)
    assert row.missing == "10"
    assert "Free to be invoiced" in row.reason


def test_columns_of_which_the_scenario_says_nothing_stay_empty() -> None:
    c = ("win_opportunity", "raise_ticket", "post_purchase_order", "post_bill", "post_invoice")
    posted = StepView("post_invoice", "ON1", State.DONE)
    (row,) = matrix.rows(explained(line(received="10"), steps=(posted,)), c)
    cells = dict(zip((name for name, _ in matrix.COLUMNS), row.cells, strict=True))
    assert cells["linked"] == cells["shipped"] == cells["invoiceable"] == matrix.NOTHING
    assert cells["posted"] == "10"
    assert row.missing == ""


def test_a_service_needs_no_goods() -> None:
    service = line(on_purchase_orders="0", received="0", linked="0")
    (row,) = matrix.rows(explained(service, services=frozenset({1})), B1)
    assert row.cells[1:5] == (matrix.NOTHING,) * 4


@given(
    ordered=st.integers(0, 50),
    received=st.integers(0, 60),
    linked=st.integers(0, 60),
    elsewhere=st.integers(0, 3),
)
def test_a_law_is_broken_exactly_where_the_numbers_break_it(
    ordered: int, received: int, linked: int, elsewhere: int
) -> None:
    one = line(
        ordered=str(ordered),
        on_purchase_orders=str(ordered),
        received=str(received),
        linked=str(linked),
    )
    bought = PurchaseOrderView("PO1", "Ingram", ordered, ordered, received + elsewhere, linked)
    holds = {
        law.sentence.split(":")[0]: law.holds
        for law in matrix.laws(explained(one, purchase_orders=(bought,)))
    }
    assert holds["Received ≤ ordered"] == (received <= ordered)
    assert holds["Linked ≤ ordered"] == (linked <= ordered)
    assert holds["Received by line = by purchase order"] == (elsewhere == 0)
    assert holds["Linked by line = by purchase order"]


def row(number: int, at: datetime, code: str, **more: Any) -> JournalRow:
    return JournalRow(number, at, JournalEntry(code, f"{code}.", **more))


def test_a_wait_lasts_until_its_step_is_done_and_idle_time_is_folded() -> None:
    later = NOW + timedelta(days=2)
    runs = [Run("release_invoice", "order", 1, "done", later, later + timedelta(seconds=1))]
    journal = [
        row(1, NOW, "DOCUMENT_MERGED"),
        row(2, NOW, "GOODS_NOT_RECEIVED", step="release_invoice", subject="order"),
    ]
    found = timeline.pieces(runs, journal, ())
    assert [piece.kind for piece in found] == ["event", "wait", "attempt"]
    assert found[1].end == later + timedelta(seconds=1)
    drawing = timeline.draw(found, later + timedelta(minutes=1))
    assert [told for _, _, told in drawing.folds] == ["2 days"]
    (first, begun), (x, went_on) = drawing.ticks
    assert (begun, went_on) == ("26 Nov 12:00:00", "28 Nov 12:00")
    assert first <= drawing.folds[0][0] < x
    assert [name for name, _, _ in drawing.lanes] == ["Datto Commerce", "ConnectWise"]
    assert drawing.width == timeline.WIDTH


def test_only_what_stands_still_goes_on_until_now() -> None:
    journal = [row(1, NOW, "MAPPING_MISSING", step="create_products", subject="order")]
    (open_,) = timeline.pieces([], journal, {"create_products"})
    (ended,) = timeline.pieces([], journal, ())
    assert (open_.kind, open_.end) == ("hold", None)
    assert ended.end == NOW


def test_a_persons_hold_ends_with_its_release() -> None:
    later = NOW + timedelta(hours=1)
    journal = [
        row(1, NOW, "HELD_BY_PERSON", actor="zoe"),
        row(2, later, "HOLD_RELEASED", actor="zoe"),
    ]
    held = next(piece for piece in timeline.pieces([], journal, ()) if piece.kind == "hold")
    assert (held.lane, held.end) == ("people", later)


@given(st.lists(st.integers(0, 10_000_000), min_size=1, max_size=60), st.integers(1, 4000))
def test_the_drawing_keeps_the_order_of_time(starts: list[int], took: int) -> None:
    runs = [
        Run("create_products", "order", 1, "done", begun, begun + timedelta(milliseconds=took))
        for begun in (NOW + timedelta(seconds=start) for start in sorted(starts))
    ]
    found = timeline.pieces(runs, [], ())
    drawing = timeline.draw(found, NOW + timedelta(days=200))
    placed = [shape.x for shape in drawing.shapes]
    assert placed == sorted(placed)
    assert all(shape.x + shape.width <= drawing.width for shape in drawing.shapes)


def test_the_drawing_tells_the_years_of_its_moments_and_where_it_ends() -> None:
    begun = NOW - timedelta(days=400)
    took = timedelta(seconds=2)
    runs = [Run("create_products", "order", 1, "done", begun, begun + took)]
    drawing = timeline.draw(timeline.pieces(runs, [], ()), NOW)
    assert drawing.ticks[0][1] == f"{begun:%d %b %Y %H:%M:%S}"
    assert drawing.end == (
        drawing.shapes[0].x + drawing.shapes[0].width,
        f"{begun + took:%H:%M:%S}",
    )
    runs.append(Run("win_opportunity", "order", 1, "done", NOW - took, NOW))
    both = timeline.draw(timeline.pieces(runs, [], ()), NOW)
    assert [told for _, told in both.ticks] == [
        f"{begun:%d %b %Y %H:%M:%S}",
        f"{NOW - took:%d %b %H:%M}",
    ]


class Clock:
    def __init__(self) -> None:
        self.slept = 0.0

    def monotonic(self) -> float:
        return self.slept

    async def sleep(self, seconds: float) -> None:
        self.slept += seconds


async def told(marks: list[str], *, over: bool = False) -> list[str]:
    async def mark() -> str:
        if not marks:
            raise StoreUnavailable("away")
        return marks.pop(0)

    stream: AsyncIterator[str] = live.changes(mark, Clock(), lambda: over)
    return [said async for said in stream]


async def test_a_stream_says_only_that_something_changed_and_ends_with_the_database() -> None:
    said = await told(["a", "a", "b", "b", "c"])
    assert said == ["retry: 3000\n\n", *["event: changed\ndata: \n\n"] * 2]


async def test_a_stream_does_not_hold_up_a_process_that_stops() -> None:
    assert await told(["a", "b", "c"], over=True) == ["retry: 3000\n\n"]


async def test_a_stream_ends_after_a_while_so_that_the_session_is_asked_again() -> None:
    said = await told(["a"] * 1000)
    assert len(said) == 1 + live.MOST_LOOKS // live.ALIVE_EVERY
    assert said[-1] == ": alive\n\n"


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0.012, "12 ms"),
        (2.34, "2.3 s"),
        (59, "59 s"),
        (90, "1 min"),
        (3600, "1 h"),
        (5400, "1 h 30 min"),
        (90_000, "1 day 1 h"),
        (8 * 86_400, "8 days"),
    ],
)
def test_a_span_is_told_in_two_units_at_most(seconds: float, expected: str) -> None:
    assert words.span(seconds) == expected


def test_moments_within_a_sentence_are_told_as_the_page_tells_them() -> None:
    told = "at latest 2026-11-30T17:34:54Z."
    assert words.dated(told, datetime(2026, 11, 19, tzinfo=UTC)) == "at latest 30 Nov, 17:34."
    assert words.dated(told, datetime(2027, 1, 2, tzinfo=UTC)) == "at latest 30 Nov 2026, 17:34."


NEW_YEAR = datetime(2027, 1, 2, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("at", "short", "clock", "lately"),
    [
        (datetime(2027, 1, 2, 9, 5, tzinfo=UTC), "02 Jan, 09:05", "02 Jan, 09:05:00", "2 h 55 min ago"),
        (datetime(2026, 12, 31, tzinfo=UTC), "31 Dec 2026, 00:00", "31 Dec 2026, 00:00:00", "2 days 12 h ago"),
        (datetime(2026, 2, 3, tzinfo=UTC), "03 Feb 2026, 00:00", "03 Feb 2026, 00:00:00", "03 Feb 2026"),
        (datetime(2027, 6, 3, tzinfo=UTC), "03 Jun, 00:00", "03 Jun, 00:00:00", "03 Jun"),
    ],
)  # fmt: skip
def test_a_moment_of_another_year_names_it(
    at: datetime, short: str, clock: str, lately: str
) -> None:
    assert words.short(at, NEW_YEAR) == short
    assert words.clock(at, NEW_YEAR) == clock
    assert words.lately(at, NEW_YEAR) == lately


@pytest.mark.parametrize(
    ("many", "shown"),
    [(0, "0 B"), (999, "999 B"), (8192, "8.2 kB"), (81_920, "82 kB"), (2_500_000_000, "2.5 GB")],
)
def test_bytes_are_told_in_the_unit_in_which_people_count_them(many: int, shown: str) -> None:
    assert words.size(many) == shown


def test_the_year_is_the_one_that_it_is_in_utc() -> None:
    """Every time here is UTC: an hour before its new year, it is the old one still."""
    there = datetime(2027, 1, 1, 0, 30, tzinfo=timezone(timedelta(hours=1)))
    assert words.short(there, NEW_YEAR) == "31 Dec 2026, 23:30"


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/orders?state=held", "/orders?state=held"),
        ("//evil.example", "/"),
        ("https://evil.example/", "/"),
        ("/\\evil.example", "/"),
        ("orders", "/"),
        ("/\t/evil.example", "/"),
        ("", "/"),
    ],
)
def test_one_is_led_to_our_own_pages_only(target: str, expected: str) -> None:
    assert inside(target) == expected
