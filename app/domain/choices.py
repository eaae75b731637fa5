"""What a person may decide where the rules leave it to a person (D-6, D-7, D-13, B1.7 ...).

Owns the closed table of choices by reason code, with what each does. REST, command line, runbook
and the refusal of a wrong choice read it; gates and steps ask `OrderView.decided`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from app.domain.codes import Code, State
from app.domain.reasons import CODES


@dataclass(frozen=True, slots=True)
class Choice:
    """One way out. `name` may end in a colon: the id of a record follows, as in `use:42`."""

    name: str
    does: str


LOOK_AGAIN = Choice("look_again", "The cause was corrected: it is tried again at once.")
SKIP = Choice("skip", "The step is left out for good; what it would have done is done by hand.")
GENERAL = (LOOK_AGAIN.name, SKIP.name)
WAIT_LONGER = Choice("wait_longer", "The wait's deadline begins anew.")

RELEASE_ANYWAY = Choice(
    "release_anyway",
    "The sales order is released with the goods that are missing now; more that is missing later "
    "is waited for again.",
)
ACCEPT_UNLINKED = Choice(
    "accept_unlinked",
    "The invoices that are there stay; what they carry is not linked to purchase orders.",
)
KEEP_DEMAND = Choice("keep_demand", "The demand stays; a person sees that nobody orders from it.")
LEAVE_INVOICE = Choice("leave_invoice", "The invoice stays as it is, and the order goes on.")
RELEASE_CLOSED = Choice(
    "release_closed", "The sales order is set to the ready status, which opens it again."
)
GO_ON = Choice("go_on", "It goes on with the ticket as it is; nothing on it is changed.")
NEW_TICKET = Choice("new_ticket", "The order gets a ticket of its own.")
DONE_BY_HAND = Choice(
    "done_by_hand", "Everything was undone in ConnectWise by hand; the order ends as cancelled."
)
CANCEL_PRODUCTS = Choice(
    "cancel_products",
    "The order's products on the sales order are cancelled, but those on a purchase order, a "
    "receipt or an invoice.",
)
MAKE_AGAIN = Choice(
    "make_again",
    "What is gone is made anew, as if it had never been; offered where nothing rests on it.",
)

OWN_NUMBER = Choice(
    "own_number",
    "The bill gets the purchase order's number with the receipt's, instead of the supplier's.",
)

# Choices of a code beside the general ones. A code that is not here has only those.
SPECIAL: dict[Code, tuple[Choice, ...]] = {
    # The sales order and what comes before it
    Code.TOTAL_MISMATCH: (
        Choice(
            "accept_lines",
            "The order goes on by its lines, whatever total Commerce states; a document in the "
            "ledger stays with the ledger's total.",
        ),
    ),
    Code.OPPORTUNITY_MISSING: (
        Choice("create", "An opportunity is made for the order."),
        Choice("plain_sales_order", "A sales order is made without an opportunity."),
    ),
    Code.OPPORTUNITY_LOST: (
        Choice("reopen", "The opportunity is reopened, gets the order's products, and is won."),
    ),
    Code.OPPORTUNITY_OF_OTHER_COMPANY: (
        Choice("own_opportunity", "The named one is left alone; the order gets one of its own."),
    ),
    Code.TICKET_OF_OTHER_COMPANY: (
        NEW_TICKET,
        Choice("use:", "The order goes on that ticket of its own customer."),
    ),
    Code.TICKET_CLOSED: (
        NEW_TICKET,
        Choice("use:", "The order goes on that open ticket instead."),
        GO_ON,
    ),
    Code.TICKET_MERGED: (GO_ON,),
    Code.PRODUCTS_ON_BOTH: (
        Choice("ticket_is_invoiced", "The ticket is invoiced; a person sees to the other record."),
    ),
    Code.OPPORTUNITY_SHARED: (
        Choice("append", "The order's lines go on the sales order of the other order."),
        Choice("separate", "The order gets an opportunity and a sales order of its own."),
    ),
    Code.OPTIONS_UNMATCHED: (
        Choice("make_own", "What nobody can tell apart is left alone; own products are made."),
    ),
    Code.SO_MISSING: (
        Choice("make_sales_order", "The service converts the opportunity, without the person."),
    ),
    Code.SALES_ORDER_UNCERTAIN: (
        Choice("use:", "The sales order of that ConnectWise id is this order's."),
    ),
    Code.PRODUCTS_NOT_CONVERTED: (
        Choice("add_products", "The missing products are put on the sales order."),
    ),
    # Receiving and shipping
    Code.RECEIPT_ABOVE_ORDER: (
        Choice("receive_ordered", "What was ordered is received; what is above it is left out."),
    ),
    Code.RECEIPT_REDUCED: (
        Choice("keep_connectwise", "What ConnectWise has received stays; the rest goes on."),
    ),
    Code.LINE_MISSING: (
        Choice("link_again", "A line is added that is linked to the order's demand, and received."),
        Choice("add_unlinked_line", "A plain line is added and received: the goods go to stock."),
        Choice("done_by_hand", "The goods were received in ConnectWise by hand: they count."),
    ),
    Code.RECEIPT_UNCERTAIN: (
        Choice("accept_connectwise", "What ConnectWise shows as received is taken as it is."),
    ),
    Code.SERIALS_INCOMPLETE: (
        Choice(
            "receive_without",
            "The goods are received with those there are, if ConnectWise takes that.",
        ),
    ),
    Code.SHIPPING_UNCERTAIN: (
        Choice("accept_connectwise", "What ConnectWise shows as shipped is taken as it is."),
    ),
    # Purchase orders
    Code.PURCHASE_ORDER_UNCERTAIN: (
        Choice("use:", "The purchase order of that ConnectWise id is this one: it is taken."),
        Choice("make_new", "None of them is: a new one is made, if the demand is still open."),
    ),
    Code.PURCHASE_ORDER_CANCELLED: (
        Choice(
            "cancel_in_connectwise",
            "Its lines that are not received are cancelled in ConnectWise, and it is closed.",
        ),
        Choice("done_by_hand", "It was cancelled in ConnectWise by hand."),
    ),
    Code.PURCHASE_ORDER_MOVED: (
        Choice("keep_here", "In ConnectWise it stays with this order, whatever Commerce says."),
    ),
    Code.PO_NUMBER_TAKEN: (
        Choice("connectwise_number", "It keeps the number that ConnectWise gave it."),
    ),
    Code.DEMAND_NOT_LINKED: (
        Choice(
            "accept_unlinked",
            "It goes on without the link: the goods are received to stock and count as come.",
        ),
        Choice(
            "link_again",
            "Unlinked lines are cancelled in ConnectWise and the demand is added anew.",
        ),
    ),
    Code.DEMAND_TAKEN: (
        Choice(
            "leave_linked",
            "The goods are for whom ConnectWise linked them to: they are received there.",
        ),
        Choice(
            "give_back",
            "The line is cancelled, so that the demand is open again; the goods get a new line "
            "once that demand is ordered elsewhere.",
        ),
    ),
    Code.CHANGED_AFTER_FREEZE: (
        Choice("done_by_hand", "The change was made by hand in ConnectWise, or in the ledger."),
        Choice(
            "keep_connectwise",
            "ConnectWise, or the ledger, stays as it is; the difference is accepted.",
        ),
    ),
    # The ledger
    Code.INVOICE_NOT_APPROVED: (
        Choice("approve", "The invoice is posted as it is shown; a later change asks again."),
    ),
    Code.BILL_ABOVE_RECEIPT: (
        Choice("leave_bill", "The bill stays as it is, or as it was corrected by hand."),
    ),
    Code.BILL_NOT_LINKED: (
        Choice("leave_unlinked", "The bill stays without its link to the purchase order."),
    ),
    Code.BILL_TAKEN_OVER: (
        Choice("bill_rest", "What is not on the bill goes on a further bill."),
        Choice("done_by_hand", "A person has put it into the ledger: it counts as billed."),
    ),
    # Invoices and cancelled orders
    Code.LINE_NOT_ORDERED: (RELEASE_ANYWAY,),
    Code.GOODS_NOT_RECEIVED: (RELEASE_ANYWAY,),
    Code.GOODS_NOT_SHIPPED: (RELEASE_ANYWAY,),
    Code.INVOICED_TOO_EARLY: (ACCEPT_UNLINKED,),
    Code.PO_AFTER_INVOICE: (ACCEPT_UNLINKED,),
    Code.DEMAND_OPEN: (KEEP_DEMAND,),
    Code.INVOICE_INCOMPLETE: (LEAVE_INVOICE,),
    Code.SALES_ORDER_CLOSED: (RELEASE_CLOSED,),
    Code.REMOTE_GONE: (MAKE_AGAIN,),
    Code.REMOTE_EXISTS: (OWN_NUMBER,),
    Code.CANCELLED_AFTER_START: (DONE_BY_HAND, CANCEL_PRODUCTS),
}

# Choices that are about one step, wherever else its code may stand.
ONLY_AT = {RELEASE_ANYWAY.name: "release_invoice", OWN_NUMBER.name: "post_bill"}
# What was read of invoices and of the ticket: `look_again` means that it is read anew.
RESTS_ON_READING = frozenset(
    {
        Code.INVOICED_TOO_EARLY,
        Code.PO_AFTER_INVOICE,
        Code.REMOTE_GONE,
        Code.TICKET_CLOSED,
        Code.TICKET_MERGED,
    }
)
# Nothing is left out here: these stop the order as a whole, not one step.
WHOLE_ORDER = frozenset({Code.HELD_BY_PERSON, Code.CANCELLED_AFTER_START, Code.POISON})
# A delivery is no order: it has nothing to choose from.
_DELIVERIES = frozenset(
    {
        Code.SIGNATURE_REFUSED,
        Code.TIMESTAMP_OUTSIDE_WINDOW,
        Code.ID_REUSED,
        Code.BODY_NOT_JSON,
        Code.BODY_NOT_VALID,
        Code.DATE_AHEAD,
        Code.TYPE_UNHANDLED,
    }
)


def choices_of(code: Code | None) -> tuple[Choice, ...]:
    """Every choice of a code that stands held, parked or waiting; none where nothing is chosen."""
    if code is None or code in _DELIVERIES:
        return ()
    state = CODES[code].state
    special = SPECIAL.get(code, ())
    if state is State.WAITING:
        return (*special, WAIT_LONGER)
    if state in (State.HELD, State.PARKED):
        general = (LOOK_AGAIN,) if code in WHOLE_ORDER else (LOOK_AGAIN, SKIP)
        return (*special, *general)
    return special


def does(code: Code, name: str) -> str:
    """What a choice of a code does, in words; the code's own remedy for one not in the table."""
    for choice in choices_of(code):
        if name == choice.name or (choice.name.endswith(":") and name.startswith(choice.name)):
            return choice.does
    return CODES[code].remedy


def ways_out(code: Code) -> tuple[str, ...]:
    """What a person may choose while a wait still ends by itself: its own choices only."""
    return tuple(one.name for one in SPECIAL.get(code, ()) if not one.name.endswith(":"))


def names_of(code: Code | None, *ids: int) -> tuple[str, ...]:
    """The names of a code's choices; one that needs an id stands once for each of `ids`."""
    names: list[str] = []
    for choice in choices_of(code):
        if choice.name.endswith(":"):
            names.extend(f"{choice.name}{record}" for record in ids)
        else:
            names.append(choice.name)
    return tuple(names)


def known(code: Code | None, choice: str, offered: Collection[str] = ()) -> bool:
    """Whether a choice is one of the code's. With an id it has to be among those `offered`."""
    if choice in offered:
        return True
    return any(choice == one.name for one in choices_of(code) if not one.name.endswith(":"))
