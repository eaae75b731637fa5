"""How an attempt at a step ended, as the row that the ledger keeps.

Owns what follows each interruption and each kind of failure (`design.md`, section 2: failures have
kinds, and the kind decides, as data). Pure: time and chance are given.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from app.domain import gone, posted
from app.domain.choices import GENERAL, names_of
from app.domain.codes import Code, State, Who
from app.domain.decide import Plan
from app.domain.errors import (
    POLICIES,
    FailureKind,
    Hold,
    Interruption,
    RemoteFailure,
    Wait,
    backoff,
    clamp_retry_after,
)
from app.domain.grants import SYSTEM_NAMES
from app.domain.order import OrderView
from app.domain.ports import Paused
from app.domain.reasons import CODES
from app.domain.records import Answer, JournalEntry, LedgerRow, Snapshot, WriteSet
from app.steps import CALLED, LEDGER_STEPS

PARK_AFTER = 5
CONNECTWISE, LEDGER = "connectwise", "ledger"
PARKED = GENERAL  # a wait that ran out of retries, whatever its code
ADOPT_TRIES = 2


@dataclass(frozen=True, slots=True)
class Ending:
    """The step's row, and the pause of its connection if the failure asks for one."""

    row: LedgerRow
    pause: Paused | None = None


def applied(
    base: LedgerRow, want: Mapping[str, Any] | None, version: int, now: datetime
) -> LedgerRow:
    """The step did what it was to do."""
    return replace(
        base, state=State.DONE, want=want, want_version=version, applied_at=now, finished_at=now,
        code=None, sentence=None, who=None, choices=(), since=now, retry_at=None, retry_wake=None,
    )  # fmt: skip


def stopped(
    view: OrderView, base: LedgerRow, interruption: Interruption, now: datetime
) -> LedgerRow:
    """The step said that it cannot finish now: a wait, or a hold for a person."""
    if isinstance(interruption, Wait):
        # A lag is over at its time, whatever comes in; a claim is told when it is given back.
        told = interruption.code is Code.CLAIMED_ELSEWHERE
        wake = view.row.wake_seq if told else None
        return shut(
            base,
            State.WAITING,
            interruption.code,
            interruption.sentence,
            now,
            interruption.until,
            wake,
        )
    assert isinstance(interruption, Hold)  # noqa: S101 - the two interruptions there are
    row = held(view, base, interruption.code, interruption.sentence, now)
    who = Who(interruption.who) if interruption.who else row.who
    return replace(row, who=who, choices=interruption.choices or row.choices)


def failed(
    view: OrderView,
    base: LedgerRow,
    failure: RemoteFailure,
    now: datetime,
    chance: float,
    system: str = "ConnectWise",
    *,
    remembered: bool = False,
) -> Ending:
    """A remote call failed: what follows is in POLICIES, by kind. A pause is that of the system
    which was called. `remembered`: the attempt went by what an earlier one had read."""
    policy = POLICIES[failure.kind]
    where = f" ({failure.endpoint})" if failure.endpoint else ""
    sentence = f"{system}{where}: {failure.message}"
    tries = _tries(base, policy.code)
    if failure.kind is FailureKind.GONE:
        if (base.code, base.sentence) != (Code.READ_LAG, sentence) and tries == 1:
            # A record made just now may not show yet: look once more before a person is asked.
            again = now + view.live.read_lag
            return Ending(shut(base, State.WAITING, Code.READ_LAG, sentence, now, again))
        row = held(view, base, policy.code, sentence, now)
        return Ending(replace(row, choices=gone.ways(view, base.subject, sentence)))
    if failure.kind is FailureKind.REJECTED and remembered and base.sentence != sentence:
        # Somebody may have changed the record since it was read: once more, with what stands now.
        return Ending(shut(base, State.WAITING, Code.READ_LAG, sentence, now, now))
    if policy.action == "hold" or (policy.action == "adopt" and tries >= ADOPT_TRIES):
        return Ending(held(view, base, policy.code, sentence, now))
    if policy.action == "look":
        again = now + view.live.read_lag
        return Ending(shut(base, State.WAITING, policy.code, sentence, now, again))
    wait = backoff(policy, tries, chance)
    pause: Paused | None = None
    if policy.action == "pause":
        wait = clamp_retry_after(failure.retry_after, wait)
        pause = Paused(now + timedelta(seconds=wait), policy.code, sentence, "service")
    elif tries >= policy.attempts:
        row = replace(held(view, base, policy.code, sentence, now), state=State.PARKED)
        return Ending(replace(row, who=Who.OPERATOR, choices=PARKED))
    again = now + timedelta(seconds=wait)
    return Ending(shut(base, State.WAITING, policy.code, sentence, now, again), pause)


def broken(base: LedgerRow, error: Exception, now: datetime) -> LedgerRow:
    """The service itself failed: tried again a few times, then parked until a person replays."""
    sentence = f"The service failed at {base.step.replace('_', ' ')}: {type(error).__name__}."
    if _tries(base, Code.DECIDE_FAILED) >= PARK_AFTER:
        return shut(base, State.PARKED, Code.DECIDE_FAILED, sentence, now, None)
    again = now + timedelta(seconds=2 ** min(base.tries + 1, 6))
    return shut(base, State.WAITING, Code.DECIDE_FAILED, sentence, now, again)


