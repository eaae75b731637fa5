"""What each step wants to be true: a pure function of the documents, kept as JSON and compared."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.decide import same
from app.domain.json_values import canonical
from app.domain.order import OrderView
from app.domain.records import ORDER, Ref
from app.steps import (
    STEPS,
    create_products,
    create_sales_order,
    release_invoice,
    ship_goods,
    win_opportunity,
)
from app.steps.wanted_lines import wanted_lines
from tests.builders import (
    SERVICE,
    Json,
    applied,
    as_kept,
    came,
    fact,
    intent,
    issued,
    line,
    offer,
    ordered,
    po_line,
    product,
    purchase_order,
    quote,
    sales_order,
    section,
    view,
    won,
)

PO = "po:8891"


def want(step: str, found: OrderView, subject: str = ORDER) -> Json | None:
    wanted = STEPS[step].want(found, subject)
    return as_kept(wanted) if wanted is not None else None


def got(to: int, **more: Any) -> Any:
    lines = [{"line": 1, "product": 301, "from": 0, "to": to, "serials": []}]
    body = {"purchase_order": 8891, "lines": lines, **more}
    return applied("receive_purchase_order", "receipt:8891:R-1", body)


# --- create_products ------------------------------------------------------------------------------


def test_every_line_that_is_sold_once_and_every_header_amount_is_a_product():
    """A2, H5: a recurring line is billed by an agreement, never once."""
    lines = [line(2, 302, 3), line(1), line(3, isRecurring=True), line(4, quantity=0)]
    found = view(ordered(sales_order(lines, deliveryAmount=25, couponDiscount=5)))
    assert [entry["key"] for entry in wanted_lines(found)] == ["1", "2", "delivery", "coupon"]
    assert wanted_lines(found)[3]["price"] == -5


def test_a_price_after_discount_has_four_places_at_most():
    discounted = line(1, quantity=3, price=10, discountMethod=1, discountValue=1)
    (wanted,) = wanted_lines(view(ordered(sales_order([discounted]))))
    assert Decimal(wanted["price"]) == Decimal("9.6667")


@pytest.mark.parametrize(
    ("entry", "price", "gap"),
    [
        # 2 900.00 for 3 000 pieces: 0.9667 each would come to 2 900.10.
        ({"quantity": 3000, "price": 1, "discountMethod": 1, "discountValue": 100}, "0.9667", "-0.1"),
        # 29 163.75 less 12.5 %, 1 000 pieces: 29.1638 each would come to 29 163.80.
        ({"quantity": 1000, "price": 33.33, "discountMethod": 0, "discountValue": 12.5}, "29.1638",
         "-0.05"),
        ({"quantity": 2500, "price": 0.01234}, "0.0123", "0.1"),
        ({"quantity": 3, "price": 10, "discountMethod": 1, "discountValue": 1}, "9.6667", None),
    ],
)  # fmt: skip
def test_a2_what_four_places_of_a_price_lose_stands_on_the_rounding_line(entry, price, gap):
    lines = wanted_lines(view(ordered(sales_order([line(1, **entry)]))))
    assert Decimal(lines[0]["price"]) == Decimal(price)
    told = {x["key"]: Decimal(x["price"]) for x in lines[1:]}
    assert told == ({"rounding": Decimal(gap)} if gap else {})


def test_a2_with_a_stated_total_one_line_carries_both_gaps():
    entry = line(1, quantity=1000, price=33.33, discountMethod=0, discountValue=12.5)
    found = view(ordered(sales_order([entry], total=29163.77)))
    assert Decimal(wanted_lines(found)[1]["price"]) == Decimal("-0.03")


@given(
    quantity=st.integers(1, 100_000),
    price=st.decimals(0, 10_000, places=5),
    percent=st.decimals(0, 100, places=2),
)
def test_a2_what_stands_comes_to_what_is_sold_to_the_cent(quantity, price, percent):
    entry = line(1, quantity=quantity, price=price, discountMethod=0, discountValue=percent)
    stands = sum(
        (Decimal(x["price"]) * x["quantity"]).quantize(Decimal("0.01"), ROUND_HALF_UP)
        for x in wanted_lines(view(ordered(sales_order([entry]))))
    )
    sold = price * quantity * (100 - percent) / 100
    assert stands == sold.quantize(Decimal("0.01"), ROUND_HALF_UP)


@pytest.mark.parametrize(
    ("entry", "recurs"),
    [
        ({"recurringType": 0}, True),
        ({"recurringType": 2, "isRecurring": True}, True),
        ({"recurringType": 0, "isRecurring": False}, False),
        ({"recurringType": None}, False),
        ({"productID": 302}, True),
        ({"productID": 302, "isRecurring": False}, False),
    ],
)
def test_h5_a_line_recurs_by_its_own_word_else_by_its_period_or_its_product(entry, recurs):
    """A line need not say it: a subscription would be sold once, and never again."""
    products = [product(302, isRecurring=True)]
    body = sales_order([line(1, **{"productID": 301, **entry}), line(2)], products=products)
    keys = [x["key"] for x in wanted_lines(view(ordered(body)))]
    assert keys == (["2"] if recurs else ["1", "2"])


def test_a3_products_without_a_number_are_told_apart_by_their_ids():
    body = sales_order(
        [line(1, 301), line(2, 302)],
        products=[product(301, productNumber=""), product(302, productNumber=" ")],
    )
    skus = [x["sku"] for x in wanted_lines(view(ordered(body)))]
    assert skus == ["COMMERCE-301", "COMMERCE-302"]


def test_products_are_wanted_on_the_named_opportunity_or_on_a_new_one():
    """D-13."""
    named = want("create_products", view(ordered()))
    assert named is not None
    assert (named["opportunity"], named["without_opportunity"]) == (88, False)
    created = want("create_products", view(ordered(opportunity=None)))
    assert created is not None
    assert (created["opportunity"], created["without_opportunity"]) == (None, False)
    found = view(ordered(opportunity=None), opportunity_missing="plain_sales_order")
    plain = want("create_products", found)
    assert plain is not None
    assert plain["without_opportunity"] is True


def test_a_late_quote_does_not_move_the_order_to_a_second_opportunity():
    """B1.5, D-13: the wait was over, and an opportunity was made for the order."""
    made = intent("create_products", ORDER, "opportunity", outcome={"id": 500})
    order = ordered(opportunity=None, quoteID=501)
    before = want("create_products", view(order, intents=[made]))
    late = view(order, won(), intents=[made])
    assert late.opportunity_id is None
    assert want("create_products", late) == before


def test_what_the_quote_deselected_is_part_of_what_is_wanted():
    """B1.5."""
    chosen = won(quote(section(offer(1, 301), offer(2, 304, selected=False))))
    found = want("create_products", view(ordered(quoteID=501), chosen))
    assert found is not None
    assert found["not_chosen"] == {"SKU-304": 1}


def test_a_long_product_number_is_cut_where_connectwise_cuts_it():
    """A3."""
    long = product(301, productNumber="X" * 100)
    (wanted,) = wanted_lines(view(ordered(sales_order([line(1)], products=[long]))))
    assert wanted["sku"] == "X" * 75


def test_the_preview_names_what_is_not_there_yet():
    found = view(ordered())
    assert create_products.preview(found, create_products.want(found, ORDER) or {}) == [
        "mark or create product Product 301 x 10 on opportunity 88"
    ]
    made = view(ordered(), refs=[Ref("product", "1", "9001")])
    assert create_products.preview(made, create_products.want(made, ORDER) or {}) == []


# --- win_opportunity ------------------------------------------------------------------------------


def test_an_opportunity_is_won_again_after_its_products_were_edited():
    """B1.5: after won, before conversion: reopen, edit, win again."""
    first = applied("create_products", ORDER, {"lines": [1]})
    second = applied("create_products", ORDER, {"lines": [1, 2]})
    before = want("win_opportunity", view(ordered(), ledger=[first]))
    after = want("win_opportunity", view(ordered(), ledger=[second]))
    assert before != after


def test_a_converted_opportunity_is_left_as_it_was_won():
    """B1.5: after conversion the products of the sales order are changed."""
    won_before = applied("win_opportunity", ORDER, {"opportunity": 88, "after": "x"})
    products = applied("create_products", ORDER, {"lines": [1, 2]})
    refs = [Ref("sales_order", "", "70")]
    found = view(ordered(), ledger=[products, won_before], refs=refs)
    assert same(win_opportunity.want(found, ORDER), won_before.want)


@pytest.mark.parametrize(
    ("missing", "wanted"), [("create", True), ("plain_sales_order", False), ("hold", False)]
)
def test_without_an_opportunity_there_is_one_to_win_only_where_it_is_created(missing, wanted):
    """D-13."""
    found = view(ordered(opportunity=None), opportunity_missing=missing)
    assert (win_opportunity.want(found, ORDER) is not None) is wanted


# --- create_sales_order ---------------------------------------------------------------------------


def test_the_sales_order_carries_the_customers_reference_or_our_number():
    """F1."""
    own = create_sales_order.want(view(ordered(reference="7781-A")), ORDER)
    assert own == {"customer_reference": "7781-A", "bill_shipped": False}
    ours = create_sales_order.want(view(ordered(), invoice_policy="shipped_only"), ORDER)
    assert ours == {"customer_reference": "ON10001201", "bill_shipped": True}


def test_an_order_of_agreements_alone_needs_no_sales_order_and_no_invoice():
    """H5: the order can be done."""
    found = view(ordered(sales_order([line(1, isRecurring=True)])))
    assert create_sales_order.want(found, ORDER) is None
    assert release_invoice.want(found, ORDER) is None
    with_delivery = view(ordered(sales_order([line(1, isRecurring=True)], deliveryAmount=5)))
    assert create_sales_order.want(with_delivery, ORDER) is not None


# --- ship_goods and release_invoice ---------------------------------------------------------------


def shippable(mark: str, **po: Any) -> OrderView:
    lines = [line(1, 301, 4), line(2, 301, 6)]
    bought = issued(lines=[po_line(1, 301, 12)], **po)
    return view(ordered(sales_order(lines)), bought, ledger=[got(7)], mark_shipped=mark)


def test_received_goods_are_shipped_only_where_that_is_set():
    """D-14: shares of one purchase order line are filled in line order."""
    assert ship_goods.want(shippable("on_receipt"), ORDER) == {"shipped": {"1": 4, "2": 3}}
    assert ship_goods.want(shippable("never"), ORDER) is None
    assert ship_goods.want(shippable("drop_ship_only"), ORDER) is None
    assert ship_goods.want(shippable("drop_ship_only", type=1), ORDER) == {
        "shipped": {"1": 4, "2": 3}
    }


def test_surplus_is_never_shipped_to_the_customer():
    """B1.9."""
    found = view(
        ordered(),
        issued(lines=[po_line(1, quantity=15)]),
        ledger=[got(15)],
        mark_shipped="on_receipt",
    )
    assert ship_goods.want(found, ORDER) == {"shipped": {"1": 10}}


def test_with_shipped_only_each_shipment_is_a_release_of_its_own():
    """B1.11."""

    def released(quantity: int) -> Json | None:
        shown = fact("shipping", {"shipped": {"1": quantity}})
        return want(
            "release_invoice", view(ordered(), facts=[shown], invoice_policy="shipped_only")
        )

    assert released(4) == {"bill_shipped": True, "invoice": False, "shipped": {"1": 4}}
    assert released(0) != released(4) != released(10)


def test_with_all_goods_there_is_one_release():
    _, event = came(purchase_order(), "R-1", {1: 10})
    found = view(ordered(), event, ledger=[got(10)], invoice_action="create_invoice")
    assert release_invoice.want(found, ORDER) == {"bill_shipped": False, "invoice": True}
    assert release_invoice.outstanding(found, ORDER) is None


def test_a_release_is_wanted_back_when_more_goods_are_to_come():
    """D-6."""
    released = applied("release_invoice", ORDER, {"bill_shipped": False, "invoice": False})
    found = view(ordered(), ledger=[released])
    wanted = release_invoice.want(found, ORDER)
    assert wanted == {"bill_shipped": False, "invoice": False, "released": False}
    assert release_invoice.preview(found, wanted) == [
        "set the new sales order back to the waiting status"
    ]
    shut = release_invoice.outstanding(found, ORDER)
    assert shut is not None
    assert shut.code == "LINE_NOT_ORDERED"


# --- every want -----------------------------------------------------------------------------------

prices = st.decimals(0, 10**5, places=4)


@st.composite
def views(draw: st.DrawFn) -> OrderView:
    kinds = {301: 0, 302: 0, 303: SERVICE}
    sold = [
        line(
            n,
            draw(st.sampled_from(list(kinds))),
            draw(st.integers(0, 5)),
            price=draw(prices),
            cost=draw(prices),
            discountMethod=draw(st.sampled_from([None, 0, 1])),
            discountValue=draw(st.sampled_from([None, 3, Decimal("0.5")])),
        )
        for n in range(1, draw(st.integers(1, 3)) + 1)
    ]
    products = [product(key, type=kind) for key, kind in kinds.items()]
    after = purchase_order(
        lines=[po_line(n, 300 + n, draw(st.integers(0, 9)), price=draw(prices)) for n in (1, 2)]
    )
    events = [
        ordered(sales_order(sold, products=products, deliveryAmount=draw(prices))),
        issued(after),
    ]
    for index in range(draw(st.integers(0, 2))):
        after, event = came(
            after,
            f"R-{index}",
            {1: draw(st.integers(1, 4))},
            minute=100 + index,
            freight=draw(prices),
        )
        events.append(event)
    mark = draw(st.sampled_from(["on_receipt", "never", "drop_ship_only"]))
    return view(*events, ledger=[got(draw(st.integers(0, 3)))], mark_shipped=mark)


@given(views())
def test_a_want_is_the_same_after_it_was_kept(found):
    """The ledger keeps JSON: a want that differed from itself would be applied for ever."""
    for step in STEPS.values():
        for subject in step.subjects(found):
            wanted = step.want(found, subject)
            if wanted is not None:
                assert same(wanted, as_kept(wanted))
                assert canonical(wanted) == as_kept(wanted)
                assert all(isinstance(text, str) for text in step.preview(found, wanted))
