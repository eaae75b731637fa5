"""The runbook and the page of failure kinds, from the closed tables of the core.

Owns the order of both pages and the words around the tables. Where a code is raised is read from
the source, so that the page cannot claim a place that is gone.
"""

from __future__ import annotations

import ast
import inspect
import re
from functools import cache
from pathlib import Path

from app.domain import codes, errors
from app.domain.causes import CAUSES
from app.domain.choices import choices_of
from app.domain.codes import Code, State
from app.domain.errors import POLICIES, FailureKind
from app.domain.reasons import CODES
from tests.docs.markdown import code, table

APP = Path(codes.__file__).parents[1]
TABLES = (
    "domain/choices.py",
    "domain/causes.py",
    "domain/course.py",
    "domain/openings.py",
    "domain/codes.py",
    "domain/errors.py",
    "domain/reasons/",
    "domain/results.py",
    "domain/troubles.py",
)
INTRODUCTION = """\
# Runbook

Every order that is not further along says why: a code, a sentence and who acts. The code leads to
its entry here.

- Read an order's answer with `demandlink orders explain NUMBER`, or
  [GET /admin/orders/{number}](reference/rest.md#get_order).
- **Waiting** ends by itself. A wait that outlives its deadline
  ([`HOLD_DEADLINE`](reference/settings.md#hold_deadline), or the scenario's own) becomes **held**.
- **Held** needs a person: a decision, or a corrected record. It is asked again when a document of
  the order comes in, when mappings or settings are changed that it waits for, and every 15 minutes.
- **Parked** ran out of retries. It is asked again like a held one, except after
  [DECIDE_FAILED](#decide_failed) and [POISON](#poison): those wait for a replay, or for the
  [decision](how-to/decide.md) `look_again`.
- To *replay* is to wake an order with its retries reset: [how to](how-to/replay.md). A step that
  was applied is not done again.

The rule named in each entry stands in [the rules](rules.md).
"""
# What the sections of the enumeration are called here.
SECTIONS = {
    "What an order waits for": "What an order waits for",
    "What a person decides or corrects": "What a person decides or corrects",
    "Not postable": "What the tool that posts ConnectWise's records cannot post (A9, G5 to G7)",
    "What the drift sweep found": "What the drift sweep found (H12)",
    "Failures": "Failures of a remote call, of the service, or of a connection",
    "Ends": "Ends",
    "Deliveries": "Deliveries that were not taken",
}
STATES = {
    State.WAITING: "waiting: goes on by itself",
    State.HELD: "held: for a person",
    State.PARKED: "parked: waits for a replay",
    State.DONE: "done",
    State.CANCELLED: "cancelled",
}
WHERE_FROM: dict[FailureKind, str] = {
    FailureKind.INVALID: "the service's own check of a request, before it is sent",
    FailureKind.NOT_SENT: "name look-up, connect or TLS failed: nothing left this host",
    FailureKind.RATE_LIMITED: "429; 503 with Retry-After on a read",
    FailureKind.OUTCOME_UNKNOWN: (
        "a write was sent, and a timeout, a reset, 408, 5xx or an unreadable answer followed"
    ),
    FailureKind.CONFLICT: "409: the record is in use",
    FailureKind.EXISTS: "`ObjectExists` in the answer: a record with this key stands already",
    FailureKind.TRANSIENT: (
        "a read met a timeout, a reset, 408 or 5xx; or a refusal that passes, as `0 items on hand`"
    ),
    FailureKind.REJECTED: "any other 4xx; a 200 whose record does not carry the change",
    FailureKind.GONE: "404 on a record's own address",
    FailureKind.FORBIDDEN: "403: the role of the API member lacks a permission",
    FailureKind.UNAUTHENTICATED: (
        "401; 404 on a list while `/system/info` does not answer either, because hosted "
        "ConnectWise may hide wrong credentials so"
    ),
}
ACTIONS = {
    "hold": "held for a person, with ConnectWise's own message",
    "retry": "tried again with backoff and jitter, then parked",
    "look": "the write is looked up by its natural key before anything is sent again",
    "adopt": "looked up; adopted if it is ours, else held",
    "pause": "the connection rests for every worker; nothing else is lost",
}
KINDS_INTRODUCTION = """\
# Failure kinds

A connector says of every failed call what kind of failure it was. The kind alone decides what
follows: that is the table `POLICIES` in `app/domain/errors.py`, and `app/sync/endings.py` acts on
it."""
KINDS_NOTES = """\
- Backoff doubles with each try up to its cap; jitter takes up to half of it away. After the last
  try the step is parked.
- A pause lasts as long as `Retry-After` asks, at most 15 minutes; without it, as long as the
  backoff says.
- `gone` is looked at once more after `READ_LAG`, because a record made a moment ago may not show
  yet. A record that is gone is never made again by itself.
- After `outcome_unknown` nothing is sent before two look-ups found nothing: see
  [exactly once](../exactly-once.md#doubt).
- A failed poll is no state of the order. It is journalled, and tried again at the next poll."""


