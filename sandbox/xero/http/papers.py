"""What hangs on a record: its history notes and its attached files.

Owns their limits (accounting.md 3.2 and 3.5).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from sandbox.xero.http.calls import Call, Result, body_of
from sandbox.xero.model.errors import Refusal, no_method, not_found, validation
from sandbox.xero.model.show import history as shown_note
from sandbox.xero.model.store import Row, View

LONGEST_NOTE = 2_500
MOST_FILES = 10
FORBIDDEN = re.compile(r'[<>:"/\\|?*+\x00-\x1f]')
MEGABYTE = 1024 * 1024


def _invalid(message: str) -> Refusal:
    return validation([{"ValidationErrors": [{"Message": message}]}])


def history(call: Call, row: Row) -> Result:
    own = str(row[call.resource.id])
    if call.reads:
        notes = call.view.find("history", "DocumentID", own)
        return Result({"HistoryRecords": [shown_note(note) for note in reversed(notes)]})
    if call.request.method != "PUT":
        raise no_method()
    body = body_of(call)
    given = body.get("HistoryRecords") if isinstance(body, Mapping) else None
    if not isinstance(given, list) or len(given) != 1 or not isinstance(given[0], Mapping):
        raise _invalid("One history record can be added at a time")
    details = given[0].get("Details")
    if not isinstance(details, str) or not 0 < len(details) <= LONGEST_NOTE:
        raise _invalid(f"Details must have 1 to {LONGEST_NOTE} characters")
    with call.books.write(call.access.app, call.access.user):
        note = call.books.note(own, "Note", details)
    return Result({"HistoryRecords": [shown_note(note)]})


def attachments(call: Call, row: Row, rest: list[str]) -> Result:
    own = str(row[call.resource.id])
    if call.reads and not rest:
        files = call.view.find("attachment", "DocumentID", own)
        return Result({"Attachments": [_shown(call, file) for file in files]})
    if call.reads:
        file = _named(call.view, own, rest[0])
        if file is None:
            raise not_found()
        return Result(raw=file["Content"], kind=file["MimeType"])
    if call.request.method not in {"PUT", "POST"} or not rest:
        raise no_method()
    with call.books.write(call.access.app, call.access.user):
        file = _attached(call, own, rest[0])
    return Result({"Attachments": [_shown(call, file)]})


def _named(view: View, own: str, name: str) -> Row | None:
    for file in view.find("attachment", "DocumentID", own):
        if name in {file["FileName"], file["AttachmentID"]}:
            return file
    return None


def _attached(call: Call, own: str, name: str) -> Row:
    """The file as it is kept. A name that is there already is overwritten."""
    if FORBIDDEN.search(name):
        raise _invalid("The file name holds characters that are not allowed")
    if not call.request.body:
        raise _invalid("The file is empty")
    most = call.books.switches.attachment_megabytes
    if len(call.request.body) > most * MEGABYTE:
        raise _invalid(f"The file is larger than {most} MB")
    there = call.books.store.find("attachment", "DocumentID", own)
    same = next((file for file in there if file["FileName"] == name), None)
    if same is None and len(there) >= MOST_FILES:
        raise _invalid(f"A document can have {MOST_FILES} attachments at most")
    key = same["AttachmentID"] if same else call.books.new_guid()
    online = call.request.parameters.get("IncludeOnline", "").lower() == "true"
    return call.books.put(
        "attachment",
        key,
        {
            "AttachmentID": key,
            "DocumentID": own,
            "FileName": name,
            "MimeType": call.request.headers.get("content-type") or "application/octet-stream",
            "Content": call.request.body,
            "IncludeOnline": online,
        },
    )


def _shown(call: Call, file: Row) -> dict[str, Any]:
    place = f"/{call.resource.name}/{file['DocumentID']}/Attachments/{quote(file['FileName'])}"
    return {
        "AttachmentID": file["AttachmentID"],
        "FileName": file["FileName"],
        "Url": f"https://api.xero.com/api.xro/2.0{place}",
        "MimeType": file["MimeType"],
        "ContentLength": len(file["Content"]),
        "IncludeOnline": file["IncludeOnline"],
    }
