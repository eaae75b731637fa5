"""D-12: what purchase order lines of one product cost together is what their average comes to."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from app.domain.bills import cents
from app.steps.demand import unit_cost


def want(*parts: tuple[int, str]) -> dict[str, Any]:
    shares = [{"line": "1", "quantity": quantity, "cost": cost} for quantity, cost in parts]
    return {"shares": [*shares, {"line": "2", "quantity": 9, "cost": "77"}]}


@pytest.mark.parametrize(
    ("parts", "average"),
    [
        (((3, "10.00"), (4, "10.01")), "10.0057"),
        (((10, "3.33"), (20, "3.34")), "3.3367"),
        (((10, "80"),), "80.0000"),
        # With four places 0.03 more than the supplier asks for.
        (((333, "1.00"), (667, "1.01")), "1.00667"),
        (((33_333, "1.00"), (66_667, "1.01")), "1.0066667"),
    ],
)
def test_d12_an_averaged_cost_comes_to_the_sum_of_its_lines_to_the_cent(
    parts: tuple[tuple[int, str], ...], average: str
) -> None:
    quantity = sum(count for count, _ in parts)
    total = sum((count * Decimal(cost) for count, cost in parts), Decimal(0))
    cost = unit_cost(want(*parts), "1")
    assert cost == Decimal(average)
    assert cents(cost * quantity) == cents(total)


def test_d12_a_line_that_is_on_no_purchase_order_costs_nothing() -> None:
    assert unit_cost(want(), "1") == 0