def runbook() -> str:
    parts = [INTRODUCTION, "## All codes", _overview()]
    for section, members in _sections().items():
        parts.append(f"## {SECTIONS[section]}")
        parts.extend(_entry(member) for member in members)
    return "\n\n".join(parts)


def _overview() -> str:
    rows = [
        [f"[{member.value}](#{member.value.lower()})", reason.state.value, reason.who.value]
        for member, reason in CODES.items()
    ]
    return table(["code", "state", "who acts"], rows)


def _entry(member: Code) -> str:
    reason = CODES[member]
    rule = reason.rule
    rows = [
        ["means", reason.meaning],
        ["state", STATES[reason.state]],
        ["who acts", reason.who.value],
        *([["usual cause", CAUSES[member]]] if member in CAUSES else []),
        ["what to do", reason.remedy],
        ["rule", f"[{rule}](rules.md#{anchor_of_rule(rule)})"],
        ["comes from", ", ".join(_places(member)) or "nothing yet: named for what is to come"],
    ]
    choices = "; ".join(
        f"{code(choice.name + 'ID' if choice.name.endswith(':') else choice.name)}: {choice.does}"
        for choice in choices_of(member)
    )
    if choices:
        told = [name for name, _ in rows]
        rows.insert(told.index("what to do") + 1, ["choices", choices])
    return f"### {member.value}\n\n{table(['', ''], rows)}"


def anchor_of_rule(rule: str) -> str:
    """The heading's anchor on the page of rules: letters, digits and hyphens."""
    return re.sub(r"[^a-z0-9-]", "", rule.lower())


def _sections() -> dict[str, list[Code]]:
    """The members of the enumeration by the comments between them."""
    found: dict[str, list[Code]] = {}
    section = ""
    for line in inspect.getsource(Code).splitlines():
        text = line.strip()
        if text.startswith("# "):
            section = text.removeprefix("# ")
        elif " = " in text and section:
            found.setdefault(section, []).append(Code[text.split(" = ")[0]])
    return found


def _places(member: Code) -> list[str]:
    """Where in app the code is used, and the failure kinds that lead to it."""
    kinds = [
        f"[failure kind {kind.value}](reference/failure-kinds.md)"
        for kind, policy in POLICIES.items()
        if policy.code is member
    ]
    return [code(place) for place in _uses().get(member.name, [])] + kinds


@cache
def _uses() -> dict[str, list[str]]:
    """Files of app by the name of the code that they mention, the tables themselves left out."""
    found: dict[str, list[str]] = {}
    for path in sorted(APP.rglob("*.py")):
        name = path.relative_to(APP).as_posix()
        if name.startswith(TABLES):
            continue
        mentioned = {
            node.attr
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id == "Code"
        }
        for member in mentioned:
            found.setdefault(member, []).append(f"app/{name}")
    return found


def failure_kinds() -> str:
    rows = [
        [
            kind.value,
            WHERE_FROM[kind],
            ACTIONS[policy.action],
            f"[{policy.code.value}](../runbook.md#{policy.code.value.lower()})",
            _backoff(policy),
        ]
        for kind, policy in POLICIES.items()
    ]
    told = table(["kind", "from", "then", "code", "backoff"], rows)
    return f"{KINDS_INTRODUCTION}\n\n{told}\n\n{KINDS_NOTES}"


def _backoff(policy: errors.Policy) -> str:
    if policy.action == "retry":
        return f"{policy.base:g} s, at most {policy.cap:g} s, {policy.attempts} tries"
    if policy.action == "pause":
        return f"{policy.base:g} s, at most {policy.cap:g} s"
    if policy.action == "adopt":
        return f"{policy.base:g} s, once"
    return "`READ_LAG`" if policy.action == "look" else ""
