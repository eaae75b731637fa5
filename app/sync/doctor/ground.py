"""What a probe stands on: whose records it makes, and the set-up records that the steps would use.

Owns the choice only, by the same rules as the steps (`app/steps/resolve.py`). Reads only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.domain import psa
from app.domain.errors import RemoteFailure
from app.domain.probing import Ground, Made, Probed
from app.domain.scenario import Scenario
from app.steps.resolve import KINDS, pick
from app.sync.operations import Refusal

NAMES: Mapping[str, str] = {
    "subcategory": "connectwise_product_subcategory",
    "type": "connectwise_product_type",
    "unit": "connectwise_unit_of_measure",
    "board": "connectwise_board",
    "status": "connectwise_sales_order_status_waiting",
    "warehouse": "connectwise_warehouse",
    "location": "connectwise_location",
    "business_unit": "connectwise_business_unit",
}


async def ground_of(
    cw: Probed,
    scenarios: Sequence[Scenario],
    values: Mapping[str, Any],
    stored: Mapping[str, Any],
    named: tuple[str, str],
) -> Ground:
    """What the scenarios write, as far as a probe may. `named` are the identifiers of a company and
    a vendor, the vendor's empty where none is to be bought from. Raises Refusal."""
    steps = {use.name for scenario in scenarios for use in scenario.steps}
    of_tickets = any(
        {**values, **one.defaults, **stored}["invoice_from"] == "ticket" for one in scenarios
    )
    host = None
    if "create_products" in steps:
        host = Made.TICKET if of_tickets else Made.SALES_ORDER
    hosts = [Made.TICKET] if "raise_ticket" in steps or host is Made.TICKET else []
    if host is Made.SALES_ORDER:
        hosts.append(host)
    company, vendor = named
    try:
        return Ground(
            company=await _company(cw, company),
            hosts=tuple(hosts),
            product_host=host,
            buys="link_demand" in steps,
            vendor=await _company(cw, vendor) if vendor.strip() else None,
            ids={**await _records(cw, values), "owner": await _owner(cw, values)},
        )
    except RemoteFailure as failure:
        sentence = f"ConnectWise was not asked for a probe: {failure.message}"
        raise Refusal("CONNECTWISE_UNAVAILABLE", sentence, kind=failure.kind.value) from failure


async def _company(cw: Probed, identifier: str) -> psa.Company:
    found = await cw.company(identifier)
    if found is None:
        sentence = (
            f"No company has the identifier {identifier!r} in ConnectWise. Name one for which a "
            "record may stand for a moment, as your own."
        )
        raise Refusal("REQUEST_NOT_VALID", sentence)
    return found


async def _records(cw: Probed, values: Mapping[str, Any]) -> dict[str, int | None]:
    lists: dict[psa.Setup, list[psa.SetupRecord]] = {}
    chosen: dict[str, int | None] = {}
    for name, setting in NAMES.items():
        kind = KINDS[setting]
        if kind not in lists:
            lists[kind] = [one for one in await cw.set_up(kind) if not one.inactive]
        record = pick(lists[kind], setting, str(values.get(setting) or ""))
        chosen[name] = record.id if record is not None else None
    return chosen


async def _owner(cw: Probed, values: Mapping[str, Any]) -> int | None:
    wanted = str(values.get("connectwise_sales_rep") or "").casefold()
    members = await cw.members() if wanted else []
    return next((one.id for one in members if one.identifier.casefold() == wanted), None)
