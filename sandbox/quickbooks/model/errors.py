"""The faults of the API and their bodies, in the vendor's shape.

Owns codes and wording (accounting.md 2.9); must not know HTTP beyond the status each one carries.
"""

from __future__ import annotations

from typing import Any


class Fault(Exception):
    """The API's answer is a fault. Nothing of the request has been kept."""

    def __init__(
        self,
        code: int,
        message: str,
        detail: str = "",
        *,
        element: str | None = None,
        status: int = 400,
        kind: str = "ValidationFault",
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.detail = detail or message
        self.element = element
        self.status = status
        self.kind = kind

    def body(self) -> dict[str, Any]:
        error: dict[str, Any] = {
            "Message": self.message,
            "Detail": self.detail,
            "code": str(self.code),
        }
        if self.element is not None:
            error["element"] = self.element
        return {"Error": [error], "type": self.kind}


def not_found(what: str) -> Fault:
    return Fault(
        610,
        "Object Not Found",
        f"Object Not Found : {what}. Something you're trying to use has been made inactive. Check "
        "the fields with accounts, customers, items, vendors or employees.",
    )


def unsupported(name: str) -> Fault:
    return Fault(
        2010,
        "Request has invalid or unsupported property",
        f"Property Name:{name} specified is unsupported or invalid",
        element=name,
    )


def missing(name: str) -> Fault:
    return Fault(
        2020,
        "Required param missing, need to supply the required value for the API",
        f"Required parameter {name} is missing in the request",
        element=name,
    )


def too_long(name: str, longest: int, given: int) -> Fault:
    return Fault(
        2050,
        "String length is either shorter or longer than supported by specification",
        f"String length specified does not match the supported length. Min:0 Max:{longest} "
        f"supported. Supplied length:{given}",
        element=name,
    )


def invalid_number(name: str) -> Fault:
    return Fault(2090, "Invalid Number", f"Invalid Number : {name}", element=name)


def invalid_choice(name: str, value: object) -> Fault:
    return Fault(2170, "Invalid Enumeration", f"Invalid Enumeration : {value}", element=name)


def bad_reference(kind: str, record_id: object, name: str = "") -> Fault:
    return Fault(
        2500,
        "Invalid Reference Id",
        f"Invalid Reference Id : {kind} element id {record_id} not found",
        element=name or None,
    )


def query_syntax(why: str) -> Fault:
    return Fault(4000, "Error parsing query", f"QueryParserError: {why}")


def query_invalid(why: str) -> Fault:
    return Fault(4001, "Invalid query", f"QueryValidationError: {why}")


def stale() -> Fault:
    return Fault(
        5010,
        "Stale Object Error",
        "Stale Object Error : You and someone else were working on this at the same time. The other "
        "finished before you did, so your work was not saved.",
    )


def not_in_plan(what: str) -> Fault:
    return Fault(
        5020,
        "Permission Denied Error",
        f"Permission Denied Error : {what} is not part of this company's subscription.",
        element="",
    )


def business(why: str) -> Fault:
    return Fault(
        6000,
        "A business validation error has occurred while processing your request",
        f"Business Validation Error: {why}",
    )


def wrong_amount(given: object) -> Fault:
    return Fault(
        6070,
        "Amount calculation incorrect in the request",
        f"Amount is not equal to UnitPrice * Qty. Supplied value:{given}",
        element="Line.Amount",
    )


def duplicate_number(number: str, kind: str, record_id: str) -> Fault:
    return Fault(
        6140,
        "Duplicate Document Number Error",
        "Duplicate Document Number Error : You must specify a different number. This number has "
        f"already been used. DocNumber={number} is assigned to TxnType={kind} with TxnId={record_id}",
    )


def duplicate_name(name: str) -> Fault:
    return Fault(
        6240,
        "Duplicate Name Exists Error",
        "The name supplied already exists. : Another customer, vendor or employee is already using "
        f"this name. Please use a different name. Name: {name}",
    )


def subscription_ended() -> Fault:
    return Fault(
        6190,
        "Invalid Company Status",
        "Invalid Company Status : Subscription period has ended or canceled or there was a billing "
        "problem",
        status=403,
        kind="AuthorizationFault",
    )


def books_closed(code: int) -> Fault:
    return Fault(
        code,
        "Account Period Closed, Cannot Update Through Services API",
        "Account Period Closed : The account period has closed and the account books cannot be "
        "updated through the QBO Services API.",
    )


def wrong_account(name: str, needed: str) -> Fault:
    return Fault(
        6430,
        "Invalid account type",
        f"Invalid account type : {name} needs an account of type {needed}",
        element=name,
    )


def no_operation(name: str, kind: str) -> Fault:
    return Fault(
        500,
        "Unsupported Operation",
        f"Operation {name} is not supported for {kind}.",
    )


def application_error(status: int = 500) -> Fault:
    return Fault(
        10000,
        "An application error has occurred while processing your request",
        "System Failure Error: An application error has occurred",
        status=status,
        kind="SystemFault",
    )
