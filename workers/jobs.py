"""arq's jobs. Ten lines or fewer each: they only call app.sync."""

from __future__ import annotations

from typing import Any

from app.sync.worker import Worker


async def drain(ctx: dict[str, Any]) -> None:
    """Look for what is due now."""
    worker: Worker = ctx["demandlink"]
    worker.nudge()
