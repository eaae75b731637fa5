"""What a tool that posts ConnectWise's records onward needs of them (G5 to G7).

Owns the records that are read for that alone. Ids are ConnectWise's integers.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PostingCompany:
    """A customer or vendor as accounting sees it. `account` is the Account of its Finance view;
    `contact`: it has a billing contact or a primary one; `taxed`: it has a tax code."""

    id: int
    identifier: str
    account: str
    contact: bool
    taxed: bool


@dataclass(frozen=True, slots=True)
class GlEntry:
    """What an invoice posts to one account. `item` is the product's id or the Non-Product ID of
    the GL mapping, empty where that has none."""

    type: str
    description: str
    item: str
