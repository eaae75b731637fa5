"""How people are told: names of states, steps, systems and people, moments and spans.

Owns the words and the filters of the templates. Pure.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from markupsafe import Markup, escape
from pydantic_core import to_json

from app.domain.records import OrderRow

STATES: Mapping[str, str] = {
    "running": "Running",
    "waiting": "Waiting",
    "held": "Held",
    "parked": "Parked",
    "done": "Done",
    "skipped": "Skipped",
    "not_needed": "Not needed",
    "ahead": "Not yet",
    "cancelled": "Cancelled",
    # Of replays and their orders
    "planned": "Planned",
    "aborted": "Aborted",
    "not_started": "Not started",
    "refused": "Refused",
    "woken": "Woken",
    "nothing_to_do": "Nothing to do",
    "stale": "Stale",
    # Of deliveries
    "new": "New",
    "merged": "Merged",
    "hint": "Hint",
    "unhandled": "Unhandled",
    "dropped": "Dropped",
    "deferred": "Deferred",
    "rejected": "Rejected",
    "unverified": "Unverified",
    # Of connections and checks
    "open": "Open",
    "paused": "Paused",
    "ok": "In order",
    "warning": "Warning",
    "failed": "Failed",
    "unproven": "Unproven",
    # Of what differs
    "differs": "Differs",
    "fixing": "Being mended",
    "adopted": "Adopted",
    "ignored": "Ignored",
    "closed": "Closed",
}
# Every state is drawn in one of a few shapes, so that colour never says it alone.
SHAPES: Mapping[str, str] = {
    "running": "running",
    "waiting": "waiting",
    "held": "held",
    "parked": "parked",
    "done": "done",
    "skipped": "off",
    "not_needed": "off",
    "ahead": "ahead",
    "cancelled": "off",
    "planned": "waiting",
    "aborted": "off",
    "not_started": "off",
    "refused": "held",
    "woken": "running",
    "nothing_to_do": "off",
    "stale": "parked",
    "new": "running",
    "merged": "done",
    "hint": "waiting",
    "unhandled": "off",
    "dropped": "off",
    "deferred": "waiting",
    "rejected": "held",
    "unverified": "held",
    "open": "done",
    "paused": "parked",
    "ok": "done",
    "warning": "waiting",
    "failed": "held",
    "unproven": "off",
    "differs": "waiting",
    "fixing": "running",
    "adopted": "done",
    "ignored": "off",
    "closed": "done",
}
WHO: Mapping[str, str] = {
    "nobody": "Nobody: it goes on by itself",
    "sales": "Sales",
    "purchasing": "Purchasing",
    "accounting": "Accounting",
    "operator": "Operator",
}
SYSTEMS: Mapping[str, str] = {
    "commerce": "Datto Commerce",
    "connectwise": "ConnectWise",
    "quickbooks": "QuickBooks",
    "xero": "Xero",
    "ledger": "Ledger",
    "mail": "E-mail",
}
FOUND: Mapping[str, str] = {
    "order": "Order number",
    "customer": "Customer",
    "commerce": "Commerce id",
    "reference": "Customer's reference",
    "quote": "Quote",
    "purchase_order": "Purchase order",
    "receipt": "Receipt",
    "sales_invoice": "Sales invoice",
    "sales_order": "Sales order in ConnectWise",
}
MINUTE, HOUR, DAY = 60, 3600, 86_400
DAYS_COUNTED = 60  # longer ago, a day is told by its date


def state_word(state: str) -> str:
    return STATES.get(state, plain(state).capitalize())


def shape(state: str) -> str:
    return SHAPES.get(state, "off")


def plain(name: str) -> str:
    """A name of the code as people write it."""
    return name.replace("_", " ")


def titled(name: str) -> str:
    first, space, rest = plain(name).partition(" ")
    return f"{SYSTEMS.get(first, first.capitalize())}{space}{rest}"


def coded(text: str) -> Markup:
    """A sentence with what stands between `backticks` as code."""
    parts = text.split("`")
    if len(parts) % 2 == 0:  # one has no other
        return escape(text)
    told = (
        Markup("<code>{}</code>").format(one) if at % 2 else escape(one)
        for at, one in enumerate(parts)
    )
    return Markup("").join(told)


def scenario_word(name: str) -> str:
    """A scenario's name as people write it."""
    first, dash, rest = name.replace("-", " ").partition(" ")
    return f"{'ConnectWise' if first == 'connectwise' else first.capitalize()}{dash}{rest}"


