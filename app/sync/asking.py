"""Who asks the service for something, and how it says no.

Owns the words that every operation of `app/sync` shares. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

MAX_PAGE = 200  # entries of one answer


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does it: the name of a key or of a person at the command line, and their tenant."""

    tenant_id: int
    name: str


class Refusal(Exception):
    """An operation is refused. `code` is stable, `sentence` says what to do, `more` is data."""

    def __init__(self, code: str, sentence: str, **more: Any) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence
        self.more = more


def wrong(error: ValidationError) -> str:
    """Wrong settings under the names that people give them; values stay out."""
    return "; ".join(f"{name}: {said}" for name, said in wrong_fields(error))


def wrong_fields(error: ValidationError) -> list[tuple[str, str]]:
    """The same one by one: a setting's name, empty for what several are wrong in together."""
    return [("/".join(map(str, one["loc"])).upper(), _said(one)) for one in error.errors()]


# What the checking library says in words of programs, as people say it.
_WORDS = {
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "int_type": "must be a whole number",
    "float_parsing": "must be a number",
    "float_type": "must be a number",
    "decimal_parsing": "must be a number",
    "decimal_type": "must be a number",
    "bool_parsing": "must be true or false",
    "string_type": "must be text",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "literal_error": "must be one of {expected}",
    "string_too_long": "must have at most {max_length} characters",
}


def _said(one: ErrorDetails) -> str:
    if (words := _WORDS.get(one["type"])) is not None:
        return words.format(**one.get("ctx", {}))
    return one["msg"].removeprefix("Value error, ")


def at_most(limit: int) -> int:
    """How many entries one answer has where so many are wished for: from 1 to MAX_PAGE."""
    return min(max(limit, 1), MAX_PAGE)


@contextmanager
def readable_cursor() -> Iterator[None]:
    """A cursor that the store cannot read is the asker's mistake."""
    try:
        yield
    except ValueError as error:
        sentence = "cursor: cannot be read; take it from the answer before, or leave it out."
        raise Refusal("REQUEST_NOT_VALID", sentence) from error
