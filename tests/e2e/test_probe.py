"""The doctor's probe beside the sandbox: what it makes it takes away, whatever happens meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from app.sync.operations import Actor
from tests.e2e.harness import Stack, bearer, running
from tests.e2e.test_doctor import READY

pytestmark = pytest.mark.processes
ACTOR = Actor(1, "test")
LISTS = (
    "/procurement/catalog", "/service/tickets", "/sales/orders", "/procurement/products",
    "/procurement/purchaseorders",
)  # fmt: skip


async def names(stack: Stack) -> dict[str, str]:
    companies = await stack.get("/company/companies")
    vendors = [one["identifier"] for one in companies if one.get("isVendorFlag")]
    others = [one["identifier"] for one in companies if not one.get("isVendorFlag")]
    return {"company": others[0], "vendor": vendors[0]}


async def held(stack: Stack) -> dict[str, list[int]]:
    return {path: [one["id"] for one in await stack.get(path)] for path in LISTS}


async def asked(stack: Stack, **given: str) -> httpx.Response:
    body = {**await names(stack), **given}
    return await stack.client.post("/admin/doctor/probe", headers=bearer(), json=body, timeout=60)


async def probed(stack: Stack, **given: str) -> dict[str, dict[str, Any]]:
    answer = await asked(stack, **given)
    assert answer.status_code == 200, answer.text
    return {one["name"]: one for one in answer.json()["findings"]}


async def examined(stack: Stack) -> dict[str, dict[str, Any]]:
    answer = await stack.client.get("/admin/doctor", headers=bearer())
    return {one["name"]: one for one in answer.json()["findings"]}


def outcomes(found: dict[str, dict[str, Any]]) -> dict[str, str]:
    return {name: one["outcome"] for name, one in found.items()}


async def sql(stack: Stack, statement: str) -> Any:
    async with stack.container.admin._db.session() as session:  # type: ignore[attr-defined]
        return await session.fetch(statement)


WHOLE = {
    "probe_leftovers": "ok",
    "may_write_catalog": "ok",
    "may_write_tickets": "ok",
    "may_write_sales_orders": "ok",
    "may_write_products": "ok",
    "demand": "ok",
    "may_write_purchasing_demand": "ok",
    "demand_link": "ok",
    "probe_taken_away": "ok",
}


async def test_g1_g2_a_probe_proves_writes_and_demand_and_leaves_nothing(
    database_url: str, redis_url: str
) -> None:
    async with running(database_url, redis_url, worker=False, **READY) as stack:
        before = await held(stack)
        found = await probed(stack)
        assert outcomes(found) == WHOLE
        assert await held(stack) == before
        assert all(one["wrote"] for one in found.values())
        assert await sql(stack, "SELECT * FROM probe_record") == []
        log = [one for one in await stack.requests() if one["method"] != "GET"]
        tickets = [one for one in log if one["path"] == "/service/tickets"]
        assert tickets[0]["body"]["processNotifications"] is False
        products = [one for one in log if one["path"] == "/procurement/products"]
        assert products[0]["body"]["billableOption"] == "DoNotBill"
        assert not [one for one in log if "invoices" in one["path"] or "Shipping" in one["path"]]
        (audit,) = await sql(stack, "SELECT action, target FROM audit WHERE action LIKE 'doctor%'")
        assert audit["action"] == "doctor.probe"


@pytest.mark.breadth
async def test_g2_demand_that_is_not_raised_is_denied_by_a_probe(
    database_url: str, redis_url: str
) -> None:
    async with running(database_url, redis_url, worker=False, **READY) as stack:
        await stack.control("settings", {"demand_from": []}, "PUT")
        before = await held(stack)
        found = await probed(stack)
        assert found["demand"]["outcome"] == "failed"
        assert "purchasing demand" in found["demand"]["fix"]
        assert "may_write_purchasing_demand" not in found
        assert await held(stack) == before


@pytest.mark.breadth
async def test_g2_a_link_that_is_not_made_is_denied_by_a_probe(
    database_url: str, redis_url: str
) -> None:
    async with running(database_url, redis_url, worker=False, **READY) as stack:
        fault = {
            "method": "POST",
            "path": "/procurement/purchasingDemands",
            "times": 1,
            "kind": "drop_link",
        }
        await stack.control("faults", [fault])
        before = await held(stack)
        found = await probed(stack)
        assert found["demand_link"]["outcome"] == "failed"
        assert found["probe_taken_away"]["outcome"] == "ok"
        assert await held(stack) == before


@pytest.mark.breadth
async def test_b2_where_tickets_are_invoiced_the_product_stands_on_the_ticket(
    database_url: str, redis_url: str
) -> None:
    more = {**READY, "scenario": "connectwise-procurement-ticket"}
    async with running(database_url, redis_url, worker=False, **more) as stack:
        before = await held(stack)
        found = await probed(stack)
        without = {name: one for name, one in WHOLE.items() if name != "may_write_sales_orders"}
        assert outcomes(found) == without
        assert "ticket" in found["demand"]["sentence"]
        assert await held(stack) == before


@pytest.mark.breadth
@pytest.mark.parametrize(
    ("path", "failed", "name"),
    [
        ("/procurement/catalog", "may_write_catalog", "Product Catalog"),
        ("/sales/orders", "may_write_sales_orders", "Sales Orders"),
        ("/service/tickets", "may_write_tickets", "Service Tickets"),
        ("/procurement/products", "may_write_products", "Products"),
        ("/procurement/purchasingDemands", "may_write_purchasing_demand", "Purchasing Demand"),
    ],
)
async def test_g1_a_missing_permission_to_write_is_named_and_the_rest_is_taken_away(
    database_url: str, redis_url: str, path: str, failed: str, name: str
) -> None:
    async with running(database_url, redis_url, worker=False, **READY) as stack:
        body = {"code": "Forbidden", "message": "no"}
        fault = {"method": "POST", "path": path, "times": 9, "kind": "status", "status": 403}
        await stack.control("faults", [{**fault, "body": body}])
        before = await held(stack)
        found = await probed(stack)
        assert found[failed]["outcome"] == "failed"
        assert name in found[failed]["sentence"]
        assert found["probe_taken_away"]["outcome"] == "ok"
        assert await held(stack) == before
        assert await sql(stack, "SELECT * FROM probe_record") == []


@pytest.mark.breadth
@pytest.mark.parametrize(
    "path",
    [
        "/procurement/catalog", "/service/tickets", "/sales/orders", "/procurement/products",
        "/procurement/purchasingDemands",
    ],
)  # fmt: skip
async def test_h9_a_lost_answer_is_looked_for_and_what_it_made_is_taken_away(
    database_url: str, redis_url: str, path: str
) -> None:
    async with running(database_url, redis_url, worker=False, **READY) as stack:
        fault = {"method": "POST", "path": path, "times": 1, "kind": "lose_reply"}
        await stack.control("faults", [fault])
        before = await held(stack)
        assert outcomes(await probed(stack)) == WHOLE
        assert await held(stack) == before


@pytest.mark.breadth
async def test_g1_what_may_not_be_deleted_is_named_until_it_is_gone(
    database_url: str, redis_url: str
) -> None:
    async with running(database_url, redis_url, worker=False, **READY) as stack:
        fault = {
            "method": "DELETE", "path": "/sales/orders/.*", "times": 9, "kind": "status",
            "status": 403, "body": {"code": "Forbidden", "message": "no"},
        }  # fmt: skip
        before = await held(stack)
        await stack.control("faults", [fault])
        found = await probed(stack)
        assert found["probe_taken_away"]["outcome"] == "failed"
        (left,) = set((await held(stack))["/sales/orders"]) - set(before["/sales/orders"])
        assert f"sales order {left}" in found["probe_taken_away"]["sentence"]
        told = (await examined(stack))["probe_leftovers"]
        assert told["outcome"] == "warning"
        assert f"sales order {left}" in told["sentence"]
        await stack.control("faults", [], "DELETE")
        assert outcomes(await probed(stack)) == WHOLE
        assert await held(stack) == before
        assert "probe_leftovers" not in await examined(stack)


@pytest.mark.breadth
async def test_g1_what_somebody_has_taken_over_is_never_deleted(
    database_url: str, redis_url: str
) -> None:
    async with running(database_url, redis_url, worker=False, **READY) as stack:
        fault = {
            "method": "DELETE", "path": "/sales/orders/.*", "times": 9, "kind": "status",
            "status": 403, "body": {"code": "Forbidden", "message": "no"},
        }  # fmt: skip
        before = await held(stack)
        await stack.control("faults", [fault])
        await probed(stack)
        await stack.control("faults", [], "DELETE")
        (left,) = set((await held(stack))["/sales/orders"]) - set(before["/sales/orders"])
        change = [{"op": "replace", "path": "notes", "value": "ours now"}]
        await stack.cw.patch(f"/sales/orders/{left}", json=change)
        found = await probed(stack)
        assert "somebody has changed" in found["probe_leftovers"]["sentence"]
        assert left in (await held(stack))["/sales/orders"]
        stack.permitted.add("PROBE")


async def cancelled_at(stack: Stack, path: str) -> None:
    """The process dies with a request under way, which ConnectWise carries out all the same."""
    fault = {"method": "POST", "path": path, "times": 1, "kind": "slow", "seconds": 0.3}
    await stack.control("faults", [fault])
    given = await names(stack)
    task = asyncio.create_task(stack.container.doctor.probe(ACTOR, **given))

    async def begun() -> bool:
        kind = {"/sales/orders": "sales_order", "/procurement/purchasingDemands": "purchase_order"}
        rows = await sql(stack, "SELECT kind FROM probe_record")
        return kind[path] in {row["kind"] for row in rows}

    await until(begun)
    await asyncio.sleep(0.1)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    await asyncio.sleep(0.5)


async def until(wanted: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(10):
        while not await wanted():
            await asyncio.sleep(0.02)


@pytest.mark.breadth
@pytest.mark.parametrize("path", ["/sales/orders", "/procurement/purchasingDemands"])
async def test_h9_a_probe_that_died_is_explained_by_the_doctor_and_undone_by_the_next(
    database_url: str, redis_url: str, path: str
) -> None:
    async with running(database_url, redis_url, worker=False, **READY) as stack:
        before = await held(stack)
        await cancelled_at(stack, path)
        standing = await held(stack)
        assert standing != before
        refused = await asked(stack)  # its turn is not over yet
        assert refused.json()["code"] == "PROBE_UNDER_WAY"
        assert "probe_leftovers" not in await examined(stack)
        await sql(stack, "UPDATE probe_turn SET until = now()")
        told = (await examined(stack))["probe_leftovers"]["sentence"]
        for table, ids in standing.items():
            for number in set(ids) - set(before[table]):
                assert str(number) in told, f"{table} {number} is not named: {told}"
        assert outcomes(await probed(stack)) == WHOLE
        assert await held(stack) == before
        assert await sql(stack, "SELECT * FROM probe_record") == []


@pytest.mark.breadth
async def test_g1_nobody_is_written_to_by_a_status_that_notifies(
    database_url: str, redis_url: str
) -> None:
    async with running(database_url, redis_url, worker=False, **READY) as stack:
        for status in await stack.get("/procurement/purchaseorderstatuses"):
            path = f"/procurement/purchaseorderstatuses/{status['id']}/notifications"
            notice = {"notifyWho": {"name": "Email Address"}, "email": "buyer@msp.example"}
            (await stack.cw.post(path, json=notice)).raise_for_status()
        found = await probed(stack)
        told = found["may_write_purchasing_demand"]
        assert told["outcome"] == "unproven"
        assert "notifies" in told["sentence"]
        posted = [one["path"] for one in await stack.requests() if one["method"] == "POST"]
        assert "/procurement/purchasingDemands" not in posted


@pytest.mark.breadth
async def test_g1_an_unknown_company_is_refused_and_nothing_is_made(
    database_url: str, redis_url: str
) -> None:
    async with running(database_url, redis_url, worker=False, **READY) as stack:
        answer = await asked(stack, company="nobody")
        assert answer.status_code == 422
        assert {one["method"] for one in await stack.requests()} == {"GET"}
        without = await probed(stack, vendor="")
        assert without["may_write_purchasing_demand"]["outcome"] == "unproven"


@pytest.mark.breadth
async def test_c2_a_scenario_without_products_probes_none(
    database_url: str, redis_url: str
) -> None:
    more = {**READY, "scenario": "commerce-invoicing"}
    async with running(database_url, redis_url, worker=False, **more) as stack:
        found = await probed(stack)
        assert set(found) == {"probe_leftovers", "may_write_tickets", "probe_taken_away"}
