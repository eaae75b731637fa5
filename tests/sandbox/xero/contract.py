"""Xero's OpenAPI document, where it lies beside the checkout.

Checks a logged request and its answer against it, more strictly than the document alone: a field
that no schema names is a fault too, save the few that Xero answers and its document leaves out.
"""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

DOCUMENT = Path(__file__).parents[4] / "shared" / "contracts" / "xero.openapi.json"
ROOT = "/api.xro/2.0"
# Told on Xero's pages and seen by its clients, but not in the document: the head of every answer,
# the ISO form of dates, the rounding of accounting.md 3.5, the status of a record in a batch.
HEAD = ("Id", "Status", "ProviderName", "DateTimeUTC")
BESIDE = {
    "Invoice": ("DateString", "DueDateString", "RoundingAmount"),
    "CreditNote": ("DateString", "DueDateString"),
    "PurchaseOrder": ("DateString", "DeliveryDateString"),
    "Payment": ("DateString",),
    "Account": ("StatusAttributeString",),
    "TaxRate": ("StatusAttributeString", "ValidationErrors"),
    # An element of an error is the record that was sent.
    "Element": ("*",),
    "ValidationError": ("Description",),
}
ENVELOPES = (
    "Accounts", "Actions", "Allocations", "Attachments", "Contacts", "CreditNotes",
    "HistoryRecords", "Invoices", "Items", "Organisations", "PurchaseOrders", "TaxRates",
)  # fmt: skip
GUID = "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"


class Contract:
    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self.schemas = {
            name: tightened(schema) for name, schema in document["components"]["schemas"].items()
        }
        for name in ENVELOPES:
            self.schemas[name]["properties"] |= {field: {} for field in HEAD}
        for name, fields in BESIDE.items():
            if fields == ("*",):
                self.schemas[name].pop("additionalProperties")
            else:
                self.schemas[name]["properties"] |= {field: {} for field in fields}
        # The least specific path last: a number may stand where an identifier may.
        self.paths = [
            (re.compile("^" + pattern_of(path) + "/?$"), path)
            for path in sorted(document["paths"], key=_looseness)
        ]

    @classmethod
    def load(cls) -> Contract | None:
        return cls(json.loads(DOCUMENT.read_text())) if DOCUMENT.exists() else None

    def operation(self, method: str, path: str) -> dict[str, Any] | None:
        for pattern, template in self.paths:
            found: dict[str, Any] | None = self.document["paths"][template].get(method.lower())
            if found is not None and pattern.match(path):
                return found
        return None

    def faults_of(self, entry: dict[str, Any]) -> list[str]:
        """What is wrong with a logged request and its answer; nothing for an unlisted path."""
        operation = self.operation(entry["method"], entry["path"])
        if operation is None or entry["status"] == 0 or "fault" in entry:
            return []
        where = f"{entry['method']} {entry['path']}"
        faults = []
        content = self._resolved(operation.get("requestBody", {})).get("content", {})
        if entry["status"] < 300 and "application/json" in content:
            body = entry["body"]
            schema = content["application/json"]["schema"]
            # Xero takes a record alone, or in its envelope, whatever the document says.
            enveloped = isinstance(body, dict) and any(name in body for name in ENVELOPES)
            faults += [] if not enveloped else self.check(schema, body, f"{where} request")
        answer = self._resolved(operation["responses"].get(str(entry["status"]), {}))
        described = answer.get("content", {}).get("application/json")
        if described is not None and isinstance(entry["response"], dict):
            if "Detail" not in entry["response"]:  # the gateway's own errors
                faults += self.check(described["schema"], entry["response"], f"{where} answer")
        elif not answer and entry["status"] < 400:
            faults.append(f"{where}: the status {entry['status']} is not described")
        return faults

    def _resolved(self, described: dict[str, Any]) -> dict[str, Any]:
        if "$ref" not in described:
            return described
        *_, kind, name = described["$ref"].split("/")
        found: dict[str, Any] = self.document["components"][kind][name]
        return found

    def check(self, schema: dict[str, Any], value: Any, where: str) -> list[str]:
        root = copy.copy(schema)
        root["components"] = {"schemas": self.schemas}
        return [
            f"{where} {error.json_path}: {error.message[:200]}"
            for error in Draft202012Validator(root).iter_errors(value)
        ]


def _looseness(path: str) -> tuple[bool, int]:
    loose = any(
        f"{{{name}}}" in path for name in ("FileName", "ContactNumber", "PurchaseOrderNumber")
    )
    return loose, path.count("{")


def pattern_of(path: str) -> str:
    identified = re.sub(r"\{\w+ID\}", GUID, path)
    return re.sub(r"\{\w+\}", "[^/]+", identified)


def tightened(schema: Any) -> Any:
    """OpenAPI 3.0 to JSON Schema, with no fields beyond those that are named."""
    if isinstance(schema, list):
        return [tightened(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    changed = {key: tightened(value) for key, value in schema.items() if key != "example"}
    if isinstance(changed.get("properties"), dict) and changed.get("type", "object") == "object":
        changed.setdefault("additionalProperties", False)
    return changed
