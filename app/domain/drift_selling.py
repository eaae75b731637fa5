"""Drift of what is sold: ticket, opportunity, sales order, the order's products, invoices (H12).

Owns the comparison with what `raise_ticket`, `create_products` and `create_sales_order` left there,
and what stands twice by our own mark. Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from app.domain import invoices, money, psa
from app.domain.codes import Code, Who
from app.domain.drift import CATALOG_ITEM, CONNECTWISE, Compared, Drift, rerun
from app.domain.gone import BEFORE_THE_SALES_ORDER, SALES_ORDER, Forgotten, forgotten
from app.domain.options import sku_key
from app.domain.records import ORDER
from app.domain.release import too_early

MAKE, SELL = "create_products", "create_sales_order"
_ENDPOINTS = {"opportunity": "/sales/opportunities/{id}", "sales_order": SALES_ORDER}
_GONE = {"sales_order": SELL, "ticket": "raise_ticket", "opportunity": BEFORE_THE_SALES_ORDER[0]}


def found(one: Compared) -> Iterator[Drift]:
    """Everything of the selling side that stands otherwise."""
    yield from _gone(one)
    yield from _twice(one)
    if one.reading.products is not None and (MAKE, ORDER) in one.settled:
        if one.view.ref("sales_order") is None or (SELL, ORDER) in one.settled:
            yield from _products(one, one.reading.products)
        yield from _invoiced(one, one.reading.products)


def _gone(one: Compared) -> Iterator[Drift]:
    for (kind, key), ref in sorted(one.view.refs.items()):
        if kind not in _GONE or (kind, ref.external_id) not in one.reading.gone:
            continue
        named = f"{kind.replace('_', ' ')} {ref.external_id}"
        sentence = f"{named.capitalize()} of {one.view.row.name} is gone in ConnectWise."
        endpoint = _ENDPOINTS.get(kind, "")
        yield Drift(
            Code.DRIFT_MISSING, CONNECTWISE, kind, ref.external_id, _GONE[kind], ORDER,
            f"stands as {kind.replace('_', ' ')} {ref.external_id}", "gone", sentence, Who.SALES,
            about=key, fix=forgotten(one.view, ORDER, endpoint) if endpoint else None,
        )  # fmt: skip


# Products ---------------------------------------------------------------------------------------


def live(product: psa.Product) -> Decimal:
    """What of a product counts: cancelled pieces do not."""
    return product.quantity - product.cancelled


def _products(one: Compared, there: tuple[psa.Product, ...]) -> Iterator[Drift]:
    view, want = one.view, one.view.applied(MAKE, ORDER) or {}
    if want.get("cancelled"):
        return
    by_xref = {product.xref: product for product in there if live(product)}
    by_id = {str(product.id): product for product in there if live(product)}
    accepted = view.decided(Code.CHANGED_AFTER_FREEZE, ORDER, want) is not None
    for line in want.get("lines", ()):
        key = str(line["key"])
        ref = view.refs.get(("product", key))
        if ref is None:
            continue  # it was never made: a person went on without it
        product = by_xref.get(view.xref(key)) or by_id.get(ref.external_id)
        says = f"{line['quantity']} at {_cents(line['price'])}"
        if product is None:
            lost = f"Product {ref.external_id} ({line['title']}) of {view.row.name} is gone"
            yield Drift(
                Code.DRIFT_MISSING, CONNECTWISE, "product", ref.external_id, MAKE, ORDER,
                says, "gone", f"{lost} from {_place(one)}.", Who.SALES,
                about=key, fix=_anew(one, key, ref.external_id),
            )  # fmt: skip
            continue
        stands = f"{_plain(live(product))} at {_cents(product.price)}"
        if stands != says and not accepted:
            yield Drift(
                Code.DRIFT_DIFFERENT, CONNECTWISE, "product", str(product.id), MAKE, ORDER,
                says, stands,
                f"{line['title']} of {view.row.name} is {says} in Commerce and {stands} on "
                f"{_place(one)}.",
                Who.SALES, about=key, fix=rerun((MAKE, ORDER)),
            )  # fmt: skip


def _anew(one: Compared, key: str, record: str) -> Forgotten | None:
    """The product is made again by its step, unless goods stand behind it."""
    view = one.view
    if view.parent is None and not view.by_ticket and view.ref("opportunity") is None:
        return None
    intents = tuple(
        about
        for about, outcome in view.outcomes.items()
        if about[0] in (MAKE, SELL) and about[2].endswith(f":{key}") and _of(outcome, record)
    )
    return Forgotten(((MAKE, ORDER),), (("product", key),), intents)


def _of(outcome: Any, record: str) -> bool:
    return str(outcome.get("id")) == record


def _place(one: Compared) -> str:
    view = one.view
    if view.parent is not None:
        return view.parent_told
    return f"opportunity {view.ref('opportunity')}"


def _plain(quantity: Decimal) -> str:
    return f"{quantity.normalize():f}"


def _cents(amount: Any) -> str:
    return str(Decimal(str(amount)).quantize(money.CENT, ROUND_HALF_UP))


# Invoices ---------------------------------------------------------------------------------------


def _invoiced(one: Compared, there: tuple[psa.Product, ...]) -> Iterator[Drift]:
    """B1.12: lines on an invoice whose goods are still to come, where the order does not know."""
    view = one.view
    if view.parent is None:
        return
    now = invoices.with_reading(view, invoices.noted(view, there, whole=True))
    titles = {str(line.id): line.title for line in view.sold_lines}
    reading = invoices.read(now)
    on = reading.get("on", {})
    for key, rest in sorted(too_early(now).items()):
        named = invoices.numbered(reading, on[key]) if key in on else ""
        yield Drift(
            Code.DRIFT_INVOICED, CONNECTWISE, "invoice", str(on.get(key, "")), "release_invoice",
            ORDER, f"{rest} still to come", f"on invoice {named}",
            f"{titles.get(key, key)} of {view.row.name} is on invoice {named}, and {rest} of "
            "it are still to come.",
            Who.ACCOUNTING, about=key, fix=Forgotten(),
        )  # fmt: skip


# Twice ------------------------------------------------------------------------------------------


def _twice(one: Compared) -> Iterator[Drift]:
    """Several records with one mark of ours, on one parent: a conversion may copy."""
    view, reading = one.view, one.reading
    known = {int(r.external_id) for r in view.refs.values() if r.kind == "product"}
    products: dict[str, dict[int, psa.Product]] = {}
    for product in reading.products or ():
        key = invoices.key_of(view, product)
        if key is not None and live(product):
            products.setdefault(key, {})[product.id] = product
    for key, same in products.items():
        for kept, other in _spare(same, known):
            yield twin(
                one, "product", str(other), str(kept), MAKE, ORDER, key,
                f"{same[other].sku} of {view.row.name} stands twice on {_place(one)}", Who.SALES,
            )  # fmt: skip
    tickets: dict[str, list[int]] = {}
    for ticket in reading.tickets:
        if ticket.merged_into is None and (ticket.xref or "").startswith(view.xref("ticket")):
            tickets.setdefault(str(ticket.xref), []).append(ticket.id)
    for xref, ids in tickets.items():
        for kept, other in _spare(ids, {view.ref("ticket")}):
            yield twin(
                one, "ticket", str(other), str(kept), "raise_ticket", ORDER, xref,
                f"Two tickets were made for {view.row.name}", Who.SALES,
            )  # fmt: skip
    marker = view.marker("opportunity", "")
    marked = [found.id for found in reading.opportunities if marker in found.notes]
    for kept, other in _spare(marked, {view.ref("opportunity")}):
        yield twin(
            one, "opportunity", str(other), str(kept), MAKE, ORDER, marker,
            f"Two opportunities were made for {view.row.name}", Who.SALES,
        )  # fmt: skip
    ours = view.ref("sales_order")
    for kept, other in _spare([one.id for one in reading.sales_orders], {ours}):
        yield twin(
            one, "sales_order", str(other), str(kept), SELL, ORDER, view.marker("sales order", ""),
            f"Two sales orders were made for {view.row.name}", Who.SALES,
        )  # fmt: skip
    for other_order in reading.empty_orders if ours is not None else ():
        yield _empty(one, other_order.id, ours)
    yield from _items_twice(one)
    yield from _invoiced_twice(one)


def _empty(one: Compared, record: int, ours: int | None) -> Drift:
    """Nobody can tell a person's own from a conversion that came late and found nothing left."""
    row = one.view.row.name
    return Drift(
        Code.DRIFT_FOREIGN, CONNECTWISE, "sales_order", str(record), SELL, ORDER,
        f"one sales order, {ours}", f"also sales order {record}, which is empty",
        f"Sales order {record} was made of the opportunity of {row} beside {ours}, and holds nothing: "
        "by a person, or by a conversion that came late. Adopt it if it is wanted, else remove it.",
        Who.SALES,
    )  # fmt: skip


