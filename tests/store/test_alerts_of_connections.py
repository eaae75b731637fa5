"""What is wrong with connections for days is told once: pauses, outages, consents, silence."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.domain.codes import Code, State, Who
from app.domain.ports import Paused, Worker
from app.domain.records import Answer
from app.store.postgres import PostgresStore
from app.sync.alerts import AlertPace
from tests.store.build import TENANT
from tests.store.days import EVENING, LAG, NIGHT, Days, Taker, look
from tests.store.test_settled import run


async def test_silence_that_ended_before_it_was_told_is_not_told(
    days: Days, postgres: PostgresStore
) -> None:
    slack = Taker("slack")
    loud, quiet = (AlertPace(gather=0.0, silence=24.0, quiet=one) for one in (None, NIGHT))
    days.now = EVENING + timedelta(hours=5)
    came = """
        INSERT INTO inbox_event (tenant_id, connection_id, source, external_id, event_type, body,
            body_hash, status, received_at)
        SELECT 1, id, 'commerce', $1, 'x', '', '', 'merged', now() - make_interval(hours => $2)
        FROM connection WHERE kind = 'commerce'
    """
    await run(postgres, "DELETE FROM inbox_event")
    for name, hours in (("a", 40), ("b", 30)):
        await run(postgres, came, name, hours)
    await days.turn([slack], quiet)
    assert [row.alert.code for row in (await postgres.alerts(TENANT, None, 5)).items] == ["WEBHOOKS_SILENT"]  # fmt: skip
    await run(postgres, came, "c", 0)
    await days.go(10)
    await days.turn([slack], loud)
    assert slack.got == []


@pytest.mark.parametrize(
    ("trouble", "told"),
    [
        (
            "Xero gives no token: invalid_grant.",
            "CONSENT_ENDED: Xero gives no token: invalid_grant.",
        ),
        ("It is refused.", "CONSENT_ENDED: Xero gives no token: It is refused."),
    ],
)
async def test_a_ledger_that_gives_no_token_is_named_once(
    days: Days, postgres: PostgresStore, trouble: str, told: str
) -> None:
    slack = Taker("slack")
    await postgres.ensure_connection(TENANT, "xero", "default")
    await run(
        postgres,
        "INSERT INTO ledger_grant (connection_id, tenant_id, company_id, company_name, tokens,"
        " access_until, consented_by, trouble) SELECT id, 1, '1', 'Books', '', now(), 'x', $1"
        " FROM connection WHERE kind = 'xero'",
        trouble,
    )
    await days.turn([slack])
    ((_, note),) = slack.got
    assert note.text.startswith(f"{told} Sign in: `demandlink connections sign-in xero`.")
    assert note.text.endswith("https://x.example/connections")


async def test_the_end_of_a_consent_is_told_once_though_it_gives_no_token_either(
    days: Days, postgres: PostgresStore
) -> None:
    slack = Taker("slack")
    await postgres.ensure_connection(TENANT, "xero", "default")
    await run(
        postgres,
        "INSERT INTO ledger_grant (connection_id, tenant_id, company_id, company_name, tokens,"
        " access_until, grant_until, consented_by) SELECT id, 1, '1', 'Books', '', now(),"
        " now() + interval '25 hours', 'x' FROM connection WHERE kind = 'xero'",
    )
    for hour in range(48):
        if hour == 30:
            await run(postgres, "UPDATE ledger_grant SET trouble = 'The token is refused.'")
        await days.turn([slack])
        await days.go(60)
    assert (slack.told("CONSENT_ENDING"), slack.told("CONSENT_ENDED")) == (1, 1)


async def test_refused_credentials_are_told_after_a_pause_of_another_kind(
    days: Days, postgres: PostgresStore
) -> None:
    slack = Taker("slack")
    for code in (Code.PEER_SICK, Code.CREDENTIALS_REFUSED, Code.PEER_SICK):
        await run(
            postgres,
            "UPDATE connection SET paused = true, paused_until = now() + interval '5 min',"
            " pause_code = $1, pause_sentence = 'It is so.', paused_by = 'service'"
            " WHERE kind = 'connectwise'",
            code.value,
        )
        await days.turn([slack])
        await days.go(2)
    assert (slack.told("PEER_SICK"), slack.told("CREDENTIALS_REFUSED")) == (1, 1)


async def test_a_system_that_is_left_alone_and_tried_again_is_one_trouble(
    days: Days, worker_of: Worker, postgres: PostgresStore
) -> None:
    """While it is paused its orders wait for the pause, and between for the system itself."""
    slack = Taker("slack")
    sick = Paused(None, Code.PEER_SICK, "ConnectWise is not called: 8 calls in a row.", "service")
    away = Answer(State.WAITING, Code.CONNECTION_UNREACHABLE, "ConnectWise: no answer.", Who.NOBODY, None, "soon")  # fmt: skip
    for _ in range(20):
        await postgres.pause(TENANT, "connectwise", sick)
        await days.turn([slack])
        await days.go(5)
        await run(postgres, "UPDATE connection SET paused = false")
        await look(postgres, worker_of, away)
        await days.go(3)
        await days.turn([slack])
        await look(postgres, worker_of, LAG)
    ((_, note),) = slack.got
    assert note.text == "CONNECTION_PAUSED: ConnectWise is not called: 8 calls in a row. https://x.example/connections"  # fmt: skip
    for _ in range(12):  # it is never paused any more, and does not answer
        await look(postgres, worker_of, away)
        await days.go(5)
        await days.turn([slack])
    assert slack.told("ConnectWise cannot be used; 1 order waits for it.") == 1
