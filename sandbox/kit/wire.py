"""A request and a reply as plain values, so that a simulator's wire is a function of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl


class Unusable(ValueError):
    """What a control request asks cannot be done; the text says why."""


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
        return dict(parse_qsl(self.query, keep_blank_values=True))


@dataclass(frozen=True)
class Reply:
    """One HTTP answer. `drop` closes the connection instead of answering."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    drop: bool = False


def to_json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def json_reply(
    status: int, value: Any, headers: tuple[tuple[str, str], ...] = (), kind: str = ""
) -> Reply:
    named = (("content-type", kind or "application/json"), *headers)
    return Reply(status, to_json(value), named)
