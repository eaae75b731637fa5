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

    `behaviour` has settings by name, those of the scenario's defaults included where they rule.
    """
    steps = {use.name for use in scenario.steps}
    for name, needs in _NEEDS.items():
        value = behaviour.get(name)
        if isinstance(value, str) and value in needs:
            enough, what = needs[value]
            if not steps.intersection(enough):
                return (
                    f"{name} = {value} needs a scenario that {what}; {scenario.name} does not. "
                    f"Set {name} = {_DEFAULTS[name]}."
                )
    return (
        _of_one_poster(scenario, steps, behaviour)
        or _of_invoicing(scenario, steps, behaviour)
        or _of_sales_orders(behaviour)
        or _of_mail(behaviour)
    )


# Values that need a step, by setting: the step, and what it does.
_RELEASES = (("release_invoice",), "releases invoices")
_MAKES_SALES_ORDERS = (("create_sales_order",), "makes sales orders")
_MAKES_PURCHASE_ORDERS = (
    ("sync_purchase_order", "post_purchase_order"),
    "makes purchase orders",
)
_NEEDS: dict[str, dict[str, tuple[tuple[str, ...], str]]] = {
    "invoice_policy": {"shipped_only": _RELEASES},
    "invoice_action": {"create_invoice": _RELEASES},
    "invoice_lock": {"bill_closed_flag": _MAKES_SALES_ORDERS},
    "mark_shipped": {"on_receipt": (("ship_goods",), "ships goods")},
    "sales_order_creation": {"wait_for_person": _MAKES_SALES_ORDERS},
    "opportunity_missing": {"plain_sales_order": _MAKES_SALES_ORDERS},
    "demand_linking": {
        "demand_appends_to_po": (("link_demand",), "links demand"),
        "automatic": (("link_demand",), "links demand"),
    },
    "purchase_order_timing": {"on_issue": _MAKES_PURCHASE_ORDERS},
    "partial_receipt": {"cancel_rest": (("receive_purchase_order",), "receives goods")},
    "lost_on_decline": {"true": (("win_opportunity",), "wins opportunities")},
}
_DEFAULTS: dict[str, str] = {
    "invoice_policy": "all_goods",
    "invoice_action": "mark_ready",
    "invoice_lock": "none",
    "mark_shipped": "drop_ship_only",
    "sales_order_creation": "automatic",
    "opportunity_missing": "create",
    "demand_linking": "demand_creates_po",
    "purchase_order_timing": "on_receipt",
    "partial_receipt": "clone_rest",
    "lost_on_decline": "false",
}


def _of_one_poster(
    scenario: Scenario, steps: Collection[str], behaviour: Mapping[str, Any]
) -> str | None:
    """A5, A10, G9: one system posts an invoice, and what Commerce buys is not shipped elsewhere."""
    if {"post_invoice", "release_invoice"} <= set(steps):
        return (
            f"{scenario.name} would post the sales invoice to the ledger and have ConnectWise post it "
            "too. Take out post_invoice or release_invoice."
        )
    if "stop_demand" in steps and behaviour.get("invoice_policy") == "shipped_only":
        return (
            f"invoice_policy = shipped_only cannot work with {scenario.name}: no goods are received or "
            "shipped in ConnectWise, so nothing would ever be billed. Set invoice_policy = all_goods."
        )
    return None


def _of_invoicing(
    scenario: Scenario, steps: Collection[str], behaviour: Mapping[str, Any]
) -> str | None:
    """What is invoiced follows what raises the demand: products never sit on both (A4)."""
    source = behaviour.get("invoice_from")
    if source is not None and (source == "commerce") != ("post_invoice" in steps):
        posts = "post_invoice" in steps
        told = "posts Commerce's own invoices" if posts else "does not post sales invoices"
        right = "commerce" if posts else "opportunity or ticket"
        return (
            f"invoice_from = {source} cannot work with {scenario.name}, which {told}. "
            f"Set invoice_from = {right}."
        )
    if "link_demand" in steps and source is not None:
        right = "opportunity" if "create_sales_order" in steps else "ticket"
        if source != right:
            return (
                f"invoice_from = {source} cannot work with {scenario.name}, whose demand is raised "
                f"by the {right}'s products. Set invoice_from = {right}, or choose another scenario."
            )
    if source == "ticket" and behaviour.get("invoice_lock") == "bill_closed_flag":
        return (
            "invoice_lock = bill_closed_flag is a flag of sales orders, but invoice_from = ticket "
            "invoices tickets. Set invoice_lock = none."
        )
    if source == "ticket" and behaviour.get("invoice_policy") == "shipped_only":
        return (
            "invoice_policy = shipped_only needs a sales order's flag to bill only what is shipped; "
            "a ticket has none, so all of it would be billed. Set invoice_policy = all_goods."
        )
    if source == "ticket" and behaviour.get("raise_ticket") == "chosen":
        return (
            "raise_ticket = chosen leaves orders without a ticket, but invoice_from = ticket "
            "invoices it. Set raise_ticket = always."
        )
    chosen = behaviour.get("raise_ticket") == "chosen"
    if chosen and "suggest_purchase" in steps:
        return (
            f"raise_ticket = chosen leaves orders without a ticket, but {scenario.name} writes what "
            "to buy on it. Set raise_ticket = always."
        )
    for name, value in (
        ("sales_order_creation", "wait_for_person"),
        ("opportunity_missing", "plain_sales_order"),
    ):
        if source == "ticket" and behaviour.get(name) == value:
            return (
                f"{name} = {value} is about sales orders, but invoice_from = ticket makes none. "
                f"Set {name} = {_DEFAULTS[name]}."
            )
    waiting, ready = (
        str(behaviour.get(f"connectwise_sales_order_status_{name}") or "").strip().casefold()
        for name in ("waiting", "ready")
    )
    if "release_invoice" in steps and waiting and waiting == ready:
        return (
            "connectwise_sales_order_status_waiting and connectwise_sales_order_status_ready name "
            "the same status, so nobody could tell what may be invoiced. Set two of them."
        )
    return None


def _of_sales_orders(behaviour: Mapping[str, Any]) -> str | None:
    by_person = behaviour.get("sales_order_creation") == "wait_for_person"
    if by_person and behaviour.get("opportunity_missing") == "plain_sales_order":
        return (
            "sales_order_creation = wait_for_person leaves the sales order to a person, but "
            "opportunity_missing = plain_sales_order has the service make it. Set "
            "opportunity_missing to create or hold, or sales_order_creation to automatic."
        )
    return None


def _of_mail(settings: Mapping[str, Any]) -> str | None:
    """D4: a suggestion that is to be mailed needs a server that takes it."""
    if settings.get("purchasing_officer_email") and not settings.get("smtp_host", "unknown"):
        return (
            "PURCHASING_OFFICER_EMAIL is set, and there is no mail server. Set SMTP_HOST and "
            "SMTP_SENDER, or leave the address empty: then suggestions are notes only."
        )
    return None
