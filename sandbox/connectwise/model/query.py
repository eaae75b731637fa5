"""What conditions, orderings and their paths mean on a resource: text in, a test of rows out.

Owns the meaning and the type check of comparisons, and finds the index that narrows a search. Must
not page or render whole records.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any

from sandbox.connectwise.model.conditions import (
    Both,
    Comparison,
    Either,
    Literal,
    Moment,
    Node,
    Not,
    malformed,
    parse,
)
from sandbox.connectwise.model.custom import FIELD
from sandbox.connectwise.model.fields import Field, Kind
from sandbox.connectwise.model.resources import RESOURCES, Resource
from sandbox.connectwise.model.shapes import SHAPES
from sandbox.connectwise.model.store import Row, View

Getter = Callable[[View, Row], Any]
Test = Callable[[View, Row], bool]
ValueOf = Callable[[View, Resource, Row, Field], Any]

cached_parse = lru_cache(maxsize=4096)(parse)

ANY = "any"
TYPES = {
    Kind.TEXT: "text",
    Kind.CHOICE: "text",
    Kind.INTEGER: "number",
    Kind.NUMBER: "number",
    Kind.ALIAS: "number",
    Kind.KEY: "number",
    Kind.FLAG: "flag",
    Kind.DATE: "date",
    Kind.REFERENCE: "object",
    Kind.FOREIGN: "object",
    Kind.OBJECT: "object",
}


@dataclass(frozen=True, slots=True)
class Path:
    """A path made readable: how to get its value, and of what type it is."""

    get: Getter
    type: str


@dataclass(frozen=True, slots=True)
class Narrow:
    """An indexed field that holds one of the values, or refers to a record that does.

    `through` is the other record's table and field; empty where the field itself holds the value.
    """

    field: str
    values: tuple[Any, ...]
    through: tuple[str, str] | None = None

    def rows(self, view: View, table: str) -> list[Row]:
        if self.field == "id":
            numbers = sorted({value for value in self.values if isinstance(value, int)})
            return [row for row in (view.get(table, number) for number in numbers) if row]
        values: Iterable[Any] = self.values
        if self.through is not None:
            values = [row["id"] for row in view.find(*self.through, self.values)]
        return view.find(table, self.field, values)


@dataclass(frozen=True, slots=True)
class Search:
    """A compiled conditions string; each of `narrow` is something that any match must hold."""

    test: Test
    narrow: tuple[Narrow, ...]


class Compiler:
    """Compiles for one resource. `value_of` reads a field as the wire shows it."""

    def __init__(self, resource: Resource, value_of: ValueOf) -> None:
        self.resource = resource
        self.value_of = value_of

    def search(self, text: str) -> Search:
        node = cached_parse(text)
        return Search(compile_node(node, self.path), tuple(self._narrow(node)))

    def path(self, text: str) -> Path:
        """Raises `Refusal` 400 for a path that the resource does not have."""
        name, _, rest = text.partition("/")
        lower = name.lower()
        if lower == "lastupdated" or text.lower() == "_info/lastupdated":
            return Path(lambda view, row: row["_info"]["lastUpdated"], "date")
        if lower == "id" and not rest:
            return Path(lambda view, row: row["id"], "number")
        field = self.resource.field_named(name)
        if field is None or (field.write_only and not field.computed):
            raise malformed(f"{self.resource.name} has no field {name}")
        if not rest:
            return Path(self._getter(field), TYPES.get(field.kind, ANY))
        if field.kind is Kind.REFERENCE:
            return self._through(field, rest)
        if field.kind in {Kind.FOREIGN, Kind.OBJECT, Kind.OBJECTS, Kind.REFERENCES}:
            outer = self._getter(field)
            steps = rest.split("/")
            return Path(lambda view, row: walk(outer(view, row), steps), ANY)
        raise malformed(f"{name} has no fields of its own")

    def _getter(self, field: Field) -> Getter:
        resource, value_of = self.resource, self.value_of
        if field.computed or field.name == FIELD:
            return lambda view, row: value_of(view, resource, row, field)
        name = field.target if field.kind is Kind.ALIAS else field.name
        if field.kind is Kind.FLAG:
            return lambda view, row: bool(row.get(name))
        return lambda view, row: row.get(name)

    def _through(self, field: Field, rest: str) -> Path:
        shape = SHAPES[field.target]
        name = field.name
        if rest.lower() == "id":
            return Path(lambda view, row: row.get(name), "number")
        for out, target_name in shape.shown:
            if out.lower() != rest.lower():
                continue
            known = RESOURCES[shape.table].field_named(target_name)
            kind = TYPES.get(known.kind, ANY) if known is not None else "text"
            return Path(_reader(name, shape.table, target_name), kind)
        raise malformed(f"{field.name} has no field {rest}")

    def _narrow(self, node: Node) -> Iterable[Narrow]:
        parts = node.parts if isinstance(node, Both) else (node,)
        for part in parts:
            if not isinstance(part, Comparison) or part.negated or part.operator not in {"=", "in"}:
                continue
            if any(value is None or isinstance(value, Moment) for value in part.values):
                continue
            name, _, rest = part.path.partition("/")
            if name.lower() == "id" and not rest:
                yield Narrow("id", part.values)
                continue
            field = self.resource.field_named(name)
            if field is None or field.computed:
                continue
            stored = field.target if field.kind is Kind.ALIAS else field.name
            if stored not in self.resource.indexed:
                continue
            if field.kind is not Kind.REFERENCE or rest.lower() == "id":
                yield Narrow(stored, part.values)
                continue
            shape = SHAPES[field.target]
            target = {out.lower(): name for out, name in shape.shown}.get(rest.lower())
            if target in shape.keys:
                yield Narrow(stored, part.values, (shape.table, target))

    def children(self, text: str) -> Test:
        """`childConditions`: one element of one list of objects holds all of it."""
        node = cached_parse(text)
        names = {path.partition("/")[0].lower() for path in paths_of(node)}
        field = self.resource.field_named(names.pop()) if len(names) == 1 else None
        if field is None or field.kind not in {Kind.OBJECTS, Kind.REFERENCES}:
            raise malformed("childConditions name the fields of one list of the record")
        return self._any_element(field, node, skip=1)

    def custom(self, text: str) -> Test:
        """`customFieldConditions`: one custom field holds all of it."""
        field = self.resource.field_named(FIELD)
        if field is None:
            raise malformed(f"{self.resource.name} has no custom fields")
        return self._any_element(field, cached_parse(text), skip=0)

    def _any_element(self, field: Field, node: Node, skip: int) -> Test:
        def path_of(text: str) -> Path:
            steps = text.split("/")[skip:]
            return Path(lambda view, row: walk(row, steps), ANY)

        get, test = self._getter(field), compile_node(node, path_of)
        return lambda view, row: any(
            isinstance(item, dict) and test(view, item) for item in get(view, row) or ()
        )

    def order(self, text: str) -> list[tuple[Getter, bool]]:
        """The `orderBy` parameter: getters, each with whether it runs downward."""
        keys: list[tuple[Getter, bool]] = []
        for part in text.split(","):
            words = part.split()
            if not words or len(words) > 2 or (len(words) == 2 and words[1].lower() not in ORDERS):
                raise malformed(f"orderBy {part.strip() or 'is empty'}")
            path = self.path(words[0])
            keys.append((path.get, len(words) == 2 and words[1].lower() == "desc"))
        return keys


def _reader(name: str, table: str, target_name: str) -> Getter:
    def read(view: View, row: Row) -> Any:
        target = view.get(table, row.get(name))
        return target.get(target_name) if target is not None else None

    return read


ORDERS = {"asc", "desc"}


def paths_of(node: Node) -> Iterable[str]:
    if isinstance(node, Comparison):
        yield node.path
    elif isinstance(node, Not):
        yield from paths_of(node.part)
    else:
        for part in node.parts:
            yield from paths_of(part)


def walk(value: Any, steps: list[str]) -> Any:
    """Follows a path through objects; through a list it gives every element's value."""
    for place, step in enumerate(steps):
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, list):
            return [walk(item, steps[place:]) for item in value]
        else:
            return None
    return value


