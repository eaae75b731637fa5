"""What the doctor says of an address that this host reaches and ConnectWise does not; how long it has."""

from __future__ import annotations

from http import HTTPStatus

import pytest

from app.connectors.alerting.places import SECONDS
from app.domain.checkup import Outcome
from app.sync.alerts import lease_for
from app.sync.doctor import service


@pytest.mark.parametrize(
    ("address", "word"),
    [
        ("https://demandlink.msp.example", ""),
        ("http://127.0.0.1:8080", ""),
        ("http://localhost:8080", ""),
        ("http://[::1]:8080", ""),
        ("https://192.168.10.4", "private network"),
        ("http://10.0.0.7:8080", "private network"),
        ("https://[fd00::7]", "private network"),
        ("https://demandlink", "only this network knows"),
        ("http://demandlink.msp.example", "only HTTPS"),
    ],
)
async def test_g1_an_address_that_only_the_office_reaches_is_told(address: str, word: str) -> None:
    async def reach(asked: str) -> int | None:
        assert asked == f"{address}/healthz"
        return HTTPStatus.OK

    found = await service._reached(address, reach)
    assert found.outcome is (Outcome.WARNING if word else Outcome.OK)
    assert word in found.sentence
    assert bool(found.fix) is bool(word)


@pytest.mark.parametrize("places", range(1, 20))
def test_a_lease_of_alerts_is_longer_than_all_places_take(places: int) -> None:
    """Else a second worker would take a message while the first still sends it, and tell it twice."""
    assert lease_for(places) > places * SECONDS
