"""Scenarios: which steps, in which order, behind which gates. Data, checked at start.

Owns the file format of `app/scenarios/*.toml` and its checks. Reading files is the composition
root's part; what a step or gate does is not known here, only their names.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from app.domain.codes import Code
from app.domain.json_values import digest

LONGEST_DEADLINE = 24 * 366  # hours


class ScenarioInvalid(ValueError):
    """A scenario file cannot be used. The sentence names the file, the place and the remedy."""


@dataclass(frozen=True, slots=True)
class StepUse:
    """A step of a scenario with its gates, in the order in which they are asked."""

    name: str
    gates: tuple[str, ...]
    after: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Scenario:
    """A configuration of the seed. `deadlines` rule over HOLD_DEADLINE, by code."""

    name: str
    version: int
    title: str
    rule: str
    steps: tuple[StepUse, ...]
    defaults: Mapping[str, Any]
    deadlines: Mapping[Code, timedelta]
    body_hash: str
    body: str


def _refuse(name: str, sentence: str) -> ScenarioInvalid:
    return ScenarioInvalid(f"scenario {name}: {sentence}")


def load(
    text: str, steps: Collection[str], gates: Collection[str], settings: Collection[str]
) -> Scenario:
    """Read and check a scenario file. Raises ScenarioInvalid with one sentence.

    `steps`, `gates` and `settings` are the names that exist.
    """
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as cause:
        raise ScenarioInvalid(f"scenario file is not TOML: {cause}") from cause
    name = str(raw.get("name") or "without a name")
    _check_shape(name, raw)
    uses: list[StepUse] = []
    for entry in raw["step"]:
        use = StepUse(entry["name"], tuple(entry.get("gates", ())), tuple(entry.get("after", ())))
        if use.name not in steps:
            raise _refuse(
                name, f"step {use.name!r} does not exist; there are {', '.join(sorted(steps))}."
            )
        if use.name in {other.name for other in uses}:
            raise _refuse(name, f"step {use.name!r} stands twice.")
        for gate in use.gates:
            if gate not in gates:
                raise _refuse(
                    name,
                    f"gate {gate!r} of step {use.name!r} does not exist; "
                    f"there are {', '.join(sorted(gates))}.",
                )
        earlier = {other.name for other in uses}
        for needed in use.after:
            if needed not in earlier:
                raise _refuse(
                    name,
                    f"step {use.name!r} comes after {needed!r}, which does not stand before it: "
                    "steps may not form a cycle.",
                )
        uses.append(use)
    defaults = raw.get("defaults", {})
    if strange := set(defaults) - set(settings):
        raise _refuse(name, f"defaults name no behaviour setting: {', '.join(sorted(strange))}.")
    for key, value in defaults.items():
        if not isinstance(value, (str, int, float)):
            raise _refuse(name, f"the default of {key} must be a text or a number.")
    return Scenario(
        name=name,
        version=raw["version"],
        title=raw["title"],
        rule=raw["rule"],
        steps=tuple(uses),
        defaults=defaults,
        deadlines=_deadlines(name, raw.get("deadlines", {})),
        body_hash=digest(raw),
        body=text,
    )


_KEYS = {"name": str, "version": int, "title": str, "rule": str, "step": list}
_OPTIONAL = {"defaults": dict, "deadlines": dict}
_STEP_KEYS = {"name", "gates", "after"}


def _check_shape(name: str, raw: Mapping[str, Any]) -> None:
    """Every key is known and of its kind: a misspelt `gates` would leave a step without any."""
    for key in _KEYS:
        if key not in raw:
            raise _refuse(name, f"the key {key} is missing.")
    _refuse_unknown(name, "", set(raw) - _KEYS.keys() - _OPTIONAL.keys())
    for key, kind in {**_KEYS, **_OPTIONAL}.items():
        if key in raw and type(raw[key]) is not kind:
            raise _refuse(name, f"the key {key} must be {_KINDS[kind]}.")
    if not raw["step"]:
        raise _refuse(name, "it has no steps.")
    for entry in raw["step"]:
        if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
            raise _refuse(name, "every [[step]] needs a name.")
        of_step = f" of step {entry['name']!r}"
        _refuse_unknown(name, of_step, set(entry) - _STEP_KEYS)
        for key in ("gates", "after"):
            names = entry.get(key, [])
            if not isinstance(names, list) or not all(isinstance(item, str) for item in names):
                raise _refuse(name, f"{key}{of_step} must be a list of names.")


_KINDS = {str: "a text", int: "a whole number", list: "[[step]] tables", dict: "a table"}


def _refuse_unknown(name: str, where: str, unknown: Collection[str]) -> None:
    if unknown:
        raise _refuse(name, f"unknown keys{where}: {', '.join(sorted(unknown))}.")


def _deadlines(name: str, raw: Mapping[str, Any]) -> dict[Code, timedelta]:
    result: dict[Code, timedelta] = {}
    for code, hours in raw.items():
        if code not in Code.__members__:
            raise _refuse(name, f"deadline for {code!r}, which is no reason code.")
        if type(hours) not in (int, float) or not 0 < hours <= LONGEST_DEADLINE:
            raise _refuse(
                name, f"deadline for {code} must be hours above 0, at most {LONGEST_DEADLINE}."
            )
        result[Code(code)] = timedelta(hours=hours)
    return result


def forbidden(scenario: Scenario, behaviour: Mapping[str, Any]) -> str | None:
    """A combination of scenario and settings that cannot work, as a sentence; None: all is well.

    From the rules: D-14 (shipped goods need somebody who ships), D-4, A10.
    """
    steps = {use.name for use in scenario.steps}
    if behaviour.get("invoice_policy") == "shipped_only" and "release_invoice" not in steps:
        return (
            f"invoice_policy = shipped_only needs a scenario that releases invoices; "
            f"{scenario.name} does not. Set invoice_policy = all_goods."
        )
    if (
        behaviour.get("demand_linking") == "demand_appends_to_po"
        and behaviour.get("opportunity_missing") == "plain_sales_order"
        and "create_sales_order" not in steps
    ):
        return f"{scenario.name} makes no sales order, so opportunity_missing = plain_sales_order cannot work."
    return None
