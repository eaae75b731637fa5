"""lose_opportunity: the opportunity of a declined quote gets the lost status (B1.4).

Stands in no scenario: it is the one step of a declined quote, with LOST_ON_DECLINE. Owns that
status only where nobody closed or converted the opportunity. The write is announced although it
is idempotent: whether it was the service that marked it lost decides who may reopen it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from app.domain import losing, psa
from app.domain.choices import LOOK_AGAIN, SKIP
from app.domain.codes import Code
from app.domain.errors import Hold, Wait
from app.domain.order import OrderView
from app.domain.records import ORDER, Intent, Ref
from app.domain.shut import Shut
from app.steps.effects import Effects, Look, Outcome
from app.steps.resolve import company, set_up, setting

name = losing.STEP
version = 1


def subjects(view: OrderView) -> Sequence[str]:
    return (ORDER,) if view.of_quote else ()


def want(view: OrderView, subject: str) -> Mapping[str, Any] | None:
    doubt = _doubt(view)
    if doubt is not None:
        return {"opportunity": doubt.evidence["opportunity"], "lost": True}
    before = losing.marked(view)
    if before is not None and not losing.declined(view):
        return {"opportunity": before, "lost": False}
    number = losing.opportunity(view)
    return {"opportunity": number, "lost": True} if number is not None else None


def outstanding(view: OrderView, subject: str) -> Shut | None:
    return None


def preview(view: OrderView, want: Mapping[str, Any]) -> list[str]:
    return [f"set opportunity {want['opportunity']} to lost"] if want["lost"] else []


async def apply(want: Mapping[str, Any], fx: Effects) -> None:
    opportunity = int(want["opportunity"])
    if not want["lost"]:
        # Reopening it is the order's part, if one comes (create_products).
        fx.see(losing.LEFT, {"opportunity": None, "why": None})
        told = (
            f"{fx.view.row.name} is no longer declined; opportunity {opportunity} stays as it is."
        )
        fx.journal("QUOTE_NO_LONGER_DECLINED", told)
        return
    doubt = _doubt(fx.view)
    if doubt is not None:
        await _settle(fx, opportunity, doubt)
        return
    quote = fx.view.quote
    assert quote is not None  # noqa: S101 - losing.opportunity
    key = f"{opportunity}@{quote.modified_date.isoformat()}"  # it may be declined again
    done = fx.view.outcomes.get((name, ORDER, key))
    if done is not None:  # the worker died before the step was noted as done
        _tell(fx, opportunity, done)
        return
    lost = await setting(fx, "connectwise_lost_status")
    owner = await company(fx, quote.customer, quote.connectwise.company_identifier)
    # Whoever wins or converts it holds this claim; whoever comes later waits for ours.
    await fx.claim("opportunity", str(opportunity), _claim_seconds(fx), as_decided=True)
    await marked_lost(fx, opportunity)
    found = await fx.cw.opportunity(opportunity)
    if found.company_id != owner.id:
        fx.drop_claim("opportunity", str(opportunity))
        raise Hold(
            Code.OPPORTUNITY_OF_OTHER_COMPANY,
            f"Opportunity {opportunity} belongs to ConnectWise company {found.company_id}, "
            f"the quote to {owner.identifier} ({owner.id}).",
            choices=(LOOK_AGAIN.name, SKIP.name),
        )
    why = await _taken(fx, found)
    if why is not None:
        fx.see(losing.LEFT, {"opportunity": opportunity, "why": why})
        fx.drop_claim("opportunity", str(opportunity))
        fx.journal(Code.QUOTE_IGNORED, why)
        return
    # Kept before the write is sent: an order finds by it who marked the opportunity lost.
    fx.learn(Ref("opportunity", str(opportunity), str(opportunity)))

    async def send() -> Outcome:
        await fx.cw.set_opportunity_status(opportunity, lost.id, quote.modified_date)
        return {"status": lost.id, "name": lost.name}

    evidence = {"opportunity": opportunity, "status": lost.id, "name": lost.name}
    _tell(fx, opportunity, await fx.once("lost_opportunity", key, evidence, send, _look(fx)))


async def marked_lost(fx: Effects, opportunity: int) -> str | None:
    """The declined quote for which the service marked an opportunity lost last, None: it never
    did. To be asked under the opportunity's claim, before the opportunity is read.

    Raises Wait(READ_LAG) while a read may not show that write yet.
    """
    known = await fx.marked_lost(opportunity)
    if known is None:
        return None
    quote, since = known
    shown = since + fx.view.live.read_lag
    if await fx.now() < shown:
        told = f"Opportunity {opportunity} was marked lost just now; ConnectWise may not show it."
        raise Wait(Code.READ_LAG, told, shown)
    return quote


async def _taken(fx: Effects, found: psa.Opportunity) -> str | None:
    """Why a person's opportunity is left as it is: closed already, or converted."""
    statuses = {status.id: status for status in await set_up(fx, psa.Setup.OPPORTUNITY_STATUS)}
    status = statuses.get(found.status_id)
    told = f"{fx.view.row.name} was declined, but opportunity {found.id}"
    if status is None and found.closed:
        return f"{told} is closed already."
    if status is not None and (status.closed or status.won or status.lost):
        return f"{told} stands at {status.name} already."
    orders = await fx.cw.sales_orders_of_opportunity(found.id)
    return f"{told} carries sales order {orders[0].id} in ConnectWise." if orders else None


async def _settle(fx: Effects, opportunity: int, doubt: Intent) -> None:
    """What became of the write without an answer. It is never just sent again: the quote may
    have been accepted meanwhile, or a person may have closed the opportunity."""
    await fx.claim("opportunity", str(opportunity), _claim_seconds(fx))
    done = await fx.resolve("lost_opportunity", doubt.key, _look(fx))
    if done is not None:
        _tell(fx, opportunity, done)
        return
    told = f"Opportunity {opportunity} was not marked lost; it is decided anew."
    raise Wait(Code.OUTCOME_UNKNOWN, told, await fx.now())


def _look(fx: Effects) -> Look:
    async def look(known: Outcome) -> Outcome | None:
        found = await fx.cw.opportunity(int(known["opportunity"]))
        lost = found.status_id == known["status"]
        return {"status": known["status"], "name": known["name"]} if lost else None

    return look


def _tell(fx: Effects, opportunity: int, done: Outcome) -> None:
    fx.drop_claim("opportunity", str(opportunity))
    told = f"Opportunity {opportunity} is {done['name']}: {fx.view.row.name} was declined."
    fx.journal(Code.OPPORTUNITY_MARKED_LOST, told)


def _doubt(view: OrderView) -> Intent | None:
    return next((intent for intent in view.unanswered if intent.step == name), None)


def _claim_seconds(fx: Effects) -> float:
    """Longer than the write may be executing: the reads before it, the write, the lag after it."""
    live = fx.view.live
    every: timedelta = live.call_timeout * 4 + live.read_lag * 2
    return every.total_seconds()
