"""The switch table: what ConnectWise may do where nothing is documented, and what follows.

Owns the rows and nothing else: `test_switches.py` plays each one against the sandbox, and
`docs/reference/switches.md` is made from them. A row that is wrong fails its test, not a reader.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.domain.codes import Code
from app.domain.reasons import CODES
from sandbox.connectwise.model.switches import Switches

DEFAULTS: Mapping[str, Any] = Switches().shown()


@dataclass(frozen=True)
class Row:
    """One value of a switch. `settings` and `beside` (other switches) are set with it.

    `story` names what is played and how it is held against ConnectWise in the end; `way` what a
    person does where the order does not end by itself, after which it must be done.
    """

    switch: str
    value: Any
    does: str
    ends: Code = Code.RELEASED
    story: str = "whole order"
    settings: Mapping[str, Any] = field(default_factory=dict)
    beside: Mapping[str, Any] = field(default_factory=dict)
    way: str = ""

    @property
    def is_default(self) -> bool:
        return bool(self.value == DEFAULTS[self.switch])

    @property
    def state(self) -> str:
        """Where the order ends."""
        return CODES[self.ends].state.value

    @property
    def name(self) -> str:
        """The row as a test's id."""
        more = [f"{key}={value}" for key, value in {**self.beside, **self.settings}.items()]
        return "-".join([f"{self.switch}={as_json(self.value)}", *more])


def as_json(value: Any) -> str:
    """A value as the sandbox's settings have it; a mere word without quotes."""
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


APPENDS: Mapping[str, Any] = {"demand_linking": "demand_appends_to_po"}
AUTOMATIC: Mapping[str, Any] = {"demand_linking": "automatic"}
PERSON: Mapping[str, Any] = {"sales_order_creation": "wait_for_person"}
SHIPS: Mapping[str, Any] = {"invoice_policy": "shipped_only", "mark_shipped": "on_receipt"}
INVOICES: Mapping[str, Any] = {"invoice_action": "create_invoice"}
COMMERCE_BUYS: Mapping[str, Any] = {"scenario": "connectwise-invoicing"}
ON_ISSUE: Mapping[str, Any] = {"purchase_order_timing": "on_issue"}
SELDOM: Mapping[str, Any] = {"poll_seconds": 600.0}

LINKS_BY_DEMAND = "Purchase orders are made from the demand of the order's products."
NO_DEMAND = "Nothing is ordered in ConnectWise and nothing is received: there is no demand to link."

