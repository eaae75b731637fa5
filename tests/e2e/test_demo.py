"""The demo and the stack as a person starts them: processes of their own, from start to end."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from sandbox.connectwise.http.api import Credentials
from sandbox.demo.holdings import IN_LEDGER
from sandbox.xero.http.tokens import Credentials as XeroCredentials
from tests.servers import wait_until

pytestmark = [pytest.mark.processes, pytest.mark.breadth, pytest.mark.timeout(180)]

SAID = (
    '10 of 10 Dell P2425H 24" monitor are on no purchase order.',
    '6 of 10 Dell P2425H 24" monitor are still to be received on PO10008893.',
    "[SALES_ORDER_UNKNOWN]",
    "[SO_MISSING]",
    "[MAPPING_MISSING]",
    "[QUOTE_MISSING]",
    "kill -9 ",
    "Where each order stands, and why",
    "Calls to ConnectWise for ON10001201",
    "[OPPORTUNITY_SHARED]",
    "[SHARED_NOT_READY]",
    "Left alone on opportunity",
    "is Waiting for goods again",
    "[CHANGED_AFTER_FREEZE]",
    "[CANCELLED_AFTER_START]",
    "[OPPORTUNITY_MARKED_LOST]",
    "[RECEIPT_ABOVE_ORDER]",
    "[RECEIPT_REDUCED]",
    "[DEMAND_NOT_LINKED]",
    "[SERIALS_INCOMPLETE]",
    "[STOCK_RECEIVED]",
    "More goods of sales order",
    "[INVOICED_TOO_EARLY]",
    "by the rules of order: none broken.",
    "Which system holds what: an order of each configuration",
    "C ON10001242 | sold, with tax | 1038.30 | 1038.30 | 0.00",
    "All 30 orders stand where they should",
)


def start(*arguments: str, directory: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "DEMANDLINK_DATA_DIR": str(directory)}
    return subprocess.Popen(
        [sys.executable, "-m", "app.cli", *arguments],
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # Signals of the test's own terminal are not for it.
        start_new_session=True,
    )


def running(directory: Path) -> Iterator[int]:
    """Processes that have anything to do with the directory."""
    place = str(directory).encode()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            told = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
        except OSError:  # it has ended, or is not ours to see
            continue
        if place in told and process.name != str(os.getpid()):
            yield int(process.name)


def nothing_is_left(directory: Path) -> bool:
    return not list(running(directory)) and not list(directory.glob("demo-*"))


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Deep enough to be nobody else's."""
    return tmp_path / "data"


def test_the_demo_tells_the_day_and_leaves_nothing(directory: Path):
    process = start("demo", directory=directory)
    out, err = process.communicate(timeout=150)
    assert process.returncode == 0, out[-3000:] + err
    said = " ".join(out.split())
    missing = [sentence for sentence in SAID if sentence not in said]
    assert not missing
    assert "\x1b" not in out
    assert "\r" not in out
    assert nothing_is_left(directory)
    assert not directory.exists()


def test_a_wrong_expectation_is_found_and_the_links_lead_to_the_records(directory: Path):
    """What runs on after the end (`--stay`) is what the table of links speaks of."""
    process = start("demo", "--json", "--stay", "--expect", "ON10001202=done", directory=directory)
    assert process.stdout is not None
    told = json.loads(process.stdout.readline())
    held = told["held"]
    assert {one["way"] for one in held.values()} == {"A", "B1", "B2", "C", "D"}
    headers = {"ledger": XeroCredentials().headers, "connectwise": Credentials().headers}
    for one in held.values():
        for kind, addresses in one.items():
            whose = headers["ledger" if kind in IN_LEDGER else "connectwise"]
            asked = {**whose, "Accept": "application/json"}
            for address in addresses if kind != "way" else ():
                found = httpx.get(address, headers=asked, trust_env=False)
                assert found.status_code == 200, (kind, address)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 1
    assert told["good"] is False
    assert [sentence.partition(":")[0] for sentence in told["wrong"]] == [
        "ON10001202 is waiting, and should be done"
    ]
    # An order's own calls: docs/calls.md explains them one by one.
    calls = told["calls"]["ON10001201"]
    assert (calls["writes"], calls["reads"], calls["untold"]) == (15, 6, 0)
    assert nothing_is_left(directory)


def test_an_interrupted_demo_leaves_nothing(directory: Path):
    process = start("demo", directory=directory)
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("   ✓"):
            break
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert nothing_is_left(directory)


def described(directory: Path, process: subprocess.Popen[str]) -> dict[str, object]:
    path = directory / "up.json"
    wait_until(lambda: path.exists() or process.poll() is not None, 90)
    assert process.poll() is None, process.communicate()
    assert path.stat().st_mode & 0o777 == 0o600
    found: dict[str, object] = json.loads(path.read_text())
    return found


def test_up_serves_until_told_to_stop_and_says_when_a_process_dies(directory: Path):
    process = start("up", directory=directory)
    up = described(directory, process)
    ready = httpx.get(f"{up['api']}/readyz", trust_env=False)
    assert ready.status_code == 200
    headers = {"Authorization": f"Bearer {up['admin_key']}"}
    orders = httpx.get(f"{up['api']}/admin/orders", headers=headers, trust_env=False)
    assert orders.json() == {"items": [], "next": None}
    simulated = up["sandbox"]
    assert isinstance(simulated, dict)
    order = {"customerID": 77, "lines": [{"productID": 303, "quantity": 1}]}
    placed = httpx.post(
        f"{simulated['commerce']}/_sandbox/act",
        json={"act": "place_order", **order},
        trust_env=False,
    )
    number = placed.json()[0]["data"]["salesOrder"]["orderNumber"]

    def posted() -> bool:
        found = httpx.get(f"{up['api']}/admin/orders/{number}", headers=headers, trust_env=False)
        return found.status_code == 200

    wait_until(posted, 20)
    company = f"{simulated['quickbooks']}/v3/company/{up['quickbooks_realm']}"
    for path, sent in (
        (f"{company}/companyinfo/{up['quickbooks_realm']}", up["quickbooks_headers"]),
        (f"{simulated['xero']}/Organisation", up["xero_headers"]),
    ):
        told = httpx.get(path, headers=sent, trust_env=False)  # type: ignore[arg-type] # JSON
        assert told.status_code == 200, path
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert out.splitlines()[-1] == "Everything is stopped."
    assert not (directory / "up.json").exists()
    assert not list(running(directory))

    again = start("up", "--json", directory=directory)
    second = described(directory, again)
    assert second["admin_key"] == up["admin_key"]
    pids = second["pids"]
    assert isinstance(pids, dict)
    os.kill(pids["worker"], signal.SIGKILL)

    def another_worker_runs() -> bool:
        with contextlib.suppress(ValueError):
            now = json.loads((directory / "up.json").read_text())["pids"]["worker"]
            return now != pids["worker"] and Path(f"/proc/{now}").exists()
        return False

    wait_until(another_worker_runs, 10)
    os.kill(pids["api"], signal.SIGKILL)
    out, err = again.communicate(timeout=60)
    assert again.returncode == 1
    assert json.loads(out.splitlines()[0])["api"] == second["api"]
    assert f"The worker (pid {pids['worker']}) was ended by SIGKILL; another one runs" in out + err
    assert f"The process api (pid {pids['api']}) was ended by SIGKILL." in err
    assert not list(running(directory))
