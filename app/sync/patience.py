"""How long what was sent may still be on its way, by the database's time as far as it ran evenly.

Owns the moments before which nothing is written again: the second look at a write in doubt, and
the end of what a dead worker had sent (docs/exactly-once.md). And for how long a read that does
not show what it should is taken for one that lags (H9).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from app.domain.codes import Code, State
from app.domain.errors import Wait
from app.domain.order import OrderView
from app.domain.records import Intent, LedgerRow
from app.sync import unsettled
from app.sync.clock_watch import ClockWatch

MOST_LOOKS = 20  # of a step in a row, after which it matters no more what each of them tells


def second_look(
    view: OrderView,
    intent: Intent,
    timeout: timedelta,
    lease: timedelta,
    watch: ClockWatch,
    now: datetime,
) -> datetime:
    """From when a look that finds nothing may be trusted: never earlier than the intent's commit +
    the call's timeout + READ_LAG, because the first call may still be executing. Where its worker
    ended, from when that was noticed: it may have stood still before sending. Where the database's
    clock leapt, from then on."""
    lag = view.live.read_lag
    known = (intent.committed_at, unsettled.noticed(view) or intent.committed_at)
    sent = watch.again(max(watch.not_after(one, now) for one in known))
    last = sent + timeout + lag
    if intent.looked_at is not None:
        last = max(last, watch.not_after(intent.looked_at, now) + lag)
    others = watch.by_others(lease, now)
    return max(last, others + lag) if others is not None else last


def settled(
    view: OrderView, timeout: timedelta, lease: timedelta, watch: ClockWatch, now: datetime
) -> datetime | None:
    """Until when a change that a dead worker had sent may be carried out, None: by now, or there
    is none."""
    until = unsettled.until(view, timeout)
    if until is None:
        return None
    until = watch.again(watch.not_after(until - timeout, now)) + timeout
    until = max(until, watch.by_others(lease, now) or until)
    return until if now < until else None


def lagging(
    row: LedgerRow | None,
    since: datetime | None,
    sentence: str,
    now: datetime,
    lag: timedelta,
    timeout: timedelta,
) -> Wait | None:
    """The Wait of a read that does not show what was written at `since`, None when patience is
    over. Pure. Without `since`, it counts from when the step, whose row this is, met the sentence
    first.

    What was read before patience was over says nothing, and the worker may have stood still since:
    nobody is asked before a second look. A hold that is asked again because its time came stands:
    else it would be lifted and set anew each time, and told each time."""
    held = row is not None and row.state is State.HELD
    again = row is not None and row.code is Code.READ_LAG and _told_already(row, sentence)
    if row is not None and since is None:
        if held and row.retry_at is not None and row.retry_at <= now:
            return None
        since = row.since if again else None
    if (held or again) and since is not None and now >= since + 2 * lag + timeout:
        return None
    return Wait(Code.READ_LAG, sentence, now + max(lag, timedelta(milliseconds=50)))


def _told_already(row: LedgerRow, sentence: str) -> bool:
    """The same, also as a call told it; or whatever else, where each look tells something else."""
    return sentence in (row.sentence or "") or row.tries >= MOST_LOOKS
