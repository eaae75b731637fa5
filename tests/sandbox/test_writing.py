from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.desk import Desk

CATALOG = "/procurement/catalog"
ITEM: dict[str, Any] = {
    "identifier": "SKU-1",
    "description": "A thing",
    "customerDescription": "A thing for you",
    "type": {"name": "Hardware"},
    "subcategory": {"name": "Hardware"},
}


def test_a_new_record_gets_defaults_and_stamps(desk: Desk) -> None:
    item = desk.post(CATALOG, ITEM)
    assert item["productClass"] == "NonInventory"
    assert item["unitOfMeasure"]["name"] == "Each"
    assert item["category"]["name"] == "Products"
    assert item["_info"]["lastUpdated"] == "2026-11-19T10:00:00Z"
    assert item["_info"]["updatedBy"] == "integration"
    desk.pass_time(90)
    changed = desk.patch(f"{CATALOG}/{item['id']}", price="12.50")
    assert changed["price"] == 12.5
    assert changed["_info"]["lastUpdated"] == "2026-11-19T10:01:30Z"


def test_every_missing_required_field_is_named(desk: Desk) -> None:
    answer = desk.refused("POST", CATALOG, {"identifier": ""})
    assert answer.json["code"] == "InvalidObject"
    assert answer.json["message"] == "catalogItem object is invalid"
    assert {code for code, _ in answer.codes} == {"MissingRequiredField"}
    fields = {field for _, field in answer.codes}
    assert fields == {"identifier", "description", "customerDescription", "type", "subcategory"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("description", "x" * 61),
        ("identifier", "x" * 76),
        ("price", "dear"),
        ("price", True),
        ("serializedFlag", "maybe"),
        ("productClass", "Gadget"),
        ("minStockLevel", 1.5),
        ("vendor", {"id": 999}),
        ("vendor", {"identifier": "NOBODY"}),
        ("vendor", 252),
        ("customFields", {"id": 1}),
        ("description", {"text": 1}),
    ],
)
def test_a_value_that_does_not_fit_its_field_is_refused(desk: Desk, field: str, value: Any) -> None:
    answer = desk.refused("POST", CATALOG, ITEM | {field: value})
    assert answer.codes == [("InvalidField", field)]


def test_references_are_found_by_id_identifier_or_name_and_unknown_fields_ignored(
    desk: Desk,
) -> None:
    given = {
        "vendor": {"identifier": "INGRAM"},
        "manufacturer": {"id": 0, "name": "Dell"},
        "type": {"id": 30},
        "nonsense": 1,
        "connectWiseID": "mine",
    }
    item = desk.post(CATALOG, ITEM | given)
    assert item["vendor"]["id"] == 252
    assert item["manufacturer"]["name"] == "Dell"
    assert "nonsense" not in item
    assert item["connectWiseID"] != "mine"
    assert desk.log()[-1]["body"]["nonsense"] == 1


def test_a_catalog_identifier_is_unique_while_the_switch_says_so(desk: Desk) -> None:
    desk.post(CATALOG, ITEM)
    answer = desk.refused("POST", CATALOG, ITEM | {"identifier": "sku-1"})
    assert answer.codes == [("ObjectExists", "identifier")]
    desk.switch(enforce_unique_identifier=False)
    desk.post(CATALOG, ITEM)
    assert len(desk.get(CATALOG, conditions='identifier="SKU-1"')) == 2


def test_put_replaces_and_clears_what_it_leaves_out(desk: Desk) -> None:
    item = desk.post(CATALOG, ITEM | {"notes": "keep?", "price": 5, "serializedFlag": True})
    answer = desk.send("PUT", f"{CATALOG}/{item['id']}", ITEM | {"price": 7})
    assert answer.status == 200
    assert answer.json["price"] == 7
    assert "notes" not in answer.json
    assert "unitOfMeasure" not in answer.json
    assert answer.json["serializedFlag"] is False
    assert answer.json["connectWiseID"] == item["connectWiseID"]
    assert desk.send("PUT", f"{CATALOG}/{item['id']}", {"price": 7}).status == 400


