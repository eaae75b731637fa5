"""The few kinds of columns there are, so that each table reads as a list of names.

Owns the types. Texts are TEXT, moments are with time zone. JSON is `json`, never `jsonb`: it is
kept as it came, so that an escaped U+0000 inside cannot fail the transaction of others.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    Text,
    func,
    literal_column,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, DOUBLE_PRECISION
from sqlmodel import Field, SQLModel

# Names that migrations can rely on.
SQLModel.metadata.naming_convention = {
    "pk": "%(table_name)s_pkey",
    "uq": "%(table_name)s_%(column_0_N_name)s_key",
    "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
}


def _column(type_: Any, default: str | None, more: dict[str, Any]) -> Any:
    kwargs: dict[str, Any] = {}
    if default is not None:
        kwargs["server_default"] = text(default)
    return Field(sa_type=type_, sa_column_kwargs=kwargs, **more)


def beginnings(name: str, column: str, **more: Any) -> Index:
    """An index of a tenant's rows by the beginning of a text, whatever its case."""
    lowered = func.lower(literal_column(column)).label("lowered")
    return Index(name, "tenant_id", lowered, postgresql_ops={"lowered": "text_pattern_ops"}, **more)


def parts(name: str, expression: str, function: str = "search_parts") -> Index:
    """An index of a text by its parts of three characters, for a search inside."""
    return Index(name, literal_column(f"{function}({expression})"), postgresql_using="gin")


def identity() -> Any:
    """A number that the database gives, as the primary key."""
    return Field(
        default=None,
        primary_key=True,
        sa_type=BigInteger,
        sa_column_args=[Identity(always=False)],
    )


def counter() -> Any:
    """A number that the database gives, beside the primary key."""
    return Field(default=None, sa_type=BigInteger, sa_column_args=[Identity(always=False)])


def slot() -> Any:
    """A primary key that the statement gives."""
    return Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})


def string(default: str | None = None, **more: Any) -> Any:
    return _column(Text, default, more)


def number(default: str | None = None, **more: Any) -> Any:
    return _column(BigInteger, default, more)


def real(**more: Any) -> Any:
    return _column(DOUBLE_PRECISION, None, more)


def flag(default: str = "false") -> Any:
    return Field(sa_column_kwargs={"server_default": text(default)})


def binary(**more: Any) -> Any:
    return _column(LargeBinary, None, more)


def document(default: str | None = None, **more: Any) -> Any:
    return _column(JSON, default, more)


def moment(*, now: bool = False, **more: Any) -> Any:
    return _column(DateTime(timezone=True), "now()" if now else None, more)


def strings() -> Any:
    return _column(ARRAY(Text), "'{}'::text[]", {})


def numbers() -> Any:
    return _column(ARRAY(BigInteger), "'{}'::bigint[]", {})


def to(target: str, *, primary: bool = False) -> Any:
    """A reference to another table's `id`."""
    return Field(
        primary_key=primary,
        sa_type=BigInteger,
        sa_column_args=[ForeignKey(f"{target}.id")],
    )
