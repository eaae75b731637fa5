"""decide: what is to be done next for an order, or why nothing can be.

Owns the one decision of the service (`design.md`, section 1), pure: the worker acts on it, the
API, the command line and a preview show it. Steps and gates come in as tables.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from app.domain import cancelling, losing, posted, readiness, stock
from app.domain.choices import LOOK_AGAIN, RESTS_ON_READING, names_of, ways_out
from app.domain.codes import Code, State, Who
from app.domain.facts import STALE_BEFORE
from app.domain.gates import GATES
from app.domain.json_values import canonical
from app.domain.order import OrderView
from app.domain.plan import OPEN, Plan, Verdict, answer_of, due_of, since_of
from app.domain.reasons import CODES
from app.domain.records import ORDER, Answer, LedgerRow
from app.domain.scenario import Scenario, StepUse
from app.domain.shut import Ended, Shut

__all__ = ["Plan", "StepRule", "Verdict", "decide", "same"]


class StepRule(Protocol):
    """The pure half of a step."""

    name: str
    version: int

    def subjects(self, view: OrderView) -> Sequence[str]:
        """What the step is done for: the order, each purchase order, each receipt."""

    def want(self, view: OrderView, subject: str) -> Mapping[str, Any] | None:
        """The document that should be true in the remote system; None: nothing is needed."""

    def outstanding(self, view: OrderView, subject: str) -> Shut | None:
        """What is still to come although the present want is applied; None: nothing."""

    def preview(self, view: OrderView, want: Mapping[str, Any]) -> list[str]:
        """The remote writes that applying `want` would make, as sentences."""


def same(left: Mapping[str, Any] | None, right: Mapping[str, Any] | None) -> bool:
    """Whether two wants mean the same, however their numbers are written."""
    return left is right or bool(left == right) or bool(canonical(left) == canonical(right))


def decide(scenario: Scenario, steps: Mapping[str, StepRule], view: OrderView) -> Plan:
    """The plan for an order at `view.now`. Pure: same input, same plan."""
    if ended := _ended(view):
        return ended
    if view.sales_order is not None and view.sales_order.cancelled and not view.of_quote:
        return _cancelled(scenario, steps, view)
    verdicts: list[Verdict] = []
    if view.of_quote:
        verdicts.append(_of_quote(scenario, steps, view))
    for use in scenario.steps if not view.of_quote else ():
        verdicts.extend(_of_step(scenario, steps, use, view, verdicts))
    run = next((verdict for verdict in verdicts if verdict.runnable), None)
    wanted = {look for verdict in verdicts for look in verdict.looks if _look_due(view, look)}
    looks = tuple(sorted(wanted | _told_to_look(view)))
    return Plan(tuple(verdicts), run, looks, answer_of(view, verdicts), due_of(view, verdicts))


def _ended(view: OrderView) -> Plan | None:
    """A hold by a person stops everything; stock and a declined quote may be through as a whole."""
    if view.row.held_by is not None:
        answer = Answer(
            State.HELD,
            Code.HELD_BY_PERSON,
            f"Held: {view.row.held_by}",
            Who.OPERATOR,
            since_of(view, Code.HELD_BY_PERSON),
            "when it is released",
            names_of(Code.HELD_BY_PERSON),
        )
        return Plan((), None, (), answer, None)
    if view.stock:
        return _whole(view, stock.ended(view))
    if view.of_quote:
        return _whole(view, losing.ended(view), losing.STEP)
    return None


def _cancelled(scenario: Scenario, steps: Mapping[str, StepRule], view: OrderView) -> Plan:
    """H3: nothing more is sold, and a person says what becomes of what was made. What came is owed
    all the same (C6), so the ledger's purchasing goes on."""
    owed: list[Verdict] = []
    for use in scenario.steps:
        if use.name in cancelling.OWED:
            owed.extend(_of_step(scenario, steps, use, view, owed))
    why = cancelling.finished(view)
    if why and not any(verdict.state in OPEN for verdict in owed):
        since = since_of(view, Code.CANCELLED)
        answer = Answer(State.CANCELLED, Code.CANCELLED, why, Who.NOBODY, since, "never")
        return Plan(tuple(owed), None, (), answer, None)
    if why is None:
        owed.insert(0, _undoing(view) or _asked(view))
    run = next((verdict for verdict in owed if verdict.runnable), None)
    return Plan(tuple(owed), run, (), answer_of(view, owed), due_of(view, owed))


