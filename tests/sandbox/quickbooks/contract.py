"""The derived OpenAPI document of QuickBooks, where it lies beside the checkout.

Holds logged requests and answers against it, with no field beyond those that it names. It has no
payments and no query by POST: those are not checked.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from tests.sandbox.contract import schema_of, tightened

DOCUMENT = Path(__file__).parents[4] / "shared" / "contracts" / "quickbooks.openapi.json"
BY_GATEWAY = (401, 429)  # their bodies come in other keys than the document says
UNLISTED = ("BillPayment", "Payment")


class QuickBooksContract:
    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self.schemas = {
            name: tightened(schema) for name, schema in document["components"]["schemas"].items()
        }
        self.paths = {
            path: re.compile("^" + re.sub(r"\{\w+\}", "[^/]+", path) + "$")
            for path in document["paths"]
        }
        self.seen: set[tuple[str, str]] = set()

    def faults_of(self, entry: dict[str, Any]) -> list[str]:
        if entry.get("fault") is not None or entry["status"] in {0, *BY_GATEWAY}:
            return []
        found = self._operation(entry["method"], entry["path"])
        if found is None:
            return []
        template, operation = found
        self.seen.add((entry["method"], template))
        where = f"{entry['method']} {entry['path']}"
        faults: list[str] = []
        if entry["status"] == 200 and "Fault" not in entry["response"]:
            faults += self._request(operation, entry, where)
        answer = operation["responses"].get(str(entry["status"]))
        if answer is None:
            return [*faults, f"{where}: the status {entry['status']} is not described"]
        if any(name in (entry["response"].get("QueryResponse") or ()) for name in UNLISTED):
            return faults
        return faults + self._check(schema_of(answer), entry["response"], f"{where} answer")

    def _operation(self, method: str, path: str) -> tuple[str, dict[str, Any]] | None:
        for template, pattern in self.paths.items():
            operation = self.document["paths"][template].get(method.lower())
            if operation is not None and pattern.match(path):
                return template, operation
        return None

    def _request(self, operation: dict[str, Any], entry: dict[str, Any], where: str) -> list[str]:
        if "requestBody" not in operation or not isinstance(entry["body"], dict):
            return []
        schema = schema_of(operation["requestBody"])
        name = schema.get("$ref", "").rpartition("/")[2]
        wanted = f"{name}Create"
        if entry["query"].get("operation"):
            schema = {"$ref": "#/components/schemas/DeleteOrVoid"}
            return self._check(schema, entry["body"], f"{where} request")
        faults = self._check(schema, entry["body"], f"{where} request")
        if "Id" not in entry["body"] and wanted in self.schemas:
            required = self.schemas[wanted]["allOf"][1]["required"]
            faults += [
                f"{where} request: no {each}" for each in required if each not in entry["body"]
            ]
        return faults

    def _check(self, schema: dict[str, Any], value: Any, where: str) -> list[str]:
        root = dict(schema) | {"components": {"schemas": self.schemas}}
        return [
            f"{where} {error.json_path}: {error.message[:200]}"
            for error in Draft202012Validator(root).iter_errors(value)
        ]


CONTRACT = QuickBooksContract(json.loads(DOCUMENT.read_text())) if DOCUMENT.exists() else None
