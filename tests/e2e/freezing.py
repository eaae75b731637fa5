"""A worker process that stands still before one write: how a test stops it and lets it go.

Owns the process and what the kernel says of it; what it freezes over is `freezer.py`.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.e2e.harness import Stack
from tests.e2e.test_kill import environment


def _state(pid: int) -> str:
    """Of a process, as the kernel tells it: T is stopped."""
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]


@asynccontextmanager
async def frozen(stack: Stack, method: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A worker process that stands still before its first call of the method."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.e2e.freezer", method,
        env=environment(stack), stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:

        async def stopped() -> bool:
            return _state(process.pid) == "T"

        await stack.until_true(stopped, 40)
        yield process
    finally:
        process.send_signal(signal.SIGKILL)
        await process.wait()


def thaw(process: asyncio.subprocess.Process) -> None:
    process.send_signal(signal.SIGCONT)