DEMAND = (
    Row("demand_from", ["sales_order", "ticket"], LINKS_BY_DEMAND),
    Row("demand_from", ["sales_order"], LINKS_BY_DEMAND),
    Row("demand_from", ["ticket"], NO_DEMAND, Code.DEMAND_NOT_LINKED, way="demand switched on"),
    Row("demand_from", [], NO_DEMAND, Code.DEMAND_NOT_LINKED, way="demand switched on"),
    Row(
        "demand_from",
        ["ticket"],
        "The purchase order stands without lines; nothing is received.",
        Code.DEMAND_NOT_LINKED,
        settings=APPENDS,
        way="demand switched on",
    ),
    Row(
        "demand_from",
        ["ticket"],
        "The purchase order stands with lines that are not linked; nothing is received.",
        Code.DEMAND_NOT_LINKED,
        settings=AUTOMATIC,
        way="demand switched on, linked again",
    ),
    Row(
        "purchase_flag_clears",
        True,
        "What Commerce buys is taken out of purchasing.",
        story="sold where Commerce buys",
        settings=COMMERCE_BUYS,
    ),
    Row(
        "purchase_flag_clears",
        False,
        "What Commerce buys still shows as demand, which is named.",
        Code.DEMAND_OPEN,
        story="sold where Commerce buys",
        settings=COMMERCE_BUYS,
        way="demand kept",
    ),
    Row(
        "plain_lines_link",
        True,
        "Surplus is posted last, so that it takes no demand away from the order's own lines.",
    ),
    Row(
        "plain_lines_link",
        True,
        "The lines are posted plainly, and their links are read back.",
        settings=AUTOMATIC,
    ),
    Row(
        "plain_lines_link",
        True,
        "Surplus that took the open demand of another order is not received, and named.",
        Code.DEMAND_TAKEN,
        story="surplus beside another order",
        settings=ON_ISSUE,
        way="demand given back",
    ),
    Row("plain_lines_link", False, "Surplus stands without a link, as it should."),
    Row(
        "plain_lines_link",
        False,
        "Surplus takes nothing of another order.",
        story="surplus beside another order",
        settings=ON_ISSUE,
    ),
    Row(
        "plain_lines_link",
        False,
        "The links that are read back are missing; nothing is received.",
        Code.DEMAND_NOT_LINKED,
        settings=AUTOMATIC,
        way="linked again",
    ),
    Row(
        "demand_post_appends",
        True,
        "The demand is added to the purchase order that was made before.",
        settings=APPENDS,
    ),
    Row("demand_post_appends", True, "Demand is posted without a purchase order to add to."),
    Row(
        "demand_post_appends",
        True,
        "Where a purchase order grows, more demand is added to it.",
        story="a purchase order grows",
        settings=ON_ISSUE,
    ),
    Row("demand_post_appends", False, "Demand is posted without a purchase order to add to."),
    Row(
        "demand_post_appends",
        False,
        "Where a purchase order grows, the second one that ConnectWise made is named.",
        Code.DEMAND_NOT_LINKED,
        story="a purchase order grows",
        settings=ON_ISSUE,
        way="other purchase order deleted",
    ),
    Row(
        "demand_post_appends",
        False,
        "The second purchase order that ConnectWise made is named; nothing is posted again.",
        Code.PURCHASE_ORDER_UNCERTAIN,
        story="another purchase order",
        settings=APPENDS,
        way="other purchase order taken",
    ),
    Row(
        "line_sales_order_writable",
        False,
        "Links are made by demand alone; the field is only read.",
    ),
    Row(
        "line_sales_order_writable",
        True,
        "The field is never written: links are made by demand alone.",
    ),
)

CONVERSION = (
    Row("conversion", "move", "The products on the opportunity become those of the sales order."),
    Row(
        "conversion",
        "move",
        "The conversion is seen, and the products are found on the sales order.",
        story="a person converts",
        settings=PERSON,
    ),
    Row("conversion", "copy", "The copies are found by their marks; what was learned is replaced."),
    Row(
        "conversion",
        "copy",
        "The conversion is seen, and the copies are found by their marks.",
        story="a person converts",
        settings=PERSON,
    ),
    Row("conversion_keeps_xref", True, "The products are known by their marks."),
    Row("conversion_keeps_xref", False, "The products are known by their ids, and marked again."),
    Row(
        "conversion_keeps_xref",
        False,
        "The products are known by their identifiers, and marked again.",
        beside={"conversion": "copy"},
    ),
    Row(
        "conversion_keeps_xref",
        False,
        "The products are known by their identifiers, and marked again.",
        story="a person converts",
        beside={"conversion": "copy"},
        settings=PERSON,
    ),
    Row(
        "callback_on_convert",
        True,
        "The callback wakes the order at once; nothing waits for a poll.",
        story="a person converts, callbacks",
        settings={**PERSON, **SELDOM},
    ),
    Row(
        "callback_on_convert",
        False,
        "The next poll sees the conversion.",
        story="a person converts, callbacks",
        settings=PERSON,
    ),
)

