"""What is sold, to whom, and by whom: the goods and the parties that the stories speak of.

Owns their names and numbers, written down once and for reading. Knows no document and no event.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

PHYSICAL, SERVICE, BUNDLE = 0, 2, 3


@dataclass(frozen=True)
class Goods:
    """A product of the Commerce catalog. `number` is its SKU."""

    id: int
    number: str
    title: str
    price: str
    cost: str
    type: int = PHYSICAL
    serialized: bool = False
    part: str = ""
    category: str = "Hardware"

    def product(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "productNumber": self.number,
            "manufacturerPartNumber": self.part,
            "type": self.type,
            "title": self.title,
            "brand": "Dell" if self.part else None,
            "category": self.category,
            "isSerialized": self.serialized,
            "isRecurring": False,
        }


@dataclass(frozen=True)
class Party:
    """A customer or a supplier, with the number under which the books know it."""

    id: int
    account: str
    name: str
    email: str

    def document(self) -> dict[str, Any]:
        return {"id": self.id, "accountNumber": self.account, "name": self.name}


MONITOR = Goods(
    301, "DELL-P2425H", 'Dell P2425H 24" monitor', "239.00", "180.00", PHYSICAL, True, "P2425H",
    "Monitors",
)  # fmt: skip
BIG_MONITOR = Goods(
    304, "DELL-U2725QE", 'Dell U2725QE 27" monitor', "619.00", "480.00", PHYSICAL, True, "U2725QE",
    "Monitors",
)  # fmt: skip
DOCK = Goods(
    302, "DELL-WD22TB4", "Dell WD22TB4 Thunderbolt dock", "319.00", "240.00", PHYSICAL, True,
    "WD22TB4", "Docks",
)  # fmt: skip
INSTALL = Goods(
    303, "INSTALL-HALFDAY", "Installation, half day", "450.00", "0", SERVICE, category="Services"
)
# Not in ConnectWise's catalog: the service makes them there, once.
CABLE = Goods(311, "CABLE-USBC-2M", "USB-C cable, 2 m", "19.50", "7.80")
KEYBOARD = Goods(313, "KB-WIRED", "Keyboard, wired", "24.00", "14.00")
KIT = Goods(312, "KIT-DESK", "Desk starter kit", "129.00", "96.00", BUNDLE, category="Kits")

CONTOSO = Party(77, "CONTOSO", "Contoso Ltd", "dana.lee@contoso.example")
NORTHWIND = Party(78, "NORTHWIND", "Northwind Traders", "noor.haddad@northwind.example")
INGRAM = Party(9, "INGRAM", "Ingram Micro", "orders@ingram.example")
SYNNEX = Party(10, "SYNNEX", "TD Synnex", "orders@synnex.example")
# ConnectWise knows this supplier under another identifier, so a person has to say which.
NORDIC = Party(12, "NORDIC-IT", "Nordic IT Supply", "orders@nordic.example")
