"""On which day a stated moment lies, for the books (G3, G4: nothing is dated into another period).

Owns the one reading of Commerce's dates as days. A date is usually a day that somebody chose, written as
its first moment; in UTC that is the day before wherever clocks are ahead. Pure.
"""

from __future__ import annotations

from datetime import date, datetime, time, tzinfo


def day(stated: datetime, zone: tzinfo) -> date:
    """The day as it is written, with its own offset or none. A moment in UTC names no day but at
    midnight: it is `zone`'s, that of Commerce."""
    if stated.tzinfo is None or stated.utcoffset() or stated.time() == time.min:
        return stated.date()
    return stated.astimezone(zone).date()
