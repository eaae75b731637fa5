"""The `where` and `order` parameters: text in, a predicate or a sort over rows out.

Owns the subset of the language that clients use: comparisons of fields with strings, numbers,
true, false, null, guid("…"), DateTime(y,m,d), DateTime.Parse("…"), the string methods, AND, OR and
parentheses. Anything else is refused as Xero refuses a query, never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from sandbox.xero.model.errors import query_error
from sandbox.xero.model.fields import Field, Kind
from sandbox.xero.model.store import Row, View
from sandbox.xero.model.tables import CONTACT
from sandbox.xero.model.values import is_guid, read_moment

LEXER = re.compile(
    r"""\s*(?:
      (?P<text>"(?:[^"\\]|\\.)*")
    | (?P<number>-?\d+(?:\.\d+)?)
    | (?P<name>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)
    | (?P<sign>==|!=|<>|<=|>=|&&|\|\||=|<|>|\(|\)|,|\.)
    )""",
    re.VERBOSE,
)
COMPARED: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": lambda a, b: bool(a == b),
    "!=": lambda a, b: bool(a != b),
    "<": lambda a, b: a is not None and bool(a < b),
    "<=": lambda a, b: a is not None and bool(a <= b),
    ">": lambda a, b: a is not None and bool(a > b),
    ">=": lambda a, b: a is not None and bool(a >= b),
}
SAME = {"=": "==", "<>": "!="}
METHODS: Mapping[str, Callable[[str, str], bool]] = {
    "Contains": lambda a, b: b in a,
    "StartsWith": lambda a, b: a.startswith(b),
    "EndsWith": lambda a, b: a.endswith(b),
}
TYPES = {
    Kind.TEXT: "String",
    Kind.CHOICE: "String",
    Kind.GUID: "Guid",
    Kind.NUMBER: "Decimal",
    Kind.FLAG: "Boolean",
    Kind.DATE: "DateTime",
    Kind.MOMENT: "DateTime",
}
Test = Callable[[View, Row], bool]
Get = Callable[[View, Row], Any]
DEPTH = 50


def predicate(text: str, what: str, fields: Mapping[str, Field]) -> Test:
    """Raises `Refusal` 400 with the number 16."""
    return _Parser(text, what, fields).whole()


def ordering(text: str, what: str, fields: Mapping[str, Field]) -> list[tuple[Get, bool]]:
    """Each field to sort by, and whether downwards."""
    found = []
    for part in text.split(","):
        name, _, direction = part.strip().partition(" ")
        if direction.strip().upper() not in {"", "ASC", "DESC"}:
            raise query_error(f"The order {part.strip()!r} cannot be read")
        get, _ = _field(name, what, fields)
        found.append((get, direction.strip().upper() == "DESC"))
    return found


def _field(path: str, what: str, fields: Mapping[str, Field]) -> tuple[Get, Field]:
    first, _, rest = path.partition(".")
    if first == "Contact" and rest in CONTACT and "Contact" in fields:
        if rest == "ContactID":
            return (lambda view, row: row.get("ContactID")), CONTACT[rest]
        return (
            lambda view, row: (view.get("contact", row.get("ContactID")) or {}).get(rest)
        ), CONTACT[rest]
    field = fields.get(path)
    if field is None or field.kind in {Kind.OBJECT, Kind.LIST}:
        raise query_error(f"No property or field '{path}' exists in type '{what}'")
    return (lambda view, row: row.get(path)), field


class _Parser:
    def __init__(self, text: str, what: str, fields: Mapping[str, Field]) -> None:
        self.what = what
        self.fields = fields
        self.tokens: list[tuple[str, str]] = []
        self.depth = 0
        self.at = 0
        place, text = 0, text.rstrip()
        while place < len(text):
            match = LEXER.match(text, place)
            if match is None:
                raise query_error(f"Syntax error '{text[place]}' (at index {place})")
            kind = match.lastgroup or ""
            self.tokens.append((kind, match.group(kind)))
            place = match.end()

    def peek(self) -> tuple[str, str]:
        return self.tokens[self.at] if self.at < len(self.tokens) else ("end", "")

    def take(self) -> tuple[str, str]:
        token = self.peek()
        self.at += 1
        return token

    def next_is(self, *words: str) -> bool:
        if self.peek()[1].upper() in words and self.peek()[0] in {"name", "sign"}:
            self.at += 1
            return True
        return False

    def expect(self, sign: str) -> None:
        if not self.next_is(sign):
            raise query_error(f"'{sign}' expected")

    def whole(self) -> Test:
        test = self.either()
        if self.peek()[0] != "end":
            raise query_error(f"Syntax error at '{self.peek()[1]}'")
        return test

    def either(self) -> Test:
        parts = [self.both()]
        while self.next_is("OR", "||"):
            parts.append(self.both())
        return parts[0] if len(parts) == 1 else lambda v, r: any(each(v, r) for each in parts)

    def both(self) -> Test:
        parts = [self.one()]
        while self.next_is("AND", "&&"):
            parts.append(self.one())
        return parts[0] if len(parts) == 1 else lambda v, r: all(each(v, r) for each in parts)

    def one(self) -> Test:
        if self.next_is("("):
            self.depth += 1
            if self.depth > DEPTH:
                raise query_error("The expression is nested too deep")
            test = self.either()
            self.expect(")")
            self.depth -= 1
            return test
        return self.comparison()

    def comparison(self) -> Test:
        kind, name = self.take()
        if kind != "name":
            raise query_error("Expression expected")
        path, lower, method = self._methods(name)
        get, field = _field(path, self.what, self.fields)
        if method:
            return self._called(get, field, lower, method)
        sign = self.take()[1]
        operator = COMPARED.get(SAME.get(sign, sign))
        if operator is None:
            raise query_error(f"An operator was expected after {name}")
        literal = self._literal(field, sign)
        if lower:
            return lambda v, r: operator(lower(get(v, r) or ""), literal)
        if field.kind is Kind.FLAG:
            return lambda v, r: operator(bool(get(v, r)), literal)
        return lambda v, r: operator(get(v, r), literal)

    def _methods(self, name: str) -> tuple[str, Callable[[str], str] | None, str]:
        """A path with its string methods taken off: the case first, then the test."""
        parts, lower, method = name.split("."), None, ""
        if parts[-1] in METHODS:
            method = parts.pop()
        while parts and parts[-1] in {"ToLower", "ToUpper"} and not method:
            lower = str.lower if parts.pop() == "ToLower" else str.upper
            self.expect("(")
            self.expect(")")
            if self.next_is("."):
                method = self.take()[1]
                if method not in METHODS:
                    raise query_error(f"No method '{method}' exists in type 'String'")
        return ".".join(parts), lower, method

    def _called(
        self, get: Get, field: Field, lower: Callable[[str], str] | None, method: str
    ) -> Test:
        if field.kind not in {Kind.TEXT, Kind.CHOICE}:
            raise query_error(f"No method '{method}' exists in type '{TYPES[field.kind]}'")
        self.expect("(")
        kind, text = self.take()
        self.expect(")")
        if kind != "text":
            raise query_error("A string was expected")
        part, test = _unquoted(text), METHODS[method]
        if lower:
            return lambda v, r: test(lower(get(v, r) or ""), part)
        return lambda v, r: test(get(v, r) or "", part)

    def _literal(self, field: Field, sign: str) -> Any:
        """A literal of the field's own type. Other types are not compared."""
        kind, text = self.take()
        found: Any = None
        name = ""
        if kind == "text":
            found, name = _unquoted(text), "String"
        elif kind == "number":
            found, name = Decimal(text), "Decimal"
        elif kind == "name" and text.lower() in {"true", "false"}:
            found, name = text.lower() == "true", "Boolean"
        elif kind == "name" and text.lower() == "null":
            return None
        elif kind == "name" and text.lower() == "guid":
            found, name = self._guid(), "Guid"
        elif kind == "name" and text in {"DateTime", "DateTime.Parse"}:
            found, name = self._moment(), "DateTime"
        else:
            raise query_error(f"Expression expected at '{text}'")
        if name != TYPES[field.kind]:
            raise query_error(
                f"Operator '{sign}' incompatible with operand types '{TYPES[field.kind]}' and "
                f"'{name}'"
            )
        if name == "DateTime" and field.kind is Kind.DATE:
            return found.date()
        return found

    def _guid(self) -> str:
        self.expect("(")
        kind, text = self.take()
        self.expect(")")
        if kind != "text" or not is_guid(_unquoted(text)):
            raise query_error("Guid should contain 32 digits with 4 dashes")
        return _unquoted(text).lower()

    def _moment(self) -> datetime:
        self.expect("(")
        parts: list[str] = []
        kind = ""
        while not self.next_is(")"):
            kind, text = self.take()
            if kind not in {"number", "text"}:
                raise query_error("A DateTime cannot be read")
            parts.append(text)
            self.next_is(",")
        moment = read_moment(_unquoted(parts[0])) if kind == "text" else _calendar(parts)
        if moment is None:
            raise query_error("A DateTime cannot be read")
        return moment


def _calendar(parts: list[str]) -> datetime | None:
    """A moment from year, month, day and, where given, hour, minute and second."""
    try:
        year, month, day, *rest = (int(part) for part in parts)
        hour, minute, second = (*rest, 0, 0, 0)[:3]
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1])


def sort_key(value: Any) -> tuple[bool, Any]:
    """Nothing comes first; text without regard to case."""
    if isinstance(value, str):
        return True, value.casefold()
    if isinstance(value, datetime | date | Decimal | bool | int):
        return True, value
    return False, 0
