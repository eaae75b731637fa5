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
    for key in ("name", "version", "title", "rule", "step"):
        if key not in raw:
            raise _refuse(name, f"the key {key} is missing.")
    unknown = set(raw) - {"name", "version", "title", "rule", "step", "defaults", "deadlines"}
    if unknown:
        raise _refuse(name, f"unknown keys: {', '.join(sorted(unknown))}.")
    uses: list[StepUse] = []
    for entry in raw["step"]:
        use = StepUse(
            str(entry.get("name")), tuple(entry.get("gates", ())), tuple(entry.get("after", ()))
        )
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
    defaults = dict(raw.get("defaults", {}))
    if strange := set(defaults) - set(settings):
        raise _refuse(name, f"defaults name no behaviour setting: {', '.join(sorted(strange))}.")
    return Scenario(
        name=name,
        version=int(raw["version"]),
        title=str(raw["title"]),
        rule=str(raw["rule"]),
        steps=tuple(uses),
        defaults=defaults,
        deadlines=_deadlines(name, raw.get("deadlines", {})),
        body_hash=digest(raw),
        body=text,
    )


def _deadlines(name: str, raw: Mapping[str, Any]) -> dict[Code, timedelta]:
    result: dict[Code, timedelta] = {}
    for code, hours in raw.items():
        if code not in Code.__members__:
            raise _refuse(name, f"deadline for {code!r}, which is no reason code.")
        if not isinstance(hours, (int, float)) or hours <= 0:
            raise _refuse(name, f"deadline for {code} must be hours above 0.")
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
