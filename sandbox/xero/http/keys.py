"""Idempotency keys: what was answered to each for six minutes (accounting.md 3.2).

Owns the memory of answers by app and key. Answers of every status are kept, refusals too.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from sandbox.kit.wire import Reply, Request
from sandbox.xero.model.errors import Refusal, gateway

KEPT_SECONDS = 360.0
LONGEST = 128
METHODS = {"POST", "PUT", "PATCH"}


@dataclass(frozen=True, slots=True)
class Kept:
    until: float
    fingerprint: bytes
    reply: Reply


class Keys:
    """The keys of all apps."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], Kept] = {}

    def find(self, app: str, request: Request, now: float) -> Reply | None:
        """The answer of before. Raises `Refusal` for a key that another request had."""
        key = request.headers.get("idempotency-key")
        if key is None or request.method not in METHODS:
            return None
        if not key or len(key) > LONGEST:
            raise _bad(f"The Idempotency-Key must have 1 to {LONGEST} characters")
        kept = self._kept.get((app, key))
        if kept is None or kept.until <= now:
            return None
        if kept.fingerprint != _fingerprint(request):
            raise _bad(f"The Idempotency-Key {key} is used with a different request")
        return kept.reply

    def keep(self, app: str, request: Request, reply: Reply, now: float) -> None:
        key = request.headers.get("idempotency-key")
        if key is None or request.method not in METHODS:
            return
        self._kept = {name: kept for name, kept in self._kept.items() if kept.until > now}
        self._kept[app, key] = Kept(now + KEPT_SECONDS, _fingerprint(request), reply)

    def clear(self) -> None:
        self._kept.clear()


def _bad(detail: str) -> Refusal:
    return gateway(400, "Bad Request", detail)


def _fingerprint(request: Request) -> bytes:
    text = f"{request.method} {request.path}?{request.query}\n".encode()
    return hashlib.sha256(text + request.body).digest()
