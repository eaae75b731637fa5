"""The refusals of the API and their bodies, in the vendor's shape.

Owns codes and wording; must not know HTTP beyond the status that each refusal carries.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class FieldError:
    """One entry of an error body's `errors`."""

    code: str
    message: str
    resource: str
    field: str

    def body(self) -> dict[str, str]:
        return {
            "code": self.code,
            "message": self.message,
            "resource": self.resource,
            "field": self.field,
        }


class Refusal(Exception):
    """The API's answer is an error. Nothing of the request has been kept."""

    def __init__(
        self, status: int, code: str, message: str, faults: tuple[FieldError, ...] = ()
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.faults = faults

    def body(self) -> dict[str, Any]:
        answer: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.faults:
            answer["errors"] = [fault.body() for fault in self.faults]
        return answer


class NotThis(Exception):
    """A value that its field cannot hold; the text says why."""


def missing(resource: str, field: str) -> FieldError:
    return FieldError("MissingRequiredField", f"The {field} field is required.", resource, field)


def invalid(resource: str, field: str, message: str) -> FieldError:
    return FieldError("InvalidField", message, resource, field)


def exists(resource: str, field: str, message: str) -> FieldError:
    return FieldError("ObjectExists", message, resource, field)


def invalid_object(resource: str, *faults: FieldError) -> Refusal:
    """400 with one entry for each field at fault."""
    return Refusal(400, "InvalidObject", f"{resource} object is invalid", faults)


def refused(resource: str, field: str, message: str) -> Refusal:
    """400 for a single field that breaks a rule of the business."""
    return invalid_object(resource, invalid(resource, field, message))


def not_found(resource: str, record_id: int) -> Refusal:
    return Refusal(404, "NotFound", f"{resource} {record_id} not found")


def no_endpoint() -> Refusal:
    return Refusal(404, "ConnectWiseApi", "The endpoint does not exist.")


def no_method(method: str) -> Refusal:
    return Refusal(405, "ConnectWiseApi", f"The endpoint does not support the method {method}.")


def bad_request(message: str) -> Refusal:
    return Refusal(400, "InvalidRequest", message)
