"""The room of deliveries: bounded for all and for each sender (H10, H13, decision 0046)."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from app.api.room import Full, Room


def test_one_sender_has_half_and_leaves_the_other_half() -> None:
    room = Room(deliveries=4)
    with ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(room.place("commerce/flood"))
        with pytest.raises(Full), room.place("commerce/flood"):
            pass
        for sender in ("commerce/other", "xero/"):
            stack.enter_context(room.place(sender))
        with pytest.raises(Full), room.place("quickbooks/"):
            pass  # all together
    with room.place("commerce/flood"):
        pass


def test_bytes_are_bounded_as_they_are_read_and_given_back() -> None:
    room = Room(size=100)
    with room.place("a") as first, room.place("b") as second:
        first.grow(50)
        with pytest.raises(Full):
            first.grow(1)
        second.grow(50)
    with room.place("c") as third:
        third.grow(50)


def test_no_name_is_kept() -> None:
    room = Room()
    for number in range(10):
        with room.place(f"commerce/{number}") as place:
            place.grow(number)
    assert (dict(room._count), dict(room._bytes)) == ({}, {})
