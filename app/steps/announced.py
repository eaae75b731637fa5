"""What was announced for a record that is looked for before it is made, and never answered.

Such a record is found by that look once it shows, so that nothing asks what became of its announcement:
it would stay in doubt for ever, and with it every decision about its order (WRITE_IN_DOUBT).
"""

from __future__ import annotations

from app.steps.effects import Effects, Look


async def settle(fx: Effects, kind: str, look: Look) -> None:
    """Settle this step's announcements of a kind: found, or surely never made. Calls nobody where
    there are none. Raises Wait until that can be told."""
    for intent in fx.view.unanswered:
        if intent.kind == kind:
            await fx.resolve(kind, intent.key, look)
