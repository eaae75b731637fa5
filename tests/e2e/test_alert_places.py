"""The places that alerts go to, on real sinks: each recipient one, a test, and addresses that are secrets."""

from __future__ import annotations

import pytest

from app.settings import Settings
from app.store.postgres import PostgresStore
from app.sync.operations import Actor
from tests.e2e.harness import bearer, running
from tests.e2e.test_alerts import alerts, orders, sink, sql
from tests.mail_server import OFFICER, SENDER, mail_server

pytestmark = pytest.mark.processes


@pytest.mark.breadth
async def test_a_test_message_says_who_took_it(database_url: str, redis_url: str) -> None:
    async with sink() as good, sink() as bad:
        bad.status = 404
        urls = f"{good.url},{bad.url}"
        async with running(database_url, redis_url, worker=False, alert_urls=urls) as stack:
            answer = await stack.client.post("/admin/alerts/test", headers=bearer())
            assert answer.json()["items"] == [
                {"place": "JSON", "taken": True},
                {"place": "JSON", "taken": False},
            ]
            shown = await stack.client.get("/admin/settings", headers=bearer())
            assert "a-secret-part" not in shown.text
        assert len(good.got) == 1
    async with running(database_url, redis_url, worker=False) as stack:
        answer = await stack.client.post("/admin/alerts/test", headers=bearer())
        assert answer.status_code == 409
        assert "ALERT_URLS" in answer.text


def test_addresses_that_cannot_be_read_are_refused_without_telling_them() -> None:
    from app.bootstrap import NotConfigured
    from app.bootstrap.chosen import alert_places_of
    from app.connectors.alerting.places import places_of

    settings = Settings(_env_file=None, alert_urls="json://localhost/fine, slac://secret/token")
    with pytest.raises(NotConfigured) as refused:
        alert_places_of(settings)
    assert "address 2 of 2" in str(refused.value)
    assert "secret" not in str(refused.value)
    one = "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#a,#b"
    two = "workflows://example.azure.com:443/643a8a1dbf3e4b2c9d/x-some-signature-x"
    assert [place.name for place in places_of(f"{one}, {two}")] == [
        "Slack",
        "Power Automate / Workflows (for MSTeams)",
    ]


@pytest.mark.parametrize(
    ("address", "names"),
    [
        (
            "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#a/#b",
            ["Slack 1 of 2", "Slack 2 of 2"],
        ),
        ("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#a", ["Slack"]),
        (
            "mailtos://u:p@mail.example?to=a@x.example,b@x.example",
            ["E-Mail 1 of 2", "E-Mail 2 of 2"],
        ),
        ("json://localhost/x", ["JSON"]),
    ],
)
def test_each_recipient_of_an_address_is_a_place(address: str, names: list[str]) -> None:
    from app.connectors.alerting.places import places_of

    found = places_of(address)
    assert [place.name for place in found] == names
    assert len({place.key for place in found}) == len(names)
    assert [place.key for place in places_of(address)] == [place.key for place in found]


@pytest.mark.breadth
async def test_a_recipient_that_is_refused_has_no_other_told_again(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apprise.plugins.email.base.NotifyEmail.request_rate_per_sec", 0)
    await orders(database_url, 1)
    async with mail_server() as desk, await PostgresStore.open(database_url) as store:
        desk.recipient[OFFICER] = "550 nobody of that name"
        other = "second@msp.example"
        both = f"mailto://127.0.0.1:{desk.port}?from={SENDER}&to={OFFICER},{other}&mode=insecure"
        worker = alerts(store, both)
        for _ in range(3):
            assert await worker.turn() == 0
            await sql(database_url, "UPDATE alert SET due_at = now()")
        assert [envelope.rcpt_tos for envelope in desk.envelopes] == [[other]]
        (row,) = (await store.alerts(1, None, 10)).items
        assert row.trouble in ("Not taken by E-Mail 1 of 2.", "Not taken by E-Mail 2 of 2.")
        desk.recipient.clear()
        assert await worker.turn() == 1
        assert [envelope.rcpt_tos for envelope in desk.envelopes] == [[other], [OFFICER]]


async def test_the_actor_of_a_test_is_logged_and_no_address_is(
    database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    from app.telemetry import configure

    configure("DEBUG")
    async with sink() as bad, await PostgresStore.open(database_url) as store:
        bad.status = 500
        (tried,) = await alerts(store, bad.url).test(Actor(1, "tester"))
        assert not tried.taken
    out = capsys.readouterr()
    assert "alerts_tested" in out.err
    assert "a-secret-part" not in out.err + out.out
