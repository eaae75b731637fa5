"""Where an order of the demo must stand in the end.

Owns the shape alone; the stories give the values, `checks.py` compares.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sandbox.demo.day import Day
from sandbox.demo.events import Party, Purchase, Sale


@dataclass(frozen=True)
class Stock:
    """A purchase order for stock, in the place of a sale: nothing is sold with it."""

    purchase: Purchase

    @property
    def id(self) -> int:
        return 0

    @property
    def number(self) -> str:
        return self.purchase.number

    @property
    def customer(self) -> Party:
        return Party(0, "", "(stock)", "")


@dataclass(frozen=True)
class Ending:
    """Where an order must stand. `purchases` must each stand in ConnectWise exactly once, linked,
    with what arrived; `status` is that of its one sales order there, None: there must be none."""

    sale: Sale | Stock
    state: str
    code: str | None
    sentence: str
    purchases: tuple[Purchase, ...] = ()
    status: str | None = "Ready to invoice"

    @classmethod
    def released(cls, sale: Sale, *purchases: Purchase) -> Ending:
        """The good end: everything came, the order may be invoiced."""
        return cls(sale, "done", "RELEASED", "is released for invoicing", purchases)


Story = Callable[[Day], Ending]
