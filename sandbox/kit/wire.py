"""A request and a reply as plain values, so that a simulator's wire is a function of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any
from urllib.parse import parse_qsl


class Unusable(ValueError):
    """What a control request asks cannot be done; the text says why."""


@lru_cache(maxsize=1024)
def _parsed(query: str) -> list[tuple[str, str]]:
    """Callers ask the same things again and again."""
    return parse_qsl(query, keep_blank_values=True)


@dataclass(frozen=True)
class Request:
    """One HTTP request. Header names are lower case; `path` is decoded, `query` is not."""

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @cached_property
    def parameters(self) -> dict[str, str]:
        return dict(_parsed(self.query))


@dataclass(frozen=True)
class Reply:
    """One HTTP answer. `drop` closes the connection instead of answering."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    drop: bool = False


_COMPACT = json.JSONEncoder(separators=(",", ":"))


def to_json(value: Any) -> bytes:
    return _COMPACT.encode(value).encode()


def json_reply(
    status: int, value: Any, headers: tuple[tuple[str, str], ...] = (), kind: str = ""
) -> Reply:
    named = (("content-type", kind or "application/json"), *headers)
    return Reply(status, to_json(value), named)
