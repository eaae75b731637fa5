"""The opportunity that Commerce names, checked before anything is done with it.

Owns whose it must be and that a lost one is for a person (B1.4, H3). Used by the step that puts
products on it, and by the one that only wins it.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.domain import psa
from app.domain.codes import Code
from app.domain.errors import Hold
from app.domain.records import Ref
from app.steps.effects import Effects
from app.steps.lose_opportunity import marked_lost
from app.steps.resolve import set_up


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
