"""The service's settings: the only reader of the environment.

Owns names, defaults and checks (`contracts/http.md`). `BEHAVIOUR` settings are pinned on an order
when its sales order arrives; `NAMES` and `LIVE` settings are read live from the database, which
these values seed once. Addresses, credentials and secrets always come from here.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    BeforeValidator,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from app.domain.alerts import Quiet

DEFAULT_TENANT = 1  # the tenant to which the connections of the environment belong
HOST = re.compile(r"(\[[0-9A-Fa-f:.%]+\]|[^:\[\]\s]*)(:\d{1,5})?")
MONTH = 31 * 24 * 60  # minutes
MAIL_ADDRESS = re.compile(r"[!-;=?A-~]{1,64}@[A-Za-z0-9.-]{1,255}")  # no name, no list


class Group(StrEnum):
    """Where a setting rules: the environment for ever, or the database after the first start."""

    SERVICE = "service"
    CONNECTION = "connection"
    NAMES = "names"
    BEHAVIOUR = "behaviour"
    LIVE = "live"


def _service(default: Any, description: str, **more: Any) -> Any:
    return Field(
        default, description=description, json_schema_extra={"group": Group.SERVICE}, **more
    )


def _connection(default: Any, description: str, **more: Any) -> Any:
    return Field(
        default, description=description, json_schema_extra={"group": Group.CONNECTION}, **more
    )


def _name(description: str) -> Any:
    return Field("", description=description, json_schema_extra={"group": Group.NAMES})


def _behaviour(default: Any, description: str, **more: Any) -> Any:
    return Field(
        default, description=description, json_schema_extra={"group": Group.BEHAVIOUR}, **more
    )


def _live(default: Any, description: str, **more: Any) -> Any:
    return Field(default, description=description, json_schema_extra={"group": Group.LIVE}, **more)


def _switch(value: Any) -> Any:
    """Text, as all behaviour settings are pinned; a JSON true or false, or True, means the same."""
    return str(value).lower() if isinstance(value, (bool, str)) else value


Switch = Annotated[Literal["false", "true"], BeforeValidator(_switch)]


class Settings(BaseSettings):
    """Everything that can be set, each with a sentence. Secrets never show in a repr."""

    model_config = SettingsConfigDict(
        env_file=".env", env_file_encoding="utf-8", extra="ignore", frozen=True
    )

    # The service itself
    database_url: str = _service(
        "", "PostgreSQL address (postgresql://user:password@host/name); empty: embedded."
    )
    redis_url: str = _service("", "Redis or Valkey address (redis://...); empty: embedded.")
    demandlink_data_dir: Path = _service(
        Path(".demandlink"), "Folder of the embedded servers and of up.json."
    )
    host: str = _service("127.0.0.1", "Address that the API listens on.")
    port: int = _service(8080, "Port that the API listens on; 0: any free one.", ge=0, le=65535)
    public_url: str = _service(
        "", "Base of callback and link addresses; empty: no callbacks are registered, only polling."
    )
    admin_api_key: SecretStr = _service(
        SecretStr(""), "The first admin key; empty: the admin REST answers 401 to everyone."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = _service(
        "INFO", "Least level that is logged."
    )
    otel_exporter_otlp_endpoint: str = _service(
        "",
        "OpenTelemetry collector for spans, by OTLP/HTTP, as http://host:4318; empty: none are made.",
    )
    otel_exporter_otlp_headers: SecretStr = _service(
        SecretStr(""), "Headers for the collector, as name=value, separated by commas."
    )
    trace_viewer_url: str = _service(
        "", "Where a trace can be seen, with {trace_id} in its place; the order page links to it."
    )
    metrics_port: int = _service(
        0, "Port on which a worker answers Prometheus at /metrics; 0: none.", ge=0, le=65535
    )
    database_wait_seconds: float = _service(
        60.0,
        "Seconds that the API and a worker wait at their start for a database that is away, before"
        " they end.",
        ge=0,
        le=3600,
    )
    worker_batch: int = _service(32, "Orders that one worker drives side by side.", ge=1, le=500)
    lease_seconds: float = _service(
        30.0, "Seconds after which the orders of a lost host are taken over.", ge=2, le=600
    )
    sweep_seconds: float = _service(
        1.0,
        "Seconds between two looks of a worker for due orders, with or without Redis.",
        gt=0,
        le=60,
    )
    invoice_poll_seconds: float = _service(
        60.0,
        "Seconds between two reads of the invoices that changed, one call for all orders;"
        " it finds what a lost callback would have told. Invoices of orders are asked for again, a"
        " hundred in a call, every tenth time: one that was deleted shows in no list.",
        ge=0.1,
        le=86400,
    )
    drift_hours: float = _service(
        24.0,
        "Hours between the beginnings of two drift sweeps, which compare what stands in ConnectWise"
        " and the ledger with what Commerce asked for, and what Commerce has with what came in."
        " 0: only when asked for.",
        ge=0,
        le=24 * 366,
    )
    drift_days: int = _service(
        14, "Days for which a sweep still compares an order that is through.", ge=0, le=366
    )
    drift_calls_a_minute: int = _service(
        60, "Calls of a drift sweep in any minute, to all systems together.", ge=1
    )
    drift_calls: int = _service(
        5000,
        "Calls of a drift sweep in one go; when they are spent it goes on an hour later, where it"
        " stopped.",
        ge=100,
    )
    drift_commerce_calls_a_minute: int = _service(
        8, "Calls of the drift sweep to Commerce's API in any minute, beside the poll's.", ge=1
    )
    drift_commerce_calls_a_day: int = _service(
        900,
        "Calls of the drift sweep to Commerce's API in any 24 hours, beside the poll's: with"
        " COMMERCE_CALLS_A_DAY no more than the vendor allows. 0: the sweep does not read Commerce.",
        ge=0,
    )
    commerce_poll_seconds: float = _service(
        90.0,
        "Seconds between two looks at the lists of Commerce's API, six calls each.",
        ge=0.1,
        le=86400,
    )
    commerce_poll_overlap: float = _service(
        300.0,
        "Seconds by which looks overlap: Commerce does not say whether a record shows at once.",
        ge=1,
        le=86400,
    )
    commerce_poll_patience: float = _service(
        60.0,
        "Seconds that the poll of Commerce leaves an event of the same change, where events are"
        " accepted: an event knows more.",
        ge=0,
        le=3600,
    )
    commerce_poll_since: str = _service(
        "",
        "Date (2026-11-01) from which the first look at Commerce's API reads; empty: what stands"
        " there by then is history and is left alone. An earlier date reads again from there.",
    )
    commerce_calls_a_minute: int = _service(
        50, "Calls to Commerce's API in any minute; the vendor allows 60.", ge=1
    )
    commerce_calls_a_day: int = _service(
        9000,
        "Calls to Commerce's API in any 24 hours, looks first; the vendor allows 10,000.",
        ge=100,
    )
    alert_urls: SecretStr = _service(
        SecretStr(""),
        "Where alerts go: addresses of Apprise (slack://, workflows://, mailtos://), comma-separated;"
        " empty: nowhere.",
    )
    alert_quiet_hours: str = _service(
        "", "Hours without alerts, as in 22:00-07:00; afterwards one message tells them all."
    )
    alert_time_zone: str = _service("UTC", "Zone (Australia/Brisbane) of ALERT_QUIET_HOURS.")
    alert_gather_seconds: float = _service(
        30.0, "Seconds that an alert waits for others, which go in the same message.", ge=0, le=3600
    )
    alert_silence_hours: float = _service(
        24.0,
        "Hours without a webhook of Commerce after which an alert may say so; it does once the"
        " silence is also longer than any of the last 28 days. 0: never.",
        ge=0,
        le=24 * 366,
    )
    connectwise_calls_a_minute: int = _service(
        900,
        "Calls to ConnectWise in any minute, by all processes together; the vendor throttles above"
        " about 1,000. 0: not counted, as the other four below.",
        ge=0,
    )
    quickbooks_calls_a_second: int = _service(
        10, "Calls to QuickBooks in any second; the vendor allows 10 for each company.", ge=0
    )
    quickbooks_calls_a_minute: int = _service(
        500, "Calls to QuickBooks in any minute; the vendor allows 500 for each company.", ge=0
    )
    xero_calls_a_minute: int = _service(
        60, "Calls to Xero in any minute; the vendor allows 60 for each organisation.", ge=0
    )
    xero_calls_a_day: int = _service(
        1000,
        "Calls to Xero in any 24 hours; the vendor allows 1,000 for each organisation in its"
        " Starter tier and 5,000 above it.",
        ge=0,
    )
    xero_calls_at_once: int = _service(
        5, "Calls to Xero under way at a time; the vendor allows 5 for each organisation.", ge=0
    )
    calls_at_once: int = _service(
        32,
        "Calls that one process sends to one system at once, at the most: fewer by itself while the"
        " system is slow, refuses or does not answer in time.",
        ge=1,
        le=64,
    )
    budget_parts: int = _service(
        4,
        "Processes (workers and API) among which the budgets of calls are divided while Redis is"
        " away and they cannot count together.",
        ge=1,
    )
    secrets_keys: SecretStr = _service(
        SecretStr(""),
        "Fernet keys that encrypt what is sealed in the database, newest first, comma-separated.",
    )
    calls_sealed: bool = _service(
        False,
        "Keep the personal values of orders' calls, sealed by SECRETS_KEYS, for keys that may reveal.",
    )

    # Connections: the environment rules for the default tenant
    connectwise_url: str = _connection(
        "", "Base address of ConnectWise, up to /apis/3.0; empty: no ConnectWise connection."
    )
    connectwise_company: str = _connection("", "Login company of the ConnectWise API member.")
    connectwise_public_key: SecretStr = _connection(
        SecretStr(""), "Public key of the ConnectWise API member."
    )
    connectwise_private_key: SecretStr = _connection(
        SecretStr(""), "Private key of the ConnectWise API member."
    )
    connectwise_client_id: str = _connection("", "Client id registered with ConnectWise.")
    connectwise_callback_token: SecretStr = _connection(
        SecretStr(""),
        "Unguessable last part of the callback address; empty: callbacks are refused.",
    )
    connectwise_timeout: float = _connection(
        20.0, "Seconds after which a call to ConnectWise counts as unanswered.", gt=0, le=120
    )
    connectwise_record_types: str = _connection(
        "ticket=ServiceFV,opportunity=OpportunityFV",
        "What ConnectWise's openrecord.rails calls a record, as kind=type, comma-separated; other"
        " kinds are shown without a link. Of sales_order, purchase_order, product and invoice the"
        " types are told nowhere: add yours.",
        pattern=r"^([a-z_]+=[A-Za-z]+(,[a-z_]+=[A-Za-z]+)*)?$",
    )
    connectwise_key_auth: bool = _connection(
        False, "Send credentials when a callback's signing key is fetched (undocumented)."
    )
    commerce_connection: str = _connection(
        "default",
        "Name of this Commerce system, which stands in the marks on records in ConnectWise and the"
        " ledger and in the address of its webhook. Give each its own where several share one"
        " ConnectWise; refused once documents came in under another name.",
        pattern=r"^[a-z0-9][a-z0-9-]{0,15}$",
    )
    commerce_webhook_secrets: SecretStr = _connection(
        SecretStr(""),
        "Secrets of the Commerce webhook (whsec_...), comma-separated, all accepted; empty: off.",
    )
    commerce_api_url: str = _connection(
        "https://api.kaseyaquotemanager.com", "Base address of Commerce's API; empty: no polling."
    )
    commerce_api_key: SecretStr = _connection(
        SecretStr(""), "Key of Commerce's API, which is read-only; empty: no polling."
    )
    commerce_api_timeout: float = _connection(
        20.0, "Seconds after which a call to Commerce's API counts as unanswered.", gt=0, le=120
    )
    commerce_time_zone: str = _connection(
        "UTC",
        "Zone (Australia/Brisbane) of dates that Commerce's API gives without an offset; not"
        " documented. It is also the zone in which a moment has its day in the ledger.",
    )
    commerce_currency: str = _connection(
        "USD", "Currency of documents in which Commerce gives none.", min_length=3, max_length=3
    )
    commerce_tax_basis: Literal["unit", "line"] = _connection(
        "unit",
        "Whether a line's tax is for one unit or for the whole line, where lineTax is absent.",
    )
    quickbooks_client_id: str = _connection(
        "", "Client id of the app at Intuit; empty: no QuickBooks Online."
    )
    quickbooks_client_secret: SecretStr = _connection(SecretStr(""), "Client secret of that app.")
    quickbooks_realm: str = _connection(
        "", "Company (realm id) to post to; empty: the one that is signed in to."
    )
    quickbooks_webhook_tokens: SecretStr = _connection(
        SecretStr(""), "Verifier tokens of the app's webhook, comma-separated; empty: off."
    )
    quickbooks_url: str = _connection(
        "https://quickbooks.api.intuit.com", "Base address of QuickBooks' API."
    )
    quickbooks_authorize_url: str = _connection(
        "https://appcenter.intuit.com/connect/oauth2", "Page on which a person consents."
    )
    quickbooks_token_url: str = _connection(
        "https://oauth.platform.intuit.com", "Host that gives tokens."
    )
    quickbooks_revoke_url: str = _connection(
        "https://developer.api.intuit.com", "Host that takes tokens back."
    )
    xero_client_id: str = _connection("", "Client id of the app at Xero; empty: no Xero.")
    xero_client_secret: SecretStr = _connection(SecretStr(""), "Client secret of that app.")
    xero_tenant_id: str = _connection(
        "", "Organisation (tenant id) to post to; empty: the one that is signed in to."
    )
    xero_webhook_keys: SecretStr = _connection(
        SecretStr(""), "Signing keys of the app's webhook, comma-separated; empty: off."
    )
    xero_url: str = _connection("https://api.xero.com", "Base address of Xero's API.")
    xero_authorize_url: str = _connection(
        "https://login.xero.com/identity/connect/authorize", "Page on which a person consents."
    )
    xero_identity_url: str = _connection("https://identity.xero.com", "Host of Xero's tokens.")
    ledger_timeout: float = _connection(
        20.0,
        "Seconds after which a call to the ledger counts as unanswered; less than LEASE_SECONDS, or"
        " nothing is posted: no call may outlive its order's lease.",
        gt=0,
        le=120,
    )

    smtp_host: str = _connection(
        "", "Mail server that takes what the service sends; empty: no mail."
    )
    smtp_port: int = _connection(587, "Its port.", ge=1, le=65535)
    smtp_tls: Literal["starttls", "tls", "none"] = _connection(
        "starttls",
        "How it is reached: encrypted after STARTTLS, encrypted from the start (port 465), or not"
        " at all, which is for a relay on the same machine.",
    )
    smtp_user: str = _connection("", "User at the mail server; empty: without signing in.")
    smtp_password: SecretStr = _connection(SecretStr(""), "Password of that user.")
    smtp_sender: str = _connection("", "Address that mail comes from; needed with SMTP_HOST.")
    smtp_timeout: float = _connection(
        15.0,
        "Seconds after which a letter counts as unanswered; less than LEASE_SECONDS.",
        gt=0,
        le=120,
    )

    # Records of ConnectWise's own set-up, by name
    connectwise_warehouse: str = _name("Warehouse of purchase orders and shipping.")
    connectwise_warehouse_bin: str = _name("Bin of the warehouse.")
    connectwise_sales_rep: str = _name(
        "Identifier of the member who owns what no Commerce owner is mapped for."
    )
    connectwise_purchase_terms: str = _name("Billing terms of purchase orders.")
    connectwise_product_type: str = _name("Type of catalog items that are created.")
    connectwise_product_subcategory: str = _name("Subcategory of catalog items that are created.")
    connectwise_unit_of_measure: str = _name("Unit of measure of created items and lines.")
    connectwise_won_status: str = _name("Opportunity status that means won.")
    connectwise_lost_status: str = _name("Opportunity status that means lost.")
    connectwise_open_status: str = _name("Opportunity status to which a won one is reopened.")
    connectwise_opportunity_type: str = _name("Type of opportunities that are created.")
    connectwise_sales_order_status_waiting: str = _name(
        "Sales order status until the invoice gate opens; has no flag, so it must be set."
    )
    connectwise_sales_order_status_ready: str = _name(
        "Sales order status once the invoice gate is open; has no flag, so it must be set."
    )
    connectwise_invoice_status: str = _name(
        "Status of invoices that are created; empty: ConnectWise's own default."
    )
    connectwise_purchase_order_status_open: str = _name("Status of open purchase orders.")
    connectwise_purchase_order_status_closed: str = _name("Status of completed purchase orders.")
    connectwise_purchase_order_status_cancelled: str = _name(
        "Status of cancelled purchase orders; empty: the closed one that is not the default closed."
    )
    connectwise_freight_item: str = _name("Catalog item of delivery amounts.")
    connectwise_surcharge_item: str = _name("Catalog item of payment surcharges.")
    connectwise_coupon_item: str = _name("Catalog item of coupon discounts.")
    connectwise_rounding_item: str = _name("Catalog item of rounding gaps.")
    connectwise_location: str = _name("Location of created records.")
    connectwise_business_unit: str = _name("Business unit (department) of created records.")

    ledger_purchase_goods: str = _name(
        "Account (code or name) of goods on bills; an account, as items would count stock twice."
    )
    ledger_purchase_freight: str = _name("Account of freight and costs on bills.")
    ledger_purchase_tax: str = _name(
        "Account of a supplier's tax, where the ledger's bills carry no tax code."
    )
    ledger_purchase_tax_code: str = _name("Tax code of taxed lines of bills, by id or name.")
    ledger_sales_product: str = _name(
        "Account of products sold; the code of an item where the ledger's invoices need items."
    )
    ledger_sales_service: str = _name("The same for services and labor (C3).")
    ledger_sales_delivery: str = _name("The same for delivery and payment surcharges.")
    ledger_sales_discount: str = _name("The same for discounts.")
    ledger_sales_tax_code: str = _name("Tax code of taxed lines of sales invoices.")
    ledger_no_tax_code: str = _name("Tax code of untaxed lines of taxed documents.")
    ledger_rounding: str = _name("Account of rounding gaps on bills.")

    connectwise_board: str = _name("Service board of tickets that are created.")
    connectwise_ticket_status: str = _name("Status of new tickets; empty: the board's default.")
    connectwise_ticket_status_ready: str = _name(
        "Status of a ticket once its invoice gate is open; empty: the board's status with the name"
        " of CONNECTWISE_SALES_ORDER_STATUS_READY."
    )
    connectwise_ticket_boards: str = _name(
        "Boards whose open tickets may be chosen, comma-separated; empty: every board."
    )
    connectwise_ticket_statuses: str = _name(
        "Statuses of tickets that may be chosen, comma-separated; empty: every open one."
    )

    # Behaviour, pinned on an order when its sales order arrives
    scenario: str = _behaviour("connectwise-procurement-opportunity", "Scenario of new orders.")
    purchase_order_timing: Literal["on_receipt", "on_issue"] = _behaviour(
        "on_receipt", "When a purchase order reaches ConnectWise, or the ledger in A and C (D-2)."
    )
    sales_order_creation: Literal["automatic", "wait_for_person"] = _behaviour(
        "automatic", "Who makes the ConnectWise sales order (D-3)."
    )
    opportunity_missing: Literal["create", "plain_sales_order", "hold"] = _behaviour(
        "create", "What happens to an order that names no opportunity (D-13)."
    )
    demand_linking: Literal["demand_creates_po", "demand_appends_to_po", "automatic"] = _behaviour(
        "demand_creates_po", "How purchase orders are linked to purchasing demand (D-4)."
    )
    po_numbering: Literal["commerce", "connectwise"] = _behaviour(
        "commerce", "Whose number a purchase order carries in ConnectWise."
    )
    invoice_policy: Literal["all_goods", "shipped_only"] = _behaviour(
        "all_goods", "Whether all goods or only shipped goods are released for invoicing (B1.11)."
    )
    invoice_action: Literal["mark_ready", "create_invoice"] = _behaviour(
        "mark_ready", "What releasing does: set the ready status, or also create the invoice (D-5)."
    )
    invoice_from: Literal["opportunity", "ticket", "commerce"] = _behaviour(
        "opportunity",
        "What is invoiced: in ConnectWise the opportunity's sales order or the ticket, or Commerce's"
        " own sales invoice in the ledger; follows the scenario (A4).",
    )
    invoice_status: Literal["draft", "approved"] = _behaviour(
        "draft", "How sales invoices reach the ledger (C4, D-9)."
    )
    invoice_numbering: Literal["ledger", "commerce"] = _behaviour(
        "ledger", "Whose number a sales invoice carries in the ledger (C5)."
    )
    invoice_number_prefix: str = _behaviour(
        "", "Stands before Commerce's invoice numbers in the ledger, so that they cannot clash."
    )
    draft_as_estimate: Switch = _behaviour(
        "false", "Whether a ledger without drafts gets an estimate instead of a kept draft (D-9)."
    )
    bill_per: Literal["receipt", "purchase_order"] = _behaviour(
        "receipt",
        "Whether the ledger gets a bill for each receipt, or one for each purchase order that grows"
        " with its receipts (C6).",
    )
    invoice_lock: Literal["none", "bill_closed_flag"] = _behaviour(
        "none",
        "Whether the sales order bills only when closed until its gate opens (D-5); not documented"
        " by ConnectWise, so it is read back.",
    )
    raise_ticket: Literal["always", "chosen"] = _behaviour(
        "always",
        "Whether an order for which no ticket was chosen gets one of its own (E3); where tickets"
        " are invoiced it always does.",
    )
    closed_ticket: Literal["new_ticket", "hold"] = _behaviour(
        "new_ticket", "What becomes of an order whose chosen ticket is closed (E4)."
    )
    ticket_type: str = _behaviour("", "Type of created tickets, by its name; empty: none.")
    ticket_summary: str = _behaviour(
        "Sales order {number}: {customer}",
        "Summary of tickets that are created; {number}, {customer}, {reference} and {title} (the"
        " quote's) stand for the order's.",
    )
    mark_shipped: Literal["drop_ship_only", "on_receipt", "never"] = _behaviour(
        "drop_ship_only", "Which received goods the service marks as shipped (D-14)."
    )
    partial_receipt: Literal["clone_rest", "cancel_rest"] = _behaviour(
        "clone_rest", "The rest of a partly received line. A cancelled one that comes is held."
    )
    stock_purchase_orders: Literal["sync_unlinked", "ignore"] = _behaviour(
        "sync_unlinked", "What becomes of purchase orders that name no sales order."
    )
    lost_on_decline: Switch = _behaviour(
        "false",
        "Whether a declined quote marks its opportunity lost, if no other quote or order of the"
        " opportunity stands against it (B1.4).",
    )
    rounding_limit: Decimal = _behaviour(
        Decimal("0.05"),
        "Largest rounding gap between lines and total, in the order's currency.",
        ge=0,
    )

    # Read live
    read_lag: float = _live(
        3.0, "Seconds by which a read of ConnectWise may lag a write.", ge=0, le=600
    )
    hold_deadline: float = _live(
        96.0, "Hours after which something that is waited for becomes held.", gt=0, le=24 * 366
    )
    quote_wait: float = _live(
        15.0, "Minutes that an order waits for the quote it names.", ge=0, le=MONTH
    )
    receipt_gap: float = _live(
        15.0, "Minutes that a receipt waits for an earlier one of the same line.", ge=0, le=MONTH
    )
    poll_seconds: float = _live(
        60.0, "Seconds between two reads of what ConnectWise has no callback for.", gt=0, le=86400
    )

    purchasing_officer_email: str = _live(
        "",
        "Address to which purchasing suggestions are mailed, beside their note (D4); needs SMTP_HOST."
        " Empty: the note only. Never the supplier's.",
    )
    invoice_sync_tool: Literal["", "wise_sync", "connectbooster", "innovent"] = _live(
        "",
        "Tool that posts ConnectWise's invoices and purchase orders to the ledger; released orders"
        " are then checked for what it cannot post (A9, G5 to G7). Empty: nothing is read for it.",
    )
    invoice_sync_supplier_prefix: str = _live(
        "", "Prefix that Innovent puts before a supplier's card id in MYOB (G7).", max_length=15
    )

    retention_journal_days: int = _live(
        730, "Days that the journal of orders is kept at least; 0: for ever.", ge=0, le=36500
    )
    retention_calls_days: int = _live(
        90,
        "Days that remote requests and their answers are kept at least; 0: for ever.",
        ge=0,
        le=36500,
    )
    retention_inbox_days: int = _live(
        180, "Days that deliveries are kept at least; 0: for ever.", ge=0, le=36500
    )
    retention_alerts_days: int = _live(
        365,
        "Days that alerts are kept at least after they were sent or were over; 0: for ever.",
        ge=0,
        le=36500,
    )

    @field_validator("database_url", "redis_url")
    @classmethod
    def _server(cls, value: str, info: ValidationInfo) -> str:
        of_database = info.field_name == "database_url"
        return address(
            value.strip(),
            ("postgresql", "postgres") if of_database else ("redis", "rediss", "unix"),
        )

    @field_validator(
        "connectwise_url", "public_url", "commerce_api_url", "quickbooks_url", "xero_url",
        "quickbooks_authorize_url", "quickbooks_token_url", "quickbooks_revoke_url",
        "xero_authorize_url", "xero_identity_url",
    )  # fmt: skip
    @classmethod
    def _no_trailing_slash(cls, value: str) -> str:
        return address(value.strip().rstrip("/"), ("https", "http"))

    @model_validator(mode="after")
    def _lease_outlasts_a_call(self) -> Self:
        """Before each write the lease has to last for a whole call, or it is not sent."""
        ledger = self.quickbooks_client_id or self.xero_client_id
        if ledger and self.ledger_timeout >= self.lease_seconds:
            raise ValueError(
                f"LEDGER_TIMEOUT of {self.ledger_timeout:g} has to be less than LEASE_SECONDS of "
                f"{self.lease_seconds:g}: no call may outlive its order's lease."
            )
        return self

    @model_validator(mode="after")
    def _mail_is_whole(self) -> Self:
        """A mail server is of use only with a sender, and a password only behind encryption."""
        if self.smtp_host and not self.smtp_sender:
            raise ValueError("SMTP_SENDER has to be set with SMTP_HOST: mail needs a sender.")
        if self.smtp_user and self.smtp_tls == "none":
            raise ValueError(
                "SMTP_TLS = none would send SMTP_PASSWORD unencrypted. Set starttls or tls, or leave"
                " SMTP_USER empty."
            )
        if self.smtp_host and self.smtp_timeout >= self.lease_seconds:
            raise ValueError(
                f"SMTP_TIMEOUT of {self.smtp_timeout:g} has to be less than LEASE_SECONDS of "
                f"{self.lease_seconds:g}: no letter may outlive its order's lease."
            )
        return self

    @field_validator("smtp_sender", "purchasing_officer_email")
    @classmethod
    def _mail_address(cls, value: str) -> str:
        value = value.strip()
        if value and not MAIL_ADDRESS.fullmatch(value):
            raise ValueError("has to be one e-mail address, as in purchasing@msp.example")
        return value

    @field_validator("commerce_poll_since")
    @classmethod
    def _date(cls, value: str) -> str:
        if value.strip():
            datetime.fromisoformat(value.strip())
        return value.strip()

    @field_validator("commerce_time_zone", "alert_time_zone")
    @classmethod
    def _zone(cls, value: str) -> str:
        zone_of(value.strip())
        return value.strip()

    @model_validator(mode="after")
    def _quiet_hours(self) -> Self:
        try:
            Quiet.of(self.alert_quiet_hours, UTC)
        except ValueError as wrong:
            raise ValueError(f"ALERT_QUIET_HOURS {wrong}") from None
        return self

    @property
    def quiet(self) -> Quiet | None:
        """When no alert is sent; None: it never is quiet."""
        return Quiet.of(self.alert_quiet_hours, zone_of(self.alert_time_zone))

    @property
    def polls_commerce(self) -> bool:
        return bool(self.commerce_api_url and self.commerce_api_key.get_secret_value())

    @property
    def commerce_zone(self) -> tzinfo:
        return zone_of(self.commerce_time_zone)

    @property
    def poll_since(self) -> datetime | None:
        """COMMERCE_POLL_SINCE as a moment; without an offset it is of Commerce's zone."""
        if not self.commerce_poll_since:
            return None
        given = datetime.fromisoformat(self.commerce_poll_since)
        return given if given.tzinfo is not None else given.replace(tzinfo=self.commerce_zone)

    @property
    def webhook_secrets(self) -> tuple[str, ...]:
        """The accepted Commerce webhook secrets, in the given order."""
        return listed(self.commerce_webhook_secrets)


