"""The doctor beside a sandbox that is set up wrongly in one way each: symptom, cause and fix."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.domain.checkup import Outcome
from tests.e2e.harness import Stack, bearer, running
from tests.e2e.test_doctor import READY, examined
from tests.mail_server import mail_server, reached

pytestmark = [pytest.mark.processes, pytest.mark.breadth]


async def looked(stack: Stack, name: str) -> dict[str, str]:
    _, found = await examined(stack)
    return found[name]


@pytest.mark.parametrize(
    ("setting", "extra"),
    [
        ("connectwise_location", {}),
        ("connectwise_business_unit", {}),
        ("connectwise_opportunity_type", {}),
        ("connectwise_invoice_status", {}),
        ("connectwise_purchase_order_status_cancelled", {}),
        ("connectwise_open_status", {}),
        ("connectwise_lost_status", {"lost_on_decline": "true"}),
        ("connectwise_ticket_boards", {}),
        ("connectwise_ticket_status", {}),
        ("connectwise_ticket_status_ready", {}),
        ("connectwise_board", {}),
        ("connectwise_product_type", {}),
        ("connectwise_product_subcategory", {}),
        ("connectwise_won_status", {}),
        ("connectwise_purchase_order_status_open", {}),
        ("connectwise_purchase_order_status_closed", {}),
        ("connectwise_warehouse", {}),
        ("connectwise_warehouse_bin", {}),
        ("connectwise_purchase_terms", {}),
        ("connectwise_unit_of_measure", {}),
        ("connectwise_sales_order_status_waiting", {}),
    ],
)
async def test_g1_a_setting_that_names_nothing_is_told_with_what_there_is(
    database_url: str, redis_url: str, setting: str, extra: dict[str, Any]
) -> None:
    more = {**READY, **extra, setting: "Tea"}
    async with running(database_url, redis_url, worker=False, **more) as stack:
        found = await looked(stack, setting)
        assert found["outcome"] == Outcome.FAILED
        assert "'Tea'" in found["sentence"] or "names no active" in found["sentence"]
        assert "SETTING_MISSING" in found["cause"]
        assert "one of:" in found["fix"]


@pytest.mark.parametrize(
    ("setting", "named", "extra"),
    [
        ("connectwise_won_status", "Lost", {}),
        ("connectwise_won_status", "Open", {}),
        ("connectwise_lost_status", "Won", {"lost_on_decline": "true"}),
        ("connectwise_open_status", "Won", {}),
        ("connectwise_purchase_order_status_open", "Received In Full", {}),
        ("connectwise_purchase_order_status_closed", "Sent to Vendor", {}),
        ("connectwise_purchase_order_status_cancelled", "New", {}),
        ("connectwise_sales_order_status_waiting", "Closed", {}),
        ("connectwise_ticket_status", "Closed", {}),
        ("connectwise_ticket_status_ready", "New", {"connectwise_ticket_status": "New"}),
    ],
)
async def test_g1_a_status_that_is_there_and_does_not_mean_what_it_is_named_for_is_told(
    database_url: str, redis_url: str, setting: str, named: str, extra: dict[str, Any]
) -> None:
    more = {**READY, **extra, setting: named}
    async with running(database_url, redis_url, worker=False, **more) as stack:
        outcome, findings = await examined(stack)
        assert outcome == Outcome.FAILED
        told = [one for one in findings.values() if one["name"] == setting]
        assert [one["outcome"] for one in told] == [Outcome.FAILED]
        assert repr(named) in told[0]["sentence"]
        assert told[0]["cause"]
        assert told[0]["fix"]


async def test_g2_a_bin_of_another_warehouse_is_told(database_url: str, redis_url: str) -> None:
    async with running(database_url, redis_url, worker=False, **READY) as stack:
        houses = await stack.get("/procurement/warehouses")
        other = {"name": "Elsewhere"}
        for name in ("location", "department"):
            other[name] = houses[0][name]
        made = await stack.cw.post("/procurement/warehouses", json=other)
        made.raise_for_status()
        place = {"name": "FAR", "warehouse": {"id": made.json()["id"]}}
        for name in ("location", "department"):
            place[name] = houses[0][name]
        (await stack.cw.post("/procurement/warehouseBins", json=place)).raise_for_status()
        values = {"CONNECTWISE_WAREHOUSE": houses[0]["name"], "CONNECTWISE_WAREHOUSE_BIN": "FAR"}
        await stack.client.patch("/admin/settings", headers=bearer(), json=values)
        found = await looked(stack, "warehouse_bin_place")
        assert found["outcome"] == Outcome.FAILED
        assert "'FAR'" in found["sentence"]


async def test_g1_a_member_without_location_or_unit_is_told(
    database_url: str, redis_url: str
) -> None:
    async with running(database_url, redis_url, worker=False, callbacks=True, **READY) as stack:
        assert (await looked(stack, "api_member"))["outcome"] == Outcome.OK
        fault = {
            "method": "GET",
            "path": "/system/members",
            "times": 9,
            "kind": "status",
            "status": 200,
            "body": [
                {"id": 1, "identifier": "integration", "licenseClass": "A", "defaultLocation": None}
            ],
        }
        await stack.control("faults", [fault])
        found = await looked(stack, "api_member")
        assert found["outcome"] == Outcome.FAILED
        assert "location and business unit" in found["sentence"]
        assert "Default Location" in found["fix"]


async def test_d10_a_mapping_to_nothing_and_orders_that_wait_for_one_are_told(
    database_url: str, redis_url: str
) -> None:
    async with running(database_url, redis_url, worker=False, **READY) as stack:
        for key, there in (("41", "NOBODY"), ("42", "424242")):
            body = {"kind": "company", "commerce_key": key, "connectwise_key": there}
            answer = await stack.client.put("/admin/mappings", headers=bearer(), json=body)
            assert answer.status_code < 300, answer.text
        found = await looked(stack, "mappings")
        assert found["outcome"] == Outcome.FAILED
        assert "NOBODY" in found["sentence"]
        assert "424242" in found["sentence"]
        assert "MAPPING_MISSING" in found["cause"]


async def test_g1_a_vendors_clock_that_is_off_is_told(database_url: str, redis_url: str) -> None:
    async with running(database_url, redis_url, worker=False, **READY) as stack:
        pacing = stack.container.pacings["connectwise"]
        then = datetime.now(UTC) + timedelta(minutes=20)
        dated = pacing.answered

        def late(date: str | None) -> None:
            dated(then.strftime("%a, %d %b %Y %H:%M:%S GMT"))

        pacing.answered = late  # type: ignore[method-assign]
        found = await looked(stack, "clock_connectwise")
        assert found["outcome"] == Outcome.FAILED
        assert "ahead" in found["sentence"]
        assert "NTP" in found["fix"]


async def test_g1_callbacks_that_are_missing_and_never_came_are_told(
    database_url: str, redis_url: str
) -> None:
    async with running(database_url, redis_url, worker=False, callbacks=True, **READY) as stack:
        for one in await stack.get("/system/callbacks"):
            await stack.cw.delete(f"/system/callbacks/{one['id']}")
        _, found = await examined(stack)
        assert found["callbacks"]["outcome"] == Outcome.WARNING
        assert "opportunity" in found["callbacks"]["sentence"]
        assert found["connectwise_arrivals"]["outcome"] == Outcome.UNPROVEN
        assert found["commerce_arrivals"]["outcome"] == Outcome.UNPROVEN


async def test_g1_an_address_that_leads_nowhere_is_told(database_url: str, redis_url: str) -> None:
    more = {**READY, "public_url": "http://127.0.0.1:9", "connectwise_callback_token": "t" * 20}
    async with running(database_url, redis_url, worker=False, **more) as stack:
        found = await looked(stack, "public_url")
        assert found["outcome"] == Outcome.WARNING
        assert "does not answer" in found["sentence"]


async def test_g1_work_that_nobody_takes_is_told(database_url: str, redis_url: str) -> None:
    async with running(database_url, redis_url, worker=False, **READY) as stack:
        assert (await looked(stack, "work"))["outcome"] == Outcome.OK
        async with stack.container.admin._db.session() as session:  # type: ignore[attr-defined]
            await session.execute(
                """INSERT INTO orders (tenant_id, connection_id, source_id, due_at)
                SELECT 1, id, 'old', now() - interval '1 hour' FROM connection
                WHERE kind = 'commerce' LIMIT 1"""
            )
        found = await looked(stack, "work")
        assert found["outcome"] == Outcome.FAILED
        assert "worker" in found["fix"]


@pytest.mark.parametrize(
    ("change", "told", "fix"),
    [
        ({}, "", ""),
        ({"smtp_port": 9}, "cannot be reached", "SMTP_PORT"),
        ({"smtp_tls": "starttls"}, "does not offer", "SMTP_TLS"),
    ],
)
async def test_d4_the_mail_server_is_asked_and_sent_nothing(
    database_url: str, redis_url: str, change: dict[str, Any], told: str, fix: str
) -> None:
    async with mail_server() as desk:
        more = {**READY, **reached(desk.port), **change}
        async with running(database_url, redis_url, worker=False, **more) as stack:
            found = await looked(stack, "mail")
            assert found["outcome"] == (Outcome.FAILED if told else Outcome.OK), found
            assert told in found["sentence"]
            assert fix in found["fix"]
            assert desk.taken == []


async def test_g1_alerts_are_not_sent_to_be_proven(database_url: str, redis_url: str) -> None:
    more = {**READY, "alert_urls": "json://127.0.0.1:9/x"}
    async with running(database_url, redis_url, worker=False, **more) as stack:
        found = await looked(stack, "alerts")
        assert found["outcome"] == Outcome.UNPROVEN
        assert "demandlink alerts test" in found["fix"]
        assert ("PUBLIC_URL" in found["fix"]) is not bool(stack.container.settings.public_url)
    async with running(database_url, redis_url, worker=False, **more, public_url="") as stack:
        assert "PUBLIC_URL is empty" in (await looked(stack, "alerts"))["sentence"]
