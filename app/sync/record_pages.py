"""Where a record of ConnectWise stands in the API, and where a person opens it in the browser.

Owns these addresses. The router of pages is ConnectWise's own, meant for links in
its reports; which record types it knows is told by no contract, so that they are a setting.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

# Behind any codebase: installed systems have no other, and the cloud's follows to a tenant's own.
ROUTER = "/v4_6_release/services/system_io/router/openrecord.rails"
PATHS: Mapping[str, str] = {
    "opportunity": "/sales/opportunities/",
    "product": "/procurement/products/",
    "sales_order": "/sales/orders/",
    "purchase_order": "/procurement/purchaseorders/",
    "invoice": "/finance/invoices/",
    "ticket": "/service/tickets/",
}
API_HOST = "api-"  # before the cloud's host for programs; people have it without


@dataclass(frozen=True, slots=True)
class RecordPages:
    """`types`: by kind of record what the router calls it. Other kinds have no page."""

    api: str = ""  # the API's address; empty: nobody knows
    root: str = ""  # scheme and host of what people open
    company: str = ""
    types: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, api_url: str, company: str, types: str) -> RecordPages:
        """From the API's address, and types as a setting gives them: `kind=Type,kind=Type`."""
        parts = urlsplit(api_url)
        root = f"{parts.scheme}://{parts.netloc.removeprefix(API_HOST)}" if parts.netloc else ""
        pairs = (one.partition("=") for one in types.split(",") if one.strip())
        return cls(api_url, root, company, {kind.strip(): name.strip() for kind, _, name in pairs})

    def url(self, kind: str, record_id: str) -> str | None:
        """The record in the API; None in a process without the connection's address."""
        return f"{self.api}{PATHS[kind]}{record_id}" if self.api else None

    def page(self, kind: str, record_id: str) -> str | None:
        """None where nobody knows where such a record is opened."""
        if not self.root or kind not in self.types:
            return None
        asked = {
            "locale": "en_US",
            "companyName": self.company,
            "recordType": self.types[kind],
            "recid": record_id,
        }
        return f"{self.root}{ROUTER}?{urlencode(asked)}"
