"""A database that was restored: noticed by its home, told by a person, minded for a while.

Owns `database_home` and `restoration`, and what a restoration does to leases, polls and orders
(docs/decisions/0035).
"""

from __future__ import annotations

from app.domain.restoring import MINDED, Restoration
from app.domain.views import Audit
from app.store.auditing import append
from app.store.database import Part, Session
from app.store.texts import text

NOTICED = "The database stands in another home than before: it was restored, moved or promoted."
RESTORED_AT = f"(SELECT max(at) FROM restoration WHERE at > now() - interval '{MINDED.days} days')"  # noqa: S608 - constant text

# Which server this is, on which line of its history, and which of its databases. The timeline is
# read of the present WAL file: the control file tells it only from the next checkpoint on.
_HOME = """
SELECT concat_ws('/', {system}, left(pg_walfile_name(pg_current_wal_lsn()), 8),
    (SELECT oid FROM pg_database WHERE datname = current_database()))
"""
_MAY = "SELECT has_function_privilege('pg_control_system()', 'execute')"
_SYSTEM = "(SELECT system_identifier FROM pg_control_system())"
_KEPT = "SELECT home FROM database_home WHERE id = 1 FOR UPDATE"
_KEEP = """
INSERT INTO database_home (id, home) VALUES (1, $1) ON CONFLICT (id) DO UPDATE SET home = $1
"""
_TELL = """
INSERT INTO restoration (at, noticed, actor, reason) VALUES (clock_timestamp(), $1, $2, $3)
RETURNING at, noticed, actor, reason
"""
# Leases of the backup belong to workers that never knew this database; those taken since are told
# by losing them, so that no order goes on by what it read before.
_FOLLOWS = (
    """UPDATE orders SET lease_owner = NULL, lease_token = NULL, lease_until = NULL,
        wake_seq = wake_seq + 1, claims_without_progress = 0,
        due_at = CASE WHEN state IN ('done', 'cancelled') OR code = 'POISON' THEN due_at
                      ELSE now() END
       WHERE id IN (SELECT id FROM orders
                    WHERE state NOT IN ('done', 'cancelled') OR lease_token IS NOT NULL
                    ORDER BY id FOR NO KEY UPDATE)""",
    "UPDATE commerce_poll SET due_at = now(), lease_until = NULL",
    "UPDATE drift_sweep SET due_at = now(), lease_until = NULL",
)
_LAST = "SELECT at, noticed, actor, reason FROM restoration ORDER BY at DESC LIMIT 1"


class Restoring(Part):
    """The part of the store that knows that the database went back."""

    async def tell_restored(self, tenant_id: int, audit: Audit) -> Restoration:
        async with self._db.transaction() as session:
            found = await _told(session, False, audit.actor, str(audit.data.get("reason", "")))
            await append(session, tenant_id, audit)
        return found

    async def last_restoration(self) -> Restoration | None:
        async with self._db.session() as session:
            row = await session.fetchrow(_LAST)
        return Restoration(**row) if row is not None else None


async def look_at_home(session: Session) -> Restoration | None:
    """Compare the home that the database knows with the one it stands in. In a transaction of the
    caller's; the second of two workers waits for the first and finds nothing new."""
    system = _SYSTEM if await session.fetchval(_MAY) else "''"
    home: str = await session.fetchval(_HOME.format(system=system))
    known = await session.fetchval(_KEPT)
    if known == home:
        return None
    await session.execute(_KEEP, home)
    # Without the permission a part is empty: only what both times could be read is compared.
    if known is None or _alike(known, home):
        return None
    found = await _told(session, True, "service", NOTICED)
    audit = Audit("service", "database.restored", "database", {"before": known, "now": home})
    for row in await session.fetch("SELECT id FROM tenant ORDER BY id"):
        await append(session, row["id"], audit)
    return found


def _alike(known: str, home: str) -> bool:
    pairs = zip(known.split("/"), home.split("/"), strict=True)
    return all(before in ("", now) or not now for before, now in pairs)


async def _told(session: Session, noticed: bool, actor: str, reason: str) -> Restoration:
    row = await session.fetchrow(_TELL, noticed, text(actor), text(reason))
    assert row is not None  # noqa: S101 - it was just inserted
    for statement in _FOLLOWS:
        await session.execute(statement)
    return Restoration(**row)
