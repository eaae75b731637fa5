"""The steps: one file each, with a pure half (`want`) and an effect (`apply`).

`STEPS` is the whole list. Steps touch neither database nor queue: what they may do to the world
is in `effects.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from app.steps import (
    create_products,
    create_sales_order,
    link_demand,
    lose_opportunity,
    mail_suggestion,
    post_bill,
    post_invoice,
    post_purchase_order,
    raise_ticket,
    receive_purchase_order,
    release_invoice,
    ship_goods,
    stop_demand,
    suggest_purchase,
    sync_purchase_order,
    win_opportunity,
)
from app.steps.effects import Step

STEPS: Mapping[str, Step] = {
    module.name: cast(Step, module)
    for module in (
        raise_ticket,
        create_products,
        win_opportunity,
        create_sales_order,
        sync_purchase_order,
        link_demand,
        receive_purchase_order,
        ship_goods,
        stop_demand,
        suggest_purchase,
        mail_suggestion,
        release_invoice,
        lose_opportunity,
        post_purchase_order,
        post_bill,
        post_invoice,
    )
}
LEDGER_STEPS = frozenset({post_purchase_order.name, post_bill.name, post_invoice.name})
# What a step calls where it is not ConnectWise, as sentences name it: its timeout counts, and its
# failures are its own.
CALLED: Mapping[str, str] = {
    **dict.fromkeys(LEDGER_STEPS, "the ledger"),
    mail_suggestion.name: "the mail server",
}
