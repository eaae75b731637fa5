"""The log of every request and answer, bounded by entries and by bytes.

Bodies are kept as they were sent and parsed only when the log is read.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from typing import Any

ENTRIES = 200_000
BYTES = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Entry:
    """One request and its answer. Status 0: there was no answer, and `fault` says why."""

    number: int
    moment: datetime
    method: str
    path: str
    query: dict[str, str]
    body: bytes
    status: int
    response: bytes
    member: str
    fault: str | None
    is_json: bool  # the answer is JSON on one line, and needs no reading to be shown
    client: str = ""  # the client id that came with the request
    changed: Sequence[
        tuple[str, int | str, Any]
    ] = ()  # (table, id, row or None) that a write touched

    @property
    def size(self) -> int:
        return len(self.body) + len(self.response) + 400

    def line(self) -> bytes:
        """The entry as one line of JSON."""
        head: dict[str, Any] = {
            "n": self.number,
            "t": self.moment.isoformat().replace("+00:00", "Z"),
            "method": self.method,
            "path": self.path,
            "query": self.query,
            "status": self.status,
            "member": self.member,
        }
        if self.fault is not None:
            head["fault"] = self.fault
        if self.client:
            head["client"] = self.client
        if self.changed:
            head["changed"] = [
                {"table": table, "id": number, "row": row} for table, number, row in self.changed
            ]
        text = json.dumps(head, separators=(",", ":"), default=str).encode()
        return (
            text[:-1]
            + b',"body":'
            + _raw(self.body)
            + b',"response":'
            + (self.response if self.is_json and self.response else _raw(self.response))
            + b"}"
        )


def _raw(body: bytes) -> bytes:
    """A JSON body as it is; anything else as a JSON string; nothing as null."""
    if not body:
        return b"null"
    try:
        return json.dumps(json.loads(body), separators=(",", ":")).encode()
    except ValueError:
        return json.dumps(body.decode(errors="replace")).encode()


class RequestLog:
    """Entries in the order in which they took effect."""

    def __init__(self, entries: int = ENTRIES, size: int = BYTES) -> None:
        self._entries: deque[Entry] = deque()
        self._most = entries
        self._most_bytes = size
        self._bytes = 0
        self._next = 1

    def add(
        self,
        moment: datetime,
        method: str,
        path: str,
        query: dict[str, str],
        body: bytes,
        status: int,
        response: bytes,
        member: str = "",
        fault: str | None = None,
        is_json: bool = False,
        client: str = "",
        changed: Sequence[tuple[str, int | str, Any]] = (),
    ) -> None:
        entry = Entry(
            self._next, moment, method, path, query, body, status, response, member, fault,
            is_json, client, changed,
        )  # fmt: skip
        self._next += 1
        self._entries.append(entry)
        self._bytes += entry.size
        while len(self._entries) > self._most or self._bytes > self._most_bytes:
            self._bytes -= self._entries.popleft().size

    def after(self, number: int = 0) -> Iterator[Entry]:
        """The entries with a higher number, oldest first."""
        newer = takewhile(lambda entry: entry.number > number, reversed(self._entries))
        return reversed(list(newer))

    def clear(self) -> None:
        """Forgets the entries. Numbers go on rising, so `after` stays meaningful."""
        self._entries.clear()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._entries)
