"""What a person decides about an order: a choice of its reason, a hold and its end.

Owns what is refused and why: a reason that does not stand, a choice that is not offered, no reason
given. Knows no choice but the general ones; gates and steps read the others (`choices.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from logging import ERROR
from typing import Any

from app.domain.admin_store import AdminStore
from app.domain.choices import LOOK_AGAIN, MAKE_AGAIN, ONLY_AT, SKIP, does, known, names_of
from app.domain.codes import Code, State
from app.domain.decide import Plan, Verdict
from app.domain.gone import Forgotten, forgotten
from app.domain.json_values import digest
from app.domain.order import OrderView
from app.domain.ports import Store
from app.domain.records import ORDER, Decision, OrderRow, Snapshot
from app.domain.views import DecisionMade
from app.sync.operations import Actor, Operations, Refusal, Story
from app.telemetry import wide

MAX_REASON = 500
_STANDING = (State.WAITING, State.HELD, State.PARKED)
_OPEN = (*_STANDING, State.RUNNING)
# The step at whose end the claim on a shared opportunity is given back (D-13).
_GIVES_CLAIMS_BACK = "create_sales_order"
Pin = tuple[str, int, Mapping[str, Any]]
Planner = Callable[[Snapshot], tuple[OrderView, Plan]]


def reason_given(reason: str) -> str:
    """A person's reason, trimmed. Raises Refusal."""
    told = " ".join(reason.split())
    if not told or len(told) > MAX_REASON or not told.isprintable():
        sentence = f"reason: say why, in 1 to {MAX_REASON} printable characters; it is journalled."
        raise Refusal("REQUEST_NOT_VALID", sentence)
    return told


