"""Which scenario a new order is bound to: the customer's own, else that of how it was placed (H8)."""

from __future__ import annotations

import pytest

from app.domain.binding import KEY, bound
from tests.builders import issued, merged, ordered, sales_order, won

BINDINGS = {("scenario", "customer:77"): "of-77", ("scenario", "entry_type:2"): "internal"}


@pytest.mark.parametrize(
    ("customer", "entry", "name"),
    [(77, 1, "of-77"), (77, 2, "of-77"), (78, 2, "internal"), (78, 1, None)],
)
def test_the_customers_own_binding_is_the_nearer_one(customer: int, entry: int, name: str | None):
    order = sales_order(customerID=customer, entryType=entry)
    assert bound(merged(ordered(order)).values(), BINDINGS) == name


def test_a_declined_quote_follows_its_customer_and_other_documents_nobody():
    assert bound(merged(won()).values(), BINDINGS) == "of-77"
    assert bound(merged(issued()).values(), BINDINGS) is None
    other = {("company", "customer:77"): "Contoso"}
    assert bound(merged(ordered()).values(), other) is None


@pytest.mark.parametrize(
    "key", ["77", "customer:", "customer:x", "customer:٣", "entry:2", "customer:7 "]
)
def test_a_key_that_would_never_match_is_none(key: str):
    assert KEY.fullmatch(key) is None
