"""What becomes of a callback on its way, and which orders go to which ledger."""

from __future__ import annotations

import json
import random
from collections import Counter

import pytest

from tests.chaos import callbacks
from tests.chaos.callbacks import Callbacks
from tests.chaos.installations import two
from tests.chaos.ledger import ledger_of


@pytest.fixture
def way(monkeypatch: pytest.MonkeyPatch) -> tuple[Callbacks, list[bytes]]:
    """Five hundred draws show each fate; nobody waits for a late one."""
    monkeypatch.setattr(callbacks, "LATEST", 0.1)
    monkeypatch.setattr(callbacks, "LATE", 0.0)
    arrived: list[bytes] = []

    async def post(url: str, body: bytes, headers: dict[str, str]) -> int:
        arrived.append(body)
        return 503 if b"away" in body else 200

    return Callbacks(post, random.Random(3), "api"), arrived  # noqa: S311 - faults, no secret


def called(member: str, number: int, place: str = "here") -> bytes:
    return json.dumps({"MemberId": member, "ID": number, "place": place}).encode()


async def test_some_callbacks_are_lost_and_some_come_twice_just_as_they_were_signed(
    way: tuple[Callbacks, list[bytes]],
) -> None:
    made, arrived = way
    statuses = Counter([await made("u", called("person", n), {"x": "s"}) for n in range(500)])
    times = Counter(arrived)
    assert set(statuses) == {0, 200}
    assert statuses[0] == made.count["lost"] == 500 - len(times)
    assert sum(count == 2 for count in times.values()) == made.count["doubled"] > 0
    assert made.count["taken"] == len(arrived)
    assert made.count["echoed"] == 0


async def test_of_the_service_s_own_changes_some_are_echoed_and_the_others_never_sent(
    way: tuple[Callbacks, list[bytes]],
) -> None:
    made, arrived = way
    for number in range(500):
        await made("u", called("api", number), {})
    assert 0 < made.count["echoed"] < 250
    assert len(set(arrived)) == made.count["echoed"] - made.count["lost"]


async def test_an_api_that_is_away_loses_a_callback_by_the_vendor_s_own_rules(
    way: tuple[Callbacks, list[bytes]],
) -> None:
    made, _ = way
    found = {await made("u", called("person", n, "away"), {}) for n in range(20)}
    assert 503 in found
    assert made.count["answered 503"] > 0
    assert made.count["taken"] == 0


def test_each_ledger_is_an_installation_s_own_and_half_the_orders_go_to_none() -> None:
    installations = two("kept")
    assert [each.ledger for each in installations] == ["quickbooks", "xero"]
    assert len({name for each in installations for name in each.processes}) == 6
    assert len({(each.name, each.database, each.redis) for each in installations}) == 2
    shares = Counter(ledger_of(number) for number in range(5000, 5400))
    assert shares == {"quickbooks": 100, "xero": 100, None: 200}
