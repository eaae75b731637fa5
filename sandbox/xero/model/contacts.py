"""Contacts: customers and suppliers alike, found by id, by number, by name.

Owns their names' uniqueness, archiving, and which contact a document means.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.xero.model import fields
from sandbox.xero.model.books import Books
from sandbox.xero.model.errors import Invalid, not_found
from sandbox.xero.model.store import Row
from sandbox.xero.model.tables import CONTACT

LISTS = ("Addresses", "Phones", "ContactPersons")
# People who are not sent along with a change are gone afterwards (accounting.md 3.5).
NOBODY: Row = {"ContactPersons": []}


def save(books: Books, body: Mapping[str, Any], *, create: bool, own: str | None) -> Row:
    """Creates or updates a contact. Raises `Invalid`, `Refusal`."""
    values = _values(body)
    if create and "ContactID" in values:
        raise Invalid("ContactID must not be given when a contact is created")
    current = _named(books, values, own)
    if create and current is not None and _clashes(books, current, values):
        raise Invalid(_taken(current["Name"]))
    if create or current is None:
        return _created(books, values)
    return _changed(books, current, NOBODY | values)


def _values(body: Mapping[str, Any]) -> Row:
    values = fields.read(CONTACT, body)
    for name in LISTS:
        if body.get(name) is not None:
            values[name] = [
                dict(fields.object_of(one, name)) for one in fields.list_of(body[name], name)
            ]
    return values


def _named(books: Books, values: Row, own: str | None) -> Row | None:
    named = own or values.get("ContactID")
    if named is not None:
        found = books.get("contact", named)
        if found is None and own is None:
            raise Invalid(f"ContactID {named} is not valid")
        if found is None:
            raise not_found()
        return found
    number = values.get("ContactNumber")
    if number:
        same = books.store.find("contact", "ContactNumber", number)
        if same:
            return same[0]
    return active_named(books, values.get("Name"))


def active_named(books: Books, name: Any) -> Row | None:
    """The active contact of that name; the first, where names are not unique."""
    if not name:
        return None
    for row in books.store.find("contact", "Name", name):
        if row["ContactStatus"] == "ACTIVE":
            return row
    return None


def _clashes(books: Books, other: Row, values: Row) -> bool:
    """Numbers are unique for good; names only as long as Xero keeps them so."""
    number = values.get("ContactNumber")
    same = bool(number) and other.get("ContactNumber") == number
    return same or books.switches.contact_names_unique


def _taken(name: str) -> str:
    return (
        f"The contact name {name} is already assigned to another contact. The contact name must "
        "be unique across all active contacts."
    )


def _created(books: Books, values: Row) -> Row:
    if not values.get("Name"):
        raise Invalid("The Contact Name must be specified")
    row: Row = {"ContactStatus": "ACTIVE", "IsSupplier": False, "IsCustomer": False}
    row |= {name: [] for name in LISTS}
    row |= values | {"ContactID": books.new_guid()}
    return books.put("contact", row["ContactID"], row)


def _changed(books: Books, current: Row, values: Row) -> Row:
    row = current | values
    other = active_named(books, row["Name"])
    if (
        books.switches.contact_names_unique
        and row["ContactStatus"] == "ACTIVE"
        and other is not None
        and other["ContactID"] != row["ContactID"]
    ):
        raise Invalid(_taken(row["Name"]))
    if not row["Name"]:
        raise Invalid("The Contact Name must be specified")
    if row == current:
        return current
    return books.put("contact", row["ContactID"], row)


def of_document(books: Books, body: Mapping[str, Any], *, may_create: bool) -> Row:
    """The contact that a document names. Whatever is sent beside its id overwrites the contact,
    and what is not known by any name is created, where the kind of document allows that."""
    given = body.get("Contact")
    if not isinstance(given, Mapping):
        raise Invalid("A Contact must be specified for this type of transaction")
    values = _values(given)
    current = _named(books, values, None)
    if current is None:
        if not may_create:
            raise Invalid("A valid contact must be specified")
        return _created(books, values)
    if current["ContactStatus"] != "ACTIVE":
        raise Invalid(f"The contact {current['Name']} is archived and cannot be used")
    if may_create and set(values) - {"ContactID"}:
        return _changed(books, current, NOBODY | values)
    return current


def used(books: Books, contact_id: str, *, sales: bool) -> None:
    """A contact becomes a customer or a supplier by its first document."""
    row = books.get("contact", contact_id)
    flag = "IsCustomer" if sales else "IsSupplier"
    if row is not None and not row[flag]:
        books.put("contact", contact_id, row | {flag: True})
