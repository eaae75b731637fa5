"""Where a person does what an order needs: the form, setting or record behind a reason.

Owns the addresses that reasons lead to. Pure; whether something is needed is the core's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from app.domain.codes import Code
from app.domain.course import Need
from app.domain.records import Answer
from app.domain.views import StepView
from app.domain.wanted import wanted
from app.settings import Settings, group_of

# What stands at the connection, not at the order.
_OF_CONNECTION = (
    Code.CONNECTION_PAUSED,
    Code.CREDENTIALS_REFUSED,
    Code.CONNECTION_UNREACHABLE,
    Code.RATE_LIMITED,
    Code.REMOTE_UNWELL,
)
_NAME = re.compile(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b")


@dataclass(frozen=True, slots=True)
class Place:
    """A page or a part of the present one, and what is done there."""

    address: str
    told: str


def place(code: Code | None, sentence: str) -> Place | None:
    """Where the cause of a reason is mended; None where no page of ours is for it."""
    if code is Code.MAPPING_MISSING and (asked := wanted(sentence)) is not None:
        return Place(mapping_form(asked.kind, asked.key), "Add the mapping")
    if code is Code.SETTING_MISSING:
        named = (name for name in _NAME.findall(sentence) if name.lower() in Settings.model_fields)
        if (name := next(named, None)) is not None:
            return Place(setting_address(name), f"Set {name}")
    if code in _OF_CONNECTION:
        return Place("/connections", "See the connection")
    return None


def on_order(code: Code | None, sentence: str) -> Place | None:
    """The same on an order's own page, a part of which may be the place."""
    if code in (Code.TICKET_OF_OTHER_COMPANY, Code.TICKET_CLOSED):
        return Place("#ticket", "Choose a ticket")
    return place(code, sentence)


def places(needs: Iterable[Need], answer: Answer, steps: Sequence[StepView]) -> list[Place | None]:
    """For each thing that an order needs: where it is done, by whoever does it."""
    return [_of_need(need, answer, steps) for need in needs]


def _of_need(need: Need, answer: Answer, steps: Sequence[StepView]) -> Place | None:
    if (found := on_order(need.code, need.sentence)) is not None:
        return found
    if need.code is Code.HELD_BY_PERSON:
        return Place("#act", "Release the hold")
    if need.code is answer.code and answer.choices:
        return Place("#decide-reason", "Decide")
    for step in steps:
        if (step.step, step.subject) == (need.step, need.subject):
            for link in step.remote:
                if link.page and link.page.startswith(("https://", "http://")):
                    return Place(link.page, f"Open {link.kind.replace('_', ' ')} {link.id}")
    return None


def mapping_form(kind: str, key: str) -> str:
    """The form of a mapping, filled in as far as it is known."""
    given = {"kind": kind, "commerce_key": key}
    return f"/mappings?{urlencode({name: value for name, value in given.items() if value})}#put"


def setting_address(name: str) -> str:
    return f"/settings?group={group_of(name.lower()).value}#{name.upper()}"
