"""Log lines: one JSON object each, with the correlation id, without secrets and personal data."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from app import telemetry


@pytest.fixture
def lines() -> Iterator[Any]:
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    stream = io.StringIO()
    telemetry.configure("INFO", stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.handlers[:], root.level = before[0], before[1]
    structlog.reset_defaults()


def test_a_line_holds_its_event_its_fields_and_the_correlation_id(lines: Any) -> None:
    with telemetry.correlated("abc", order="ON1"):
        assert telemetry.correlation_id() == "abc"
        telemetry.wide("step_attempt", step="win_opportunity", state="done", code=None)
    assert telemetry.correlation_id() is None
    (line,) = lines()
    assert line["event"] == "step_attempt"
    assert (line["correlation_id"], line["order"], line["step"]) == (
        "abc",
        "ON1",
        "win_opportunity",
    )
    assert "code" not in line
    assert line["timestamp"].endswith("Z")


@pytest.mark.parametrize(
    "name",
    [
        "authorization",
        "Authorization",
        "api_key",
        "apiKey",
        "token",
        "callback_token",
        "secret",
        "password",
        "email",
        "ownerEmail",
        "phone",
        "first_name",
        "lastName",
        "key",
        "cookie",
    ],
)
def test_a_field_that_may_hold_a_secret_or_a_person_is_never_written(lines: Any, name: str) -> None:
    fields: dict[str, Any] = {name: "the value", "nested": {"deeper": [{name: "the value"}]}}
    telemetry.wide("told", **fields)
    assert "the value" not in json.dumps(lines())


@pytest.mark.parametrize("name", ["order", "key_url", "step", "status", "monkeys_seen"])
def test_other_fields_are_written(lines: Any, name: str) -> None:
    fields: dict[str, Any] = {name: "the value"}
    telemetry.wide("told", **fields)
    assert lines()[0][name] == "the value"


@pytest.mark.parametrize(
    "text",
    [
        "whsec_dGhlIHNlY3JldA==",
        "Basic dGhlIHNlY3JldDp2YWx1ZQ==",
        "postgresql://user:s3cret@host/name",
        "dana.lee@contoso.example",
    ],
)
def test_secrets_inside_texts_and_exceptions_are_removed(lines: Any, text: str) -> None:
    log = telemetry.logger("test")
    try:
        int(f"refused {text} here")
    except ValueError:
        log.exception("failed", detail=f"seen {text}")
    written = json.dumps(lines())
    assert "refused" in written
    for part in ("s3cret", "dGhl", "dana.lee"):
        assert part not in written


def test_lines_of_the_standard_library_go_the_same_way(lines: Any) -> None:
    logging.getLogger("some.library").warning("called %s", "redis://:pass@host/0")
    (line,) = lines()
    assert line["level"] == "warning"
    assert "pass" not in json.dumps(line)


def test_configuring_twice_does_not_double_lines() -> None:
    stream = io.StringIO()
    root = logging.getLogger()
    before = root.handlers[:]
    for _ in range(2):
        telemetry.configure("INFO", stream)
    telemetry.wide("once")
    root.handlers[:] = before
    structlog.reset_defaults()
    assert len(stream.getvalue().splitlines()) == 1
