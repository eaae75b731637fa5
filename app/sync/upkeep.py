"""What keeps the service itself going: pauses of connections, deliveries read again, keys.

Owns what is refused and why; each change has its actor and reason and an audit row. Holds no key:
the one that is made is handed out once, and only its hash is kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence

from app.domain.codes import Code
from app.domain.grants import LEDGERS
from app.domain.ports import Ids, Paused, Store
from app.domain.records import Delivery, InboxEvent
from app.domain.restoring import Restoration
from app.domain.upkeep import KeyRow, UpkeepStore
from app.domain.views import ApiKey, Audit, ConnectionRow
from app.sync import inbox
from app.sync.decisions import reason_given
from app.sync.keys import SCOPES
from app.sync.operations import Actor, Operations, Refusal

MAX_NAME = 100
KEY_PREFIX = "dl_"
# Names under which the service, the first key and the set-up stand in journal and audit.
_RESERVED = frozenset({"admin", "command line", "environment", "service"})
_AGAIN = ("rejected", "unhandled", "deferred", "dropped")


class Upkeep:
    """Pause and resume, replay a delivery, make keys. Every method may raise StoreUnavailable and
    Refusal."""

    def __init__(
        self, *, store: Store, kept: UpkeepStore, operations: Operations, ids: Ids
    ) -> None:
        self._store = store
        self._kept = kept
        self._operations = operations
        self._ids = ids

    # Connections --------------------------------------------------------------------------

    async def pause(self, actor: Actor, connection_id: int, reason: str) -> ConnectionRow:
        """Nothing is called through the connection until it is resumed. What is under way ends."""
        told = reason_given(reason)
        row = await self._connection(actor, connection_id)
        paused = Paused(None, Code.CONNECTION_PAUSED, told, actor.name)
        audit = Audit(actor.name, "connection.pause", f"{row.system}/{row.name}", {"reason": told})
        await self._kept.pause_connection(actor.tenant_id, row.id, paused, audit)
        return await self._connection(actor, connection_id)

    async def resume(self, actor: Actor, connection_id: int, reason: str) -> ConnectionRow:
        """End a pause, a person's or the service's own; the orders that wait for it go on."""
        told = reason_given(reason)
        row = await self._connection(actor, connection_id)
        if row.paused is None:
            sentence = f"The connection {row.name} of {row.system} is not paused."
            raise Refusal("CONNECTION_NOT_PAUSED", sentence)
        audit = Audit(actor.name, "connection.resume", f"{row.system}/{row.name}", {"reason": told})
        await self._kept.resume_connection(actor.tenant_id, row.id, audit)
        await self._operations.wake()
        return await self._connection(actor, connection_id)

    async def _connection(self, actor: Actor, connection_id: int) -> ConnectionRow:
        for row in await self._operations.connections(actor):
            if row.id == connection_id:
                return row
        sentence = f"There is no connection {connection_id}. See /admin/connections."
        raise Refusal("NOT_FOUND", sentence)

    # The database -------------------------------------------------------------------------

    async def restored(self, actor: Actor, reason: str) -> Restoration:
        """The database is older than what stands outside: look before each write from now on."""
        told = reason_given(reason)
        audit = Audit(actor.name, "database.restored", "database", {"reason": told})
        found = await self._kept.tell_restored(actor.tenant_id, audit)
        await self._operations.wake()
        return found

    # Deliveries ---------------------------------------------------------------------------

    async def replay_event(self, actor: Actor, event_id: int, reason: str) -> InboxEvent:
        """Read a kept delivery by today's rules and merge it, if it can be merged now."""
        told = reason_given(reason)
        event = await self._operations.event(actor, event_id)
        if event.status not in _AGAIN:
            raise Refusal("EVENT_NOT_REPLAYABLE", _why_not(event))
        read = _read(event)
        if read.status != "new":
            raise Refusal(
                "EVENT_NOT_REPLAYABLE",
                f"Event {event.id} is still {read.status}: {read.cause}. It has to be sent anew, "
                "corrected.",
                cause=read.code.value if read.code is not None else None,
            )
        merge = inbox.plan(event, await self._store.now())
        if merge.not_before is not None:
            raise Refusal(
                "EVENT_NOT_REPLAYABLE",
                f"Event {event.id} is {merge.cause}: it is merged by itself on "
                f"{merge.not_before:%Y-%m-%d at %H:%M} UTC. Merged earlier it would rule over every "
                "correction until then; have the document sent with its right date.",
                cause=merge.code.value if merge.code is not None else None,
            )
        audit = Audit(
            actor.name, "event.replay", str(event.id), {"reason": told, "was": event.status}
        )
        if not await self._kept.replay_event(actor.tenant_id, event, read, audit):
            sentence = f"Event {event.id} moved meanwhile. Look at it again."
            raise Refusal("EVENT_NOT_REPLAYABLE", sentence)
        await self._operations.wake()
        return await self._operations.event(actor, event_id)

    # Keys ---------------------------------------------------------------------------------

    async def keys(self, actor: Actor) -> Sequence[KeyRow]:
        """Every key that was made, withdrawn ones too. ADMIN_API_KEY is not among them."""
        return await self._kept.keys(actor.tenant_id)

    async def create_key(
        self, actor: Actor, name: str, scopes: Collection[str]
    ) -> tuple[ApiKey, str]:
        """A new key and its secret, which is told here and nowhere else."""
        wanted = name.strip()
        if not wanted or len(wanted) > MAX_NAME or not wanted.isprintable():
            sentence = f"name: must be 1 to {MAX_NAME} printable characters."
            raise Refusal("REQUEST_NOT_VALID", sentence)
        if wanted.casefold() in _RESERVED:
            sentence = f"name: {wanted} stands for something else in the journal. Choose another."
            raise Refusal("REQUEST_NOT_VALID", sentence)
        if unknown := sorted(set(scopes) - set(SCOPES)):
            sentence = f"scope: {', '.join(unknown)} is not known; there are {', '.join(SCOPES)}."
            raise Refusal("REQUEST_NOT_VALID", sentence)
        if not scopes:
            raise Refusal("REQUEST_NOT_VALID", f"scope: name one of {', '.join(SCOPES)}.")
        secret = KEY_PREFIX + "".join(self._ids.token().replace("-", "") for _ in range(2))
        key = ApiKey(actor.tenant_id, wanted, frozenset(scopes))
        audit = Audit(actor.name, "key.create", wanted, {"scopes": sorted(scopes)})
        if not await self._kept.add_key(key, hashlib.sha256(secret.encode()).digest(), audit):
            sentence = (
                f"There is a key {wanted} already. Choose another name, or withdraw it first."
            )
            raise Refusal("KEY_EXISTS", sentence)
        return key, secret

    async def revoke_key(self, actor: Actor, name: str) -> None:
        """A key counts no more, from the next request on."""
        audit = Audit(actor.name, "key.revoke", name)
        if not await self._kept.revoke_key(actor.tenant_id, name, audit):
            sentence = f"There is no key {name} in use. See `demandlink keys list`."
            raise Refusal("NOT_FOUND", sentence)


def _read(event: InboxEvent) -> Delivery:
    """What the door would say to the body today."""
    if event.source in LEDGERS:
        return inbox.read_notice(event)
    read = inbox.read_callback if event.source == inbox.CONNECTWISE else inbox.read_commerce
    return read(event.connection, event.external_id, {}, event.body)


def _why_not(event: InboxEvent) -> str:
    if event.status == "merged":
        orders = ", ".join(event.orders)
        into = f" into {orders}: replay the order instead" if orders else ""
        return f"Event {event.id} was merged already{into}."
    if event.status == "hint":
        return f"Event {event.id} is looked at by itself: ConnectWise is asked about its record."
    return f"Event {event.id} is {event.status}: a worker merges it by itself."
