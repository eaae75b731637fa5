"""What makes a trouble the same thing or another, and since when it stands."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.domain.codes import Code, State, Who
from app.domain.records import Answer
from app.domain.troubles import EPISODE, Stood, after, passes, since_of, stopped_by, trouble_of

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def held(sentence: str = "No company.", code: Code = Code.MAPPING_MISSING) -> Answer:
    return Answer(State.HELD, code, sentence, Who.SALES, None, "later")


def waits(code: Code | None, state: State = State.WAITING) -> Answer:
    return Answer(state, code, "It waits.", Who.NOBODY, None, "later")


@pytest.mark.parametrize(
    ("code", "one", "other", "same"),
    [
        # Counts and amounts change as more comes in; it is the same trouble.
        (
            "LINE_MISSING",
            "3 of 5 Cable on PO881 are here.",
            "4 of 5 Cable on PO881 are here.",
            True,
        ),
        ("TOTAL_MISMATCH", "It is 10.50 USD.", "It is 1,011.50 USD.", True),
        # A record's name is no count.
        ("TICKET_CLOSED", "Ticket 42 is closed.", "Ticket 43 is closed.", False),
        ("MAPPING_MISSING", "PO881 has no vendor.", "PO882 has no vendor.", False),
        ("MAPPING_MISSING", "Item (77) is unknown.", "Item (78) is unknown.", False),
        ("MAPPING_MISSING", "'1201' is unknown.", "'1202' is unknown.", False),
        ("MAPPING_MISSING", "4006381333931 is unknown.", "4006381333932 is unknown.", False),
        # What a vendor says may name the request.
        ("REMOTE_REJECTED", "No: at 2026-11-20T12:00:00Z.", "No: at 2026-11-21T08:10:01Z.", True),
        (
            "REMOTE_REJECTED",
            "No (5f0c2b1e-1111-4222-8333-444455556666).",
            "No (6a0c2b1e-1111-4222-8333-444455556667).",
            True,
        ),
        ("REMOTE_REJECTED", "Name is too long.", "Name is empty.", False),
        # A wait that lasted too long is one trouble, whatever is still missing of it.
        ("GOODS_NOT_RECEIVED", "1 Cable and 2 Switch.", "2 Switch.", True),
        ("OF_ANOTHER_VERSION", "A.", "B.", False),
    ],
)
def test_what_is_the_same_trouble(code: str, one: str, other: str, same: bool) -> None:
    assert (trouble_of(code, one) == trouble_of(code, other)) is same


def test_only_what_stops_an_order_is_a_trouble() -> None:
    assert stopped_by(waits(Code.GOODS_NOT_RECEIVED)) is None
    assert stopped_by(waits(Code.CONNECTION_UNREACHABLE, State.PARKED)) is not None
    assert stopped_by(held()) == trouble_of("MAPPING_MISSING", "No company.")


@pytest.mark.parametrize(
    ("answer", "open_"),
    [
        (waits(Code.READ_LAG), True),
        (waits(Code.CONNECTION_PAUSED), True),
        (waits(None, State.RUNNING), True),
        (waits(Code.GOODS_NOT_RECEIVED), False),
        (waits(Code.RELEASED, State.DONE), False),
        (held(), False),
    ],
)
def test_what_says_nothing_of_how_it_stands(answer: Answer, open_: bool) -> None:
    assert passes(answer) is open_


def test_a_trouble_that_was_not_seen_for_a_moment_stands_since_it_began() -> None:
    began = after(Stood(), held(), NOW, NOW)
    assert began == Stood(stopped_by(held()), NOW)
    later = NOW + timedelta(hours=5)
    looked = after(began, waits(Code.READ_LAG), later, later)
    assert looked == began
    assert after(looked, held(), later, later) == began
    assert since_of(looked, held(), later, later) == NOW


def test_one_that_went_away_is_another_after_an_episode_only() -> None:
    began = after(Stood(), held(), NOW, NOW)
    gone = after(began, waits(Code.GOODS_NOT_RECEIVED), NOW + MINUTE, NOW + MINUTE)
    gone = after(gone, waits(Code.READ_LAG), NOW + 2 * MINUTE, NOW + 2 * MINUTE)
    assert gone.until == NOW + MINUTE
    soon, late = NOW + EPISODE, NOW + EPISODE + 2 * MINUTE
    assert after(gone, held(), soon, soon) == began
    assert after(gone, held(), late, late) == Stood(began.of, late)
    assert since_of(gone, held(), late, late) == late


def test_after_a_person_acted_the_same_one_is_news_though_its_code_stands_for_long() -> None:
    acted = Stood(None, NOW)  # as the store leaves it
    later = NOW + MINUTE
    assert after(acted, held(), NOW, later) == Stood(stopped_by(held()), later)
    assert since_of(acted, held(), NOW, later) == NOW
