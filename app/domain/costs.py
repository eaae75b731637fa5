"""What a replay costs in calls, against what is left of each connection's budget (decision 0044).

Owns the words and the arithmetic. Pure: what is left is read beside it and takes no turn.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.domain.budgets import DAY, MINUTE, Spent
from app.domain.grants import SYSTEM_NAMES

# A window so long that nobody waits for it: what does not fit is refused.
LONG = 3600.0


@dataclass(frozen=True, slots=True)
class Cost:
    """Calls of a plan through one connection. `limits`: what stands against it now, by window;
    empty where its calls are not counted."""

    system: str
    calls: int
    limits: tuple[Spent, ...] = ()

    @property
    def seconds(self) -> float:
        """How long the calls take at least, at the pace that the short windows allow."""
        paces = [one.seconds / one.limit for one in self.limits if one.seconds < LONG and one.limit]
        return self.calls * max(paces, default=0.0)

    @property
    def short(self) -> Spent | None:
        """The window of hours in which fewer calls are left than are needed; None: there is none."""
        lacking = [one for one in self.limits if one.seconds >= LONG and one.left < self.calls]
        return min(lacking, key=lambda one: one.left, default=None)

    @property
    def sentence(self) -> str:
        """The same for a person."""
        name = _named(self.system)
        parts = [f"{_calls(self.calls)} to {name}"]
        if not self.limits:
            return f"{parts[0]}; they are not counted against a limit."
        left = [f"{one.left:,} of {one.limit:,} left {_window(one.seconds)}" for one in self.limits]
        parts.append(" and ".join(left))
        if self.calls and self.seconds:
            quick = max((one for one in self.limits if one.seconds < LONG), key=_pace)
            pace = f"at {quick.limit:,} {_each(quick.seconds)}"
            parts.append(f"{pace} they take {_span(self.seconds)} at least")
        return f"{'; '.join(parts)}."

    @property
    def refusal(self) -> str | None:
        """Why it should not be run now; None: the budget of the day suffices."""
        if (short := self.short) is None:
            return None
        name = _named(self.system)
        return (
            f"The replay needs {_calls(self.calls)} to {name}, and {short.left:,} of "
            f"{short.limit:,} are left {_window(short.seconds)}. Run it later, or replay fewer orders."
        )


def _named(system: str) -> str:
    """`ledger`: nobody is signed in to one, so it has no name yet."""
    return SYSTEM_NAMES.get(system, "the ledger" if system == "ledger" else system)


def _pace(one: Spent) -> float:
    return one.seconds / one.limit if one.limit else 0.0


def _calls(count: int) -> str:
    return f"{count:,} call{'' if count == 1 else 's'}"


def _window(seconds: float) -> str:
    known = {1.0: "this second", MINUTE: "this minute", DAY: "in these 24 hours"}
    return known.get(seconds, f"in these {seconds:g} s")


def _each(seconds: float) -> str:
    return {1.0: "a second", MINUTE: "a minute"}.get(seconds, f"in {seconds:g} s")


def _span(seconds: float) -> str:
    if seconds < MINUTE / 20:
        return "a few seconds"
    return f"{seconds / MINUTE:,.1f} min"
