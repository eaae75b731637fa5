"""The resource tables, one module for each area of the API. Importing this package fills them."""

from sandbox.connectwise.model.resources import RESOURCES
from sandbox.connectwise.model.tables import (
    company,
    finance,
    procurement,
    purchasing,
    sales,
    service,
    system,
)

__all__ = [
    "RESOURCES",
    "company",
    "finance",
    "procurement",
    "purchasing",
    "sales",
    "service",
    "system",
]
