"""The command line as a test calls it: with all its commands, which are built once a process.

Owns only that. To build them costs a tenth of a second, and nothing of a call stays in them.
"""

from __future__ import annotations

import functools
from typing import Any
from unittest import mock

import typer
from typer import testing

from app import cli


@functools.cache
def _built() -> tuple[typer.Typer, Any]:
    app = cli.build()
    return app, typer.main.get_command(app)


def called(*arguments: str, **more: Any) -> testing.Result:
    """What came of a call; `more` is what the runner's `invoke` takes."""
    app, command = _built()
    with mock.patch.object(testing, "_get_command", return_value=command):
        return testing.CliRunner().invoke(app, arguments, **more)
