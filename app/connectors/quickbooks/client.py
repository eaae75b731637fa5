"""QuickBooks Online for the service: the port `Books`, one method a call.

Owns the connection; bodies are `translate`'s, sending and failures `caller`'s, tokens `bearer`'s.
Never decides, retries or remembers anything.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from app.connectors.bearer import Bearer, Refresh
from app.connectors.pacing import Pacing
from app.connectors.quickbooks import errors
from app.connectors.quickbooks.caller import BASE_HEADERS, SYSTEM, Access, Caller, ambiguous_code
from app.connectors.quickbooks.query import ACTIVE_OR_NOT, LARGEST_PAGE, Where, equals
from app.connectors.quickbooks.translate import from_wire, to_wire
from app.connectors.quickbooks.translate import wire_names as names
from app.connectors.remote import Remote
from app.connectors.sealing import Seal
from app.connectors.transport import AiohttpTransport
from app.domain.books import (
    Account,
    Change,
    Contact,
    ContactKind,
    Document,
    DocumentKind,
    Item,
    NewContact,
    NewDocument,
    NewItem,
    Organisation,
    Status,
    TaxCode,
    TokenVault,
)
from app.domain.budgets import Budget
from app.domain.ports import Clock
from app.domain.records import CallRecord


class QuickBooksClient:
    """See `app.domain.books.Books`, which this implements.

    `refresh` is the sign-in's (`oauth.SignIn.refresh`). `timeout` bounds each call in seconds; the
    vendor itself gives up after 120. `transport` replaces the real one in tests.
    """

    def __init__(
        self,
        access: Access,
        vault: TokenVault,
        refresh: Refresh,
        *,
        clock: Clock,
        timeout: float = 30.0,
        ca_file: Path | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        pacing: Pacing | None = None,
        on_call: Callable[[CallRecord], None] | None = None,
        budget: Budget | None = None,
        seal: Seal | None = None,
    ) -> None:
        self._timeout = timeout
        self._access = access
        self._remote = Remote(
            system=SYSTEM,
            base_url=access.base_url.rstrip("/"),
            headers=BASE_HEADERS,
            clock=clock,
            transport=transport or AiohttpTransport(total=timeout, ca_file=ca_file),
            pacing=pacing or Pacing(clock),
            on_call=on_call,
            people=access.people,
            budget=budget,
            seal=seal,
        )
        self._caller = Caller(self._remote, access, Bearer(vault, refresh, clock))

    @property
    def timeout(self) -> float:
        return self._timeout

    async def aclose(self) -> None:
        """Close the connections. Calls still under way fail."""
        await self._remote.aclose()

    # --- the company

    async def organisation(self) -> Organisation:
        company = await self._caller.read(
            f"companyinfo/{self._access.realm}", "CompanyInfo", _as_it_is
        )
        return await self._caller.read(
            "preferences",
            "Preferences",
            lambda preferences: from_wire.organisation(company, preferences, self._access.realm),
        )

    async def accounts(self) -> list[Account]:
        return await self._caller.query("Account", from_wire.account)

    async def tax_codes(self) -> list[TaxCode]:
        percent = dict(await self._caller.query("TaxRate", from_wire.tax_rate))
        return await self._caller.query("TaxCode", partial(from_wire.tax_code, percent=percent))

    # --- contacts

    async def find_contact(self, kind: ContactKind, name: str) -> Contact | None:
        wanted = " ".join(name.replace(":", "-").split())
        found = await self._caller.query(
            names.CONTACTS[kind],
            partial(from_wire.contact, kind=kind),
            equals("DisplayName", wanted),
            ACTIVE_OR_NOT,
        )
        same = [one for one in found if one.name.casefold() == wanted.casefold()]
        return same[0] if same else None  # the name space allows one

    async def read_contact(self, kind: ContactKind, contact_id: str) -> Contact:
        entity = names.CONTACTS[kind]
        return await self._caller.read(
            f"{entity.lower()}/{contact_id}", entity, partial(from_wire.contact, kind=kind)
        )

    async def create_contact(self, new: NewContact, key: str) -> Contact:
        return await self._caller.write(
            names.CONTACTS[new.kind],
            lambda: to_wire.new_contact(new),
            partial(from_wire.contact, kind=new.kind),
            key,
        )

    async def update_contact(
        self, contact_id: str, version: str, new: NewContact, key: str
    ) -> Contact:
        return await self._caller.write(
            names.CONTACTS[new.kind],
            lambda: to_wire.changed(to_wire.contact(new), contact_id, version),
            partial(from_wire.contact, kind=new.kind),
            key,
            by_id=True,
        )

    # --- items

    async def find_item(self, code: str) -> Item | None:
        """By SKU, which QuickBooks lets several items have; else by name, for those that people
        made without one. Of several with the SKU only the one with its name is meant."""
        by_sku = await self._items(equals("Sku", code))
        same = [one for one in by_sku if one.code.casefold() == code.casefold()]
        wanted = to_wire.item_name(code).casefold()
        if len(same) > 1:
            same = [one for one in same if one.name.casefold() == wanted]
            if not same:
                raise ambiguous_code(code, len(by_sku))
        if same:
            return same[0]
        by_name = await self._items(equals("Name", to_wire.item_name(code)))
        return next((one for one in by_name if one.name.casefold() == wanted), None)

    async def _items(self, condition: Where) -> list[Item]:
        return await self._caller.query("Item", from_wire.item, condition, ACTIVE_OR_NOT)

    async def read_item(self, item_id: str) -> Item:
        return await self._caller.read(f"item/{item_id}", "Item", from_wire.item)

    async def create_item(self, new: NewItem, key: str) -> Item:
        return await self._caller.write("Item", lambda: to_wire.item(new), from_wire.item, key)

    async def update_item(self, item_id: str, version: str, new: NewItem, key: str) -> Item:
        return await self._caller.write(
            "Item",
            lambda: to_wire.changed(to_wire.item(new), item_id, version),
            from_wire.item,
            key,
            by_id=True,
        )

    # --- documents

    async def find_documents(
        self, kind: DocumentKind, contact_id: str, on: date, number: str | None = None
    ) -> list[Document]:
        """The language has no OR, so that a number costs a second query."""
        contact = equals(names.contact_field(kind), contact_id)
        found = await self._documents(kind, contact, equals("TxnDate", on.isoformat()))
        if number is not None:
            found += await self._documents(kind, contact, equals("DocNumber", number))
        return list({one.id: one for one in found}.values())

    async def _documents(self, kind: DocumentKind, *conditions: Where) -> list[Document]:
        return await self._caller.query(names.entity_of(kind), self._reading(kind), *conditions)

    async def read_document(self, kind: DocumentKind, document_id: str) -> Document:
        entity = names.entity_of(kind)
        return await self._caller.read(
            f"{entity.lower()}/{document_id}", entity, self._reading(kind)
        )

    async def create_document(self, new: NewDocument, key: str) -> Document:
        return await self._caller.write(
            names.entity_of(new.kind),
            lambda: to_wire.document(new),
            self._reading(new.kind),
            key,
        )

    async def update_document(
        self, document_id: str, version: str, new: NewDocument, key: str
    ) -> Document:
        return await self._caller.write(
            names.entity_of(new.kind),
            lambda: to_wire.changed(to_wire.document(new), document_id, version),
            self._reading(new.kind),
            key,
            by_id=True,
        )

    async def close_purchase_order(self, document_id: str, version: str, key: str) -> Document:
        order = await self.read_document(DocumentKind.PURCHASE_ORDER, document_id)
        if order.status is Status.CLOSED:
            return order
        if order.version != version:
            raise errors.stale("POST", f"{self._access.path}/purchaseorder")
        return await self._caller.write(
            names.PURCHASE_ORDER,
            lambda: to_wire.closed_order(document_id, version, order.contact_id),
            self._reading(DocumentKind.PURCHASE_ORDER),
            key,
            by_id=True,
        )

    async def remove_document(
        self, kind: DocumentKind, document_id: str, version: str, key: str
    ) -> None:
        """An invoice is voided and keeps its number; the others can only be deleted."""
        await self._caller.write(
            names.entity_of(kind),
            lambda: to_wire.ended(document_id, version),
            _as_it_is,
            key,
            operation="void" if kind is DocumentKind.INVOICE else "delete",
            by_id=True,
        )

    async def changed_since(self, kinds: Sequence[DocumentKind], moment: datetime) -> list[Change]:
        """By change data capture, which ends at 1,000 objects: a kind that reaches it is listed by
        query besides (deletions beyond the thousand are then not told)."""
        entities = ",".join(names.entity_of(kind) for kind in kinds)
        since = moment.isoformat(timespec="seconds")
        found = await self._caller.changes(entities, since, from_wire.changes)
        if len(found) >= LARGEST_PAGE:
            later = Where("MetaData.LastUpdatedTime", (since,), ">=")
            told = {(one.kind, one.id) for one in found}
            for kind in kinds:
                for document in await self._documents(kind, later):
                    if (kind, document.id) not in told:
                        found.append(Change(kind, document.id, deleted=False))
        return found

    def _reading(self, kind: DocumentKind) -> Callable[[Any], Document]:
        return partial(from_wire.document, kind=kind, app_url=self._access.app_url)


def _as_it_is(raw: Any) -> Any:
    return raw