def held(view: OrderView, base: LedgerRow, code: Code, sentence: str, now: datetime) -> LedgerRow:
    """For a person; asked again when something came in, and seldom by itself."""
    again = now + timedelta(seconds=CODES[code].recheck_seconds)
    return shut(base, State.HELD, code, sentence, now, again, view.row.wake_seq)


def shut(
    base: LedgerRow,
    state: State,
    code: Code,
    sentence: str,
    now: datetime,
    retry_at: datetime | None,
    retry_wake: int | None = None,
) -> LedgerRow:
    """The row of a step that did not get through, with the time since when it stands so."""
    since = base.since if base.code is code and base.since is not None else now
    return replace(
        base,
        state=state,
        code=code,
        sentence=sentence,
        who=CODES[code].who,
        since=since,
        choices=names_of(code) if state in (State.HELD, State.PARKED) else (),
        finished_at=now,
        retry_at=retry_at,
        retry_wake=retry_wake,
        tries=_tries(base, code),
    )


def _tries(base: LedgerRow, code: Code) -> int:
    """How often the step ended so in a row, the present time included."""
    return base.tries + 1 if base.code is code else 1


def interrupted(step: str) -> JournalEntry:
    """A worker died during this step."""
    told = "The worker ended during this step; what it may have written is looked up first."
    return JournalEntry("INTERRUPTED", told, step)


def note_verdicts(view: OrderView, plan: Plan, writes: WriteSet) -> None:
    """Keep the reason of every step that changed, with the time since when it stands."""
    for verdict in plan.verdicts:
        row = view.ledger.get((verdict.step, verdict.subject))
        if verdict.runnable:
            continue
        before = (row.state, row.code, row.sentence) if row is not None else None
        if before == (verdict.state, verdict.code, verdict.sentence):
            continue
        if row is None and verdict.state is State.NOT_NEEDED and verdict.code is None:
            continue
        base = row or LedgerRow(verdict.step, verdict.subject, verdict.state)
        since = verdict.since or (view.now if before is None else base.since)
        writes.ledger.append(
            replace(
                base,
                state=verdict.state,
                code=verdict.code,
                sentence=verdict.sentence,
                who=verdict.who,
                since=since,
                choices=verdict.choices,
                retry_at=None,
                retry_wake=None,
            )
        )
        if verdict.code is not None and (row is None or row.code is not verdict.code):
            writes.journal.append(
                JournalEntry(verdict.code, verdict.sentence or "", verdict.step, verdict.subject)
            )


def part_of(step: str) -> str:
    """Which side a step calls."""
    if step in LEDGER_STEPS:
        return LEDGER
    return CONNECTWISE if step not in CALLED else step


@dataclass(frozen=True, slots=True)
class Shut:
    """What an order would call next and may not: the answer, and when it is looked at again."""

    answer: Answer
    until: datetime


def open_part(plan: Plan, paused: Collection[str], ledger: str) -> Plan:
    """The plan without the steps and looks of paused systems: what needs only others goes on."""
    shut = {LEDGER if system == ledger else system for system in paused}
    run = next(
        (one for one in plan.verdicts if one.runnable and part_of(one.step) not in shut), None
    )
    looks = tuple(
        look for look in plan.looks if (LEDGER if look == posted.LOOK else CONNECTWISE) not in shut
    )
    return replace(plan, run=run, looks=looks)


def paused_answer(snapshot: Snapshot, plan: Plan, ledger: str) -> Shut | None:
    """Why an order that would go on may not, as all that it would call is paused; None: it may, or
    there is nothing to do now."""
    pauses = {s: one for s, one in snapshot.paused.items() if one.until > snapshot.now}
    rest = open_part(plan, pauses, ledger)
    if not (plan.run or plan.looks) or rest.run or rest.looks:
        return None
    calls_ledger = part_of(plan.run.step) == LEDGER if plan.run else plan.looks == (posted.LOOK,)
    system = ledger if calls_ledger else CONNECTWISE
    pause, row = pauses[system], snapshot.order
    since = row.since if row.code is Code.CONNECTION_PAUSED and row.since else snapshot.now
    named = SYSTEM_NAMES.get(system, "The ledger")
    sentence, who = f"{named} is not called until {pause.until:%H:%M:%S} UTC.", Who.NOBODY
    next_look = f"at {pause.until:%Y-%m-%dT%H:%M:%SZ}"
    if pause.by == "service" and not pause.ends and pause.why:
        sentence, next_look = pause.why, "when it answers again"
    if pause.by != "service":
        sentence = f"{named} is not called: paused by {pause.by}."
        if pause.why:
            sentence = f"{sentence[:-1]}: {pause.why}"
        who, next_look = Who.OPERATOR, "when the connection is resumed"
    answer = Answer(State.WAITING, Code.CONNECTION_PAUSED, sentence, who, since, next_look)
    return Shut(answer, min(pause.until, plan.due_at) if plan.due_at else pause.until)
