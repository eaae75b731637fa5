"""Catalog items: found by identifier, made when missing, never twice (A3).

Owns the find-or-create of SKUs under concurrency: the claim is taken before the look, and the
outcome is remembered before the claim is dropped, so that lagging reads cannot make a second one.
ConnectWise compares identifiers without regard to case, and so do claim and memory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from app.domain import psa
from app.domain.codes import Code
from app.domain.errors import Hold
from app.domain.options import sku_key
from app.steps.effects import Effects, Outcome
from app.steps.resolve import optional, setting

DESCRIPTION = 60
PART_NUMBER = 50
# Longer than any claim of ours lives, shorter than a catalog item is likely to be remade.
KNOWN_SECONDS = 86400.0


async def ensure(fx: Effects, lines: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Catalog item id by identifier for the wanted lines (keys: sku, title, price, cost,
    physical, serialized, mpn). One read for all unknown ones, one create for each missing one."""
    known: dict[str, int] = {}  # by key: identifiers that differ only in case are one item
    unknown: dict[str, Mapping[str, Any]] = {}
    keys = {str(line["sku"]): sku_key(str(line["sku"])) for line in lines}
    for line in lines:
        key = keys[str(line["sku"])]
        remembered = await fx.recall("catalog_item", key)
        if remembered is not None:
            known[key] = int(remembered["id"])
        else:
            unknown.setdefault(key, line)
    for key in sorted(unknown):  # one order for everyone, so that two claimers cannot block a pair
        await fx.claim("catalog_item", key, claim_seconds(fx))
    for key in list(unknown):  # another order may have made it while we waited for the claim
        remembered = await fx.recall("catalog_item", key)
        if remembered is not None:
            known[key] = int(remembered["id"])
            unknown.pop(key)
            fx.drop_claim("catalog_item", key)
    if unknown:
        items = await fx.cw.catalog_items([str(line["sku"]) for line in unknown.values()])
        found = {sku_key(item.identifier): item.id for item in items}
        for key, line in unknown.items():
            known[key] = found[key] if key in found else await _create(fx, key, line)
            await fx.remember("catalog_item", key, {"id": known[key]}, KNOWN_SECONDS)
            fx.drop_claim("catalog_item", key)
    return {sku: known[key] for sku, key in keys.items()}


def claim_seconds(fx: Effects) -> float:
    live = fx.view.live
    return live.call_timeout.total_seconds() * 2 + live.read_lag.total_seconds() * 3 + 30


async def _create(fx: Effects, key: str, line: Mapping[str, Any]) -> int:
    sku = str(line["sku"])
    kind = "Inventory" if line["physical"] else "Service"
    new = psa.NewCatalogItem(
        identifier=sku,
        description=str(line["title"])[:DESCRIPTION],
        customer_description=str(line["title"])[:6000],
        product_class=kind,
        subcategory_id=(await setting(fx, "connectwise_product_subcategory")).id,
        type_id=(await setting(fx, "connectwise_product_type")).id,
        unit_of_measure_id=await optional(fx, "connectwise_unit_of_measure"),
        price=Decimal(str(line["price"])),
        cost=Decimal(str(line["cost"])),
        serialized=bool(line.get("serialized")),
        manufacturer_part_number=(str(line["mpn"])[:PART_NUMBER] if line.get("mpn") else None),
    )

    async def send() -> Outcome:
        return {"id": await fx.cw.create_catalog_item(new)}

    async def look(known: Outcome) -> Outcome | None:
        items = await fx.cw.catalog_items([sku])
        return {"id": items[0].id} if items else None

    outcome = await fx.once("catalog_item", key, {"identifier": sku}, send, look, shared=True)
    fx.journal("CATALOG_ITEM_CREATED", f"Catalog item {sku} was made in ConnectWise.", sku=sku)
    return int(outcome["id"])


async def existing(fx: Effects, setting_name: str) -> int:
    """The catalog item that a setting names (freight, surcharge, coupon); never created.
    Raises Hold(SETTING_MISSING)."""
    sku = fx.view.names.get(setting_name, "")
    if not sku:
        raise Hold(
            Code.SETTING_MISSING,
            f"{fx.view.row.name} needs {setting_name.upper()}, which is not set.",
        )
    remembered = await fx.recall("catalog_item", sku_key(sku))
    if remembered is not None:
        return int(remembered["id"])
    items = await fx.cw.catalog_items([sku])
    if not items:
        raise Hold(
            Code.SETTING_MISSING,
            f"{setting_name.upper()} names {sku!r}, which is no catalog item in ConnectWise.",
        )
    await fx.remember("catalog_item", sku_key(sku), {"id": items[0].id}, KNOWN_SECONDS)
    return items[0].id
