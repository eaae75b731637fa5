"""What each step reads when it is done, and what depends on what it finds (`docs/calls.md`).

Owns this beside the steps' own previews, which tell the writes. Pure. Reference data that is
remembered for all orders, polls and look-ups in doubt stand in none of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from app.domain import losing
from app.domain.foretold import Foretold, Read
from app.domain.ledger_orders import Ends
from app.domain.linking import allocate
from app.domain.order import OrderView, named
from app.domain.quantities import received_remotely
from app.steps.taken import plain_ids

Want = Mapping[str, Any]
PRODUCTS, TICKET = "products", "ticket"
CATALOG = "create a catalog item for a product that stands in no catalog yet"
IN_DOUBT = "look for what an earlier write made, whose answer was lost; that is not made again"
TAKEN = "read the report that tells whose demand they hold"


def foretold(step: str, view: OrderView, want: Want) -> Foretold:
    """What doing the step to `want` asks, beside its writes."""
    teller = _TELLERS.get(step)
    told = teller(view, want) if teller is not None else Foretold()
    if any(one.step == step for one in view.unanswered):
        told = replace(told, perhaps=(*told.perhaps, IN_DOUBT))
    return told


def _products(view: OrderView) -> Read:
    return Read(f"read the products on {view.parent_told}")


def _products_of(view: OrderView, po: object, lines: Iterable[str]) -> tuple[Read, ...]:
    """B1.12: before each link and each receipt, unless they were read a moment ago. B2.4: with
    them their ticket. `lines`: those of the sales order."""
    records = tuple(f"{PRODUCTS} {line}" for line in dict.fromkeys(lines))
    if not records:
        return ()
    told = [f"read the products of {view.label(f'po:{po}')} on {view.parent_told}"]
    if view.by_ticket:
        told.append(f"read {named('ticket', view.ref('ticket'))}")
    return tuple(Read(one, records, PRODUCTS, alone=True) for one in told)


def _ticket(view: OrderView, number: object, *, anew: bool = False) -> Read:
    return Read(f"read {named('ticket', number)}", () if anew else (TICKET,))


def _report(*records: str) -> Read:
    return Read("read the report that tells their links", records)


def _raise_ticket(view: OrderView, want: Want) -> Foretold:
    if want.get("ticket") is None:
        return Foretold(knows=(TICKET,))
    return Foretold((_ticket(view, want["ticket"], anew=True),), (TICKET,))


def _create_products(view: OrderView, want: Want) -> Foretold:
    if want.get("without_opportunity") and view.parent is None:
        return Foretold(perhaps=(CATALOG,) if want.get("lines") else ())
    if want.get("cancelled"):
        return Foretold((_products(view),))
    if view.by_ticket or view.ref("sales_order") is not None:
        return Foretold((_products(view),), perhaps=(CATALOG,))
    number = want.get("opportunity") or view.ref("opportunity")
    where = named("opportunity", number)
    reads = [Read(f"read the products on {where}")]
    perhaps = [CATALOG]
    if number is not None:
        reads.insert(0, Read(f"read {where}"))
        perhaps.append(f"reopen {where}, if it is closed, or use what it was converted to")
        perhaps.append("use another identifier that the catalog has for a product")
    if want.get("not_chosen"):
        perhaps.append(f"read the forecast of {where}, and untick options that were not chosen")
    return Foretold(tuple(reads), perhaps=tuple(perhaps))


def _win_opportunity(view: OrderView, want: Want) -> Foretold:
    if not (view.by_ticket or view.by_commerce):
        return Foretold()
    number = want["opportunity"]
    where = named("opportunity", view.ref("opportunity") if number == "ours" else number)
    return Foretold((Read(f"read {where}"),))


def _create_sales_order(view: OrderView, want: Want) -> Foretold:
    if view.ref("sales_order") is not None:
        return Foretold()
    plain = view.opportunity_id is None and view.opportunity_missing != "create"
    knows = () if plain else (PRODUCTS,)  # read while it was empty
    return Foretold((Read("read the products on the new sales order"),), knows)


def _sync_purchase_order(view: OrderView, want: Want) -> Foretold:
    po = want["purchase_order"]
    known = view.ref("purchase_order", str(po)) is not None
    if want.get("cancelled"):
        return Foretold((_lines(view, want),)) if want.get("how") else Foretold()
    if "items" in want:
        lines = Read(_lines(view, want).told)
        shown = (lines, _report()) if view.by_ticket else (lines,)
        return Foretold((*shown, Read(TAKEN)), (f"lines {po}", f"taken {po}"), (CATALOG,))
    linked = [str(share["line"]) for share in want["shares"] if share["line"] is not None]
    if not linked or view.behaviour.demand_linking == "demand_appends_to_po":
        return Foretold()
    changes = "raise, give back or cut single lines, as far as they differ from what stands"
    return Foretold(_products_of(view, po, linked), perhaps=(changes,) if known else ())


def _lines(view: OrderView, want: Want) -> Read:
    po = want["purchase_order"]
    return Read(f"read the lines of purchase order {view.label(f'po:{po}')}", (f"lines {po}",))


def _link_demand(view: OrderView, want: Want) -> Foretold:
    po = want["purchase_order"]
    lines = Read(f"read back the lines of purchase order {view.label(f'po:{po}')}")
    reads: tuple[Read, ...] = (lines,)
    if view.by_ticket:
        reads = (lines, _report(), Read(TAKEN, (f"taken {po}",)))
    linking = view.behaviour.demand_linking
    if linking == "demand_appends_to_po":
        header = Read(f"read purchase order {view.label(f'po:{po}')}, which demand is added to")
        lines_of = [str(share["line"]) for share in want["shares"]]
        forgotten = (PRODUCTS, *(f"{PRODUCTS} {line}" for line in lines_of))
        every = (*_products_of(view, po, lines_of), header, *reads)
        return Foretold(every, (f"lines {po}",), forgets=forgotten)
    if linking == "automatic" and not view.by_ticket:
        reads = (lines, Read(TAKEN, (f"taken {po}",)))
    asks = ("read the report that tells their links, where the lines themselves do not",)
    return Foretold(reads, (f"lines {po}",), () if view.by_ticket else asks)


def _receive_purchase_order(view: OrderView, want: Want) -> Foretold:
    if want.get("closed"):
        return Foretold()
    done = received_remotely(view, int(want["purchase_order"]))
    if all(line["to"] <= done.get(line["line"], 0) for line in want["lines"]):
        return Foretold(perhaps=("correct the papers of what is received already",))
    po = want["purchase_order"]
    coming = {line["line"] for line in want["lines"] if line["to"] > done.get(line["line"], 0)}
    shares = allocate(view).get(int(po), ())
    sold = [str(one.line) for one in shares if one.line is not None and one.po_line in coming]
    reads = [*_products_of(view, po, sold), _lines(view, want)]
    if view.by_ticket:
        reads.append(_report(f"lines {po}"))
    surplus = view.applied("sync_purchase_order", f"surplus:{po}") is not None
    if view.by_ticket or surplus or plain_ids(view, str(po)):
        reads += [Read(TAKEN, unless=f"taken {po}")] * len(coming)
    split = "read the lines again, where ConnectWise split one that was received in part"
    return Foretold(tuple(reads), perhaps=(split,))


def _ship_goods(view: OrderView, want: Want) -> Foretold:
    before = (view.applied("ship_goods", "order") or {}).get("shipped", {})
    rising = [line for line, much in want["shipped"].items() if much > before.get(line, 0)]
    reads = tuple(Read(f"read the shipping of line {line}") for line in rising)
    more = "a second change of a line, where ConnectWise picked a part of it by itself"
    return Foretold(reads, perhaps=(more,) if rising else ())


def _stop_demand(view: OrderView, want: Want) -> Foretold:
    read = _products(view)
    return Foretold((read, Read(f"{read.told} again, to see that none is asked for")))


def _suggest_purchase(view: OrderView, want: Want) -> Foretold:
    return Foretold((_ticket(view, want["ticket"]),))


def _release_invoice(view: OrderView, want: Want) -> Foretold:
    reads: list[Read] = []
    if want.get("released") is False or view.by_ticket:
        reads.append(_products(view))
    if view.by_ticket and want.get("released") is not False:
        reads.append(_ticket(view, view.ref("ticket"), anew=True))
        number = view.opportunity_id or view.ref("opportunity")
        if number is not None:
            reads.append(Read(f"read the sales orders of {named('opportunity', number)}"))
    if want.get("released") is not False and want.get("invoice"):
        reads += [_products(view), Read(f"read what is invoiced of {view.parent_told}")]
    return Foretold(tuple(reads))


def _lose_opportunity(view: OrderView, want: Want) -> Foretold:
    if not want["lost"]:
        return Foretold()
    where = named("opportunity", want["opportunity"])
    return Foretold((Read(f"read {where}"), Read(f"read the sales orders of {where}")))


def _post_purchase_order(view: OrderView, want: Want) -> Foretold:
    if want["ends"] == Ends.CLOSED.value:
        close = "close it, and read it once more for that, unless the ledger did by its bills"
        return Foretold((Read("read the purchase order in the ledger"),), perhaps=(close,))
    return _ledger("ledger_purchase_order", "vendor")(view, want)


def _post_bill(view: OrderView, want: Want) -> Foretold:
    told = _ledger("bill", "vendor")(view, want)
    linked = "read the purchase order in the ledger, where its bill is linked to it"
    return replace(told, perhaps=(*told.perhaps, linked))


def _ledger(kind: str, contact: str) -> Callable[[OrderView, Want], Foretold]:
    def told(view: OrderView, want: Want) -> Foretold:
        if want.get("invoice", 0) is None or want.get("ends") == Ends.REMOVED.value:
            return Foretold()
        if (kind, str(want["subject"])) in view.refs:
            return Foretold((Read("read the document in the ledger"),))
        return Foretold(perhaps=(f"create the {contact} in the ledger, where it has none",))

    return told


_TELLERS: Mapping[str, Callable[[OrderView, Want], Foretold]] = {
    "raise_ticket": _raise_ticket,
    "create_products": _create_products,
    "win_opportunity": _win_opportunity,
    "create_sales_order": _create_sales_order,
    "sync_purchase_order": _sync_purchase_order,
    "link_demand": _link_demand,
    "receive_purchase_order": _receive_purchase_order,
    "ship_goods": _ship_goods,
    "stop_demand": _stop_demand,
    "suggest_purchase": _suggest_purchase,
    "release_invoice": _release_invoice,
    losing.STEP: _lose_opportunity,
    "post_purchase_order": _post_purchase_order,
    "post_bill": _post_bill,
    "post_invoice": _ledger("ledger_invoice", "customer"),
}
