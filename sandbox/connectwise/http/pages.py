"""The pages of records that people open in the browser, by the router that links in reports name.

Owns no more of them than shows which record a link led to: its fields, as the API tells them.
"""

from __future__ import annotations

import json
import re
from html import escape

from sandbox.connectwise.model import ConnectWise
from sandbox.connectwise.model.errors import Refusal
from sandbox.kit.wire import Reply, Request

ROUTER = re.compile(r"^/v4_6_release/services/system_io/router/openrecord\.rails$", re.IGNORECASE)
TABLES = {"servicefv": ("ticket", "Ticket"), "opportunityfv": ("opportunity", "Opportunity")}
HTML = (("content-type", "text/html; charset=utf-8"),)


def page(psa: ConnectWise, request: Request) -> Reply | None:
    """The page of a record; None where the address is none of a record."""
    if request.method != "GET" or not ROUTER.match(request.path):
        return None
    asked = {name.lower(): value for name, value in request.parameters.items()}
    table, called = TABLES.get(asked.get("recordtype", "").lower(), ("", "Record"))
    named = f"{called} {asked.get('recid', '')}"
    try:
        if not table or not asked.get("recid", "").isdigit():
            return _told(404, named, "There is no such record.")
        row = psa.engine.existing(table, int(asked["recid"]), None, psa.view())
    except Refusal:
        return _told(404, named, "There is no such record.")
    fields = json.dumps(psa.show(table, row), indent=2, ensure_ascii=False, default=str)
    return _told(200, named, fields)


def _told(status: int, named: str, text: str) -> Reply:
    title = escape(f"{named} in the simulated ConnectWise")
    body = f"<!doctype html><title>{title}</title><h1>{title}</h1><pre>{escape(text)}</pre>"
    return Reply(status, body.encode(), HTML)
