"""Personal data shown to a person who may see it: of a delivery, and of a call.

Owns what is told of who looked, when and why: it is recorded before anything is shown, and what
was shown stands in no record. Who may, is asked at each door: the scope `reveal` of a key. Secrets
are shown to nobody (docs/decisions/0061).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from app.connectors.sealing import ANSWER, REQUEST, Value, put_back, values_in
from app.domain.admin_store import AdminStore
from app.domain.records import InboxEvent, OrderRow
from app.domain.views import Audit, CallRow
from app.sync.decisions import reason_given
from app.sync.operations import Actor, Operations, Refusal, shown

Opened = Callable[[bytes], bytes | None]
"""What was sealed; None: no key of ours opens it."""


@dataclass(frozen=True, slots=True)
class RevealedEvent:
    """A delivery, and its body with personal data."""

    event: InboxEvent
    body: Any


@dataclass(frozen=True, slots=True)
class RevealedCall:
    """A call, the values that were taken out of it, and its bodies with them in their places. A
    body that was too long to be kept whole stays as it is kept."""

    order: OrderRow
    row: CallRow
    values: Sequence[Value]
    request: str | None
    response: str | None


class Reveals:
    """Every method may raise StoreUnavailable and Refusal.

    `opened` opens what was sealed, None without SECRETS_KEYS. `sealing`: CALLS_SEALED.
    """

    def __init__(
        self, *, operations: Operations, admin: AdminStore, opened: Opened | None, sealing: bool
    ) -> None:
        self._operations = operations
        self._admin = admin
        self._opened = opened
        self.sealing = sealing

    async def event(self, actor: Actor, event_id: int, reason: str) -> RevealedEvent:
        """A delivery's body with personal data. Of what is not JSON only the size is told: nobody
        can say which of its words are secret."""
        told = reason_given(reason)
        event = await self._operations.event(actor, event_id)
        body = shown(event.body, personal=True)
        await self._record(actor, "event.reveal", str(event.id), told)
        return RevealedEvent(event, body)

    async def call(
        self, actor: Actor, number: str, call_id: int, reason: str, connection: str | None = None
    ) -> RevealedCall:
        """A call of an order with its personal values, where they were kept."""
        told = reason_given(reason)
        order = await self._operations.find(actor, number, connection)
        row = await self._admin.call(order.id, call_id)
        if row is None:
            raise Refusal("NOT_FOUND", f"{order.name} has no call {call_id}, or it was pruned.")
        values = values_in(self._open(row))
        revealed = RevealedCall(
            order,
            row,
            values,
            put_back(row.call.request, REQUEST, values),
            put_back(row.call.response, ANSWER, values),
        )
        await self._record(actor, "call.reveal", f"{order.name}/calls/{row.id}", told)
        return revealed

    def _open(self, row: CallRow) -> bytes:
        sealed = row.call.sealed
        if sealed is None:
            why = (
                "Nothing personal was taken out of it, or it was made while CALLS_SEALED was off."
                if self.sealing
                else "CALLS_SEALED is off: set it to true to keep those of calls from then on."
            )
            raise Refusal("CALL_NOT_SEALED", f"No personal values of call {row.id} are kept. {why}")
        plain = self._opened(sealed) if self._opened is not None else None
        if plain is None:
            sentence = (
                f"The personal values of call {row.id} were sealed with a key that SECRETS_KEYS does "
                "not hold any more: add that key at its end and restart."
            )
            raise Refusal("SEALING_KEY_GONE", sentence)
        return plain

    async def _record(self, actor: Actor, action: str, target: str, reason: str) -> None:
        """Before it is shown: what cannot be recorded is not shown."""
        await self._admin.audit(
            actor.tenant_id, Audit(actor.name, action, target, {"reason": reason})
        )
