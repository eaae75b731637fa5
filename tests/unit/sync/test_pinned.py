"""H8: an order keeps the scenario that it started with, also when the file is another one by now."""

from __future__ import annotations

from typing import Any, cast

from app.bootstrap.chosen import earlier, scenarios
from app.sync.engine import Engine
from tests.builders import order_row, snapshot

NAME = "connectwise-managed"


def _served_before() -> list[tuple[str, int, str]]:
    """The file of today as it was served a version ago, without its last step."""
    today = scenarios()[NAME]
    body = today.body.split("# The same by e-mail")[0].replace("version = 2", "version = 1")
    return [(NAME, 1, body), (NAME, today.version, today.body)]


def _engine(kept: list[tuple[str, int, str]]) -> Engine:
    nothing = cast(Any, None)
    known = scenarios()
    return Engine(
        store=nothing,
        cw=nothing,
        clock=nothing,
        chance=nothing,
        checkpoints=nothing,
        scenarios=known,
        earlier=earlier(kept, known),
        defaults={"scenario": NAME},
    )


def _steps(engine: Engine, name: str | None, version: int | None) -> list[str]:
    found = snapshot({}, row=order_row(scenario=name, scenario_version=version))
    return [use.name for use in engine.scenario_of(found).steps]


def test_h8_an_order_in_flight_follows_the_version_that_it_was_pinned_to():
    engine = _engine(_served_before())
    assert "mail_suggestion" not in _steps(engine, NAME, 1)
    assert "mail_suggestion" in _steps(engine, NAME, 2)
    assert "mail_suggestion" in _steps(engine, None, None), "a new one follows the present file"


def test_h8_an_order_whose_scenario_is_served_no_more_goes_on():
    kept = [
        (
            "own",
            3,
            _served_before()[0][2].replace(NAME, "own").replace("version = 1", "version = 3"),
        )
    ]
    assert _steps(_engine(kept), "own", 3)[0] == "raise_ticket"


def test_a_text_that_this_release_cannot_read_is_left_out():
    kept = [(NAME, 1, _served_before()[0][2].replace("raise_ticket", "ring_a_bell"))]
    assert earlier(kept, scenarios()) == {}
    assert "mail_suggestion" in _steps(_engine(kept), NAME, 1)
