"""How each thing stands that a worker sees to beside the orders: when it went well last, and since when
it fails for a reason that nobody foresaw.

Owns what is kept of that, when it lasts, and the sentences. A reason that was foreseen, as a system that
refuses, is told where it is kept: by the poll's own state, a pause, a consent. Pure; moments come in.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict

KIND = "turns"  # as it is remembered, by the name of the part
LASTS = timedelta(minutes=10)
TIMES = 2
SLACK = timedelta(minutes=10)


class Seen(StrEnum):
    """What is seen to beside the orders."""

    COMMERCE_POLL = "commerce_poll"
    INVOICE_POLL = "invoice_poll"
    DRIFT_SWEEP = "drift_sweep"
    RETENTION = "retention"
    ALERTS = "alerts"


# What is not done while it fails, as a sentence with its verb.
DOES: Mapping[Seen, str] = {
    Seen.COMMERCE_POLL: "Commerce was last read",
    Seen.INVOICE_POLL: "Changed invoices in ConnectWise were last looked for",
    Seen.DRIFT_SWEEP: "Differences between the systems were last looked for",
    Seen.RETENTION: "What has outlived its use was last taken away",
    Seen.ALERTS: "Alerts were last looked for",
}


class Standing(BaseModel):
    """`well` is when a turn last went well, `since` when the first of those failed that stand in a row,
    `at` the last of them; `error` is its kind, without any word of it; `again` are the seconds after
    which it is tried again at the latest."""

    model_config = ConfigDict(frozen=True)
    well: datetime | None = None
    since: datetime | None = None
    at: datetime | None = None
    failures: int = 0
    error: str = ""
    again: float = 0.0

    @classmethod
    def of(cls, kept: Mapping[str, Any] | None) -> Standing:
        return cls.model_validate(kept or {})

    def failed(self, error: BaseException, now: datetime, again: float) -> Standing:
        """After one more turn that failed."""
        return Standing(
            well=self.well,
            since=self.since or now,
            at=now,
            failures=self.failures + 1,
            error=type(error).__name__,
            again=again,
        )

    def fails(self, now: datetime) -> bool:
        """Whether the last turn failed; not where none was taken for long, as after it was switched off."""
        if self.at is None:
            return False
        return now - self.at < 2 * timedelta(seconds=self.again) + SLACK

    def lasts(self, now: datetime) -> bool:
        """Whether it fails again and again: what failed once may go well the next time."""
        since = self.since
        long = since is not None and now - since >= LASTS
        return self.fails(now) and long and self.failures >= TIMES

    def sentence(self, part: Seen, now: datetime) -> str:
        """What is not done, for how long, and why; no word of the error itself, which may hold data."""
        if self.well is not None:
            told = f"{DOES[part]} {ago(now - self.well)} ago"
        else:
            told = (
                f"{DOES[part].replace('was last', 'was never').replace('were last', 'were never')}"
            )
        times = "once" if self.failures == 1 else f"{self.failures} times in a row"
        since = f" since {self.since:%Y-%m-%d %H:%M} UTC" if self.since is not None else ""
        return f"{told}: it failed {times}{since}, with {self.error}. The workers' log has the whole error."


def ago(span: timedelta) -> str:
    """A span in the largest unit of which it has at least two."""
    seconds = max(int(span.total_seconds()), 0)
    for unit, name in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * unit:
            return f"{seconds // unit} {name}"
    return f"{seconds} seconds"
