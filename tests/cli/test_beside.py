"""Commands beside `demandlink up`: the running stack's settings where one's own say nothing."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.cli import beside
from sandbox import up
from sandbox.stack import Stack, StackFailed

SITE = "http://127.0.0.1:1/v4_6_release/apis/3.0"


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("DEMANDLINK_DATA_DIR", str(tmp_path))
    for name in ("CONNECTWISE_URL", "READ_LAG", "DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    environment = up.environment(tmp_path, {}) | {
        "CONNECTWISE_URL": SITE,
        "READ_LAG": "9",
        "DATABASE_URL": "postgresql://x",
    }
    up.write_private(tmp_path / up.UP_SETTINGS, up.settings_told(Stack(tmp_path, environment)))
    with up.alone(tmp_path):
        yield tmp_path


def test_what_is_not_set_here_is_taken_from_the_stack_that_runs(data_dir: Path) -> None:
    assert stat.S_IMODE((data_dir / up.UP_SETTINGS).stat().st_mode) == 0o600
    kept = json.loads((data_dir / up.UP_SETTINGS).read_text())
    assert "HOME" not in kept
    found = beside.settings()
    assert (found.connectwise_url, found.read_lag) == (SITE, 9.0)
    assert found.connectwise_sales_order_status_ready == "Ready to invoice"
    assert found.database_url == ""  # joined by the data directory
    assert found.demandlink_data_dir == data_dir


def test_what_is_set_here_goes_before_it(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("READ_LAG", "0.5")
    monkeypatch.setenv("CONNECTWISE_URL", "https://api-na.example/apis/3.0")
    found = beside.settings()
    assert (found.connectwise_url, found.read_lag) == ("https://api-na.example/apis/3.0", 0.5)


def test_what_is_empty_here_is_open(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CONNECTWISE_URL", "CONNECTWISE_PRIVATE_KEY", "ADMIN_API_KEY"):
        monkeypatch.setenv(name, "")  # as in a copy of .env.example
    found = beside.settings()
    assert found.connectwise_url == SITE
    assert found.connectwise_private_key.get_secret_value()
    assert found.admin_api_key.get_secret_value()


@pytest.mark.parametrize("content", ["{", "[]", "gone"])
def test_what_cannot_be_read_says_nothing(data_dir: Path, content: str) -> None:
    path = data_dir / up.UP_SETTINGS
    if content == "gone":
        path.unlink()
    else:
        path.write_text(content)
    assert beside.settings().connectwise_url == ""


def test_a_stack_that_was_killed_says_nothing_though_its_number_is_another_programs(
    data_dir: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It went by the process's number, which after a start of the machine belongs to anybody."""
    left = tmp_path_factory.mktemp("left")
    (left / up.UP_SETTINGS).write_text((data_dir / up.UP_SETTINGS).read_text())
    monkeypatch.setenv("DEMANDLINK_DATA_DIR", str(left))
    assert beside.settings().connectwise_url == ""  # not even a lock
    with up.alone(left):
        assert beside.settings().connectwise_url == SITE
    assert beside.settings().connectwise_url == ""


def test_a_command_leaves_the_lock_to_the_stack(data_dir: Path) -> None:
    beside.settings()
    with pytest.raises(StackFailed), up.alone(data_dir):
        pass
