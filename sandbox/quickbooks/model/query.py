"""The query language, as far as it goes: one table, AND, no OR, no NOT, no joins.

Owns parsing and its faults (4000 for what cannot be read, 4001 for what cannot be asked).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Any

from sandbox.quickbooks.model import errors
from sandbox.quickbooks.model.tables import ENTITIES, Entity

TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^'\\]|\\.)*')|(?P<word>[A-Za-z_][\w.]*)|(?P<number>-?\d+(?:\.\d+)?)"
    r"|(?P<sign><=|>=|!=|[=<>(),*]))"
)
DEFAULT_PAGE = 100
LARGEST_PAGE = 1000
CLAUSES = {"WHERE", "ORDERBY", "ORDER", "STARTPOSITION", "MAXRESULTS"}
OPERATORS = ("=", "<", ">", "<=", ">=")
BY_NAME = {name.upper(): one for name, one in ENTITIES.items()}


@dataclass(frozen=True, slots=True)
class Condition:
    field: str
    operator: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Query:
    """`columns` empty: all of them but those that have to be named, unless `besides` names them."""

    entity: Entity
    columns: tuple[str, ...]
    besides: tuple[str, ...]
    count: bool
    conditions: tuple[Condition, ...]
    order: tuple[tuple[str, bool], ...]
    start: int
    most: int


def parse(text: str) -> Query:
    """Raises Fault 4000 or 4001."""
    return _Parser(text).query()


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._place = 0

    def query(self) -> Query:
        self._word("SELECT")
        columns, besides, count = self._columns()
        self._word("FROM")
        name = self._next("an entity")
        entity = BY_NAME.get(name.upper())
        if entity is None:
            raise errors.query_invalid(f"Invalid entity: {name}")
        conditions = self._where(entity) if self._take("WHERE") else ()
        order: tuple[tuple[str, bool], ...] = ()
        if self._take("ORDERBY") or (self._take("ORDER") and self._word("BY")):
            order = self._order(entity)
        start = self._whole() if self._take("STARTPOSITION") else 1
        most = self._whole() if self._take("MAXRESULTS") else DEFAULT_PAGE
        if self._place < len(self._tokens):
            raise _encountered(self._tokens[self._place])
        if start < 1 or not 1 <= most <= LARGEST_PAGE:
            raise errors.query_invalid("STARTPOSITION begins at 1, MAXRESULTS ends at 1000")
        return Query(entity, columns, besides, count, conditions, order, start, most)

    def _columns(self) -> tuple[tuple[str, ...], tuple[str, ...], bool]:
        if self._take("COUNT"):
            for sign in ("(", "*", ")"):
                self._word(sign)
            return (), (), True
        columns = [self._next("a column")]
        while self._take(","):
            columns.append(self._next("a column"))
        named = tuple(each for each in columns if each != "*")
        return ((), named, False) if "*" in columns else (named, (), False)

    def _where(self, entity: Entity) -> tuple[Condition, ...]:
        found = [self._condition(entity)]
        while self._take("AND"):
            found.append(self._condition(entity))
        return tuple(found)

    def _condition(self, entity: Entity) -> Condition:
        field = self._field(entity)
        operator = self._next("an operator").upper()
        if operator == "IN":
            self._word("(")
            values = [self._value()]
            while self._take(","):
                values.append(self._value())
            self._word(")")
            return Condition(field, "IN", tuple(values))
        if operator != "LIKE" and operator not in OPERATORS:
            raise _encountered(operator)
        return Condition(field, operator, (self._value(),))

    def _order(self, entity: Entity) -> tuple[tuple[str, bool], ...]:
        found = []
        while True:
            field = self._field(entity)
            falling = self._take("DESC")
            if not falling:
                self._take("ASC")
            found.append((field, falling))
            if not self._take(","):
                return tuple(found)

    def _field(self, entity: Entity) -> str:
        given = self._next("a property")
        known = {name.upper(): name for name in entity.queryable}
        field = known.get(given.upper())
        if field is None:
            raise errors.query_invalid(f"property '{given}' is not queryable")
        return field

    def _value(self) -> str:
        token = self._next("a value")
        if token.startswith("'"):
            return re.sub(r"\\(.)", r"\1", token[1:-1])
        if token.lower() in {"true", "false"}:
            return token.lower()
        raise _encountered(token)

    def _whole(self) -> int:
        token = self._next("a number")
        if not token.isdigit():
            raise _encountered(token)
        return int(token)

    def _next(self, wanted: str) -> str:
        if self._place >= len(self._tokens):
            raise errors.query_syntax(f'Encountered "<EOF>". Was expecting {wanted}')
        token = self._tokens[self._place]
        if wanted != "a value" and token.startswith("'"):
            raise _encountered(token)
        self._place += 1
        return token

    def _take(self, word: str) -> bool:
        if self._place < len(self._tokens) and self._tokens[self._place].upper() == word:
            self._place += 1
            return True
        return False

    def _word(self, word: str) -> bool:
        if not self._take(word):
            raise _encountered(
                self._tokens[self._place] if self._place < len(self._tokens) else "<EOF>"
            )
        return True


def _tokens(text: str) -> list[str]:
    tokens = []
    place = 0
    text = text.strip()
    while place < len(text):
        match = TOKEN.match(text, place)
        if match is None:
            raise errors.query_syntax(f'Lexical error at column {place + 1}: "{text[place]}"')
        tokens.append(match.group().strip())
        place = match.end()
    return tokens


def _encountered(token: str) -> errors.Fault:
    return errors.query_syntax(f'Encountered " "{token}" "{token} ""')


# --- carrying out


def run(query: Query, rows: Iterable[Mapping[str, Any]]) -> tuple[list[Mapping[str, Any]], int]:
    """The page's records, and how many fit altogether. Records made inactive are left out unless
    the query speaks of `Active`."""
    tests = [_test(condition) for condition in query.conditions]
    if "Active" in query.entity.queryable and not any(
        each.field == "Active" for each in query.conditions
    ):
        tests.append(lambda row: row.get("Active") is not False)
    found = [row for row in rows if all(test(row) for test in tests)]
    for field, falling in reversed(query.order):
        found.sort(key=partial(_sort_key, field), reverse=falling)
    page = found[query.start - 1 : query.start - 1 + query.most]
    return page, len(found)


def _sort_key(field: str, row: Mapping[str, Any]) -> Any:
    return _sortable(_value_of(row, field))


def _value_of(row: Mapping[str, Any], field: str) -> Any:
    value: Any = row
    for part in field.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value.get("value") if isinstance(value, Mapping) else value


def _test(condition: Condition) -> Callable[[Mapping[str, Any]], bool]:
    field, operator, values = condition.field, condition.operator, condition.values
    if operator == "LIKE":
        parts = [re.escape(part) for part in values[0].split("%")]
        pattern = re.compile(".*".join(parts), re.IGNORECASE | re.DOTALL)
        return lambda row: pattern.fullmatch(str(_value_of(row, field) or "")) is not None

    def compare(row: Mapping[str, Any]) -> bool:
        have = _value_of(row, field)
        if have is None:
            return False
        if operator == "IN":
            return any(_same(have, value) for value in values)
        if operator == "=":
            return _same(have, values[0])
        ours, theirs = _sortable(have), _sortable(_as(have, values[0]))
        return bool(
            {
                "<": ours < theirs,
                ">": ours > theirs,
                "<=": ours <= theirs,
                ">=": ours >= theirs,
            }[operator]
        )

    return compare


def _same(have: Any, given: str) -> bool:
    return bool(_sortable(have) == _sortable(_as(have, given)))


def _as(have: Any, given: str) -> Any:
    """The query's text as a value of the field's kind."""
    if isinstance(have, bool):
        return given.lower() == "true"
    if isinstance(have, Decimal):
        try:
            return Decimal(given)
        except InvalidOperation:
            raise errors.query_invalid(f"'{given}' is not a number") from None
    return given


def _sortable(value: Any) -> Any:
    if value is None:
        return (0, "")
    if isinstance(value, bool | Decimal | int):
        return (1, value)
    text = str(value)
    if len(text) >= 19 and text[10:11] == "T":
        try:
            return (2, datetime.fromisoformat(text).timestamp())
        except (ValueError, TypeError):
            pass
    return (3, text.casefold())
