"""Opportunities and orders become tickets, projects and agreements; whole forecasts."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.desk import Desk

OPPORTUNITY = "/sales/opportunities/88"


def to(desk: Desk, kind: str, status: int = 201, source: str = OPPORTUNITY, **body: Any) -> Any:
    return desk.post(f"{source}/convertTo{kind}", body, status=status)


def products_on(desk: Desk, field: str, number: int) -> list[str]:
    found = desk.get("/procurement/products", conditions=f"{field}/id={number}", pageSize=1000)
    return sorted(product["catalogItem"]["identifier"] for product in found)


# --- from an opportunity


def test_an_opportunity_becomes_a_service_ticket_with_products_and_notes(watched: Desk) -> None:
    watched.patch(OPPORTUNITY, notes="Deliver before ten", customerPO="PO-7")
    watched.post(f"{OPPORTUNITY}/notes", {"text": "Lift is narrow"})
    dock = watched.products(opportunity=88)["DELL-WD22TB4"]
    ticket = to(watched, "ServiceTicket", includeProductIds=[dock["id"]])
    assert (ticket["summary"], ticket["poNumber"]) == ("Desk refresh", "PO-7")
    assert (ticket["company"]["identifier"], ticket["opportunity"]["id"]) == ("Contoso", 88)
    path = f"/service/tickets/{ticket['id']}"
    texts = [note["text"] for note in watched.get(f"{path}/notes")]
    assert texts == ["Deliver before ten", "Lift is narrow"]
    assert [row["id"] for row in watched.get(f"{path}/products")] == [dock["id"]]
    assert watched.get(f"/procurement/products/{dock['id']}")["needToOrderQuantity"] == 3
    assert "DELL-WD22TB4" not in watched.products(opportunity=88)
    (conversion,) = watched.get("/sales/opportunities/conversions/88")
    assert conversion["convertedTo"] == {"id": ticket["id"], "name": "ServiceTicket"}


def test_a_conversion_adds_to_an_open_ticket_of_the_company(watched: Desk) -> None:
    body = {"summary": "Refresh", "company": {"identifier": "Contoso"}}
    ticket = watched.post("/service/tickets", body)
    watched.post(f"{OPPORTUNITY}/notes", {"text": "no"})
    again = to(watched, "ServiceTicket", ticketId=ticket["id"], includeAllNotesFlag=False)
    assert (again["id"], again["summary"]) == (ticket["id"], "Refresh")
    assert len(products_on(watched, "ticket", ticket["id"])) == 4
    assert watched.get(f"/service/tickets/{ticket['id']}/notes") == []
    watched.act("close_ticket", ticket["id"])
    path = f"{OPPORTUNITY}/convertToServiceTicket"
    watched.refused("POST", path, {"ticketId": ticket["id"]})
    foreign = watched.post(
        "/service/tickets", {"summary": "Other", "company": {"identifier": "Northwind"}}
    )
    watched.refused("POST", path, {"ticketId": foreign["id"]})
    watched.refused("POST", path, {"includeNoteIds": [1]})
    watched.refused("POST", path, {"summary": 7})


def test_an_opportunity_becomes_a_project_whose_products_raise_demand(watched: Desk) -> None:
    project = to(watched, "Project", name="Roll-out", estimatedEnd="2027-01-31T00:00:00Z")
    assert (project["name"], project["board"]["name"]) == ("Roll-out", "Projects")
    assert (project["status"]["name"], project["closedFlag"]) == ("Open", False)
    assert project["opportunity"]["id"] == 88
    assert len(products_on(watched, "project", project["id"])) == 4
    dock = watched.one(
        "/procurement/products",
        f"project/id={project['id']} and catalogItem/identifier='DELL-WD22TB4'",
    )
    assert (dock["project"]["name"], dock["needToOrderQuantity"]) == ("Roll-out", 3)
    watched.switch(demand_from=["sales_order"])
    assert watched.get(f"/procurement/products/{dock['id']}")["needToOrderQuantity"] == 0
    watched.refused("DELETE", f"/project/projects/{project['id']}", None)
    path = f"{OPPORTUNITY}/convertToProject"
    watched.refused("POST", path, {"board": {"name": "Procurement"}})
    watched.refused("POST", path, {"estimatedEnd": "2020-01-01T00:00:00Z"})


def test_an_opportunity_becomes_an_agreement_whose_products_are_not_bought(watched: Desk) -> None:
    watched.refused("POST", f"{OPPORTUNITY}/convertToAgreement", {})  # an agreement has a type
    agreement = to(
        watched,
        "Agreement",
        type={"id": 3, "name": "Managed"},
        noEndingDateFlag=True,
        billCycleId=2,
    )
    assert (agreement["name"], agreement["agreementStatus"]) == ("Desk refresh", "Active")
    assert agreement["billingCycle"] == {"id": 2}
    product = watched.one(
        "/procurement/products",
        f"agreement/id={agreement['id']} and catalogItem/identifier='DELL-WD22TB4'",
    )
    assert (product["agreement"]["type"], product["needToOrderQuantity"]) == ("Managed", 0)
    assert watched.get(f"/finance/agreements/{agreement['id']}")["name"] == "Desk refresh"
    watched.refused("DELETE", f"/finance/agreements/{agreement['id']}", None)


@pytest.mark.parametrize("kind", ["ServiceTicket", "Project"])
def test_converting_is_not_idempotent_for_any_kind(watched: Desk, kind: str) -> None:
    first, second = to(watched, kind), to(watched, kind)
    assert first["id"] != second["id"]
    made = watched.get("/sales/opportunities/conversions/88")
    assert [each["convertedTo"]["id"] for each in made] == [first["id"], second["id"]]


def test_a_copying_conversion_leaves_the_opportunitys_products(watched: Desk) -> None:
    watched.switch(conversion="copy")
    project = to(watched, "Project")
    assert products_on(watched, "project", project["id"]) == products_on(watched, "opportunity", 88)
    assert products_on(watched, "project", to(watched, "Project")["id"]) == []


# --- from a sales order


def test_an_orders_service_ticket_leaves_its_products_on_the_order(watched: Desk) -> None:
    order = watched.convert()
    path = f"/sales/orders/{order['id']}"
    ticket = to(watched, "ServiceTicket", 200, path)
    assert (ticket["summary"], ticket["company"]["identifier"]) == ("Desk refresh", "Contoso")
    assert watched.get(path)["productIds"] == order["productIds"]
    (conversion,) = watched.get(f"/sales/orders/conversions/{order['id']}")
    assert conversion["parentType"] == "SalesOrder"
    assert conversion["convertedTo"] == {"id": ticket["id"], "name": "ServiceTicket"}
    assert len(watched.get("/sales/opportunities/conversions/88")) == 1


def test_an_orders_project_takes_what_is_not_invoiced(watched: Desk) -> None:
    order = watched.convert(includeAllProductsFlag=True)
    path = f"/sales/orders/{order['id']}"
    project = to(watched, "Project", source=path, includeProductIds=order["productIds"][:1])
    assert watched.get(path)["productIds"] == order["productIds"][1:]
    watched.act("invoice_sales_order", order["id"])
    answer = watched.refused(
        "POST", f"{path}/convertToProject", {"includeProductIds": order["productIds"][1:2]}
    )
    assert "is on an invoice" in answer.messages
    again = to(watched, "Project", source=path, projectId=project["id"])
    assert again["id"] == project["id"]
    assert len(products_on(watched, "project", project["id"])) == 1
    agreement = to(watched, "Agreement", source=path, type={"id": 1, "name": "Managed"})
    assert agreement["opportunity"]["id"] == 88


def test_a_deleted_order_is_no_conversion_any_more(watched: Desk) -> None:
    order = watched.convert(includeAllProductsFlag=False)
    to(watched, "ServiceTicket", 200, f"/sales/orders/{order['id']}")
    assert watched.send("DELETE", f"/sales/orders/{order['id']}").status == 204
    assert watched.get("/sales/opportunities/conversions/88") == []
    assert watched.send("GET", f"/sales/orders/conversions/{order['id']}").status == 404


def test_the_recap_tells_what_an_order_earns(watched: Desk) -> None:
    dock = watched.products(opportunity=88)["DELL-WD22TB4"]["id"]
    order = watched.convert(includeProductIds=[dock])
    (recap,) = watched.get(f"/sales/orders/{order['id']}/financialrecap")
    assert recap == {
        "id": order["id"],
        "billableAmount": 957,
        "cost": 720,
        "margin": 237,
        "percent": 24.76,
    }


def test_a_line_of_an_order_lets_its_quantities_be_changed(watched: Desk) -> None:
    dock = watched.products(opportunity=88)["DELL-WD22TB4"]["id"]
    order = watched.convert(includeProductIds=[dock])
    path = f"/sales/orders/{order['id']}/lineitems/{dock}"
    assert watched.patch(path, quantityCancelled=1)["quantityCancelled"] == 1
    assert watched.get(f"/procurement/products/{dock}")["needToOrderQuantity"] == 2
    body = {"salesOrder": {"id": order["id"]}, "quantity": 5, "quantityCancelled": 0}
    assert watched.send("PUT", path, body).json["quantity"] == 5
    product = watched.get(f"/procurement/products/{dock}")
    assert (product["quantity"], product["description"]) == (5, "Dell WD22TB4 Thunderbolt dock")
    assert watched.try_patch(path, quantityCancelled=9).status == 400
    other = watched.convert()
    assert watched.send("GET", f"/sales/orders/{other['id']}/lineitems/{dock}").status == 404
    assert watched.send("DELETE", path).status == 204
    assert watched.get(f"/sales/orders/{order['id']}")["productIds"] == []


# --- whole forecasts


def forecast(desk: Desk) -> Any:
    (found,) = desk.get(f"{OPPORTUNITY}/forecast")
    return found


def test_a_forecast_is_patched_by_the_place_of_its_lines(watched: Desk) -> None:
    before = forecast(watched)
    path = f"{OPPORTUNITY}/forecast/"
    operations = [
        {"op": "replace", "path": "forecastItems/0/includeFlag", "value": False},
        {"op": "replace", "path": "/forecastItems/2/quantity", "value": 4},
        {"op": "replace", "path": "productRevenue", "value": {"revenue": 1}},
    ]
    answer = watched.send("PATCH", path, operations)
    assert answer.status == 200
    items = answer.json["forecastItems"]
    assert (items[0]["includeFlag"], items[2]["quantity"]) == (False, 4)
    product = watched.products(opportunity=88)["DELL-WD22TB4"]
    assert product["quantity"] == 4  # it follows its forecast line
    included = before["forecastRevenueTotals"]["revenue"] - before["forecastItems"][0]["revenue"]
    assert answer.json["forecastRevenueTotals"]["revenue"] == included
    remove = [{"op": "remove", "path": "forecastItems/3"}]
    assert len(watched.send("PATCH", path, remove).json["forecastItems"]) == 3
    kept = [{"op": "replace", "path": "forecastItems", "value": items[:1]}]
    assert [row["id"] for row in watched.send("PATCH", path, kept).json["forecastItems"]] == [
        items[0]["id"]
    ]
    for wrong in ("forecastItems/9/quantity", "nothing", "forecastItems/x"):
        watched.refused("PATCH", path, [{"op": "replace", "path": wrong, "value": 1}])
    watched.refused("PATCH", path, {})


def test_a_whole_forecast_is_posted_replaced_and_deleted(watched: Desk) -> None:
    path = f"{OPPORTUNITY}/forecast"
    line = {
        "opportunity": {"id": 88},
        "status": {"name": "Open"},
        "forecastType": "Service",
        "quantity": 1,
        "revenue": 500,
        "cost": 100,
    }
    posted = watched.post(path, {"forecastItems": [line, line]})
    assert posted["serviceRevenue"]["revenue"] == 450 + 500 + 500
    kept = posted["forecastItems"][0]
    answer = watched.send("PUT", f"{path}/", {"forecastItems": [kept, line]})
    assert answer.json["forecastItems"][0]["id"] == kept["id"]
    assert list(watched.products(opportunity=88)) == ["DELL-P2425H"]  # the others' lines went
    assert watched.send("DELETE", f"{path}/").status == 204
    assert forecast(watched)["forecastItems"] == []
    assert watched.products(opportunity=88) == {}


def test_a_status_of_orders_is_answered_as_a_list_of_one(watched: Desk) -> None:
    body = {"name": "Backordered", "sortOrder": 9}
    (made,) = watched.post("/sales/orders/statuses", body, status=200)
    assert watched.get(f"/sales/orders/statuses/{made['id']}")["name"] == "Backordered"


def test_a_forecast_line_is_copied_without_a_product(watched: Desk) -> None:
    items = forecast(watched)["forecastItems"]
    path = f"{OPPORTUNITY}/forecast/copy/{items[0]['id']}"
    assert watched.post(path, status=200)["success"] is True
    after = forecast(watched)["forecastItems"]
    assert len(after) == len(items) + 1
    assert after[-1]["revenue"] == items[0]["revenue"]
    assert after[-1]["sequenceNumber"] == 5
    assert len(watched.products(opportunity=88)) == 4
    assert watched.send("POST", f"{OPPORTUNITY}/forecast/copy/1").status == 404
    watched.win()
    watched.refused("POST", path, None)


# --- projects and their tickets


@pytest.fixture
def project(watched: Desk) -> Any:
    return watched.post(
        "/project/projects",
        {
            "name": "Roll-out",
            "company": {"identifier": "Contoso"},
            "board": {"name": "Projects"},
            "billingMethod": "FixedFee",
            "estimatedStart": "2026-12-01T00:00:00Z",
            "estimatedEnd": "2026-12-31T00:00:00Z",
        },
    )


def test_project_tickets_are_tickets_apart(watched: Desk, project: Any) -> None:
    body = {"summary": "Cable the desks", "phase": {"id": 1, "name": "Cabling"}}
    watched.refused("POST", "/project/tickets", body)  # it names its project
    ticket = watched.post("/project/tickets", body | {"project": {"id": project["id"]}})
    assert (ticket["company"]["identifier"], ticket["board"]["name"]) == ("Contoso", "Projects")
    assert (ticket["status"]["name"], ticket["closedFlag"]) == ("New", False)
    assert ticket["project"]["name"] == "Roll-out"
    path = f"/project/tickets/{ticket['id']}"
    assert watched.send("GET", f"/service/tickets/{ticket['id']}").status == 404
    assert watched.send("GET", f"/service/tickets/{ticket['id']}/products").status == 404
    assert watched.get("/service/tickets/count") == {"count": 0}
    assert watched.get("/project/tickets/count") == {"count": 1}
    own = {"summary": "Other", "company": {"identifier": "Contoso"}}
    service = watched.post("/service/tickets", own)
    assert watched.send("GET", f"/project/tickets/{service['id']}").status == 404
    found = watched.post("/project/tickets/search", {"conditions": "closedFlag=False"}, 200)
    assert [row["id"] for row in found] == [ticket["id"]]
    answer = watched.send("PUT", path, body | {"summary": "New", "project": {"id": project["id"]}})
    assert answer.json["summary"] == "New"
    watched.refused("DELETE", f"/project/projects/{project['id']}", None)
    assert watched.send("DELETE", path).status == 204


def test_a_product_on_a_project_ticket_raises_demand_until_the_ticket_is_closed(
    watched: Desk, project: Any
) -> None:
    ticket = watched.post(
        "/project/tickets",
        {"summary": "Cable", "phase": {"id": 1}, "project": {"id": project["id"]}},
    )
    path = f"/project/tickets/{ticket['id']}"
    product = watched.plain_product("CABLE", ticket={"id": ticket["id"]}, quantity=6)
    assert product["needToOrderQuantity"] == 6
    assert product["ticket"]["_info"]["ticket_href"].endswith(path)
    assert [row["id"] for row in watched.get(f"{path}/products")] == [product["id"]]
    assert watched.get(f"{path}/products/count") == {"count": 1}
    statuses = watched.get(f"/service/boards/{ticket['board']['id']}/statuses")
    watched.patch(path, status={"id": statuses[1]["id"]})
    assert watched.try_patch(f"/procurement/products/{product['id']}", quantity=1).status == 400
    watched.patch(f"/project/projects/{project['id']}", status={"name": "Closed"})
    assert watched.get(f"/project/projects/{project['id']}")["closedFlag"] is True


def test_a_callback_of_a_project_ticket_tells_its_record_type(desk: Desk) -> None:
    projected = to(desk, "Project", includeAllProductsFlag=False)
    desk.post(
        "/system/callbacks",
        {
            "url": "http://127.0.0.1:9/hook?recordId=",
            "objectId": projected["id"],
            "type": "ticket",
            "level": "project",
        },
    )
    body = {"summary": "Cable", "phase": {"id": 1}, "project": {"id": projected["id"]}}
    ticket = desk.post("/project/tickets", body | {"isIssueFlag": True})
    desk.post("/service/tickets", {"summary": "Other", "company": {"identifier": "Contoso"}})
    (delivery,) = desk.app.sender.sent
    assert delivery.payload["ID"] == ticket["id"]
    assert '"recordType":"ProjectIssue"' in delivery.payload["Entity"]
    for waiting in desk.spawned:
        waiting.close()


def test_a_ticket_is_copied_and_shown_in_short(watched: Desk) -> None:
    body = {"summary": "Refresh", "company": {"identifier": "Contoso"}, "poNumber": "PO-1"}
    ticket = watched.post("/service/tickets", body | {"externalXRef": "dl:1"})
    watched.act("close_ticket", ticket["id"])
    copied = watched.post(f"/service/tickets/{ticket['id']}/copy", status=200)
    assert copied["id"] != ticket["id"]
    assert (copied["summary"], copied["poNumber"]) == ("Refresh", "PO-1")
    assert (copied["closedFlag"], "externalXRef" in copied) == (False, False)
    short = watched.get(f"/service/tickets/{ticket['id']}/info")
    assert sorted(short) == ["_info", "company", "id", "summary"]
