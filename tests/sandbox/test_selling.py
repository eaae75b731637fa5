from __future__ import annotations

from tests.sandbox.desk import Desk

FROZEN = "This opportunity is closed and cannot be edited"


def test_it_starts_with_the_records_of_the_story(desk: Desk) -> None:
    opportunity = desk.get("/sales/opportunities/88")
    assert opportunity["company"]["identifier"] == "Contoso"
    assert opportunity["contact"]["name"] == "Dana Lee"
    assert opportunity["status"]["name"] == "Open"
    products = desk.products(opportunity=88)
    assert {name: product["quantity"] for name, product in products.items()} == {
        "DELL-P2425H": 10,
        "DELL-U2725QE": 10,
        "DELL-WD22TB4": 3,
        "INSTALL-HALFDAY": 1,
    }
    assert products["DELL-P2425H"]["price"] == 239
    assert products["INSTALL-HALFDAY"]["productClass"] == "Service"
    member = desk.one("/system/members", 'officeEmail="sales@msp.example"')
    assert member["identifier"] == "sales"
    for vendor in ("INGRAM", "SYNNEX"):
        assert desk.one("/company/companies", f'identifier="{vendor}"')["isVendorFlag"]
    assert desk.one("/company/companies", 'identifier="Contoso"')["defaultContact"]["id"] == 1310
    items = desk.get("/procurement/catalog", conditions="serializedFlag=True", fields="identifier")
    assert len(items) == 3


def test_the_forecast_holds_a_line_for_each_product_and_counts_what_is_included(
    desk: Desk,
) -> None:
    (forecast,) = desk.get("/sales/opportunities/88/forecast")
    lines = {line["id"]: line for line in forecast["forecastItems"]}
    for product in desk.products(opportunity=88).values():
        line = lines[product["forecastDetailId"]]
        assert line["catalogItem"]["identifier"] == product["catalogItem"]["identifier"]
        assert line["includeFlag"] is True
    assert forecast["forecastRevenueTotals"]["revenue"] == 9987
    dear = next(line for line in lines.values() if line["revenue"] == 6190)
    desk.patch(f"/sales/opportunities/88/forecast/{dear['id']}", includeFlag=False)
    (forecast,) = desk.get("/sales/opportunities/88/forecast")
    assert forecast["forecastRevenueTotals"]["revenue"] == 3797
    assert forecast["inclusiveRevenueTotals"]["revenue"] == 9987
    assert forecast["serviceRevenue"]["revenue"] == 450


def test_quantities_of_product_and_forecast_line_follow_each_other(desk: Desk) -> None:
    product = desk.products(opportunity=88)["DELL-WD22TB4"]
    line = f"/sales/opportunities/88/forecast/{product['forecastDetailId']}"
    path = f"/procurement/products/{product['id']}"
    desk.patch(line, quantity=5)
    assert desk.get(path)["quantity"] == 5
    desk.patch(path, quantity=4)
    assert desk.get(line)["quantity"] == 4
    assert desk.get(line)["revenue"] == 1276
    desk.patch(path, quantity=2, bypassForecastUpdate=True)
    assert desk.get(line)["quantity"] == 4


def test_a_product_put_on_an_opportunity_gets_a_forecast_line_and_takes_it_along(
    desk: Desk,
) -> None:
    product = desk.plain_product("CABLE", opportunity={"id": 88}, quantity=2)
    line = f"/sales/opportunities/88/forecast/{product['forecastDetailId']}"
    assert desk.get(line)["includeFlag"] is True
    assert desk.get(line)["revenue"] == 16
    assert product["company"]["identifier"] == "Contoso"
    assert desk.send("DELETE", f"/procurement/products/{product['id']}").status == 204
    desk.refused("GET", line, None, 404)


