"""What Redis's absence did to acknowledgements and to the lag, from the rows of the inbox."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import asyncpg

from tests.chaos.report import Figures
from tests.chaos.trouble import Away

_MERGED = """
SELECT extract(epoch FROM merged_at - received_at)::float8 FROM inbox_event
WHERE received_at >= $1 AND received_at < $2 AND merged_at IS NOT NULL AND source = 'commerce'
"""
# A sales order is pinned by the first commit of whoever claims it once it came in.
_CLAIMED = """
SELECT extract(epoch FROM min(j.at) - min(e.received_at))::float8
FROM inbox_event AS e JOIN journal_event AS j ON j.order_id = ANY (e.order_ids)
WHERE e.event_type LIKE 'sales_order.%' AND j.code = 'PINNED'
GROUP BY j.order_id HAVING min(e.received_at) >= $1 AND min(e.received_at) < $2
"""


async def lag(
    database_urls: Sequence[str],
    aways: Sequence[Away],
    acknowledged: Sequence[tuple[datetime, float]],
) -> dict[str, Figures]:
    """Figures by what was waited for. `acknowledged`: when an event was told, and how long its
    acknowledgement took."""
    found: dict[str, list[float]] = {}
    spans = [
        (name, since, until)
        for away in aways
        for name, since, until in (
            ("while away", away.gone, away.back),
            ("after its return", away.back, away.calm),
        )
    ]
    for name, since, until in spans:
        told = [seconds for at, seconds in acknowledged if since <= at < until]
        found.setdefault(f"acknowledged, {name}", []).extend(told)
    for url in database_urls:
        connection = await asyncpg.connect(url)
        try:
            for name, since, until in spans:
                for what, asked in (("merged", _MERGED), ("claimed", _CLAIMED)):
                    rows = await connection.fetch(asked, since, until)
                    found.setdefault(f"{what}, {name}", []).extend(row[0] for row in rows)
        finally:
            await connection.close()
    return {name: Figures.of(values) for name, values in found.items()}
