"""Spans of what no webhook began: a person's replay, a letter; and an end without a collector."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from app.domain import traces
from app.domain.errors import RemoteFailure
from app.domain.letters import Letter
from app.domain.views import Replay, ReplayState
from app.store import replaying
from app.system import span_id, wall_ns
from app.telemetry import tracing
from tests.e2e.collector import Collector, collecting
from tests.mail_server import OFFICER, Desk, mail_server
from tests.unit.test_mail_client import mail

BEFORE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
NOW = datetime(2026, 11, 20, 14, 11, tzinfo=UTC)
LETTER = Letter(OFFICER, "Of Contoso", "Text.", "one.1@msp.example", NOW)


@contextmanager
def spans() -> Iterator[Collector]:
    with collecting() as collector:
        tracing.start(collector.url, {}, now=wall_ns, ids=span_id)
        try:
            yield collector
        finally:
            tracing.stop()


def test_a_replay_is_a_trace_of_its_own_linked_to_the_one_before() -> None:
    replay = Replay("r-1", 1, ReplayState.PLANNED, "why", "anna", NOW, NOW, ())
    standing = [
        {"id": 7, "name": "ON1", "trace": BEFORE, "wake_seq": 1},
        {"id": 8, "name": "ON2", "trace": None, "wake_seq": 1},
    ]
    with spans() as collector:
        replaying.told(replay, standing, tracing.now())
        tracing.stop()
    first, second = sorted(collector.spans, key=lambda one: one.attributes["demandlink.order"])
    assert first.trace == traces.trace_id(traces.of_replay("r-1", 7)) != second.trace
    assert (first.name, first.parent) == ("replay", "")
    assert first.links == (traces.parts(BEFORE),)
    assert second.links == ()
    assert first.attributes == {"demandlink.replay": "r-1", "demandlink.order": "ON1"}
    # What is done for the order from then on stands below it.
    assert traces.parts(traces.of_replay("r-1", 7)) == (first.trace, first.span)


async def test_a_letter_is_a_call_below_its_step_and_names_nobody() -> None:
    with spans() as collector:
        async with mail_server() as desk:
            with tracing.span("step mail_suggestion"):
                await mail(desk.port).send(LETTER)
        refusing = Desk(recipient={OFFICER: f"550 5.1.1 <{OFFICER}> no such user"})
        async with mail_server(refusing):
            with pytest.raises(Exception, match="550"):
                await mail(refusing.port).send(LETTER)
        tracing.stop()
    sent, step, refused = collector.spans
    assert (sent.name, sent.parent, sent.trace) == ("mail SEND", step.span, step.trace)
    assert sent.attributes["smtp.status"] == 250
    assert refused.attributes["smtp.stage"] == "recipient"
    assert OFFICER not in repr(collector.spans)
    assert "Contoso" not in repr(collector.spans)


async def test_a_letter_without_a_collector_is_sent_all_the_same() -> None:
    assert not tracing.on()
    with pytest.raises(RemoteFailure):
        await mail(1).send(LETTER)


@pytest.mark.parametrize("collector", ["refuses", "never answers"])
def test_a_dead_collector_keeps_nobody_from_stopping(collector: str) -> None:
    """Well within the 40 seconds that a process is given to end."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        if collector == "refuses":
            server.close()
        tracing.start(f"http://127.0.0.1:{port}", {}, now=wall_ns, ids=span_id)
        for _ in range(600):
            with tracing.span("work"):
                pass
        began = time.monotonic()
        tracing.stop()
        assert time.monotonic() - began < 25
        assert not tracing.on()
