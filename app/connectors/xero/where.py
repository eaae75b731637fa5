"""Xero's `where` expressions, written only from typed values.

Owns the one way into an expression: identifiers, dates, and text of harmless characters. How a
quote is escaped there is documented nowhere, so any other text is refused (Unsafe) and the caller
reads a superset and compares in code.
"""

from __future__ import annotations

import re
from datetime import date
from uuid import UUID

SAFE_TEXT = re.compile(r"[A-Za-z0-9 ._/#&()+:-]+")
SAFE_LENGTH = 100


class Unsafe(ValueError):
    """The text may not stand in an expression."""


def is_safe(text: str) -> bool:
    return len(text) <= SAFE_LENGTH and SAFE_TEXT.fullmatch(text) is not None


def _quoted(text: str) -> str:
    if not is_safe(text):
        raise Unsafe("the text holds characters that may not stand in a query")
    return f'"{text}"'


def says(field: str, text: str) -> str:
    """Exactly this text."""
    return f"{field}=={_quoted(text)}"


def says_in_any_case(field: str, text: str) -> str:
    return f"{field}.ToLower()=={_quoted(text.lower())}"


def is_not(field: str, text: str) -> str:
    return f"{field}!={_quoted(text)}"


def identified(field: str, value: str) -> str:
    """Raises Unsafe for what is no identifier."""
    return f'{field}==guid("{guid(value)}")'


def guid(value: str) -> str:
    try:
        return str(UUID(value))
    except ValueError:
        raise Unsafe(f"{value[:40]!r} is not an identifier of Xero's") from None


def dated(field: str, day: date) -> str:
    return f"{field}==DateTime({day.year},{day.month},{day.day})"


def all_of(*parts: str) -> str:
    return " AND ".join(parts)


def any_of(*parts: str) -> str:
    return f"({' OR '.join(parts)})"
