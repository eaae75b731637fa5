"""Trace contexts: read as W3C writes them, and the same for the same delivery."""

from __future__ import annotations

import pytest

from app.domain import traces

SENDER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"


def test_a_delivery_stands_in_its_senders_trace_with_a_span_of_its_own() -> None:
    own = traces.of_delivery("commerce:default:msg_1", b"{}", SENDER)
    assert traces.trace_id(own) == traces.trace_id(SENDER)
    assert traces.parts(own) != traces.parts(SENDER)


def test_the_same_delivery_has_the_same_context_and_another_body_another() -> None:
    first = traces.of_delivery("commerce:default:msg_1", b"{}", None)
    assert first == traces.of_delivery("commerce:default:msg_1", b"{}", None)
    assert first != traces.of_delivery("commerce:default:msg_1", b"[]", None)
    assert traces.trace_id(traces.of_merge(first)) == traces.trace_id(first)
    assert traces.of_merge(first) != first
    assert traces.of_merge(None) is None


@pytest.mark.parametrize(
    "told",
    [
        "",
        "nonsense",
        "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        "00-0AF7651916CD43DD8448EB211C80319C-B7AD6B7169203331-01",
    ],
)
def test_what_is_not_a_context_begins_a_trace_of_its_own(told: str) -> None:
    own = traces.of_delivery("commerce:default:msg_1", b"{}", told)
    assert own == traces.of_delivery("commerce:default:msg_1", b"{}", None)
