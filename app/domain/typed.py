"""Stored documents as typed values, each read once for as long as it stays what it is.

An order is loaded before each of its steps, and most of its documents are then what they were.
Owns what was read last; a document that differs in anything is read anew.
"""

from __future__ import annotations

from app.domain.documents import Document, Kind, parse
from app.domain.versions import Stored

MOST = 1024  # documents that are kept, the oldest go first

_known: dict[tuple[Kind, str, str], tuple[Stored, Document]] = {}


def typed(stored: Stored) -> Document:
    """The whole document. It is shared, which frozen values may be. Raises
    pydantic.ValidationError naming each wrong field."""
    place = (stored.kind, stored.source_id, str(stored.rank))
    found = _known.get(place)
    if found is not None and found[0] == stored:
        return found[1]
    document = parse(stored.kind, stored.body())
    _known.pop(place, None)
    while len(_known) >= MOST:
        del _known[next(iter(_known))]
    _known[place] = (stored, document)
    return document
