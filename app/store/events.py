"""What a group of inbox events does: planned, placed, and each settled.

Owns the order of these things in one transaction, for every kind of store, and what follows for an
event that cannot be planned or merged. What an event means is the given plan's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from app.domain import traces
from app.domain.codes import Code
from app.domain.records import InboxEvent, Merge
from app.store import rows
from app.store.documents import Documents
from app.store.placing import Delivered
from app.store.shelf import Shelf

Plan: TypeAlias = Callable[[InboxEvent, datetime], Merge]
POSTPONED = timedelta(seconds=1)  # until an event whose order is being worked on is looked at again
_UNKNOWN = "No order is known to carry this record; the ledger was not asked."


async def merge(shelf: Shelf, found: Sequence[Any], plan: Plan) -> None:
    """Merge the taken events, rows as `rows.event` reads them with tenant_id, connection_id and
    now, in the caller's transaction."""
    if not found:
        return
    planned = {row["id"]: (row, _planned(plan, rows.event(row), row["now"])) for row in found}
    delivered = [
        Delivered.of(event_id, row["tenant_id"], row["connection_id"], place)
        for event_id, (row, merge) in planned.items()
        for place in merge.documents
    ]
    routes = [
        (event_id, row["tenant_id"], kind, external_id)
        for event_id, (row, merge) in planned.items()
        for kind, external_id in merge.routes
    ]
    woken = await shelf.carriers(routes)
    routed = sorted(set().union(*woken.values()))
    of_ledger = {event_id for event_id, (_, merge) in planned.items() if merge.of_ledger}
    called = set().union(*(orders for event, orders in woken.items() if event not in of_ledger))
    documents = Documents(shelf)
    postponed = await documents.place(delivered, routed)
    await shelf.make_stale(sorted(called))
    if noted := [route for route in routes if route[0] in of_ledger]:
        await shelf.note(noted)
    settled: list[tuple[Merge, Sequence[int]]] = []
    for event_id, (row, merge) in planned.items():
        if event_id in postponed:
            # The order that its purchase order leaves is being worked on: come again soon.
            again = row["now"] + POSTPONED
            settled.append((Merge(event_id, status="deferred", not_before=again), ()))
        elif merge.of_ledger and event_id not in woken:
            settled.append((Merge(event_id, status="unhandled", cause=_UNKNOWN), ()))
        elif merge.routes and event_id not in woken:
            settled.append((Merge(event_id, status="hint"), ()))
        else:
            orders = documents.of_event.get(event_id, set()) | woken.get(event_id, set())
            settled.append((merge, sorted(orders)))
    woken_by = {
        order_id: traces.of_merge(planned[merge.event_id][0]["trace"])
        for merge, orders in settled
        for order_id in orders
    }
    due = sorted(documents.woken.union(routed))
    await shelf.wake({order_id: woken_by.get(order_id) for order_id in due})
    await shelf.settle(settled)


def _planned(plan: Plan, event: InboxEvent, now: datetime) -> Merge:
    try:
        return plan(event, now)
    except Exception as error:  # noqa: BLE001 - a body that an older door let in
        return Merge(
            event.id,
            status="rejected",
            code=Code.BODY_NOT_VALID,
            cause=f"It could not be read: {type(error).__name__}.",
        )


async def settle_hint(
    shelf: Shelf, event_id: int, tenant_id: int, routes: Sequence[tuple[str, str]]
) -> int:
    """Wake the orders that carry one of the records, and drop a hint that leads to none."""
    orders = await touch(shelf, event_id, tenant_id, routes)
    settled = Merge(event_id) if orders else Merge(event_id, status="dropped")
    await shelf.settle([(settled, orders)])
    return len(orders)


async def touch(
    shelf: Shelf, event_id: int, tenant_id: int, routes: Sequence[tuple[str, str]]
) -> list[int]:
    """Wake the orders that carry the records, with what was read of them counted as old."""
    given = [(event_id, tenant_id, *route) for route in routes]
    orders = sorted((await shelf.carriers(given)).get(event_id, ()))
    await shelf.wake(dict.fromkeys(orders))
    await shelf.make_stale(orders)
    return orders


def not_merged(event_id: int, error: Exception) -> Merge:
    """What becomes of an event that fails alone."""
    return Merge(
        event_id,
        status="rejected",
        code=Code.BODY_NOT_VALID,
        cause=f"It could not be merged: {type(error).__name__}.",
    )
