"""Who is alive: the session locks of workers, each under its own number."""

from __future__ import annotations

LIVENESS = 0x444C_0001  # class of the workers' session locks

ALIVE = f"""
SELECT objid::bigint FROM pg_locks
WHERE locktype = 'advisory' AND classid = {LIVENESS} AND objsubid = 2 AND granted
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""  # noqa: S608 - constant text
