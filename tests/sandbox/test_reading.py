from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.desk import Desk

COMPANIES = "/company/companies"


def named(desk: Desk, conditions: str, **more: Any) -> list[str]:
    found = desk.get(COMPANIES, conditions=conditions, fields="identifier", **more)
    return [record["identifier"] for record in found]


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ('identifier = "Contoso"', ["Contoso"]),
        ("identifier='INGRAM'", ["INGRAM"]),
        ('identifier="contoso"', ["Contoso"]),  # the vendor's database compares without case
        ("id = 250", ["Contoso"]),
        ("id in (250, 252)", ["Contoso", "INGRAM"]),
        ("id not in (250,251,252)", ["SYNNEX"]),
        ("id > 251 and isVendorFlag = True", ["INGRAM", "SYNNEX"]),
        ("id <= 250 or (id >= 253 and isVendorFlag = true)", ["Contoso", "SYNNEX"]),
        ("isVendorFlag=False AND not id = 250", ["Northwind"]),
        ('name contains "wind"', ["Northwind"]),
        ('name not contains "o"', ["SYNNEX"]),
        ('name like "Con*"', ["Contoso"]),
        ('name like "*Micro"', ["INGRAM"]),
        ('status/name = "Active" and id < 251', ["Contoso"]),
        ("status/id = 1 and id != 250 and id <> 251 and id < 253", ["INGRAM"]),
        ('defaultContact/name = "Dana Lee"', ["Contoso"]),
        ("phoneNumber = null and id = 250", ["Contoso"]),
        ("defaultContact != null and id = 250", ["Contoso"]),
        ("lastUpdated > [2020-01-01T00:00:00Z] and id = 250", ["Contoso"]),
        ("LastUpdated >= [2030-01-01]", []),
        ('types/name = "Vendor"', ["INGRAM", "SYNNEX"]),
    ],
)
def test_conditions_choose_records(desk: Desk, conditions: str, expected: list[str]) -> None:
    assert named(desk, conditions) == expected


@pytest.mark.parametrize(
    "conditions",
    [
        "identifier",
        "identifier =",
        'identifier = "open',
        "identifier = unquoted",
        "identifier = 5",
        'id = "250"',
        "isVendorFlag = 1",
        "lastUpdated > 2020",
        "lastUpdated > [yesterday]",
        "(id = 250",
        "id = 250)",
        "id in 250",
        "id in (250",
        "nonsense = 1",
        "status/color = 1",
        "identifier/name = 1",
        'id like "2*"',
        "id = 250 id = 251",
        "= 250",
    ],
)
def test_malformed_conditions_are_refused(desk: Desk, conditions: str) -> None:
    assert desk.send("GET", COMPANIES, conditions=conditions).status == 400


def test_a_bracket_inside_text_is_written_as_the_vendor_says(desk: Desk) -> None:
    desk.patch(f"{COMPANIES}/250", phoneNumber="[ext] 7")
    assert named(desk, 'phoneNumber = "[[]ext] 7"') == ["Contoso"]


def test_child_conditions_hold_for_one_element(desk: Desk) -> None:
    both = 'communicationItems/value = "{}" and communicationItems/communicationType = "Email"'
    path = "/company/contacts"
    found = desk.get(path, childConditions=both.format("dana.lee@contoso.example"))
    assert [contact["firstName"] for contact in found] == ["Dana"]
    assert desk.get(path, childConditions=both.format("nobody@contoso.example")) == []
    assert desk.send("GET", path, childConditions='firstName = "Dana"').status == 400


def test_custom_field_conditions_hold_for_one_field(desk: Desk) -> None:
    fields = [{"id": 1, "caption": "Order", "value": "7"}, {"id": 2, "caption": "Other"}]
    desk.patch(f"{COMPANIES}/250", customFields=fields)
    query = {"customFieldConditions": 'caption="Order" AND value != null', "fields": "id"}
    assert desk.get(COMPANIES, **query) == [{"id": 250}]
    assert desk.get(COMPANIES, customFieldConditions='caption="Other" AND value="7"') == []


def test_order_by_sorts_and_refuses_what_it_cannot(desk: Desk) -> None:
    found = desk.get(COMPANIES, orderBy="isVendorFlag desc, name asc", fields="identifier")
    names = [record["identifier"] for record in found]
    assert names == ["INGRAM", "SYNNEX", "Contoso", "Northwind"]
    assert desk.send("GET", COMPANIES, orderBy="nonsense").status == 400
    assert desk.send("GET", COMPANIES, orderBy="name upward").status == 400


def test_fields_cut_records_also_below_references(desk: Desk) -> None:
    record = desk.get(f"{COMPANIES}/250", fields="id,status/name,defaultContact/id,nonsense")
    assert record == {"id": 250, "status": {"name": "Active"}, "defaultContact": {"id": 1310}}


def fill(desk: Desk, count: int) -> None:
    for number in range(count):
        desk.post("/procurement/manufacturers", {"name": f"Maker {number:03}"})


