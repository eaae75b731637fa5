"""The page of alerts: what was told, and a button that sends a test."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from app.domain.alerts import Alert, Note
from app.store.postgres import PostgresStore
from tests.api.conftest import Service
from tests.console.conftest import Browser
from tests.console.test_pages import clean
from tests.store.build import keep_alert

NOW = datetime(2026, 11, 20, 14, 11, tzinfo=UTC)


@dataclass
class Channel:
    name: str
    taken: bool = True
    got: list[Note] = field(default_factory=list)

    @property
    def key(self) -> str:
        return self.name

    async def send(self, note: Note) -> bool:
        self.got.append(note)
        return self.taken


async def test_a_button_sends_a_test_and_says_who_took_it(
    service: Service, browser: Browser
) -> None:
    slack, mail = Channel("Slack"), Channel("E-Mail", taken=False)
    service.parts.alerts._places = (slack, mail)
    page = await browser.page("/alerts")
    clean(page)
    assert "Slack, E-Mail. Whether a message arrives" in page.text
    hours = {"alert_quiet_hours": "22:00-07:00", "alert_time_zone": "Europe/Berlin"}
    service.parts.settings = service.parts.settings.model_copy(update=hours)
    page = await browser.page("/alerts")
    assert "E-Mail, not in the quiet hours 22:00-07:00 (Europe/Berlin)." in page.text
    answer = await browser.send("/alerts", "/test")
    assert answer.status_code == 200
    assert "Slack: took it" in answer.text
    assert "E-Mail: did not take it" in answer.text
    assert [len(one.got) for one in (slack, mail)] == [1, 1]


async def test_without_addresses_the_page_says_what_is_missing_and_has_no_button(
    service: Service, browser: Browser
) -> None:
    page = await browser.page("/alerts")
    clean(page)
    assert "ALERT_URLS is empty" in page.text
    assert "/alerts/test" not in {form["action"] for form in page.forms}
    for from_page in ("/doctor", "/connections"):
        assert "/alerts" in (await browser.page(from_page)).links


async def test_what_was_told_and_what_waits_is_listed(service: Service, browser: Browser) -> None:
    store = service.store
    assert isinstance(store, PostgresStore)
    await keep_alert(store, Alert("drift:7", "DRIFT", NOW, "Bill <7> differs.", "ON1201"))
    (row,) = await store.take_alerts(1, 0.0, 60.0)
    await store.end_alerts([row.id], ["slack"], "Not taken by Slack.", 60.0)
    page = await browser.page("/alerts")
    clean(page)
    for named in ("DRIFT", "Bill <7> differs.", "waiting", "Not taken by Slack. Tried once."):
        assert named in page.text
    assert "/orders/ON1201" in page.links
    await store.alerts_sent([row.id], "slack")
    await store.end_alerts([row.id], ["slack"], None, 60.0)
    page = await browser.page("/alerts")
    clean(page)
    assert "sent to every address, " in page.text
