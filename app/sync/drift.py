"""The drift sweep: every open or lately closed order is read and compared, within a budget (H12).

Owns the turn (one worker at a time, going on where the last turn stopped) and the comparison of one
order. Reads only: what a person does about a finding is `findings.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from logging import ERROR, WARNING

from app.connectors.transport import Calling, calling
from app.domain import drift_books, drift_buying, drift_selling, ports
from app.domain.books import Books
from app.domain.codes import State
from app.domain.commerce import BudgetSpent
from app.domain.decide import Plan
from app.domain.drift import Compared, Drift, DriftStore, InCommerce, Sweep
from app.domain.errors import POLICIES, RemoteFailure, StoreUnavailable, clamp_retry_after
from app.domain.grants import SYSTEM_NAMES
from app.domain.order import OrderView
from app.domain.ports import Clock, ConnectWise, Paused, Store
from app.domain.records import Snapshot
from app.sync.beside import Turns, Watch
from app.sync.commerce_budget import Meter
from app.sync.drift_commerce import Answer, CommerceSide
from app.sync.drift_reads import OrderReader
from app.telemetry import wide

SYSTEM = "connectwise"
LEASE = 600.0  # a dead worker's turn is free at once; this is for a lost host
AT_ONCE = 50  # orders whose ids are fetched together
BUDGET_REST = 3600.0  # a sweep that spent its calls goes on after an hour
TROUBLE_REST = 300.0
ONLY_WHEN_ASKED = 100 * 366 * 24.0  # hours
ASK_AGAIN = 5.0  # seconds until a worker asks again whether it is time
SETTLED = (State.DONE,)
Planner = Callable[[Snapshot], tuple[OrderView, Plan]]


@dataclass(frozen=True, slots=True)
class SweepPace:
    """`hours` between the beginnings of two sweeps, `days` after which an order that is through is
    left alone, calls in a minute and in one go of a sweep."""

    hours: float = 24.0
    days: int = 14
    calls_a_minute: int = 60
    calls: int = 5000

    @property
    def seconds(self) -> float:
        return (self.hours or ONLY_WHEN_ASKED) * 3600.0


class TurnLost(Exception):
    """Another worker has the turn."""


class NotRead(Exception):
    """An order that moves just now: it is compared in the next sweep."""


class Unread(Exception):
    """A system did not answer as asked. `system` is the one that was called."""

    def __init__(self, system: str, failure: RemoteFailure) -> None:
        super().__init__(failure.message)
        self.system = system
        self.failure = failure


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one comparison found. `commerce` None: Commerce was not to be read."""

    found: list[Drift]
    commerce: Answer | None = None

    @property
    def read_commerce(self) -> bool:
        return self.commerce is not None and self.commerce.found is not None


@dataclass
class Comparison:
    """Reads and compares one order. `take` is awaited before each call."""

    store: Store
    cw: ConnectWise
    books: Books | None
    plan: Planner
    commerce: CommerceSide | None = None  # None: its API is not read
    ledger: str = ""  # its system, as its connection is called

    async def of(
        self, order_id: int, meter: Meter, *, commerce: bool = True, asked: bool = False
    ) -> Outcome:
        """What differs. `asked`: a person waits for it, so that it need not leave room to orders.
        Raises NotRead, Unread, BudgetSpent, StoreUnavailable, KeyError."""
        snapshot = await self.store.peek(order_id)
        view, plan = self._at_rest(snapshot)
        reader = OrderReader(self.cw, self.books, snapshot, view, meter.take)
        bound = calling.set(Calling(None, None, "comparison" if asked else "drift"))
        answer: Answer | None = None
        try:
            reading = await reader.read()
            if commerce and self.commerce is not None:
                answer = await self.commerce.of(snapshot, meter)
        except RemoteFailure as failure:
            raise Unread(reader.system, failure) from failure
        finally:
            calling.reset(bound)
        if _moved(snapshot, await self.store.peek(order_id)):
            raise NotRead
        settled = frozenset((v.step, v.subject) for v in plan.verdicts if v.state in SETTLED)
        one = Compared(view, settled, reading)
        found = [*drift_selling.found(one), *drift_buying.found(one), *drift_books.found(one)]
        found += (answer.found if answer is not None else None) or ()
        return Outcome(list({drift.key: drift for drift in found}.values()), answer)

    def _at_rest(self, snapshot: Snapshot) -> tuple[OrderView, Plan]:
        """Nothing is compared while something is being written: it would be a finding of a moment."""
        held = replace(snapshot, order=replace(snapshot.order, held_by=None))
        view, plan = self.plan(held)
        if view.unanswered or plan.run is not None:
            raise NotRead
        return view, plan