def test_forecast_lines_without_a_product_can_be_kept(desk: Desk) -> None:
    body = {
        "opportunity": {"id": 88},
        "status": {"id": 1},
        "forecastType": "Other1",
        "forecastDescription": "Training",
        "revenue": 100,
    }
    (line,) = [
        item
        for item in desk.post("/sales/opportunities/88/forecast", {"forecastItems": [body]})[
            "forecastItems"
        ]
        if item["forecastType"] == "Other1"
    ]
    other = desk.post("/sales/opportunities/88/forecast/0", body)
    assert other["id"] != line["id"]
    desk.refused("POST", "/sales/opportunities/88/forecast/0", body | {"opportunity": {"id": 7}})
    assert desk.send("DELETE", f"/sales/opportunities/88/forecast/{line['id']}").status == 204


def test_winning_sets_the_closed_date_and_freezes_products_and_forecast(desk: Desk) -> None:
    product = desk.products(opportunity=88)["DELL-WD22TB4"]
    desk.win()
    opportunity = desk.get("/sales/opportunities/88")
    assert opportunity["closedDate"] == "2026-11-19T10:00:00Z"
    line = f"/sales/opportunities/88/forecast/{product['forecastDetailId']}"
    answer = desk.try_patch(line, includeFlag=False)
    assert (answer.status, answer.json["message"]) == (400, FROZEN)
    path = f"/procurement/products/{product['id']}"
    assert desk.try_patch(path, quantity=1).json["message"] == FROZEN
    assert desk.send("DELETE", path).json["message"] == FROZEN
    new = {
        "catalogItem": {"identifier": "FREIGHT"},
        "billableOption": "Billable",
        "opportunity": {"id": 88},
    }
    assert desk.refused("POST", "/procurement/products", new).json["message"] == FROZEN
    assert desk.try_patch("/sales/opportunities/88", customerPO="7").json["message"] == FROZEN


def test_winning_again_changes_nothing_and_reopening_thaws(desk: Desk) -> None:
    desk.win()
    desk.win()
    opened = desk.patch("/sales/opportunities/88", status={"name": "Open"})
    assert "closedDate" not in opened
    product = desk.products(opportunity=88)["DELL-WD22TB4"]
    desk.patch(f"/procurement/products/{product['id']}", quantity=1)


def test_converting_takes_the_included_products_and_moves_them(desk: Desk) -> None:
    products = desk.products(opportunity=88)
    dear = products["DELL-U2725QE"]
    desk.patch(f"/procurement/products/{dear['id']}", integrationXRef="dl:dear")
    dock = products["DELL-WD22TB4"]
    desk.patch(f"/procurement/products/{dock['id']}", integrationXRef="dl:dock")
    line = f"/sales/opportunities/88/forecast/{dear['forecastDetailId']}"
    desk.patch(line, includeFlag=False)
    desk.win()
    order = desk.convert(includeAllProductsFlag=True)
    assert order["opportunity"]["id"] == 88
    assert order["status"]["name"] == "New"
    assert order["salesRep"]["identifier"] == "sales"
    moved = desk.products(salesOrder=order["id"])
    assert sorted(moved) == ["DELL-P2425H", "DELL-WD22TB4", "INSTALL-HALFDAY"]
    assert order["productIds"] == [product["id"] for product in moved.values()]
    assert (order["subTotal"], order["taxTotal"], order["total"]) == (3797, 379.7, 4176.7)
    assert moved["DELL-WD22TB4"]["id"] == dock["id"]
    assert moved["DELL-WD22TB4"]["integrationXRef"] == "dl:dock"
    assert list(desk.products(opportunity=88)) == ["DELL-U2725QE"]
    desk.patch(f"/procurement/products/{dock['id']}", quantity=2)
    (conversion,) = desk.get("/sales/opportunities/conversions/88")
    assert conversion["convertedTo"]["id"] == order["id"]


