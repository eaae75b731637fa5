"""The `conditions` language: text in, a tree of comparisons out.

Owns the grammar only: quoted strings, bare numbers, True and False, [datetimes], null, lists, paths
with `/`, the operators and AND, OR, NOT, parentheses. What a path means is decided by the compiler
in `query`. Anything outside the grammar is refused, never guessed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from sandbox.connectwise.model.errors import bad_request


@dataclass(frozen=True, slots=True)
class Moment:
    """A date literal, already in the stored form."""

    text: str


Literal = str | int | Decimal | bool | Moment | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """`operator` is one of = != < <= > >= contains like in; `negated` stands for a `not` before."""

    path: str
    operator: str
    values: tuple[Literal, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Both:
    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Either:
    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Not:
    part: Node


Node = Comparison | Both | Either | Not

LEXER = re.compile(
    r"""\s*(?:
      (?P<text>"[^"]*"|'[^']*')
    | (?P<moment>\[[^\[\]]*\])
    | (?P<number>-?\d+(?:\.\d+)?)(?![\w/])
    | (?P<name>[A-Za-z_]\w*(?:/\w+)*)
    | (?P<sign>!=|<>|<=|>=|=|<|>|\(|\)|,)
    )""",
    re.VERBOSE,
)
SIGNS = {"=", "!=", "<>", "<", "<=", ">", ">="}
DEPTH = 50


def read_date(text: str) -> str | None:
    """A date in ISO 8601 as it is stored: UTC, whole seconds. None when it is not a date."""
    try:
        moment = datetime.fromisoformat(text.strip())
        if moment.tzinfo is not None:
            moment = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment.replace(tzinfo=None, microsecond=0).isoformat() + "Z"


def malformed(detail: str) -> Exception:
    return bad_request(f"The conditions are not valid: {detail}")


def parse(text: str) -> Node:
    """The tree of a conditions string. Raises `Refusal` 400 when it is malformed."""
    return _Parser(text).whole()


class _Parser:
    def __init__(self, text: str) -> None:
        self.tokens: list[tuple[str, str]] = []
        place = 0
        text = text.rstrip()
        while place < len(text):
            match = LEXER.match(text, place)
            if match is None:
                raise malformed(f"unexpected text at position {place}")
            kind = match.lastgroup or ""
            self.tokens.append((kind, match.group(kind)))
            place = match.end()
        self.at = 0
        self.depth = 0

    def peek(self) -> tuple[str, str]:
        return self.tokens[self.at] if self.at < len(self.tokens) else ("end", "")

    def take(self) -> tuple[str, str]:
        token = self.peek()
        self.at += 1
        return token

    def word(self, *words: str) -> bool:
        """Takes the next token when it is one of these words."""
        kind, text = self.peek()
        if kind == "name" and text.lower() in words:
            self.at += 1
            return True
        return False

    def sign(self, text: str) -> bool:
        if self.peek() == ("sign", text):
            self.at += 1
            return True
        return False

    def whole(self) -> Node:
        node = self.either()
        if self.peek()[0] != "end":
            raise malformed(f"unexpected {self.peek()[1]}")
        return node

    def either(self) -> Node:
        parts = [self.both()]
        while self.word("or"):
            parts.append(self.both())
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def both(self) -> Node:
        parts = [self.single()]
        while self.word("and"):
            parts.append(self.single())
        return parts[0] if len(parts) == 1 else Both(tuple(parts))

    def single(self) -> Node:
        self.depth += 1
        if self.depth > DEPTH:
            raise malformed("nested too deeply")
        try:
            if self.word("not"):
                return Not(self.single())
            if self.sign("("):
                node = self.either()
                if not self.sign(")"):
                    raise malformed("a closing parenthesis is missing")
                return node
            return self.comparison()
        finally:
            self.depth -= 1

    def comparison(self) -> Node:
        kind, path = self.take()
        if kind != "name":
            raise malformed(f"a field name is missing before {path or 'the end'}")
        negated = self.word("not")
        kind, text = self.take()
        operator = text.lower()
        if kind == "name" and operator == "in":
            return Comparison(path, "in", self.listed(), negated)
        if kind == "name" and operator in {"contains", "like"}:
            return Comparison(path, operator, (self.literal(),), negated)
        if kind == "sign" and text in SIGNS and not negated:
            return Comparison(path, "!=" if text == "<>" else text, (self.literal(),))
        raise malformed(f"an operator is missing after {path}")

    def listed(self) -> tuple[Literal, ...]:
        if not self.sign("("):
            raise malformed("in needs a list in parentheses")
        values = [self.literal()]
        while self.sign(","):
            values.append(self.literal())
        if not self.sign(")"):
            raise malformed("a closing parenthesis is missing")
        return tuple(values)

    def literal(self) -> Literal:
        kind, text = self.take()
        if kind == "text":
            # A bracket inside text is written [[]: the vendor's escape.
            if "[" in text.replace("[[]", ""):
                raise malformed("a bracket in text is written [[]")
            return text[1:-1].replace("[[]", "[")
        if kind == "moment":
            moment = read_date(text[1:-1])
            if moment is None:
                raise malformed(f"{text} is not a date")
            return Moment(moment)
        if kind == "number":
            return Decimal(text) if "." in text else int(text)
        if kind == "name" and text.lower() in {"true", "false"}:
            return text.lower() == "true"
        if kind == "name" and text.lower() == "null":
            return None
        raise malformed(f"a value is missing before {text or 'the end'}")
