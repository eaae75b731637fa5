"""Settings that are on or off are pinned as text, however they are given."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from app.settings import Settings, check


@pytest.mark.parametrize(
    ("given", "kept"),
    [("true", "true"), ("True", "true"), (True, "true"), ("false", "false"), (False, "false")],
)
def test_on_and_off_are_kept_as_text(given: Any, kept: str) -> None:
    assert check({"lost_on_decline": given}) == {"lost_on_decline": kept}
    assert Settings(_env_file=None, lost_on_decline=given).lost_on_decline == kept


@pytest.mark.parametrize("given", ["yes", "1", "", 1, 0, None, "declined"])
def test_anything_else_is_refused(given: Any) -> None:
    with pytest.raises(ValidationError):
        check({"lost_on_decline": given})
    with pytest.raises(ValidationError):
        Settings(_env_file=None, lost_on_decline=given)


def test_it_is_off_unless_somebody_sets_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings(_env_file=None).lost_on_decline == "false"
    monkeypatch.setenv("LOST_ON_DECLINE", "TRUE")
    assert Settings(_env_file=None).lost_on_decline == "true"


def test_stored_settings_are_checked_without_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is set there, and would be refused, is no fault of what is stored."""
    monkeypatch.setenv("CONNECTWISE_TIMEOUT", "nonsense")
    monkeypatch.setenv("READ_LAG", "7")
    assert check({"read_lag": 3}) == {"read_lag": 3.0}
