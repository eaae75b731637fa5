"""The doctor's look at ConnectWise: credentials, permissions, set-up records, catalog, demand."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from app.domain import psa
from app.domain.admin_store import AdminStore
from app.domain.checkup import (
    HEADER_ITEMS,
    WRITES,
    Finding,
    Outcome,
    Read,
    reads_of,
    settings_of,
)
from app.domain.codes import Code
from app.domain.errors import FailureKind, RemoteFailure
from app.domain.ports import ConnectWise
from app.domain.probing import Probed, ProbeRecord
from app.domain.scenario import Scenario
from app.domain.views import OrderFilter
from app.settings import Settings
from app.steps.resolve import KINDS, pick
from app.sync.doctor import meaning, procurement, records
from app.sync.doctor.asking import asked
from app.sync.doctor.own import find, is_own, looked

AREA = "connectwise"
_Lists = dict[psa.Setup, list[psa.SetupRecord]]
NOBODY = 0  # no record has this id, so a list about it is empty or refused
NEVER = "demandlink-doctor"  # no record is named so
FUTURE = datetime.fromisoformat("2100-01-01T00:00:00+00:00")


async def findings(
    settings: Settings,
    cw: Probed,
    admin: AdminStore,
    tenant_id: int,
    scenarios: Sequence[Scenario],
    values: Mapping[str, Any],
    stored: Mapping[str, Any],
) -> list[Finding]:
    """Everything that the scenarios need; after wrong credentials nothing more is asked. `stored`:
    those of the values that the database rules, above the scenarios' own."""
    if not settings.connectwise_url:
        return [
            Finding(
                "credentials",
                AREA,
                Outcome.FAILED,
                "CONNECTWISE_URL is empty: ConnectWise is not called.",
                fix="Set it up to /apis/3.0, with the API member's keys and the client id.",
                proven_by="CONNECTWISE_URL",
            )
        ]
    first = await asked("credentials", AREA, "GET /system/info", cw.info)
    if isinstance(first, Finding):
        told = "Not asked, because ConnectWise gave no good answer to the first question."
        return [first, Finding("permissions", AREA, Outcome.SKIPPED, told)]
    (info,) = first
    answered = f"ConnectWise {info.version} answers with the keys that are set."
    found = [Finding("credentials", AREA, Outcome.OK, answered, proven_by="GET /system/info")]
    steps = {use.name for scenario in scenarios for use in scenario.steps}
    found += [await _permission(cw, read) for read in reads_of(steps)]
    lists: _Lists = {}
    named = _named(scenarios, values, stored)
    found += [await _record(cw, name, values, lists) for name in named]
    found.append(await _sales_rep(cw, values))
    if "create_products" in steps:
        found += [await _header_item(cw, name, values) for name in HEADER_ITEMS]
    found += await records.optional(cw, scenarios, values)
    if "connectwise_warehouse_bin" in named:
        found += await records.bin_of_warehouse(cw, values)
    found += await records.boards(cw, steps, values)
    found += await procurement.findings(cw, scenarios, values, stored)
    found += await records.seat(settings, cw)
    return [*found, *await records.mappings(admin, tenant_id, cw)]


def _named(
    scenarios: Sequence[Scenario], values: Mapping[str, Any], stored: Mapping[str, Any]
) -> tuple[str, ...]:
    """The set-up records that the scenarios need, under the settings that rule for each."""
    wanted: list[str] = []
    for scenario in scenarios:
        ruling = {**values, **scenario.defaults, **stored}
        ships = ruling["mark_shipped"] != "never"
        steps = {use.name for use in scenario.steps if use.name != "ship_goods" or ships}
        wanted += settings_of(steps, by_ticket=ruling["invoice_from"] == "ticket")
    return tuple(dict.fromkeys(wanted))


