"""The doctor's look at the marks on ConnectWise's records: whether another installation's are there."""

from __future__ import annotations

import re

from app.domain.admin_store import AdminStore
from app.domain.checkup import Finding, Outcome
from app.domain.ports import ConnectWise
from app.settings import Settings
from app.sync.doctor.asking import asked
from app.sync.inbox import COMMERCE

AREA = "connectwise"


async def findings(
    settings: Settings, admin: AdminStore, tenant_id: int, cw: ConnectWise
) -> list[Finding]:
    """Whether another installation marks records with the same connection name: then equal ids of
    two Commerce systems are taken for one order (decision 0047). Of the newest products only."""
    name, connection = "commerce_connection", settings.commerce_connection
    proven = "GET /procurement/products, the newest marks"
    used = [one for one in await admin.used_connections(tenant_id, COMMERCE) if one != connection]
    if used:
        told = f"Documents came in as {connection} and as {', '.join(used)}: the latter rest."
        fix = "Orders of a name that is not set any more get no changes: set COMMERCE_CONNECTION."
        return [Finding(name, AREA, Outcome.WARNING, told, fix=fix, proven_by="the database")]
    answer = await asked(name, AREA, proven, lambda: cw.marked_products(connection))
    if isinstance(answer, Finding):
        return [answer]
    strange: dict[str, int] = {}
    for product in answer[0]:
        found = re.match(rf"dl:{re.escape(connection)}:(?:stock:)?(\d+):", product.xref or "")
        if found is not None:
            strange.setdefault(found[1], product.id)
    for order in list(strange):
        if await admin.named(tenant_id, f"id:{order}"):
            del strange[order]
    if not strange:
        told = f"No other installation is seen that marks its records as {connection}."
        return [Finding(name, AREA, Outcome.OK, told, proven_by=proven)]
    several = ", ".join(f"{product} (order {order})" for order, product in strange.items())
    return [
        Finding(
            name,
            AREA,
            Outcome.WARNING,
            f"Products carry the mark {connection} of orders that are not known here: {several}.",
            "Another installation with the same COMMERCE_CONNECTION uses this ConnectWise, or this "
            "database lost orders. Where two orders have one id, each takes the other's records.",
            "Give the installation that has no orders yet another COMMERCE_CONNECTION. After a "
            "restore: `demandlink restored`.",
            proven,
        )
    ]
