"""The sentences of MAPPING_MISSING, and the reading of which mapping each asks for (D-10).

Owns both, side by side: a step writes one, and the page of the order leads from it to the form that
is filled in. Pure. E-mail addresses are personal and never stand in a sentence.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Wanted:
    """A mapping that would help. `key` is empty where the sentence does not name it."""

    kind: str
    key: str

    def is_of(self, kind: str, key: str) -> bool:
        """Whether it is known to be the mapping of this kind and key; case tells none apart."""
        return bool(self.key) and (kind, key.casefold()) == (self.kind, self.key.casefold())


def no_company(kind: str, what: str, name: str, key: str, tried: Iterable[str]) -> str:
    """Of kind company or vendor: nothing in ConnectWise is called like the Commerce record."""
    looked = ", ".join(repr(text) for text in tried) or "nothing to look for"
    return (
        f"{what.capitalize()} {name} (Commerce id {key}) has no ConnectWise company; tried {looked}. "
        f"Add a mapping of kind {kind} for {key}, or the company in ConnectWise."
    )


def no_contact(order: str, company: int) -> str:
    return (
        f"The contact of {order} is not in ConnectWise and company {company} has no "
        "default contact. Add the contact, or set the company's default contact in ConnectWise."
    )


def no_member(order: str) -> str:
    return (
        f"The owner of {order} is no ConnectWise member. Add a mapping of kind member "
        "for the owner's e-mail, or set CONNECTWISE_SALES_REP to a member's identifier."
    )


def archived_contact(kind: str, name: str, key: int) -> str:
    return (
        f"{name} is archived in the ledger. Restore it there, or add a mapping of kind "
        f"{kind} for {key}."
    )


def other_contact(kind: str, what: str, name: str, key: int) -> str:
    """Of a ledger, where a name belongs to one contact of any kind."""
    return (
        f"The ledger has another kind of contact named {name}, so no {what} can be made "
        f"with it. Add a mapping of kind {kind} for {key}."
    )


def several_items(number: str, part: str | None, listed: Iterable[str]) -> str:
    """Of kind product: the part number does not tell which catalog item it is."""
    return (
        f"No catalog item is called {number}, and several have its part number "
        f"{part}: {', '.join(listed)}. Add a mapping of kind product for {number} that "
        "names one of them, or correct the part numbers in ConnectWise."
    )


def mapped_item_gone(number: str, given: str) -> str:
    return (
        f"The mapping of product {number} names {given!r}, which is no catalog item in ConnectWise."
    )


# Names are other people's texts and may hold anything: each pattern reads a sentence whole, from the
# ends that are ours.
_COMPANY = (
    r".* Add a mapping of kind (?P<kind>company|vendor) for (?P<key>\d+), "
    r"or the company in ConnectWise\."
)
_LEDGER = r".*[Aa]dd a mapping of kind (?P<kind>ledger_\w+) for (?P<key>\d+)\."
_ITEM = (
    r"No catalog item is called (?P<key>.+), and several have its part number .* "
    r"Add a mapping of kind (?P<kind>product) for (?P=key) that names one of them, "
    r"or correct the part numbers in ConnectWise\."
)
_ITEM_GONE = (
    r"The mapping of (?P<kind>product) (?P<key>.+) names .+, "
    r"which is no catalog item in ConnectWise\."
)
_MEMBER = (
    r"The owner of .* Add a mapping of kind (?P<kind>member) for the owner's e-mail, "
    r"or set CONNECTWISE_SALES_REP to a member's identifier\."
)
_CONTACT = (
    r"The (?P<kind>contact) of .* is not in ConnectWise and company \d+ has no default contact\. "
    r"Add the contact, or set the company's default contact in ConnectWise\."
)
_PATTERNS = tuple(
    re.compile(one, re.DOTALL) for one in (_COMPANY, _LEDGER, _ITEM, _ITEM_GONE, _MEMBER, _CONTACT)
)


def wanted(sentence: str) -> Wanted | None:
    """The mapping that a sentence asks for; None where none is asked for."""
    for pattern in _PATTERNS:
        if found := pattern.fullmatch(sentence):
            named = found.groupdict()
            return Wanted(named["kind"], named.get("key", ""))
    return None
