"""The service itself: addresses, workers, looks, budgets of calls, alerts, keys.

The environment rules for ever (`Group.SERVICE`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import SecretStr

from app.settings.fields import Part, service


class ServiceSettings(Part):
    """How the API and its workers run."""

    database_url: str = service(
        "", "PostgreSQL address (postgresql://user:password@host/name); empty: embedded."
    )
    redis_url: str = service("", "Redis or Valkey address (redis://...); empty: embedded.")
    demandlink_data_dir: Path = service(
        Path(".demandlink"), "Folder of the embedded servers and of up.json."
    )
    host: str = service("127.0.0.1", "Address that the API listens on.")
    port: int = service(8080, "Port that the API listens on; 0: any free one.", ge=0, le=65535)
    public_url: str = service(
        "", "Base of callback and link addresses; empty: no callbacks are registered, only polling."
    )
    admin_api_key: SecretStr = service(
        SecretStr(""), "The first admin key; empty: the admin REST answers 401 to everyone."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = service(
        "INFO", "Least level that is logged."
    )
    otel_exporter_otlp_endpoint: str = service(
        "",
        "OpenTelemetry collector for spans, by OTLP/HTTP, as http://host:4318; empty: none are made.",
    )
    otel_exporter_otlp_headers: SecretStr = service(
        SecretStr(""), "Headers for the collector, as name=value, separated by commas."
    )
    trace_viewer_url: str = service(
        "", "Where a trace can be seen, with {trace_id} in its place; the order page links to it."
    )
    metrics_port: int = service(
        0, "Port on which a worker answers Prometheus at /metrics; 0: none.", ge=0, le=65535
    )
    database_wait_seconds: float = service(
        60.0,
        "Seconds that the API and a worker wait at their start for a database that is away, before"
        " they end.",
        ge=0,
        le=3600,
    )
    worker_batch: int = service(32, "Orders that one worker drives side by side.", ge=1, le=500)
    lease_seconds: float = service(
        30.0, "Seconds after which the orders of a lost host are taken over.", ge=2, le=600
    )
    sweep_seconds: float = service(
        1.0,
        "Seconds between two looks of a worker for due orders, with or without Redis.",
        gt=0,
        le=60,
    )
    invoice_poll_seconds: float = service(
        60.0,
        "Seconds between two reads of the invoices that changed, one call for all orders;"
        " it finds what a lost callback would have told. Invoices of orders are asked for again, a"
        " hundred in a call, every tenth time: one that was deleted shows in no list.",
        ge=0.1,
        le=86400,
    )
    drift_hours: float = service(
        24.0,
        "Hours between the beginnings of two drift sweeps, which compare what stands in ConnectWise"
        " and the ledger with what Commerce asked for, and what Commerce has with what came in."
        " 0: only when asked for.",
        ge=0,
        le=24 * 366,
    )
    drift_days: int = service(
        14, "Days for which a sweep still compares an order that is through.", ge=0, le=366
    )
    drift_calls_a_minute: int = service(
        60, "Calls of a drift sweep in any minute, to all systems together.", ge=1
    )
    drift_calls: int = service(
        5000,
        "Calls of a drift sweep in one go; when they are spent it goes on an hour later, where it"
        " stopped.",
        ge=100,
    )
    drift_commerce_calls_a_minute: int = service(
        8, "Calls of the drift sweep to Commerce's API in any minute, beside the poll's.", ge=1
    )
    drift_commerce_calls_a_day: int = service(
        900,
        "Calls of the drift sweep to Commerce's API in any 24 hours, beside the poll's: with"
        " COMMERCE_CALLS_A_DAY no more than the vendor allows. 0: the sweep does not read Commerce.",
        ge=0,
    )
    commerce_poll_seconds: float = service(
        90.0,
        "Seconds between two looks at the lists of Commerce's API, six calls each.",
        ge=0.1,
        le=86400,
    )
    commerce_poll_overlap: float = service(
        300.0,
        "Seconds by which looks overlap: Commerce does not say whether a record shows at once.",
        ge=1,
        le=86400,
    )
    commerce_poll_patience: float = service(
        60.0,
        "Seconds that the poll of Commerce leaves an event of the same change, where events are"
        " accepted: an event knows more.",
        ge=0,
        le=3600,
    )
    commerce_poll_since: str = service(
        "",
        "Date (2026-11-01) from which the first look at Commerce's API reads; empty: what stands"
        " there by then is history and is left alone. An earlier date reads again from there.",
    )
    commerce_calls_a_minute: int = service(
        50, "Calls to Commerce's API in any minute; the vendor allows 60.", ge=1
    )
    commerce_calls_a_day: int = service(
        9000,
        "Calls to Commerce's API in any 24 hours, looks first; the vendor allows 10,000.",
        ge=100,
    )
    alert_urls: SecretStr = service(
        SecretStr(""),
        "Where alerts go: addresses of Apprise (slack://, workflows://, mailtos://), comma-separated;"
        " empty: nowhere.",
    )
    alert_quiet_hours: str = service(
        "", "Hours without alerts, as in 22:00-07:00; afterwards one message tells them all."
    )
    alert_time_zone: str = service("UTC", "Zone (Australia/Brisbane) of ALERT_QUIET_HOURS.")
    alert_gather_seconds: float = service(
        30.0, "Seconds that an alert waits for others, which go in the same message.", ge=0, le=3600
    )
    alert_silence_hours: float = service(
        24.0,
        "Hours without a webhook of Commerce after which an alert may say so; it does once the"
        " silence is also longer than any of the last 28 days. 0: never.",
        ge=0,
        le=24 * 366,
    )
    connectwise_calls_a_minute: int = service(
        900,
        "Calls to ConnectWise in any minute, by all processes together; the vendor throttles above"
        " about 1,000. 0: not counted, as the other four below.",
        ge=0,
    )
    quickbooks_calls_a_second: int = service(
        10, "Calls to QuickBooks in any second; the vendor allows 10 for each company.", ge=0
    )
    quickbooks_calls_a_minute: int = service(
        500, "Calls to QuickBooks in any minute; the vendor allows 500 for each company.", ge=0
    )
    xero_calls_a_minute: int = service(
        60, "Calls to Xero in any minute; the vendor allows 60 for each organisation.", ge=0
    )
    xero_calls_a_day: int = service(
        1000,
        "Calls to Xero in any 24 hours; the vendor allows 1,000 for each organisation in its"
        " Starter tier and 5,000 above it.",
        ge=0,
    )
    xero_calls_at_once: int = service(
        5, "Calls to Xero under way at a time; the vendor allows 5 for each organisation.", ge=0
    )
    calls_at_once: int = service(
        32,
        "Calls that one process sends to one system at once, at the most: fewer by itself while the"
        " system is slow, refuses or does not answer in time.",
        ge=1,
        le=64,
    )
    budget_parts: int = service(
        4,
        "Processes (workers and API) among which the budgets of calls are divided while Redis is"
        " away and they cannot count together.",
        ge=1,
    )
    secrets_keys: SecretStr = service(
        SecretStr(""),
        "Fernet keys that encrypt what is sealed in the database, newest first, comma-separated.",
    )
    calls_sealed: bool = service(
        False,
        "Keep the personal values of orders' calls, sealed by SECRETS_KEYS, for keys that may reveal.",
    )