def address(value: str, schemes: tuple[str, ...]) -> str:
    """The address, which may be empty. Raises ValueError, without a part of it: it may hold a
    password."""
    if not value:
        return value
    try:
        parts = urlsplit(value)
    except ValueError:
        raise ValueError("is no address") from None
    if parts.scheme not in schemes:
        raise ValueError(f"has to begin with {' or '.join(f'{one}://' for one in schemes)}")
    # Of a database several hosts may be named.
    if not all(HOST.fullmatch(one) for one in parts.netloc.rpartition("@")[2].split(",")):
        raise ValueError("has no host, or a port that is no number")
    return value


def listed(given: SecretStr) -> tuple[str, ...]:
    """The parts of a comma-separated secret, in the given order."""
    return tuple(part.strip() for part in given.get_secret_value().split(",") if part.strip())


def zone_of(name: str) -> tzinfo:
    """A time zone by name. Raises ValueError for one that this machine does not know."""
    if name == "UTC":  # without the zone files, which a small image need not have
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as cause:
        raise ValueError(f"{name!r} is not a time zone that this machine knows") from cause


def group_of(name: str) -> Group:
    """The group of a setting. Raises KeyError for a name that is not a setting."""
    extra = Settings.model_fields[name].json_schema_extra
    if not isinstance(extra, dict):
        raise KeyError(name)
    return Group(str(extra["group"]))


@cache
def names_in(*groups: Group) -> tuple[str, ...]:
    """Names of the settings of these groups, in the order of the class."""
    return tuple(name for name in Settings.model_fields if group_of(name) in groups)


class _Given(Settings):
    """Settings from nowhere but what is given: `check` gives them all, and to look through the
    environment for them costs far more than the check."""

    model_config = SettingsConfigDict(title=Settings.__name__)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        *_others: PydanticBaseSettingsSource,
        **_named: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)


def check(values: dict[str, Any]) -> dict[str, Any]:
    """Validate stored or patched settings by the class's own rules.

    Raises pydantic.ValidationError; returns JSON values (Decimals as text).
    """
    unknown = sorted(set(values) - set(names_in(Group.NAMES, Group.BEHAVIOUR, Group.LIVE)))
    if unknown:
        raise ValueError(f"not settings that can be changed here: {', '.join(unknown)}")
    defaults = {name: field.get_default() for name, field in Settings.model_fields.items()}
    checked = _Given.model_validate({**defaults, **values})
    dumped = checked.model_dump(mode="json")
    return {name: dumped[name] for name in values}
