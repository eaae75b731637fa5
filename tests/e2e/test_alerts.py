"""Alerts on real sinks: an HTTP server as Slack and Teams are, and a mail server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Any

import asyncpg
import pytest
from aiohttp import web

from app.domain.alerts import Quiet
from app.domain.codes import Code
from app.domain.ports import Paused
from app.store.postgres import PostgresStore
from app.sync.alerts import AlertPace, Alerts
from app.system import SystemClock
from tests.e2e.harness import Stack, bearer, running
from tests.e2e.orders import CABLE
from tests.e2e.tickets import plain, tell
from tests.mail_server import OFFICER, SENDER, mail_server

pytestmark = pytest.mark.processes
UNKNOWN = {"id": 78, "accountNumber": "NOBODY", "name": "Dana Lee"}


@dataclass
class Sink:
    """A webhook's other end. `status` is what it answers."""

    url: str = ""
    status: int = 200
    got: list[dict[str, Any]] = field(default_factory=list)


@asynccontextmanager
async def sink() -> AsyncIterator[Sink]:
    found = Sink()

    async def take(request: web.Request) -> web.Response:
        if found.status < 300:
            found.got.append(await request.json())
        return web.Response(status=found.status)

    app = web.Application()
    app.router.add_post("/{rest:.*}", take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    found.url = f"json://127.0.0.1:{port}/a-secret-part"
    try:
        yield found
    finally:
        await runner.cleanup()


async def sql(database_url: str, statement: str, *values: Any) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(database_url)
    try:
        rows: list[asyncpg.Record] = await connection.fetch(statement, *values)
        return rows
    finally:
        await connection.close()


def alerts(store: PostgresStore, *urls: str, **pace: Any) -> Alerts:
    """A worker's alerts, as a second process would have them."""
    from app.connectors.alerting.places import places_of

    given = AlertPace(**{"gather": 0.0, "silence": 0.0, **pace})
    return Alerts(
        store=store,
        kept=store,
        places=places_of(", ".join(urls)),
        clock=SystemClock(),
        pace=given,
        tenant_id=1,
    )


async def orders(database_url: str, count: int, **more: Any) -> None:
    """Held orders, as a worker leaves them."""
    values = {"code": "MAPPING_MISSING", "who": "purchasing", "state": "held", **more}
    await sql(
        database_url,
        """
        INSERT INTO orders (tenant_id, connection_id, source_id, number, customer, state, code, who,
            sentence, since)
        SELECT 1, (SELECT min(id) FROM connection), n::text, 'ON' || n, 'Dana Lee', $2, $3, $4,
            'Customer Dana Lee <dana@contoso.example> is missing.', now()
        FROM generate_series(1, $1::int) AS n
        """,
        count,
        values["state"],
        values["code"],
        values["who"],
    )


@pytest.mark.breadth
async def test_an_order_that_needs_a_person_is_told_once_at_every_place(
    database_url: str, redis_url: str
) -> None:
    """Through the worker: to a webhook and by e-mail, without the customer's name, and never again
    for the same state."""
    order = plain((CABLE, 5))
    order.customer, order.company = UNKNOWN, None
    async with sink() as hook, mail_server() as desk:
        mail = f"mailto://127.0.0.1:{desk.port}?from={SENDER}&to={OFFICER}&mode=insecure"
        more: dict[str, Any] = {
            "alert_urls": f"{hook.url}, {mail}",
            "alert_gather_seconds": 0.0,
            "public_url": "https://demandlink.msp.example",
        }
        async with running(database_url, redis_url, **more) as stack:
            await tell(stack, order.approved())
            await stack.until_state(order.number, "held", "MAPPING_MISSING")

            async def sent() -> bool:
                return [one["state"] for one in await _listed(stack)] == ["sent"]

            stack.container.alerts._turns.again_in(0.0)  # the next look is now
            await stack.until_true(sent, 20)
            (told,) = hook.got
            assert told["title"] == f"Demandlink: {order.number} needs an operator"
            page = f"https://demandlink.msp.example/orders/{order.number}"
            assert told["message"].endswith(page)
            assert "MAPPING_MISSING: The customer" in told["message"]
            assert "Dana" not in told["message"]
            (letter,) = desk.taken
            assert order.number in str(letter["Subject"])
            assert await stack.container.alerts.turn() == 0
            assert len(hook.got) == 1


@pytest.mark.breadth
async def test_h11_a_hold_is_told_again_after_a_decision_and_not_after_looks_of_its_own(
    database_url: str, redis_url: str
) -> None:
    """Through the worker, whose look leaves it held as before."""
    order = plain((CABLE, 5))
    order.customer, order.company = UNKNOWN, None
    async with sink() as hook:
        more: dict[str, Any] = {"alert_urls": hook.url, "alert_gather_seconds": 0.0}
        async with running(database_url, redis_url, **more) as stack:
            await tell(stack, order.approved())
            await stack.until_state(order.number, "held", "MAPPING_MISSING")

            async def tries() -> int:
                """How often it was tried, once nobody has it any more."""
                found = await sql(
                    database_url,
                    "SELECT (SELECT sum(attempts) FROM applied) AS n FROM orders"
                    " WHERE lease_token IS NULL AND due_at > now()",
                )
                return int(found[0]["n"]) if found else -1

            async def resting() -> bool:
                return await tries() >= 0

            async def told_after(doing: Awaitable[Any]) -> int:
                await stack.until_true(resting, 20)
                before = await tries()
                await doing

                async def tried() -> bool:
                    return await tries() > before

                await stack.until_true(tried, 20)
                await stack.until_state(order.number, "held", "MAPPING_MISSING")
                await stack.container.alerts.turn()
                return len(hook.got)

            async def recheck() -> None:
                # One after the other: a worker has the order before its steps.
                due = "UPDATE applied SET retry_at = now() WHERE state = 'held'"
                await sql(database_url, due)
                await sql(database_url, "UPDATE orders SET due_at = now()")

            decided = {"code": "MAPPING_MISSING", "choice": "look_again", "reason": "corrected"}
            page = f"/admin/orders/{order.number}/decide"
            await stack.container.alerts.turn()
            assert await told_after(recheck()) == 1
            assert await told_after(stack.client.post(page, headers=bearer(), json=decided)) == 2
            assert await told_after(recheck()) == 2


async def _listed(stack: Stack) -> list[dict[str, Any]]:
    answer = await stack.client.get("/admin/alerts", headers=bearer())
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


@pytest.mark.breadth
async def test_a_burst_is_one_message_and_two_workers_tell_it_once(database_url: str) -> None:
    await orders(database_url, 37)
    async with (
        sink() as hook,
        await PostgresStore.open(database_url) as one,
        await PostgresStore.open(database_url) as two,
    ):
        workers = [alerts(one, hook.url), alerts(two, hook.url)]
        counts = await asyncio.gather(*(worker.turn() for worker in workers))
        assert sorted(counts) == [0, 37]
        (told,) = hook.got
        assert told["title"] == "Demandlink: 37 orders need purchasing"
        assert "dana" not in told["message"].lower()
        assert await alerts(one, hook.url).turn() == 0  # as after a restart
    assert len(hook.got) == 1


@pytest.mark.breadth
async def test_a_state_that_begins_anew_is_told_anew(database_url: str) -> None:
    await orders(database_url, 1)
    async with sink() as hook, await PostgresStore.open(database_url) as store:
        worker = alerts(store, hook.url)
        assert await worker.turn() == 1
        await sql(database_url, "UPDATE orders SET state = 'running', code = NULL")
        assert await worker.turn() == 0
        again = "UPDATE orders SET state = 'parked', code = 'POISON', since = now()"
        await sql(database_url, again)
        assert await worker.turn() == 1
    assert "POISON" in hook.got[1]["message"]


@pytest.mark.breadth
async def test_alerts_wait_through_quiet_hours_and_come_as_one(database_url: str) -> None:
    """What was settled meanwhile is not told."""
    await orders(database_url, 3)
    now = datetime.now(UTC)
    around = Quiet((now - timedelta(hours=1)).time(), (now + timedelta(hours=1)).time(), UTC)
    async with sink() as hook, await PostgresStore.open(database_url) as store:
        assert await alerts(store, hook.url, quiet=around).turn() == 0
        await sql(database_url, "UPDATE orders SET state = 'done' WHERE number = 'ON2'")
        assert hook.got == []
        assert await alerts(store, hook.url).turn() == 2
        states = [row.state for row in (await store.alerts(1, None, 10)).items]
    assert sorted(states) == ["over", "sent", "sent"]
    assert "ON2" not in hook.got[0]["message"]


@pytest.mark.breadth
async def test_they_are_gathered_for_a_while(database_url: str) -> None:
    await orders(database_url, 2)
    async with sink() as hook, await PostgresStore.open(database_url) as store:
        worker = alerts(store, hook.url, gather=60.0)
        assert await worker.turn() == 0
        past = "UPDATE alert SET created_at = now() - interval '61 s' WHERE order_number = 'ON1'"
        await sql(database_url, past)
        assert await worker.turn() == 2
    assert len(hook.got) == 1


@pytest.mark.breadth
async def test_a_place_that_fails_is_tried_again_alone_and_shows(database_url: str) -> None:
    await orders(database_url, 1)
    async with sink() as good, sink() as bad, await PostgresStore.open(database_url) as store:
        bad.status = 503
        worker = alerts(store, good.url, bad.url)
        assert await worker.turn() == 0
        (row,) = (await store.alerts(1, None, 10)).items
        assert (row.state, row.attempts, row.trouble) == ("waiting", 1, "Not taken by JSON.")
        assert await worker.turn() == 0  # not yet
        await sql(database_url, "UPDATE alert SET due_at = now()")
        bad.status = 200
        assert await worker.turn() == 1
    assert (len(good.got), len(bad.got)) == (1, 1)


@pytest.mark.breadth
async def test_connections_that_are_down_paused_or_ending_are_told_once(database_url: str) -> None:
    """A connection that comes and goes is one trouble; a limit of the vendor is none."""
    await orders(database_url, 2, state="waiting", code="CONNECTION_UNREACHABLE")
    await sql(
        database_url,
        "UPDATE orders SET since = now() - interval '3 min', sentence = 'ConnectWise (GET /x): no.'",
    )
    pause = "UPDATE connection SET paused = true, paused_until = now() + interval '1 min', "
    refused = "pause_code = $1, pause_sentence = 'refused', paused_by = 'service' WHERE kind = $2"
    grant = """
        INSERT INTO ledger_grant (connection_id, tenant_id, company_id, company_name, tokens,
            access_until, grant_until, consented_by)
        SELECT id, 1, '1', 'Books', '', now(), now() + interval '9 days', 'x' FROM connection
        WHERE kind = 'xero'
    """
    async with sink() as hook, await PostgresStore.open(database_url) as store:
        await store.ensure_connection(1, "xero", "default")
        await sql(database_url, pause + refused, "RATE_LIMITED", "connectwise")
        await sql(database_url, grant)
        worker = alerts(store, hook.url)
        assert await worker.turn() == 2
        assert "ConnectWise cannot be used; 2 orders wait for it." in hook.got[0]["message"]
        assert "The consent to Xero ends on" in hook.got[0]["message"]
        await sql(database_url, pause + refused, "CREDENTIALS_REFUSED", "connectwise")
        assert await worker.turn() == 1
        await sql(database_url, "UPDATE connection SET paused = false")
        assert await worker.turn() == 0
        await sql(database_url, pause + refused, "CREDENTIALS_REFUSED", "connectwise")
        assert await worker.turn() == 0
    assert len(hook.got) == 2


@pytest.mark.breadth
async def test_a_silence_of_webhooks_that_is_longer_than_usual_is_told_once(
    database_url: str,
) -> None:
    event = """
        INSERT INTO inbox_event (tenant_id, connection_id, source, external_id, event_type, body,
            body_hash, status, received_at)
        SELECT 1, id, 'commerce', $1, 'x', '', '', 'merged', now() - make_interval(hours => $2)
        FROM connection WHERE kind = 'commerce'
    """
    async with sink() as hook, await PostgresStore.open(database_url) as store:
        for name, hours in (("a", 150), ("b", 60), ("c", 30), ("poll:quote:1:x", 1)):
            await sql(database_url, event, name, hours)
        worker = alerts(store, hook.url, silence=24.0)
        assert await worker.turn() == 0  # 30 hours, and there were 90 once
        await sql(database_url, "DELETE FROM inbox_event WHERE external_id = 'a'")
        await sql(database_url, event, "d", 50)  # now 20 is the longest
        await sql(database_url, "DELETE FROM inbox_event WHERE external_id = 'c'")
        await sql(database_url, event, "e", 30)
        assert await worker.turn() == 1
        assert await worker.turn() == 0
    assert "No webhook of Commerce" in hook.got[0]["message"]


async def test_h10_a_long_pause_of_a_vendor_is_told_once_with_its_end(database_url: str) -> None:
    def asked(until: datetime) -> Paused:
        return Paused(until, Code.RATE_LIMITED, "ConnectWise: the day is used up.", "service")

    async with sink() as hook, await PostgresStore.open(database_url) as store:
        told = alerts(store, hook.url)
        now = await store.now()
        await store.pause(1, "connectwise", asked(now + timedelta(minutes=10)))
        assert await told.turn() == 0  # nothing that anybody has to hear of
        until = now + timedelta(hours=5)
        await store.pause(1, "connectwise", asked(until))
        assert await told.turn() == 1
        message = hook.got[0]["message"]
        assert message.startswith("CONNECTION_PAUSED: ConnectWise is not called")
        assert f"it goes on by itself at {until:%Y-%m-%d %H:%M} UTC" in message
        # Every call under way draws the same refusal: it is one pause, seen by two workers.
        await store.pause(1, "connectwise", asked(until + timedelta(seconds=3)))
        again = alerts(store, hook.url)
        assert (await told.turn(), await again.turn()) == (0, 0)
        await sql(database_url, "UPDATE connection SET paused_until = now() - interval '1 s'")
        assert await told.turn() == 0
        await store.pause(1, "connectwise", asked(now + timedelta(hours=9)))
        assert await told.turn() == 1
        assert len(hook.got) == 2


async def test_h10_a_long_pause_that_a_person_ended_in_quiet_hours_is_not_told(
    database_url: str,
) -> None:
    zone = UTC
    night = Quiet((datetime.now(UTC) - timedelta(hours=1)).time(), time(0), zone)
    if not night.at(datetime.now(UTC)):
        night = Quiet(time(0), (datetime.now(UTC) + timedelta(hours=1)).time(), zone)
    async with sink() as hook, await PostgresStore.open(database_url) as store:
        quiet, day = alerts(store, hook.url, quiet=night), alerts(store, hook.url)
        until = await store.now() + timedelta(hours=5)
        await store.pause(1, "connectwise", Paused(until, Code.RATE_LIMITED, "429", "service"))
        assert await quiet.turn() == 0
        older = "UPDATE alert SET seen_at = now() - interval '10 minutes'"
        await sql(database_url, older)
        await quiet.turn()  # it is so still, and has to be told in the morning
        (row,) = (await store.alerts(1, None, 5)).items
        assert row.state == "waiting"
        await sql(database_url, "UPDATE connection SET paused = false")
        await sql(database_url, older)
        assert await day.turn() == 0
        assert hook.got == []
