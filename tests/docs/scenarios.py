"""The page of scenarios: steps, their order and their gates, from the shipped files."""

from __future__ import annotations

import inspect
import tomllib
from importlib import resources

from app.domain.gates import GATES
from app.domain.scenario import Scenario, load
from app.settings import Group, names_in
from app.steps import STEPS
from tests.docs.markdown import code, sentence, table

INTRODUCTION = """\
# Scenarios, steps and gates

A scenario is a file in `app/scenarios`. It says which steps an order goes through, in which order,
and behind which gates. `SCENARIO` names the one for new orders. An order keeps the scenario, its
version and the behaviour settings that ruled when its sales order came in.

Gates are asked in the order in which they stand; the first one that is shut is the answer. The
worker, the REST interface and the command line ask the same functions.
"""


def page() -> str:
    shipped = _shipped()
    parts = [INTRODUCTION, *(_scenario(scenario) for scenario in shipped)]
    parts += ["## Steps", _steps(), "## Gates", _gates()]
    return "\n\n".join(parts)


def _shipped() -> list[Scenario]:
    files = sorted(resources.files("app.scenarios").iterdir(), key=lambda entry: entry.name)
    texts = [entry.read_text("utf-8") for entry in files if entry.name.endswith(".toml")]
    settings = names_in(Group.BEHAVIOUR)
    return [load(text, STEPS.keys(), GATES.keys(), settings) for text in texts]


def _scenario(scenario: Scenario) -> str:
    rows = [
        [
            str(number),
            _to(use.name),
            ", ".join(_to(name) for name in use.after),
            ", ".join(_to(name) for name in use.gates),
        ]
        for number, use in enumerate(scenario.steps, start=1)
    ]
    defaults = ", ".join(
        f"[{name.upper()}](settings.md#{name}) = `{value}`"
        for name, value in tomllib.loads(scenario.body).get("defaults", {}).items()
    )
    rule = f"[rule {scenario.rule}](../rules.md#{scenario.rule.lower()})"
    told = f"{scenario.title} ({rule}, version {scenario.version})."
    told += f" Its defaults: {defaults or 'none'}."
    return f"## {scenario.name}\n\n{told}\n\n{table(['', 'step', 'after', 'gates'], rows)}"


def _to(name: str) -> str:
    return f"[{name}](#{name})"


def _steps() -> str:
    told = []
    for name, module in STEPS.items():
        first = (inspect.getdoc(module) or "").split("\n\n")[0]
        told.append(f"### {name}\n\n{sentence(first.partition(': ')[2] or first)}")
    return "\n\n".join(told)


def _gates() -> str:
    parts = []
    for name, gate in GATES.items():
        text = sentence(inspect.getdoc(gate) or "")
        used = [
            f"{code(use.name)}"
            for scenario in _shipped()
            for use in scenario.steps
            if name in use.gates
        ]
        parts.append(
            f"### {name}\n\n{text} Stands before {', '.join(dict.fromkeys(used)) or 'no shipped step'}."
        )
    return "\n\n".join(parts)
