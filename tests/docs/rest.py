"""The page of the REST interface, from the OpenAPI document."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from tests.docs.markdown import code, sentence, table

Node = Mapping[str, Any]
INTRODUCTION = """\
# REST interface

The service publishes this as OpenAPI at `/openapi.json`. Refusals are
[RFC 9457](https://www.rfc-editor.org/rfc/rfc9457) problems (`application/problem+json`) whose
`type` is `urn:demandlink:problem:` and the code. The codes of orders and deliveries stand in
[the runbook](../runbook.md); the others stand [below](#problem-codes).

Admin requests carry `Authorization: Bearer <key>`: `ADMIN_API_KEY`, or a key of its own. The key
decides the tenant. Reading needs the scope `read`, everything else `admin`. Every admin POST takes
an `Idempotency-Key`: the same key again gives the same answer, done once. Lists give `next`, the
`cursor` of the next page, and the same address as `Link: rel=next`.
"""
TAGS = {
    "orders": "Orders",
    "decisions": "Decisions",
    "tickets": "Tickets",
    "replays": "Replays",
    "events": "Deliveries",
    "audit": "Audit",
    "set-up": "Mappings, settings, connections",
    "webhooks": "Webhooks",
    "health": "Health checks",
}
ADMIN = "/admin"
COMPONENTS = "#/components/schemas/"


@cache
def document() -> Node:
    """The OpenAPI document of the application, without opening any part of it."""
    from app.main import create_app  # loads the whole service

    found: Node = create_app().openapi()
    return found


def page() -> str:
    whole = document()
    refusals = [[status, answer["description"]] for status, answer in _refusals(whole).items()]
    parts = [INTRODUCTION, "## Overview", _overview(whole)]
    parts += ["Every admin request may be refused with", table(["status", ""], refusals)]
    for tag, title in _tags(whole).items():
        parts.append(f"## {title}")
        parts += [_operation(whole, *one) for one in _operations(whole) if _tag(one[2]) == tag]
    parts += ["## Problem codes", _problems(), "## Schemas"]
    parts += [_schema(name, node) for name, node in _schemas(whole)]
    return "\n\n".join(parts)


def _operations(whole: Node) -> Iterator[tuple[str, str, Node]]:
    for path, methods in whole["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def _tag(operation: Node) -> str:
    return str((operation.get("tags") or ["other"])[0])


def _tags(whole: Node) -> dict[str, str]:
    """Every tag in use with its title, the known ones first."""
    used = [_tag(operation) for _, _, operation in _operations(whole)]
    known = {tag: title for tag, title in TAGS.items() if tag in used}
    return known | {tag: tag.capitalize() for tag in used if tag not in known}


def _overview(whole: Node) -> str:
    rows = [
        [f"[{method} {path}](#{operation['operationId']})", _first(operation)]
        for tag in _tags(whole)
        for method, path, operation in _operations(whole)
        if _tag(operation) == tag
    ]
    return table(["", ""], rows)


def _first(operation: Node) -> str:
    text = str(operation.get("description") or operation.get("summary") or "")
    return sentence(re.split(r"(?<=\.)\s", " ".join(text.split()))[0])


def _operation(whole: Node, method: str, path: str, operation: Node) -> str:
    told = sentence(str(operation.get("description") or operation.get("summary") or ""))
    parts = [f"### {operation['operationId']}", code(f"{method} {path}"), told]
    rows = [
        [code(one["name"]), one["in"], _type(one.get("schema", {})), one.get("description", "")]
        for one in operation.get("parameters", [])
    ]
    if rows:
        parts.append(table(["parameter", "in", "type", ""], rows))
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    if body:
        parts.append(f"Body: {_type(body['schema'])}.")
    known = _refusals(whole) if path.startswith(ADMIN) else {}
    answers = [
        _answer(status, answer)
        for status, answer in operation.get("responses", {}).items()
        if known.get(status) != answer
    ]
    parts.append(f"Answers: {'; '.join(answer.rstrip('.') for answer in answers)}.")
    return "\n\n".join(part for part in parts if part)


def _answer(status: str, answer: Node) -> str:
    if status.startswith("2"):
        body = _json(answer).get("schema", {})
        return f"{status} {_type(body) if body else 'without a body'}"
    return f"{status} {answer.get('description', '')}".strip()


def _refusals(whole: Node) -> dict[str, Node]:
    """The refusals that every admin operation has in common."""
    common: dict[str, Node] | None = None
    for _, path, operation in _operations(whole):
        if not path.startswith(ADMIN):
            continue
        here = {s: a for s, a in operation["responses"].items() if not s.startswith("2")}
        common = here if common is None else {s: a for s, a in common.items() if here.get(s) == a}
    return common or {}


def _json(answer: Node) -> Node:
    found: Node = answer.get("content", {}).get("application/json", {})
    return found


def _type(node: Node) -> str:
    """A schema in a few words, its components linked."""
    if "$ref" in node:
        name = node["$ref"].removeprefix(COMPONENTS)
        if name.startswith("Commerce"):
            return "a [Commerce event](commerce-events.md)"
        return f"[{name}](#schema-{name.lower()})"
    for many in ("anyOf", "oneOf", "allOf"):
        if many in node:
            return " or ".join(dict.fromkeys(_type(one) for one in node[many]))
    if "enum" in node:
        return " or ".join(code(str(one)) for one in node["enum"])
    if "const" in node:
        return code(str(node["const"]))
    kind = node.get("type", "anything")
    if isinstance(kind, list):
        return " or ".join(kind)
    if kind == "array":
        return f"list of {_type(node.get('items', {}))}"
    return f"{kind} ({node['format']})" if "format" in node else str(kind)


def _schemas(whole: Node) -> Iterator[tuple[str, Node]]:
    for name, node in sorted(whole["components"]["schemas"].items()):
        if not name.startswith("Commerce"):
            yield name, node


def _schema(name: str, node: Node) -> str:
    parts = [f"### Schema `{name}`", " ".join(str(node.get("description", "")).split())]
    required = node.get("required", [])
    rows = [
        [code(field), _type(inner), "" if field in required else "optional"]
        for field, inner in node.get("properties", {}).items()
    ]
    if rows:
        parts.append(table(["field", "type", ""], rows))
    elif "enum" in node:
        parts.append(f"One of {', '.join(code(str(one)) for one in node['enum'])}.")
    return "\n\n".join(part for part in parts if part)


def _problems() -> str:
    from app.api.problems import KINDS  # loads the web framework

    rows = [[code(name), str(kind.status), kind.title] for name, kind in KINDS.items()]
    return table(["code", "status", "means"], rows)
