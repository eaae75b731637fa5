"""The doctor beside each way in which ConnectWise's procurement may be set up (connectwise.md 3.7)."""

from __future__ import annotations

from typing import Any

import pytest

from app.domain.checkup import Outcome
from tests.e2e.harness import Stack, running
from tests.e2e.test_doctor import READY, examined

pytestmark = [pytest.mark.processes, pytest.mark.breadth]
PATH = "/procurement/settings"
INVOICES = {"invoice_action": "create_invoice"}
ON_RECEIPT = {"invoice_policy": "shipped_only", "mark_shipped": "on_receipt"}


async def told(stack: Stack) -> dict[str, dict[str, str]]:
    """What is said of the procurement settings, by name; they are read once."""
    before = len(await stack.requests())
    _, found = await examined(stack)
    asked = (await stack.requests())[before:]
    assert [one["method"] for one in asked if one["path"].endswith(PATH)] == ["GET"]
    return {
        name.removeprefix("procurement_"): one
        for name, one in found.items()
        if name.startswith("procurement_")
    }


@pytest.mark.parametrize(
    ("switch", "extra", "outcome", "words"),
    [
        ({"auto_pick": True}, INVOICES, "ok", "ConnectWise picks"),
        ({"auto_pick": False}, {}, "ok", "people pick"),
        ({"auto_pick": False}, ON_RECEIPT, "ok", "in one"),
        ({"auto_pick": False}, INVOICES, "warning", "INVOICE_INCOMPLETE"),
        ({"auto_close_line": True}, {"invoice_sync_tool": "wise_sync"}, "ok", "is closed"),
        ({"auto_close_line": False}, {}, "ok", "not received again"),
        ({"auto_close_line": False}, {"invoice_sync_tool": "wise_sync"}, "warning", "SYNC_LINE_OPEN"),
        ({"auto_close_order": True}, {}, "ok", "papers still get there"),
        ({"auto_close_order": False}, {}, "ok", "The service closes"),
    ],
)  # fmt: skip
async def test_g2_each_switch_of_receiving_is_told_with_what_it_means(
    database_url: str,
    redis_url: str,
    switch: dict[str, bool],
    extra: dict[str, Any],
    outcome: str,
    words: str,
) -> None:
    async with running(database_url, redis_url, worker=False, **{**READY, **extra}) as stack:
        await stack.control("settings", switch, "PUT")
        found = (await told(stack))[next(iter(switch))]
        assert found["outcome"] == outcome
        assert words in found["sentence"]
        assert bool(found["cause"]) is bool(found["fix"]) is (outcome != Outcome.OK)


@pytest.mark.parametrize(
    ("field", "value", "name", "extra", "outcome", "words"),
    [
        ("autoApprovePurchaseOrderFlag", False, "auto_approve", {}, "warning",
         "DEMAND_NOT_APPROVED"),
        ("autoApprovePurchaseOrderFlag", False, "auto_approve", {"demand_linking": "automatic"},
         "warning", "DEMAND_NOT_LINKED"),
        ("startingPurchaseOrderNum", 77, "purchase_order_numbers", {}, "ok", "CW77"),
        ("startingPurchaseOrderNum", 77, "purchase_order_numbers", {"po_numbering": "connectwise"},
         "ok", "from CW77 on"),
        ("startingPurchaseOrderNum", 1234567, "purchase_order_numbers",
         {"po_numbering": "connectwise", "invoice_sync_tool": "innovent"}, "warning",
         "SYNC_NUMBER_LONG"),
        ("startingPurchaseOrderNum", 77, "purchase_order_numbers",
         {"invoice_sync_tool": "innovent"}, "warning", "SYNC_NUMBER_LONG"),
        ("disableNegativeInventoryFlag", False, "negative_inventory", {}, "ok", "no more"),
        ("disableNegativeInventoryFlag", True, "negative_inventory", {}, "ok", "tries again"),
        ("disableCostUpdatesFlag", True, "cost_updates", {}, "ok", "as it is"),
        ("disableCostUpdatesFlag", False, "cost_updates", {}, "ok", "may become"),
        ("taxPurchaseOrderFlag", True, "purchase_tax", {}, "ok", "its own tax codes"),
        ("taxPurchaseOrderFlag", False, "purchase_tax", {}, "ok", "no tax"),
    ],
)  # fmt: skip
async def test_g2_each_other_procurement_setting_is_told_with_what_it_means(
    database_url: str,
    redis_url: str,
    field: str,
    value: object,
    name: str,
    extra: dict[str, Any],
    outcome: str,
    words: str,
) -> None:
    async with running(database_url, redis_url, worker=False, **{**READY, **extra}) as stack:
        await change(stack, {field: value})
        found = (await told(stack))[name]
        assert found["outcome"] == outcome
        assert words in found["sentence"]
        assert bool(found["cause"]) is bool(found["fix"]) is (outcome != Outcome.OK)


