"""A connection that is dropped on order is reset on every loop that the simulator runs on."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import httpx
import pytest
import uvicorn

from sandbox.connectwise.app import create_app
from sandbox.connectwise.http.api import Credentials
from sandbox.kit.serving import Server
from tests.servers import wait_until

COMPANIES = "/v4_6_release/apis/3.0/company/companies"


@pytest.fixture(params=["asyncio", "uvloop"])
def address(request: pytest.FixtureRequest) -> Iterator[str]:
    """A simulator in a thread, on the loop of the parameter."""
    if request.param == "uvloop":
        pytest.importorskip("uvloop")
    server = Server(uvicorn.Config(create_app(), loop=request.param, log_level="critical"))
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    wait_until(lambda: server.started)
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join()


@pytest.mark.parametrize("kind", ["refuse", "lose_reply"])
def test_the_client_sees_a_reset_and_no_answer(address: str, kind: str):
    with httpx.Client(base_url=address, headers=Credentials().headers, trust_env=False) as client:
        fault = {"kind": kind, "method": "GET", "path": "companies", "times": 1}
        client.post("/_sandbox/faults", json=[fault]).raise_for_status()
        with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
            client.get(COMPANIES)
        assert client.get(COMPANIES).status_code == 200
