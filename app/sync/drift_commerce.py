"""Reading Commerce for the drift sweep, and taking in what it has and the service has not (H12).

Owns which documents are read, and that a fix goes by the poll's own way: the document becomes a
delivery, and everything else follows from the merge. What differs is `domain/drift_commerce.py`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from logging import WARNING
from typing import Any

from app.domain import drift_commerce
from app.domain.commerce import Commerce, Polls
from app.domain.documents import Kind
from app.domain.drift import COMMERCE, Drift, DriftStore
from app.domain.errors import POLICIES, FailureKind, RemoteFailure, clamp_retry_after
from app.domain.polling import PollState, is_history
from app.domain.ports import Paused, Store
from app.domain.records import Delivery, Snapshot
from app.domain.versions import newest_date
from app.sync.commerce_budget import Meter
from app.sync.commerce_events import concerns_nobody, deliveries
from app.sync.commerce_share import ShareSpent, spending
from app.telemetry import wide

LISTED = (Kind.SALES_ORDER, Kind.PURCHASE_ORDER, Kind.QUOTE)
# What says something about the connection, not about one document.
STOPS = (FailureKind.UNAUTHENTICATED, FailureKind.RATE_LIMITED)
SPENT = "The sweep's calls to Commerce are used up; it goes on there when they are free again."


@dataclass(frozen=True, slots=True)
class Answer:
    """`found` None: Commerce was not read, and `why`. `stops`: nothing else there would be."""

    found: Sequence[Drift] | None
    why: str | None = None
    stops: bool = False


@dataclass
class CommerceSide:
    """Commerce as the sweep reads it. Every method may raise StoreUnavailable, and BudgetSpent for
    the sweep's own limit."""

    store: Store
    kept: DriftStore
    polls: Polls
    commerce: Commerce
    tenant_id: int
    connection: str

    async def of(self, snapshot: Snapshot, meter: Meter) -> Answer:
        """What differs in Commerce from the documents of an order."""
        wanted = drift_commerce.of_interest(snapshot.documents)
        if snapshot.order.connection != self.connection or not wanted:
            return Answer(())
        state = PollState.of(await self.polls.kept_state(self.connection))
        read: dict[tuple[Kind, str], Mapping[str, Any] | None] = {}

        async def reading() -> Sequence[Drift]:
            for one in wanted:
                body = await self._document(one.kind, one.source_id)
                if body is not None and drift_commerce.newer(one, body):
                    at = newest_date(one.kind, body)
                    if state.brings((one.kind, one.source_id), at, snapshot.now):
                        continue
                read[one.kind, one.source_id] = body
            return list(drift_commerce.found(snapshot.documents, read))

        return await self._asked(reading, meter)

    async def untold(self, days: int, meter: Meter) -> Answer:
        """Documents that the lists of the last days show and that never came in. What the poll
        left alone as history is none of them, so nothing is known before it looked first."""
        state = PollState.of(await self.polls.kept_state(self.connection))
        if state.since is None:
            return Answer(())
        now = await self.store.now()

        async def reading() -> Sequence[Drift]:
            found: list[Drift] = []
            history: dict[str, bool] = {}
            for kind in LISTED:
                headers = await self.commerce.headers(kind, now - timedelta(days=days))
                named = {str(one["id"]): one for one in headers}
                known = await self.kept.documents_known(self.connection, kind, sorted(named))
                for number, header in sorted(named.items()):
                    if number in known:
                        continue
                    old = await self._is_history(kind, header, state, history)
                    if kind is Kind.SALES_ORDER:
                        history[number] = old
                    awaited = state.brings((kind, number), newest_date(kind, header), now)
                    if not (old or awaited or concerns_nobody(kind, header)):
                        found.append(drift_commerce.untold(kind, header))
            return found

        return await self._asked(reading, meter)

    async def _is_history(
        self,
        kind: Kind,
        header: Mapping[str, Any],
        state: PollState,
        history: dict[str, bool],
    ) -> bool:
        """As the poll has it: people handled it by hand; a purchase order with its sales order."""
        order = header.get("salesOrderID") if kind is Kind.PURCHASE_ORDER else None
        if order is None:
            return is_history(state, kind, header, known=False)
        number = str(order)
        if number not in history:
            known = await self.polls.merged(self.connection, Kind.SALES_ORDER, number)
            body = None if known is not None else await self._document(Kind.SALES_ORDER, number)
            history[number] = body is not None and is_history(
                state, Kind.SALES_ORDER, body, known=False
            )
        return history[number]

    async def take_in(self, kind: Kind, number: str, meter: Meter) -> Sequence[Delivery]:
        """Put a document as Commerce has it into the inbox, as the poll does, with its sales order
        where that never came in. What was new; raises RemoteFailure, GONE where it is no more."""
        with spending(meter):
            body = await self.commerce.document(kind, number)
            made = await self._deliveries(kind, number, body)
            order = body.get("salesOrderID") if kind is Kind.PURCHASE_ORDER else None
            if order is not None:
                before = str(order)
                if await self.polls.merged(self.connection, Kind.SALES_ORDER, before) is None:
                    whole = await self.commerce.document(Kind.SALES_ORDER, before)
                    made = [*await self._deliveries(Kind.SALES_ORDER, before, whole), *made]
        for one in made:
            await self.store.accept(one)
        wide("drift_taken_in", kind=kind.value, id=number, deliveries=len(made))
        return made

    async def _deliveries(
        self, kind: Kind, number: str, body: Mapping[str, Any]
    ) -> Sequence[Delivery]:
        known = await self.polls.merged(self.connection, kind, number)
        receipts = (
            await self.polls.merged_receipts(self.connection, number)
            if kind is Kind.PURCHASE_ORDER
            else ()
        )
        return deliveries(self.connection, kind, body, known, receipts)

    async def _document(self, kind: Kind, number: str) -> Mapping[str, Any] | None:
        try:
            return await self.commerce.document(kind, number)
        except RemoteFailure as failure:
            if failure.kind is not FailureKind.GONE:
                raise
            return None

    async def _asked(
        self, reading: Callable[[], Awaitable[Sequence[Drift]]], meter: Meter
    ) -> Answer:
        paused = await self.store.paused(self.tenant_id, COMMERCE)
        if paused is not None:
            return Answer(None, f"Commerce is not called: {paused.sentence}", stops=True)
        try:
            with spending(meter):
                return Answer(await reading())
        except ShareSpent:
            return Answer(None, SPENT, stops=True)
        except RemoteFailure as failure:
            await self._failed(failure, await self.store.now())
            stops = failure.status is None or failure.kind in STOPS
            return Answer(None, failure.message, stops=stops)

    async def _failed(self, failure: RemoteFailure, now: datetime) -> None:
        """What says something of the connection rests it for the poll as well."""
        wide("drift_not_read", level=WARNING, system=COMMERCE, message=failure.message)
        policy = POLICIES[failure.kind]
        if policy.action == "pause":
            until = now + timedelta(seconds=clamp_retry_after(failure.retry_after, policy.base))
            paused = Paused(until, policy.code, failure.message, "service")
            await self.store.pause(self.tenant_id, COMMERCE, paused)
