"""Alembic's environment: runs on the connection that `app.store.migrate` hands over.

Owns nothing but the comparison's options. There is no offline mode and no ini file: addresses
come from the caller, never from a file of this folder.
"""

from __future__ import annotations

from alembic import context

from app.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    compare_type=True,
    compare_server_default=True,
    # Each is whole by itself, so that one that has to give way to others begins where it stood.
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
