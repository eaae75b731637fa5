"""Settings that are on or off are pinned as text, however they are given."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from app.settings import Group, Settings, check, group_of, names_in
from app.settings.fields import Part


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


PARTS = {base: own for base in Settings.__bases__ if (own := base.__annotations__)}


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.__name__)
def test_a_part_holds_one_group_and_no_checks(part: type[Part]) -> None:
    assert issubclass(part, Part)
    assert len({group_of(name) for name in PARTS[part]}) == 1
    checks = part.__pydantic_decorators__
    assert not checks.field_validators
    assert not checks.model_validators


def test_each_setting_stands_in_one_part_and_each_group_in_one_place() -> None:
    """A name in two parts would be one setting, with the sentence of either."""
    declared = [name for part in reversed(PARTS) for name in PARTS[part]]
    assert declared == list(Settings.model_fields)
    assert declared == [name for group in Group for name in names_in(group)]
    assert len(PARTS) == len(Group)


def test_settings_cannot_be_changed_and_leave_what_they_do_not_know() -> None:
    settings = Settings(_env_file=None, nothing_of_ours="x")
    assert not hasattr(settings, "nothing_of_ours")
    with pytest.raises(ValidationError, match="frozen"):
        settings.port = 1  # type: ignore[misc]
    with pytest.raises(ValidationError, match="1 validation error for Settings\n"):
        check({"read_lag": -1})
