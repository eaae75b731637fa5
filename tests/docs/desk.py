"""A directory like a checkout, in which the commands of the pages are run.

Owns its environment: the project's programs on the PATH, no settings of the developer's own, and no
.env that might name a real ConnectWise.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from app.settings import Settings
from tests.docs.reading import ROOT

BIN = Path(sys.executable).parent


class Desk:
    """`directory` is made; `data_dir` is where the commands keep and find their data."""

    def __init__(self, directory: Path, data_dir: Path) -> None:
        self.directory = directory
        directory.mkdir()
        (directory / "docs").symlink_to(ROOT / "docs")
        (directory / ".venv").symlink_to(BIN.parent)
        shutil.copy(ROOT / ".env.example", directory)
        names = {name.upper() for name in Settings.model_fields}
        self.environment = {k: v for k, v in os.environ.items() if k not in names} | {
            "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
            "DEMANDLINK_DATA_DIR": str(data_dir),
        }

    def run(self, line: str, seconds: float = 50) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-c", line],
            cwd=self.directory,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