def test_a_page_holds_25_records_unless_told_otherwise_and_at_most_1000(desk: Desk) -> None:
    fill(desk, 30)
    path = "/procurement/manufacturers"
    assert len(desk.get(path)) == 25
    assert len(desk.get(path, pageSize=1000)) == 31
    assert desk.send("GET", path, pageSize=1001).status == 400
    assert desk.send("GET", path, page=0).status == 400
    assert desk.get(f"{path}/count") == {"count": 31}
    assert desk.get(f"{path}/count", conditions='name like "Maker 00*"') == {"count": 10}


def test_navigable_paging_links_first_prev_next_and_last(desk: Desk) -> None:
    fill(desk, 9)
    path = "/procurement/manufacturers"
    first = desk.send("GET", path, pageSize=4, orderBy="name desc")
    assert set(first.links) == {"first", "next", "last"}
    assert "page=2" in first.links["next"]
    assert "orderBy=name+desc" in first.links["next"]
    assert "page=3" in first.links["last"]
    middle = desk.send("GET", path, pageSize=4, page=2)
    assert set(middle.links) == {"first", "prev", "next", "last"}
    last = desk.send("GET", path, pageSize=4, page=3)
    assert set(last.links) == {"first", "prev", "last"}
    assert len(last.json) == 2


def test_forward_only_paging_goes_by_the_last_id_and_ends_with_an_empty_link(desk: Desk) -> None:
    fill(desk, 5)
    path, headers = "/procurement/manufacturers", {"pagination-type": "forward-only"}
    seen: list[int] = []
    last = 0
    while True:
        answer = desk.send("GET", path, headers=headers, pageSize=2, pageId=last)
        seen += [record["id"] for record in answer.json]
        assert "link" in answer.headers
        if not answer.links:
            break
        last = seen[-1]
        assert f"pageId={last}" in answer.links["next"]
    assert len(seen) == 6
    assert seen == sorted(seen)
    refused = desk.send("GET", path, headers=headers, orderBy="name")
    assert refused.status == 400


def test_paths_ignore_case_and_a_trailing_slash_and_any_codebase(desk: Desk) -> None:
    assert desk.get("/Company/Companies/250/")["identifier"] == "Contoso"
    answer = desk.send("GET", "/company/companies/250", prefix="/v2025_1/apis/3.0")
    assert answer.status == 200
    assert answer.headers["api-current-version"] == "2025.1"


def test_unknown_endpoints_records_methods_and_media_are_told_apart(desk: Desk) -> None:
    unknown = desk.refused("GET", "/nothing/here", None, 404)
    assert unknown.json == {"code": "ConnectWiseApi", "message": "The endpoint does not exist."}
    assert desk.refused("GET", "/sales/orders/999", None, 404).json["code"] == "NotFound"
    desk.refused("DELETE", "/procurement/purchasingDemands", None, 405)
    desk.refused("GET", "/company/companies/9/sites", None, 404)
    headers = {"content-type": "text/plain"}
    assert desk.send("POST", "/sales/orders", {}, headers=headers).status == 415
    assert desk.send("POST", "/sales/orders", raw=b"{").status == 400
    assert desk.send("POST", "/sales/orders", raw=b"[]").status == 400


def test_wrong_credentials_answer_401_or_as_the_cloud_does_404(desk: Desk) -> None:
    wrong = {"authorization": "Basic dHJhaW5pbmcrcHViOndyb25n"}
    answer = desk.send("GET", "/system/info", headers=wrong)
    assert answer.status == 401
    assert answer.json == {"code": "ConnectWiseApi", "message": "UserNotAuthenticated"}
    desk.switch(bad_credentials_status=404)
    assert desk.send("GET", "/system/info", headers=wrong).status == 404
    assert desk.send("GET", "/system/info", headers={"clientid": ""}).status == 401


def test_company_info_tells_the_codebase_without_credentials(desk: Desk) -> None:
    answer = desk.send("GET", "/login/companyinfo/training", prefix="")
    assert answer.json["Codebase"] == "v4_6_release/"
    assert desk.send("GET", "/login/companyinfo/other", prefix="").json is None


def test_reports_give_rows_by_columns(desk: Desk) -> None:
    path = "/system/reports/Product"
    answer = desk.get(
        path,
        columns="iv_product_RecID,Quantity",
        conditions="iv_product_RecID in (40001,40003)",
        orderBy="Quantity",
    )
    assert answer["row_values"] == [[40003, 3.0], [40001, 10.0]]
    assert list(answer["column_definitions"][0]) == ["iv_product_RecID"]
    assert desk.get(f"{path}/count") == {"count": 4}
    assert desk.send("GET", path, columns="nonsense").status == 400
    assert desk.send("GET", path, conditions="nonsense=1").status == 400
    assert desk.send("GET", "/system/reports/Nonsense").status == 404
    assert {"name": "PurchaseOrderWithLineItems"} in desk.get("/system/reports")
