"""An order explained: the answer, every step, the line matrix, and what would be done next.

Owns the reading of a plan for people. The same `decide` as the worker's makes it, so page, REST
and worker cannot disagree. Reads only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from logging import ERROR

from app.domain.choices import names_of
from app.domain.codes import Code, State, Who
from app.domain.decide import Verdict, same
from app.domain.documents import PurchaseOrder
from app.domain.facts import KEPT_FACTS, STALE_BEFORE
from app.domain.invoices import asked_for_stock, invoiced_lines, read
from app.domain.linking import allocate, covered
from app.domain.order import OrderView
from app.domain.quantities import arrived, received_by_order, received_for_lines, shipped
from app.domain.readiness import Checked, checked
from app.domain.reasons import CODES
from app.domain.records import ORDER, Answer, OrderRow, Ref, Snapshot
from app.domain.release import invoiceable
from app.domain.views import (
    Evidence,
    Explained,
    Flag,
    LineView,
    PlannedStep,
    PurchaseOrderView,
    RemoteLink,
    StepView,
)
from app.steps import CALLED, LEDGER_STEPS, STEPS
from app.sync.endings import paused_answer
from app.sync.engine import Engine
from app.sync.record_pages import RecordPages
from app.telemetry import wide

Explain = Callable[[Snapshot], Explained]
SYSTEM = "connectwise"
LEDGER = "ledger"
COMMERCE = "commerce"
MAIL = "mail"

# Which references a step made or uses, and where ConnectWise shows such a record.
SHOWN: Mapping[str, tuple[str, ...]] = {
    "raise_ticket": ("ticket",),
    "create_products": ("product", "opportunity"),
    "win_opportunity": ("opportunity",),
    "lose_opportunity": ("opportunity",),
    "create_sales_order": ("sales_order",),
    "sync_purchase_order": ("purchase_order",),
    "link_demand": ("purchase_order",),
    "receive_purchase_order": ("purchase_order",),
    "ship_goods": ("sales_order",),
    "stop_demand": ("sales_order",),
    "suggest_purchase": ("ticket",),
    "mail_suggestion": ("letter",),
    "release_invoice": ("sales_order", "invoice"),
    "post_purchase_order": ("ledger_purchase_order",),
    "post_bill": ("bill",),
    "post_invoice": ("ledger_invoice", "estimate"),
}


def explainer(engine: Engine, pages: RecordPages) -> Explain:
    """The explanation as one function of a snapshot."""

    def explain(snapshot: Snapshot) -> Explained:
        row = snapshot.order
        try:
            view, plan = engine.plan(snapshot)
            shut = paused_answer(snapshot, plan, engine.ledger)
            answer = shut.answer if shut is not None else plan.answer
            if row.held_by is not None:
                # A hold stops every step and hides none: it is decided under it.
                _, plan = engine.plan(replace(snapshot, order=replace(row, held_by=None)))
        except Exception as error:  # noqa: BLE001 - what ends as poison must still be seen
            wide("explain_failed", level=ERROR, order=row.name, exc_info=error)
            return Explained(_kept(row))
        codes = frozenset(verdict.code for verdict in plan.verdicts if verdict.code is not None)
        readiness = checked(view, codes)
        return Explained(
            answer=_kept(row) if row.code is Code.POISON else _since(row, answer),
            steps=tuple(_step(view, verdict, pages) for verdict in plan.verdicts),
            lines=_lines(view),
            services=_services(view),
            purchase_orders=_purchase_orders(view),
            flags=(*_flags(view), *_unpostable(readiness)),
            readiness=readiness,
            evidence=_evidence(snapshot, view),
            plan=tuple(_planned(view, verdict) for verdict in plan.verdicts),
        )

    return explain


def _kept(row: OrderRow) -> Answer:
    """The answer as the worker left it."""
    choices = row.choices or names_of(row.code)
    who = row.who or Who.OPERATOR
    return Answer(
        row.state, row.code, row.sentence or "", who, row.since, row.next_look or "", choices
    )


def _since(row: OrderRow, answer: Answer) -> Answer:
    """The answer with the time since when the order stands so. What a step keeps of it begins anew with
    each look in between; the order's own does not (`domain.troubles`)."""
    same = row.state is answer.state and row.code is answer.code
    if not same or row.since is None or answer.since is None or row.since >= answer.since:
        return answer
    return replace(answer, since=row.since)


