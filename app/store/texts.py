"""What the columns of a store take: text, keys of an index, JSON.

Owns how a value is cleaned before it is kept, the same for every store. Pure.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

MAX_KEY = 300
_JSON = json.JSONEncoder(separators=(",", ":"), default=str)

_NOT_TEXT = {0: "\ufffd", **dict.fromkeys(range(0xD800, 0xE000), "\ufffd")}


def text(value: str) -> str:
    """Text that PostgreSQL takes: U+0000 and half characters become U+FFFD."""
    return value if value.isascii() and "\x00" not in value else value.translate(_NOT_TEXT)


def text_or_none(value: str | None) -> str | None:
    return None if value is None else text(value)


def key(value: str) -> str:
    """Text for a column of an index, whose entries have a limit that no honest key comes near."""
    cleaned = text(value)
    if len(cleaned) <= MAX_KEY:
        return cleaned
    return f"{cleaned[:100]}…{hashlib.sha256(cleaned.encode()).hexdigest()}"


def as_json(value: Any) -> str:
    """JSON for a `json` column. ASCII only, so that half characters cannot fail it."""
    return _JSON.encode(value)


def as_json_or_none(value: Any) -> str | None:
    return None if value is None else as_json(value)


def escaped(value: str) -> str:
    """The text as it stands in a pattern of LIKE: its own signs mean themselves."""
    for sign in "\\%_":
        value = value.replace(sign, f"\\{sign}")
    return value
