"""Datto Commerce (Kaseya Quote Manager) for the service: the port `Commerce`.

Owns the calls: paging, by id, and a memory of parties and products, which cost a call each. Never
decides or retries anything; records become documents in `translate`, failures kinds in `errors`.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Any

import httpx

from app.connectors import wire_json
from app.connectors.commerce import errors, translate
from app.connectors.commerce.schemas import row
from app.connectors.pacing import Pacing
from app.connectors.remote import Remote
from app.connectors.transport import AiohttpTransport, Calling, calling
from app.domain.commerce import Change, Listing
from app.domain.documents import Kind
from app.domain.errors import FailureKind, RemoteFailure
from app.domain.ports import Clock

SYSTEM = "commerce"
PAGE = 100  # larger values are treated as 100 (commerce.md 1.1)
# Names of customers, suppliers and products: they seldom change, and a document says by itself
# which it is about.
REMEMBERED_SECONDS = 3600.0
REMEMBERED = 5_000
PAUSE_UNSAID = 5.0  # seconds, where a refusal does not say how long
PEOPLE = ("/v1/employee", "/v1/contact")

COMPARING = ("drift", "comparison")
_PATHS = {
    Kind.SALES_ORDER: "salesorder",
    Kind.PURCHASE_ORDER: "purchaseorder",
    Kind.QUOTE: "quote",
}

Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Access:
    """Where Commerce's API stands, and the key. `zone` is that of dates without an offset."""

    base_url: str
    api_key: str = field(repr=False)
    zone: tzinfo = UTC

    @property
    def headers(self) -> dict[str, str]:
        # As a header, never as a parameter: addresses are logged on the way (commerce.md 1.1).
        return {"apiKey": self.api_key, "Accept": "application/json", "User-Agent": "demandlink"}


async def _free() -> None:
    return None


