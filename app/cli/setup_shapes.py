"""Mappings as JSON, under the names that the admin REST gives them. As `shapes.py`, for what is set up.

Owns nothing but the shape.
"""

from __future__ import annotations

from app.cli.shapes import Json, mapping
from app.domain.views import Stopped
from app.sync.setup import Mapped, Missing


def mapped(kept: Mapped) -> Json:
    return {
        **mapping(kept.row),
        "commerce_key": kept.row.commerce_key,  # whoever wrote it knows it
        "resumed": [_stopped(one) for one in kept.resumed],
        "looking": [_stopped(one) for one in kept.looking],
    }


def missing_mapping(one: Missing) -> Json:
    return {
        "kind": one.wanted.kind,
        "commerce_key": one.wanted.key,
        "sentence": one.sentence,
        "orders": [_stopped(order) for order in one.orders],
    }


def _stopped(row: Stopped) -> Json:
    return {"order": row.order, "connection": row.connection}
