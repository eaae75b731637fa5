"""The page that says by which ways each thing is done: REST, command line, console.

Owns the table. `test_ways.py` holds it against the three: nothing that one of them can is missing here,
and what one cannot is said with its reason.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tests.docs.markdown import code, table

INTRODUCTION = """\
# The three ways

What a person does here is done by REST, at the command line or in the console, by the same operations
underneath. Where a way is missing, the reason stands in its place.
"""


@dataclass(frozen=True)
class Way:
    """A thing that is done. Operations of REST, commands, and addresses of the console with their
    method; a `str` says why there is none."""

    what: str
    rest: tuple[str, ...] | str
    cli: tuple[str, ...] | str
    console: tuple[str, ...] | str


KEYS = "a key is made where the service runs, and shown once"
HOST = "of the host, not of the service"
WAYS = (
    Way("Find an order", ("search_orders",), ("orders find",), ("GET /orders",)),
    Way("Who has to act", ("list_orders",), ("orders list",), ("GET /", "GET /orders")),
    Way(
        "Where an order stands, and why",
        ("get_order", "get_order_journal"),
        ("orders explain",),
        ("GET /orders/{number:path}",),
    ),
    Way(
        "Every request for an order and its answer",
        ("get_order_calls",),
        ("orders calls",),
        ("GET /orders/{number:path}",),
    ),
    Way(
        "What would make it invoiceable",
        ("get_order_needs",),
        ("orders needs",),
        ("GET /orders/{number:path}",),
    ),
    Way(
        "What an invoice sync tool could not post",
        ("check_readiness",),
        ("orders readiness",),
        "shown with the order, and asked anew by the service",
    ),
    Way(
        "Decide",
        ("decide_order",),
        ("orders decide",),
        ("POST /orders/{number:path}/decide",),
    ),
    Way(
        "Hold and release",
        ("hold_order", "release_order"),
        ("orders hold", "orders release"),
        ("POST /orders/{number:path}/hold", "POST /orders/{number:path}/release"),
    ),
    Way("Pin anew", ("repin_order",), ("orders repin",), ("POST /orders/{number:path}/repin",)),
    Way(
        "Retry or skip a step",
        ("retry_step", "skip_step"),
        ("orders retry", "orders skip"),
        ("POST /orders/{number:path}/step",),
    ),
    Way(
        "The ticket of an order",
        ("list_tickets", "assign_ticket"),
        ("tickets list", "tickets assign"),
        ("GET /orders/{number:path}/ticket", "POST /orders/{number:path}/ticket"),
    ),
    Way(
        "Deliveries",
        ("list_events", "get_event", "replay_event"),
        ("events list", "events show", "events replay"),
        ("GET /inbox", "GET /inbox/{event_id}", "POST /inbox/{event_id}/replay"),
    ),
    Way(
        "Personal data, for who may see it",
        ("reveal_event", "reveal_call"),
        ("events reveal", "orders reveal"),
        (
            "POST /inbox/{event_id}/reveal",
            "POST /orders/{number:path}/calls/{call_id}/reveal",
        ),
    ),
    Way(
        "Post an event",
        ("receive_commerce",),
        ("trigger",),
        "Commerce's own documents come by itself",
    ),
    Way(
        "Failures by their cause",
        ("list_issues", "plan_issue"),
        ("issues list", "issues plan"),
        ("GET /issues", "POST /issues/plan"),
    ),
    Way(
        "Replay",
        ("list_replays", "plan_replay", "run_replay", "get_replay", "abort_replay"),
        ("replay list", "replay plan", "replay run", "replay status", "replay abort"),
        (
            "GET /replay",
            "POST /replay",
            "POST /replay/{replay_id}/run",
            "GET /replay/{replay_id}",
            "POST /replay/{replay_id}/abort",
        ),
    ),
    Way("What if", ("what_if",), ("what-if",), ("GET /what-if",)),
    Way(
        "Differences between the systems",
        ("list_drift", "get_drift_sweep", "sweep_drift", "settle_drift"),
        ("drift list", "drift sweep", "drift fix", "drift adopt", "drift ignore"),
        ("GET /drift", "POST /drift/sweep", "POST /drift/{finding_id}/settle"),
    ),
    Way(
        "Mappings",
        (
            "list_mappings",
            "put_mapping",
            "list_missing_mappings",
            "get_mapping",
            "change_mapping",
            "remove_mapping",
        ),
        ("mappings list", "mappings set", "mappings missing", "mappings remove"),
        ("GET /mappings", "POST /mappings", "POST /mappings/{mapping_id}/remove"),
    ),
    Way(
        "Settings",
        ("list_settings", "change_settings"),
        ("settings show", "settings set"),
        ("GET /settings", "POST /settings/{group}"),
    ),
    Way(
        "Connections",
        ("list_connections", "pause_connection", "resume_connection"),
        ("connections list", "connections pause", "connections resume"),
        (
            "GET /connections",
            "POST /connections/{connection_id}/pause",
            "POST /connections/{connection_id}/resume",
        ),
    ),
    Way(
        "Consent of a ledger",
        ("sign_in_to_ledger", "ledger_sign_in_callback", "disconnect_ledger"),
        ("connections sign-in", "connections disconnect"),
        ("POST /connections/{ledger}/sign-in", "POST /connections/{ledger}/disconnect"),
    ),
    Way("Doctor", ("doctor", "probe"), ("doctor",), ("GET /doctor", "POST /doctor/probe")),
    Way(
        "Alerts",
        ("list_alerts", "test_alerts"),
        ("alerts list", "alerts test"),
        ("GET /alerts", "POST /alerts/test"),
    ),
    Way("Audit", ("list_audit",), ("audit",), ("GET /audit",)),
    Way(
        "For how long things are kept",
        ("show_retention", "change_retention"),
        ("retention show", "retention plan", "retention run"),
        ("GET /retention", "POST /retention"),
    ),
    Way("Keys", KEYS, ("keys create", "keys list", "keys revoke"), KEYS),
    Way(
        "Whether the service is well",
        ("health", "readiness", "metrics"),
        "by `curl`",
        "in the foot of every page",
    ),
    Way(
        "Run it",
        HOST,
        ("serve", "worker", "migrate", "backup", "restore", "restored", "up", "demo", "sandbox"),
        HOST,
    ),
    Way(
        "What systems tell",
        (
            "receive_commerce_named",
            "receive_connectwise",
            "receive_quickbooks",
            "receive_xero",
        ),
        "sent by systems",
        "sent by systems",
    ),
)


def page() -> str:
    head = ("", "REST", "command line", "console")
    rows = [(way.what, _rest(way.rest), _cli(way.cli), _console(way.console)) for way in WAYS]
    return f"{INTRODUCTION}\n{table(head, rows)}"


def _rest(given: tuple[str, ...] | str) -> str:
    if isinstance(given, str):
        return f"({given})"
    return ", ".join(f"[{one}](rest.md#{one})" for one in given)


def _cli(given: tuple[str, ...] | str) -> str:
    if isinstance(given, str):
        return f"({given})"
    anchors = ((one, f"demandlink-{one.replace(' ', '-')}") for one in given)
    return ", ".join(f"[{one}](cli.md#{anchor})" for one, anchor in anchors)


def _console(given: tuple[str, ...] | str) -> str:
    if isinstance(given, str):
        return f"({given})"
    pages = dict.fromkeys(_address(one) for one in given if one.startswith("GET "))
    forms = [code(_address(one)) for one in given if one.startswith("POST ")]
    told = [code(one) for one in pages]
    return ", ".join([*told, *(f"form {one}" for one in forms)])


def _address(one: str) -> str:
    return one.partition(" ")[2].replace(":path", "")


def named(kind: str) -> Iterator[str]:
    """Everything of one way, as often as it stands there."""
    for way in WAYS:
        given = getattr(way, kind)
        if not isinstance(given, str):
            yield from given
