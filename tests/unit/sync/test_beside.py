"""What is done beside the orders and fails for a reason that nobody foresaw is kept, and forgotten when
it goes well."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, cast

import pytest

from app.bootstrap.chosen import periods_of
from app.domain.admin_store import AdminStore
from app.domain.alerts import AlertStore, Note
from app.domain.commerce import Listing
from app.domain.drift import DriftStore
from app.domain.ports import Clock, ConnectWise, Store
from app.domain.retention import RetentionStore
from app.domain.watching import KIND, Seen, Standing, ago
from app.settings import Settings
from app.sync.alerts import AlertPace, Alerts
from app.sync.beside import Turns, Watch
from app.sync.drift import Comparison, DriftSweep, SweepPace
from app.sync.invoice_poll import InvoicePoll
from app.sync.retention import Retention
from app.telemetry import metrics
from tests.builders import NOW
from tests.unit.sync.commerce_world import ME, World

SECRET = "a-word-of-the-error"


@dataclass
class Kept:
    """A store that remembers, and a clock."""

    at: Any = NOW
    rows: dict[tuple[str, str], Any] = field(default_factory=dict)
    writes: int = 0
    away: bool = False

    def monotonic(self) -> float:
        return float(self.at.timestamp())

    async def now(self) -> Any:
        return self.at

    async def recall(self, tenant: int, kind: str, key: str) -> Any:
        return self.rows.get((kind, key))

    async def remember(self, tenant: int, kind: str, key: str, body: Any, seconds: float) -> None:
        if self.away:
            raise RuntimeError("the database has no such table")
        self.writes += 1
        self.rows[kind, key] = body

    def watch(self, part: Seen, again: float = 60.0) -> Watch:
        return Watch(cast(Store, self), cast(Clock, self), 1, part, again)

    def standing(self, part: Seen) -> Standing:
        return Standing.of(self.rows.get((KIND, part)))

    def later(self, **span: float) -> None:
        self.at += timedelta(**span)


class Breaks:
    """Whatever is asked of it fails in a way that nobody foresaw."""

    def __getattr__(self, name: str) -> Callable[..., Coroutine[Any, Any, None]]:
        async def asked(*args: Any, **more: Any) -> None:
            raise KeyError(SECRET)

        return asked


class Somewhere:
    key = name = "somewhere"

    async def send(self, note: Note) -> bool:
        return True


def invoices(kept: Kept) -> Turns:
    poll = InvoicePoll(
        cast(Store, Breaks()), cast(ConnectWise, Breaks()), cast(Clock, kept), 1, 60.0,
        kept.watch(Seen.INVOICE_POLL),
    )  # fmt: skip
    kept.later(seconds=60)
    poll.follow()
    return poll._turns


def sweep(kept: Kept) -> Turns:
    drift = DriftSweep(
        store=cast(Store, Breaks()), kept=cast(DriftStore, Breaks()),
        compare=cast(Comparison, Breaks()), clock=cast(Clock, kept), tenant_id=1,
        pace=SweepPace(), watch=kept.watch(Seen.DRIFT_SWEEP),
    )  # fmt: skip
    drift.follow(ME)
    return drift._turns


def retention(kept: Kept) -> Turns:
    prunes = Retention(
        store=cast(RetentionStore, Breaks()), admin=cast(AdminStore, Breaks()),
        clock=cast(Clock, kept), defaults=periods_of(Settings(_env_file=None)), tenant_id=1,
        watch=kept.watch(Seen.RETENTION),
    )  # fmt: skip
    prunes.follow()
    return prunes._turns


def alerts(kept: Kept) -> Turns:
    telling = Alerts(
        store=cast(Store, Breaks()), kept=cast(AlertStore, Breaks()), places=[Somewhere()],
        clock=cast(Clock, kept), pace=AlertPace(), tenant_id=1, watch=kept.watch(Seen.ALERTS),
    )  # fmt: skip
    telling.follow()
    return telling._turns


@pytest.mark.parametrize(
    ("part", "begun"),
    [
        (Seen.INVOICE_POLL, invoices),
        (Seen.DRIFT_SWEEP, sweep),
        (Seen.RETENTION, retention),
        (Seen.ALERTS, alerts),
    ],
)
async def test_each_part_that_fails_unforeseen_is_kept_and_counted(
    part: Seen, begun: Callable[[Kept], Turns]
) -> None:
    kept, before = Kept(), counted(part)
    turns = begun(kept)
    assert turns.task is not None
    await turns.task
    standing = kept.standing(part)
    assert (standing.failures, standing.error, standing.at) == (1, "KeyError", kept.at)
    assert counted(part) == before + 1
    assert SECRET not in repr(kept.rows)


async def test_a_poll_of_commerce_that_breaks_is_kept_and_forgotten_when_it_reads_again() -> None:
    kept = Kept()
    world = World()
    poll = world.poll()
    poll._turns = Turns(cast(Clock, world), kept.watch(Seen.COMMERCE_POLL, 900.0))

    async def turn() -> None:
        world.at += timedelta(seconds=90)
        kept.at = world.at
        poll.follow(ME, lambda: None)
        assert poll._turns.task is not None
        await poll._turns.task

    await turn()
    well = kept.standing(Seen.COMMERCE_POLL)
    assert (well.well, well.failures) == (world.at, 0)
    world.fails[Listing.QUOTES.value] = [KeyError(SECRET) for _ in range(11)]
    for _ in range(11):
        await turn()
    standing = kept.standing(Seen.COMMERCE_POLL)
    assert (standing.failures, standing.well) == (11, well.well)
    assert standing.lasts(world.at)
    told = standing.sentence(Seen.COMMERCE_POLL, world.at)
    assert told.startswith("Commerce was last read 16 minutes ago: it failed 11 times in a row")
    assert "KeyError" in told
    assert SECRET not in told
    await turn()
    assert kept.standing(Seen.COMMERCE_POLL) == Standing(well=world.at)


async def test_a_state_of_the_poll_that_cannot_be_read_is_kept_too() -> None:
    kept, world = Kept(), World()
    poll = world.poll()
    poll._turns = Turns(cast(Clock, world), kept.watch(Seen.COMMERCE_POLL, 900.0))
    world.state = {"looked": "never"}
    poll.follow(ME, lambda: None)
    assert poll._turns.task is not None
    await poll._turns.task
    assert kept.standing(Seen.COMMERCE_POLL).error == "ValidationError"


async def test_going_well_is_kept_once_a_minute_and_a_failure_at_once() -> None:
    kept = Kept()
    watch = kept.watch(Seen.RETENTION)
    for _ in range(5):
        await watch.keep(None)
    assert kept.writes == 1
    kept.later(seconds=61)
    await watch.keep(None)
    assert kept.writes == 2
    await watch.keep(ValueError())
    await watch.keep(None)  # not after a minute only
    assert kept.writes == 4
    assert kept.standing(Seen.RETENTION).failures == 0


async def test_another_process_that_goes_well_ends_it() -> None:
    kept = Kept()
    one, other = kept.watch(Seen.RETENTION), kept.watch(Seen.RETENTION)
    await other.keep(None)
    await one.keep(ValueError())
    kept.later(minutes=2)
    await other.keep(None)
    assert not kept.standing(Seen.RETENTION).fails(kept.at)


async def test_what_cannot_be_kept_ends_nothing() -> None:
    kept = Kept(away=True)
    await kept.watch(Seen.RETENTION).keep(ValueError())
    await kept.watch(Seen.RETENTION).keep(None)
    assert kept.rows == {}


def test_what_failed_once_does_not_last_and_what_was_switched_off_is_over() -> None:
    once = Standing().failed(ValueError(), NOW, 60.0)
    assert once.fails(NOW)
    assert not once.lasts(NOW + timedelta(minutes=11))
    again = once.failed(ValueError(), NOW + timedelta(minutes=10), 60.0)
    assert again.lasts(NOW + timedelta(minutes=11))
    assert not again.fails(NOW + timedelta(minutes=22))
    assert "was never read: it failed 2 times" in again.sentence(Seen.COMMERCE_POLL, NOW)


@pytest.mark.parametrize(
    ("span", "told"),
    [
        (timedelta(seconds=119), "119 seconds"),
        (timedelta(seconds=120), "2 minutes"),
        (timedelta(minutes=119), "119 minutes"),
        (timedelta(hours=2), "2 hours"),
        (timedelta(hours=47), "47 hours"),
        (timedelta(days=2), "2 days"),
    ],
)
def test_a_span_is_told_in_its_largest_unit(span: timedelta, told: str) -> None:
    assert ago(span) == told


def counted(part: Seen) -> float:
    name, labels = "demandlink_turns_failed_total", {"part": part.value}
    return metrics.REGISTRY.get_sample_value(name, labels) or 0.0
