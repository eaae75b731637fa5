"""When and from where Commerce's lists are read, and how many calls that may cost.

Owns the memory of the poll and all arithmetic on it: windows, what is new in them, what is
history, the calls of the last 24 hours. Pure; moments come in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict

from app.domain.commerce import Change, Listing
from app.domain.documents import Kind
from app.domain.errors import FailureKind

DAY_SECONDS = 86_400
# The zone of the vendor's dates is not documented (commerce.md 1.1). No zone is further from UTC
# than 14 hours, so a first look that starts this long ago meets their last hours in any of them.
FIRST_LOOK = timedelta(hours=26)
# A date further ahead than any zone is a mistake of one record: it must not move the window past
# the changes of all others.
AHEAD = timedelta(hours=15)
# What the poll did not bring by then, it does not bring by itself.
OVERDUE = timedelta(hours=1)
# Orders before what follows them, so that a purchase order meets its sales order.
IN_TURN = (Kind.SALES_ORDER, Kind.QUOTE, Kind.PURCHASE_ORDER)

# Quotes are not bounded: one may be won long after it was made.
BOUNDED = {
    Kind.SALES_ORDER: Listing.SALES_ORDERS,
    Kind.PURCHASE_ORDER: Listing.PURCHASE_ORDERS,
}

Pending = tuple[Kind, str]


@dataclass(frozen=True, slots=True)
class Pace:
    """How often the lists are read, how far windows overlap, and what may be spent.

    `patience` is what an event of the same change is given before the poll reads it: the event
    knows more, above all which opportunity and ticket were chosen at checkout.
    """

    seconds: float
    overlap: timedelta
    calls_a_day: int
    patience: timedelta = timedelta(0)

    @property
    def looks_a_day(self) -> int:
        """Calls that the lists alone take, one page each."""
        return round(DAY_SECONDS / self.seconds * len(Listing))

    @property
    def reads_a_day(self) -> int:
        """Calls that are left for documents: a backlog must not stop the looks."""
        return max(self.calls_a_day - self.looks_a_day, 0)


class Window(BaseModel):
    """How far a list was read, by the vendor's own dates. `told` are the records that the next,
    overlapping look will show again."""

    model_config = ConfigDict(frozen=True)
    at: datetime
    told: dict[str, datetime] = {}

    def after(self, pace: Pace) -> datetime:
        return self.at - pace.overlap

    def fresh(self, changes: Iterable[Change]) -> list[Change]:
        return [one for one in changes if self.told.get(one.record) != one.modified]

    def moved(self, changes: Sequence[Change], pace: Pace, now: datetime) -> Window:
        """After these were taken. It never moves back, and never by a date far ahead."""
        dates = [one.modified for one in changes if one.modified <= now + AHEAD]
        at = max([self.at, *dates])
        told = {**self.told, **{one.record: one.modified for one in changes}}
        kept = {record: when for record, when in told.items() if when >= at - pace.overlap}
        return Window(at=at, told=kept)


class Spent(BaseModel):
    """Calls of an hour: for the lists, and for documents."""

    model_config = ConfigDict(frozen=True)
    looks: int = 0
    reads: int = 0


class Waiting(BaseModel):
    """A document that changed and was not read yet. `since` is when the poll saw it."""

    model_config = ConfigDict(frozen=True)
    kind: Kind
    id: str
    since: datetime

    @property
    def one(self) -> Pending:
        return (self.kind, self.id)


class PollState(BaseModel):
    """What the poll remembers between turns.

    `since` is the date asked for, or when it looked first: None, it never did. `history` is, by
    kind of document, the vendor's own date up to which everything made is history.
    """

    model_config = ConfigDict(frozen=True)
    since: datetime | None = None
    history: dict[Kind, datetime] = {}
    looked: datetime | None = None
    windows: dict[Listing, Window] = {}
    waiting: tuple[Waiting, ...] = ()
    hours: dict[str, Spent] = {}
    failing: FailureKind | None = None
    failures: int = 0

    @classmethod
    def of(cls, kept: Mapping[str, Any] | None) -> PollState:
        return cls.model_validate(kept or {})

    def kept(self) -> dict[str, Any]:
        return self.model_dump(mode="json")

    def started(self, now: datetime, asked: datetime | None) -> tuple[PollState, bool]:
        """Ready for a look; and whether what it shows is history.

        A first run without a date takes nothing: what stands there by then is history. With a
        date it reads from there. A date before what was read so far reads again from there.
        """
        if self.since is None and asked is None:
            begin = Window(at=now - FIRST_LOOK)
            windows = dict.fromkeys(Listing, begin)
            return self.model_copy(update={"since": now, "windows": windows}), True
        if asked is not None and (self.since is None or asked < self.since):
            windows = dict.fromkeys(Listing, Window(at=asked))
            old = dict.fromkeys(BOUNDED, asked)
            update = {"since": asked, "windows": windows, "history": old}
            return self.model_copy(update=update), False
        return self, False

    def looked_at(
        self, found: Mapping[Listing, Sequence[Change]], pace: Pace, now: datetime, *, history: bool
    ) -> PollState:
        """After a look: the windows moved, the documents that changed pending."""
        windows = dict(self.windows)
        changed: set[Pending] = set()
        for listing, changes in found.items():
            window = windows[listing]
            if not history:
                changed |= {(listing.kind, one.document) for one in window.fresh(changes)}
            windows[listing] = window.moved(changes, pace, now)
        update = {"windows": windows, "looked": now, "waiting": self._with(changed, now)}
        if history:
            # What stands there by now is dated no later than the newest date that was seen, in
            # whatever zone; what is made from now on is dated later.
            update["history"] = {kind: windows[listing].at for kind, listing in BOUNDED.items()}
        return self.model_copy(update=update)

    @property
    def pending(self) -> tuple[Pending, ...]:
        """What changed and was not read yet, in the order in which it is read."""
        return tuple(one.one for one in self.waiting)

    def ready(self, pace: Pace, now: datetime) -> list[Pending]:
        """What may be read now."""
        return [one.one for one in self.waiting if one.since <= now - pace.patience]

    def brings(self, one: Pending, modified: datetime, now: datetime) -> bool:
        """Whether the poll reads a document by itself: it is pending, or changed after what the
        lists were read up to. Not what it failed to read, or did not look for, for an hour."""
        if self.looked is None or now - self.looked > OVERDUE:
            return False
        for waiting in self.waiting:
            if waiting.one == one:
                return now - waiting.since <= OVERDUE
        lists = [window for listing, window in self.windows.items() if listing.kind is one[0]]
        return bool(lists) and all(window.at < modified for window in lists)

    def without(self, done: Iterable[Pending], more: Iterable[Pending], now: datetime) -> PollState:
        """After documents were read. `more` came up on the way."""
        gone = set(done)
        rest = [one for one in self._with(more, now) if one.one not in gone]
        return self.model_copy(update={"waiting": tuple(rest)})

    def _with(self, more: Iterable[Pending], now: datetime) -> tuple[Waiting, ...]:
        known = {one.one: one for one in self.waiting}
        for kind, number in more:
            known.setdefault((kind, number), Waiting(kind=kind, id=number, since=now))
        return tuple(sorted(known.values(), key=lambda one: (IN_TURN.index(one.kind), one.id)))

    # Calls -------------------------------------------------------------------------------------

    def spending(self, now: datetime, *, looks: int = 0, reads: int = 0) -> PollState:
        key = _hour(now)
        before = self.hours.get(key, Spent())
        hours = {hour: spent for hour, spent in self.hours.items() if _recent(hour, now)}
        hours[key] = Spent(looks=before.looks + looks, reads=before.reads + reads)
        return self.model_copy(update={"hours": hours})

    def left(self, pace: Pace, now: datetime, *, reading: bool) -> int:
        """Calls that may be made now. Counted over the last 24 hours and the begun one, because
        where the vendor's day begins is not documented."""
        reads = sum(one.reads for hour, one in self.hours.items() if _recent(hour, now))
        whole = pace.calls_a_day - self.spent(now)
        return max(min(whole, pace.reads_a_day - reads) if reading else whole, 0)

    def spent(self, now: datetime) -> int:
        """Calls of the last 24 hours and the begun one."""
        recent = [one for hour, one in self.hours.items() if _recent(hour, now)]
        return sum(one.looks + one.reads for one in recent)


def _hour(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H")


def _recent(hour: str, now: datetime) -> bool:
    return datetime.fromisoformat(f"{hour}:00:00+00:00") > now - timedelta(hours=25)


def created(body: Mapping[str, Any]) -> datetime | None:
    """When a document was made, by the vendor's own dates; None where they cannot be read."""
    text = body.get("createdDate") or body.get("orderDate")
    try:
        made = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return made if made.tzinfo is not None else made.replace(tzinfo=UTC)


def is_history(state: PollState, kind: Kind, body: Mapping[str, Any], *, known: bool) -> bool:
    """Whether a document is older than what is kept in step: made before, and never told. Its
    late changes must not start what people did by hand."""
    bound, made = state.history.get(kind), created(body)
    return not known and bound is not None and made is not None and made <= bound
