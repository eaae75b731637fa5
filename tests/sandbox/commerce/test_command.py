"""`demandlink sandbox`: every simulator in one process, until it is told to stop."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import httpx
import pytest


@pytest.mark.processes
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_serves_the_simulators_side_by_side(number: signal.Signals) -> None:
    command = [sys.executable, "-m", "app.cli", "sandbox", "--port", "0", "--commerce-port", "0"]
    command += ["--quickbooks-port", "0", "--xero-port", "0"]
    with subprocess.Popen([*command, "--json"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        shown = json.loads(process.stdout.readline())
        with httpx.Client(trust_env=False, transport=httpx.HTTPTransport(retries=5)) as client:
            companies = client.get(
                f"{shown['connectwise']}/company/companies", headers=shown["connectwise_headers"]
            )
            customers = client.get(
                f"{shown['commerce']}/v1/customer", headers=shown["commerce_headers"]
            )
            assert (companies.status_code, customers.status_code) == (200, 200)
            assert client.get(f"{shown['commerce']}/v1/customer").status_code == 401
            company = f"{shown['quickbooks']}/v3/company/{shown['quickbooks_realm']}"
            preferences = client.get(f"{company}/preferences", headers=shown["quickbooks_headers"])
            organisation = client.get(
                f"{shown['xero']}/Organisation", headers=shown["xero_headers"]
            )
            assert (preferences.status_code, organisation.status_code) == (200, 200)
        process.send_signal(number)
        process.wait(20)
    assert process.returncode in (0, -number)