def test_fields_required_on_updates_are_enforced(desk: Desk) -> None:
    opportunity = desk.get("/sales/opportunities/88")
    body = {name: opportunity[name] for name in ("name", "company", "contact", "primarySalesRep")}
    answer = desk.refused("PUT", "/sales/opportunities/88", body)
    fields = {field for _, field in answer.codes}
    assert fields == {"expectedCloseDate", "locationId", "businessUnitId"}
    assert desk.send("PUT", "/sales/opportunities/88", opportunity).status == 200


def test_patch_takes_a_list_of_operations_on_whole_fields(desk: Desk) -> None:
    path = "/company/companies/250"
    operations = [
        {"op": "replace", "path": "/phoneNumber", "value": "555 0100"},
        {"op": "add", "path": "status", "value": {"name": "Inactive"}},
        {"op": "remove", "path": "city"},
    ]
    answer = desk.send("PATCH", path, operations)
    assert answer.status == 200
    assert answer.json["phoneNumber"] == "555 0100"
    assert answer.json["status"]["name"] == "Inactive"
    assert "city" not in answer.json


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        ["status"],
        [{"op": "replace", "value": 1}],
        [{"op": "move", "path": "name", "value": 1}],
        [{"op": "replace", "path": "Name", "value": "x"}],
        [{"op": "replace", "path": "nonsense", "value": "x"}],
        [{"op": "remove", "path": "name"}],
        [{"op": "replace", "path": "name", "value": "x" * 51}],
    ],
)
def test_a_patch_that_is_none_is_refused_and_changes_nothing(desk: Desk, body: Any) -> None:
    path = "/company/companies/250"
    before = desk.get(path)
    desk.refused("PATCH", path, body)
    assert desk.get(path) == before


def test_a_patch_below_a_reference_is_a_false_success(desk: Desk) -> None:
    answer = desk.try_patch("/sales/opportunities/88", **{"status/id": 2})
    assert answer.status == 200
    assert answer.json["status"]["name"] == "Open"
    assert desk.get("/sales/opportunities/88")["status"]["name"] == "Open"


def test_an_element_of_a_list_can_be_patched_by_position_but_not_a_custom_field(
    desk: Desk,
) -> None:
    path = "/company/contacts/1310"
    changed = desk.patch(path, **{"/communicationItems/0/value": "dana@contoso.example"})
    assert changed["communicationItems"][0]["value"] == "dana@contoso.example"
    desk.patch(path, customFields=[{"id": 1, "caption": "A", "value": "1"}])
    assert desk.patch(path, **{"customFields/0/value": "2"})["customFields"][0]["value"] == "1"


def test_what_the_system_keeps_itself_cannot_be_written(desk: Desk) -> None:
    changed = desk.patch("/company/companies/250", id=7, deletedFlag=True, _info={})
    assert changed["id"] == 250
    assert changed["deletedFlag"] is False


def test_a_refused_write_leaves_nothing_behind(desk: Desk) -> None:
    before = desk.get("/procurement/products/count")
    purchase = {"vendor": {"identifier": "INGRAM"}, "products": []}
    desk.refused("POST", "/procurement/purchasingDemands", purchase)
    desk.refused("POST", "/procurement/products", {"billableOption": "Billable"})
    assert desk.get("/procurement/products/count") == before
    assert desk.get("/procurement/purchaseorders") == []


def test_a_list_keeps_one_default(desk: Desk) -> None:
    desk.patch("/procurement/purchaseorderstatuses/2", defaultFlag=True)
    found = desk.get("/procurement/purchaseorderstatuses", conditions="defaultFlag=True")
    assert [status["name"] for status in found] == ["Sent to Vendor"]


def test_a_company_or_catalog_item_in_use_cannot_be_deleted(desk: Desk) -> None:
    desk.refused("DELETE", "/company/companies/250", None)
    desk.refused("DELETE", f"{CATALOG}/9001", None)
    item = desk.post(CATALOG, ITEM)
    assert desk.send("DELETE", f"{CATALOG}/{item['id']}").status == 204
    desk.refused("GET", f"{CATALOG}/{item['id']}", None, 404)
