"""The page that says for how long rows are kept: what it shows, counts only when asked, changes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.store.postgres import PostgresStore
from tests.api.conftest import Service
from tests.api.test_retention import WHY, old_call
from tests.console.conftest import Browser, Page, signed_in
from tests.console.test_pages import HOSTILE, clean


async def days(service: Service) -> dict[str, int]:
    items = (await service.admin.get("/admin/retention")).json()["items"]
    return {one["what"]: one["days"] for one in items}


async def form(browser: Browser) -> dict[str, str]:
    page = await browser.page("/retention")
    return next(one for one in page.forms if one["action"] == "/retention")


async def send(browser: Browser, **fields: str) -> Any:
    return await browser.client.post("/retention", data={**await form(browser), **fields})


async def test_what_is_kept_since_when_how_large_and_until_when(
    service: Service, browser: Browser
) -> None:
    await old_call(service)
    page = await browser.page("/retention")
    clean(page)
    (oldest,) = await service.query("SELECT at FROM call")
    assert f"Since {oldest['at']:%d %b}" in page.text
    assert "Kept for 730 days at least, by whole months; 0 is for ever." in page.text
    assert page.text.count("On disk") == 4
    assert " kB" in page.text
    assert page.text.count("what is older than 01 ") == 4
    assert "/retention" in (await browser.page("/settings")).links


async def test_the_page_counts_no_rows_before_it_is_asked_to(
    service: Service, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A year of calls is counted in seconds."""
    await old_call(service)
    counted: list[str] = []
    real = PostgresStore.holding

    async def holding(self: PostgresStore, period: Any) -> Any:
        counted.append(period.kept.value)
        return await real(self, period)

    monkeypatch.setattr(PostgresStore, "holding", holding)
    await browser.page("/retention")
    answer = await send(browser, calls="20", reason=WHY, do="keep")
    page = await browser.told(answer)
    assert counted == []
    assert "1 row goes" not in page.text
    assert "1 row goes." in (await browser.page("/retention?count=1")).text
    assert len(counted) == 4


async def test_what_would_go_is_counted_for_what_was_typed_and_nothing_changes(
    service: Service, browser: Browser
) -> None:
    await old_call(service)
    before = await days(service)
    answer = await send(browser, calls="20", reason="half a rea", do="count")
    assert answer.status_code == 200
    page = Page(answer.text)
    clean(page)
    assert "1 row goes if kept for 20 days." in page.text
    kept = next(one for one in page.forms if one["action"] == "/retention")
    assert (kept["calls"], kept["reason"]) == ("20", "half a rea")
    assert await days(service) == before
    kept["reason"] = WHY  # what was counted is what is kept then
    kept["do"] = "keep"
    told = await browser.told(await browser.client.post("/retention", data=kept))
    assert "Kept from now on: calls for 20 days." in told.text
    assert (await days(service))["calls"] == 20


async def test_only_what_a_person_changed_is_changed_and_it_is_audited(
    service: Service, browser: Browser
) -> None:
    opened = await form(browser)
    meanwhile = {"days": {"inbox": 33}, "reason": WHY}
    assert (await service.admin.patch("/admin/retention", json=meanwhile)).status_code == 200
    sent = {**opened, "journal": "0", "calls": " 30 ", "reason": f"{WHY} {HOSTILE}", "do": "keep"}
    page = await browser.told(await browser.client.post("/retention", data=sent))
    clean(page)
    assert "Kept from now on: journal for ever, calls for 30 days." in page.text
    assert await days(service) == {"journal": 0, "calls": 30, "inbox": 33, "alerts": 365}
    *_, row = await service.query(
        "SELECT actor, data FROM audit WHERE action = 'retention.change' ORDER BY id"
    )
    data = json.loads(row["data"])
    assert data["days"] == {"journal": 0, "calls": 30}
    assert data["was"] == {"journal": 730, "calls": 90}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"calls": "soon"}, "must be a whole number"),
        ({"calls": "²"}, "must be a whole number"),
        ({"calls": "-1"}, "must be at least 0"),
        ({"calls": "36501"}, "must be at most 36500"),
        ({"calls": "20", "reason": " "}, "say why"),
        ({"calls": "20", "reason": "x" * 501}, "printable characters"),
        ({}, "No number differs"),
        ({"calls": HOSTILE, "do": "count"}, "must be a whole number"),
        ({"calls": "-1", "do": "count"}, "must be at least 0"),
    ],
)
async def test_what_is_refused_is_told_and_what_was_typed_stays(
    service: Service, browser: Browser, wrong: dict[str, str], said: str
) -> None:
    before = await days(service)
    sent = {**await form(browser), "reason": WHY, "do": "keep", "inbox": "180", **wrong}
    answer = await browser.client.post("/retention", data=sent)
    assert answer.status_code == 422
    page = Page(answer.text)
    clean(page)
    assert said in page.text
    assert "Nothing was changed." in page.text
    kept = next(one for one in page.forms if one["action"] == "/retention")
    assert (kept["calls"], kept["reason"]) == (sent["calls"], sent["reason"])
    assert await days(service) == before


async def test_who_only_reads_sees_it_and_changes_nothing(
    service: Service, browser: Browser
) -> None:
    await service.key("viewer", ["read"])
    viewer = await signed_in(service, "key of viewer")
    page = await viewer.page("/retention")
    assert "/retention" not in {one["action"] for one in page.forms}
    assert "/retention?count=1" in page.links
    assert "rows go." in (await viewer.page("/retention?count=1")).text
    person = page.forms[-1]["form"]
    sent = {**await form(browser), "form": person, "calls": "20", "reason": WHY}
    assert (await viewer.client.post("/retention", data=sent)).status_code == 403
    await viewer.client.aclose()


async def test_a_person_of_another_tenant_is_told_to_ask_the_operator(service: Service) -> None:
    await service.query("INSERT INTO tenant (id, name) VALUES (7, 'other')")
    await service.key("theirs", ["read", "admin"], tenant=7)
    theirs = await signed_in(service, "key of theirs")
    answer = await send(theirs, calls="20", reason=WHY, do="keep")
    assert answer.status_code == 409
    assert "ask the operator" in answer.text
    assert 'value="20"' in answer.text
    await theirs.client.aclose()
