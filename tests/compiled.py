"""Compiled files of this project, each made once for a whole run instead of once by each worker.

On a fresh machine every worker of xdist imports the same modules at the same time, finds none of
them compiled, and compiles them all: a third of a second of processor time turns into one by
each. So before they look for tests, the workers share the files among themselves. Owns only that;
whether a compiled file fits its source is still looked at by Python and pytest where they load it.
"""

from __future__ import annotations

import importlib.util
import py_compile
import sys
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest
from _pytest.assertion import rewrite
from _pytest.assertion.rewrite import PYC_TAIL, assertstate_key

ROOT = Path(__file__).parents[1]
FOLDERS = ("app", "workers", "sandbox", "tests")


def compile_share(config: pytest.Config, claims: Path, root: Path = ROOT) -> int:
    """Compile what no other process with the same folder of `claims` compiles. How many these were.

    A file that cannot be compiled is passed by: whoever imports it tells the error.
    """
    if sys.dont_write_bytecode:
        return 0
    claims.mkdir(exist_ok=True)
    patterns = [*config.getini("python_files"), "conftest.py"]
    made = 0
    for number, source in enumerate(_sources(root)):
        rewritten = source.is_relative_to(root / "tests") and any(
            fnmatch(source.name, pattern) for pattern in patterns
        )
        compiled = _compiled(source, rewritten=rewritten)
        if _is_newer(compiled, source) or not _claimed(claims / str(number)):
            continue
        try:
            _compile(config, source, compiled, rewritten=rewritten)
        except (OSError, SyntaxError, ValueError, py_compile.PyCompileError):
            continue
        made += 1
    return made


def _sources(root: Path) -> Iterator[Path]:
    for folder in FOLDERS:
        yield from sorted((root / folder).rglob("*.py"))


def _compiled(source: Path, *, rewritten: bool) -> Path:
    if rewritten:
        return rewrite.get_cache_dir(source) / (source.stem + PYC_TAIL)
    return Path(importlib.util.cache_from_source(str(source)))


def _is_newer(compiled: Path, source: Path) -> bool:
    try:
        return compiled.stat().st_mtime >= source.stat().st_mtime
    except FileNotFoundError:
        return False


def _claimed(claim: Path) -> bool:
    """Whether this process is the first that wants it."""
    try:
        claim.touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def _compile(config: pytest.Config, source: Path, compiled: Path, *, rewritten: bool) -> None:
    if not rewritten:
        py_compile.compile(str(source), str(compiled), doraise=True)
        return
    # As pytest's import hook does it, so that the hook finds what it would have made.
    compiled.parent.mkdir(exist_ok=True)
    digest, code = rewrite._rewrite_test(source, config)
    rewrite._write_pyc(config.stash[assertstate_key], code, digest, compiled)
