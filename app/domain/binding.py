"""Which scenario a new order follows where not all follow the tenant's (H8).

Owns the bindings, which are mappings of the kind `scenario`: of a customer, else of how the order was
placed. Asked until the order is pinned, and when a person pins it anew. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from app.domain.documents import Kind
from app.domain.versions import Stored

KIND = "scenario"
KEY = re.compile(r"(customer|entry_type):\d{1,19}", re.ASCII)


def bound(documents: Iterable[Stored], mappings: Mapping[tuple[str, str], str]) -> str | None:
    """The scenario's name, None: nothing is bound. The customer's own binding is the nearer one."""
    if not any(kind == KIND for kind, _ in mappings):
        return None
    for document in documents:
        if document.kind not in (Kind.SALES_ORDER, Kind.QUOTE):
            continue
        body = document.body()
        keys = [f"customer:{body.get('customerID')}"]
        if document.kind is Kind.SALES_ORDER:
            keys.append(f"entry_type:{body.get('entryType', 0)}")
        for key in keys:
            if (name := mappings.get((KIND, key))) is not None:
                return name
    return None
