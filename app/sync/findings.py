"""What people do with findings of the drift sweep: see them, ask for a sweep, adopt, fix, ignore.

Owns what is refused and why. A fix writes nothing remotely: the order forgets what its step
believes, and the step makes it true by the same protocol as ever (H12).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.domain.admin_store import AdminStore
from app.domain.codes import Code, State
from app.domain.commerce import BudgetSpent
from app.domain.documents import Kind
from app.domain.drift import COMMERCE, LEDGER, DriftStore, Finding, Standing, SweepView, Way
from app.domain.errors import FailureKind, RemoteFailure
from app.domain.gone import Forgotten
from app.domain.ports import Clock, Store
from app.domain.records import Decision, Snapshot
from app.domain.views import DecisionMade, Page, Progressed, unwatched
from app.sync.commerce_budget import Meter
from app.sync.decisions import reason_given
from app.sync.drift import Comparison, NotRead, Unread
from app.sync.operations import Actor, Operations, Refusal

MOST_ORDERS = 5  # with the calls of a minute they are answered within about one
MOST_CALLS = 500  # for one order
DOES = {
    Way.ADOPT: "What stands there is taken as right.",
    Way.FIX: "The step forgets what it believes and makes it true again; a document of Commerce is "
    "taken in.",
    Way.IGNORE: "The difference is left alone while it is just this one.",
}
NOTHING = Forgotten()
STANDS = {Way.ADOPT: Standing.ADOPTED, Way.FIX: Standing.FIXING, Way.IGNORE: Standing.IGNORED}


@dataclass(frozen=True, slots=True)
class ComparedNow:
    """What stands of orders that were compared just now. `not_read`: what could not be, each a
    sentence; the rest was."""

    found: list[Finding]
    not_read: list[str]


class Findings:
    """Every method may raise StoreUnavailable and Refusal."""

    def __init__(
        self,
        *,
        store: Store,
        admin: AdminStore,
        kept: DriftStore,
        compare: Comparison,
        clock: Clock,
        operations: Operations,
        calls_a_minute: int,
    ) -> None:
        self._store = store
        self._admin = admin
        self._kept = kept
        self._compare = compare
        self._operations = operations
        self._meter = Meter(clock, calls_a_minute)

    async def listed(
        self,
        actor: Actor,
        *,
        number: str | None = None,
        standing: Standing | None = None,
        code: Code | None = None,
        connection: str | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> Page[Finding]:
        """Findings, the newest first; of one order where `number` is given."""
        order_id = None
        if number is not None:
            order_id = (await self._operations.find(actor, number, connection)).id
        try:
            return await self._kept.findings(
                actor.tenant_id,
                order_id=order_id,
                standing=standing,
                code=code,
                cursor=cursor,
                limit=limit,
            )
        except ValueError as error:
            raise Refusal("REQUEST_NOT_VALID", f"cursor: {error}.") from error

    async def sweep(self, actor: Actor) -> SweepView:
        """How far the sweep is."""
        return await self._kept.sweep(actor.tenant_id)

    async def ask(self, actor: Actor) -> SweepView:
        """Let a worker sweep now."""
        await self._kept.ask_sweep(actor.tenant_id)
        await self._operations.wake()
        return await self._kept.sweep(actor.tenant_id)

    async def compare(
        self,
        actor: Actor,
        numbers: Sequence[str],
        connection: str | None = None,
        progressed: Progressed = unwatched,
    ) -> ComparedNow:
        """Read and compare these orders at once; what stands of them."""
        if not 0 < len(numbers) <= MOST_ORDERS:
            raise Refusal("REQUEST_NOT_VALID", f"orders: name 1 to {MOST_ORDERS} at once.")
        found: list[Finding] = []
        not_read: list[str] = []
        wanted = list(dict.fromkeys(numbers))
        for done, number in enumerate(wanted):
            progressed(done, len(wanted))
            row = await self._operations.find(actor, number, connection)
            self._meter.allow(MOST_CALLS)
            try:
                outcome = await self._compare.of(row.id, self._meter, asked=True)
            except NotRead:
                sentence = f"{row.name} is being worked on: compare it again in a moment."
                raise Refusal("WRITE_IN_DOUBT", sentence) from None
            except Unread as unread:
                sentence = f"{row.name} cannot be read in {unread.system}: {unread}"
                code = (
                    "LEDGER_UNAVAILABLE" if unread.system == LEDGER else "CONNECTWISE_UNAVAILABLE"
                )
                raise Refusal(code, sentence) from unread
            except BudgetSpent:
                sentence = f"{row.name} has too many records to be compared at once: sweep instead."
                raise Refusal("REQUEST_NOT_VALID", sentence) from None
            read = outcome.read_commerce
            await self._kept.keep_findings(row.id, outcome.found, commerce=read)
            if outcome.commerce is not None and outcome.commerce.why is not None:
                not_read.append(
                    f"{row.name} was not compared with Commerce: {outcome.commerce.why}"
                )
            page = await self._kept.findings(
                actor.tenant_id, order_id=row.id, standing=None, code=None, cursor=None, limit=200
            )
            found += [one for one in page.items if one.standing is not Standing.CLOSED]
        return ComparedNow(found, not_read)

    async def settle(self, actor: Actor, finding_id: int, way: Way, reason: str) -> Finding:
        """Adopt, fix or ignore a finding. It is journalled with the order, and audited."""
        told = reason_given(reason)
        finding = await self._known(actor, finding_id)
        drift, order_id = finding.drift, finding.order_id
        if finding.standing is Standing.CLOSED:
            sentence = f"Finding {finding.id} is closed: it stands no more."
            raise Refusal("DECISION_NOT_OPEN", sentence)
        if way not in drift.ways:
            raise Refusal(
                "CHOICE_NOT_KNOWN",
                f"No step can mend this by itself: {drift.sentence} Correct it by hand, adopt it, or "
                "ignore it.",
                choices={one.value: DOES[one] for one in drift.ways},
            )
        in_commerce = drift.system == COMMERCE
        if in_commerce and way is Way.FIX:
            await self._take_in(finding)
        if order_id is not None:
            fix = None if in_commerce or way is not Way.FIX else drift.fix
            await self._decided(actor, finding, order_id, (way, told), fix)
        await self._kept.settle_finding(finding.id, STANDS[way], drift.digest, actor.name, told)
        await self._operations.wake()
        return await self._known(actor, finding_id)

    async def _decided(
        self,
        actor: Actor,
        finding: Finding,
        order_id: int,
        chosen: tuple[Way, str],
        fix: Forgotten | None,
    ) -> None:
        """Journalled with the order, which forgets what the step is to do again."""
        drift, (way, told) = finding.drift, chosen
        snapshot = await self._store.peek(order_id)
        if fix is not None and drift.code is not Code.DRIFT_MISSING:
            self._refuse_moved(finding, snapshot)
        decision = Decision(
            drift.step,
            drift.subject,
            drift.code,
            way.value,
            f"{told} ({drift.sentence})"[:1000],
            actor.name,
            snapshot.now,
            drift.digest,
        )
        kept = await self._admin.decide(
            DecisionMade(
                order_id,
                decision,
                forget=fix,
                intents=fix.ids(snapshot.intents) if fix is not None else (),
            )
        )
        if not kept:
            raise Refusal(
                "WRITE_IN_DOUBT",
                f"A step of {finding.order} is under way, or it is not known what became of a write. "
                "Ask again when that is settled: it is looked up by itself.",
            )
        if way is Way.FIX and drift.code is Code.DRIFT_INVOICED:
            await self._look_at_invoices(actor, order_id)

    async def _take_in(self, finding: Finding) -> None:
        """The document comes in as if it was polled; the steps do the rest."""
        side, drift = self._compare.commerce, finding.drift
        if side is None:
            raise Refusal(
                "COMMERCE_UNAVAILABLE", "Commerce's API is not set up here: set COMMERCE_API_KEY."
            )
        self._meter.allow(MOST_CALLS)
        try:
            made = await side.take_in(Kind(drift.kind), drift.record, self._meter)
        except BudgetSpent:
            sentence = "The calls to Commerce are used up: try again later, or adopt the finding."
            raise Refusal("COMMERCE_UNAVAILABLE", sentence) from None
        except RemoteFailure as failure:
            if failure.kind is FailureKind.GONE:
                sentence = "It is gone in Commerce now. Compare again."
                raise Refusal("DECISION_NOT_OPEN", sentence) from failure
            raise Refusal("COMMERCE_UNAVAILABLE", failure.message) from failure
        refused = next((one for one in made if one.status == "rejected"), None)
        if refused is not None:
            sentence = (
                f"What Commerce has cannot be taken in: {refused.cause} See events list --status "
                "rejected."
            )
            raise Refusal("DECISION_NOT_OPEN", sentence)
        if not made:
            sentence = "Nothing is left to take in: it came in meanwhile. Compare again."
            raise Refusal("DECISION_NOT_OPEN", sentence)

    def _refuse_moved(self, finding: Finding, snapshot: Snapshot) -> None:
        """Since it was compared the step may want something else, or be held over it: then what it
        remembers protects what stands, and is not forgotten (D-11)."""
        _, plan = self._compare.plan(snapshot)
        drift = finding.drift
        for verdict in plan.verdicts:
            about = (verdict.step, verdict.subject)
            if about == (drift.step, drift.subject) and about in (drift.fix or NOTHING).ledger:
                if verdict.state is State.DONE:
                    continue
                raise Refusal(
                    "DECISION_NOT_OPEN",
                    f"{verdict.step.replace('_', ' ').capitalize()} of {finding.order} is under way "
                    f"or stopped: {verdict.sentence or 'look again in a moment.'}",
                )

    async def _look_at_invoices(self, actor: Actor, order_id: int) -> None:
        """What the order read of invoices counts as old: its own gates say what follows."""
        snapshot = await self._store.peek(order_id)
        routes = [
            (ref.kind, ref.external_id)
            for ref in snapshot.refs
            if ref.kind in ("sales_order", "ticket")
        ]
        await self._store.touch(actor.tenant_id, routes)

    async def _known(self, actor: Actor, finding_id: int) -> Finding:
        finding = await self._kept.finding(actor.tenant_id, finding_id)
        if finding is None:
            raise Refusal("NOT_FOUND", f"There is no finding {finding_id}. See drift list.")
        return finding