def test_converting_can_name_products_and_add_to_an_order(desk: Desk) -> None:
    products = desk.products(opportunity=88)
    first = desk.convert(includeProductIds=[products["DELL-WD22TB4"]["id"]])
    assert first["productIds"] == [products["DELL-WD22TB4"]["id"]]
    monitor = products["DELL-P2425H"]["id"]
    again = desk.convert(salesOrderId=first["id"], includeProductIds=[monitor])
    assert again["id"] == first["id"]
    assert len(again["productIds"]) == 2
    path = "/sales/opportunities/88/convertToSalesOrder"
    desk.refused("POST", path, {"includeProductIds": [monitor]})
    desk.refused("POST", path, {"includeProductIds": [1]})
    desk.refused("POST", path, {"salesOrderId": 1})
    assert desk.get("/sales/orders/count") == {"count": 1}


def test_converting_is_not_idempotent(desk: Desk) -> None:
    first = desk.convert()
    second = desk.convert()
    assert second["id"] != first["id"]
    assert second["productIds"] == []
    assert len(desk.get("/sales/orders", conditions="opportunity/id=88")) == 2


def test_converting_can_copy_products_and_lose_their_reference(desk: Desk) -> None:
    desk.switch(conversion="copy", conversion_keeps_xref=False)
    product = desk.products(opportunity=88)["DELL-WD22TB4"]
    desk.patch(f"/procurement/products/{product['id']}", integrationXRef="dl:dock")
    order = desk.convert(includeProductIds=[product["id"]])
    copied = desk.products(salesOrder=order["id"])["DELL-WD22TB4"]
    assert copied["id"] != product["id"]
    assert "integrationXRef" not in copied
    assert desk.products(opportunity=88)["DELL-WD22TB4"]["integrationXRef"] == "dl:dock"
    path = "/sales/opportunities/88/convertToSalesOrder"
    answer = desk.refused("POST", path, {"includeProductIds": [product["id"]]})
    assert "already been converted" in answer.messages
    assert copied["id"] not in desk.convert()["productIds"]


def test_a_sales_order_can_be_made_without_an_opportunity(desk: Desk) -> None:
    answer = desk.send(
        "POST",
        "/sales/orders",
        {
            "company": {"identifier": "Northwind"},
            "status": {"name": "Waiting for goods"},
            "salesRep": {"identifier": "sales"},
        },
    )
    assert answer.status == 200
    order = answer.json
    product = desk.plain_product("CABLE", order=order["id"], quantity=2)
    assert product["company"]["identifier"] == "Northwind"
    shown = desk.get(f"/sales/orders/{order['id']}")
    assert shown["productIds"] == [product["id"]]
    (line,) = desk.get(f"/sales/orders/{order['id']}/lineitems/")
    assert line["quantity"] == 2
    assert line["billStatus"] == "NotInvoiced"


def test_a_product_can_be_detached_from_its_order(desk: Desk) -> None:
    order = desk.convert()
    product = desk.products(salesOrder=order["id"])["DELL-WD22TB4"]
    path = f"/procurement/products/{product['id']}/detach"
    assert desk.send("POST", path, {"removeFromSalesOrder": True}).status == 204
    assert product["id"] not in desk.get(f"/sales/orders/{order['id']}")["productIds"]
    desk.refused("POST", path, {})


def test_a_closed_ticket_takes_no_products(desk: Desk) -> None:
    body = {"summary": "Refresh", "company": {"identifier": "Contoso"}}
    ticket = desk.post("/service/tickets", body)
    assert ticket["status"]["name"] == "New"
    assert ticket["closedFlag"] is False
    product = desk.plain_product("CABLE", ticket={"id": ticket["id"]})
    desk.act("close_ticket", ticket["id"])
    assert desk.get(f"/service/tickets/{ticket['id']}")["closedFlag"] is True
    assert desk.try_patch(f"/procurement/products/{product['id']}", quantity=3).status == 400
    other_board = desk.get("/service/boards")[1]["id"]
    statuses = desk.get(f"/service/boards/{other_board}/statuses")
    path = f"/service/tickets/{ticket['id']}"
    assert desk.try_patch(path, status={"id": statuses[0]["id"]}).status == 400
