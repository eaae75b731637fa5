"""A quote that was declined: whether its opportunity is marked lost (B1.4, LOST_ON_DECLINE).

Owns that decision, pure, from the quote, the other quotes of its opportunity and the orders placed
on them. What ConnectWise says of the opportunity is asked by `app/steps/lose_opportunity.py`.
"""

from __future__ import annotations

from app.domain.codes import Code, State
from app.domain.documents import Quote, QuoteStatus
from app.domain.order import OrderView
from app.domain.records import ORDER
from app.domain.shut import Ended, Shut

STEP = "lose_opportunity"
LEFT = "opportunity_left"  # the fact why ConnectWise's opportunity was left as it is


def opportunity(view: OrderView) -> int | None:
    return view.quote.connectwise.opportunity_id if view.quote is not None else None


def declined(view: OrderView) -> bool:
    """Whether the quote counts as declined. Never once an order was placed on it."""
    quote = view.quote
    return quote is not None and quote.declined and not _orders_of(view, quote)


def marked(view: OrderView) -> int | None:
    """The opportunity that this decline was applied to, None: to none yet."""
    want = view.applied(STEP, ORDER)
    return int(want["opportunity"]) if want is not None and want["lost"] else None


def ended(view: OrderView) -> Ended | None:
    """Why nothing more is done for the quote; None: its step decides."""
    if view.in_doubt:
        return None  # what became of the write is found out first, whatever was told meanwhile
    row = view.ledger.get((STEP, ORDER))
    if row is not None and row.state is State.SKIPPED:
        return _ignored(row.sentence or f"{view.row.name} was left out by a person.")
    lost = marked(view)
    if not declined(view):
        # Noted first, so that the same quote, declined again, counts again.
        return _ignored(_not_declined(view)) if lost is None else None
    if lost is not None and lost == opportunity(view):
        left = view.facts.get((LEFT, ""))
        if left is not None and left.body["opportunity"] == lost:
            return _ignored(str(left.body["why"]))
        sentence = f"Opportunity {lost} was marked lost, because {view.row.name} was declined."
        return Ended(State.DONE, Code.OPPORTUNITY_MARKED_LOST, sentence)
    why = _why_not(view)
    return _ignored(why) if why is not None else None


def waits(view: OrderView) -> Shut | None:
    """Why the opportunity is not marked lost yet: another of its quotes may still be won."""
    if view.in_doubt or not declined(view):
        return None
    still = [quote.quote_number for quote in view.other_quotes if not quote.declined]
    if not still:
        return None
    return Shut(
        Code.OTHER_QUOTE_OPEN,
        f"{view.row.name} was declined; of opportunity {opportunity(view)} "
        f"{_are(still)} still open.",
        next_look="when another quote of the opportunity is decided",
        never_held=True,
    )


def _ignored(sentence: str) -> Ended:
    return Ended(State.DONE, Code.QUOTE_IGNORED, sentence)


def _not_declined(view: OrderView) -> str:
    """The quote was accepted or sent again after it was declined."""
    orders = _orders_of(view, view.quote) if view.quote is not None else []
    if orders:
        return f"{view.row.name} has an order, {orders[0]}: it does not count as declined."
    return f"{view.row.name} is no longer declined."


def _why_not(view: OrderView) -> str | None:
    name, number = view.row.name, opportunity(view)
    if view.behaviour.lost_on_decline != "true":
        return f"{name} was declined; LOST_ON_DECLINE is false."
    if number is None:
        return f"{name} was declined; it names no opportunity."
    carried = [order.order_number for order in view.placed if not order.cancelled]
    carried += view.shared.get(("opportunity", str(number)), ())
    if carried:
        return f"{name} was declined, but opportunity {number} carries {carried[0]}."
    won = [
        quote.quote_number
        for quote in view.other_quotes
        if quote.status == QuoteStatus.WON or _orders_of(view, quote)
    ]
    if won:
        return f"{name} was declined, but {_are(won)} won for opportunity {number}."
    return None


def _orders_of(view: OrderView, quote: Quote) -> list[str]:
    """The orders placed on a quote, by what either of the two says."""
    found = [order.order_number for order in view.placed if order.quote_id == quote.id]
    if not found and quote.sales_order_id is not None:
        found.append(f"Commerce id {quote.sales_order_id}")
    return found


def _are(numbers: list[str]) -> str:
    """`QO1 is`, `QO1 and QO2 are`."""
    return f"{' and '.join(numbers)} {'is' if len(numbers) == 1 else 'are'}"
