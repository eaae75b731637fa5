"""The poll of Commerce's own API: what changed comes in as the events' documents do (G8, H1).

Owns the turn: one worker at a time looks at the lists, remembers what changed, reads it whole and
puts it into the inbox together with how far it came. It decides nothing about orders; a failure
rests or pauses the connection, by its kind.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from logging import ERROR, WARNING
from typing import Any

from app.domain import ports
from app.domain.commerce import BudgetSpent, Change, Commerce, Listing, Polls
from app.domain.documents import Kind
from app.domain.errors import (
    POLICIES,
    FailureKind,
    RemoteFailure,
    StoreUnavailable,
    backoff,
    clamp_retry_after,
)
from app.domain.polling import Pace, Pending, PollState, is_history
from app.domain.ports import Chance, Clock, Paused, Store
from app.domain.records import Delivery
from app.domain.versions import Stored
from app.sync.beside import Turns, Watch
from app.sync.commerce_budget import Meter
from app.sync.commerce_events import concerns_nobody, deliveries
from app.telemetry import wide

SYSTEM = "commerce"
LEASE = 900.0  # a dead worker's turn is free at once; this is for a lost host
AT_ONCE = 20  # documents whose reading is kept in one transaction
BUDGET_REST = 900.0
HELD_REST = 900.0  # after a failure that a person has to mend
BROKEN_REST = 60.0
ASK_AGAIN = 5.0  # seconds until a worker asks again whether another one's turn is over
# What says something about the connection, not about one document.
STOPS = (FailureKind.UNAUTHENTICATED, FailureKind.RATE_LIMITED)
# A person has to do something about these.
ALERTS = (FailureKind.UNAUTHENTICATED, FailureKind.FORBIDDEN, FailureKind.REJECTED)


class TurnLost(Exception):
    """Another worker has the turn; what was read is its business now."""


class CalledOff(Exception):
    """The connection was paused while the turn went on: nothing more is called."""


@dataclass
class _Turn:
    """The turn under way. `state` is always what was kept, but for calls spent since."""

    token: str
    state: PollState
    sent: set[str] = field(default_factory=set)  # sales orders put into the inbox in this turn
    asked: set[Pending] = field(default_factory=set)
    failed: set[Pending] = field(default_factory=set)


class CommercePoll:
    """Called by the worker's loop; works beside it, because calls are waited for."""

    def __init__(
        self,
        *,
        store: Store,
        polls: Polls,
        commerce: Commerce,
        meter: Meter,
        clock: Clock,
        chance: Chance,
        tenant_id: int,
        connection: str,
        pace: Pace,
        since: datetime | None = None,
        watch: Watch | None = None,
    ) -> None:
        self._store = store
        self._polls = polls
        self._commerce = commerce
        self._meter = meter
        self._clock = clock
        self._chance = chance
        self._tenant = tenant_id
        self._connection = connection
        self._pace = pace
        self._asked = since
        self._turns = Turns(clock, watch)
        self._history: set[str] = set()  # sales orders found to be history, to ask once

    def follow(self, me: ports.Worker, came: Callable[[], None]) -> None:
        """Take the turn if it may be time and none is under way. `came` is called when something
        was put into the inbox."""
        self._turns.begin(lambda: self.turn(me, came), self._pace.seconds)

    async def stop(self) -> None:
        """End what is under way. What was not kept is read again in the next turn."""
        await self._turns.stop()

    async def turn(self, me: ports.Worker, came: Callable[[], None]) -> None:
        """One turn, if it is due and free. Raises nothing but cancellation."""
        try:
            taken = await self._polls.take_turn(self._connection, me.id, LEASE)
            if taken.token is None:
                wait = max((taken.due - taken.now).total_seconds(), ASK_AGAIN)
            else:
                turn = _Turn(taken.token, PollState.of(taken.state))
                wait = await self._work(turn, taken.now, came)
            self._turns.again_in(min(wait, self._pace.seconds))
        except TurnLost:
            wide("commerce_turn_lost", level=WARNING)
        except StoreUnavailable as error:
            wide("database_away", level=WARNING, error=str(error))
        except Exception as error:  # noqa: BLE001 - a worker never ends by its poll
            # The turn ends by itself; until then nobody polls.
            self._turns.ended(error)
            wide("commerce_poll_failed", level=ERROR, error=type(error).__name__, exc_info=error)

    async def _work(self, turn: _Turn, now: datetime, came: Callable[[], None]) -> float:
        """Look and read, then give the turn back; the seconds until the next one."""
        paused = await self._store.paused(self._tenant, SYSTEM)
        if paused is not None:
            return await self._give_back(turn, self._until(paused, now))
        self._meter.waiting = lambda: self._keep(turn)
        self._meter.may_call = self._may_call
        try:
            await self._look(turn, now)
            await self._read_pending(turn, came)
        except RemoteFailure as failure:
            return await self._failed(turn, failure)
        except BudgetSpent:
            wide("commerce_budget_spent", level=WARNING, pending=len(turn.state.pending))
            return await self._give_back(turn, BUDGET_REST)
        except CalledOff:
            paused, now = await self._store.paused(self._tenant, SYSTEM), await self._store.now()
            return await self._give_back(turn, self._until(paused, now) if paused else 0.0)
        except (TurnLost, StoreUnavailable):
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the turn is given back
            self._turns.ended(error)
            wide("commerce_poll_failed", level=ERROR, error=type(error).__name__, exc_info=error)
            return await self._give_back(turn, BROKEN_REST)
        finally:
            self._meter.waiting = self._meter.may_call = None
        self._turns.ended()
        if turn.state.failing is not None:
            wide("commerce_read_again", after=turn.state.failing.value)
            turn.state = turn.state.model_copy(update={"failing": None, "failures": 0})
        looked = turn.state.looked or now
        rest = looked + timedelta(seconds=self._pace.seconds) - await self._store.now()
        return await self._give_back(turn, max(rest.total_seconds(), 0.0))

    def _until(self, paused: Paused, now: datetime) -> float:
        """Asked again no later than usual: a person may end the pause at any time."""
        if paused.until is None:
            return self._pace.seconds
        return min(max((paused.until - now).total_seconds(), 0.0), self._pace.seconds)

    async def _may_call(self) -> None:
        """A turn may last for hours: a pause that begins meanwhile holds from the next call on."""
        if await self._store.paused(self._tenant, SYSTEM) is not None:
            raise CalledOff

    # Looking -------------------------------------------------------------------------------------

    async def _look(self, turn: _Turn, now: datetime) -> None:
        """Read every list, and keep what changed with how far it was read."""
        state, first = turn.state.started(now, self._asked)
        looked = state.looked
        again = state.since != turn.state.since
        soon = looked is not None and now < looked + timedelta(seconds=self._pace.seconds / 2)
        if soon and not again:
            return  # the last turn ended early, to go on with what is pending
        if again:
            self._history.clear()
            wide("commerce_poll_begins", since=str(state.since), history=first)
        found: dict[Listing, Sequence[Change]] = {}
        self._meter.allow(turn.state.left(self._pace, now, reading=False))
        try:
            for listing in Listing:
                after = state.windows[listing].after(self._pace)
                found[listing] = await self._commerce.changed(listing, after)
        except (RemoteFailure, BudgetSpent, CalledOff):
            turn.state = turn.state.spending(now, looks=self._meter.used)
            raise
        state = state.looked_at(found, self._pace, now, history=first)
        turn.state = state.spending(now, looks=self._meter.used)
        await self._keep(turn)

    # Reading -------------------------------------------------------------------------------------

    async def _read_pending(self, turn: _Turn, came: Callable[[], None]) -> None:
        while True:
            now = await self._store.now()
            ready = turn.state.ready(self._pace, now)
            batch = [one for one in ready if one not in turn.failed][:AT_ONCE]
            if not batch:
                return
            self._meter.allow(turn.state.left(self._pace, now, reading=True))
            made: list[Delivery] = []
            more: set[Pending] = set()
            read, failed = await self._read_batch(turn, batch, made, more)
            turn.asked.update(read)
            turn.state = turn.state.without(read, more - turn.asked, now)
            turn.state = turn.state.spending(now, reads=self._meter.used)
            await self._keep(turn, made)
            if made:
                wide("commerce_polled", documents=len(made), pending=len(turn.state.pending))
                came()
            if failed is not None:
                raise failed

    async def _read_batch(
        self, turn: _Turn, batch: Sequence[Pending], made: list[Delivery], more: set[Pending]
    ) -> tuple[list[Pending], Exception | None]:
        """What was read, and what stopped it: the rest stays pending. An answer that only one
        document gets does not keep the others waiting; it is asked for again in the next turn."""
        done: list[Pending] = []
        for one in batch:
            try:
                made += await self._read(turn, one, more)
                done.append(one)
            except (BudgetSpent, CalledOff) as ended:
                return done, ended
            except RemoteFailure as failure:
                if failure.status is None or failure.kind in STOPS:
                    return done, failure
                turn.failed.add(one)
                wide(
                    "commerce_document_not_read",
                    level=WARNING,
                    kind=one[0].value,
                    id=one[1],
                    message=failure.message,
                )
        return done, None

    async def _read(self, turn: _Turn, one: Pending, more: set[Pending]) -> list[Delivery]:
        """What a changed document brings; with a purchase order its sales order, where that never
        came in. `more` takes the quote of a new order."""
        kind, number = one
        try:
            body = await self._commerce.document(kind, number)
        except RemoteFailure as failure:
            if failure.kind is not FailureKind.GONE:
                raise
            wide("commerce_document_gone", kind=kind.value, id=number)
            return []
        known = await self._polls.merged(self._connection, kind, number)
        if known is None and concerns_nobody(kind, body):
            return []
        order = body.get("salesOrderID") if kind is Kind.PURCHASE_ORDER else None
        if order is None and self._is_history(turn, one, body, known):
            return []
        made: list[Delivery] = []
        if order is not None and not await self._ours(turn, str(order)):
            if str(order) not in self._history:
                made = await self._read(turn, (Kind.SALES_ORDER, str(order)), more)
            if str(order) in self._history:
                return []
        receipts: list[Stored] = []
        if kind is Kind.PURCHASE_ORDER:
            receipts = await self._polls.merged_receipts(self._connection, number)
        if kind is Kind.SALES_ORDER:
            turn.sent.add(number)
            if known is None:
                more |= await self._quote_of(body)
        return made + deliveries(self._connection, kind, body, known, receipts)

    def _is_history(
        self, turn: _Turn, one: Pending, body: Mapping[str, Any], known: Stored | None
    ) -> bool:
        kind, number = one
        if not is_history(turn.state, kind, body, known=known is not None):
            return False
        if kind is Kind.SALES_ORDER:
            self._history.add(number)
        wide("commerce_history_left", kind=kind.value, id=number)
        return True

    async def _quote_of(self, order: Mapping[str, Any]) -> set[Pending]:
        """The quote of an order that comes in for the first time, where it never came in."""
        quote = order.get("quoteID")
        if quote is None:
            return set()
        known = await self._polls.merged(self._connection, Kind.QUOTE, str(quote))
        return {(Kind.QUOTE, str(quote))} if known is None else set()

    async def _ours(self, turn: _Turn, order: str) -> bool:
        """Whether a sales order came in before, by event or in this turn."""
        if order in turn.sent:
            return True
        return await self._polls.merged(self._connection, Kind.SALES_ORDER, order) is not None

    # Keeping -------------------------------------------------------------------------------------

    async def _keep(self, turn: _Turn, made: Sequence[Delivery] = ()) -> None:
        kept = turn.state.kept()
        if not await self._polls.keep_turn(self._connection, turn.token, kept, made, lease=LEASE):
            raise TurnLost

    async def _give_back(self, turn: _Turn, rest: float) -> float:
        kept = turn.state.kept()
        held = await self._polls.keep_turn(
            self._connection, turn.token, kept, (), lease=None, rest=rest
        )
        if not held:
            raise TurnLost
        return rest

    async def _failed(self, turn: _Turn, failure: RemoteFailure) -> float:
        """By the kind of failure: rest, or pause the connection for every worker."""
        policy = POLICIES[failure.kind]
        again = turn.state.failing is failure.kind
        tries = turn.state.failures + 1 if again else 1
        if not again:  # told once; the connection shows it as long as it lasts
            wide(
                "commerce_not_read",
                level=ERROR if failure.kind in ALERTS else WARNING,
                kind=failure.kind.value,
                endpoint=failure.endpoint,
                message=failure.message,
            )
        update = {"failing": failure.kind, "failures": tries}
        turn.state = turn.state.model_copy(update=update)
        wait = backoff(policy, tries, self._chance.random()) if policy.base else HELD_REST
        if policy.action == "pause":
            wait = clamp_retry_after(failure.retry_after, wait)
            until = await self._store.now() + timedelta(seconds=wait)
            paused = Paused(until, policy.code, failure.message, "service")
            await self._store.pause(self._tenant, SYSTEM, paused)
            wait = min(wait, self._pace.seconds)
        return await self._give_back(turn, wait)
