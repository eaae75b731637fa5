"""Scenario files and settings of any kind are taken, or refused with a sentence; never a traceback."""

from __future__ import annotations

import copy
import json
import re
import tomllib
from collections.abc import Mapping
from importlib import resources
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from typer.testing import CliRunner

from app import cli
from app.bootstrap.chosen import (
    access_of,
    check_start,
    defaults_of,
    limits_of,
    mail_of,
    pace_of,
    scenario_of,
    scenarios,
    seed_of,
    sweep_pace_of,
)
from app.cli.frame import expected
from app.domain.order import build
from app.domain.scenario import ScenarioInvalid, forbidden
from app.settings import Group, Settings, check, names_in
from app.system import SystemClock
from tests import builders as b
from tests.fuzz import mutations

FILES = {
    entry.name: entry.read_text("utf-8")
    for entry in resources.files("app.scenarios").iterdir()
    if entry.name.endswith(".toml")
}


def toml(value: Mapping[str, Any]) -> str:
    """A scenario's tables as TOML, whatever stands in them."""
    if not isinstance(value, dict):
        return _value(value)
    tables = {
        key: item for key, item in value.items() if isinstance(item, (dict, list)) and key != ""
    }
    lines = [f"{_key(key)} = {_value(item)}" for key, item in value.items() if key not in tables]
    for key, item in tables.items():
        if key == "step" and isinstance(item, list) and all(isinstance(x, dict) for x in item):
            for step in item:
                lines += ["[[step]]", *(f"{_key(k)} = {_value(v)}" for k, v in step.items())]
        elif isinstance(item, dict):
            lines += [f"[{_key(key)}]", *(f"{_key(k)} = {_value(v)}" for k, v in item.items())]
        else:
            lines.insert(0, f"{_key(key)} = {_value(item)}")
    return "\n".join(lines)