def who_word(who: str) -> str:
    return WHO.get(who, titled(who))


def system_word(system: str) -> str:
    return SYSTEMS.get(system, titled(system))


def found_word(what: str) -> str:
    return FOUND.get(what, titled(what))


def moment(at: datetime) -> str:
    """A moment to the second, in UTC as everything here."""
    return f"{at.astimezone(UTC):%d %b %Y, %H:%M:%S}"


def day(at: datetime, now: datetime) -> str:
    """A day, with its year where that is not the present one."""
    at = at.astimezone(UTC)
    return f"{at:%d %b}" if at.year == now.astimezone(UTC).year else f"{at:%d %b %Y}"


def clock(at: datetime, now: datetime) -> str:
    """A moment to the second in a list."""
    return f"{day(at, now)}, {at.astimezone(UTC):%H:%M:%S}"


def grouped(told: str) -> str:
    """A number's digits in threes from five on; any other text as it is."""
    whole, dot, rest = told.partition(".")
    if not whole.isascii() or not whole.isdigit() or len(whole) < 5:
        return told
    return f"{int(whole):,}".replace(",", "\u202f") + dot + rest


def short(at: datetime, now: datetime) -> str:
    return f"{day(at, now)}, {at.astimezone(UTC):%H:%M}"


_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+00:00)")


def dated(told: str, now: datetime) -> str:
    """A sentence with its moments as the page writes them."""
    return _MOMENT.sub(lambda found: short(datetime.fromisoformat(found[0]), now), told)


def iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds")


def span(seconds: float) -> str:
    """A span in its two largest units at most."""
    if seconds < 1:
        return f"{max(round(seconds * 1000), 0)} ms"
    whole = int(seconds)
    if whole < MINUTE:
        return f"{seconds:.1f} s" if seconds < 10 else f"{whole} s"
    if whole < HOUR:
        return f"{whole // MINUTE} min"
    if whole < DAY:
        minutes = whole % HOUR // MINUTE
        return f"{whole // HOUR} h {minutes} min" if minutes else f"{whole // HOUR} h"
    days, hours = whole // DAY, whole % DAY // HOUR
    told = f"{days} day{'s' if days != 1 else ''}"
    return f"{told} {hours} h" if hours and days < 3 else told


def size(many: int) -> str:
    """Bytes in the unit in which people count them."""
    value, unit = float(many), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if value < 1000:
            break
        value, unit = value / 1000, larger
    return f"{value:.1f} {unit}" if value < 10 and unit != "B" else f"{value:.0f} {unit}"


def ago(at: datetime, now: datetime) -> str:
    """How long before now, or how long until then."""
    seconds = (now - at).total_seconds()
    if abs(seconds) < MINUTE:
        return "just now" if seconds >= 0 else "in a moment"
    return f"{span(seconds)} ago" if seconds > 0 else f"in {span(-seconds)}"


def lately(at: datetime, now: datetime) -> str:
    """How long before now as long as people count it so, then the day."""
    return ago(at, now) if abs(now - at) < timedelta(days=DAYS_COUNTED) else day(at, now)


def days_until(at: datetime, now: datetime) -> int:
    return (at - now) // timedelta(days=1)


def pretty(value: Any) -> str:
    """JSON as people read it; a text that is no JSON as it is."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return str(value)
    try:
        # json's own is written in Python where it indents: a third of an order's page.
        return to_json(value, indent=2).decode()
    except (ValueError, RecursionError):  # half characters; deeper than anything that is read
        return json.dumps(value, indent=2, ensure_ascii=False)


def order_path(name: str) -> str:
    """The address of an order's page. Numbers are the vendor's text, so they are quoted."""
    return f"/orders/{quote(name, safe=':')}"


def order_address(row: OrderRow) -> str:
    """The same where several connections may know the number."""
    return f"{order_path(row.name)}?connection={quote(row.connection, safe='')}"
