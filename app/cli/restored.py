"""`restored`: say that the database went back to an older backup.

Owns the layout only; what follows is `app/sync/upkeep.py`'s and the store's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from app.cli import frame
from app.cli.frame import AsJson
from app.cli.orders import Reason, clock

if TYPE_CHECKING:
    from app.bootstrap import Container
    from app.domain.restoring import Restoration
    from app.sync.operations import Actor


def register(parent: typer.Typer) -> None:
    parent.command("restored")(restored)


def restored(reason: Reason, as_json: AsJson = False) -> None:
    """Say that the database was restored from an older backup: what was posted after it is looked
    for before anything is sent. Right before the workers start; harmless if it was not needed."""

    async def work(container: Container, actor: Actor) -> Restoration:
        return await container.upkeep.restored(actor, reason)

    found = frame.with_service(work)
    if as_json:
        told = {"at": found.at.isoformat(), "until": found.until.isoformat()}
        frame.print_json({**told, "reason": found.reason})
        return
    frame.say("The service minds that its database was restored. Before it sends anything it looks")
    frame.say(f"whether it is there already, until {clock(found.until)}. Start the workers now.")
