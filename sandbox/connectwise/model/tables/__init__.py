"""The resource tables, one module for each area of the API. Importing this package fills them."""

from sandbox.connectwise.model.resources import RESOURCES
from sandbox.connectwise.model.tables import (
    accounting,
    agreements,
    catalog,
    company,
    custom,
    finance,
    procurement,
    project,
    purchasing,
    sales,
    service,
    system,
)

__all__ = [
    "RESOURCES",
    "accounting",
    "agreements",
    "catalog",
    "company",
    "custom",
    "finance",
    "procurement",
    "project",
    "purchasing",
    "sales",
    "service",
    "system",
]