def compile_node(node: Node, path_of: Callable[[str], Path]) -> Test:
    if isinstance(node, Both):
        tests = [compile_node(part, path_of) for part in node.parts]
        return lambda view, row: all(test(view, row) for test in tests)
    if isinstance(node, Either):
        tests = [compile_node(part, path_of) for part in node.parts]
        return lambda view, row: any(test(view, row) for test in tests)
    if isinstance(node, Not):
        inner = compile_node(node.part, path_of)
        return lambda view, row: not inner(view, row)
    return _compile_comparison(node, path_of(node.path))


def _compile_comparison(node: Comparison, path: Path) -> Test:
    for value in node.values:
        _check_type(node, path.type, value)
    matches = MATCHERS[node.operator](node)
    get, negated = path.get, node.negated

    def test(view: View, row: Row) -> bool:
        value = get(view, row)
        values = value if isinstance(value, list) else (value,)
        return any(matches(item) for item in values) is not negated

    return test


def _check_type(node: Comparison, kind: str, value: Literal) -> None:
    if value is None or kind == ANY:
        return
    if node.operator in {"contains", "like"}:
        if not isinstance(value, str) or kind not in {"text", ANY}:
            raise malformed(f"{node.operator} on {node.path} needs text")
        return
    fits = {
        "text": isinstance(value, str),
        "number": isinstance(value, int | Decimal) and not isinstance(value, bool),
        "flag": isinstance(value, bool),
        "date": isinstance(value, Moment),
        "object": False,
    }[kind]
    if not fits:
        raise malformed(f"the value compared with {node.path} is of another type")


