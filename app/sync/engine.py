"""advance(order): observe, decide, do, record, until nothing is left to do now.

Owns the rounds of one claimed order and what follows each way an attempt can end. It drives any
scenario and any step; it knows no vendor and no table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta
from logging import ERROR
from typing import Any

from app.connectors.transport import Calling, calling
from app.domain import posted
from app.domain.binding import bound
from app.domain.books import Books
from app.domain.codes import Code, State
from app.domain.decide import Plan, Verdict, decide
from app.domain.errors import (
    POLICIES,
    Interruption,
    LeaseLost,
    RecordTaken,
    RemoteFailure,
    StoreUnavailable,
    clamp_retry_after,
)
from app.domain.letters import Mail
from app.domain.order import OrderView, build
from app.domain.ports import Chance, Checkpoints, Clock, ConnectWise, Paused, Store
from app.domain.records import (
    ORDER,
    CallRecord,
    Fact,
    JournalEntry,
    LedgerRow,
    Release,
    Snapshot,
    StepRun,
    WriteSet,
)
from app.domain.scenario import Scenario, forbidden
from app.steps import CALLED, STEPS
from app.sync import patience, unsettled
from app.sync.attempt import Attempt
from app.sync.circuit import Circuit
from app.sync.clock_watch import ClockWatch
from app.sync.drive import Drive
from app.sync.endings import (
    LEDGER,
    Shut,
    applied,
    broken,
    failed,
    held,
    interrupted,
    note_verdicts,
    open_part,
    part_of,
    paused_answer,
    stopped,
)
from app.sync.lines import AGAIN, Lines, NoPlace
from app.sync.looks import look_at, of_one_system
from app.sync.resumes import Resumes
from app.telemetry import metrics, tracing, wide

ROUNDS = 50
SYSTEM = "connectwise"
CONNECTWISE = "ConnectWise"
Looks = tuple[str, ...]
Pin = tuple[str, int, Mapping[str, Any]]  # scenario, its version, behaviour settings


@dataclass(frozen=True)
class Engine:
    """Everything that driving an order needs. `defaults` are settings under the database's."""

    store: Store
    cw: ConnectWise
    clock: Clock
    chance: Chance
    checkpoints: Checkpoints
    scenarios: Mapping[str, Scenario]
    defaults: Mapping[str, Any]
    books: Books | None = None  # None: no ledger is connected
    mail: Mail | None = None  # None: no mail server is set
    ledger: str = ""  # its system, as its connection is called
    # Of which orders in flight are, by name and version, where the file is another by now (H8).
    earlier: Mapping[tuple[str, int], Scenario] = field(default_factory=dict)
    resumes: Resumes | None = None
    circuit: Circuit = field(default_factory=Circuit, compare=False)
    lines: Lines = field(default_factory=Lines, compare=False)
    watch: ClockWatch = field(default_factory=ClockWatch, compare=False)

    async def advance(self, drive: Drive) -> None:
        """Drive a claimed order until it is released or its lease is lost.

        Failures that nobody foresaw give the order back without progress, so that it is parked
        as poison after a few; nothing is swallowed, everything is journalled.
        """
        try:
            await self._tell_interrupted(drive)
            while drive.rounds < ROUNDS:
                drive.rounds += 1
                if await self._round(drive):
                    return
            # Others wait too: give the order back, due at once.
            await self.store.drop(drive.claim, 0.0)
        except NoPlace:
            # Who stands in line for one system must not keep a worker's places from others.
            await self.store.drop(drive.claim, AGAIN, waited=True)
        except LeaseLost:
            drive.lease.lost = True
        except StoreUnavailable:
            raise
        except Exception as error:  # noqa: BLE001 - no order may take its worker along
            # Deciding failed. The order is given back without progress, so it ends as poison.
            wide(
                "advance_failed",
                order=drive.claim.order_id,
                error=type(error).__name__,
                level=ERROR,
                exc_info=error,
            )
            await self.store.drop(drive.claim, 1.0)

    async def _tell_interrupted(self, drive: Drive) -> None:
        """A worker died over this order: its story says so."""
        if not drive.claim.interrupted:
            return
        writes = WriteSet(drive.claim.order_id, drive.claim.token)
        writes.journal.extend(map(interrupted, drive.claim.interrupted))
        await self._commit(drive, writes)

    async def _round(self, drive: Drive) -> bool:
        """One round. True: the order was given back."""
        snapshot = await self.watch.load(self.store, self.clock, drive.claim)
        tracing.follow(snapshot.order.trace)
        view, plan = self.plan(snapshot)
        writes = WriteSet(snapshot.order.id, drive.claim.token)
        self._pin(snapshot, view, writes)
        if writes.pin is not None:
            # Decide again on what is pinned now, so that the first step already rests on it.
            return await self._commit(drive, writes)
        if (shut := paused_answer(snapshot, plan, self.ledger)) is not None:
            return await self._rest_paused(drive, snapshot, view, plan, writes, shut)
        plan = open_part(plan, snapshot.paused, self.ledger)
        if plan.run is not None or plan.looks:
            return await self._call(drive, view, plan)
        note_verdicts(view, plan, writes)
        release = Release(snapshot.order.wake_seq, plan.due_at, plan.answer)
        return await self._commit(drive, writes, release)

    async def _call(self, drive: Drive, view: OrderView, plan: Plan) -> bool:
        """Do what is planned, in the line of its system, if it still stands after the wait."""
        run, looks = plan.run, of_one_system(plan.looks)
        seen = self.ledger if looks == (posted.LOOK,) else SYSTEM
        system = self._system(run.step) if run is not None else seen
        async with self.lines.place(system) as waited:
            if waited:
                snapshot = await self.watch.load(self.store, self.clock, drive.claim)
                view, fresh = self.plan(snapshot)
                plan = open_part(fresh, snapshot.paused, self.ledger)
                if _named(plan.run) != _named(run) or of_one_system(plan.looks) != looks:
                    return False
            named = f"step {plan.run.step}" if plan.run is not None else "look"
            with tracing.span(named, demandlink__order=view.row.name):
                if plan.run is None:
                    return await self._look(drive, view, plan, looks, system)
                await self._attempt(drive, view, plan.run)
        return False

    def plan(self, snapshot: Snapshot) -> tuple[OrderView, Plan]:
        """What the engine would do with an order as it stands (also: explain, preview)."""
        scenario = self.scenario_of(snapshot)
        view = self._view(snapshot, scenario)
        return view, decide(scenario, STEPS, view)

    def _view(self, snapshot: Snapshot, scenario: Scenario) -> OrderView:
        steps = (use.name for use in scenario.steps)
        return build(snapshot, {**self.defaults, **scenario.defaults}, steps)

    def scenario_of(self, snapshot: Snapshot) -> Scenario:
        """The order's pinned scenario, else what it is bound to, else the tenant's present one."""
        order = snapshot.order
        pinned = self.earlier.get((order.scenario or "", order.scenario_version or 0))
        if pinned is not None:
            return pinned
        name = order.scenario or bound(snapshot.documents, snapshot.mappings)
        name = name or snapshot.settings.get("scenario")
        return self.scenarios[str(name or self.defaults["scenario"])]

    def _pin(self, snapshot: Snapshot, view: OrderView, writes: WriteSet) -> None:
        """H8: scenario and behaviour settings stay as they are when the sales order comes in."""
        begun = view.sales_order is not None or (view.stock and view.purchase_orders)
        begun = begun or (view.of_quote and view.quote is not None)
        if not begun or snapshot.order.scenario is not None:
            return
        name, version, behaviour = writes.pin = self._pin_of(snapshot, view)
        writes.facts.append(Fact("sales_order_seen", "", {}, snapshot.now))
        told = f"{view.row.name} follows {name} version {version}."
        writes.journal.append(JournalEntry("PINNED", told, data=behaviour))

    def _pin_of(self, snapshot: Snapshot, view: OrderView) -> Pin:
        scenario = self.scenario_of(snapshot)
        behaviour = {
            name: str(value) for name, value in asdict(view.behaviour).items() if value is not None
        }
        return scenario.name, scenario.version, behaviour

    def present_pin(self, snapshot: Snapshot) -> Pin:
        """What the order would be pinned to if it came in now."""
        row = replace(snapshot.order, scenario=None, scenario_version=None, behaviour={})
        fresh = replace(snapshot, order=row)
        scenario = self.scenario_of(fresh)
        return self._pin_of(fresh, self._view(fresh, scenario))

    def forbidden_pin(self, snapshot: Snapshot, pin: Pin) -> str | None:
        """Why an order cannot be pinned so: the same as keeps the service from starting so."""
        name, _, behaviour = pin
        scenario = self.scenarios[name]
        ruling = {**self.defaults, **scenario.defaults, **snapshot.settings, **behaviour}
        return forbidden(scenario, ruling)

    async def _commit(self, drive: Drive, writes: WriteSet, release: Release | None = None) -> bool:
        committed = await self.store.commit(writes, release)
        if not committed.held:
            raise LeaseLost
        return committed.released

    async def _rest_paused(
        self,
        drive: Drive,
        snapshot: Snapshot,
        view: OrderView,
        plan: Plan,
        writes: WriteSet,
        shut: Shut,
    ) -> bool:
        note_verdicts(view, plan, writes)
        release = Release(snapshot.order.wake_seq, shut.until, shut.answer)
        return await self._commit(drive, writes, release)

    # Doing ---------------------------------------------------------------------------------

    async def _attempt(self, drive: Drive, view: OrderView, run: Verdict) -> None:
        row = view.ledger.get((run.step, run.subject)) or LedgerRow(
            run.step, run.subject, State.RUNNING
        )
        if row.state in (State.HELD, State.PARKED):
            drive.read_anew()  # a person may have corrected what was read before
        attempts = row.attempts + 1
        begun = WriteSet(view.row.id, drive.claim.token)
        begun.run_started = StepRun(run.step, run.subject, attempts)
        lease = timedelta(seconds=drive.lease.seconds)
        waits = patience.settled(view, view.live.call_timeout, lease, self.watch, view.now)
        if unsettled.begun(view, run.step) and waits is None:
            begun.facts.append(unsettled.sending(run.step, view.now, begun=False))
        await self._commit(drive, begun)
        calls: list[CallRecord] = []
        fx = Attempt(
            view=view,
            cw=self.cw,
            store=self.store,
            clock=self.clock,
            checkpoints=self.checkpoints,
            drive=drive,
            step=run.step,
            subject=run.subject,
            calls=calls,
            books=self.books,
            mail=self.mail,
            watch=self.watch,
            system=CALLED.get(run.step, CONNECTWISE),
        )
        started = self.clock.monotonic()

        async def sent() -> None:
            await self.checkpoints.reached("sent", run.step, run.subject)

        bound = calling.set(
            Calling(run.step, run.subject, "step", calls.append, sent, fx.still_held)
        )
        base = replace(row, attempts=attempts, started_at=view.now)
        try:
            assert run.want is not None  # noqa: S101 - runnable verdicts carry their want
            await STEPS[run.step].apply(run.want, fx)
            now = await self.store.now()
            done = applied(base, run.want, STEPS[run.step].version, now)
        except Interruption as interruption:
            done = stopped(view, base, interruption, await self.store.now())
        except RemoteFailure as failure:
            done = await self._failed(view, base, failure, fx.remembered)
            drive.read_anew()
        except (LeaseLost, StoreUnavailable):
            raise
        except RecordTaken as taken:
            done = held(view, base, Code.REMOTE_EXISTS, str(taken), await self.store.now())
        except Exception as error:  # noqa: BLE001 - every bug must end in a named state
            wide("step_broken", step=run.step, error=type(error).__name__, exc_info=error)
            done = broken(base, error, await self.store.now())
        finally:
            calling.reset(bound)
        fx.writes.ledger.append(done)
        fx.writes.run_finished = done.state.value
        if done.code is not None and done.code is not row.code:
            told = JournalEntry(done.code, done.sentence or "", run.step, run.subject)
            fx.writes.journal.append(told)
        seconds = self.clock.monotonic() - started
        tracing.tell(
            failed=done.code if done.state in (State.HELD, State.PARKED) else None,
            demandlink__step=run.step,
            demandlink__state=done.state.value,
            demandlink__code=done.code,
            demandlink__attempt=attempts,
        )
        metrics.STEPS.labels(run.step, done.state.value, done.code or "").inc()
        metrics.STEP_SECONDS.labels(run.step).observe(seconds)
        wide(
            "step",
            order=view.row.name,
            step=run.step,
            subject=view.label(run.subject),
            state=done.state.value,
            code=done.code,
            attempt=attempts,
            milliseconds=round(seconds * 1000, 1),
            calls=fx.called + len(calls),
        )
        try:
            await fx.save()
        except RecordTaken as taken:
            now = await self.store.now()
            fx.writes.ledger.append(held(view, base, Code.REMOTE_EXISTS, str(taken), now))
            fx.writes.run_finished = State.HELD.value
            await fx.save()

    async def _failed(
        self, view: OrderView, base: LedgerRow, failure: RemoteFailure, remembered: bool
    ) -> LedgerRow:
        called = CALLED.get(base.step, CONNECTWISE)
        system = called[0].upper() + called[1:]  # a sentence begins with it
        now, chance = await self.store.now(), self.chance.random()
        ending = failed(view, base, failure, now, chance, system, remembered=remembered)
        paused = self._system(base.step)
        if ending.pause is not None and paused:
            if failure.status is None and self.resumes and paused in await self.resumes.hear():
                # Refused here, by a pause that a person has ended: it must not begin anew.
                return replace(ending.row, retry_at=now)
            await self.store.pause(view.row.tenant_id, paused, ending.pause)
        elif paused and (sick := self.circuit.opens(paused)) is not None:
            await self.store.pause(view.row.tenant_id, paused, sick)
        return ending.row

    def _system(self, step: str) -> str:
        """The connection whose calls a step makes; empty for a letter: a mail server has none."""
        return {LEDGER: self.ledger, SYSTEM: SYSTEM}.get(part_of(step), "")

    # Looking -------------------------------------------------------------------------------

    async def _look(
        self, drive: Drive, view: OrderView, plan: Plan, looks: Looks, called: str
    ) -> bool:
        """Read what ConnectWise has no callback for, or what the ledger's webhook named, then decide
        again. One system at a time, so that a failure is told of the right one."""
        writes = WriteSet(view.row.id, drive.claim.token)
        bound = calling.set(Calling(None, ORDER, "poll", writes.calls.append, None))
        try:
            looked = await look_at(self.cw, self.books, view, looks)
            writes.facts.extend(looked.facts)
            writes.refs.extend(looked.refs)
            writes.journal.extend(looked.journal)
        except RemoteFailure as failure:
            # A poll that fails is no state of the order: it is tried again at the next poll.
            policy = POLICIES[failure.kind]
            wait = clamp_retry_after(failure.retry_after, view.live.poll.total_seconds())
            if policy.action == "pause":
                until = view.now + timedelta(seconds=wait)
                paused = Paused(until, policy.code, failure.message, "service")
                await self.store.pause(view.row.tenant_id, called, paused)
            system = CONNECTWISE if called == SYSTEM else "The ledger"
            writes.journal.append(JournalEntry("POLL_FAILED", f"{system}: {failure.message}"))
            note_verdicts(view, plan, writes)
            due = view.now + timedelta(seconds=wait)
            release = Release(view.row.wake_seq, due, plan.answer)
            return await self._commit(drive, writes, release)
        finally:
            calling.reset(bound)
        return await self._commit(drive, writes)


def _named(run: Verdict | None) -> object:
    return run and (run.step, run.subject, run.want)
