"""Alerts on their way: looked for, gathered, sent by a worker, and tried again until they are told.

Owns when they are sent and what is tried again. Runs beside the worker's loop: no order ever waits for
it. At least once: a worker that dies between a sending and its commit tells that message again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from logging import ERROR, INFO, WARNING

from app.domain.alerts import AlertRow, AlertStore, Place, Quiet, again_in, note_of, test_note
from app.domain.errors import StoreUnavailable
from app.domain.ports import Clock, Store
from app.domain.views import Page
from app.sync.beside import Turns, Watch
from app.sync.operations import Actor, Refusal, readable_cursor
from app.telemetry import wide

LEASE = 120.0  # at least; see `lease_for`
PLACE_SECONDS = 25.0  # longer than one place takes for one message
STOP_SECONDS = 10.0  # a message that is being sent is not sent twice for a restart
MOST = 200


@dataclass(frozen=True, slots=True)
class AlertPace:
    """`seconds` between two looks, `gather` before a message goes, `silence` in hours."""

    seconds: float = 10.0
    gather: float = 30.0
    silence: float = 24.0
    quiet: Quiet | None = None


@dataclass(frozen=True, slots=True)
class Tried:
    """A place that a test message was sent to."""

    place: str
    taken: bool


def lease_for(places: int) -> float:
    """Seconds, longer than all places together take for one message: else a second worker would take
    it while the first still sends."""
    return max(LEASE, (places + 1) * PLACE_SECONDS)


class Alerts:
    """For worker, REST and command line. Without places nothing is kept and nothing is sent."""

    def __init__(
        self,
        *,
        store: Store,
        kept: AlertStore,
        places: Sequence[Place],
        clock: Clock,
        pace: AlertPace,
        tenant_id: int,
        public_url: str = "",
        watch: Watch | None = None,
    ) -> None:
        self._store = store
        self._kept = kept
        self._places = places
        self._pace = pace
        self._tenant = tenant_id
        self._public_url = public_url
        self._lease = lease_for(len(places))
        self._turns = Turns(clock, watch)

    # The worker's ---------------------------------------------------------------------------

    def follow(self) -> None:
        """Take a turn beside the loop, if it is time and none is under way."""
        if self._places:
            self._turns.begin(self._turn, self._pace.seconds)

    async def stop(self) -> None:
        """Let a message that is on its way come through, but not for ever."""
        await self._turns.stop(STOP_SECONDS)

    async def _turn(self) -> None:
        try:
            await self.turn()
            self._turns.ended()
        except StoreUnavailable as error:
            wide("database_away", level=WARNING, error=str(error))
        except Exception as error:  # noqa: BLE001 - a worker never ends by its alerts
            self._turns.ended(error)
            wide("alerts_failed", level=ERROR, error=type(error).__name__, exc_info=error)

    async def turn(self) -> int:
        """Look once, and send what is due; the number of alerts that all places have."""
        if await self._kept.sweep_alerts(self._tenant, self._pace.silence) is None:
            return 0  # another worker is finding out what is over: nothing of that may go meanwhile
        quiet = self._pace.quiet
        if quiet is not None and quiet.at(await self._store.now()):
            return 0
        rows = await self._kept.take_alerts(self._tenant, self._pace.gather, self._lease)
        return await self._send(rows) if rows else 0

    async def _send(self, rows: Sequence[AlertRow]) -> int:
        refused = [place.name for place in self._places if not await self._told(place, rows)]
        ids = [row.id for row in rows]
        trouble = f"Not taken by {', '.join(refused)}." if refused else None
        again = again_in(min(row.attempts for row in rows)).total_seconds()
        await self._kept.end_alerts(ids, [place.key for place in self._places], trouble, again)
        wide("alerts_sent", level=WARNING if refused else INFO, alerts=len(rows), trouble=trouble)
        return 0 if refused else len(rows)

    async def _told(self, place: Place, rows: Sequence[AlertRow]) -> bool:
        """Whether a place has all of them. Those that it had before are not told again."""
        new = [row for row in rows if place.key not in row.told]
        if new:
            if not await place.send(note_of([row.alert for row in new], self._public_url)):
                return False
            await self._kept.alerts_sent([row.id for row in new], place.key)
        return True

    @property
    def set_up(self) -> Sequence[str]:
        """What the places are called, without any part of their addresses."""
        return [place.name for place in self._places]

    # Everybody's ----------------------------------------------------------------------------

    async def test(self, actor: Actor) -> list[Tried]:
        """Send a test message to every place, now, quiet hours or not. Raises Refusal."""
        if not self._places:
            sentence = "No alert has a place to go to. Set ALERT_URLS and restart."
            raise Refusal("ALERTS_NOT_SET_UP", sentence)
        wide("alerts_tested", actor=actor.name)
        note = test_note(self._public_url)
        taken = await asyncio.gather(*(place.send(note) for place in self._places))
        return [Tried(p.name, ok) for p, ok in zip(self._places, taken, strict=True)]

    async def list(
        self, actor: Actor, cursor: str | None = None, limit: int = 50
    ) -> Page[AlertRow]:
        """The newest alerts, those that are still to be sent among them."""
        with readable_cursor():
            most = min(max(limit, 1), MOST)
            return await self._kept.alerts(actor.tenant_id, cursor, most)