def _key(key: object) -> str:
    return json.dumps(str(key))


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(k)} = {_value(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    if value is None:
        return "1979-05-27"
    return json.dumps(value).replace("NaN", "nan").replace("Infinity", "inf")


ODD_TOML: st.SearchStrategy[Any] = st.sampled_from(
    ("", " ", "x" * 3000, "ж", "a\nb", 0, -1, 2**70, 1.5, float("nan"), float("inf"), True, None, [],
     {}, [[]], ["create_products"], {"name": "x"}, "raise_ticket", "commerce", "chosen", "on_issue")
)  # fmt: skip


@st.composite
def scenario_texts(draw: st.DrawFn) -> str:
    text = FILES[draw(st.sampled_from(sorted(FILES)))]
    if draw(st.integers(0, 4)) == 0:
        at = draw(st.integers(0, len(text)))
        put = draw(
            st.sampled_from(("", "\x00", "[", '"', "=", "\n[[step]]\n", "é", "\ud800", "'''"))
        )
        return text[:at] + put + text[at + draw(st.sampled_from((0, 1, 40))) :]
    raw = copy.deepcopy(tomllib.loads(text))
    raw["defaults"] = {**raw.get("defaults", {}), "rounding_limit": "0.05"}
    return toml(draw(mutations.mutated(raw, ODD_TOML)))


@mutations.examples(60)
@given(text=scenario_texts())
def test_a_changed_scenario_file_is_valid_or_refused_with_a_sentence(text: str) -> None:
    try:
        scenario = scenario_of(text.encode("utf-8", "surrogatepass"))
        check_start_of(scenario)
    except ScenarioInvalid as refused:
        told = expected(refused)
        assert told is not None
        assert "scenario" in told.sentence


def check_start_of(scenario: Any) -> None:
    """What rests on a scenario at start and at each decision."""
    defaults = defaults_of(Settings())
    sentence = forbidden(scenario, {**defaults, **scenario.defaults})
    assert sentence is None or sentence.endswith(".")
    view_of({**defaults, **scenario.defaults})


def view_of(settings: Mapping[str, Any]) -> None:
    """What every decision does with settings: a value that fails here fails for every order."""
    build(b.snapshot(b.merged(b.ordered())), {**b.SETTINGS, **settings})


def test_a_default_of_a_scenario_is_checked_like_the_setting_itself() -> None:
    text = FILES["connectwise-invoicing.toml"]
    wrong = re.sub('invoice_policy = "[a-z_]+"', 'invoice_policy = "soon"', text)
    assert wrong != text
    with pytest.raises(ScenarioInvalid, match="the default of invoice_policy is wrong"):
        scenario_of(wrong.encode())
    with pytest.raises(ScenarioInvalid, match="UTF-8"):
        scenario_of(text.encode("utf-16"))


GIVEN = st.sampled_from(
    ("", " ", "0", "-1", "1", "1e308", "inf", "-inf", "nan", "9" * 400, "1_000", "0x10", "true", "null",
     "ж", "{", "}", "{}", "{number.__class__}", "{0}", "%s", "a,b,,c", "http://", "http://[", "ftp://x:y",
     "https://user:pa ss@host:99999/", "//", "postgresql://", "🙂" * 100, "\ud800", "x" * 70_000, "[]",
     "2026-13-45", "9999-12-31", "25:00-26:00", "22:00-07:00", "Mars/Olympus", "../../etc", "a@b",
     "a b@c d", "slack://", "mailto://x", "whsec_", "gAAAA", "on_issue", "hold", "ticket", "commerce",
     "chosen", "connectwise-managed", "automatic", "shipped_only", "0.05", "1E+400", "-0")
)  # fmt: skip
NAMES = sorted(set(Settings.model_fields) - {"database_url", "redis_url"})


@pytest.mark.breadth
@mutations.examples(200)
@given(changes=st.dictionaries(st.sampled_from(NAMES), GIVEN, min_size=1, max_size=3))
def test_odd_settings_are_taken_whole_or_refused_by_name(changes: dict[str, str]) -> None:
    try:
        settings = Settings.model_validate(changes)
        check_start(settings, scenarios())
        access_of(settings)
        mail_of(settings, SystemClock())
        pace_of(settings)
        sweep_pace_of(settings)
        limits_of(settings)
        seed_of(settings)
        assert settings.quiet is None or settings.quiet
        view_of(defaults_of(settings))
    except Exception as error:
        told = expected(error)
        if told is None:
            raise
        assert told.sentence.strip(". ")
        named = [name for name in Settings.model_fields if name.upper() in told.sentence.upper()]
        assert named, f"{told.sentence} names none of {list(changes)}"
        secret = {name for name in changes if _is_secret(name) and len(changes[name]) > 4}
        # What was given for a setting that is no secret may be told, whatever else it was given for.
        plain = {value for name, value in changes.items() if not _is_secret(name)}
        for name in secret:
            assert changes[name] in plain or changes[name] not in told.sentence


def _is_secret(name: str) -> bool:
    return isinstance(Settings.model_fields[name].default, SecretStr)


@pytest.mark.breadth
@mutations.examples(100)
@given(
    name=st.sampled_from(names_in(Group.NAMES, Group.BEHAVIOUR, Group.LIVE)),
    value=st.one_of(GIVEN, st.sampled_from(mutations.ODD)),
)
def test_an_odd_setting_from_the_database_side_is_checked_by_the_same_rules(
    name: str, value: Any
) -> None:
    try:
        kept = check({name: value})
    except ValueError:
        return
    view_of(defaults_of(Settings()) | kept)


@pytest.mark.breadth
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "http://["),
        ("DATABASE_URL", "nonsense"),
        ("DATABASE_URL", "mysql://localhost/db"),
        ("DATABASE_URL", "postgresql://localhost:notaport/db"),
        ("DATABASE_URL", "postgresql://127.0.0.1:1/db"),
        ("REDIS_URL", "nonsense"),
        ("REDIS_URL", "http://localhost"),
        ("REDIS_URL", "redis://localhost:notaport/0"),
        ("REDIS_URL", "redis://localhost/notanumber"),
        ("SCENARIO", "nonsense"),
        ("HOLD_DEADLINE", "1e300"),
        ("PORT", "-1"),
        ("CONNECTWISE_URL", "http://["),
        ("PUBLIC_URL", "http://["),
        ("DEMANDLINK_DATA_DIR", "/dev/null/x"),
        ("SECRETS_KEYS", "nonsense"),
        ("CALLS_SEALED", "true"),
        ("XERO_CLIENT_ID", "without-keys"),
        ("ALERT_URLS", "nonsense"),
    ],
)
def test_a_command_with_a_wrong_setting_ends_with_a_sentence(
    name: str, value: str, database_url: str, redis_url: str, tmp_path: Any, monkeypatch: Any
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.setenv("DEMANDLINK_DATA_DIR", str(tmp_path))
    if name == "DEMANDLINK_DATA_DIR":
        monkeypatch.delenv("DATABASE_URL")
    monkeypatch.setenv(name, value)
    ended = CliRunner().invoke(cli.build(), ["orders", "list", "--json"])
    assert ended.exception is None or isinstance(ended.exception, SystemExit), ended.exception
    if ended.exit_code:
        assert json.loads(ended.stderr.splitlines()[-1])["error"]["sentence"]
