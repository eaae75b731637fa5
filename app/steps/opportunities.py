"""The opportunity of an order: the one that Commerce names, checked first, or one of its own.

Owns whose it must be, that a lost one is for a person (B1.4, H3), and the making of one where
Commerce names none. Used by the step that puts products on it, and by the one that only wins it.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.domain import psa
from app.domain.codes import Code
from app.domain.cuts import cut
from app.domain.errors import Hold
from app.domain.records import Ref
from app.steps.effects import Effects, Outcome
from app.steps.lose_opportunity import marked_lost
from app.steps.resolve import contact, optional, sales_rep, set_up


@dataclass(frozen=True, slots=True)
class Checked:
    """`closed`: its status is a closed one. `declined`: it is lost because of that quote, by us."""

    opportunity: psa.Opportunity
    closed: bool
    declined: str | None


async def checked(fx: Effects, opportunity_id: int, owner: psa.Company) -> Checked:
    """The opportunity, to be asked under its claim. Its reference is learned. Raises
    Hold where it is another company's, or lost and nobody reopened it."""
    declined = await marked_lost(fx, opportunity_id)
    opportunity = await fx.cw.opportunity(opportunity_id)
    if opportunity.company_id != owner.id:
        raise Hold(
            Code.OPPORTUNITY_OF_OTHER_COMPANY,
            f"Opportunity {opportunity_id} belongs to ConnectWise company {opportunity.company_id}, "
            f"the order to {owner.identifier} ({owner.id}).",
        )
    fx.learn(Ref("opportunity", "", str(opportunity_id)))
    statuses = {status.id: status for status in await set_up(fx, psa.Setup.OPPORTUNITY_STATUS)}
    status = statuses.get(opportunity.status_id)
    # What the service marked lost itself, it reopens itself when the quote is accepted (B1.4).
    reopen = declined is not None or fx.view.decided(Code.OPPORTUNITY_LOST) == "reopen"
    if status is not None and status.lost and not reopen:
        raise Hold(
            Code.OPPORTUNITY_LOST,
            f"Opportunity {opportunity_id} stands at {status.name}, which means lost.",
        )
    # The record's own closed date may outlive a reopening; the status decides where it is known.
    closed = opportunity.closed if status is None else status.closed or status.won or status.lost
    lost = status is not None and status.lost
    return Checked(opportunity, closed, declined if lost else None)


async def opportunity_of_ours(fx: Effects, owner: psa.Company) -> int:
    """The opportunity of an order that names none, made once (D-13)."""
    known = fx.ref("opportunity")
    if known is not None:
        return known
    view, order = fx.view, fx.view.sales_order
    assert order is not None  # noqa: S101 - gate sales_order_known
    marker = view.marker("opportunity", "")
    title = view.quote.title if view.quote is not None and view.quote.title else owner.name
    new = psa.NewOpportunity(
        name=cut(f"{order.order_number} {title}", 100),
        company_id=owner.id,
        contact_id=await contact(fx, owner.id),
        sales_rep_id=await sales_rep(fx),
        notes=marker,
        type_id=await optional(fx, "connectwise_opportunity_type"),
        expected_close=order.order_date,
        location_id=await optional(fx, "connectwise_location"),
        business_unit_id=await optional(fx, "connectwise_business_unit"),
    )

    async def send() -> Outcome:
        return {"id": await fx.cw.create_opportunity(new)}

    async def look(known: Outcome) -> Outcome | None:
        found = [o.id for o in await fx.cw.opportunities_of(owner.id) if marker in o.notes]
        return {"id": found[0]} if found else None

    def learn(outcome: Outcome) -> list[Ref]:
        return [Ref("opportunity", "", str(outcome["id"]))]

    evidence = {"marker": marker, "company": owner.id}
    return int((await fx.once("opportunity", "", evidence, send, look, learn))["id"])
