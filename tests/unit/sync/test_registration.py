"""Callbacks kept as wanted: a pure difference, and what is done about it."""

from __future__ import annotations

from typing import Any, cast

import pytest

from app.domain.errors import FailureKind, RemoteFailure
from app.domain.ports import ConnectWise
from app.domain.psa import Callback
from app.sync.registration import WANTED, address, difference, keep

URL = address("https://demandlink.example", "token")


def callback(callback_id: int, type_: str, *, url: str = URL, inactive: bool = False) -> Callback:
    return Callback(callback_id, url, type_, "owner", 1, inactive)


def every() -> list[Callback]:
    return [callback(number, type_) for number, type_ in enumerate(WANTED, start=1)]


def test_the_address_ends_with_the_parameter_that_takes_the_record():
    assert URL == "https://demandlink.example/webhooks/connectwise/token?recordId="


def test_what_is_missing_is_registered():
    assert difference([], URL).create == WANTED
    assert difference(every()[:1], URL).create == WANTED[1:]


def test_what_was_switched_off_is_enabled_again():
    """ConnectWise switches off a callback that failed too often."""
    off = [callback(7, WANTED[0].upper(), inactive=True), *every()[1:]]
    found = difference(off, URL)
    assert (found.create, found.enable) == ((), (7,))


def test_one_active_registration_of_a_type_is_enough():
    doubled = [
        callback(8, WANTED[0], inactive=True),
        *every(),
        callback(9, WANTED[0], inactive=True),
    ]
    assert difference(doubled, URL).enable == ()


def test_registrations_of_others_are_left_alone():
    foreign = [callback(1, type_, url="https://other.example/") for type_ in WANTED]
    assert difference(foreign, URL).create == WANTED
    assert difference([*every(), callback(9, "ticket", inactive=True)], URL).enable == ()


class Site:
    """A ConnectWise that notes what it is asked to register."""

    def __init__(self, present: list[Callback], failure: FailureKind | None = None) -> None:
        self.present, self.failure, self.done = present, failure, list[Any]()

    async def callbacks(self) -> list[Callback]:
        return self.present

    async def create_callback(self, url: str, type_: str, description: str) -> int:
        if self.failure is not None:
            raise RemoteFailure(self.failure, "no")
        self.done.append((type_, url))
        return 1

    async def enable_callback(self, callback_id: int, url: str) -> None:
        self.done.append(callback_id)


async def kept(site: Site) -> list[Any]:
    await keep(cast(ConnectWise, site), "https://demandlink.example", "token")
    return site.done


async def test_only_the_difference_is_written():
    assert await kept(Site(every())) == []
    assert await kept(Site([callback(7, WANTED[0], inactive=True)])) == [
        (WANTED[1], URL),
        (WANTED[2], URL),
        (WANTED[3], URL),
        7,
    ]


async def test_a_registration_that_came_between_is_no_failure():
    assert await kept(Site([], FailureKind.EXISTS)) == []
    with pytest.raises(RemoteFailure):
        await kept(Site([], FailureKind.FORBIDDEN))