class Decisions:
    """Decide, hold and release. Every method may raise StoreUnavailable and Refusal."""

    def __init__(
        self,
        *,
        store: Store,
        admin: AdminStore,
        operations: Operations,
        plan: Planner,
        pin: Callable[[Snapshot], Pin],
        forbidden: Callable[[Snapshot, Pin], str | None],
    ) -> None:
        self._store = store
        self._admin = admin
        self._operations = operations
        self._plan = plan
        self._pin = pin
        self._forbidden = forbidden

    async def decide(
        self,
        actor: Actor,
        number: str,
        *,
        code: Code,
        choice: str,
        reason: str,
        subject: str | None = None,
        connection: str | None = None,
    ) -> Story:
        """Keep a person's choice about a reason at which the order stands, and wake it."""
        told = reason_given(reason)
        row = await self._operations.find(actor, number, connection)
        snapshot = await self._store.peek(row.id)
        verdict = self._standing(snapshot, code, subject, ONLY_AT.get(choice))
        offered = tuple(dict.fromkeys((*verdict.choices, *names_of(code))))
        if not known(code, choice, offered):
            raise Refusal(
                "CHOICE_NOT_KNOWN",
                f"{choice!r} is no choice of {code.value}; there are {', '.join(offered)}.",
                choices={name: does(code, name) for name in offered},
            )
        skip = choice == SKIP.name
        forget = self._forgotten(snapshot, verdict) if choice == MAKE_AGAIN.name else None
        kept = await self._admin.decide(
            DecisionMade(
                row.id,
                Decision(
                    verdict.step,
                    verdict.subject,
                    code,
                    choice,
                    told,
                    actor.name,
                    snapshot.now,
                    _about(verdict),
                ),
                skip=skip,
                drop_claims=skip and verdict.step == _GIVES_CLAIMS_BACK,
                release=code is Code.HELD_BY_PERSON and choice == LOOK_AGAIN.name,
                forget=forget,
                intents=forget.ids(snapshot.intents) if forget is not None else (),
            )
        )
        if not kept:
            raise _in_doubt(row, snapshot)
        await self._operations.wake()
        return await self._operations.story(row)

    async def hold(
        self, actor: Actor, number: str, reason: str, connection: str | None = None
    ) -> Story:
        """Nothing more is done for the order until it is released."""
        told = reason_given(reason)
        row = await self._operations.find(actor, number, connection)
        await self._admin.hold(row.id, actor.name, told)
        await self._operations.wake()
        return await self._operations.story(row)

    async def release(
        self, actor: Actor, number: str, reason: str, connection: str | None = None
    ) -> Story:
        """End a person's hold."""
        told = reason_given(reason)
        row = await self._operations.find(actor, number, connection)
        if row.held_by is None:
            raise Refusal("DECISION_NOT_OPEN", f"{row.name} is not held by a person.")
        await self._admin.release_hold(row.id, actor.name, told)
        await self._operations.wake()
        return await self._operations.story(row)

    async def repin(
        self, actor: Actor, number: str, reason: str, connection: str | None = None
    ) -> Story:
        """Let an order follow the present scenario and behaviour settings (H8)."""
        told = reason_given(reason)
        row = await self._operations.find(actor, number, connection)
        snapshot = await self._store.peek(row.id)
        if row.scenario is None:
            sentence = (
                f"{row.name} is not pinned yet: it follows the present settings when its sales "
                "order comes in."
            )
            raise Refusal("REPIN_REFUSED", sentence)
        if row.state is State.CANCELLED:
            raise Refusal("REPIN_REFUSED", f"{row.name} is cancelled: nothing more is done for it.")
        pin = self._pin(snapshot)
        if forbids := self._forbidden(snapshot, pin):
            raise Refusal("REPIN_REFUSED", forbids)
        if not await self._admin.repin(row.id, pin, actor.name, told):
            raise _in_doubt(row, snapshot)
        await self._operations.wake()
        return await self._operations.story(row)

    async def step(
        self,
        actor: Actor,
        number: str,
        step: str,
        *,
        skip: bool,
        reason: str,
        subject: str | None = None,
        connection: str | None = None,
    ) -> Story:
        """Retry a step that does not get through, or leave it out (H11)."""
        told = reason_given(reason)
        row = await self._operations.find(actor, number, connection)
        snapshot = await self._store.peek(row.id)
        view, plan = self._planned(snapshot)
        found = [v for v in plan.verdicts if v.step == step and v.state in _OPEN]
        verdict = _one(view, found, subject, f"{step} of {row.name}", _elsewhere(view, plan))
        if not skip:
            about = f"{step} of {view.label(verdict.subject)}: {told}"
            await self._admin.wake_orders(actor.tenant_id, [row.id], actor.name, about)
            await self._operations.wake()
            return await self._operations.story(row)
        code = verdict.code or Code.EARLIER_STEP
        about_want = _about(verdict)
        decision = Decision(
            step, verdict.subject, code, SKIP.name, told, actor.name, snapshot.now, about_want
        )
        dropped = step == _GIVES_CLAIMS_BACK
        await self._admin.decide(DecisionMade(row.id, decision, skip=True, drop_claims=dropped))
        await self._operations.wake()
        return await self._operations.story(row)

    def _forgotten(self, snapshot: Snapshot, verdict: Verdict) -> Forgotten:
        """What is unlearned so that a record is made anew (REMOTE_GONE)."""
        view, _ = self._planned(snapshot)
        found = forgotten(view, verdict.subject, verdict.sentence or "")
        if found is None:
            raise Refusal(
                "CHOICE_NOT_KNOWN",
                f"{MAKE_AGAIN.name!r} is not offered here: what is gone is not the service's to make, "
                "or other records rest on it.",
                choices={name: does(Code.REMOTE_GONE, name) for name in verdict.choices},
            )
        return found

    def _standing(
        self, snapshot: Snapshot, code: Code, subject: str | None, step: str | None
    ) -> Verdict:
        """What stands at the code: a step of a subject (only `step`), or the order as a whole."""
        row = snapshot.order
        held = code is Code.HELD_BY_PERSON and row.held_by is not None
        if held or code is row.code is Code.POISON:
            # Neither asks what the order's documents say: these may be what fails.
            return _whole(row, code, subject, names_of(code))
        view, plan = self._planned(snapshot)
        return _standing(row, view, plan, code, subject, step)

    def _planned(self, snapshot: Snapshot) -> tuple[OrderView, Plan]:
        """How the order stands, under a person's hold as well: steps are decided meanwhile."""
        row = snapshot.order
        try:
            return self._plan(replace(snapshot, order=replace(row, held_by=None)))
        except Exception as error:
            wide("plan_failed", level=ERROR, order=row.name, exc_info=error)
            sentence = f"The service fails at reading {row.name}; only POISON can be decided then."
            raise Refusal("DECISION_NOT_OPEN", sentence) from error