def _asked(view: OrderView) -> Verdict:
    return Verdict(
        cancelling.STEP,
        ORDER,
        State.HELD,
        Code.CANCELLED_AFTER_START,
        cancelling.sentence(view),
        Who.SALES,
        since_of(view, Code.CANCELLED_AFTER_START),
        next_look="when the order changes",
        choices=cancelling.offered(view),
        want=cancelling.situation(view),
    )


def _of_step(
    scenario: Scenario,
    steps: Mapping[str, StepRule],
    use: StepUse,
    view: OrderView,
    earlier: Sequence[Verdict],
) -> list[Verdict]:
    """The verdicts of a step, those of `earlier` steps known."""
    return [
        _verdict(scenario, use, steps[use.name], subject, view, earlier)
        for subject in steps[use.name].subjects(view)
        if not (view.stock and subject == ORDER)  # nothing is sold with it (H4)
    ]


def _whole(view: OrderView, ended: Ended | None, step: str | None = None) -> Plan | None:
    """The plan of an aggregate that is through as a whole. `step`: that says so in the story."""
    if ended is None:
        return None
    since = since_of(view, ended.code)
    answer = Answer(ended.state, ended.code, ended.sentence, ended.who, since, "when it changes")
    if step is None:
        return Plan((), None, (), answer, None)
    # A step that ran has told its end in the journal; one that was not needed tells it here.
    ran = view.applied(step, ORDER) is not None
    state, code = (State.DONE, None) if ran else (State.NOT_NEEDED, ended.code)
    verdict = Verdict(step, ORDER, state, code, ended.sentence, since=since)
    return Plan((verdict,), None, (), answer, None)


def _of_quote(scenario: Scenario, steps: Mapping[str, StepRule], view: OrderView) -> Verdict:
    """B1.4: a declined quote has one step, and none of the scenario's."""
    row, want = view.ledger.get((losing.STEP, ORDER)), steps[losing.STEP].want(view, ORDER)
    if (shut := losing.waits(view)) is not None:
        return _shut(scenario, losing.STEP, ORDER, view, row, shut, want or {})
    return _stopped(losing.STEP, ORDER, view, row, want or {}) or Verdict(
        losing.STEP, ORDER, State.RUNNING, want=want, runnable=True
    )


def _undoing(view: OrderView) -> Verdict | None:
    """H3: a person asked the service to take its products back, which is not done yet."""
    want, step = cancelling.wanted(view), cancelling.STEP
    row = view.ledger.get((step, ORDER))
    if want is None or same(view.applied(step, ORDER), want):
        return None
    tried = row is not None and row.code is not Code.CANCELLED_AFTER_START
    if tried and (stopped := _stopped(step, ORDER, view, row, want)):
        return stopped
    return Verdict(step, ORDER, State.RUNNING, want=want, runnable=True)


def _told_to_look(view: OrderView) -> set[str]:
    """A callback about the order's records made what was read of invoices stale, a ledger's
    webhook named a document, or a person says that the cause is gone."""
    fact = view.facts.get(("invoicing", ""))
    asked = [
        decision.at
        for decision in view.every_decision
        if decision.choice == LOOK_AGAIN.name and decision.code in RESTS_ON_READING
    ]
    stale = fact is not None and (
        fact.seen_at.year < STALE_BEFORE or any(at >= fact.seen_at for at in asked)
    )
    looks = {"invoicing"} if stale and view.parent is not None else set()
    if posted.told(view):
        looks.add(posted.LOOK)
    if readiness.wanted(view):
        looks.add(readiness.FACT)
    return looks


def _look_due(view: OrderView, look: str) -> bool:
    fact = view.facts.get((look, ""))
    return fact is None or view.now >= fact.seen_at + view.live.poll


