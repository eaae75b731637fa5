"""Bundles as products: their components, the sums over them, and what becomes of them when sold."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.desk import Desk

HARDWARE = {"type": {"name": "Hardware"}, "subcategory": {"name": "Hardware"}}


def catalog_item(desk: Desk, identifier: str, **more: Any) -> Any:
    named = {"identifier": identifier, "description": identifier, "customerDescription": identifier}
    return desk.post("/procurement/catalog", named | HARDWARE | more)


def desk_set(desk: Desk, **more: Any) -> Any:
    """A catalog bundle of one stand (20, costs 12) and two arms (30, cost 18, each)."""
    catalog_item(desk, "STAND", productClass="Inventory", price=20, cost=12)
    catalog_item(desk, "ARM", productClass="Inventory", price=30, cost=18)
    bundle = catalog_item(desk, "DESK-SET", productClass="Bundle", calculatedPriceFlag=True, **more)
    path = f"/procurement/catalog/{bundle['id']}/components"
    desk.post(path, {"quantity": 1, "catalogItem": {"identifier": "STAND"}})
    desk.post(path, {"quantity": 2, "catalogItem": {"identifier": "ARM"}, "hidePriceFlag": True})
    return desk.get(f"/procurement/catalog/{bundle['id']}")


def sold_set(desk: Desk, quantity: int = 1, **parent: Any) -> Any:
    return desk.post(
        "/procurement/products",
        {
            "catalogItem": {"identifier": "DESK-SET"},
            "billableOption": "Billable",
            "quantity": quantity,
            "addComponentsFlag": True,
        }
        | (parent or {"opportunity": {"id": 88}}),
    )


def components(desk: Desk, product: int) -> dict[str, Any]:
    found = desk.get(f"/procurement/products/{product}/components")
    return {each["catalogItem"]["identifier"]: each for each in found}


def part(desk: Desk, component: Any) -> Any:
    return desk.get(f"/procurement/products/{component['productItem']['id']}")


@pytest.fixture
def bundled(watched: Desk) -> Desk:
    desk_set(watched)
    return watched


# --- the catalog


def test_a_catalog_bundle_sums_up_its_components(watched: Desk) -> None:
    bundle = desk_set(watched, cost=1)
    assert (bundle["calculatedPrice"], bundle["price"]) == (80, 80)
    assert (bundle["calculatedCost"], bundle["cost"]) == (48, 1)  # only the price's flag is set
    path = f"/procurement/catalog/{bundle['id']}/components"
    stand, arms = watched.get(path)
    assert (stand["sequenceNumber"], arms["sequenceNumber"]) == (1, 2)
    assert arms["parentCatalogItem"]["identifier"] == "DESK-SET"
    watched.patch(f"{path}/{arms['id']}", quantity=3)
    assert watched.get(f"/procurement/catalog/{bundle['id']}")["price"] == 110
    assert watched.send("DELETE", f"{path}/{arms['id']}").status == 204
    changed = watched.patch(f"/procurement/catalog/{bundle['id']}", calculatedCostFlag=True)
    assert (changed["price"], changed["cost"]) == (20, 12)
    assert watched.get(f"{path}/count") == {"count": 1}
    assert watched.get(f"{path}/{stand['id']}")["price"] == 20


def test_only_a_bundle_has_components_and_no_bundle_holds_another(bundled: Desk) -> None:
    stand = bundled.one("/procurement/catalog", 'identifier="STAND"')
    bundle = bundled.one("/procurement/catalog", 'identifier="DESK-SET"')
    body = {"quantity": 1, "catalogItem": {"identifier": "ARM"}}
    bundled.refused("POST", f"/procurement/catalog/{stand['id']}/components", body)
    path = f"/procurement/catalog/{bundle['id']}/components"
    bundled.refused("POST", path, {"quantity": 1, "catalogItem": {"identifier": "DESK-SET"}})
    bundled.refused("POST", path, {"quantity": 0, "catalogItem": {"identifier": "ARM"}})
    bundled.refused("DELETE", f"/procurement/catalog/{stand['id']}", None)
    product = bundled.plain_product("CABLE", order=bundled.convert()["id"])
    bundled.refused("POST", f"/procurement/products/{product['id']}/components", body)


# --- on a product


def test_a_product_takes_its_items_components_when_asked(bundled: Desk) -> None:
    product = sold_set(bundled, 2)
    found = components(bundled, product["id"])
    assert sorted(found) == ["ARM", "STAND"]
    assert (found["ARM"]["quantity"], found["ARM"]["hidePriceFlag"]) == (2, True)
    arm = part(bundled, found["ARM"])
    assert (arm["quantity"], arm["price"], arm["company"]["identifier"]) == (4, 30, "Contoso")
    assert (product["price"], product["extPrice"]) == (80, 160)
    line = f"/sales/opportunities/88/forecast/{product['forecastDetailId']}"
    assert bundled.get(line)["revenue"] == 160
    bare = bundled.post(
        "/procurement/products",
        {"catalogItem": {"identifier": "DESK-SET"}, "billableOption": "Billable"},
    )
    assert components(bundled, bare["id"]) == {}


def test_the_components_products_stand_in_their_bundle_alone(bundled: Desk) -> None:
    product = sold_set(bundled)
    listed = bundled.get("/procurement/products", conditions="opportunity/id=88", pageSize=1000)
    assert [row["id"] for row in listed if row["id"] >= product["id"]] == [product["id"]]


def test_components_are_answered_as_lists_and_roll_up(bundled: Desk) -> None:
    product = sold_set(bundled)
    path = f"/procurement/products/{product['id']}/components"
    body = {"quantity": 3, "catalogItem": {"identifier": "FREIGHT"}, "price": 5, "cost": 4}
    (added,) = bundled.post(path, body, status=200)
    assert (added["price"], added["cost"], added["sequenceNumber"]) == (5, 4, 3)
    assert added["parentProductItem"]["id"] == product["id"]
    assert bundled.get(f"/procurement/products/{product['id']}")["price"] == 95
    (changed,) = bundled.patch(f"{path}/{added['id']}", price=6, vendor={"identifier": "INGRAM"})
    assert (changed["price"], changed["vendor"]["identifier"]) == (6, "INGRAM")
    assert part(bundled, changed)["vendor"]["identifier"] == "INGRAM"
    assert bundled.get(f"/procurement/products/{product['id']}")["price"] == 98
    (same,) = bundled.get(f"{path}/{added['id']}")
    assert same == changed
    assert bundled.send("DELETE", f"{path}/{added['id']}").status == 204
    gone = f"/procurement/products/{added['productItem']['id']}"
    assert bundled.send("GET", gone).status == 404
    assert bundled.get(f"/procurement/products/{product['id']}")["price"] == 80
    assert bundled.get(f"{path}/count") == {"count": 2}


def test_a_forecast_lines_quantity_reaches_the_components(bundled: Desk) -> None:
    product = sold_set(bundled)
    arm = components(bundled, product["id"])["ARM"]
    bundled.patch(f"/sales/opportunities/88/forecast/{product['forecastDetailId']}", quantity=4)
    assert bundled.get(f"/procurement/products/{product['id']}")["quantity"] == 4
    assert part(bundled, arm)["quantity"] == 8


def test_a_component_follows_its_bundle_and_is_not_changed_apart(bundled: Desk) -> None:
    product = sold_set(bundled)
    arm = part(bundled, components(bundled, product["id"])["ARM"])
    bundled.patch(f"/procurement/products/{product['id']}", quantity=5)
    path = f"/procurement/products/{arm['id']}"
    assert bundled.get(path)["quantity"] == 10
    assert bundled.try_patch(path, quantity=1).status == 400
    order = bundled.convert()
    assert bundled.try_patch(path, salesOrder={"id": order["id"]}).status == 400
    bundled.refused("DELETE", path, None)
    bundled.patch(path, price=31, integrationXRef="arm")
    assert bundled.get(f"/procurement/products/{product['id']}")["price"] == 82
    bundled.patch(f"/procurement/products/{product['id']}", cancelledFlag=True)
    assert bundled.get(path)["cancelledFlag"] is True


# --- sold


def test_demand_comes_from_the_components_and_the_bundle_is_billed(bundled: Desk) -> None:
    product = sold_set(bundled, 2)
    arm = components(bundled, product["id"])["ARM"]
    assert part(bundled, arm)["needToOrderQuantity"] == 0  # nothing is sold yet
    order = bundled.convert(includeProductIds=[product["id"]])
    assert order["productIds"] == [product["id"]]
    assert order["subTotal"] == 160
    bundled.refused(
        "POST",
        "/procurement/purchasingDemands",
        {
            "vendor": {"identifier": "INGRAM"},
            "products": [{"productRecId": product["id"], "quantity": 1}],
        },
    )
    number = arm["productItem"]["id"]
    assert part(bundled, arm)["needToOrderQuantity"] == 4
    purchase = bundled.demand((number, 4))
    (line,) = bundled.lines(purchase["id"])
    assert [each["id"] for each in line["salesOrder"]] == [order["id"]]
    report = bundled.get(
        "/system/reports/PurchaseOrderWithLineItems",
        conditions=f"Purchase_Header_RecID={purchase['id']}",
        columns="IV_Product_RecID",
    )
    assert report["row_values"] == [[number]]
    (shown,) = bundled.get(f"/sales/orders/{order['id']}/lineitems/")
    assert shown["purchaseOrderNumber"] == purchase["poNumber"]
    bundled.refused("DELETE", f"/procurement/products/{product['id']}", None)
    bundled.refused("DELETE", f"/sales/orders/{order['id']}", None)


def test_a_bundle_is_billed_when_shipped_once_all_its_components_are(bundled: Desk) -> None:
    product = sold_set(bundled)
    order = bundled.convert(includeProductIds=[product["id"]])
    bundled.patch(f"/sales/orders/{order['id']}", billShippedFlag=True)
    found = components(bundled, product["id"])
    for identifier, quantity in (("STAND", 1), ("ARM", 2)):
        number = found[identifier]["productItem"]["id"]
        purchase = bundled.demand((number, quantity))
        (line,) = bundled.lines(purchase["id"])
        assert bundled.receive(line, quantity).status == 200
        invoice = bundled.act("invoice_sales_order", order["id"])
        assert invoice["total"] == 0
        bundled.send("DELETE", f"/finance/invoices/{invoice['id']}")
        bundled.act("ship_product", number)
    invoice = bundled.act("invoice_sales_order", order["id"])
    assert invoice["subtotal"] == 80
    # What is on an invoice is locked, and needs nothing more.
    path = f"/procurement/products/{product['id']}/components"
    bundled.refused("POST", path, {"quantity": 1, "catalogItem": {"identifier": "ARM"}})
    answer = bundled.try_patch(f"{path}/{found['ARM']['id']}", quantity=9)
    assert answer.status == 400


def test_copying_conversions_copy_the_components_too(bundled: Desk) -> None:
    bundled.switch(conversion="copy")
    product = sold_set(bundled)
    order = bundled.convert(includeProductIds=[product["id"]])
    (number,) = order["productIds"]
    assert number != product["id"]
    before, after = components(bundled, product["id"]), components(bundled, number)
    assert sorted(after) == sorted(before)
    assert after["ARM"]["productItem"]["id"] != before["ARM"]["productItem"]["id"]
    assert part(bundled, after["ARM"])["needToOrderQuantity"] == 2
    assert part(bundled, before["ARM"])["needToOrderQuantity"] == 0


def test_deleting_a_bundle_takes_its_components_along(bundled: Desk) -> None:
    product = sold_set(bundled)
    arm = components(bundled, product["id"])["ARM"]
    assert bundled.send("DELETE", f"/procurement/products/{product['id']}").status == 204
    for path in (f"products/{arm['productItem']['id']}", f"products/{product['id']}/components"):
        assert bundled.send("GET", f"/procurement/{path}").status == 404