def _in_doubt(row: OrderRow, snapshot: Snapshot) -> Refusal:
    doubt = {
        f"{intent.step} of {intent.subject}"
        for intent in snapshot.intents
        if intent.outcome is None
    }
    where = f" ({', '.join(sorted(doubt))})" if doubt else ""
    return Refusal(
        "WRITE_IN_DOUBT",
        f"A step of {row.name} is under way, or it is not known what became of a write{where}. Ask "
        "again when that is settled: it is looked up by itself.",
    )


def _whole(row: OrderRow, code: Code, subject: str | None, choices: tuple[str, ...]) -> Verdict:
    if subject not in (None, ORDER, row.name):
        sentence = f"{code.value} stops {row.name} as a whole: leave the subject out."
        raise Refusal("DECISION_NOT_OPEN", sentence)
    return Verdict("", ORDER, State.HELD, code, choices=choices)


def _standing(
    row: OrderRow,
    view: OrderView,
    plan: Plan,
    code: Code,
    subject: str | None,
    step: str | None = None,
) -> Verdict:
    found = [
        verdict
        for verdict in plan.verdicts
        if verdict.code is code and verdict.state in _STANDING and step in (None, verdict.step)
    ]
    whole = code is plan.answer.code and plan.answer.state in _STANDING
    if not found and step is None and whole:
        return _whole(row, code, subject, plan.answer.choices)
    return _one(view, found, subject, f"{row.name} at {code.value}", _elsewhere(view, plan))


def _elsewhere(view: OrderView, plan: Plan) -> str:
    told = [
        f"{v.code.value} at {v.step} of {view.label(v.subject)}"
        for v in plan.verdicts
        if v.code is not None and v.state in _STANDING and v.code is not Code.EARLIER_STEP
    ]
    if not told and plan.run is not None:
        name = plan.run.step.replace("_", " ")
        return f"{name.capitalize()} is being tried now: look again in a moment."
    if told:
        return f"It stands at {'; '.join(told)}."
    return f"It stands at {plan.answer.code.value}." if plan.answer.code else "Nothing stops it."


def _one(
    view: OrderView, found: Sequence[Verdict], subject: str | None, what: str, instead: str
) -> Verdict:
    if subject is not None:
        found = [v for v in found if subject in (v.subject, view.label(v.subject))]
    elif whole := [v for v in found if v.subject == ORDER]:
        found = whole  # what stops the order as a whole is decided there
    if not found:
        raise Refusal("DECISION_NOT_OPEN", f"There is nothing to decide for {what}. {instead}")
    # A receipt and its purchase order wait for one decision: the first of them stands for both.
    if len({v.subject.split(":")[1] if ":" in v.subject else v.subject for v in found}) > 1:
        subjects = [view.label(v.subject) for v in found]
        raise Refusal(
            "SUBJECT_AMBIGUOUS",
            f"Several subjects stand there: {', '.join(subjects)}. Name one as subject.",
            subjects=subjects,
        )
    return found[0]


def _about(verdict: Verdict) -> str:
    """The digest of what the decision is about: another situation asks anew."""
    about = verdict.about if verdict.about is not None else verdict.want
    return digest(about) if about is not None else ""
