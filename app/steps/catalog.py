"""Catalog items: found by identifier or part number, made when missing, never twice (A3).

Owns the find-or-create of SKUs under concurrency: the claims are taken before the look, and the
outcome is remembered before they are dropped, so that lagging reads cannot make a second one.
ConnectWise compares identifiers without regard to case, and so do claim and memory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from app.domain import psa
from app.domain.codes import Code
from app.domain.cuts import cut
from app.domain.errors import Hold
from app.domain.options import IDENTIFIER, alike, sku_key
from app.domain.part_numbers import PART_NUMBER, mapped
from app.domain.wanted import mapped_item_gone
from app.steps import announced
from app.steps.effects import Effects, Look, Outcome
from app.steps.identifiers import by_part, identifier, part_of, settle
from app.steps.resolve import optional, setting

DESCRIPTION = 60
KIND = "catalog_item"
# Longer than any claim of ours lives, shorter than a catalog item is likely to be remade.
KNOWN_SECONDS = 86400.0


async def ensure(fx: Effects, lines: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Catalog item id by product number for the wanted lines (keys: sku, title, price, cost,
    physical, serialized, mpn). One read for all unknown ones, one create for each missing one.
    Raises Hold(MAPPING_MISSING) where several items have a part number, or a mapped one is gone."""
    await announced.settle(fx, KIND, _look(fx))
    ids: dict[str, int] = {}
    unknown: dict[str, Mapping[str, Any]] = {}  # by key: numbers that differ only in case are one
    for line in lines:
        await _recall(fx, str(line["sku"]), ids)
        if sku_key(str(line["sku"])) not in ids:
            unknown.setdefault(sku_key(str(line["sku"])), line)
    # One order for everyone, so that two claimers cannot block a pair.
    claims = sorted({name for line in unknown.values() for name in _claims(fx, line)})
    for claim in claims:
        await fx.claim(KIND, claim, claim_seconds(fx))
    for line in list(unknown.values()):  # another order may have made it while we waited
        await _recall(fx, str(line["sku"]), ids)
    missing = [line for key, line in unknown.items() if key not in ids]
    items = await _read(fx, [str(line["sku"]) for line in missing])
    for line in missing:
        number = str(line["sku"])
        item = _among(fx, number, items) or await _made(fx, line)
        items.append(item)  # a further line may have the same part number
        ids[sku_key(number)] = item.id
        known = {"id": item.id, "identifier": item.identifier}
        await fx.remember(KIND, sku_key(identifier(fx, number)), known, KNOWN_SECONDS)
        settle(fx, number, item.identifier)
    for claim in claims:
        fx.drop_claim(KIND, claim)
    return {str(line["sku"]): ids[sku_key(str(line["sku"]))] for line in lines}


async def _recall(fx: Effects, number: str, ids: dict[str, int]) -> None:
    """Take what is remembered of a product, under the name that this order knows it by."""
    name = identifier(fx, number)
    remembered = await fx.recall(KIND, sku_key(name))
    if remembered is not None:
        ids[sku_key(number)] = int(remembered["id"])
        settle(fx, number, str(remembered.get("identifier", name)))


def _names(fx: Effects, number: str) -> tuple[str, str]:
    """What the item is called for this order, and what it should be called by now."""
    return identifier(fx, number), mapped(fx.view, number) or number[:IDENTIFIER]


def _claims(fx: Effects, line: Mapping[str, Any]) -> list[str]:
    """What nobody else may make meanwhile: an item of this name, and one of this part number."""
    number = str(line["sku"])
    part = part_of(fx.view, number)
    names = [sku_key(name) for name in (*_names(fx, number), number)]
    return [*names, _part_claim(part)] if part is not None else names


def _part_claim(part: str) -> str:
    return f"part number {part}"


async def _read(fx: Effects, numbers: Sequence[str]) -> list[psa.CatalogItem]:
    """All that could be the item of one of these products, in one read."""
    if not numbers:
        return []
    names = dict.fromkeys(name for number in numbers for name in _names(fx, number))
    parts = dict.fromkeys(part for number in numbers if (part := part_of(fx.view, number)))
    items = list(await fx.cw.catalog_items(list(names), list(parts)))
    for part in parts:  # what was made a moment ago may not show yet
        made = await fx.recall(KIND, _part_claim(part))
        if made is not None and all(item.id != made["id"] for item in items):
            items.append(psa.CatalogItem(made["id"], made["identifier"], part_number=part))
    return items


def _among(fx: Effects, number: str, items: Sequence[psa.CatalogItem]) -> psa.CatalogItem | None:
    """The item of a product among those that were read, None where it has to be made."""
    for name in _names(fx, number):
        for item in items:
            if alike(item.identifier, name):
                return item
    given = mapped(fx.view, number)
    if given is not None:
        raise Hold(Code.MAPPING_MISSING, mapped_item_gone(number, given))
    return by_part(fx, number, items)


def claim_seconds(fx: Effects) -> float:
    live = fx.view.live
    return live.call_timeout.total_seconds() * 2 + live.read_lag.total_seconds() * 3 + 30


async def _made(fx: Effects, line: Mapping[str, Any]) -> psa.CatalogItem:
    """A new item, under claims that last for its create however slow those before it were."""
    for claim in sorted(_claims(fx, line)):
        await fx.claim(KIND, claim, claim_seconds(fx))
    return await _create(fx, line)


async def _create(fx: Effects, line: Mapping[str, Any]) -> psa.CatalogItem:
    number = str(line["sku"])
    part = part_of(fx.view, number)
    new = psa.NewCatalogItem(
        identifier=number[:IDENTIFIER],
        description=cut(str(line["title"]), DESCRIPTION),
        customer_description=cut(str(line["title"]), 6000),
        product_class="Inventory" if line["physical"] else "Service",
        subcategory_id=(await setting(fx, "connectwise_product_subcategory")).id,
        type_id=(await setting(fx, "connectwise_product_type")).id,
        unit_of_measure_id=await optional(fx, "connectwise_unit_of_measure"),
        price=Decimal(str(line["price"])),
        cost=Decimal(str(line["cost"])),
        serialized=bool(line.get("serialized")),
        manufacturer_part_number=cut(str(line["mpn"]), PART_NUMBER) if line.get("mpn") else None,
    )

    async def send() -> Outcome:
        return {"id": await fx.cw.create_catalog_item(new), "identifier": new.identifier}

    evidence = {"identifier": new.identifier, "also": _part_claim(part) if part else ""}
    outcome = await fx.once(KIND, sku_key(number), evidence, send, _look(fx), shared=True)
    item = psa.CatalogItem(
        int(outcome["id"]),
        str(outcome.get("identifier", new.identifier)),
        part_number=part or "",
    )
    if part is not None:
        known = {"id": item.id, "identifier": item.identifier}
        await fx.remember(KIND, _part_claim(part), known, claim_seconds(fx))
    told = f"Catalog item {item.identifier} was made in ConnectWise."
    fx.journal("CATALOG_ITEM_CREATED", told, sku=item.identifier)
    return item


def _look(fx: Effects) -> Look:
    async def look(known: Outcome) -> Outcome | None:
        # It may be another order's announcement: of the same part under another product number.
        items = await fx.cw.catalog_items([str(known["identifier"])])
        return {"id": items[0].id, "identifier": items[0].identifier} if items else None

    return look


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
