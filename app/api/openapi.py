"""The service's OpenAPI document: the admin REST as FastAPI sees it, plus the webhook doors.

Owns what FastAPI cannot see: the raw endpoints, the Commerce events under `webhooks`, the key, and
problems in place of FastAPI's own error form. Must not describe what is not served.
"""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from app.api import lists
from app.api.examples import examples
from app.api.models import ProblemBody
from app.sync.contract_fields import schema

_DEFINITIONS = "#/$defs/"
_COMPONENTS = "#/components/schemas/"
_PREFIX = "Commerce"
_KEPT = (
    "The same key again: the same answer, done once. Where the process died before it answered, the "
    "request may be sent again with its key after two minutes."
)
_NOT_KEPT = (
    "The answer is kept nowhere: the same key again while the request is worked on is refused, and "
    "later shows, and records, once more."
)


def describe(app: FastAPI) -> dict[str, Any]:
    """The document, built once for an application."""
    if app.openapi_schema is not None:
        return app.openapi_schema
    document = get_openapi(
        title=app.title,
        version=app.version,
        description=app.description,
        routes=app.routes,
        openapi_version="3.1.0",
    )
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    schemas[ProblemBody.__name__] = ProblemBody.model_json_schema()
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    components["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            _finish(path, method, operation)
    events, bodies = _events()
    schemas.update(events)
    document["paths"].update(_doors())
    document["webhooks"] = bodies
    app.openapi_schema = document
    return document


def _finish(path: str, method: str, operation: dict[str, Any]) -> None:
    if not path.startswith("/admin"):
        return
    operation["security"] = [{"key": []}]
    if method == "post":
        once = _header("Idempotency-Key", _NOT_KEPT if path.endswith("/reveal") else _KEPT)
        operation.setdefault("parameters", []).append({**once, "required": False})


def _events() -> tuple[dict[str, Any], dict[str, Any]]:
    """Schemas of the Commerce documents, and one webhook for each event type."""
    published = schema()
    schemas = {f"{_PREFIX}{name}": _moved(node) for name, node in published["$defs"].items()}
    names: list[str] = []
    bodies: dict[str, Any] = {}
    for branch in published["oneOf"]:
        types = branch["properties"]["type"]["enum"]
        name = (
            f"{_PREFIX}Event{''.join(part.title() for part in types[0].split('.')[0].split('_'))}"
        )
        name = name if name not in schemas else f"{name}Received"
        schemas[name] = _moved(branch)
        names.append(name)
        for event_type in types:
            bodies[event_type] = {"post": _event(event_type, name)}
    schemas[f"{_PREFIX}Event"] = {
        "description": published["description"],
        "oneOf": [{"$ref": f"{_COMPONENTS}{name}"} for name in names],
    }
    return schemas, bodies


def _event(event_type: str, name: str) -> dict[str, Any]:
    told = {
        title.removeprefix(event_type).strip(" ()") or "example": {"value": body}
        for title, body in examples().items()
        if body["type"] == event_type
    }
    content: dict[str, Any] = {"schema": {"$ref": f"{_COMPONENTS}{name}"}}
    if told:
        content["examples"] = told
    return {
        "operationId": f"event_{event_type.replace('.', '_')}",
        "summary": f"Commerce tells {event_type}",
        "description": "Posted to /webhooks/commerce, signed by Standard Webhooks.",
        "requestBody": {"required": True, "content": {"application/json": content}},
        "responses": _answers(503),
    }


def _moved(node: Any) -> Any:
    if isinstance(node, dict):
        return {
            key: f"{_COMPONENTS}{_PREFIX}{item.removeprefix(_DEFINITIONS)}"
            if key == "$ref" and isinstance(item, str)
            else _moved(item)
            for key, item in node.items()
        }
    if isinstance(node, list):
        return [_moved(item) for item in node]
    return node


def _doors() -> dict[str, Any]:
    signature = [
        _header("webhook-id", "Counts the delivery once; at most 256 printable ASCII characters."),
        _header("webhook-timestamp", "Seconds since 1970, at most 5 minutes off."),
        _header("webhook-signature", "`v1,` and the signature; several with blanks between."),
    ]
    event = {"application/json": {"schema": {"$ref": f"{_COMPONENTS}{_PREFIX}Event"}}}
    callback = {"application/json": {"schema": {"type": "object", "additionalProperties": True}}}
    named = _path("connection", "A connection of this service.")
    token = _path("token", "CONNECTWISE_CALLBACK_TOKEN.")
    signed = _header("x-content-signature", "Base64 of the HMAC (connectwise.md 2.5).")
    return {
        "/webhooks/quickbooks": {"post": _ledger("quickbooks", "QuickBooks", "intuit-signature")},
        "/webhooks/xero": {"post": _ledger("xero", "Xero", "x-xero-signature")},
        "/webhooks/commerce": {
            "post": _door("receive_commerce", "A Commerce event", signature, event, 503)
        },
        "/webhooks/commerce/{connection}": {
            "post": _door(
                "receive_commerce_named",
                "A Commerce event of a named connection",
                [named, *signature],
                event,
                503,
            )
        },
        "/webhooks/connectwise/{token}": {
            "post": _door(
                "receive_connectwise", "A ConnectWise callback", [token, signed], callback, 429
            )
        },
    }


def _ledger(system: str, name: str, header: str) -> dict[str, Any]:
    """Answered with a status alone, as both vendors want it."""
    said = {
        200: "Kept, after the commit; also where nothing follows from it.",
        401: "The signature does not fit; nothing is kept.",
        405: "Deliveries are posted.",
        413: "More than 1 MiB.",
        503: "Nothing was kept; send again.",
    }
    body = {"application/json": {"schema": {"description": f"What {name} sends."}}}
    return {
        "tags": ["webhooks"],
        "operationId": f"receive_{system}",
        "summary": f"Records that changed in {name}",
        "parameters": [_header(header, "Base64 of the HMAC-SHA256 of the raw body.")],
        "requestBody": {"required": True, "content": body},
        "responses": {str(status): {"description": text} for status, text in said.items()},
    }


def _door(
    operation: str, summary: str, parameters: list[Any], content: Any, away: int
) -> dict[str, Any]:
    return {
        "tags": ["webhooks"],
        "operationId": operation,
        "summary": summary,
        "parameters": parameters,
        "requestBody": {"required": True, "content": content},
        "responses": _answers(away),
    }


def _answers(away: int) -> dict[str, Any]:
    kept = {
        "type": "object",
        "required": ["event_id", "duplicate"],
        "properties": {"event_id": {"type": "integer"}, "duplicate": {"type": "boolean"}},
    }
    example = {"event_id": 17, "duplicate": False}
    found: dict[str, Any] = {
        "202": {
            "description": "Kept, after the commit. `duplicate`: it was kept before.",
            "content": {"application/json": {"schema": kept, "example": example}},
        },
        "401": lists.refusal("SIGNATURE_REFUSED or TIMESTAMP_OUTSIDE_WINDOW; nothing is kept."),
        "405": lists.refusal("Deliveries are posted (METHOD_NOT_ALLOWED)."),
        "413": lists.refusal("More than 1 MiB (BODY_TOO_LARGE)."),
        "422": lists.refusal("BODY_NOT_JSON or BODY_NOT_VALID: kept as rejected, id not burnt."),
    }
    service_unavailable = 503
    if away == service_unavailable:
        found["404"] = lists.refusal("No such connection (CONNECTION_UNKNOWN).")
        found["409"] = lists.refusal("The id came with another body (ID_REUSED).")
        found["503"] = lists.refusal("Nothing was kept; send again (DATABASE_UNAVAILABLE).")
    else:
        found["429"] = lists.refusal("Send again: DATABASE_UNAVAILABLE or KEY_UNREACHABLE.")
    return found


def _header(name: str, description: str) -> dict[str, Any]:
    schema = {"type": "string"}
    where = {"name": name, "in": "header", "required": True}
    return {**where, "description": description, "schema": schema}


def _path(name: str, description: str) -> dict[str, Any]:
    schema = {"type": "string"}
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": description,
        "schema": schema,
    }
