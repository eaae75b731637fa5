"""Trace contexts in W3C's form: `00-{trace, 32 hex}-{span, 16 hex}-{flags}`.

Owns how the context of a delivery is made and read. A delivery's own context follows from what it
is, so that the process that merges it knows it too (decision 0037). Pure.
"""

from __future__ import annotations

import hashlib
import re

HEADER = "traceparent"
_FORM = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}")


def parts(context: str | None) -> tuple[str, str] | None:
    """Trace id and span id; None for what is not a context."""
    found = _FORM.match(context or "")
    return (found[1], found[2]) if found is not None else None


def trace_id(context: str | None) -> str | None:
    """The trace id of a context, as it is shown and logged."""
    found = parts(context)
    return found[0] if found is not None else None


def context(trace: str, span: str) -> str:
    return f"00-{trace}-{span}-01"


def of_delivery(identity: str, body: bytes, told: str | None) -> str:
    """The context of a delivery: in its sender's trace where one was told, else in its own.

    The same delivery has the same one, however often it comes.
    """
    digest = hashlib.sha256(identity.encode("utf-8", "replace") + b"\0" + body).hexdigest()
    sender = parts(told)
    return context(sender[0] if sender is not None else digest[:32], digest[32:48])


def of_replay(replay_id: str, order_id: int) -> str:
    """The context of what a person's replay does for an order: a trace of its own, because the order
    may have been woken for something else days before."""
    digest = hashlib.sha256(f"replay {replay_id} {order_id}".encode()).hexdigest()
    return context(digest[:32], digest[32:48])


def of_merge(delivery: str | None) -> str | None:
    """The context of a delivery's merge, which what follows for its orders goes by."""
    found = parts(delivery)
    if found is None:
        return None
    return context(found[0], hashlib.sha256(f"merge {found[1]}".encode()).hexdigest()[:16])
