"""The vendor's reconstructed OpenAPI document, where it lies beside the checkout.

Finds the operation of a logged request and checks the request's body and the answer's against it,
more strictly than the document alone: a field that a schema does not name is a fault too.
"""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

CONTRACTS = Path(__file__).parents[3] / "shared" / "contracts"
DOCUMENT = CONTRACTS / "connectwise.openapi.json"


class Contract:
    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        schemas = {
            name: tightened(schema) for name, schema in document["components"]["schemas"].items()
        }
        # An interface: what stands there is a record of some kind, with more than its id.
        schemas.get("IRestIdentifiedItem", {}).pop("additionalProperties", None)
        self.strict = schemas
        self.loose = {
            name: {key: value for key, value in schema.items() if key != "required"}
            for name, schema in schemas.items()
        }
        self.paths = [
            (re.compile("^" + pattern_of(path.rstrip("/")) + "/?$"), path)
            for path in sorted(document["paths"], key=lambda path: path.count("{"))
        ]
        self.seen: set[tuple[str, str]] = set()

    @classmethod
    def load(cls, name: str = DOCUMENT.name) -> Contract | None:
        document = CONTRACTS / name
        return cls(json.loads(document.read_text())) if document.exists() else None

    def operation(self, method: str, path: str) -> tuple[str, dict[str, Any]] | None:
        for pattern, template in self.paths:
            found = self.document["paths"][template].get(method.lower())
            if found is not None and pattern.match(path):
                return template, found
        return None

    def faults_of(self, entry: dict[str, Any]) -> list[str]:
        """What is wrong with a logged request and its answer; nothing for an unlisted path."""
        found = self.operation(entry["method"], entry["path"])
        if found is None:
            return []
        template, operation = found
        self.seen.add((entry["method"], template))
        where = f"{entry['method']} {entry['path']}"
        faults = []
        status = entry["status"]
        # 207: a bulk request may hold bad entries, each answered for itself.
        if status < 300 and status != 207 and "requestBody" in operation:
            schema = schema_of(operation["requestBody"])
            faults += self.check(schema, entry["body"], f"{where} request", required=True)
        answers = operation["responses"]
        if status == 429:
            return faults
        answer = answers.get(str(status))
        if answer is None:
            return [*faults, f"{where}: the status {status} is not described"]
        if entry["response"] is not None and "content" in answer:
            required = "fields" not in entry["query"]
            faults += self.check(schema_of(answer), entry["response"], f"{where} answer", required)
        elif status < 300 and status != 204 and entry["response"] is None:
            faults.append(f"{where}: an empty answer")
        return faults

    def check(self, schema: dict[str, Any], value: Any, where: str, required: bool) -> list[str]:
        root = copy.copy(schema)
        root["components"] = {"schemas": self.strict if required else self.loose}
        return [
            f"{where} {error.json_path}: {error.message[:200]}"
            for error in Draft202012Validator(root).iter_errors(value)
        ]


def pattern_of(path: str) -> str:
    numbers = re.sub(r"\{(id|parentId)\}", r"\\d+", path)
    return re.sub(r"\{\w+\}", "[^/]+", numbers)


def schema_of(described: dict[str, Any]) -> dict[str, Any]:
    (content,) = described["content"].values()
    schema: dict[str, Any] = tightened(content["schema"])
    return schema


def tightened(schema: Any) -> Any:
    """OpenAPI 3.0 to JSON Schema, with no fields beyond those that are named."""
    if isinstance(schema, list):
        return [tightened(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    changed = {key: tightened(value) for key, value in schema.items()}
    if changed.get("type") == "integer" and "enum" in changed:
        # Commerce's document names integer codes as "2 - Approved".
        changed["enum"] = [
            int(one.partition(" ")[0]) if isinstance(one, str) else one for one in changed["enum"]
        ]
    if changed.pop("nullable", False) is True and isinstance(changed.get("type"), str):
        changed["type"] = [changed["type"], "null"]
        if "enum" in changed:
            changed["enum"] = [*changed["enum"], None]
    if changed == {"type": "object"}:
        return {}  # .NET's `object`: any value at all
    named = isinstance(changed.get("properties"), dict)
    if named and changed.get("type", "object") == "object":
        changed.setdefault("additionalProperties", False)
    return changed