async def _permission(cw: ConnectWise, read: Read) -> Finding:
    name = f"may_read_{read.value}"
    answer = await asked(name, AREA, read.value, lambda: _READS[read](cw))
    if isinstance(answer, Finding):
        return answer
    what = read.value.replace("_", " ")
    return Finding(name, AREA, Outcome.OK, f"The API member may read {what}.", proven_by="a read")


async def _links(cw: ConnectWise) -> object:
    return await cw.demand_links([NOBODY])


_READS: Mapping[Read, Callable[[ConnectWise], Awaitable[object]]] = {
    Read.COMPANIES: lambda cw: cw.company(NEVER),
    Read.CONTACTS: lambda cw: cw.contacts(NOBODY),
    Read.MEMBERS: lambda cw: cw.members(),
    Read.OPPORTUNITIES: lambda cw: cw.opportunities_of(NOBODY),
    Read.CATALOG: lambda cw: cw.catalog_items([NEVER]),
    Read.PRODUCTS: lambda cw: cw.opportunity_products(NOBODY),
    Read.SALES_ORDERS: lambda cw: cw.sales_orders_of_company(NOBODY),
    Read.TICKETS: lambda cw: cw.tickets_of_company(NOBODY),
    Read.PURCHASE_ORDERS: lambda cw: cw.purchase_orders_above(NOBODY, NOBODY),
    Read.LINK_REPORT: _links,
    Read.INVOICES: lambda cw: cw.invoices_since(FUTURE),
}


async def _record(cw: ConnectWise, name: str, values: Mapping[str, Any], lists: _Lists) -> Finding:
    """A set-up record that a setting names, or that its flag says: as the steps choose it."""
    kind, setting, wanted = KINDS[name], name.upper(), str(values.get(name) or "")
    what = kind.value.replace("_", " ")
    proven = f"the list of each {what}"
    if kind not in lists:  # several settings choose from one list
        answer = await asked(name, AREA, proven, lambda: cw.set_up(kind))
        if isinstance(answer, Finding):
            return answer
        lists[kind] = [record for record in answer[0] if not record.inactive]
    records = lists[kind]
    found = pick(records, name, wanted)
    if found is not None:
        if (wrong := meaning.meant(name, found, proven)) is not None:
            return wrong
        how = "as set" if wanted else "by its flag, or as the default or only one"
        told = f"{setting} is {found.name!r}, {how}."
        return Finding(name, AREA, Outcome.OK, told, proven_by=proven)
    have = ", ".join(sorted(record.name for record in records)) or "none"
    said = f"names no active {what} ({wanted!r})" if wanted else "is not set, and no flag says it"
    return Finding(
        name,
        AREA,
        Outcome.FAILED,
        f"{setting} {said}.",
        "Orders that need it are held with SETTING_MISSING.",
        f"Set it to one of: {have}." if records else f"Make one in ConnectWise and set {setting}.",
        proven,
    )


async def _sales_rep(cw: ConnectWise, values: Mapping[str, Any]) -> Finding:
    name, wanted = "connectwise_sales_rep", str(values.get("connectwise_sales_rep") or "")
    if not wanted:
        told = "CONNECTWISE_SALES_REP is empty: an order's owner has to be a member by e-mail."
        fix = "Set it to the identifier of a member who owns what has no other owner."
        return Finding(name, AREA, Outcome.WARNING, told, fix=fix, proven_by="GET /system/members")
    answer = await asked(name, AREA, "GET /system/members", cw.members)
    if isinstance(answer, Finding):
        return answer
    if any(member.identifier.casefold() == wanted.casefold() for member in answer[0]):
        told = f"CONNECTWISE_SALES_REP {wanted!r} is an active member."
        return Finding(name, AREA, Outcome.OK, told, proven_by="GET /system/members")
    return Finding(
        name,
        AREA,
        Outcome.FAILED,
        f"CONNECTWISE_SALES_REP {wanted!r} is no active member.",
        fix="Set it to a member's identifier, as the list of members shows it.",
        proven_by="GET /system/members",
    )


