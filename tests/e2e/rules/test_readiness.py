"""G5 to G7: records that Wise-Sync, ConnectBooster and Innovent can post, and what they cannot."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.harness import Rest, Stack, bearer, running
from tests.e2e.ledgers import kept
from tests.e2e.managed import D, buys
from tests.e2e.orders import CABLE
from tests.e2e.tickets import B2, marked, plain, tell

pytestmark = pytest.mark.processes


async def _check(stack: Stack, number: str) -> Rest:
    """POST /admin/orders/{number}/readiness; ConnectWise is asked now."""
    answer = await stack.client.post(f"/admin/orders/{number}/readiness", headers=bearer())
    assert answer.status_code == 200, answer.text
    found: Rest = answer.json()
    return found


async def _patch(stack: Stack, path: str, **values: Any) -> None:
    """A person corrects or spoils a record."""
    body = [{"op": "replace", "path": name, "value": value} for name, value in values.items()]
    (await stack.cw.patch(path, json=body)).raise_for_status()


async def _company(stack: Stack, identifier: str) -> str:
    (one,) = await stack.get("/company/companies", conditions=f"identifier='{identifier}'")
    return f"/company/companies/{one['id']}"


def _codes(told: Rest) -> list[str]:
    return [flag["code"] for flag in told["flags"]]


async def _through(stack: Stack) -> Rest:
    """An order from approval to its release, with an invoice of it."""
    order = plain((CABLE, 5))
    await tell(stack, order.approved(), order.ordered(8891, [(CABLE, 5)]))
    await tell(stack, order.receipted(8891))
    await stack.until_state(order.number, "done")
    return await stack.order(order.number)


async def _repaired(stack: Stack) -> None:
    """What the receipt did not bring, a person enters."""
    (order,) = await stack.get("/procurement/purchaseorders")
    path = f"/procurement/purchaseorders/{order['id']}"
    await _patch(
        stack, path, vendorInvoiceNumber="ING-77", vendorInvoiceDate="2026-07-01T00:00:00Z"
    )
    for line in await stack.get(f"{path}/lineitems"):
        await _patch(stack, f"{path}/lineitems/{line['id']}", packingSlip="PS-77")


@pytest.mark.parametrize("tool", ["wise_sync", "connectbooster"])
async def test_g5_g6_defects_are_named_and_gone_once_they_are_repaired(
    database_url: str, redis_url: str, tool: str
) -> None:
    more: dict[str, Any] = {**B2, "invoice_action": "create_invoice", "invoice_sync_tool": tool}
    async with running(database_url, redis_url, **more) as stack:
        told = await _through(stack)
        number = told["number"]
        told = await stack.until(number, lambda o: o["readiness"]["checked_at"] is not None)
        assert told["state"] == "done"
        await _repaired(stack)
        assert _codes(await _check(stack, told["number"])) == []

        (po,) = await stack.get("/procurement/purchaseorders")
        await _patch(stack, f"/procurement/purchaseorders/{po['id']}", vendorInvoiceNumber="")
        (line,) = await stack.get(f"/procurement/purchaseorders/{po['id']}/lineitems")
        path = f"/procurement/purchaseorders/{po['id']}/lineitems/{line['id']}"
        await _patch(stack, path, packingSlip="")
        (invoice,) = await stack.get("/finance/invoices")
        await _patch(stack, f"/finance/invoices/{invoice['id']}", taxCode=None)
        told = await _check(stack, told["number"])
        assert told["state"] == "done"  # a defect holds nothing
        assert _codes(told) == [
            "SYNC_PACKING_SLIP_MISSING",
            "SYNC_SUPPLIER_INVOICE_MISSING",
            "SYNC_TAX_CODE_MISSING",
        ]
        assert po["poNumber"] in told["flags"][1]["sentence"]
        assert told["readiness"]["defects"] == 3


async def test_g7_innovent_numbers_and_accounts(database_url: str, redis_url: str) -> None:
    more: dict[str, Any] = {**B2, "invoice_sync_tool": "innovent"}
    async with running(database_url, redis_url, **more) as stack:
        told = await _through(stack)
        await _repaired(stack)
        # PO10008891 is longer than what MYOB keeps.
        assert _codes(await _check(stack, told["number"])) == ["SYNC_NUMBER_LONG"]
        await _patch(stack, await _company(stack, "INGRAM"), accountNumber="A" * 16)
        await _patch(stack, await _company(stack, "Northwind"), accountNumber="contoso")
        told = await _check(stack, told["number"])
        assert _codes(told) == ["SYNC_NUMBER_LONG", "SYNC_ACCOUNT_LONG", "SYNC_ACCOUNT_SHARED"]
        assert "Northwind" in told["flags"][2]["sentence"]


async def test_a9_a_tenant_without_a_tool_pays_no_call(database_url: str, redis_url: str) -> None:
    async with running(database_url, redis_url, **B2) as stack:
        told = await _through(stack)
        assert (told["readiness"], told["flags"]) == (None, [])
        asked = {entry["path"] for entry in await stack.requests() if "client" in entry}
        assert not [path for path in asked if "glEntries" in path]
        answer = await stack.client.post(
            f"/admin/orders/{told['number']}/readiness", headers=bearer()
        )
        assert answer.status_code == 422
        assert "INVOICE_SYNC_TOOL" in answer.json()["detail"]


async def test_g5_an_entry_without_an_item_is_named(database_url: str, redis_url: str) -> None:
    """A down payment posts to an account whose GL mapping has no Non-Product ID."""
    more: dict[str, Any] = {**B2, "invoice_sync_tool": "wise_sync"}
    async with running(database_url, redis_url, **more) as stack:
        told = await _through(stack)
        await _repaired(stack)
        assert _codes(await _check(stack, told["number"])) == []
        (one,) = await stack.get("/service/tickets")
        body = {
            "type": "DownPayment",
            "company": {"id": one["company"]["id"]},
            "applyToType": "Ticket",
            "applyToId": one["id"],
            "downpaymentApplied": 10,
        }
        (await stack.cw.post("/finance/invoices", json=body)).raise_for_status()
        told = await _check(stack, told["number"])
        assert _codes(told) == ["SYNC_GL_MAPPING_MISSING"]
        assert told["flags"][0]["who"] == "accounting"


async def test_g5_what_may_not_be_read_is_told_and_not_asked_for_again(
    database_url: str, redis_url: str
) -> None:
    more: dict[str, Any] = {**B2, "invoice_sync_tool": "wise_sync"}
    async with running(database_url, redis_url, **more) as stack:
        fault = {
            "method": "GET",
            "path": "^/finance/invoices",
            "kind": "status",
            "status": 403,
            "times": None,
        }
        await stack.control("faults", [fault])
        told = await _through(stack)
        told = await stack.until(told["number"], lambda o: "SYNC_NOT_READ" in _codes(o))
        assert told["state"] == "done"


# --- where invoices and purchase orders stand elsewhere -------------------------------------------


async def test_g5_in_b1_the_invoice_of_the_sales_order_and_its_purchase_order_are_checked(
    database_url: str, redis_url: str
) -> None:
    more: dict[str, Any] = {"invoice_action": "create_invoice", "invoice_sync_tool": "wise_sync"}
    async with running(database_url, redis_url, **more) as stack:
        told = await _through(stack)
        number = told["number"]
        await stack.until(number, lambda o: o["readiness"]["checked_at"] is not None)
        await _repaired(stack)
        assert _codes(await _check(stack, number)) == []
        (po,) = await stack.get("/procurement/purchaseorders")
        (line,) = await stack.get(f"/procurement/purchaseorders/{po['id']}/lineitems")
        path = f"/procurement/purchaseorders/{po['id']}/lineitems/{line['id']}"
        await _patch(stack, path, packingSlip="")
        (invoice,) = await stack.get("/finance/invoices")
        await _patch(stack, f"/finance/invoices/{invoice['id']}", taxCode=None)
        told = await _check(stack, number)
        assert _codes(told) == ["SYNC_PACKING_SLIP_MISSING", "SYNC_TAX_CODE_MISSING"]
        assert told["state"] == "done"


async def test_g5_in_a_only_the_customers_side_is_checked(
    database_url: str, redis_url: str
) -> None:
    """What is owed goes straight to the ledger (A6): no tool has to post a purchase order."""
    more: dict[str, Any] = {
        "scenario": "connectwise-invoicing",
        "invoice_action": "create_invoice",
        "invoice_sync_tool": "wise_sync",
    }
    async with kept("xero", database_url, redis_url, **more) as books:
        stack = books.stack
        told = await _through(stack)
        assert _codes(await _check(stack, told["number"])) == []
        (invoice,) = await stack.get("/finance/invoices")
        await _patch(stack, f"/finance/invoices/{invoice['id']}", taxCode=None)
        assert _codes(await _check(stack, told["number"])) == ["SYNC_TAX_CODE_MISSING"]


async def test_g5_in_d_what_a_person_bought_is_theirs_and_the_invoice_is_checked(
    database_url: str, redis_url: str
) -> None:
    async with running(database_url, redis_url, invoice_sync_tool="innovent", **D) as stack:
        order = plain((CABLE, 5))
        await tell(stack, order.approved(), order.ordered(8891, [(CABLE, 5)]))
        await stack.until_state(order.number, "done")
        (product,) = await marked(stack, order)
        await buys(stack, product["id"], 5)
        assert _codes(await _check(stack, order.number)) == []
        await _patch(stack, await _company(stack, "Contoso"), accountNumber="A" * 16)
        told = await _check(stack, order.number)
        assert _codes(told) == ["SYNC_ACCOUNT_LONG"]


async def test_g5_in_c_no_tool_is_asked(database_url: str, redis_url: str) -> None:
    """ConnectWise holds nothing there that a tool would post."""
    more: dict[str, Any] = {"invoice_status": "approved", "invoice_sync_tool": "wise_sync"}
    async with kept("quickbooks", database_url, redis_url, **more) as books:
        order = plain((CABLE, 5))
        await books.tell(order.approved())
        await books.stack.until(order.number, lambda o: o["state"] is not None)
        answer = await books.stack.client.post(
            f"/admin/orders/{order.number}/readiness", headers=bearer()
        )
        assert answer.status_code == 422
        assert "its sales invoice is not ConnectWise's" in answer.json()["detail"]
