"""The switch table's words for readers: the question behind each switch, the ways out of a hold."""

from __future__ import annotations

from collections.abc import Mapping

# What nobody documents, by switch.
QUESTIONS: Mapping[str, str] = {
    "demand_from": "Does a product on a sales order raise purchasing demand, as one on a ticket may?",
    "purchase_flag_clears": "Does clearing `needToPurchaseFlag` take a product out of purchasing?",
    "plain_lines_link": "Is a line that is posted to a purchase order linked to open demand of its item by itself?",
    "demand_post_appends": "Is posted demand that names a purchase order added to it, or made into another one?",
    "line_sales_order_writable": "Can `salesOrder` on a purchase order line be written, which sets its links?",
    "conversion": "Does converting an opportunity move its products to the sales order, or copy them?",
    "conversion_keeps_xref": "Do converted products keep `integrationXRef`, by which the service knows its own?",
    "callback_on_convert": "Does converting an opportunity fire a callback?",
    "clone_keeps_link": "Does the line of the rest, which receiving in part makes, keep the link to its demand?",
    "auto_pick": "Are received goods picked for the products that they were bought for?",
    "auto_close_line": "Is a purchase order line closed when it is received?",
    "auto_close_order": "Does the last closed line close its purchase order?",
    "callback_on_receive": "Does receiving a line fire a callback about its purchase order?",
    "invoice_post_picks_products": "Does an invoice that is posted take the products of its sales order?",
    "enforce_unique_identifier": "Is a second catalog item with the same identifier refused?",
    "message_id_on_retry": "Does a callback that is sent again keep its `MessageId`, or get a new one?",
    "key_url_needs_auth": "Does the address of a callback's signing key ask for credentials?",
    "requests_per_minute": "How many requests a minute are answered, before 429 with Retry-After?",
    "bad_credentials_status": "Are wrong credentials answered with 401, or hidden behind 404 as hosted ConnectWise may?",
    "read_lag_ms": "How far may reads lag behind writes?",
    "latency_ms": "How long does a request take?",
}

# What a person does where an order is held; `ways.py` plays it.
WAYS: Mapping[str, str] = {
    "demand switched on": (
        "ConnectWise is set to raise demand from sales orders, and `look_again` is chosen."
    ),
    "demand switched on, linked again": (
        "ConnectWise is set to raise demand from sales orders, and `link_again` is chosen for each purchase order."
    ),
    "linked again": (
        "`link_again`: the lines are cancelled and the demand is posted. Better: another `DEMAND_LINKING`."
    ),
    "rest linked again": (
        "`link_again`: the line of the rest is cancelled and its demand is posted."
    ),
    "other purchase order taken": (
        "`use:ID` takes the purchase order that ConnectWise made: it gets the number, and the empty one is cancelled. Better: another `DEMAND_LINKING`."
    ),
    "other purchase order deleted": (
        "The second purchase order is deleted in ConnectWise, and `accept_unlinked` is chosen: the rest is ordered by a plain line."
    ),
    "products put on it": (
        "The products are put on the invoice in ConnectWise, and `look_again` is chosen."
    ),
    "demand kept": "`keep_demand`: purchasers were told that nobody orders from it.",
    "demand given back": (
        "`give_back`: the line is cancelled, and stands again without a link once the other order's goods are ordered. Or `leave_linked`: the goods are for the other order."
    ),
    "shown at last": (
        "Once ConnectWise shows it, `look_again` is chosen. `READ_LAG` should be longer."
    ),
}
