"""Workers share what is to be compiled; what they make is what Python and pytest would have made."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

import pytest
from _pytest.assertion.rewrite import PYC_TAIL, _read_pyc

from tests.compiled import compile_share

SOURCES = {
    "app/parts/one.py": "ONE = 1\n",
    "sandbox/two.py": "TWO = 2\n",
    "tests/conftest.py": "def asked() -> None:\n    assert 1 == 2\n",
    "tests/test_it.py": "def test_it() -> None:\n    assert [1] == [2]\n",
    "tests/helper.py": "def helps() -> None:\n    assert 1 == 2\n",
    "workers/wrong.py": "def (\n",
}
GOOD = len(SOURCES) - 1


@pytest.fixture(autouse=True)
def _may_write(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, text in SOURCES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def plain(source: Path) -> Path:
    return Path(importlib.util.cache_from_source(str(source)))


def rewritten(source: Path) -> Path:
    return source.parent / "__pycache__" / (source.stem + PYC_TAIL)


def test_what_one_worker_took_no_other_compiles(pytestconfig: pytest.Config, root: Path):
    for taken in ("0", "3"):
        (root / "claims").mkdir(exist_ok=True)
        (root / "claims" / taken).touch()
    assert compile_share(pytestconfig, root / "claims", root) == GOOD - 2
    assert compile_share(pytestconfig, root / "claims", root) == 0
    assert not plain(root / "app/parts/one.py").exists()


def test_pytest_finds_its_own_form_of_tests_and_python_that_of_the_rest(
    pytestconfig: pytest.Config, root: Path
):
    assert compile_share(pytestconfig, root / "claims", root) == GOOD
    for name in ("tests/conftest.py", "tests/test_it.py"):
        source = root / name
        code = _read_pyc(source, rewritten(source))
        assert code is not None
        assert "@pytest_ar" in code.co_names
        assert not plain(source).exists()
    for name in ("app/parts/one.py", "sandbox/two.py", "tests/helper.py"):
        made = plain(root / name)
        spec = importlib.util.spec_from_file_location("tried", root / name)
        assert spec is not None
        assert spec.loader is not None
        # Were it out of date, the loader would compile and replace it.
        made.chmod(0o444)
        before = made.stat()
        spec.loader.exec_module(importlib.util.module_from_spec(spec))
        assert made.stat() == before or made.stat().st_ino == before.st_ino
        assert not rewritten(root / name).exists()


def test_only_what_changed_is_compiled_again(pytestconfig: pytest.Config, root: Path):
    assert compile_share(pytestconfig, root / "first", root) == GOOD
    assert compile_share(pytestconfig, root / "second", root) == 0
    changed = root / "tests/test_it.py"
    changed.write_text("def test_it() -> None:\n    assert [1, 2] == [2]\n")
    later = rewritten(changed).stat().st_mtime + 1
    os.utime(changed, (later, later))
    assert compile_share(pytestconfig, root / "third", root) == 1
    assert _read_pyc(changed, rewritten(changed)) is not None


def test_nothing_is_written_where_python_may_not(
    pytestconfig: pytest.Config, root: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert compile_share(pytestconfig, root / "claims", root) == 0
    assert not list(root.rglob("*.pyc"))