def _moved(before: Snapshot, now: Snapshot) -> bool:
    def about(one: Snapshot) -> tuple[object, ...]:
        applied = {(row.step, row.subject): row.want for row in one.ledger}
        return one.order.wake_seq, applied, one.intents, one.refs

    return about(before) != about(now)


class DriftSweep:
    """Called by the worker's loop; works beside it, because calls are waited for."""

    def __init__(
        self,
        *,
        store: Store,
        kept: DriftStore,
        compare: Comparison,
        clock: Clock,
        tenant_id: int,
        pace: SweepPace,
        watch: Watch | None = None,
    ) -> None:
        self._store = store
        self._kept = kept
        self.comparison = compare
        self._tenant = tenant_id
        self._pace = pace
        self._meter = Meter(clock, pace.calls_a_minute)
        self._turns = Turns(clock, watch)

    def follow(self, me: ports.Worker) -> None:
        """Take the turn if it may be time and none is under way."""
        self._turns.begin(lambda: self.turn(me), ASK_AGAIN)

    async def stop(self) -> None:
        """End what is under way. The order that was being read is read again."""
        await self._turns.stop()

    async def turn(self, me: ports.Worker) -> None:
        """One turn, if it is due and free. Raises nothing but cancellation."""
        try:
            taken = await self._kept.take_sweep(self._tenant, me.id, LEASE, self._pace.seconds)
            if taken.token is None:
                return
            sweep = taken.sweep
            if sweep.after is None:
                sweep = Sweep(started=taken.now, after=0, commerce=sweep.commerce.next())
            await self._work(taken.token, sweep)
            self._turns.ended()
        except TurnLost:
            wide("drift_turn_lost", level=WARNING)
        except StoreUnavailable as error:
            wide("database_away", level=WARNING, error=str(error))
        except Exception as error:  # noqa: BLE001 - a worker never ends by its sweep
            self._turns.ended(error)
            wide("drift_sweep_failed", level=ERROR, error=type(error).__name__, exc_info=error)

    async def _work(self, token: str, sweep: Sweep) -> None:
        """Compare order after order, keeping each, then give the turn back."""
        self._meter.allow(self._pace.calls)
        calls = sweep.calls
        if self.comparison.commerce is not None and not sweep.commerce.looked:
            sweep = await self._look(token, sweep)
        while True:
            after = sweep.after or 0
            batch = await self._kept.to_compare(self._tenant, after, self._pace.days, AT_ONCE)
            if not batch:
                return await self._end(token, sweep)
            for order_id in batch:
                trouble = await self._paused()
                if trouble is not None:
                    return await self._rest(token, replace(sweep, trouble=trouble), TROUBLE_REST)
                wanted = not sweep.commerce.left and order_id > sweep.commerce.after
                answer: Answer | None = None
                try:
                    read, answer = await self._one(order_id, commerce=wanted)
                except BudgetSpent:
                    trouble = "The calls of one go are spent; it goes on by itself."
                    sweep = replace(sweep, calls=calls + self._meter.used, trouble=trouble)
                    return await self._rest(token, sweep, BUDGET_REST)
                except Unread as unread:
                    wait = await self._failed(unread)
                    if wait is not None:
                        sweep = replace(sweep, trouble=str(unread))
                        return await self._rest(token, sweep, wait)
                    read = False
                sweep = replace(
                    sweep,
                    commerce=self._on(sweep.commerce, order_id, answer),
                    after=order_id,
                    orders=sweep.orders + 1,
                    calls=calls + self._meter.used,
                    unread=sweep.unread + (not read),
                    trouble=None,
                )
                await self._keep(token, sweep, LEASE)

    async def _paused(self) -> str | None:
        """Why nothing may be read now, a person's pause of a ledger too; None: it may."""
        for system in filter(None, (SYSTEM, self.comparison.ledger)):
            if (paused := await self._store.paused(self._tenant, system)) is not None:
                return f"{SYSTEM_NAMES.get(system, system)} is not called: {paused.sentence}"
        return None

    async def _look(self, token: str, sweep: Sweep) -> Sweep:
        """Once in a sweep: documents that Commerce has and that never came in."""
        side = self.comparison.commerce
        assert side is not None  # noqa: S101 - asked by the caller
        bound = calling.set(Calling(None, None, "drift"))
        try:
            answer = await side.untold(self._pace.days, self._meter)
        except BudgetSpent:
            return sweep  # in the next go
        finally:
            calling.reset(bound)
        if answer.found is not None:
            new = await self._kept.keep_untold(self._tenant, answer.found)
            if new:
                wide("drift_found", new=new, findings=len(answer.found))
        left = int(answer.stops)  # then the orders are not asked for either
        looked = replace(sweep.commerce, looked=True, left=left, trouble=answer.why)
        sweep = replace(sweep, commerce=looked)
        await self._keep(token, sweep, LEASE)
        return sweep

    def _on(self, before: InCommerce, order_id: int, answer: Answer | None) -> InCommerce:
        """After an order. Where Commerce does not answer the round stays before it; an order that
        alone could not be read comes with the next round."""
        if self.comparison.commerce is None or order_id <= before.after:
            return before
        if before.left or (answer is not None and answer.stops):
            why = answer.why if answer is not None else before.trouble
            return replace(before, left=before.left + 1, trouble=why)
        if answer is None or answer.found is None:
            return replace(before, after=order_id, trouble=answer.why if answer else None)
        return replace(before, after=order_id, orders=before.orders + 1, trouble=None)

    async def _one(self, order_id: int, *, commerce: bool) -> tuple[bool, Answer | None]:
        """Compare one order and keep what differs. False: it moved, or it cannot be read."""
        try:
            outcome = await self.comparison.of(order_id, self._meter, commerce=commerce)
        except NotRead:
            return False, None
        except (Unread, BudgetSpent, StoreUnavailable):
            raise
        except Exception as error:  # noqa: BLE001 - one order must not keep the others from it
            wide("drift_not_compared", level=ERROR, order=order_id, exc_info=error)
            return False, None
        found = outcome.found
        new = await self._kept.keep_findings(order_id, found, commerce=outcome.read_commerce)
        if new:
            wide("drift_found", order=order_id, new=new, findings=len(found))
        return True, outcome.commerce

    async def _failed(self, unread: Unread) -> float | None:
        """Seconds to rest where the connection is the cause, None where only this order is. A
        ledger's own pause is its client's: here only the sweep rests."""
        failure = unread.failure
        policy = POLICIES[failure.kind]
        wide("drift_not_read", level=WARNING, system=unread.system, message=failure.message)
        if policy.action == "pause":
            wait = clamp_retry_after(failure.retry_after, policy.base)
            if unread.system == SYSTEM and not failure.unsent:
                until = await self._store.now() + timedelta(seconds=wait)
                paused = Paused(until, policy.code, failure.message, "service")
                await self._store.pause(self._tenant, SYSTEM, paused)
            return wait
        return TROUBLE_REST if failure.status is None else None

    async def _end(self, token: str, sweep: Sweep) -> None:
        now = await self._store.now()
        wide("drift_swept", orders=sweep.orders, unread=sweep.unread, calls=sweep.calls)
        round_of = sweep.commerce.ended()
        done = replace(sweep, after=None, finished=now, trouble=None, commerce=round_of)
        started = sweep.started or now
        rest = started + timedelta(seconds=self._pace.seconds) - now
        await self._rest(token, done, max(rest.total_seconds(), ASK_AGAIN))

    async def _keep(self, token: str, sweep: Sweep, lease: float | None, rest: float = 0) -> None:
        if not await self._kept.keep_sweep(self._tenant, token, sweep, lease=lease, rest=rest):
            raise TurnLost

    async def _rest(self, token: str, sweep: Sweep, seconds: float) -> None:
        await self._keep(token, sweep, None, seconds)
