"""The simulator over real sockets: what only a network shows."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import httpx
import pytest

from sandbox.server import XeroServer
from sandbox.xero.webhooks import sign
from tests.unit.http_server import Served, http, read_request, serving

KEY = "the-webhook-key"


@pytest.fixture
async def xero() -> AsyncIterator[XeroServer]:
    async with XeroServer() as running:
        yield running


@pytest.fixture
async def client(xero: XeroServer) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(headers=xero.headers, timeout=5) as opened:
        yield opened


@pytest.mark.parametrize("kind", ["refuse", "lose_reply"])
async def test_a_dropped_connection_is_dropped(
    xero: XeroServer, client: httpx.AsyncClient, kind: str
) -> None:
    fault = {"kind": kind, "method": "PUT", "path": "^/Contacts$"}
    await client.post(f"{xero.control_url}/faults", json=[fault])
    with pytest.raises(httpx.TransportError):
        await client.put(f"{xero.base_url}/Contacts", json={"Name": "Fabrikam"})
    found = await client.get(f"{xero.base_url}/Contacts", params={"where": 'Name=="Fabrikam"'})
    assert len(found.json()["Contacts"]) == (1 if kind == "lose_reply" else 0)


async def test_the_sixth_call_in_flight_is_one_too_many(
    xero: XeroServer, client: httpx.AsyncClient
) -> None:
    await client.put(f"{xero.control_url}/settings", json={"latency_ms": 200})
    asked = (client.get(f"{xero.base_url}/Organisation") for _ in range(6))
    answers = await asyncio.gather(*asked)
    assert sorted(answer.status_code for answer in answers) == [200] * 5 + [429]


async def test_events_reach_a_receiver_that_passed_the_intent_to_receive(
    xero: XeroServer, client: httpx.AsyncClient
) -> None:
    events: asyncio.Queue[dict[str, object]] = asyncio.Queue()

    async def receive(
        served: Served, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        while await read_request(served, reader):
            head, body = served.heads[-1], served.bodies[-1]
            pairs = (line.partition(": ") for line in head.split("\r\n"))
            given = {name.lower(): value for name, _, value in pairs}["x-xero-signature"]
            good = given == sign(KEY, body)
            for event in json.loads(body)["events"] if good else ():
                events.put_nowait(event)
            writer.write(http("200 OK" if good else "401 Unauthorized", b""))

    async with serving(receive) as served:
        await client.put(f"{xero.control_url}/webhook", json={"url": served.url, "key": KEY})
        async with asyncio.timeout(5):
            while (await client.get(f"{xero.control_url}/webhook")).json()["status"] != "ok":
                await asyncio.sleep(0.01)
            await client.put(f"{xero.base_url}/Contacts", json={"Name": "Fabrikam"})
            event = await events.get()
    assert (event["eventCategory"], event["eventType"]) == ("CONTACT", "CREATE")
    address = str(event["resourceUrl"])
    assert (await client.get(address)).json()["Contacts"][0]["Name"] == "Fabrikam"