class CommerceClient:
    """See `app.domain.commerce.Commerce`. `before` is awaited before every call, and may raise
    BudgetSpent; `transport` replaces the real one in tests."""

    def __init__(
        self,
        access: Access,
        *,
        clock: Clock,
        timeout: float = 20.0,
        before: Callable[[], Awaitable[None]] = _free,
        transport: httpx.AsyncBaseTransport | None = None,
        pacing: Pacing | None = None,
    ) -> None:
        self._zone = access.zone
        self._clock = clock
        self._before = before
        self._remote = Remote(
            system=SYSTEM,
            base_url=access.base_url.rstrip("/"),
            headers=access.headers,
            clock=clock,
            transport=transport or AiohttpTransport(total=timeout),
            pacing=pacing or Pacing(clock),
            people=PEOPLE,
        )
        self._known: OrderedDict[str, tuple[float, Record | None]] = OrderedDict()

    async def aclose(self) -> None:
        await self._remote.aclose()

    async def changed(self, listing: Listing, after: datetime) -> list[Change]:
        path = f"/v1/{listing.value}"
        since = translate.after(after, self._zone)
        records = await self._all(path, f"modifiedAfter={since.replace(':', '%3A')}")
        try:
            return [row(record).change(listing, self._zone) for record in records]
        except wire_json.MISSHAPEN as cause:
            raise errors.unreadable(path, wire_json.why(cause)) from cause

    async def document(self, kind: Kind, source_id: str) -> Mapping[str, Any]:
        read = {
            Kind.SALES_ORDER: self._sales_order,
            Kind.PURCHASE_ORDER: self._purchase_order,
            Kind.QUOTE: self._quote,
        }[kind]
        try:
            return await read(int(source_id))
        except wire_json.MISSHAPEN as cause:
            path = f"/v1/{_PATHS[kind]}/{source_id}"
            raise errors.unreadable(path, wire_json.why(cause)) from cause

    async def headers(self, kind: Kind, after: datetime) -> list[Mapping[str, Any]]:
        path = f"/v1/{_PATHS[kind]}"
        since = translate.after(after, self._zone)
        records = await self._all(path, f"modifiedAfter={since.replace(':', '%3A')}")
        try:
            return [translate.header(kind, record, self._zone) for record in records]
        except wire_json.MISSHAPEN as cause:
            raise errors.unreadable(path, wire_json.why(cause)) from cause

    async def _sales_order(self, number: int) -> Mapping[str, Any]:
        # The header first: a change in between moves its parts' dates, and is seen again.
        header = await self._one(f"/v1/salesorder/{number}")
        lines = await self._parts("salesorderline", "salesOrderID", number)
        return translate.sales_order(
            header,
            lines,
            customer=await self._party("customer", header.get("customerID")),
            products=await self._products(lines),
            owner=await self._party("employee", header.get("ownerEmployeeID")),
            zone=self._zone,
        )

    async def _purchase_order(self, number: int) -> Mapping[str, Any]:
        header = await self._one(f"/v1/purchaseorder/{number}")
        lines = await self._parts("purchaseorderline", "purchaseOrderID", number)
        return translate.purchase_order(
            header,
            lines,
            await self._parts("purchaseordercost", "purchaseOrderID", number),
            supplier=await self._party("supplier", header.get("supplierID")),
            products=await self._products(lines),
            zone=self._zone,
        )

    async def _quote(self, number: int) -> Mapping[str, Any]:
        header = await self._one(f"/v1/quote/{number}")
        whole: list[tuple[Record, list[Record]]] = []
        for section in await self._parts("quotesection", "quoteID", number):
            lines = await self._parts("quoteline", "quoteSectionID", section["id"])
            whole.append((section, lines))
        return translate.quote(
            header,
            whole,
            customer=await self._party("customer", header.get("customerID")),
            products=await self._products(line for _, lines in whole for line in lines),
            owner=await self._party("employee", header.get("ownerEmployeeID")),
            zone=self._zone,
        )

    # Parties and products ------------------------------------------------------------------------

    async def _products(self, lines: Iterable[Record]) -> list[Record]:
        found = [await self._party("product", one) for one in translate.products_of(lines)]
        return [product for product in found if product is not None]

    async def _party(self, resource: str, number: Any) -> Record | None:
        """A record that a document names; None where it names none, or one that is gone."""
        if not isinstance(number, int):
            return None
        path = f"/v1/{resource}/{number}"
        known = self._known.get(path)
        if known is not None and known[0] > self._clock.monotonic():
            return known[1]
        try:
            record: Record | None = await self._one(path)
        except RemoteFailure as failure:
            if failure.kind is not FailureKind.GONE:
                raise
            record = None
        self._known[path] = (self._clock.monotonic() + REMEMBERED_SECONDS, record)
        self._known.move_to_end(path)
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return record

    # Calls ---------------------------------------------------------------------------------------

    async def _one(self, path: str) -> Record:
        record = await self._get(path, "")
        try:
            row(record)
        except wire_json.MISSHAPEN as cause:
            raise errors.unreadable(path, wire_json.why(cause)) from cause
        found: Record = record
        return found

    async def _parts(self, resource: str, name: str, number: int) -> list[Record]:
        """Only what belongs to the record: a filter that the API does not know is said to be
        ignored, and would return everything (commerce.md 1.1)."""
        found = await self._all(f"/v1/{resource}", f"{name}={number}")
        return [one for one in found if one.get(name) == number]

    async def _all(self, path: str, filtered: str) -> list[Record]:
        """Every record of a list. There is no total: a page that is not full is the last one."""
        found: dict[str, Record] = {}
        number = 1
        while True:
            page = await self._get(path, f"{filtered}&page={number}&pageSize={PAGE}")
            if not isinstance(page, list) or not all(isinstance(one, Mapping) for one in page):
                raise errors.unreadable(path, "it is not a list of records")
            before = len(found)
            # Pages shift while they are read; the newer state of a record is the later one.
            found.update(
                {wire_json.identity(one, "id", place): one for place, one in enumerate(page)}
            )
            # A page that brings nothing new: a server that does not page would go on for ever.
            if len(page) < PAGE or len(found) == before:
                return list(found.values())
            number += 1

    async def _get(self, path: str, query: str) -> Any:
        await self._before()
        bound = calling.get() or Calling()
        purpose = bound.purpose if bound.purpose in COMPARING else "poll"
        token = calling.set(Calling(None, None, purpose, bound.record))
        try:
            answer = await self._remote.call("GET", path, query=query)
        except (httpx.HTTPError, httpx.InvalidURL) as cause:
            raise errors.of_transport(cause, path) from cause
        finally:
            calling.reset(token)
        if answer.status != httpx.codes.OK:
            failure = errors.of_answer(path, answer.status, answer.headers)
            if failure.kind is FailureKind.RATE_LIMITED:
                wait = failure.retry_after or PAUSE_UNSAID
                await self._remote.pacing.asked_to_wait(wait, failure.message)
            raise failure
        try:
            return wire_json.loads(answer.body)
        except wire_json.NotReadable as cause:
            raise errors.unreadable(path, str(cause)) from cause
