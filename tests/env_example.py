"""Writes .env.example from the settings class: `python -m tests.env_example` (or `make format`).

`tests/unit/test_house.py` compares the two.
"""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from app.settings import Group, Settings, group_of

PATH = Path(__file__).parents[1] / ".env.example"

_HEADER = """\
Every setting, with its default. Copy this file to .env and fill in what you have; what stays
empty is switched off, or chosen as its sentence says. Variables of the environment go before .env.
"""
_TITLES = {
    Group.SERVICE: "The service itself",
    Group.CONNECTION: "Connections: these values always rule",
    Group.NAMES: (
        "Records of ConnectWise's own set-up, by name. They seed the database once; afterwards "
        "`demandlink settings set` rules. Empty: the record whose flag says it, else the default, "
        "else the only one."
    ),
    Group.BEHAVIOUR: (
        "Behaviour. Seeds the database once, too. An order keeps what was set when its sales "
        "order arrived."
    ),
    Group.LIVE: "Read at every look. Seeds the database once, too.",
}


def render() -> str:
    """The whole text of .env.example."""
    parts = [_comment(_HEADER)]
    last = None
    for name, field in Settings.model_fields.items():
        group = group_of(name)
        if group is not last:
            parts.append(f"\n{_comment('--- ' + _TITLES[group])}")
            last = group
        parts.append(
            f"\n{_comment(field.description or '')}{name.upper()}={_value(field.default)}\n"
        )
    return "".join(parts)


def _comment(text: str) -> str:
    lines = textwrap.wrap(" ".join(text.split()), width=96)
    return "".join(f"# {line}\n" for line in lines)


def _value(default: Any) -> str:
    if isinstance(default, SecretStr):
        return default.get_secret_value()
    if isinstance(default, bool):
        return json.dumps(default)
    return str(default)


if __name__ == "__main__":
    PATH.write_text(render())
