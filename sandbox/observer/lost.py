"""B1.4: when the service may mark an opportunity lost.

Owns that one rule, asked with the state before the write as those of `rules.BEFORE` are.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from sandbox.observer.rules import Write
from sandbox.observer.told import CANCELLED, DECLINED
from sandbox.observer.whose import Broken

# What was told so shortly before the write may have come in after it was decided.
JUST_TOLD = timedelta(seconds=1)


def lost_alone(write: Write) -> Iterator[Broken]:
    """B1.4: lost only for a declined quote, with the setting, and with nothing against it."""
    for old, new in write.rows("opportunity"):
        before = write.after.status("opportunityStatus", (old or {}).get("status"))
        after = write.after.status("opportunityStatus", new["status"])
        if not after.get("lostFlag") or before.get("lostFlag"):
            continue
        for why in _against(write, int(new["id"]), closed=bool(before.get("closedFlag"))):
            yield "B1.4", None, f"Opportunity {new['id']} was marked lost {why}."


def _against(write: Write, opportunity: int, *, closed: bool) -> Iterator[str]:
    if not write.lost_on_decline:
        yield "without the setting for it"
    if closed:
        yield "although it was closed already"
    if any(row.get("opportunity") == opportunity for row in write.after.rows("order")):
        yield "although a sales order of it stands"
    known = write.moment - JUST_TOLD
    quotes = {
        number: body
        for number, document in write.told.quotes.items()
        if document.opportunity(write.moment) == opportunity and (body := document.at(write.moment))
    }
    if not any(body["status"] == DECLINED for body in quotes.values()):
        yield "although no quote of it was declined"
    for number, body in quotes.items():
        before = write.told.quotes[number].at(known)
        if before is not None and DECLINED not in (before["status"], body["status"]):
            yield f"although its quote {body['quoteNumber']} is open or won"
    for document in write.told.orders.values():
        order = document.at(known)
        if order is None or order["status"] == CANCELLED:
            continue
        if document.opportunity(known) == opportunity or order.get("quoteID") in quotes:
            yield f"although {order['orderNumber']} is placed on it"
