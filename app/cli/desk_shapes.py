"""Issues, replays, the audit log, calls and refused requests as JSON, as the admin REST gives them.

Owns nothing but the forms; `tests/cli` holds them against REST's.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from app.cli.shapes import moment
from app.domain.desk import AuditRow, Issue
from app.domain.reasons import CODES
from app.domain.records import OrderRow
from app.domain.views import CallRow, Unverified
from app.sync.reveals import RevealedCall

Json = dict[str, Any]


def issue(one: Issue) -> Json:
    return {
        **asdict(one.fingerprint),
        "count": one.count,
        "orders": list(one.orders),
        "since": moment(one.since),
        "newest": moment(one.newest),
        "sentence": one.sentence,
    }


def audit(row: AuditRow, order: OrderRow | None) -> Json:
    one = row.audit
    return {
        "id": row.id,
        "at": moment(row.at),
        "actor": one.actor,
        "action": one.action,
        "target": one.target,
        "order": order.name if order is not None else None,
        "data": dict(one.data),
    }


def call(row: CallRow) -> Json:
    one = row.call
    return {
        "id": row.id,
        "at": moment(row.at),
        "system": one.system,
        "method": one.method,
        "path": one.path,
        "query": one.query,
        "status": one.status,
        "milliseconds": one.milliseconds,
        "request": one.request,
        "response": one.response,
        "failure": one.failure,
        "step": one.step,
        "subject": one.subject,
        "purpose": one.purpose,
        "sealed": row.sealed,
    }


def revealed(found: RevealedCall) -> Json:
    return {
        **call(found.row),
        "request": found.request,
        "response": found.response,
        "values": [asdict(one) for one in found.values],
    }


def unverified(entry: Unverified) -> Json:
    """A request whose signature or time was refused: no event, and nothing of it can be trusted."""
    return {
        "id": None,
        "source": entry.source,
        "connection": None,
        "external_id": None,
        "type": None,
        "status": "unverified",
        "code": entry.code,
        "cause": entry.cause,
        "remedy": CODES[entry.code].remedy,
        "received_at": moment(entry.at),
    }
