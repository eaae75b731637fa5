"""The command line inside the test's process, against whatever the environment names."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.cli.program import called


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Command = Callable[..., Ended]


@pytest.fixture
def demandlink(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Command]:
    """Runs `demandlink ARGUMENTS`; what is not an expected failure is raised."""
    monkeypatch.setenv("DEMANDLINK_DATA_DIR", str(tmp_path))
    # Commands set up logging for a process of their own.
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level

    def run(*arguments: object, given: str | None = None) -> Ended:
        result = called(*(str(one) for one in arguments), input=given)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Ended(result.exit_code, result.stdout, result.stderr)

    yield run
    root.handlers[:] = handlers
    root.setLevel(level)


async def beside(run: Command, *arguments: object) -> Ended:
    """A command beside the test's loop: commands have a loop of their own."""
    return await asyncio.to_thread(run, *arguments)