def comparable(value: Any) -> Any:
    """One form for stored values and literals: text without case, numbers as Decimal."""
    if isinstance(value, str):
        return value.casefold()
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, Moment):
        return value.text.casefold()
    if isinstance(value, int | float):
        return Decimal(str(value))
    return value


def _equals(node: Comparison) -> Callable[[Any], bool]:
    wanted = comparable(node.values[0])
    return lambda value: bool(comparable(value) == wanted)


def _differs(node: Comparison) -> Callable[[Any], bool]:
    wanted = comparable(node.values[0])
    # As in SQL, a null differs from nothing but null itself.
    return lambda value: value is not None and bool(comparable(value) != wanted)


def _among(node: Comparison) -> Callable[[Any], bool]:
    wanted = {comparable(value) for value in node.values}
    return lambda value: comparable(value) in wanted


def _contains(node: Comparison) -> Callable[[Any], bool]:
    wanted = str(node.values[0]).casefold()
    return lambda value: isinstance(value, str) and wanted in value.casefold()


def _like(node: Comparison) -> Callable[[Any], bool]:
    pieces = re.split(r"[*%]", str(node.values[0]))
    pattern = re.compile(".*".join(re.escape(piece) for piece in pieces), re.IGNORECASE | re.DOTALL)
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Comparison], Callable[[Any], bool]]:
    def build(node: Comparison) -> Callable[[Any], bool]:
        wanted = comparable(node.values[0])

        def matches(value: Any) -> bool:
            found = comparable(value)
            return found is not None and type(found) is type(wanted) and compare(found, wanted)

        return matches

    return build


MATCHERS: dict[str, Callable[[Comparison], Callable[[Any], bool]]] = {
    "=": _equals,
    "!=": _differs,
    "<": _ordered(lambda a, b: bool(a < b)),
    "<=": _ordered(lambda a, b: bool(a <= b)),
    ">": _ordered(lambda a, b: bool(a > b)),
    ">=": _ordered(lambda a, b: bool(a >= b)),
    "in": _among,
    "contains": _contains,
    "like": _like,
}


def sort_key(value: Any) -> tuple[int, Any]:
    """Nulls first, and never a comparison of unlike types."""
    found = comparable(value)
    if found is None:
        return (0, 0)
    if isinstance(found, bool):
        return (1, int(found))
    if isinstance(found, Decimal):
        return (2, found)
    return (3, str(found))