def _items_twice(one: Compared) -> Iterator[Drift]:
    """Beside a catalog item that the order made. They carry no mark: the identifier tells."""
    made = {
        sku_key(str(outcome["identifier"])): int(outcome["id"])
        for outcome in one.view.outcomes.values()
        if outcome.get("identifier")  # of catalog items alone
    }
    for key, ours in sorted(made.items()):
        same = {item.id: item for item in one.reading.items if sku_key(item.identifier) == key}
        for kept, other in _spare(same, {ours}) if ours in same else ():
            named = same[other].identifier
            yield twin(
                one, CATALOG_ITEM, str(other), str(kept), MAKE, ORDER, named,
                f"Catalog item {named} stands twice", Who.PURCHASING,
            )  # fmt: skip


def _invoiced_twice(one: Compared) -> Iterator[Drift]:
    """Invoices that carry the reference of one that the service made."""
    made = {
        key: int(ref.external_id) for (kind, key), ref in one.view.refs.items() if kind == "invoice"
    }
    for reference, ours in sorted(made.items()):
        same = [found.id for found in one.reading.invoices if found.reference == reference]
        for kept, other in _spare(same, {ours}) if ours in same else ():
            yield twin(
                one, "invoice", str(other), str(kept), "release_invoice", ORDER, reference,
                f"{one.view.row.name} was invoiced twice", Who.ACCOUNTING,
            )  # fmt: skip


def _spare(ids: Collection[int], known: Collection[int | None]) -> list[tuple[int, int]]:
    """Each record beyond the first, with the one that the service goes on with: that it knows,
    else the one made first."""
    kept = min((one for one in ids if one in known), default=min(ids, default=None))
    return [(kept, one) for one in sorted(ids) if kept is not None and one != kept]


def twin(
    one: Compared,
    kind: str,
    record: str,
    kept: str,
    step: str,
    subject: str,
    about: str,
    sentence: str,
    who: Who,
    system: str = CONNECTWISE,
) -> Drift:
    """A second record with our mark. No step ever deletes one: a person does."""
    named = kind.replace("_", " ")
    return Drift(
        Code.DUPLICATE_REMOTE, system, kind, record, step, subject,
        f"one {named}, {kept}", f"also {named} {record}",
        f"{sentence}: {kept}, which the service goes on with, and {record}. Remove {record}, then "
        "this finding closes itself.",
        who, about=about,
    )  # fmt: skip
