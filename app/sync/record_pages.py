"""Where a person opens a record of ConnectWise in the browser.

Owns the address of such a page. The router that it names is ConnectWise's own, meant for links in
its reports; which record types it knows is told by no contract, so that they are a setting.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

# Behind any codebase: installed systems have no other, and the cloud's follows to a tenant's own.
ROUTER = "/v4_6_release/services/system_io/router/openrecord.rails"
API_HOST = "api-"  # before the cloud's host for programs; people have it without


@dataclass(frozen=True, slots=True)
class RecordPages:
    """`types`: by kind of record what the router calls it. Other kinds have no page."""

    root: str = ""  # scheme and host; empty: nobody knows
    company: str = ""
    types: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, api_url: str, company: str, types: str) -> RecordPages:
        """From the API's address, and types as a setting gives them: `kind=Type,kind=Type`."""
        parts = urlsplit(api_url)
        root = f"{parts.scheme}://{parts.netloc.removeprefix(API_HOST)}" if parts.netloc else ""
        pairs = (one.partition("=") for one in types.split(",") if one.strip())
        return cls(root, company, {kind.strip(): name.strip() for kind, _, name in pairs})

    def address(self, kind: str, record_id: str) -> str | None:
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
