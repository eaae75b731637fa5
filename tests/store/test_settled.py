"""Retention of alerts on PostgreSQL: what was settled long ago goes, and nothing is told twice by it."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.domain.alerts import Alert, AlertCode
from app.domain.codes import Code, State
from app.domain.ports import Worker
from app.domain.retention import Kept, Period
from app.store.postgres import PostgresStore
from tests.store.build import (
    TENANT,
    claim_one,
    deliver,
    done,
    keep_alert,
    release,
    sales_order,
    waiting,
)

PERIOD = Period(Kept.ALERTS, 90)
PLACE = "a-place"
HELD = dataclasses.replace(waiting(Code.MAPPING_MISSING), state=State.HELD)


async def run(store: PostgresStore, statement: str, *values: Any) -> list[Any]:
    async with store._db.session() as session:
        return list(await session.fetch(statement, *values))


async def told(store: PostgresStore) -> list[int]:
    """Have what is due told at the one place; the alerts that went out."""
    rows = await store.take_alerts(TENANT, 0.0, 60.0)
    ids = [row.id for row in rows]
    await store.alerts_sent(ids, PLACE)
    await store.end_alerts(ids, [PLACE], None, 60.0)
    return ids


async def aged(store: PostgresStore, *, seen: bool = True) -> None:
    """Have all alerts happened 400 days earlier."""
    by = "- interval '400 days'"
    more = f", seen_at = seen_at {by}" if seen else ""
    await run(
        store,
        f"UPDATE alert SET created_at = created_at {by}, sent_at = sent_at {by},"  # noqa: S608
        f" over_at = over_at {by}{more}",
    )


async def kept(store: PostgresStore) -> list[str]:
    return sorted(row.alert.code for row in (await store.alerts(TENANT, None, 50)).items)


async def test_an_alert_of_an_open_order_stays_and_is_not_told_again(
    postgres: PostgresStore, worker_of: Worker
) -> None:
    await deliver(postgres, "msg_1201", sales_order("1201"))
    await release(postgres, await claim_one(postgres, worker_of), HELD)
    assert await postgres.sweep_alerts(TENANT, 0.0) == 1
    assert len(await told(postgres)) == 1
    await aged(postgres)
    held = await postgres.holding(PERIOD)
    assert (held.outlived, held.of_open) == (1, 1)
    assert held.oldest is not None
    assert held.oldest < datetime.now(UTC) - timedelta(days=399)
    assert (await postgres.prune(PERIOD)).rows == 0
    assert await postgres.sweep_alerts(TENANT, 0.0) == 0
    assert await told(postgres) == []

    (row,) = await run(postgres, "SELECT id FROM orders")
    await postgres.wake([row["id"]])
    await release(postgres, await claim_one(postgres, worker_of), done())
    assert (await postgres.prune(PERIOD)).rows == 0  # it stood a moment ago
    await aged(postgres)
    assert (await postgres.prune(PERIOD)).rows == 1
    assert await kept(postgres) == []
    assert await postgres.sweep_alerts(TENANT, 0.0) == 0


async def test_an_alert_that_nobody_has_been_told_stays_however_old(
    postgres: PostgresStore,
) -> None:
    since = datetime(2020, 1, 1, tzinfo=UTC)
    await keep_alert(postgres, Alert("x", AlertCode.DRIFT, since, "One differs."))
    await aged(postgres)
    assert (await postgres.holding(PERIOD)).of_open == 1
    assert (await postgres.prune(PERIOD)).rows == 0
    assert len(await told(postgres)) == 1
    assert (await postgres.prune(PERIOD)).rows == 0  # settled just now
    await aged(postgres)
    assert (await postgres.prune(Period(Kept.ALERTS, 0))).rows == 0
    assert (await postgres.prune(Period(Kept.ALERTS, 500))).rows == 0
    assert (await postgres.prune(PERIOD)).rows == 1


async def test_what_was_over_before_it_was_sent_goes_as_well(postgres: PostgresStore) -> None:
    since = datetime(2020, 1, 1, tzinfo=UTC)
    await keep_alert(postgres, Alert("x", AlertCode.DRIFT, since, "One differs."))
    await run(postgres, "UPDATE alert SET over_at = now()")
    await aged(postgres)
    assert (await postgres.prune(PERIOD)).rows == 1


@pytest.mark.parametrize("standing", [True, False])
async def test_a_consent_that_ended_long_ago_is_told_once_while_nobody_signs_in(
    postgres: PostgresStore, standing: bool
) -> None:
    """Its alert has the moment of the end, which is the same for years."""
    await run(
        postgres, "INSERT INTO connection (tenant_id, kind, name) VALUES (1, 'xero', 'default')"
    )
    await run(
        postgres,
        "INSERT INTO ledger_grant (connection_id, tenant_id, company_id, company_name, tokens,"
        " access_until, refresh_until, consented_by) SELECT id, 1, 'c', 'C', '',"
        " now() - interval '500 days', now() - interval '440 days', 'a'"
        " FROM connection WHERE kind = 'xero'",
    )
    assert await postgres.sweep_alerts(TENANT, 0.0) == 1
    assert len(await told(postgres)) == 1
    await aged(postgres)
    if not standing:
        await run(postgres, "UPDATE ledger_grant SET refresh_until = now() + interval '60 days'")
    assert await postgres.sweep_alerts(TENANT, 0.0) == 0
    assert (await postgres.prune(PERIOD)).rows == (0 if standing else 1)
    assert await postgres.sweep_alerts(TENANT, 0.0) == 0
    assert await told(postgres) == []


async def test_many_go_page_by_page(postgres: PostgresStore) -> None:
    await run(
        postgres,
        "INSERT INTO alert (tenant_id, subject, code, since, sentence, who, sent_at)"
        " SELECT 1, 'x', 'DRIFT', now() - n * interval '1 second', '', 'operator', now()"
        " FROM generate_series(1, 4500) AS n",
    )
    await aged(postgres)
    assert (await postgres.prune(PERIOD)).rows == 4500
    assert await kept(postgres) == []