RECEIVING = (
    Row("clone_keeps_link", True, "The rest of a line is received when it comes."),
    Row(
        "clone_keeps_link",
        False,
        "The rest of a line is not received without its link.",
        Code.DEMAND_NOT_LINKED,
        way="rest linked again",
    ),
    Row("auto_pick", True, "What ConnectWise picked is shipped.", settings=SHIPS),
    Row("auto_pick", False, "The goods are picked and shipped in one.", settings=SHIPS),
    Row("auto_pick", True, "Picks are left to ConnectWise."),
    Row("auto_pick", False, "Picks are left to people."),
    Row("auto_close_line", True, "A received line is closed by ConnectWise."),
    Row("auto_close_line", False, "A received line may stay open; it is not received again."),
    Row("auto_close_order", False, "The purchase order is closed once all of it is received."),
    Row(
        "auto_close_order",
        True,
        "ConnectWise closed the purchase order already; number and papers still get there.",
    ),
    Row(
        "callback_on_receive",
        True,
        "What a person received is taken as it is, and not received again.",
        story="a person receives",
        settings=ON_ISSUE,
    ),
    Row(
        "callback_on_receive",
        False,
        "What a person received is taken as it is, and not received again.",
        story="a person receives",
        settings=ON_ISSUE,
    ),
)

INVOICING = (
    Row(
        "invoice_post_picks_products",
        True,
        "The invoice carries the order's products.",
        Code.INVOICED,
        story="invoiced",
        settings=INVOICES,
    ),
    Row(
        "invoice_post_picks_products",
        False,
        "The invoice is read back, and what it does not carry is named; no second one is made.",
        Code.INVOICE_INCOMPLETE,
        story="invoiced",
        settings=INVOICES,
        way="products put on it",
    ),
)

TRAFFIC = (
    Row(
        "enforce_unique_identifier",
        True,
        "Orders with the same new product share one catalog item.",
        story="one new product",
    ),
    Row(
        "enforce_unique_identifier",
        False,
        "Orders with the same new product share one catalog item all the same.",
        story="one new product",
    ),
    Row(
        "message_id_on_retry",
        "same",
        "A callback that was refused for the moment is taken when it comes again.",
        story="a callback comes again",
        settings={**PERSON, **SELDOM},
    ),
    Row(
        "message_id_on_retry",
        "new",
        "A callback that was refused for the moment is taken when it comes again.",
        story="a callback comes again",
        settings={**PERSON, **SELDOM},
    ),
    Row(
        "key_url_needs_auth",
        False,
        "Callbacks are verified; they wake the order at once.",
        story="a person converts, callbacks",
        settings={**PERSON, **SELDOM},
    ),
    Row(
        "key_url_needs_auth",
        True,
        "Callbacks are verified with the API member's credentials.",
        story="a person converts, callbacks",
        settings={**PERSON, **SELDOM, "connectwise_key_auth": True},
    ),
    Row(
        "key_url_needs_auth",
        True,
        "No callback can be verified, so none is believed: the next poll sees the conversion.",
        story="a person converts, no callback",
        settings=PERSON,
    ),
    Row("requests_per_minute", None, "Nothing is counted."),
    Row(
        "requests_per_minute",
        100,
        "The connection rests for every worker as long as Retry-After asks, then goes on.",
        story="the minute is used up",
    ),
    Row(
        "bad_credentials_status",
        401,
        "The connection rests, until it is resumed or for a minute; then the order goes on.",
        story="keys refused",
    ),
    Row(
        "bad_credentials_status",
        404,
        "Told from a record that is gone by a look at `/system/info`; then as with 401.",
        story="keys refused",
    ),
    Row("read_lag_ms", 0, "What has to be read back is read once."),
    Row("read_lag_ms", 300, "Read-backs are patient for `READ_LAG`.", settings={"read_lag": 0.5}),
    Row(
        "read_lag_ms",
        8000,
        "What is not shown in time is named as missing; nothing is made again.",
        Code.PRODUCTS_NOT_CONVERTED,
        settings={"read_lag": 0.2},
        way="shown at last",
    ),
    Row("latency_ms", 0, "Nothing waits."),
    Row("latency_ms", 100, "Calls take longer; nothing else changes."),
    Row(
        "latency_ms",
        900,
        "Calls are given up after `CONNECTWISE_TIMEOUT`, and what they did is looked for.",
        story="answers come too late",
        settings={"connectwise_timeout": 0.5},
    ),
)

ROWS: tuple[Row, ...] = (*DEMAND, *CONVERSION, *RECEIVING, *INVOICING, *TRAFFIC)
