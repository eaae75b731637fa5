"""Who asks the service for something, and how it says no.

Owns the words that every operation of `app/sync` shares. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError


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
    return [("/".join(map(str, item["loc"])).upper(), item["msg"]) for item in error.errors()]
