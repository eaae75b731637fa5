"""Companies, contacts, members, catalog items, callback registrations and set-up lists."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from sandbox.connectwise.model.errors import exists, invalid_object, refused
from sandbox.connectwise.model.rules.base import Extras, Rules
from sandbox.connectwise.model.rules.containers import BUNDLE
from sandbox.connectwise.model.rules.items import roll_up
from sandbox.connectwise.model.store import Row, View
from sandbox.connectwise.model.world import World

CALLBACK_LEVELS: dict[str, dict[str, str]] = {
    # type: level -> the field of the record that objectId is compared with; empty where records
    # here have none, so that a registration is taken and hears nothing
    "activity": {"status": "status", "type": "type", "company": "company", "activity": "id"},
    "agreement": {"type": "type", "company": "company", "agreement": "id"},
    "company": {
        "status": "status",
        "type": "types",
        "territory": "territory",
        "company": "id",
        "integratortag": "",
    },
    "configuration": {"type": "type", "status": "status", "configuration": "id"},
    "contact": {"type": "types", "territory": "", "company": "company", "contact": "id"},
    "expense": {"chargetotype": "", "type": "", "class": "", "company": "", "expense": "id"},
    "invoice": {"status": "status", "company": "company", "invoice": "id"},
    "member": {"location": "defaultLocation", "securityrole": "securityRole", "member": "id"},
    "opportunity": {"statusid": "status", "company": "company", "opportunity": "id"},
    "productcatalog": {},
    "project": {"status": "status", "board": "board", "project": "id"},
    "purchaseorder": {
        "status": "status",
        "vendor": "vendorCompany",
        "company": "customerCompany",
        "purchaseorder": "id",
    },
    "schedule": {"status": "", "type": "", "location": "", "member": "", "schedule": "id"},
    "ticket": {
        "board": "board",
        "project": "project",
        "phase": "",
        "status": "status",
        "ticket": "id",
        "integratortag": "",
    },
    "time": {"company": "company", "time": "id"},
}
"""Every type also has the level owner, which hears of all records."""


def _unique(world: World, table: str, name: str, field: str, row: Row) -> None:
    for other in world.find(table, field, row.get(field)):
        if other["id"] != row.get("id"):
            raise invalid_object(
                name, exists(name, field, f"A {name} with this {field} already exists")
            )


def save_company(world: World, old: Row | None, new: Row, extras: Extras) -> None:
    _unique(world, "company", "company", "identifier", new)


def saved_company(world: World, old: Row | None, new: Row, extras: Extras) -> None:
    if new.get("site") is not None:
        return
    address = {
        name: new[name] for name in ("addressLine1", "addressLine2", "city", "zip") if new.get(name)
    }
    flags = dict.fromkeys(
        ("primaryAddressFlag", "defaultShippingFlag", "defaultBillingFlag", "defaultMailingFlag"),
        True,
    )
    site = world.insert(
        "site", {"company": new["id"], "name": "Main", "inactiveFlag": False} | flags | address
    )
    world.change("company", new["id"], site=site["id"])


def delete_company(world: World, row: Row) -> None:
    for table, field in (("opportunity", "company"), ("order", "company"), ("ticket", "company")):
        if world.find(table, field, row["id"]):
            raise refused("company", "id", "The company is in use and cannot be deleted")


def save_contact(world: World, old: Row | None, new: Row, extras: Extras) -> None:
    if not new.get("firstName"):
        raise refused("contact", "firstName", "The firstName field is required.")
    names = (new.get("firstName"), new.get("lastName"))
    new["fullName"] = " ".join(name for name in names if name)
    if new.get("company") is not None and new.get("site") is None:
        company = world.get("company", new["company"]) or {}
        new["site"] = company.get("site")
    for number, item in enumerate(new.get("communicationItems") or (), start=1):
        item.setdefault("id", number)
        value = str(item.get("value") or "")
        if "communicationType" not in item:
            item["communicationType"] = "Email" if "@" in value else "Phone"
        if "@" in value:
            item.setdefault("domain", value[value.index("@") :])


def saved_contact(world: World, old: Row | None, new: Row, extras: Extras) -> None:
    company = world.get("company", new.get("company"))
    if company is None:
        return
    if new.get("defaultFlag") or company.get("defaultContact") is None:
        world.change("company", company["id"], defaultContact=new["id"])


def save_member(world: World, old: Row | None, new: Row, extras: Extras) -> None:
    _unique(world, "member", "member", "identifier", new)
    new["fullName"] = f"{new.get('firstName')} {new.get('lastName')}"


def show_member(world: World, view: View, row: Row) -> Mapping[str, Any]:
    chosen = {"Office": "officeEmail", "Mobile": "mobileEmail", "Home": "homeEmail"}
    return {"primaryEmail": row.get(chosen.get(row.get("defaultEmail") or "", ""))}


def save_catalog(world: World, old: Row | None, new: Row, extras: Extras) -> None:
    if world.switches.enforce_unique_identifier:
        _unique(world, "catalog", "catalogItem", "identifier", new)
    if old is None:
        new["connectWiseID"] = world.new_guid()
    if new.get("category") is None:
        subcategory = world.get("subcategory", new.get("subcategory")) or {}
        new["category"] = subcategory.get("category")


def saved_catalog(world: World, old: Row | None, new: Row, extras: Extras) -> None:
    if new.get("productClass") == BUNDLE and old is not None:
        roll_up(world, new["id"])


def delete_catalog(world: World, row: Row) -> None:
    for table, field in USES_OF_ITEM:
        if world.find(table, field, row["id"]):
            raise refused("catalogItem", "id", "The catalog item is in use and cannot be deleted")
    for component in world.find("catalogComponent", "parentCatalogItem", row["id"]):
        world.delete("catalogComponent", component["id"])
    for stock in world.find("minimumStock", "catalogItem", row["id"]):
        world.delete("minimumStock", stock["id"])


USES_OF_ITEM = (
    ("product", "catalogItem"),
    ("line", "product"),
    ("catalogComponent", "catalogItem"),
)


def save_probability(world: World, old: Row | None, new: Row, extras: Extras) -> None:
    new["label"] = str(new.get("probability"))


def save_default(table: str) -> Rules:
    """A list with one default: marking a record default takes the mark from the others."""

    def saved(world: World, old: Row | None, new: Row, extras: Extras) -> None:
        if new.get("defaultFlag"):
            for other in list(world.store.rows(table)):
                if other["id"] != new["id"] and other.get("defaultFlag"):
                    world.change(table, other["id"], defaultFlag=False)

    return Rules(after_save=saved)


def save_callback(world: World, old: Row | None, new: Row, extras: Extras) -> None:
    name = "callbackEntry"
    kind, level = str(new.get("type")).lower(), str(new.get("level")).lower()
    levels = CALLBACK_LEVELS.get(kind)
    if levels is None or (level != "owner" and level not in levels):
        raise refused(
            name,
            "level",
            "Unrecognized level for type, see documentation for supported levels for each type",
        )
    url = urlsplit(str(new.get("url")))
    if url.scheme not in {"http", "https"} or not url.hostname:
        raise refused(name, "url", "Invalid URL")
    new["type"], new["level"] = kind, level
    if level == "owner":
        if new.get("objectId") not in (0, 1):
            raise refused(name, "objectId", "objectId must be 1 for the level owner")
        new["objectId"] = 1
    for other in world.store.rows("callback"):
        same = all(other.get(key) == new.get(key) for key in ("url", "type", "level", "objectId"))
        if same and other["id"] != new.get("id"):
            raise invalid_object(
                name, exists(name, "objectId", "A matching callback entry already exists")
            )
    if old is None:
        owner = world.find("member", "identifier", world.member)
        new["memberId"] = owner[0]["id"] if owner else None
        new["connectWiseID"] = world.new_guid()


def show_bin(world: World, view: View, row: Row) -> Mapping[str, Any]:
    held = view.find("inventory", "warehouseBin", (row["id"],))
    return {"quantityOnHand": sum(int(each["onHand"]) for each in held)}


def show_inventory(world: World, view: View, row: Row) -> Mapping[str, Any]:
    serials = [
        {"id": serial["id"], "serialNumber": serial["serial"]}
        for serial in view.find("serial", "catalogItem", (row["catalogItem"],))
        if serial["warehouse"] == row["warehouse"] and serial["warehouseBin"] == row["warehouseBin"]
    ]
    return {"serialNumbers": serials}


def save_procurement_settings(world: World, old: Row | None, new: Row, extras: Extras) -> None:
    """Three of these settings are the simulator's own switches, seen from the vendor's side."""
    switched: dict[str, Any] = {}
    for field, switch, inverted in SETTING_SWITCHES:
        if extras.get(field) is not None:
            switched[switch] = bool(extras[field]) is not inverted
    if switched:
        world.switches = world.switches.merged(switched)


SETTING_SWITCHES = (
    ("autoClosePurchaseOrderFlag", "auto_close_order", False),
    ("autoClosePurchaseOrderItemFlag", "auto_close_line", False),
    ("disableAutoPickFlag", "auto_pick", True),
)


def show_procurement_settings(world: World, view: View, row: Row) -> Mapping[str, Any]:
    return {
        field: getattr(world.switches, switch) is not inverted
        for field, switch, inverted in SETTING_SWITCHES
    }


RULES: dict[str, Rules] = {
    "company": Rules(save_company, saved_company, before_delete=delete_company),
    "contact": Rules(save_contact, saved_contact),
    "member": Rules(save_member, computed=show_member),
    "catalog": Rules(save_catalog, saved_catalog, before_delete=delete_catalog),
    "probability": Rules(save_probability),
    "callback": Rules(save_callback),
    "bin": Rules(computed=show_bin),
    "inventory": Rules(computed=show_inventory),
    "catalogInventory": Rules(computed=show_inventory),
    "procurementSetting": Rules(save_procurement_settings, computed=show_procurement_settings),
} | {
    table: save_default(table)
    for table in (
        "companyStatus",
        "opportunityStatus",
        "orderStatus",
        "billingStatus",
        "billingTerm",
        "unitOfMeasure",
        "productType",
        "category",
        "taxCode",
        "projectStatus",
    )
}
