"""Bundles of reads: one request, many answers, each with a status of its own."""

from __future__ import annotations

from typing import Any

from tests.sandbox.desk import Desk


def ask(desk: Desk, *entries: dict[str, Any], path: str = "/system/bundles") -> list[Any]:
    requests = [{"sequenceNumber": place} | entry for place, entry in enumerate(entries, start=1)]
    results: list[Any] = desk.post(path, {"requests": requests}, status=200)["results"]
    return results


def test_a_bundle_reads_records_below_a_parent_by_id_and_by_conditions(watched: Desk) -> None:
    order = watched.convert()
    dock = watched.products(salesOrder=order["id"])["DELL-WD22TB4"]
    purchase = watched.demand((dock["id"], 3))
    lines, orders, sold = ask(
        watched,
        {
            "resourceType": "purchaseorderlineitem",
            "apiRequest": {"parentId": purchase["id"], "filters": {"conditions": ""}},
        },
        {"resourceType": "salesOrder", "apiRequest": {"id": order["id"], "fields": "id,total"}},
        {
            "resourceType": "productItem",
            "version": "2019.5",
            "apiRequest": {
                "filters": {
                    "conditions": f"salesOrder/id={order['id']}",
                    "orderBy": "id desc",
                },
                "page": {"page": 1, "pageSize": 2},
            },
        },
    )
    assert (lines["success"], lines["statusCode"], lines["count"]) == (True, 200, 1)
    assert lines["entities"][0]["product"]["identifier"] == "DELL-WD22TB4"
    assert orders["entities"] == [{"id": order["id"], "total": order["total"]}]
    assert (sold["sequenceNumber"], sold["version"]) == (3, "2019.5")
    assert [each["id"] for each in sold["entities"]] == sorted(order["productIds"])[:-3:-1]


def test_an_entry_fails_for_itself(watched: Desk) -> None:
    unknown, absent, orphan, bad, good = ask(
        watched,
        {"resourceType": "weather"},
        {"resourceType": "company", "apiRequest": {"id": 1}},
        {"resourceType": "purchaseorderlineitem", "apiRequest": {}},
        {"resourceType": "company", "apiRequest": {"filters": {"conditions": "x = "}}},
        {"resourceType": "company", "apiRequest": {"page": {"pageSize": 1}}},
    )
    found = [(each["statusCode"], each["success"]) for each in (unknown, absent, orphan, bad)]
    assert found == [(404, False), (404, False), (400, False), (400, False)]
    assert absent["error"]["message"] == "company 1 not found"
    assert "entities" not in absent
    assert (good["statusCode"], len(good["entities"])) == (200, 1)


def test_keys_are_read_in_any_case(desk: Desk) -> None:
    body = {
        "Requests": [
            {
                "SequenceNumber": 7,
                "ResourceType": "PurchaseOrderStatus",
                "ApiRequest": {"Filters": {"Conditions": "closedFlag=True", "OrderBy": "name"}},
            }
        ]
    }
    (result,) = desk.post("/system/bundles", body, status=200)["results"]
    assert result["sequenceNumber"] == 7
    assert [each["name"] for each in result["entities"]] == ["Cancelled", "Received In Full"]


def test_a_bundle_of_counts_gives_numbers_alone(watched: Desk) -> None:
    closed, refused = ask(
        watched,
        {"resourceType": "purchaseOrderStatus", "apiRequest": {}},
        {"resourceType": "weather"},
        path="/system/bundles/count",
    )
    assert (closed["count"], "entities" in closed) == (4, False)
    assert refused["statusCode"] == 404


def test_a_bundle_without_requests_is_refused_and_a_bundle_never_writes(watched: Desk) -> None:
    watched.refused("POST", "/system/bundles", {"requests": []})
    watched.refused("POST", "/system/bundles", {})
    before = watched.get("/company/companies/count")
    entity = {"identifier": "NEW", "name": "New", "id": 0}
    ask(watched, {"resourceType": "company", "apiRequest": {"entity": entity}})
    assert watched.get("/company/companies/count") == before
