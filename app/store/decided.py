"""What is told of a person's decision: its lines for the journal and the audit.

Pure: every kind of store tells alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.domain.codes import Code
from app.domain.records import Decision, JournalEntry
from app.domain.views import Audit, DecisionMade


def entry(made: DecisionMade) -> JournalEntry:
    one = made.decision
    told = f"decided {one.choice} on {one.code.value}"
    if made.skip:
        told = f"left out {one.step.replace('_', ' ')}"
    return JournalEntry(
        "DECIDED",
        f"{one.actor} {told}: {one.reason}",
        one.step or None,
        one.subject,
        actor=one.actor,
        data={"code": one.code.value, "choice": one.choice},
    )


def audit(made: DecisionMade) -> Audit:
    one = made.decision
    data = {"code": one.code.value, "choice": one.choice, "subject": one.subject}
    return Audit(one.actor, "order.decide", str(made.order_id), data)


def left_out(one: Decision) -> str:
    return f"Left out by {one.actor}: {one.reason}"


def held(actor: str, reason: str) -> JournalEntry:
    return JournalEntry(Code.HELD_BY_PERSON.value, f"Held by {actor}: {reason}", actor=actor)


def released(actor: str, reason: str) -> JournalEntry:
    return JournalEntry("HOLD_RELEASED", f"Released by {actor}: {reason}", actor=actor)


def repinned(
    row: Any, pin: tuple[str, int, Mapping[str, Any]], actor: str, reason: str
) -> JournalEntry:
    """`row`: the order (scenario, scenario_version, behaviour) as it was pinned before."""
    name, version, behaviour = pin
    before = {"scenario": row["scenario"], "version": row["scenario_version"], **row["behaviour"]}
    after = {"scenario": name, "version": version, **behaviour}
    return JournalEntry(
        "REPINNED",
        f"Pinned by {actor} to {name} version {version}: {reason}",
        actor=actor,
        data={"changed": _changed(before, after), "reason": reason},
    )


def _changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, list[Any]]:
    """What differs, by name: before and after."""
    names = sorted({*before, *after})
    pairs = {name: [before.get(name), after.get(name)] for name in names}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
