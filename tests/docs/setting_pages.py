"""The page of settings, from the settings class."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from app.settings import Group, Settings, group_of
from app.steps.resolve import FLAGS, MUST_BE_SET
from tests.docs.markdown import code

INTRODUCTION = """\
# Settings

Settings come from environment variables, or from a file `.env` in the working directory; a
variable goes before the file. `.env.example` lists the same settings.

Where a setting rules depends on its group:

| group | rules |
| --- | --- |
| service, connection | the environment, always. Shown read-only to the admin |
| names, behaviour, live | the environment seeds the database once; from then on the database rules |

Change what the database rules with `demandlink settings set NAME=VALUE`, or with
[PATCH /admin/settings](rest.md#change_settings). `demandlink settings show` says for each setting
where its value comes from, and whether the environment gives another one that no longer rules.
"""
TITLES = {
    Group.SERVICE: ("The service", "The environment rules."),
    Group.CONNECTION: ("Connections", "The environment rules."),
    Group.NAMES: (
        "Records of ConnectWise's own set-up",
        (
            "Each is the name of a record as ConnectWise shows it, compared without case. Empty means: "
            "the active record whose flag says it, else the default one, else the only one. Where "
            "nothing can be told and a step needs it, the order is held with "
            "[SETTING_MISSING](../runbook.md#setting_missing). Read live: adding what was missing "
            "resumes the orders that wait for it."
        ),
    ),
    Group.BEHAVIOUR: (
        "Behaviour",
        (
            "Stored on the order when its sales order comes in. A later change does not move an order "
            "that is under way."
        ),
    ),
    Group.LIVE: ("Read live", "Read at every look, also for orders that are under way."),
}


def page() -> str:
    parts = [INTRODUCTION]
    last = None
    for name, field in Settings.model_fields.items():
        group = group_of(name)
        if group is not last:
            title, told = TITLES[group]
            parts.append(f"## {title}\n\n{told}")
            last = group
        parts.append(_entry(name, field))
    return "\n\n".join(parts)


def _entry(name: str, field: FieldInfo) -> str:
    told = [field.description or ""]
    if name in MUST_BE_SET:
        told.append("No flag tells it: it must be set.")
    if name in FLAGS:
        told.append("Empty: the one whose flag says it.")
    facts = [f"Default: {_default(field.default)}", *_bounds(field)]
    values = _values(field.annotation)
    if values:
        facts.insert(0, f"One of {', '.join(code(value) for value in values)}")
    return f"### {name.upper()}\n\n{' '.join(told)}\n\n{'. '.join(facts)}."


def _default(value: Any) -> str:
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if isinstance(value, bool):
        return code(json.dumps(value))
    if isinstance(value, (Path, Decimal, int, float)):
        return code(str(value))
    return code(str(value)) or "empty"


def _values(annotation: Any) -> list[str]:
    return list(get_args(annotation)) if get_origin(annotation) is Literal else []


def _bounds(field: FieldInfo) -> list[str]:
    words = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}
    return [
        f"{words[name].capitalize()} {getattr(rule, name):g}"
        for rule in field.metadata
        for name in words
        if getattr(rule, name, None) is not None
    ]
