"""Stored rows to wire records: references opened, computed fields worked out, nulls left out.

Owns reading only; every function takes the view it reads from, so a lagging read is consistent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import Enum, auto
from typing import Any

from sandbox.connectwise.model import custom
from sandbox.connectwise.model.fields import Field, Kind
from sandbox.connectwise.model.resources import Resource
from sandbox.connectwise.model.shapes import SHAPES, Shape
from sandbox.connectwise.model.store import Row, View

Computed = Callable[[View, Row], Mapping[str, Any]]


class Way(Enum):
    """How a field comes to be shown."""

    STORED = auto()
    REFERENCE = auto()
    ALIAS = auto()
    CUSTOM = auto()
    COMPUTED = auto()
    COMPUTED_REFERENCE = auto()
    COMPUTED_REFERENCES = auto()


def _way(field: Field) -> Way:
    if field.computed:
        computed = {
            Kind.REFERENCE: Way.COMPUTED_REFERENCE, Kind.REFERENCES: Way.COMPUTED_REFERENCES
        }  # fmt: skip
        return computed.get(field.kind, Way.COMPUTED)
    if field.name == custom.FIELD:
        return Way.CUSTOM
    stored = {Kind.ALIAS: Way.ALIAS, Kind.REFERENCE: Way.REFERENCE}
    return stored.get(field.kind, Way.STORED)


class Renderer:
    """Renders rows of every resource. `computed` gives a table's computed fields."""

    def __init__(self, computed: Mapping[str, Computed], base_url: Callable[[], str]) -> None:
        self.computed = computed
        self.base_url = base_url
        self._ways: dict[str, list[tuple[str, Way, str]]] = {}

    def reference(self, view: View, shape: Shape, record_id: int) -> dict[str, Any]:
        target = view.get(shape.table, record_id)
        shown: dict[str, Any] = {"id": record_id}
        if target is not None:
            for out, name in shape.shown:
                value = target.get(name)
                if value is not None:
                    shown[out] = value
        path = self._path(shape.table, target)
        if path is not None and "#" not in path:
            shown["_info"] = {shape.href: f"{self.base_url()}{path}/{record_id}"}
        return shown

    @staticmethod
    def _path(table: str, target: Row | None) -> str | None:
        """Where a record is served: rows of one table may be records of several resources."""
        view = VIEWS.get(table)
        if view is not None and target is not None and view.holds(target):
            return view.path
        return PATHS.get(table)

    def value(self, view: View, resource: Resource, row: Row, field: Field) -> Any:
        """One field of a row, as the wire shows it."""
        if field.computed:
            return self.computed[resource.table](view, row).get(field.name)
        return self._stored(view, resource, row, field)

    def _stored(self, view: View, resource: Resource, row: Row, field: Field) -> Any:
        if field.name == custom.FIELD:
            return custom.shown(view, resource, row)
        if field.kind is Kind.ALIAS:
            return row.get(field.target)
        value = row.get(field.name)
        if value is None:
            return None
        if field.kind is Kind.REFERENCE:
            return self.reference(view, SHAPES[field.target], value)
        return value

    def _ways_of(self, resource: Resource) -> list[tuple[str, Way, str]]:
        """Each field that is shown, how, and what it points to; worked out once a resource."""
        found = self._ways.get(resource.table)
        if found is None:
            shown = (one for one in resource.fields.values() if one.computed or not one.write_only)
            found = self._ways[resource.table] = [(f.name, _way(f), f.target) for f in shown]
        return found

    def _opened(self, view: View, computed: Any, way: Way, target: str) -> Any:
        if computed is not None and way is Way.COMPUTED_REFERENCES:
            shape = SHAPES[target]
            return [self.reference(view, shape, number) for number in computed]
        if computed is not None and way is Way.COMPUTED_REFERENCE:
            return self.reference(view, SHAPES[target], computed)
        return computed

    def record(
        self, view: View, resource: Resource, row: Row, wanted: Iterable[str] | None = None
    ) -> dict[str, Any]:
        """A whole record, or its wanted fields. Nulls are left out, as the vendor does."""
        names = None if wanted is None else set(wanted)
        shown: dict[str, Any] = {"id": row["id"]} if names is None or "id" in names else {}
        computed: Mapping[str, Any] | None = None
        for name, way, target in self._ways_of(resource):
            if names is not None and name not in names:
                continue
            value: Any
            if way is Way.STORED:
                value = row.get(name)
            elif way is Way.REFERENCE:
                value = row.get(name)
                if value is not None:
                    value = self.reference(view, SHAPES[target], value)
            elif way is Way.ALIAS:
                value = row.get(target)
            elif way is Way.CUSTOM:
                value = custom.shown(view, resource, row)
            else:
                if computed is None:
                    computed = self.computed[resource.table](view, row)
                value = self._opened(view, computed.get(name), way, target)
            if value is not None:
                shown[name] = value
        if names is None or "_info" in names:
            shown["_info"] = row["_info"]
        return shown


PATHS: dict[str, str] = {}
"""The plain path of each table that has one; filled from the resources when the tables load."""


VIEWS: dict[str, Resource] = {}
"""The resource that holds some rows of another one's table, by that table; filled likewise."""


def select(record: Mapping[str, Any], paths: Iterable[str]) -> dict[str, Any]:
    """The `fields` parameter: only these paths of a record, nested as they were."""
    chosen: dict[str, Any] = {}
    for path in paths:
        _copy(record, chosen, path.split("/"))
    return chosen


def _copy(source: Mapping[str, Any], target: dict[str, Any], path: list[str]) -> None:
    name, rest = path[0], path[1:]
    if name not in source:
        return
    value = source[name]
    if not rest:
        target[name] = value
    elif isinstance(value, Mapping):
        inner = target.setdefault(name, {})
        if isinstance(inner, dict):
            _copy(value, inner, rest)
    elif isinstance(value, list):
        inner_list = target.setdefault(name, [{} for _ in value])
        for item, into in zip(value, inner_list, strict=True):
            if isinstance(item, Mapping):
                _copy(item, into, rest)
