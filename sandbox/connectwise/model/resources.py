"""What a resource is, and the registry of all of them.

Owns the `Resource` record that the tables fill in. Rules live in `rules`, paths beyond the plain
list and record in `http.routes`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from sandbox.connectwise.model.fields import Field, Kind, parse_fields
from sandbox.connectwise.model.shapes import SHAPES

CUSTOM = "customFields:lo(id|caption|type|entryMethod|numberOfDecimals|value|connectWiseId)"
"""The token of custom fields, which most records have."""

CURRENCY = "currency:x(symbol|currencyCode|currencyIdentifier|numberOfDecimals)"

ALL = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})
READ = frozenset({"GET"})


@dataclass(frozen=True)
class Resource:
    """One kind of record: where it is served, what its fields are, how a new one starts."""

    table: str
    name: str  # in error messages, as the vendor names it
    path: str  # `#` stands for an id; a child's path holds its parent's
    fields: Mapping[str, Field]
    first_id: int
    parent: str = ""  # the field that names the parent record
    parent_table: str = ""
    methods: frozenset[str] = ALL
    created: int = 201  # the status of a successful POST
    answers_lists: bool = False  # a single record is answered as a list of one
    defaults: Mapping[str, Any] = field(default_factory=dict)
    default_records: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    indexed: tuple[str, ...] = ()
    callback: str = ""  # the callback type that its changes fire
    stored_in: str = ""  # the table that holds its rows, where it is a view of another resource
    only: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)  # which rows those are
    names: Mapping[str, str] = field(default_factory=dict)  # lower case to field name

    @property
    def home(self) -> str:
        """The table that holds the rows: its own, or the one that it is a view of."""
        return self.stored_in or self.table

    def holds(self, row: Mapping[str, Any]) -> bool:
        """Whether a row of its table is one of its records."""
        return all(row.get(name) in values for name, values in self.only.items())

    def field_named(self, name: str) -> Field | None:
        """A field by name without regard to case, as conditions allow."""
        found = self.names.get(name.lower())
        return self.fields[found] if found is not None else None


RESOURCES: dict[str, Resource] = {}


def resource(
    table: str,
    path: str,
    fields: str,
    *,
    first_id: int = 1,
    name: str = "",
    parent: str = "",
    parent_table: str = "",
    methods: frozenset[str] = ALL,
    created: int = 201,
    answers_lists: bool = False,
    defaults: Mapping[str, Any] | None = None,
    default_records: Mapping[str, str] | None = None,
    indexed: str = "",
    callback: str = "",
    stored_in: str = "",
    only: Mapping[str, tuple[Any, ...]] | None = None,
) -> Resource:
    """Registers a resource. `default_records` reads `{"status": "orderStatus defaultFlag"}`.

    A view (`stored_in`) serves rows of another table by fields and rules of its own; with `only`
    just those whose fields hold one of the values. What it indexes, that table must index.
    """
    parsed = parse_fields(fields)
    for item in parsed.values():
        if item.kind in {Kind.REFERENCE, Kind.REFERENCES} and item.target not in SHAPES:
            raise ValueError(f"{table}.{item.name} refers to an unknown shape {item.target}")
        if item.kind is Kind.ALIAS and item.target not in parsed:
            raise ValueError(f"{table}.{item.name} is an alias of nothing")
    records = {
        key: (text.split()[0], text.split()[1]) for key, text in (default_records or {}).items()
    }
    made = Resource(
        table=table,
        name=name or table,
        path=path,
        fields=parsed,
        first_id=first_id,
        parent=parent,
        parent_table=parent_table,
        methods=methods,
        created=created,
        answers_lists=answers_lists,
        defaults=dict(defaults or {}),
        default_records=records,
        indexed=tuple(indexed.split()) + ((parent,) if parent else ()),
        callback=callback,
        stored_in=stored_in,
        only=dict(only or {}),
        names={key.lower(): key for key in parsed},
    )
    if table in RESOURCES:
        raise ValueError(f"resource {table} is registered twice")
    RESOURCES[table] = made
    return made


@cache
def indexes_of(table: str) -> tuple[str, ...]:
    """The indexed fields of a table: its own, and the keys by which references may name it."""
    names = dict.fromkeys(RESOURCES[table].indexed if table in RESOURCES else ())
    for shape in SHAPES.values():
        if shape.table == table:
            names.update(dict.fromkeys(shape.keys))
    return tuple(names)