def _evidence(snapshot: Snapshot, view: OrderView) -> tuple[Evidence, ...]:
    """As of when each system is known, as far as anything of the order is."""
    found: dict[str, list[datetime]] = {COMMERCE: [], SYSTEM: [], LEDGER: []}
    for stored in snapshot.documents:
        with suppress(ValueError):  # a document need not carry a date
            told = datetime.fromisoformat(stored.version)
            found[COMMERCE].append(told if told.tzinfo else told.replace(tzinfo=UTC))
    for fact in snapshot.facts:
        if fact.kind not in KEPT_FACTS and fact.seen_at.year >= STALE_BEFORE:
            found[SYSTEM].append(fact.seen_at)
    for row in view.ledger.values():
        if row.applied_at is not None and row.step not in CALLED:
            found[SYSTEM].append(row.applied_at)
        elif row.applied_at is not None and row.step in LEDGER_STEPS:
            found[LEDGER].append(row.applied_at)
    return tuple(Evidence(system, max(moments)) for system, moments in found.items() if moments)


def _step(view: OrderView, verdict: Verdict, pages: RecordPages) -> StepView:
    row = view.ledger.get((verdict.step, verdict.subject))
    state = verdict.state
    if verdict.runnable:
        state = State.RUNNING if row is not None and row.attempts else State.WAITING
    return StepView(
        step=verdict.step,
        subject=view.label(verdict.subject),
        state=state,
        code=verdict.code,
        sentence=verdict.sentence,
        attempts=row.attempts if row is not None else 0,
        started_at=row.started_at if row is not None else None,
        finished_at=row.finished_at if row is not None else None,
        remote=_remote(view, verdict, pages),
    )


def _remote(view: OrderView, verdict: Verdict, pages: RecordPages) -> tuple[RemoteLink, ...]:
    """The records behind a step; of purchase orders only the subject's own."""
    own = verdict.subject.split(":")[1] if verdict.subject != ORDER else None
    if verdict.step in CALLED:
        system = LEDGER if verdict.step in LEDGER_STEPS else MAIL
        return tuple(
            RemoteLink(system, ref.kind, ref.external_id, url, url)
            for (kind, key), ref in sorted(view.refs.items())
            for url in (str(ref.data.get("url") or "") or None,)
            if kind in SHOWN[verdict.step] and key == verdict.subject
        )
    links = [
        RemoteLink(
            SYSTEM,
            ref.kind,
            ref.external_id,
            pages.url(ref.kind, ref.external_id),
            pages.page(ref.kind, ref.external_id),
        )
        for ref in view.refs.values()
        if _shows(view, verdict, ref)
        and (ref.kind != "purchase_order" or own is None or ref.key == own)
    ]
    return tuple(sorted(links, key=lambda link: (link.kind, int(link.id))))


def _shows(view: OrderView, verdict: Verdict, ref: Ref) -> bool:
    """Whether a step made or uses a record. Where tickets are invoiced, the ticket is what products
    stand on, and what is shipped and released."""
    if ref.kind == "invoice" and _taken_off(view, ref):
        return False
    of_ticket = ("create_products", "ship_goods", "release_invoice")
    ticket = view.by_ticket and ref.kind == "ticket" and verdict.step in of_ticket
    return ticket or ref.kind in SHOWN.get(verdict.step, ())


def _taken_off(view: OrderView, ref: Ref) -> bool:
    """Whether an invoice that a person made carries nothing of the order any more. One that the
    service made stays: that it is gone is a hold, and its number is in the sentence."""
    on = read(view).get("on")
    return on is not None and not ref.data.get("lines") and int(ref.external_id) not in on.values()


def _planned(view: OrderView, verdict: Verdict) -> PlannedStep:
    """What a step would do now. Applied ones do nothing, and say so."""
    applied = verdict.state in (State.DONE, State.SKIPPED, State.NOT_NEEDED)
    true_already = same(view.applied(verdict.step, verdict.subject), verdict.want)
    writes: list[str] = []
    if not applied and not true_already and verdict.want is not None:
        writes = list(STEPS[verdict.step].preview(view, verdict.want))
    told = "Applied already; nothing is done." if applied else "It would run now."
    return PlannedStep(
        step=verdict.step,
        subject=view.label(verdict.subject),
        gate="open" if verdict.runnable or applied else "shut",
        code=verdict.code,
        sentence=verdict.sentence or told,
        writes=tuple(writes),
        calls=len(writes),
    )


