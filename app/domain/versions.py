"""The one version rule: which of two states of a document is the newer one.

Owns the merge of documents (`design.md`, section 3). It is a join: commutative, associative and
idempotent, so neither the order of arrival nor webhook against poll can matter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from app.domain.documents import Kind, PurchaseOrderStatus, SalesOrderStatus
from app.domain.json_values import canonical, digest

# Fields that the vendor's own API does not carry. Each is kept from the newest version that
# carried it, because a polled document lacks it without meaning to take it back.
BEYOND: dict[Kind, frozenset[str]] = {
    Kind.QUOTE: frozenset(
        {"connectwise", "contact", "ownerEmail", "currency", "customer", "products"}
    ),
    Kind.SALES_ORDER: frozenset(
        {
            "connectwise",
            "contact",
            "ownerEmail",
            "currency",
            "total",
            "delivery",
            "customer",
            "products",
        }
    ),
    Kind.PURCHASE_ORDER: frozenset({"currency", "total", "delivery", "supplier", "products"}),
    Kind.RECEIPT: frozenset(
        {
            "packingSlip",
            "supplierInvoiceNumber",
            "supplierInvoiceDate",
            "dueDate",
            "trackingNumber",
            "freight",
        }
    ),
    Kind.SALES_INVOICE: frozenset({"currency", "customer"}),
}
BEYOND_LINES: frozenset[str] = frozenset(
    {"lineTax", "quantityFromStock", "salesOrderLineID", "supplierSku", "to"}
)

# Kept like the others, but shown only by the version that stated it: a total of another version
# says nothing about the lines of this one, and would hold an order that adds up (D-12).
OF_ITS_VERSION: frozenset[str] = frozenset({"total"})
# A line's tax is that of its quantity and price: kept with what it was stated for, it is shown while
# the line still says so.
LINE_TAX, STATED_FOR = "/lineTax", "/lineTaxFor"
TAXED = ("quantity", "price", "tax", "taxRate", "discountMethod", "discountValue")

Rank = list[Any]  # [newest date, cancelled, received, hash]: compared left to right


@dataclass(frozen=True, slots=True)
class Stored:
    """A merged document as it is kept: own fields of the newest version, extras with their rank.

    `extras` maps a path ("contact", "lines/3/lineTax") to [rank, value].
    """

    kind: Kind
    source_id: str
    rank: Rank
    own: dict[str, Any]
    extras: dict[str, list[Any]]

    @property
    def version(self) -> str:
        """The newest date of the document, ISO 8601 in UTC."""
        return str(self.rank[0])

    def body(self) -> dict[str, Any]:
        """The whole document: own fields with the extras put back."""
        body = {key: value for key, value in self.own.items() if key != "lines"}
        lines = [dict(line) for line in self.own.get("lines", [])]
        by_id = {_line_id(line): line for line in lines}
        for path, (rank, value) in self.extras.items():
            parts = path.split("/", 2)
            if path in OF_ITS_VERSION and rank != self.rank:
                continue
            if path.endswith(STATED_FOR) or self._outdated(path, by_id):
                continue
            if len(parts) == 1:
                body[path] = value
            elif parts[1] in by_id:
                by_id[parts[1]][parts[2]] = value
        if "lines" in self.own:
            body["lines"] = lines
        return body

    def _outdated(self, path: str, by_id: Mapping[str, Mapping[str, Any]]) -> bool:
        """Whether it is a tax that was stated for another quantity or price of its line."""
        given = self.extras.get(f"{path}For") if path.endswith(LINE_TAX) else None
        line = by_id.get(path.split("/")[1]) if given is not None else None
        return given is not None and line is not None and given[1] != _taxed(line)


def _taxed(line: Mapping[str, Any]) -> str:
    return digest([line.get(name) for name in TAXED])[:16]


def _line_id(line: Mapping[str, Any]) -> str:
    return str(line.get("id", line.get("purchaseOrderLineID")))


def _moment(value: Any) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        parsed = datetime.fromisoformat(value)
    except ValueError:
        return None
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)


def _plain(value: Any, name: str = "") -> Any:
    """What a value says, however it is spelled: nulls are left out at every depth and dates are
    moments in UTC, so that the same state by webhook and by poll has one hash."""
    if isinstance(value, dict):
        return {key: _plain(item, key) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if name.endswith("Date") and (moment := _moment(value)) is not None:
        return moment.isoformat()
    return value


def newest_date(kind: Kind, body: Mapping[str, Any]) -> datetime:
    """Max of modifiedDate over header, lines and costs; a receipt has its received date."""
    parts: list[Mapping[str, Any]] = [
        body,
        *body.get("lines", []),
        *body.get("costs", []),
    ]
    for section in body.get("sections", []):
        parts.extend([section, *section.get("lines", [])])
    dates = [_moment(part.get("modifiedDate")) for part in parts]
    if kind is Kind.RECEIPT:
        dates.append(_moment(body.get("receivedDate")))
    known = [date for date in dates if date is not None]
    return max(known) if known else datetime.min.replace(tzinfo=UTC)


def _cancelled(kind: Kind, body: Mapping[str, Any]) -> int:
    if kind is Kind.SALES_ORDER:
        return int(body.get("status") == SalesOrderStatus.CANCELLED)
    if kind is Kind.PURCHASE_ORDER:
        return int(body.get("status") == PurchaseOrderStatus.CANCELLED)
    return 0


def _papers(lines: Sequence[Mapping[str, Any]], extras: Mapping[str, Any]) -> int:
    """How much a receipt tells: of two that are equally new, the one with more papers is newer."""
    return len(extras) + sum(len(line.get("serialNumbers") or ()) for line in lines)


def incoming(kind: Kind, source_id: str, body: Mapping[str, Any]) -> Stored:
    """A delivered body as a Stored that can be merged. Dates are compared in UTC."""
    flat: dict[str, Any] = canonical(dict(body))
    extras: dict[str, Any] = {
        key: flat.pop(key) for key in list(flat) if key in BEYOND[kind] and flat[key] is not None
    }
    for key in BEYOND[kind]:
        flat.pop(key, None)
    lines = []
    for line in flat.get("lines", []):
        kept = {key: value for key, value in line.items() if key not in BEYOND_LINES}
        for key in BEYOND_LINES & line.keys():
            if line[key] is not None:
                extras[f"lines/{_line_id(line)}/{key}"] = line[key]
                if key == "lineTax":
                    extras[f"lines/{_line_id(line)}{STATED_FOR}"] = _taxed(kept)
        lines.append(kept)
    if "lines" in flat:
        flat["lines"] = lines
    received = sum(int(line.get("quantityReceived") or 0) for line in lines)
    papers = _papers(lines, extras) if kind is Kind.RECEIPT else 0
    # Absent and null are the same thing, so that a poll that spells nulls out ties with a webhook.
    meaning = {key: value for key, value in flat.items() if value is not None}
    rank: Rank = [
        newest_date(kind, body).isoformat(),
        _cancelled(kind, body),
        received + papers,
        digest(_plain(meaning)),
    ]
    return Stored(
        kind,
        source_id,
        rank,
        meaning,
        {path: [rank, value] for path, value in extras.items()},
    )


def merge(old: Stored | None, new: Stored) -> Stored:
    """The newer of the two states, with each extra from the newest version that carried it."""
    if old is None:
        return new
    winner = new if new.rank > old.rank else old
    extras = dict(old.extras)
    for path, (rank, value) in new.extras.items():
        known = extras.get(path)
        if known is not None and old.kind is Kind.RECEIPT and path.endswith("/to"):
            # A receipt that is told again (its supplier invoice came) rides on a purchase order
            # that has received more since: the lowest end ever told is the receipt's own.
            extras[path] = min([rank, value], known, key=lambda told: (told[1], told[0]))
            continue
        # Same version with another value: the higher hash, so that the order cannot matter.
        if known is None or (rank, digest(value)) > (known[0], digest(known[1])):
            extras[path] = [rank, value]
    return Stored(winner.kind, winner.source_id, winner.rank, winner.own, extras)
