"""Pages of records, by the router that links in reports name: for people, without credentials."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.desk import Answer, Desk

ROUTER = "/v4_6_release/services/system_io/router/openrecord.rails"


def opened(desk: Desk, **asked: str) -> Answer:
    desk.headers = {}
    given: dict[str, Any] = dict(asked)
    return desk.send("GET", ROUTER, prefix="", **given)


def test_a_link_opens_its_record(desk: Desk) -> None:
    page = opened(
        desk, locale="en_US", companyName="training", recordType="OpportunityFv", recid="88"
    )
    assert page.status == 200
    assert page.headers["content-type"].startswith("text/html")
    assert "<h1>Opportunity 88 in the simulated ConnectWise</h1>" in page.raw.decode()


@pytest.mark.parametrize(
    "asked",
    [
        {"recordType": "ServiceFV", "recid": "4711"},
        {"recordType": "InventedFV", "recid": "88"},
        {"recordType": "OpportunityFV", "recid": "<script>"},
        {"recordType": "OpportunityFV"},
        {},
    ],
)
def test_what_is_not_there_says_so_and_nothing_that_was_asked_runs(
    desk: Desk, asked: dict[str, str]
) -> None:
    page = opened(desk, **asked)
    assert page.status == 404
    assert "There is no such record." in page.raw.decode()
    assert "<script>" not in page.raw.decode()
