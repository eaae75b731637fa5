"""The port `ConnectWise` when things go wrong: each failure kind, over real HTTP."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from app.connectors.connectwise.caller import Access
from app.connectors.connectwise.client import ConnectWiseClient
from app.connectors.transport import Calling, calling
from app.domain.errors import FailureKind as Kind
from app.domain.ports import ConnectWise
from app.domain.records import CallRecord
from app.system import SystemClock
from sandbox.server import SandboxServer
from tests.contract.connectwise_site import (
    OPPORTUNITY,
    access_to,
    control,
    failure_of,
    fault,
    won_and_converted,
)

# --- failures -------------------------------------------------------------------------------------


async def test_wrong_keys_are_told_by_either_status(connectwise_site: SandboxServer) -> None:
    wrong = replace(access_to(connectwise_site), private_key="wrong")
    client = ConnectWiseClient(wrong, clock=SystemClock(), timeout=5)
    for status in (401, 404):
        await control(connectwise_site, "PUT", "/settings", {"bad_credentials_status": status})
        for call in (client.members(), client.opportunity(OPPORTUNITY), client.info()):
            assert (await failure_of(call)).kind is Kind.UNAUTHENTICATED
    await client.aclose()


async def test_what_is_gone_is_gone_only_with_good_credentials(connectwise: ConnectWise) -> None:
    assert (await failure_of(connectwise.sales_order(999_999))).kind is Kind.GONE
    assert (await failure_of(connectwise.purchase_order_lines(999_999))).kind is Kind.GONE


async def test_nobody_listening_means_that_nothing_was_sent(connectwise: ConnectWise) -> None:
    access = Access("http://127.0.0.1:9/v4_6_release/apis/3.0", "c", "a", "b", "d")
    away = ConnectWiseClient(access, clock=SystemClock(), timeout=2)
    assert (await failure_of(away.create_invoice(1, 2, "r"))).kind is Kind.NOT_SENT
    await away.aclose()


async def test_faults_of_a_read_are_passing_and_one_reset_is_not_even_seen(
    connectwise: ConnectWise, connectwise_site: SandboxServer
) -> None:
    path = f"/sales/opportunities/{OPPORTUNITY}$"
    await fault(connectwise_site, "refuse", "GET", path)
    assert (await connectwise.opportunity(OPPORTUNITY)).id == OPPORTUNITY
    await fault(connectwise_site, "lose_reply", "GET", path, times=2)
    assert (await failure_of(connectwise.opportunity(OPPORTUNITY))).kind is Kind.TRANSIENT
    await fault(connectwise_site, "status", "GET", path, status=500)
    assert (await failure_of(connectwise.opportunity(OPPORTUNITY))).kind is Kind.TRANSIENT


async def test_faults_of_a_write_leave_it_in_doubt(
    connectwise: ConnectWise, connectwise_site: SandboxServer
) -> None:
    order, _ = await won_and_converted(connectwise)
    for kind, more in (
        ("refuse", {}),
        ("lose_reply", {}),
        ("status", {"status": 500}),
        ("status", {"status": 503, "headers": {"Retry-After": "0"}}),
    ):
        await fault(connectwise_site, kind, "POST", "/finance/invoices$", **more)
        failure = await failure_of(connectwise.create_invoice(order.id, order.company_id, "r"))
        assert failure.kind is Kind.OUTCOME_UNKNOWN
        await asyncio.sleep(0.15)  # the pause that the last one asks for
    assert len(await connectwise.invoices_of_sales_order(order.id)) == 1  # the lost reply's


async def test_an_answer_that_comes_too_late_is_in_doubt(connectwise_site: SandboxServer) -> None:
    client = ConnectWiseClient(access_to(connectwise_site), clock=SystemClock(), timeout=0.3)
    await fault(connectwise_site, "slow", "PATCH", "/sales/opportunities/", seconds=1)
    failure = await failure_of(client.set_opportunity_status(OPPORTUNITY, 2, None))
    assert failure.kind is Kind.OUTCOME_UNKNOWN
    await client.aclose()


async def test_a_limit_pauses_the_connection(
    connectwise: ConnectWise, connectwise_site: SandboxServer
) -> None:
    await fault(
        connectwise_site,
        "status",
        "GET",
        "/system/info$",
        status=429,
        headers={"Retry-After": "60"},
    )
    first = await failure_of(connectwise.info())
    assert (first.kind, first.retry_after) == (Kind.RATE_LIMITED, 60)
    second = await failure_of(connectwise.create_invoice(1, 2, "r"))
    assert second.kind is Kind.RATE_LIMITED
    assert second.retry_after is not None
    assert 55 < second.retry_after <= 60


# --- what is recorded and where a worker may be stopped -------------------------------------------


class Stop(BaseException):
    """A worker's sudden end."""


async def test_a_worker_stopped_after_sending_has_sent(
    connectwise: ConnectWise, connectwise_site: SandboxServer
) -> None:
    order, _ = await won_and_converted(connectwise)
    records: list[CallRecord] = []

    async def stop() -> None:
        raise Stop

    token = calling.set(Calling("release_invoice", "ON1", record=records.append, sent=stop))
    with pytest.raises(Stop):
        await connectwise.create_invoice(order.id, order.company_id, "r")
    calling.reset(token)
    assert records == []
    async with asyncio.timeout(5):
        while not await connectwise.invoices_of_sales_order(order.id):
            await asyncio.sleep(0.02)
