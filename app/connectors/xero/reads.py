"""What the service reads from Xero: the reading half of the port `Books`.

Owns the queries. Text that may not stand in one is never sent: a superset is read and compared
here. Never decides, retries or remembers anything.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, TypeVar
from urllib.parse import quote

from app.connectors.xero import errors, paths, where
from app.connectors.xero.caller import Caller
from app.connectors.xero.paths import FAMILIES, Family
from app.connectors.xero.translate import from_wire
from app.domain import books
from app.domain.books import DocumentKind
from app.domain.errors import FailureKind, RemoteFailure

Read = TypeVar("Read")
FOUR_PLACES = {"unitdp": "4"}
# A number that may stand in a path as it is.
PATH_TEXT = re.compile(r"[A-Za-z0-9 ._-]*[A-Za-z0-9_-][A-Za-z0-9 ._-]*")


class Reads:
    """See `app.domain.books.Books`."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def organisation(self) -> books.Organisation:
        path = paths.ORGANISATION
        found = await self._only(path, "Organisations", path)
        actions = self._caller.listed(
            paths.ACTIONS, "Actions", await self._caller.get(paths.ACTIONS)
        )
        return self._read(path, lambda raw: from_wire.organisation(raw, actions), found)

    async def accounts(self) -> list[books.Account]:
        return await self._set_up(paths.ACCOUNTS, from_wire.account)

    async def tax_codes(self) -> list[books.TaxCode]:
        return await self._set_up(paths.TAX_RATES, from_wire.tax_code)

    async def _set_up(self, path: str, read: Callable[[Any], Read | None]) -> list[Read]:
        name = path.removeprefix("/")
        parsed = await self._caller.get(path, {"where": where.says("Status", "ACTIVE")})
        every = (self._read(path, read, raw) for raw in self._caller.listed(path, name, parsed))
        return [one for one in every if one is not None]

    # --- contacts and items

    async def find_contact(self, kind: books.ContactKind, name: str) -> books.Contact | None:
        query = {"includeArchived": "true"}
        if where.is_safe(name):
            query["where"] = where.says_in_any_case("Name", name)
        else:
            query["searchTerm"] = name
        wanted = name.casefold()
        found = [
            self._contact(raw, kind)
            for raw in await self._caller.every(paths.CONTACTS, "Contacts", query)
        ]
        same = [contact for contact in found if contact.name.casefold() == wanted]
        # An archived one may carry the name of one in use.
        return min(same, key=lambda contact: not contact.active, default=None)

    async def read_contact(self, kind: books.ContactKind, contact_id: str) -> books.Contact:
        return self._contact(await self._contact_of(contact_id), kind)

    async def _contact_of(self, contact_id: str) -> Any:
        return await self._only(paths.CONTACTS, "Contacts", self._one(paths.CONTACTS, contact_id))

    def _contact(self, raw: Any, kind: books.ContactKind) -> books.Contact:
        return self._read(paths.CONTACTS, lambda one: from_wire.contact(one, kind), raw)

    async def find_item(self, code: str) -> books.Item | None:
        raw = await self._item_of(code)
        return None if raw is None else self._read(paths.ITEMS, from_wire.item, raw)

    async def read_item(self, item_id: str) -> books.Item:
        found = await self.find_item(item_id)
        if found is None:
            raise errors.gone("GET", paths.ITEMS)
        return found

    async def _item_of(self, code: str) -> Any:
        """The record itself. Items have no pages and no search: where the code may not stand in a
        query, all are read, in one call."""
        query = {"where": where.says_in_any_case("Code", code)} if where.is_safe(code) else None
        parsed = await self._caller.get(paths.ITEMS, query)
        for raw in self._caller.listed(paths.ITEMS, "Items", parsed):
            item = self._read(paths.ITEMS, from_wire.item, raw)
            if item.code.casefold() == code.casefold():
                return raw
        return None

    # --- documents

    async def find_documents(
        self, kind: DocumentKind, contact_id: str, on: date, number: str | None = None
    ) -> list[books.Document]:
        family = family_of(kind, "GET")
        if kind is DocumentKind.PURCHASE_ORDER:
            records = await self._orders(on, number)
        else:
            query = {"where": self._expression(family, contact_id, on, number), **FOUR_PLACES}
            records = await self._caller.every(family.path, family.envelope, query)
        return [
            document
            for document in (self._document(raw, kind) for raw in records)
            if document.contact_id.lower() == contact_id.lower()
            and document.status is not books.Status.DELETED
            and (document.on == on or (number is not None and _same(document.number, number)))
        ]

    @staticmethod
    def _expression(family: Family, contact_id: str, on: date, number: str | None) -> str:
        try:
            parts = [
                where.says("Type", family.type),
                where.identified("Contact.ContactID", contact_id),
                where.is_not("Status", "DELETED"),
            ]
        except where.Unsafe as cause:
            raise errors.invalid("GET", family.path, str(cause)) from cause
        if number is None:
            parts.append(where.dated("Date", on))
        elif where.is_safe(number):
            parts.append(where.any_of(where.dated("Date", on), where.says(family.number, number)))
        # Else every document of the contact is read and compared.
        return where.all_of(*parts)

    async def _orders(self, on: date, number: str | None) -> list[Any]:
        """Purchase orders take no expression: they are found by their date, and one by its number,
        where that may stand in a path."""
        path, name = paths.PURCHASE_ORDERS, "PurchaseOrders"
        day = on.isoformat()
        found = await self._caller.every(path, name, {"DateFrom": day, "DateTo": day})
        if number and PATH_TEXT.fullmatch(number):
            known = {_order_id(raw) for raw in found}
            try:
                parsed = await self._caller.get(f"{path}/{quote(number, safe='')}")
            except RemoteFailure as failure:
                if failure.status != 404:
                    raise
            else:
                numbered = self._caller.listed(path, name, parsed)
                found += [raw for raw in numbered if _order_id(raw) not in known]
        return found

    async def read_document(self, kind: DocumentKind, document_id: str) -> books.Document:
        return self._document(await self._record(kind, document_id), kind)

    async def _record(self, kind: DocumentKind, document_id: str) -> Any:
        family = family_of(kind, "GET")
        path = self._one(family.path, document_id)
        return await self._only(family.path, family.envelope, path, FOUR_PLACES)

    def _document(self, raw: Any, kind: DocumentKind) -> books.Document:
        family = FAMILIES[kind]
        return self._read(family.path, lambda one: from_wire.document(one, family, kind), raw)

    async def changed_since(
        self, kinds: Sequence[DocumentKind], moment: datetime
    ) -> list[books.Change]:
        """Bills and sales invoices stand in one list, so both cost one call a page."""
        wanted = {family_of(kind, "GET").path for kind in kinds}
        found: list[books.Change] = []
        for path in sorted(wanted):
            for raw in await self._caller.every(path, path.removeprefix("/"), since=moment):
                kind = paths.KINDS.get((path, _type_of(raw)))
                if kind in kinds and kind is not None:
                    document = self._document(raw, kind)
                    deleted = document.status is books.Status.DELETED
                    found.append(books.Change(kind, document.id, deleted))
        return found

    # --- parts

    @staticmethod
    def _one(path: str, record_id: str) -> str:
        """The path of a record. What is no identifier names none that exists."""
        try:
            return f"{path}/{where.guid(record_id)}"
        except where.Unsafe as cause:
            raise errors.invalid("GET", path, str(cause)) from cause

    async def _only(
        self, collection: str, name: str, path: str, query: Mapping[str, str] | None = None
    ) -> Any:
        records = self._caller.listed(collection, name, await self._caller.get(path, query))
        if len(records) != 1 or not isinstance(records[0], Mapping):
            raise errors.unreadable("GET", path, 200, f"it has not one record of {name}")
        return records[0]

    def _read(self, path: str, read: Callable[[Any], Read], raw: Any) -> Read:
        return self._caller.understood("GET", path, 200, read, raw)


def family_of(kind: DocumentKind, method: str) -> Family:
    found = FAMILIES.get(kind)
    if found is None:
        raise RemoteFailure(
            FailureKind.INVALID,
            f"Xero has no {kind.value} here.",
            endpoint=f"{method} {kind.value}",
        )
    return found


def _same(number: str | None, wanted: str) -> bool:
    return (number or "").casefold() == wanted.casefold()


def _order_id(raw: Any) -> str:
    return str(raw.get("PurchaseOrderID")) if isinstance(raw, Mapping) else ""


def _type_of(raw: Any) -> str:
    found = raw.get("Type") if isinstance(raw, Mapping) else None
    return found if isinstance(found, str) else ""
