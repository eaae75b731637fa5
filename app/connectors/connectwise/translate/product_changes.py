"""What changes on a product, as ConnectWise takes it: a few fields, each proven by the answer.

Pure. Raises checks.Refused for what ConnectWise would refuse.
"""

from __future__ import annotations

from app.connectors.connectwise.translate import checks, patches
from app.connectors.connectwise.translate.patches import Replace
from app.domain import psa


def product_change(change: psa.ProductChange) -> list[Replace]:
    changes: list[Replace] = []
    if change.xref is not None:
        changes.append(
            Replace(
                "integrationXRef",
                checks.required("integrationXRef", change.xref),
                patches.same_text,
            )
        )
    for path, value, proves in (
        ("quantity", change.quantity, patches.same_quantity),
        ("price", change.price, patches.same_amount),
        ("cost", change.cost, patches.same_amount),
        ("quantityCancelled", change.quantity_cancelled, patches.same_quantity),
    ):
        if value is not None:
            changes.append(Replace(path, checks.number(path, value), proves))
    if change.ticket_id is not None:
        parent = {"id": change.ticket_id}
        changes.append(Replace("ticket", parent, patches.same_reference))
    if change.need_to_purchase is not None:
        wanted = change.need_to_purchase
        changes.append(Replace("needToPurchaseFlag", wanted, patches.shown_later))
    return changes
