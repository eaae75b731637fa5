"""One attempt at a step: the engine's side of Effects.

Owns the exactly-once protocol (`design.md`, section 2): announce, send, record; in doubt look
first, twice, with the read lag between. Knows no step and no vendor.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from app.domain.books import Books
from app.domain.codes import Code
from app.domain.errors import (
    DID_NOTHING,
    FailureKind,
    Interruption,
    LeaseLost,
    RemoteFailure,
    Wait,
)
from app.domain.letters import Mail
from app.domain.order import OrderView
from app.domain.ports import Checkpoints, Clock, ConnectWise, Store
from app.domain.records import CallRecord, Fact, Intent, JournalEntry, Ref, WriteSet
from app.domain.restoring import quiet_until
from app.domain.suggestion import MAIL_STEP
from app.steps import CALLED
from app.steps.effects import Learn, Look, Outcome, Send
from app.sync import patience, unsettled
from app.sync.clock_watch import ClockWatch
from app.sync.drive import INHERITED, Drive


class Attempt:
    """Implements steps.effects.Effects for one step and subject of one order."""

    def __init__(
        self,
        *,
        view: OrderView,
        cw: ConnectWise,
        store: Store,
        clock: Clock,
        checkpoints: Checkpoints,
        drive: Drive,
        step: str,
        subject: str,
        calls: list[CallRecord],
        books: Books | None = None,
        mail: Mail | None = None,
        watch: ClockWatch | None = None,
        system: str = "ConnectWise",
    ) -> None:
        self.view = view
        self.cw = cw
        self.books = books
        self.mail = mail
        self._system = system
        own = {"the ledger": books, "the mail server": mail}.get(system)
        self._timeout = timedelta(seconds=own.timeout) if own else view.live.call_timeout
        self._store = store
        self._clock = clock
        self._watch = watch or ClockWatch()
        self._checkpoints = checkpoints
        self._drive = drive
        self._step = step
        self._subject = subject
        self._calls = calls
        self._learned: dict[tuple[str, str], Ref] = {}
        self._own: set[tuple[str, str]] = set()
        self.writes = self._empty()
        self.called = 0
        self._changing = False
        self.remembered = False  # whether it went by what an earlier attempt had read

    def _empty(self) -> WriteSet:
        return WriteSet(self._drive.claim.order_id, self._drive.claim.token)

    # What the step may say ------------------------------------------------------------------

    def learn(self, ref: Ref) -> None:
        self._learned[ref.kind, ref.key] = ref
        self.writes.refs.append(ref)

    def ref(self, kind: str, key: str = "") -> int | None:
        learned = self._learned.get((kind, key))
        return int(learned.external_id) if learned is not None else self.view.ref(kind, key)

    def see(self, kind: str, body: Mapping[str, Any], key: str = "") -> None:
        self.keep(kind, body, key)
        self.writes.facts.append(Fact(kind, key, body, self.view.now))

    def keep(self, kind: str, value: Any, key: str = "") -> None:
        self._own.add((kind, key))
        self._drive.recent[kind, key] = value

    def recent(self, kind: str, key: str = "") -> Any:
        found = self._drive.recent.get((kind, key))
        self.remembered |= found is not None and (kind, key) not in self._own
        return found

    def forget(self, kind: str, key: str = "") -> None:
        self._drive.recent.pop((kind, key), None)

    def journal(self, code: str, sentence: str, **data: Any) -> None:
        entry = JournalEntry(code, sentence, self._step, self._subject, data=data)
        self.writes.journal.append(entry)

    async def recall(self, kind: str, key: str) -> Mapping[str, Any] | None:
        return await self._store.recall(self.view.row.tenant_id, kind, key)

    async def remember(self, kind: str, key: str, body: Mapping[str, Any], seconds: float) -> None:
        await self._store.remember(self.view.row.tenant_id, kind, key, body, seconds)

    async def now(self) -> datetime:
        return await self._watch.look(self._store, self._clock)

    # Patience with lagging reads ----------------------------------------------------------

    async def lagging(self, since: datetime | None, sentence: str) -> Wait | None:
        row = self.view.ledger.get((self._step, self._subject))
        now = await self.now()
        return patience.lagging(row, since, sentence, now, self.view.live.read_lag, self._timeout)

    # Shared records ---------------------------------------------------------------------

    async def marked_lost(self, opportunity: int) -> tuple[str, datetime] | None:
        return await self._store.marked_lost(self.view.row.tenant_id, opportunity)

    async def claim(
        self, kind: str, key: str, seconds: float | None, *, as_decided: bool = False
    ) -> None:
        await self._others_know(kind, key)
        answer = await self._store.claim_shared(self._drive.claim, kind, key, seconds)
        if not answer.owned:
            now = await self.now()
            raise Wait(
                Code.CLAIMED_ELSEWHERE,
                f"Another order is working on {kind.replace('_', ' ')} {key}.",
                answer.until or now + timedelta(seconds=5),
            )
        if as_decided and answer.wake_seq != self.view.row.wake_seq:
            self.drop_claim(kind, key)
            told = f"More came in about {kind.replace('_', ' ')} {key}; it is decided anew."
            raise Wait(Code.CLAIMED_ELSEWHERE, told, await self.now())
        self._drive.recent[INHERITED, f"{kind}:{key}"] = answer.inherited

    async def _others_know(self, kind: str, key: str) -> None:
        """Raises Wait while a leap of the database's clock may have ended the claim of one who is
        about to write by it."""
        ends = self._watch.by_others(self._lease, await self.now())
        if ends is not None:
            told = f"The database's clock was set; {kind.replace('_', ' ')} {key} may be another's yet."
            raise Wait(Code.CLAIMED_ELSEWHERE, told, ends)

    @property
    def _lease(self) -> timedelta:
        return timedelta(seconds=self._drive.lease.seconds)

    def drop_claim(self, kind: str, key: str) -> None:
        self.writes.drop_claims.append((kind, key))

    # Writes -------------------------------------------------------------------------------

    async def guard(self) -> None:
        await self._settled()
        if not self._changing:
            # Before the first change: whoever finds this attempt interrupted has to know of it.
            self._changing = True
            self.writes.facts.append(unsettled.sending(self._step, self.view.now, begun=True))
            await self.save()
        await self._lease_lasts()

    async def _settled(self) -> None:
        """Raises Wait while a change that a dead worker sent may still be carried out, or what
        was written before the database went back may not show yet."""
        quiet = quiet_until(self._drive.claim.restored, self._timeout, self.view.live.read_lag)
        if quiet is not None and await self.now() < quiet:
            raise Wait(
                Code.OUTCOME_UNKNOWN,
                f"The database was restored; nothing is written to {self._system} before all that "
                "was sent before must have arrived.",
                quiet,
            )
        if unsettled.until(self.view, self._timeout) is None:
            return
        now = await self.now()
        until = patience.settled(self.view, self._timeout, self._lease, self._watch, now)
        if until is not None:
            raise Wait(
                Code.OUTCOME_UNKNOWN,
                f"A change may still be on its way to {self._system} from a worker that ended; "
                "nothing more is written before it must have arrived.",
                until,
            )

    async def _lease_lasts(self) -> None:
        # No call may outlive the lease.
        if not self._lasts() and not await self._drive.renew():
            self._drive.lease.lost = True
        self.still_held()

    def still_held(self) -> None:
        """Asked once more just before a write leaves, whatever its sending had to wait for: a
        reference that it needs, its turn. Raises LeaseLost."""
        if not self._lasts():
            raise LeaseLost

    def _lasts(self) -> bool:
        return self._drive.lease.left(self._clock.monotonic()) >= self._timeout.total_seconds()

    async def once(
        self,
        kind: str,
        key: str,
        evidence: Mapping[str, Any],
        send: Send,
        look: Look,
        learn: Learn | None = None,
        *,
        shared: bool = False,
    ) -> Outcome:
        await self._settled()
        if self.writes != self._empty():
            await self.save()  # what was learned so far is not to be learned again after a crash
        for other in self._inherited(kind, key, str(evidence.get("also", ""))) if shared else ():
            found = await self._in_doubt(other, look)
            if found is not None:
                return found
        intent = await self._begin(kind, key, evidence, shared=shared)
        if intent.outcome is not None:
            self._learn_all(learn, intent.outcome)
            return intent.outcome
        if intent.fresh and self.restored:
            # It may have been made after the backup; `_settled` waited until it must show.
            found = await look(intent.evidence)
            if found is not None:
                return await self._settle(intent, found, learn, adopted=True)
        elif not intent.fresh:
            found = await self._in_doubt(intent, look)
            if found is not None:
                return await self._settle(intent, found, learn, adopted=True)
            intent = await self._store.announce_again(self._drive.claim, intent.id)
        await self._checkpoints.reached("intent_committed", self._step, self._subject)
        return await self._send(intent, send, look, learn)

    def _inherited(self, kind: str, *keys: str) -> list[Intent]:
        """Open announcements of others for the record, under either name that it was claimed by."""
        found: dict[int, Intent] = {}
        for key in keys:
            met = self._drive.recent.get((INHERITED, f"{kind}:{key}"), ())
            found.update((intent.id, intent) for intent in met)
        return list(found.values())

    @property
    def restored(self) -> bool:
        return self._drive.claim.restored is not None

    async def adopt(
        self,
        kind: str,
        key: str,
        evidence: Mapping[str, Any],
        look: Look,
        learn: Learn | None = None,
    ) -> Outcome | None:
        if not self.restored:
            return None
        await self._settled()
        intent = await self._begin(kind, key, evidence)
        if intent.outcome is not None:
            self._learn_all(learn, intent.outcome)
            return intent.outcome
        found = await look(intent.evidence)
        if found is not None:
            return await self._settle(intent, found, learn, adopted=True)
        self.writes.refused.append(intent.id)
        await self.save()
        return None

    async def resolve(
        self, kind: str, key: str, look: Look, learn: Learn | None = None
    ) -> Outcome | None:
        if (self._step, self._subject, key) not in self.view.doubts:
            return None
        intent = await self._begin(kind, key, {})
        if intent.fresh:  # somebody settled it meanwhile; nothing was sent for this one
            self.writes.refused.append(intent.id)
            await self.save()
            return None
        if intent.outcome is not None:
            self._learn_all(learn, intent.outcome)
            return intent.outcome
        found = await self._in_doubt(intent, look)
        if found is not None:
            return await self._settle(intent, found, learn, adopted=True)
        self.writes.refused.append(intent.id)
        await self.save()
        return None

    async def _begin(
        self, kind: str, key: str, evidence: Mapping[str, Any], *, shared: bool = False
    ) -> Intent:
        return await self._store.begin(
            self._drive.claim,
            step=self._step,
            subject=self._subject,
            kind=kind,
            key=key,
            evidence=evidence,
            shared=shared,
            calls=self._taken_calls(),
        )

    async def _send(self, intent: Intent, send: Send, look: Look, learn: Learn | None) -> Outcome:
        await self._lease_lasts()
        try:
            outcome = await send()
        except Interruption:
            # Said before anything was sent: a last look showed that it may not be sent now.
            self.writes.refused.append(intent.id)
            raise
        except RemoteFailure as failure:
            if failure.kind is FailureKind.EXISTS:
                found = await look(intent.evidence)
                if found is not None:
                    return await self._settle(intent, found, learn, adopted=True)
            if failure.kind in DID_NOTHING:
                self.writes.refused.append(intent.id)
            raise
        await self._checkpoints.reached("replied", self._step, self._subject)
        return await self._settle(intent, outcome, learn, adopted=False)

    async def _settle(
        self, intent: Intent, outcome: Outcome, learn: Learn | None, *, adopted: bool
    ) -> Outcome:
        self.writes.outcomes.append((intent.id, outcome))
        self._learn_all(learn, outcome)
        if adopted:
            self.journal(
                "FOUND_IN_DOUBT",
                f"What was in doubt was found in {self._system}: {intent.kind.replace('_', ' ')}.",
                key=intent.key,
            )
        await self.save()
        await self._checkpoints.reached("outcome_committed", self._step, self._subject)
        return outcome

    def _learn_all(self, learn: Learn | None, outcome: Outcome) -> None:
        for ref in learn(outcome) if learn is not None else ():
            self.learn(ref)

    async def _in_doubt(self, intent: Intent, look: Look) -> Outcome | None:
        """What became of an announced write. None: surely nothing, after two look-ups.

        Raises Wait until the second look-up may be trusted.
        """
        now = await self.now()
        last = patience.second_look(self.view, intent, self._timeout, self._lease, self._watch, now)
        then = f"{self._system} is asked again before anything is sent."
        if self._system == CALLED[MAIL_STEP]:  # which cannot be asked (docs/decisions/0029)
            then = "it is sent again under the same Message-ID."
        what = intent.kind.replace("_", " ")
        sentence = f"It is not known whether the {what} was made; {then}"
        if intent.looked_at is not None and now < last:
            raise Wait(Code.OUTCOME_UNKNOWN, sentence, last)
        found = await look(intent.evidence)
        if found is not None:
            return found
        if intent.looked_at is None:
            self.writes.looked.append(intent.id)
            await self.save()
            raise Wait(Code.OUTCOME_UNKNOWN, sentence, max(last, now + self.view.live.read_lag))
        return None

    # Commits ------------------------------------------------------------------------------

    def _taken_calls(self) -> list[CallRecord]:
        taken = list(self._calls)
        self.called += len(taken)
        self._calls.clear()
        return taken

    async def save(self) -> None:
        """Commit what was written so far. Raises LeaseLost."""
        self.writes.calls.extend(self._taken_calls())
        writes, self.writes = self.writes, self._empty()
        committed = await self._store.commit(writes)
        if not committed.held:
            self._drive.lease.lost = True
            raise LeaseLost
