"""Xero for the service: the port `Books`, one method a call or two.

Owns the connection and the writes; the reads stand in `reads`, bodies in `translate`, sending and
failures in `caller`. Never decides, retries or remembers anything.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from app.connectors.bearer import Bearer
from app.connectors.pacing import Pacing
from app.connectors.remote import Remote
from app.connectors.sealing import Seal
from app.connectors.transport import AiohttpTransport
from app.connectors.xero import errors, paths
from app.connectors.xero.caller import PEOPLE, SYSTEM, Access, Caller, SignIn
from app.connectors.xero.paths import Family
from app.connectors.xero.reads import FOUR_PLACES, Reads, family_of
from app.connectors.xero.translate import from_wire, to_wire
from app.domain import books
from app.domain.books import DocumentKind
from app.domain.budgets import Budget
from app.domain.ports import Clock
from app.domain.records import CallRecord

UNAPPROVED = {"DRAFT", "SUBMITTED"}
ENDED = {"DELETED", "VOIDED"}
DAY_LEFT = "x-daylimit-remaining"  # on every answer (accounting.md 3.3)


class XeroClient(Reads):
    """See `app.domain.books.Books`, which this implements.

    Xero keeps no version for writers: what came between the read and the write of a change is
    overwritten. `update_…` therefore reads first and says CONFLICT, which leaves milliseconds.
    `timeout` bounds each call in seconds. `transport` replaces the real one in tests.
    """

    def __init__(
        self,
        access: Access,
        vault: books.TokenVault,
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
        shared = transport or AiohttpTransport(total=timeout, ca_file=ca_file)
        head = {"Accept": "application/json", "User-Agent": "demandlink"}
        self._remote = Remote(
            system=SYSTEM,
            base_url=access.base_url.rstrip("/"),
            headers=head | {"xero-tenant-id": access.tenant_id},
            clock=clock,
            transport=shared,
            pacing=pacing or Pacing(clock),
            on_call=on_call,
            people=PEOPLE,
            budget=budget,
            says_left=DAY_LEFT,
            seal=seal,
        )
        # A pause of the organisation's calls does not bind those for tokens.
        identity = Remote(
            system=SYSTEM,
            base_url=access.identity_url.rstrip("/"),
            headers=head,
            clock=clock,
            transport=shared,
            pacing=Pacing(clock),
            on_call=on_call,
        )
        bearer = Bearer(vault, SignIn(identity, access.app).refresh, clock)
        super().__init__(Caller(self._remote, bearer))

    @property
    def timeout(self) -> float:
        return self._timeout

    async def aclose(self) -> None:
        """Close the connections. Calls still under way fail."""
        await self._remote.aclose()

    # --- contacts and items

    async def create_contact(self, new: books.NewContact, key: str) -> books.Contact:
        return await self._caller.write(
            "PUT", paths.CONTACTS, "Contacts", lambda: to_wire.contact(new), key,
            lambda raw: from_wire.contact(raw, new.kind),
        )  # fmt: skip

    async def update_contact(
        self, contact_id: str, version: str, new: books.NewContact, key: str
    ) -> books.Contact:
        path = self._one(paths.CONTACTS, contact_id)
        current = await self._contact_of(contact_id)
        if self._contact(current, new.kind).version != version:
            raise errors.moved_on("POST", path)
        return await self._caller.write(
            "POST", path, "Contacts", lambda: to_wire.contact_change(new, current), key,
            lambda raw: from_wire.contact(raw, new.kind),
        )  # fmt: skip

    async def create_item(self, new: books.NewItem, key: str) -> books.Item:
        return await self._caller.write(
            "PUT", paths.ITEMS, "Items", lambda: to_wire.item(new), key, from_wire.item
        )

    async def update_item(
        self, item_id: str, version: str, new: books.NewItem, key: str
    ) -> books.Item:
        current = await self._item_of(item_id)
        if current is None:
            raise errors.gone("POST", paths.ITEMS)
        path = self._one(paths.ITEMS, str(current["ItemID"]))
        if self._read(path, from_wire.item, current).version != version:
            raise errors.moved_on("POST", path)
        return await self._caller.write(
            "POST", path, "Items", lambda: to_wire.item(new), key, from_wire.item
        )

    # --- documents

    async def create_document(self, new: books.NewDocument, key: str) -> books.Document:
        """Always by PUT: a POST with a number that is known changes that document."""
        family = family_of(new.kind, "PUT")
        status = to_wire.STATUSES[new.approval]
        return await self._caller.write(
            "PUT", family.path, family.envelope,
            lambda: to_wire.document(new, family, status=status), key,
            lambda raw: from_wire.document(raw, family, new.kind), FOUR_PLACES,
        )  # fmt: skip

    async def update_document(
        self, document_id: str, version: str, new: books.NewDocument, key: str
    ) -> books.Document:
        """What is approved stays so; a draft is approved where that is asked for."""
        family = family_of(new.kind, "POST")
        current = await self._as_it_was(new.kind, document_id, version)
        approve = new.approval is books.Approval.APPROVED and current.get("Status") in UNAPPROVED
        status = to_wire.STATUSES[new.approval] if approve else None
        return await self._caller.write(
            "POST", self._one(family.path, document_id), family.envelope,
            lambda: to_wire.document(new, family, status=status), key,
            lambda raw: from_wire.document(raw, family, new.kind), FOUR_PLACES,
        )  # fmt: skip

    async def close_purchase_order(
        self, document_id: str, version: str, key: str
    ) -> books.Document:
        """BILLED. From which states Xero lets it go there is documented nowhere (accounting.md 8):
        a refusal is its own sentence."""
        kind = DocumentKind.PURCHASE_ORDER
        current = await self._record(kind, document_id)
        document = self._document(current, kind)
        if document.status is books.Status.CLOSED:
            return document
        if document.version != version:
            raise errors.moved_on("POST", self._one(paths.PURCHASE_ORDERS, document_id))
        return await self._set_status(kind, document_id, "BILLED", key)

    async def remove_document(
        self, kind: DocumentKind, document_id: str, version: str, key: str
    ) -> None:
        """An approved bill or invoice is voided, everything else deleted. Ended already: nothing
        is done."""
        current = await self._record(kind, document_id)
        if current.get("Status") in ENDED:
            return
        if self._document(current, kind).version != version:
            raise errors.moved_on("POST", self._one(family_of(kind, "POST").path, document_id))
        deletes = kind is DocumentKind.PURCHASE_ORDER or current.get("Status") in UNAPPROVED
        await self._set_status(kind, document_id, "DELETED" if deletes else "VOIDED", key)

    async def _as_it_was(self, kind: DocumentKind, document_id: str, version: str) -> Any:
        current = await self._record(kind, document_id)
        if self._document(current, kind).version != version:
            raise errors.moved_on("POST", self._one(family_of(kind, "POST").path, document_id))
        return current

    async def _set_status(
        self, kind: DocumentKind, document_id: str, status: str, key: str
    ) -> books.Document:
        family: Family = family_of(kind, "POST")
        return await self._caller.write(
            "POST", self._one(family.path, document_id), family.envelope,
            lambda: {"Status": status}, key,
            lambda raw: from_wire.document(raw, family, kind), FOUR_PLACES,
        )  # fmt: skip
