"""The business rules of the resources, one module for each area."""

from sandbox.connectwise.model.rules import (
    accounting,
    adjustments,
    bundles,
    custom,
    forecast,
    invoicing,
    items,
    opportunities,
    orders,
    payments,
    products,
    project,
    purchasing,
    service,
    setup,
    shipping,
)
from sandbox.connectwise.model.rules.base import Rules

RULES: dict[str, Rules] = {}
for module in (
    setup,
    items,
    opportunities,
    forecast,
    orders,
    products,
    bundles,
    purchasing,
    shipping,
    service,
    project,
    invoicing,
    payments,
    accounting,
    adjustments,
    custom,
):
    RULES.update(module.RULES)

__all__ = ["RULES", "Rules"]
