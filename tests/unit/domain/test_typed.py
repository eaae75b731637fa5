"""Documents are read once, and anew as soon as anything of them is another."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from app.domain import typed as reading
from app.domain.documents import Kind
from app.domain.json_values import dumps, loads
from app.domain.typed import typed
from app.domain.versions import Stored, incoming
from tests.builders import line, sales_order


def stored(**more: Any) -> Stored:
    body = sales_order([line(1)], **more)
    return incoming(Kind.SALES_ORDER, str(body["id"]), loads(dumps(body)))


def test_a_document_that_stays_what_it_is_is_read_once() -> None:
    assert typed(stored()) is typed(copy.deepcopy(stored()))


def test_what_another_version_carried_beside_it_is_seen() -> None:
    """Extras have ranks of their own, so the document's rank alone does not tell it."""
    bare, told = stored(), stored()
    told.extras["total"] = [told.rank, 12]
    assert typed(bare).model_dump()["total"] != 12
    assert typed(told).model_dump()["total"] == 12
    assert typed(bare).model_dump()["total"] != 12


def test_a_later_version_is_read() -> None:
    assert typed(stored(reference="one")) != typed(stored(notes="two"))


def test_no_more_are_kept_than_have_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST", 3)
    known: dict[Any, Any] = {}
    monkeypatch.setattr(reading, "_known", known)
    for number in range(10):
        typed(stored(reference=f"note {number}"))
    assert len(known) == 3
