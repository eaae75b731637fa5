"""What the text of a setting may be, and what it becomes.

Pure functions of one value; each raises ValueError with words that need no name of the setting.
"""

from __future__ import annotations

import re
from datetime import UTC, tzinfo
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import SecretStr

HOST = re.compile(r"(\[[0-9A-Fa-f:.%]+\]|[^:\[\]\s]*)(:\d{1,5})?")
MAIL_ADDRESS = re.compile(r"[!-;=?A-~]{1,64}@[A-Za-z0-9.-]{1,255}")  # no name, no list


def address(value: str, schemes: tuple[str, ...]) -> str:
    """The address, which may be empty. Raises ValueError, without a part of it: it may hold a
    password."""
    if not value:
        return value
    try:
        parts = urlsplit(value)
    except ValueError:
        raise ValueError("is no address") from None
    if parts.scheme not in schemes:
        raise ValueError(f"has to begin with {' or '.join(f'{one}://' for one in schemes)}")
    # Of a database several hosts may be named.
    if not all(HOST.fullmatch(one) for one in parts.netloc.rpartition("@")[2].split(",")):
        raise ValueError("has no host, or a port that is no number")
    return value


def listed(given: SecretStr) -> tuple[str, ...]:
    """The parts of a comma-separated secret, in the given order."""
    return tuple(part.strip() for part in given.get_secret_value().split(",") if part.strip())


def zone_of(name: str) -> tzinfo:
    """A time zone by name. Raises ValueError for one that this machine does not know."""
    if name == "UTC":  # without the zone files, which a small image need not have
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as cause:
        raise ValueError(f"{name!r} is not a time zone that this machine knows") from cause
