"""The business rules of the resources, one module for each area."""

from sandbox.connectwise.model.rules import (
    invoicing,
    opportunities,
    orders,
    products,
    purchasing,
    service,
    setup,
    shipping,
)
from sandbox.connectwise.model.rules.base import Rules

RULES: dict[str, Rules] = {}
for module in (
    setup,
    opportunities,
    orders,
    products,
    purchasing,
    shipping,
    service,
    invoicing,
):
    RULES.update(module.RULES)

__all__ = ["RULES", "Rules"]
