"""What every run has in common: settings, logins, scenarios, what ConnectWise starts with.

Owns also what of the service's log tells of a fault in itself; the rest of it is dropped.
"""

from __future__ import annotations

import traceback
from collections.abc import Mapping, MutableMapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

import structlog

from app.bootstrap.chosen import scenarios
from app.settings import Settings
from sandbox.connectwise.http.api import Credentials
from sandbox.connectwise.model import ConnectWise
from sandbox.connectwise.model.store import Store
from tests.simulation.chaos import Numbers
from tests.simulation.loop import HOST

BEGIN = datetime(2026, 11, 19, 12, 0, tzinfo=UTC)
LOGIN = Credentials()
PERSON = "00000000-0000-4000-8000-000000000000"
ROOT = "/v4_6_release/apis/3.0"
LEASE, TIMEOUT, LAG = 20.0, 4.0, 2.0
TENANT = 1


@cache
def settings(scenario: str, more: tuple[tuple[str, Any], ...] = ()) -> Settings:
    values: dict[str, Any] = {
        "database_url": "postgresql://nowhere/",
        "redis_url": "redis://nowhere/",
        "scenario": scenario,
        "public_url": "http://service",
        "connectwise_callback_token": "an-unguessable-part",
        "connectwise_url": f"http://connectwise{ROOT}",
        "connectwise_company": LOGIN.company,
        "connectwise_public_key": LOGIN.public_key,
        "connectwise_private_key": LOGIN.private_key,
        "connectwise_client_id": LOGIN.client_id,
        "connectwise_timeout": TIMEOUT,
        "connectwise_sales_order_status_waiting": "Waiting for goods",
        "connectwise_sales_order_status_ready": "Ready to invoice",
        "connectwise_freight_item": "FREIGHT",
        "connectwise_surcharge_item": "SURCHARGE",
        "connectwise_coupon_item": "COUPON",
        "ledger_timeout": TIMEOUT,
        "read_lag": LAG,
        "poll_seconds": 30.0,
        "quote_wait": 20.0,
        "receipt_gap": 20.0,
    }
    return Settings(**(values | dict(more)))


@cache
def known_scenarios() -> Mapping[str, Any]:
    return scenarios()


@cache
def sown() -> Store:
    """What ConnectWise starts with on every day: making it is a twentieth of a day."""
    return ConnectWise(now=lambda: BEGIN, new_guid=Numbers("s").token).world.store


@cache
def known_products() -> frozenset[str]:
    """The identifiers of the catalog items that ConnectWise starts with."""
    return frozenset(row["identifier"] for row in sown().rows("catalog"))


def _heard(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    host = HOST.get()
    if line["event"] in BROKEN and not (host is not None and host.dead):
        error = line.get("exc_info")
        told = "".join(traceback.format_exception(error)) if error is not None else ""
        broken.append(f"{line['event']}: {line.get('error')}\n{told}")
    raise structlog.DropEvent


# Events that tell of a fault in the service itself, whatever the simulated world does.
BROKEN = frozenset({"advance_failed", "commerce_poll_failed", "step_broken", "worker_failed"})
broken: list[str] = []


@cache
def silent() -> None:
    """No log lines, because the history says it all; but what is broken is kept."""
    structlog.configure(processors=[_heard], cache_logger_on_first_use=False)
