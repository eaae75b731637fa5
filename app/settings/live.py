"""What is read at every look.

Seeds the database once and is read live from there (`Group.LIVE`).
"""

from __future__ import annotations

from typing import Literal

from app.settings.fields import Part, live

MONTH = 31 * 24 * 60  # minutes


class LiveSettings(Part):
    """Patience, mail to the purchasing officer, the tool that posts, and how long things are kept."""

    read_lag: float = live(
        3.0, "Seconds by which a read of ConnectWise may lag a write.", ge=0, le=600
    )
    hold_deadline: float = live(
        96.0, "Hours after which something that is waited for becomes held.", gt=0, le=24 * 366
    )
    quote_wait: float = live(
        15.0, "Minutes that an order waits for the quote it names.", ge=0, le=MONTH
    )
    receipt_gap: float = live(
        15.0, "Minutes that a receipt waits for an earlier one of the same line.", ge=0, le=MONTH
    )
    poll_seconds: float = live(
        60.0, "Seconds between two reads of what ConnectWise has no callback for.", gt=0, le=86400
    )

    purchasing_officer_email: str = live(
        "",
        "Address to which purchasing suggestions are mailed, beside their note (D4); needs SMTP_HOST."
        " Empty: the note only. Never the supplier's.",
    )
    invoice_sync_tool: Literal["", "wise_sync", "connectbooster", "innovent"] = live(
        "",
        "Tool that posts ConnectWise's invoices and purchase orders to the ledger; released orders"
        " are then checked for what it cannot post (A9, G5 to G7). Empty: nothing is read for it.",
    )
    invoice_sync_supplier_prefix: str = live(
        "", "Prefix that Innovent puts before a supplier's card id in MYOB (G7).", max_length=15
    )

    retention_journal_days: int = live(
        730, "Days that the journal of orders is kept at least; 0: for ever.", ge=0, le=36500
    )
    retention_calls_days: int = live(
        90,
        "Days that remote requests and their answers are kept at least; 0: for ever.",
        ge=0,
        le=36500,
    )
    retention_inbox_days: int = live(
        180, "Days that deliveries are kept at least; 0: for ever.", ge=0, le=36500
    )
    retention_alerts_days: int = live(
        365,
        "Days that alerts are kept at least after they were sent or were over; 0: for ever.",
        ge=0,
        le=36500,
    )
