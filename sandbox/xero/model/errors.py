"""How Xero says no: an element that is not valid, a request that is not, a gateway that refuses.

Owns the bodies and numbers of errors (accounting.md 3.6). An `Invalid` concerns one element of a
batch and becomes part of its answer; a `Refusal` is the whole answer.
"""

from __future__ import annotations

from typing import Any


class Invalid(Exception):
    """One element breaks these rules, each told in a sentence."""

    def __init__(self, *messages: str) -> None:
        super().__init__("; ".join(messages))
        self.messages = messages


class Refusal(Exception):
    """The request is answered with this status and body (text, or JSON)."""

    def __init__(self, status: int, body: Any, headers: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(status, body)
        self.status = status
        self.body = body
        self.headers = headers


def api_error(number: int, kind: str, message: str, **more: Any) -> Refusal:
    return Refusal(400, {"ErrorNumber": number, "Type": kind, "Message": message} | more)


def validation(elements: list[dict[str, Any]]) -> Refusal:
    return api_error(
        10, "ValidationException", "A validation exception occurred", Elements=elements
    )


def query_error(message: str) -> Refusal:
    return api_error(16, "QueryParseException", message)


def post_data(message: str) -> Refusal:
    return api_error(17, "PostDataInvalidException", message)


def gateway(status: int, title: str, detail: str, instance: str = "") -> Refusal:
    """The form of errors that come from before the accounting API itself."""
    return Refusal(
        status,
        {
            "Type": None,
            "Title": title,
            "Status": status,
            "Detail": detail,
            "Instance": instance,
            "Extensions": {},
        },
    )


def not_found() -> Refusal:
    return Refusal(404, "The resource you're looking for cannot be found")


def no_method() -> Refusal:
    return Refusal(405, "The requested method is not allowed for this resource")


def offline() -> Refusal:
    return Refusal(503, "The organisation for this access token is offline")