def _verdict(
    scenario: Scenario,
    use: StepUse,
    rule: StepRule,
    subject: str,
    view: OrderView,
    earlier: Sequence[Verdict],
) -> Verdict:
    row = view.ledger.get((use.name, subject))
    if row is not None and row.state is State.SKIPPED:
        return Verdict(use.name, subject, State.SKIPPED, sentence=row.sentence)
    want = rule.want(view, subject)
    applied = row.want if row is not None else None
    if want is None:
        state = State.DONE if applied is not None else State.NOT_NEEDED
        return Verdict(use.name, subject, state)
    if applied is not None and same(applied, want):
        rest = rule.outstanding(view, subject)
        if rest is None:
            return Verdict(use.name, subject, State.DONE, want=want)
        return _shut(scenario, use.name, subject, view, row, rest, want)
    if shut := _first_shut(use, subject, view, row, earlier, want):
        return _shut(scenario, use.name, subject, view, row, shut, want)
    if stopped := _stopped(use.name, subject, view, row, want):
        return stopped
    return Verdict(use.name, subject, State.RUNNING, want=want, runnable=True)


def _first_shut(
    use: StepUse,
    subject: str,
    view: OrderView,
    row: LedgerRow | None,
    earlier: Sequence[Verdict],
    want: Mapping[str, Any],
) -> Shut | None:
    for name in use.gates:
        since = row.since if row is not None and row.since is not None else view.now
        shut = GATES[name](view, subject, since)
        if shut is not None and view.decided(shut.code, subject, want) not in shut.opened_by:
            return shut
    for needed in use.after:
        about = subject if any(v.step == needed and v.subject == subject for v in earlier) else None
        about = about or _parent(subject)
        blocking = [
            v
            for v in earlier
            if v.step == needed
            and (about is None or v.subject in (about, ORDER))
            and v.state not in (State.DONE, State.SKIPPED, State.NOT_NEEDED)
            and not (v.want is not None and same(view.applied(needed, v.subject), v.want))
        ]
        if blocking:
            first = blocking[0]
            return Shut(
                Code.EARLIER_STEP,
                first.sentence or f"{needed.replace('_', ' ').capitalize()} comes first.",
                who=first.who or Who.NOBODY,
                next_look="after the earlier step",
                never_held=True,
            )
    return None


def _parent(subject: str) -> str | None:
    """A receipt, gap or growing bill belongs to its purchase order."""
    kind, _, rest = subject.partition(":")
    return f"po:{rest.partition(':')[0]}" if kind in ("receipt", "gap", "bill") else None


def _stopped(
    step: str, subject: str, view: OrderView, row: LedgerRow | None, want: Mapping[str, Any]
) -> Verdict | None:
    """An attempt stopped at this step before; whether it may be tried again."""
    if row is None or row.state not in (State.WAITING, State.HELD, State.PARKED):
        return None
    if row.retry_at is None and row.retry_wake is None and row.state is not State.PARKED:
        return None  # no attempt stopped here: a gate was shut, and it is open now
    woken = row.retry_wake is not None and view.row.wake_seq > row.retry_wake
    if woken or (row.retry_at is not None and view.now >= row.retry_at):
        return None
    return Verdict(
        step,
        subject,
        row.state,
        row.code,
        row.sentence,
        row.who,
        row.since,
        row.retry_at,
        "when its cause is gone" if row.state is State.HELD else "by itself",
        (),
        row.choices,
        want,
    )


def _shut(
    scenario: Scenario,
    step: str,
    subject: str,
    view: OrderView,
    row: LedgerRow | None,
    shut: Shut,
    want: Mapping[str, Any],
) -> Verdict:
    reason = CODES[shut.code]
    since = row.since if row is not None and row.code is shut.code and row.since else view.now
    state, until, who = reason.state, shut.until, shut.who or reason.who
    if state is State.WAITING and not shut.never_held and shut.code is not Code.EARLIER_STEP:
        decision = view.decision(shut.code, subject)
        begun = decision.at if decision is not None and decision.choice == "wait_longer" else since
        deadline = max(since, begun) + scenario.deadlines.get(shut.code, view.live.hold_deadline)
        if view.now >= deadline:
            state, who = State.HELD, who if who is not Who.NOBODY else Who.OPERATOR
        else:
            until = min(until, deadline) if until else deadline
    return Verdict(
        step,
        subject,
        state,
        shut.code,
        shut.sentence,
        who,
        since,
        until,
        shut.next_look,
        shut.looks,
        shut.choices or (names_of(shut.code) if state is State.HELD else ways_out(shut.code)),
        want=want,
        about=shut.about,
    )