async def test_h9_numbers_of_connectwise_that_look_like_commerces_are_told(
    database_url: str, redis_url: str
) -> None:
    async with running(database_url, redis_url, worker=False, **READY) as stack:
        numbers = {"purchaseOrderPrefix": "PO", "startingPurchaseOrderNum": 10008000}
        await change(stack, numbers)
        found = (await told(stack))["purchase_order_numbers"]
        assert found["outcome"] == Outcome.WARNING
        assert "PO_NUMBER_TAKEN" in found["sentence"]
        assert "another prefix" in found["fix"]
        await change(stack, {"prefixSuffixType": "Suffix"})  # then nothing stands before the number
        assert (await told(stack))["purchase_order_numbers"]["outcome"] == Outcome.OK


@pytest.mark.parametrize(
    ("status", "words"),
    [(403, "System > Table Setup"), (404, "could not be read"), (500, "could not be read")],
)
async def test_g1_settings_that_cannot_be_read_are_no_failure(
    database_url: str, redis_url: str, status: int, words: str
) -> None:
    async with running(database_url, redis_url, worker=False, **READY) as stack:
        body = {"code": "X", "message": "no"}
        fault = {"method": "GET", "path": PATH, "times": 99, "kind": "status", "status": status}
        await stack.control("faults", [{**fault, "body": body}])
        _, found = await examined(stack)
        mine = {name: one for name, one in found.items() if name.startswith("procurement")}
        assert list(mine) == ["procurement_settings"]
        assert mine["procurement_settings"]["outcome"] == Outcome.UNPROVEN
        assert words in mine["procurement_settings"]["sentence"]
        assert "could not be read" in mine["procurement_settings"]["sentence"]
        assert "Setup Tables" in mine["procurement_settings"]["fix"]
        assert found["may_read_purchase_orders"]["outcome"] == Outcome.OK
        assert found["api_member"]["outcome"] == Outcome.OK


async def test_g2_where_no_purchase_order_goes_to_connectwise_its_settings_are_not_asked_for(
    database_url: str, redis_url: str
) -> None:
    for scenario in ("connectwise-invoicing", "connectwise-managed", "commerce-invoicing"):
        more = {**READY, "scenario": scenario}
        async with running(database_url, redis_url, worker=False, **more) as stack:
            _, found = await examined(stack)
            assert found["credentials"]["outcome"] == Outcome.OK
            assert not [name for name in found if name.startswith("procurement_")]
            assert not [one for one in await stack.requests() if one["path"].endswith(PATH)]


async def change(stack: Stack, fields: dict[str, object]) -> None:
    """As somebody sets them in ConnectWise."""
    (settings,) = await stack.get(PATH)
    body = [{"op": "replace", "path": name, "value": value} for name, value in fields.items()]
    (await stack.cw.patch(f"{PATH}/{settings['id']}", json=body)).raise_for_status()