async def _header_item(cw: ConnectWise, name: str, values: Mapping[str, Any]) -> Finding:
    setting, wanted = name.upper(), str(values.get(name) or "")
    proven = "GET /procurement/catalog"
    if not wanted:
        told = f"{setting} is empty: an order with {HEADER_ITEMS[name]} is held."
        fix = "Set it to the identifier of a catalog item that stands for it."
        return Finding(name, AREA, Outcome.WARNING, told, fix=fix, proven_by=proven)
    answer = await asked(name, AREA, proven, lambda: cw.catalog_items([wanted]))
    if isinstance(answer, Finding):
        return answer
    if any(_same(item, wanted) for item in answer[0]):
        told = f"{setting} {wanted!r} stands in the catalog."
        return Finding(name, AREA, Outcome.OK, told, proven_by=proven)
    told = f"{setting} {wanted!r} does not stand in the catalog."
    fix = "Make the item in ConnectWise, or name another."
    return Finding(name, AREA, Outcome.FAILED, told, fix=fix, proven_by=proven)


def _same(item: psa.CatalogItem, wanted: str) -> bool:
    return item.identifier.strip().casefold() == wanted.strip().casefold()


async def left_over(cw: Probed, announced: Sequence[ProbeRecord]) -> list[Finding]:
    """What probes announced and is not known to be gone: what of it stands is named."""
    standing = []
    for record in announced:
        number = record.external_id
        if number is None:
            number = await looked(partial(find, cw, record.kind, record.mark, record.data))
        if number is None:
            continue
        try:
            gone = await is_own(cw, record, number) is None
        except RemoteFailure as failure:
            gone = failure.kind is FailureKind.GONE
        if not gone:
            when = f"{record.announced_at:%Y-%m-%d %H:%M}"
            standing.append(f"{record.kind.words} {number} ({record.mark}, {record.actor}, {when})")
    if not standing:
        return []
    return [
        Finding(
            "probe_leftovers",
            AREA,
            Outcome.WARNING,
            f"A probe that did not end left behind: {'; '.join(standing)}.",
            "The process ended in the middle of it, or ConnectWise refused to delete.",
            "Ask for a probe again, which takes it away first, or delete it in ConnectWise.",
            "what probes announced, looked for one by one",
        )
    ]


async def demand(
    admin: AdminStore, tenant_id: int, scenarios: Collection[Scenario]
) -> list[Finding]:
    """Whether ConnectWise raises purchasing demand. No read tells (connectwise.md 3.3): a link that
    was read back proves it, and orders held for want of one deny it."""
    if not any(use.name == "link_demand" for one in scenarios for use in one.steps):
        return []
    name = "demand"
    held = await admin.orders(tenant_id, OrderFilter(code=Code.DEMAND_NOT_LINKED), None, 10)
    last = await admin.last_linked(tenant_id)
    proven = "links that were read back from ConnectWise"
    if held.items:
        names = ", ".join(row.name for row in held.items)
        return [
            Finding(
                name,
                AREA,
                Outcome.FAILED,
                f"Purchase orders of {names} did not link to the demand of their products.",
                "ConnectWise raises no demand from sales orders or tickets, or somebody used it.",
                "In Setup Tables, Procurement: let products of sales orders and tickets raise "
                "purchasing demand; then `demandlink orders explain` one of them.",
                proven,
            )
        ]
    if last is None:
        return [
            Finding(
                name,
                AREA,
                Outcome.UNPROVEN,
                "Nothing is linked yet, so it is not known whether ConnectWise raises demand.",
                fix=f"Watch the first order. {WRITES}",
                proven_by=proven,
            )
        ]
    number, at = last
    told = f"Demand of {number} was linked and read back on {at:%Y-%m-%d}."
    return [Finding(name, AREA, Outcome.OK, told, proven_by=proven)]
