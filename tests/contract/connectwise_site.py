"""A simulated vendor on a real socket: what tests ask of it, and of a client of it, again and again."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import httpx
import pytest

from app.connectors.connectwise.caller import Access
from app.domain import psa
from app.domain.errors import RemoteFailure
from app.domain.ports import ConnectWise
from sandbox.server import SandboxServer
from tests.sandbox.contract import Contract

NOW = datetime(2026, 11, 20, 14, 11, 3, tzinfo=UTC)
OPPORTUNITY = 88


def contract_faults(contract: Contract, entry: dict[str, Any]) -> list[str]:
    prefix = "/v4_6_release/apis/3.0"
    entry["path"] = entry["path"].removeprefix(prefix)
    return contract.faults_of(entry) if entry.get("fault") is None else []


def access_to(site: SandboxServer) -> Access:
    login = site.credentials
    return Access(
        site.base_url, login.company, login.public_key, login.private_key, login.client_id
    )


async def control(site: SandboxServer, method: str, path: str, body: Any = None) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False) as plain:
        answer = await plain.request(method, f"{site.control_url}{path}", json=body)
        assert answer.status_code < 300, answer.text
        return answer


async def fault(site: SandboxServer, kind: str, method: str, path: str, **more: Any) -> None:
    order = {"kind": kind, "method": method, "path": path, "times": 1} | more
    await control(site, "POST", "/faults", [order])


async def failure_of(call: Any) -> RemoteFailure:
    with pytest.raises(RemoteFailure) as caught:
        await call
    return caught.value


async def named(client: ConnectWise, kind: psa.Setup, name: str) -> int:
    return next(one.id for one in await client.set_up(kind) if one.name == name)


async def vendor(client: ConnectWise, identifier: str = "INGRAM") -> int:
    company = await client.company(identifier)
    assert company is not None
    return company.id


async def warehouse(client: ConnectWise) -> int:
    return next(one.id for one in await client.set_up(psa.Setup.WAREHOUSE) if one.default)


async def won_and_converted(client: ConnectWise) -> tuple[psa.SalesOrder, list[psa.Product]]:
    products = await client.opportunity_products(OPPORTUNITY)
    won = next(one.id for one in await client.set_up(psa.Setup.OPPORTUNITY_STATUS) if one.won)
    await client.set_opportunity_status(OPPORTUNITY, won, NOW)
    order = await client.convert_to_sales_order(OPPORTUNITY, [one.id for one in products])
    return order, await client.sales_order_products(order.id)


async def purchased(
    client: ConnectWise, quantity: int = 10
) -> tuple[psa.SalesOrder, psa.Product, int]:
    order, products = await won_and_converted(client)
    monitor = next(one for one in products if one.sku == "DELL-P2425H")
    demand = [psa.Demand(monitor.id, Decimal(quantity), Decimal("180.55"))]
    made = await client.purchase_demand(await vendor(client), await warehouse(client), demand)
    assert made is not None
    return order, monitor, made
