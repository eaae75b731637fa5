"""How alerts become a message, and when it is quiet: pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from app.domain.alerts import Alert, Quiet, again_in, impersonal, note_of
from app.domain.alerts import test_note as check

NOW = datetime(2026, 11, 20, 14, 11, tzinfo=UTC)


def held(number: int, who: str = "purchasing", code: str = "DEMAND_NOT_LINKED") -> Alert:
    return Alert(f"order:{number}", code, NOW, "A line is not linked.", f"ON{number}", who)


def test_one_order_is_told_with_its_sentence_and_its_page():
    note = note_of([held(1201)], "https://x.example")
    assert note.title == "Demandlink: ON1201 needs purchasing"
    assert note.text == (
        "ON1201 DEMAND_NOT_LINKED: A line is not linked. https://x.example/orders/ON1201"
    )


def test_a_burst_is_counted():
    found = [held(n) for n in range(36)] + [held(99, code="LINE_MISSING")]
    note = note_of(found, "")
    assert note.title == "Demandlink: 37 orders need purchasing"
    assert note.text == (
        "37 orders need purchasing: 36 x DEMAND_NOT_LINKED, 1 x LINE_MISSING. "
        "ON0, ON1, ON2 and 34 more."
    )


def test_what_is_no_order_stands_beside_them():
    down = Alert("system:ConnectWise", "CONNECTION_DOWN", NOW, "ConnectWise cannot be used.")
    note = note_of([down, held(1), held(2, "sales")], "")
    assert note.title == (
        "Demandlink: ConnectWise cannot be used; ON1 needs purchasing; ON2 needs sales"
    )
    assert note.text.splitlines()[0] == "CONNECTION_DOWN: ConnectWise cannot be used."


def differing(number: int) -> Alert:
    return Alert(f"drift:{number}:x", "DRIFT", NOW, f"Bill {number} differs.", f"ON{number}")


def test_what_is_about_no_order_is_told_with_its_page():
    for subject, page in (
        ("connection:7", "connections"),
        ("system:ConnectWise", "connections"),
        ("webhooks:7", "inbox"),
    ):
        note = note_of([Alert(subject, "CONNECTION_DOWN", NOW, "It is away.")], "https://x.example")
        assert note.text == f"CONNECTION_DOWN: It is away. https://x.example/{page}"


def test_a_difference_is_told_with_its_order_and_many_are_counted():
    note = note_of([differing(1)], "https://x.example")
    assert note.title == "Demandlink: ON1: Bill 1 differs"
    assert note.text == "DRIFT ON1: Bill 1 differs. https://x.example/drift"
    note = note_of([differing(n) for n in range(12)] + [held(1)], "https://x.example")
    assert note.title == ("Demandlink: 12 differences between the systems; ON1 needs purchasing")
    assert note.text.splitlines()[0] == (
        "DRIFT: 12 differences between the systems. https://x.example/drift"
    )


def test_a_message_stays_short():
    found = [Alert(f"system:{n}", "CONNECTION_DOWN", NOW, f"{n} is away.") for n in range(30)]
    lines = note_of(found, "").text.splitlines()
    assert len(lines) == 21
    assert lines[-1] == "and 10 more; see `demandlink alerts list`."

    lines = note_of(found, "https://x.example").text.splitlines()
    assert lines[-1] == "and 10 more; see https://x.example/alerts."


def test_many_orders_lead_to_the_page_of_what_needs_a_person():
    text = note_of([held(n) for n in range(50)], "https://x.example").text
    assert text.endswith("ON0, ON1, ON2 and 47 more. https://x.example/")


def test_a_title_is_one_line_and_not_as_long_as_what_a_vendor_says():
    said = "ConnectWise (POST /x): Refused.\r\nBcc: x@y.example " + "because " * 60
    for one in (
        Alert("connection:7:X", "CONNECTION_PAUSED", NOW, said),
        Alert("drift:7", "DRIFT", NOW, said, "ON1"),
    ):
        note = note_of([one], "")
        assert "\n" not in note.title + note.text
        assert "\r" not in note.title
        assert len(note.title) < 150
        assert note.title.endswith("because ...")
        assert note.text.count("because") == 60
    assert "\n" not in note_of([replace(held(1), sentence=said)], "").text


def test_a_test_has_a_link_as_alerts_do():
    assert check("https://x.example").text.endswith("https://x.example/alerts")
    assert check("").text.endswith("Links need PUBLIC_URL, which is not set.")


def test_a_customers_name_is_left_out():
    told = "Customer Dana Lee (Commerce id 77) has no ConnectWise company."
    assert impersonal(told, "Dana Lee") == (
        "The customer (Commerce id 77) has no ConnectWise company."
    )
    assert impersonal("PO1 of IT is not with IT's vendor.", "IT") == (
        "PO1 of the customer is not with the customer's vendor."
    )
    assert impersonal(told, None) == told


@pytest.mark.parametrize(
    ("hours", "quiet", "loud"),
    [("22:00-07:00", (23, 3), (7, 12, 21)), ("12:00-13:30", (12, 13), (11, 14))],
)
def test_quiet_hours_are_of_their_zone(
    hours: str, quiet: tuple[int, ...], loud: tuple[int, ...]
) -> None:
    found = Quiet.of(hours, ZoneInfo("Australia/Brisbane"))  # ten hours ahead
    assert found is not None
    for hour in range(24):
        if hour in quiet + loud:
            local = datetime(2026, 11, 20, hour, 5, tzinfo=ZoneInfo("Australia/Brisbane"))
            assert found.at(local.astimezone(UTC)) is (hour in quiet)


@pytest.mark.parametrize("night", [(3, 28), (10, 24)])
def test_a_night_in_which_the_clocks_are_set_is_quiet_by_the_clock_on_the_wall(
    night: tuple[int, int],
):
    """It is an hour shorter in spring, and an hour longer in autumn."""
    found, zone = Quiet.of("22:00-07:00", ZoneInfo("Europe/Berlin")), ZoneInfo("Europe/Berlin")
    assert found is not None
    noon = datetime(2026, *night, 12, tzinfo=UTC)
    moments = [noon + timedelta(minutes=10 * n) for n in range(144)]
    quiet = [moment for moment in moments if found.at(moment)]
    assert quiet == [
        one for one in moments if not 7 <= one.astimezone(zone).hour < 22
    ]  # one stretch, to seven in the morning
    assert quiet[-1] - quiet[0] == timedelta(minutes=10 * (len(quiet) - 1))
    assert len(quiet) == (8 * 6 if night[0] == 3 else 10 * 6)


@pytest.mark.parametrize("hours", ["22-", "22:00", "25:00-07:00", "07:00-07:00", "night"])
def test_hours_that_are_none_are_refused(hours: str):
    with pytest.raises(ValueError, match="two times of day"):
        Quiet.of(hours, UTC)


def test_the_wait_after_a_failure_grows_to_a_quarter_of_an_hour():
    assert [again_in(n).total_seconds() for n in (0, 1, 3, 30)] == [30, 60, 240, 900]
