"""Where an order of the demo must stand in the end.

Owns the shape alone; the stories give the values, `checks.py` compares.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sandbox.demo.day import Day
from sandbox.demo.events import Sale
from sandbox.demo.goods import Party
from sandbox.demo.purchases import Purchase


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
    with what arrived; `status` is that of its one sales order there, None: there must be none.
    `guest`: it stands on the sales order of another order of the day, by a person's decision.
    `invoices`: how many a person made of it by hand. `way`: the configuration that it follows."""

    sale: Sale | Stock
    state: str
    code: str | None
    sentence: str
    purchases: tuple[Purchase, ...] = ()
    status: str | None = "Ready to invoice"
    guest: bool = False
    invoices: int = 0
    way: str = "B1"

    @classmethod
    def released(
        cls, sale: Sale, *purchases: Purchase, guest: bool = False, way: str = "B1"
    ) -> Ending:
        """The good end: everything came, the order may be invoiced."""
        sentence = "is released for invoicing"
        return cls(sale, "done", "RELEASED", sentence, purchases, guest=guest, way=way)


Story = Callable[[Day], Ending | tuple[Ending, ...]]
