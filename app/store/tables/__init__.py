"""Every table as a SQLModel class: what migrations are compared with.

Owns names, types, keys and indexes (`design.md`, section 3). Nothing at run time imports it: hot
statements are asyncpg's own, and a start must not pay for SQLAlchemy.
"""

from __future__ import annotations

from sqlmodel import SQLModel

from app.store.tables import inbox, operating, orders, tenancy, work

__all__ = ["inbox", "metadata", "operating", "orders", "tenancy", "work"]

metadata = SQLModel.metadata