def _flags(view: OrderView) -> tuple[Flag, ...]:
    """What somebody has to see to although the order goes on without it."""
    order, found = view.sales_order, list[tuple[Code, str]]()
    recurring = [line.title for line in order.lines if order.recurs(line)] if order else []
    if recurring:
        told = f"Left for the customer's agreement: {', '.join(recurring)}."
        found.append((Code.NEEDS_AGREEMENT, told))
    titles = {str(line.id): line.title for line in view.sold_lines}
    asked = [f"{n} {titles.get(key, key)}" for key, n in asked_for_stock(view).items()]
    if asked and view.parent is not None:
        told = (
            f"{', '.join(asked)} of {view.parent_named} come from stock, and ConnectWise asks its "
            "purchasers for them until they are picked: pick them there, or take them out of "
            "purchasing, so that nobody orders them."
        )
        found.append((Code.DEMAND_OPEN, told))
    return tuple(Flag(code, sentence, CODES[code].who) for code, sentence in found)


def _unpostable(readiness: Checked | None) -> tuple[Flag, ...]:
    """A9: what the tool that posts the records cannot post, each with its fix."""
    found = readiness.defects if readiness is not None else ()
    return tuple(Flag(one.code, f"{one.sentence} {one.fix}", one.who) for one in found)


def _lines(view: OrderView) -> tuple[LineView, ...]:
    order = view.sales_order
    if view.stock:
        return _stock_lines(view)
    if order is None:
        return ()
    on_orders = covered(view)
    linked = _linked(view)
    received, sent = received_for_lines(view), shipped(view)
    invoiced = invoiced_lines(view)
    free = invoiceable(view)
    result: list[LineView] = []
    for number, line in enumerate(view.sold_lines, start=1):
        result.append(
            LineView(
                line=line.line_number or number,
                title=line.title,
                ordered=str(line.quantity),
                on_purchase_orders=str(on_orders.get(line.id, 0)),
                received=str(received.get(line.id, 0)),
                linked=str(linked.get(line.id, 0)),
                shipped=str(sent.get(line.id, 0)),
                invoiceable=str(free.get(line.id, 0)),
                invoiced=str(invoiced.get(str(line.id), 0)),
            )
        )
    return tuple(result)


def _services(view: OrderView) -> frozenset[int]:
    """The lines, by their number in the matrix, for which no goods come (D-15)."""
    return frozenset(
        line.line_number or number
        for number, line in enumerate(view.sold_lines, start=1)
        if not view.physical(line)
    )


def _stock_lines(view: OrderView) -> tuple[LineView, ...]:
    """H4: the purchase order's own lines; nothing of them is sold."""
    return tuple(
        LineView(
            line=line.line_number or number,
            title=line.title,
            ordered="0",
            on_purchase_orders=str(line.quantity),
            received=str(arrived(view, purchase_order.id).get(line.id, 0)),
            linked="0",
            shipped="0",
            invoiceable="0",
            invoiced="0",
        )
        for purchase_order in view.purchase_orders
        for number, line in enumerate(purchase_order.lines, start=1)
    )


def _purchase_orders(view: OrderView) -> tuple[PurchaseOrderView, ...]:
    """Sums by purchase order: over all of them they are those of the lines."""
    if view.stock:
        return ()
    shares, received = allocate(view), received_by_order(view)
    return tuple(
        PurchaseOrderView(
            number=purchase_order.order_number,
            supplier=purchase_order.supplier.name,
            ordered=sum(line.quantity for line in purchase_order.lines),
            sold=sum(
                share.quantity
                for share in shares.get(purchase_order.id, ())
                if share.line is not None
            ),
            received=sum(received.get(purchase_order.id, {}).values()),
            linked=sum(_links(view, purchase_order).values()),
        )
        for purchase_order in view.purchase_orders
        if purchase_order.id in shares
    )


def _linked(view: OrderView) -> dict[int, int]:
    """Linked and read back, by sales order line id: as it was done, not as Commerce says now."""
    result: dict[int, int] = {}
    for purchase_order in view.open_purchase_orders:
        for key, quantity in _links(view, purchase_order).items():
            result[key] = result.get(key, 0) + quantity
    return result


def _links(view: OrderView, purchase_order: PurchaseOrder) -> dict[int, int]:
    want = view.applied("link_demand", f"po:{purchase_order.id}")
    result: dict[int, int] = {}
    if want is None or want.get("order") != view.row.source_id:
        return result
    for share in want["shares"]:
        key = int(share["line"])
        result[key] = result.get(key, 0) + int(share["quantity"])
    return result
