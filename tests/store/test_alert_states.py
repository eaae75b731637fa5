"""Which states become an alert on PostgreSQL, each once: drift, a Commerce that is not read, and orders
that come and go."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from app.domain.alerts import AlertRow, note_of
from app.domain.watching import Standing
from app.store import alerts
from app.store.postgres import PostgresStore
from tests.store.build import TENANT, deliver, sales_order
from tests.store.test_settled import run

PLACES = ["slack", "mail"]


async def sweep(store: PostgresStore) -> list[AlertRow]:
    """Look once; what is to be told, told nowhere yet."""
    await store.sweep_alerts(TENANT, 0.0)
    return await store.take_alerts(TENANT, 0.0, 0.0)


async def tell(store: PostgresStore, *places: str) -> list[str]:
    """Look once, and have it told; the sentences."""
    found = await sweep(store)
    ids = [row.id for row in found]
    for place in places or PLACES:
        await store.alerts_sent(ids, place)
    await store.end_alerts(ids, PLACES, None if not places else "Not taken.", 0.0)
    return [row.alert.sentence for row in found]


async def earlier(store: PostgresStore, hours: float) -> None:
    """Have every alert happened, and be seen last, so much earlier."""
    await run(
        store,
        "UPDATE alert SET created_at = created_at - make_interval(secs => $1::float8 * 3600),"
        " seen_at = seen_at - make_interval(secs => $1::float8 * 3600)",
        float(hours),
    )


async def differs(store: PostgresStore, key: str = "bill:7", order: int | None = None) -> int:
    rows = await run(
        store,
        "INSERT INTO drift_finding (tenant_id, order_id, key, digest, standing, code, system, kind,"
        " record, about, step, subject, says, stands, sentence, who)"
        " VALUES (1, $2, $1, '', 'open', 'AMOUNT', 'xero', 'bill', '7', '', '', '', '', '',"
        " 'Bill 7 differs.', 'accounting') RETURNING id",
        key,
        order,
    )
    return int(rows[0]["id"])


async def stand(store: PostgresStore, finding: int, standing: str) -> None:
    await run(store, "UPDATE drift_finding SET standing = $2 WHERE id = $1", finding, standing)


async def test_h12_a_difference_is_told_once_as_long_as_it_stands(postgres: PostgresStore) -> None:
    await deliver(postgres, "msg_1201", sales_order("1201"))
    (order,) = await run(
        postgres, "SELECT id, coalesce(number, 'id:' || source_id) AS n FROM orders"
    )
    await differs(postgres, order=order["id"])
    (row,) = await sweep(postgres)
    assert (row.alert.code, row.alert.order, row.alert.who) == ("DRIFT", order["n"], "accounting")
    assert await tell(postgres) == ["Bill 7 differs."]
    for _ in range(3):
        assert await tell(postgres) == []
        await earlier(postgres, 20)  # a sweep an hour, and days of it


async def test_h12_a_difference_without_an_order_is_told_too(postgres: PostgresStore) -> None:
    await differs(postgres, "x" * 290)
    assert await tell(postgres) == ["Bill 7 differs."]
    assert await tell(postgres) == []


async def test_h12_what_was_settled_before_it_was_told_is_not(postgres: PostgresStore) -> None:
    for standing in ("closed", "ignored", "adopted"):
        finding = await differs(postgres, f"bill:{standing}")
        assert len(await sweep(postgres)) == 1
        await stand(postgres, finding, standing)
        assert await sweep(postgres) == []
    assert {row.state for row in (await postgres.alerts(TENANT, None, 50)).items} == {"over"}


async def test_h12_a_difference_that_comes_and_goes_is_told_once_though_it_stays_then(
    postgres: PostgresStore,
) -> None:
    first = await differs(postgres)
    assert len(await tell(postgres)) == 1
    for _ in range(3):  # lists that lag, in every sweep
        await stand(postgres, first, "closed")
        await tell(postgres)
        await earlier(postgres, 1)
        first = await differs(postgres)
        assert await tell(postgres) == []
    for _ in range(3):
        await earlier(postgres, 20)
        assert await tell(postgres) == []
    await stand(postgres, first, "closed")
    await tell(postgres)
    for _ in range(2):
        await earlier(postgres, 20)
        await tell(postgres)  # it was away for longer than a day
    await differs(postgres)
    assert len(await tell(postgres)) == 1


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ({}, False),
        ({"failing": "transient", "failures": 19}, False),
        ({"failing": "transient", "failures": 20}, True),
        ({"failing": "not_sent", "failures": 200}, True),
        ({"failing": "forbidden", "failures": 1}, True),
        ({"failing": "unauthenticated", "failures": 9}, False),  # its pause is told
        ({"failing": "rate_limited", "failures": 9}, False),
    ],
)
async def test_h10_a_commerce_that_is_not_read_is_told_once_though_no_order_waits(
    postgres: PostgresStore, state: dict[str, Any], told: bool
) -> None:
    async def keep(kept: dict[str, Any]) -> None:
        await run(
            postgres,
            "INSERT INTO commerce_poll (connection_id, tenant_id, state) SELECT id, 1, $1::json"
            " FROM connection WHERE kind = 'commerce' ON CONFLICT (connection_id)"
            " DO UPDATE SET state = excluded.state",
            kept,
        )

    await keep(state)
    found = await tell(postgres)
    assert [one.startswith("Commerce cannot be read") for one in found] == [True] * told
    await keep({})
    assert await tell(postgres) == []
    await keep(state)
    assert await tell(postgres) == []  # it comes and goes


async def held(store: PostgresStore, sentence: str) -> None:
    await run(
        store,
        "UPDATE orders SET state = 'held', code = 'MAPPING_MISSING', who = 'sales', since = now(),"
        " sentence = $1",
        sentence,
    )


async def test_an_order_that_comes_back_to_the_same_sentence_is_told_once_though_it_stays_then(
    postgres: PostgresStore,
) -> None:
    await deliver(postgres, "msg_1201", sales_order("1201"))
    await held(postgres, "No company.")
    assert await tell(postgres) == ["No company."]
    for _ in range(3):  # looked at again, and again
        await run(postgres, "UPDATE orders SET state = 'waiting', code = 'SO_MISSING'")
        assert await tell(postgres) == []
        await held(postgres, "No company.")
        assert await tell(postgres) == []
    await earlier(postgres, 0.6)
    assert await tell(postgres) == []
    await held(postgres, "No vendor.")  # something else, though it has the same code
    assert await tell(postgres) == ["No vendor."]


async def test_who_was_cut_off_is_not_told_of_what_is_settled_meanwhile(
    postgres: PostgresStore,
) -> None:
    """Slack was away, mail had it: hours later Slack would say what is no longer so."""
    await deliver(postgres, "msg_1201", sales_order("1201"))
    await held(postgres, "No company.")
    assert await tell(postgres, "mail") == ["No company."]
    assert len(await sweep(postgres)) == 1  # for Slack
    await run(postgres, "UPDATE orders SET state = 'done', code = 'RELEASED'")
    assert await sweep(postgres) == []


@pytest.mark.parametrize(("callbacks", "told"), [(30, 1), (5, 0)])
async def test_callbacks_that_stay_away_longer_than_usual_are_told_once(
    postgres: PostgresStore, callbacks: int, told: int
) -> None:
    """Of a few nobody can say what is usual: they come only of what people do."""
    await postgres.ensure_connection(TENANT, "connectwise", "default")
    await run(
        postgres,
        "INSERT INTO inbox_event (tenant_id, connection_id, source, external_id, event_type, body,"
        " body_hash, status, received_at) SELECT 1, c.id, 'connectwise', 'm' || n, 'x', '', '', 'hint',"
        " now() - make_interval(hours => 42 + ($1::int - n::int) * 2) FROM connection AS c,"
        " generate_series(1, $1::int) AS n WHERE c.kind = 'connectwise'",
        callbacks,
    )
    assert await postgres.sweep_alerts(TENANT, 48.0) == 0  # ALERT_SILENCE_HOURS
    assert await postgres.sweep_alerts(TENANT, 24.0) == told
    assert await postgres.sweep_alerts(TENANT, 24.0) == 0
    rows = (await postgres.alerts(TENANT, None, 9)).items
    assert [row.alert.code for row in rows] == ["WEBHOOKS_SILENT"] * told
    assert all(row.alert.sentence.startswith("No callback of ConnectWise") for row in rows)


# --- what is done beside the orders ---------------------------------------------------------------


async def turns(store: PostgresStore, part: str, minutes: int, failures: int) -> None:
    """As if the part had failed so often for so many minutes, the last time just now."""
    now = await store.now()
    standing = Standing(
        well=now - timedelta(minutes=minutes + 1),
        since=now - timedelta(minutes=minutes),
        at=now,
        failures=failures,
        error="KeyError",
        again=60.0,
    )
    await store.remember(TENANT, "turns", part, standing.model_dump(mode="json"), 3600.0)


async def test_a_poll_that_breaks_again_and_again_is_told_once_and_again_when_it_begins_anew(
    postgres: PostgresStore,
) -> None:
    await turns(postgres, "commerce_poll", 9, 6)
    assert await tell(postgres) == []
    await turns(postgres, "commerce_poll", 11, 1)
    assert await tell(postgres) == []
    await turns(postgres, "commerce_poll", 11, 7)
    (told,) = await tell(postgres)
    assert told.startswith(
        "Commerce was last read 12 minutes ago: it failed 7 times in a row since"
    )
    assert "with KeyError" in told
    await turns(postgres, "commerce_poll", 12, 8)
    assert await tell(postgres) == []
    await postgres.remember(TENANT, "turns", "commerce_poll", {"well": None}, 3600.0)
    assert await tell(postgres) == []
    await earlier(postgres, 1)
    await turns(postgres, "commerce_poll", 11, 7)
    assert len(await tell(postgres)) == 1


async def test_one_that_reads_again_before_it_was_told_is_over(postgres: PostgresStore) -> None:
    await turns(postgres, "commerce_poll", 11, 7)
    (row,) = await sweep(postgres)
    assert (row.alert.subject, row.alert.code) == ("system:Commerce", "CONNECTION_DOWN")
    await postgres.remember(TENANT, "turns", "commerce_poll", {}, 3600.0)
    await earlier(postgres, 0.1)
    assert await sweep(postgres) == []


@pytest.mark.parametrize("part", ["invoice_poll", "drift_sweep", "retention"])
async def test_each_other_part_is_an_alert_of_its_own(postgres: PostgresStore, part: str) -> None:
    await turns(postgres, part, 70, 2)
    (row,) = await sweep(postgres)
    assert (row.alert.subject, row.alert.code) == (f"turns:{part}", "TURN_FAILING")
    assert note_of([row.alert], "https://x").text.endswith("https://x/doctor")


async def test_a_part_that_this_version_does_not_know_is_no_alert(postgres: PostgresStore) -> None:
    await turns(postgres, "tea", 70, 9)
    assert await sweep(postgres) == []


async def test_a_state_of_the_poll_that_cannot_be_read_keeps_no_other_alert_back(
    postgres: PostgresStore,
) -> None:
    await run(
        postgres,
        "INSERT INTO commerce_poll (connection_id, tenant_id, state)"
        """ SELECT id, tenant_id, '{"failing": "tea"}' FROM connection WHERE kind = 'commerce'""",
    )
    await turns(postgres, "commerce_poll", 11, 7)
    await differs(postgres)
    assert {row.alert.code for row in await sweep(postgres)} == {"CONNECTION_DOWN", "DRIFT"}


async def test_what_was_sent_is_noted_while_nobody_looks(postgres: PostgresStore) -> None:
    """Both change many rows: in each other's way one of them would end with an error, and what was sent
    would be sent once more."""
    await differs(postgres)
    (row,) = await sweep(postgres)
    async with postgres._db.transaction() as looking:
        assert await looking.fetchval(alerts._TURN, alerts.LOCK_SPACE, TENANT)
        noting = asyncio.create_task(postgres.alerts_sent([row.id], "slack"))
        ending = asyncio.create_task(postgres.end_alerts([row.id], ["slack"], None, 1.0))
        await asyncio.sleep(0.2)
        assert not noting.done()
        assert not ending.done()
    await asyncio.gather(noting, ending)
    (row,) = (await postgres.alerts(TENANT, None, 9)).items
    assert (row.told, row.attempts) == (("slack",), 1)
