# ruff: noqa: S608 - names from the catalogue
"""Takes a database back to an older schema, where nothing is lost by it: `downgrade`.

A revision is undone in a trial first, which is rolled back. What the trial took away (tables,
columns) is then looked at: where it holds anything, the revision stays and a sentence says what
stands in the way. So no migration needs a guard of its own (docs/decisions/0053).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from app.store import migrate

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

OLDEST = "0001"  # before it there is no schema: that is DROP DATABASE

# Tables and columns as a schema has them. Partitions are their table's own affair.
_COLUMNS = """
SELECT c.relname, a.attname, pg_get_expr(d.adbin, d.adrelid)
FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid
LEFT JOIN pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
  AND NOT c.relispartition AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY c.relname, a.attnum
"""


class WouldLose(Exception):
    """The older schema has no place for what the database holds."""


def downgrade(database_url: str, to: str) -> None:
    """Bring the database back to revision `to`. Nothing may serve on it meanwhile.

    Blocking; not to be called inside a running event loop. Raises WouldLose, and then the database
    stands at the revision that holds something; LookupError when it cannot be had from where the
    database stands; StoreUnavailable when a lock could not be had in time.
    """
    asyncio.run(_downgrade(database_url, to))


async def _downgrade(database_url: str, to: str) -> None:
    async with migrate.guarded(database_url) as (guard, connect):
        found = await migrate.revision(guard)
        if found is None or not OLDEST <= to <= found <= migrate.head():
            raise LookupError(
                f"the database stands at {found or 'no revision'}; this version goes back from "
                f"{migrate.head()} at most, to {OLDEST} at least"
            )
        await migrate.patiently(guard, connect, lambda connection: _down(connection, to))


def _down(connection: Connection, to: str) -> None:
    from alembic.migration import MigrationContext
    from alembic.operations import Operations
    from alembic.script import ScriptDirectory
    from sqlalchemy import text

    script = ScriptDirectory(str(migrate.MIGRATIONS))
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
    connection.rollback()
    for step in script.iterate_revisions(found, to):
        with connection.begin(), Operations.context(MigrationContext.configure(connection)):
            before = _columns(connection)
            with connection.begin_nested() as trial:
                step.module.downgrade()
                gone = dict(before)
                for key in _columns(connection):
                    gone.pop(key, None)
                trial.rollback()
            if held := _held(connection, gone, before):
                raise WouldLose(
                    f"revision {step.revision} stays: {', '.join(held)} would be lost. Run the old "
                    "version on this schema, or restore the backup from before the upgrade"
                )
            step.module.downgrade()
            connection.execute(
                text("UPDATE alembic_version SET version_num = :to"), {"to": step.down_revision}
            )


def _columns(connection: Connection) -> dict[tuple[str, str], str | None]:
    """Each (table, column) with the expression of its default."""
    from sqlalchemy import text

    return {(row[0], row[1]): row[2] for row in connection.execute(text(_COLUMNS))}


def _held(
    connection: Connection, gone: dict[tuple[str, str], str | None], before: Any
) -> list[str]:
    """What of the columns that go holds something: whole tables by name, columns by table.column."""
    from sqlalchemy import text

    whole = {table for table, _ in gone} - {table for table, _ in before if (table, _) not in gone}
    held = [
        f"the rows of {table}"
        for table in sorted(whole)
        if connection.execute(text(f'SELECT EXISTS (SELECT FROM "{table}")')).scalar_one()
    ]
    for (table, column), default in sorted(gone.items()):
        if table in whole:
            continue
        query = (
            f'SELECT EXISTS (SELECT FROM "{table}" WHERE "{column}"::text'
            f" IS DISTINCT FROM ({default or 'NULL'})::text)"
        )
        if connection.execute(text(query)).scalar_one():
            held.append(f"what {table}.{column} holds")
    return held
