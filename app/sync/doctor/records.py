"""The doctor's look at what people have named: optional records, boards, mappings, and who calls.

What is empty here is in order; what is set has to name something that is there.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import Any

from app.domain import psa
from app.domain.admin_store import AdminStore
from app.domain.checkup import Finding, Outcome
from app.domain.codes import Code
from app.domain.probing import Probed, Seat
from app.domain.scenario import Scenario
from app.domain.views import MappingRow, OrderFilter
from app.settings import Settings
from app.steps.resolve import KINDS, pick
from app.sync import registration
from app.sync.doctor import meaning
from app.sync.doctor.asking import asked

AREA = "connectwise"
MOST_MAPPINGS = 40  # calls for them, at most
MEMBERS = "GET /system/members"
# By step: settings that may be empty, and name a record where they are not.
MAY_NAME: Mapping[str, tuple[str, ...]] = {
    "create_sales_order": (
        "connectwise_opportunity_type",
        "connectwise_location",
        "connectwise_business_unit",
    ),
    "sync_purchase_order": (
        "connectwise_location",
        "connectwise_business_unit",
        "connectwise_purchase_order_status_cancelled",
    ),
    "create_products": ("connectwise_open_status", "connectwise_opportunity_type"),
    "release_invoice": ("connectwise_invoice_status",),
}


async def optional(
    cw: Probed, scenarios: Sequence[Scenario], values: Mapping[str, Any]
) -> list[Finding]:
    """The records that are named although nothing has to be, and the lost status where it is used."""
    steps = {use.name for scenario in scenarios for use in scenario.steps}
    named = [
        name
        for name in dict.fromkeys(
            one for step in MAY_NAME if step in steps for one in MAY_NAME[step]
        )
        if values.get(name)
    ]
    if str(values.get("lost_on_decline")) == "true":
        named.append("connectwise_lost_status")
    lists: dict[psa.Setup, list[psa.SetupRecord]] = {}
    return [await _one(cw, name, values, lists) for name in named]


async def _one(
    cw: Probed,
    name: str,
    values: Mapping[str, Any],
    lists: dict[psa.Setup, list[psa.SetupRecord]],
) -> Finding:
    kind, setting = KINDS[name], name.upper()
    what = kind.value.replace("_", " ")
    if kind not in lists:
        answer = await asked(name, AREA, f"the list of each {what}", lambda: cw.set_up(kind))
        if isinstance(answer, Finding):
            return answer
        lists[kind] = [record for record in answer[0] if not record.inactive]
    return _named(setting, what, lists[kind], pick(lists[kind], name, str(values.get(name) or "")))


async def bin_of_warehouse(cw: Probed, values: Mapping[str, Any]) -> list[Finding]:
    """Goods are shipped from a bin of the warehouse: one of another holds nothing of ours."""
    name, proven = "connectwise_warehouse_bin", "the bins of the warehouse"
    answer = await asked(name, AREA, proven, lambda: cw.set_up(psa.Setup.WAREHOUSE))
    bins = await asked(name, AREA, proven, lambda: cw.set_up(psa.Setup.WAREHOUSE_BIN))
    if isinstance(answer, Finding) or isinstance(bins, Finding):
        return []  # told where the records themselves are looked at
    house = pick(
        [one for one in answer[0] if not one.inactive],
        "connectwise_warehouse",
        str(values.get("connectwise_warehouse") or ""),
    )
    wanted = str(values.get(name) or "")
    active = [one for one in bins[0] if not one.inactive]
    chosen = pick(active, name, wanted)
    if house is None or chosen is None or chosen.parent in (None, house.id):
        return []
    inside = [one for one in active if one.parent in (None, house.id)]
    if pick(inside, name, wanted) is not None:
        return []
    have = ", ".join(sorted(one.name for one in inside)) or "none"
    return [
        Finding(
            "warehouse_bin_place",
            AREA,
            Outcome.FAILED,
            f"CONNECTWISE_WAREHOUSE_BIN {chosen.name!r} is no bin of the warehouse {house.name!r}.",
            "Shipped goods are held with SETTING_MISSING.",
            f"Set it to one of: {have}.",
            proven,
        )
    ]


async def boards(cw: Probed, steps: Collection[str], values: Mapping[str, Any]) -> list[Finding]:
    """The statuses that a new and a ready ticket get, and the boards that may be chosen from (E6)."""
    if "raise_ticket" not in steps:
        return []
    answer = await asked(
        "ticket_boards", AREA, "GET /service/boards", lambda: cw.set_up(psa.Setup.BOARD)
    )
    if isinstance(answer, Finding):
        return []  # told as CONNECTWISE_BOARD
    active = [one for one in answer[0] if not one.inactive]
    found = []
    for wanted in _parts(values, "connectwise_ticket_boards"):
        chosen = pick(active, "connectwise_board", wanted)
        found.append(_named("CONNECTWISE_TICKET_BOARDS", "board", active, chosen, wanted))
    board = pick(active, "connectwise_board", str(values.get("connectwise_board") or ""))
    settings = [
        name
        for name in ("connectwise_ticket_status", "connectwise_ticket_status_ready")
        if values.get(name)
    ]
    if board is None or not settings:
        return found
    number = board.id
    listed = await asked(
        settings[0], AREA, "the board's statuses", lambda: cw.ticket_statuses(number)
    )
    if isinstance(listed, Finding):
        return [*found, listed]
    for name in settings:
        wanted = str(values[name])
        status = pick(list(listed[0]), name, wanted)
        found.append(_named(name.upper(), f"status of {board.name}", listed[0], status, wanted))
    return found + meaning.same(
        values, "connectwise_ticket_status", "connectwise_ticket_status_ready"
    )


def _parts(values: Mapping[str, Any], name: str) -> list[str]:
    return [part.strip() for part in str(values.get(name) or "").split(",") if part.strip()]


def _named(
    setting: str,
    what: str,
    records: Sequence[psa.SetupRecord],
    found: psa.SetupRecord | None,
    wanted: str | None = None,
) -> Finding:
    name, proven = setting.lower(), f"the list of each {what}"
    if found is not None:
        told = f"{setting} is {found.name!r}."
        wrong = meaning.meant(name, found, proven)
        return wrong or Finding(name, AREA, Outcome.OK, told, proven_by=proven)
    have = ", ".join(sorted(record.name for record in records)) or "none"
    said = f" ({wanted!r})" if wanted else ""
    return Finding(
        name,
        AREA,
        Outcome.FAILED,
        f"{setting} names no active {what}{said}.",
        "Orders that need it are held with SETTING_MISSING.",
        f"Set it to one of: {have}; or leave it empty, if it may be.",
        proven,
    )


async def mappings(admin: AdminStore, tenant_id: int, cw: Probed) -> list[Finding]:
    """Whether what is mapped is there, and which orders wait for a mapping (D-10)."""
    companies: list[MappingRow] = []
    more = False
    for kind in ("company", "vendor"):
        page = await admin.mapping_page(tenant_id, kind, None, None, MOST_MAPPINGS)
        companies += page.items
        more = more or page.next is not None
    companies.sort(key=lambda row: -row.id)
    more = more or len(companies) > MOST_MAPPINGS
    wrong: list[str] = []
    for row in companies[:MOST_MAPPINGS]:
        proven = "each mapped company"
        answer = await asked("mappings", AREA, proven, partial(_there, cw, row))
        if isinstance(answer, Finding):
            return [answer]
        if not answer[0]:
            wrong.append(f"{row.kind} {row.commerce_key} → {row.connectwise_key}")
    held = await admin.orders(tenant_id, OrderFilter(code=Code.MAPPING_MISSING), None, 10)
    found = []
    if wrong:
        found.append(
            Finding(
                "mappings",
                AREA,
                Outcome.FAILED,
                f"Mapped to what is not in ConnectWise: {'; '.join(wrong)}.",
                "Somebody deleted the company or changed its identifier; its orders are held with "
                "MAPPING_MISSING.",
                "Correct them: `demandlink mappings set`.",
                "each mapped company",
            )
        )
    elif companies:
        newest = f"newest {MOST_MAPPINGS} " if more else ""
        told = f"The {newest}mapped companies and vendors are in ConnectWise."
        found.append(Finding("mappings", AREA, Outcome.OK, told, proven_by="each mapped company"))
    if held.items:
        names = ", ".join(row.name for row in held.items)
        found.append(
            Finding(
                "mappings_missing",
                AREA,
                Outcome.WARNING,
                f"Orders wait for a mapping: {names}.",
                "A customer, supplier, contact or owner has no counterpart in ConnectWise.",
                "Each order's page says which one to add; adding it resumes all that wait for it.",
                "the orders held with MAPPING_MISSING",
            )
        )
    return found


async def _there(cw: Probed, row: MappingRow) -> bool:
    key = row.connectwise_key.strip()
    if key.isdecimal() and await cw.company_by_id(int(key)) is not None:
        return True
    return await cw.company(key) is not None


async def seat(settings: Settings, cw: Probed) -> list[Finding]:
    """G1: the API member's location and business unit are not blank, or what it makes has neither."""
    name = "api_member"
    answer = await asked(name, AREA, MEMBERS, cw.seats)
    if isinstance(answer, Finding):
        return [answer]
    token = settings.connectwise_callback_token.get_secret_value()
    owners: list[int] = []
    if settings.public_url and token:
        url = registration.address(settings.public_url, token)
        listed = await asked(name, AREA, "GET /system/callbacks", lambda: cw.callback_owners(url))
        owners = [] if isinstance(listed, Finding) else listed[0]
    members = [one for one in answer[0] if one.api]
    own = [one for one in answer[0] if one.id in owners]
    if not own and len(members) == 1:
        own = members
    return [_seated(own, members)]


def _seated(own: Sequence[Seat], members: Sequence[Seat]) -> Finding:
    name = "api_member"
    blank = [one for one in own or members if not (one.location and one.business_unit)]
    fix = "Set Default Location and Default Department (business unit) of the API member."
    if own and not blank:
        one = own[0]
        told = f"{one.identifier} is at {one.location}, {one.business_unit}."
        return Finding(name, AREA, Outcome.OK, told, proven_by=MEMBERS)
    if own:
        one = blank[0]
        what = " and ".join(
            word
            for word, has in (("location", one.location), ("business unit", one.business_unit))
            if not has
        )
        return Finding(
            name,
            AREA,
            Outcome.FAILED,
            f"The API member {one.identifier} has no {what}.",
            "ConnectWise gives what it makes those of its member, and refuses records without them.",
            fix,
            MEMBERS,
        )
    if not blank and members:
        told = "Every API member has a location and a business unit."
        return Finding(name, AREA, Outcome.OK, told, proven_by=MEMBERS)
    names = ", ".join(one.identifier for one in blank) or "none is listed"
    told = f"Which API member the keys belong to is not told; without a location or unit: {names}."
    return Finding(name, AREA, Outcome.UNPROVEN, told, fix=fix, proven_by=MEMBERS)
