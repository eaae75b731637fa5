"""One call of the accounting API on its way, and what it is answered with.

Owns these two values and the reading of a JSON body.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sandbox.kit.wire import Request
from sandbox.xero.http.resources import Resource
from sandbox.xero.http.tokens import Access
from sandbox.xero.model.books import Books
from sandbox.xero.model.errors import Refusal, post_data
from sandbox.xero.model.store import View
from sandbox.xero.model.values import from_json


@dataclass(frozen=True, slots=True)
class Call:
    """One request on its way."""

    books: Books
    view: View
    request: Request
    access: Access
    resource: Resource
    parts: tuple[str, ...]  # of the path, after the resource's name

    @property
    def reads(self) -> bool:
        return self.request.method in {"GET", "HEAD"}


@dataclass(frozen=True, slots=True)
class Result:
    """What is answered: JSON with the head that all answers have, or without, or a file."""

    body: Any = None
    status: int = 200
    raw: bytes | None = None
    kind: str = ""
    bare: bool = False


def body_of(call: Call) -> Any:
    kind = call.request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind and kind not in {"application/json", "text/json"}:
        raise Refusal(415, f"The media type {kind} is not supported")
    try:
        return from_json(call.request.body)
    except ValueError as error:
        raise post_data(f"JSON for post data was invalid,{error}") from None
