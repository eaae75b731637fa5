"""The wire's own rules, one by one, where clients meet them seldom."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl

import pytest

from tests.sandbox.desk import Desk

COMPANIES = "/company/companies"
CATALOG = "/procurement/catalog"


def names(answer: Any) -> list[str]:
    return [record["identifier"] for record in answer.json]


def test_the_names_of_parameters_count_without_regard_to_case(desk: Desk) -> None:
    given: dict[str, Any] = {
        "CONDITIONS": "isVendorFlag=False",
        "pagesize": 1,
        "orderby": "id desc",
    }
    first = desk.send("GET", COMPANIES, **given, Fields="identifier")
    assert (first.status, first.json) == (200, [{"identifier": "Northwind"}])
    following = dict(parse_qsl(first.links["next"].partition("?")[2]))
    assert desk.get(COMPANIES, **following) == [{"identifier": "Contoso"}]
    email = 'communicationItems/value="dana.lee@contoso.example"'
    assert len(desk.get("/company/contacts", childconditions=email)) == 1
    # What was sent is what is logged.
    assert set(desk.log()[0]["query"]) == {"CONDITIONS", "pagesize", "orderby", "Fields"}


def test_links_end_with_the_page_where_clients_look_for_it(desk: Desk) -> None:
    """There alone pyconnectwise finds its number: right before the bracket."""
    header = desk.send("GET", COMPANIES, pageSize=1, page=2).headers["link"]
    found = dict(reversed(pair) for pair in re.findall(r'[?&]page=(\d+)>; rel="(\w+)"', header))
    assert found == {"first": "1", "prev": "1", "next": "3", "last": "4"}
    forward = {"pagination-type": "forward-only"}
    header = desk.send("GET", COMPANIES, headers=forward, pageSize=1).headers["link"]
    assert re.search(r'[?&]pageId=250>; rel="next"$', header)


def test_forward_only_paging_ignores_the_page_and_keeps_the_conditions(desk: Desk) -> None:
    forward = {"pagination-type": "Forward-Only"}
    vendors: dict[str, Any] = {"conditions": "isVendorFlag=True", "pageSize": 1}
    answer = desk.send("GET", COMPANIES, headers=forward, page=7, **vendors)
    assert names(answer) == ["INGRAM"]
    assert "conditions=isVendorFlag%3DTrue" in answer.links["next"]
    answer = desk.send("GET", COMPANIES, headers=forward, pageId=252, **vendors)
    assert names(answer) == ["SYNNEX"]
    assert answer.headers["link"] == ""


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("application/vnd.connectwise.com+json; version=2024.13", "2024.13"),
        ("application/vnd.connectwise.com+json;version=2025.1", "2025.1"),
        ("application/vnd.connectwise.com+json", "2025.1"),
        ("application/json", "2025.1"),
        ("", "2025.1"),
    ],
)
def test_an_answer_is_of_the_version_that_was_asked_for_or_the_newest(
    desk: Desk, accept: str, kind: str
) -> None:
    answer = desk.send("GET", "/system/info", headers={"accept": accept})
    assert answer.headers["content-type"].endswith(f"+json; version={kind}")
    assert answer.headers["api-current-version"] == "2025.1"


def test_refusals_tell_the_newest_version_too(desk: Desk) -> None:
    for path in (f"{COMPANIES}/1", "/nothing"):
        refused = desk.send("GET", path)
        assert (refused.status, refused.headers["api-current-version"]) == (404, "2025.1")
        assert refused.headers["content-type"] == "application/json"


def test_another_codebase_than_connectwise_has_is_no_address(desk: Desk) -> None:
    """As after an upgrade of a hosted system: the client has to look its codebase up again."""
    for codebase, status in (("v4_6_release", 200), ("v2025_1", 200), ("release", 404)):
        answer = desk.send("GET", f"{COMPANIES}/250", prefix=f"/{codebase}/apis/3.0")
        assert answer.status == status
    answer = desk.send("GET", f"{COMPANIES}/250", prefix="/apis/3.0")
    assert answer.json == {"code": "ConnectWiseApi", "message": "The endpoint does not exist."}


def test_an_address_longer_than_2000_characters_is_refused_before_anything_else(
    desk: Desk,
) -> None:
    numbers = ",".join(str(number) for number in range(1000, 1250))
    assert desk.send("GET", COMPANIES, conditions=f"id in ({numbers})").status == 200
    numbers = ",".join(str(number) for number in range(1000, 1300))
    answer = desk.send("GET", COMPANIES, conditions=f"id in ({numbers})")
    assert answer.status == 414
    assert desk.log()[-1]["response"] == "Request-URI Too Long"


def test_text_with_a_bracket_that_is_not_escaped_is_refused(desk: Desk) -> None:
    desk.patch(f"{COMPANIES}/250", phoneNumber="7 [ext] x")
    for conditions in ('phoneNumber="7 [[]ext] x"', 'phoneNumber like "*[[]ext]*"'):
        assert len(desk.get(COMPANIES, conditions=conditions)) == 1
    refused = desk.send("GET", COMPANIES, conditions='phoneNumber="7 [ext] x"')
    assert (refused.status, "[[]" in refused.messages) == (400, True)


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ('(name like "T*" or name like "I*") and not (id = 252)', ["SYNNEX"]),
        ('NOT name CONTAINS "o" AND isVendorFlag = TRUE', ["SYNNEX"]),
        ('identifier not in ("INGRAM","SYNNEX","Contoso")', ["Northwind"]),
        ('name not like "*o*"', ["SYNNEX"]),
        ("lastUpdated > [2020-01-01T01:00:00+02:00] and id = 251", ["Northwind"]),
        ("_info/lastUpdated >= [2020-01-01] and id = 251", ["Northwind"]),
        ('taxCode/name = "TAX10" and status/name in ("Active")', ["Contoso", "Northwind"]),
    ],
)
def test_conditions_combine_as_the_vendor_s_language_says(
    desk: Desk, conditions: str, expected: list[str]
) -> None:
    assert names(desk.send("GET", COMPANIES, conditions=conditions)) == expected
    counted = desk.get(f"{COMPANIES}/count", conditions=conditions)
    assert counted == {"count": len(expected)}


def test_the_escapes_b_and_f_are_not_supported_and_the_others_are(desk: Desk) -> None:
    path = f"{COMPANIES}/250"
    patch = b'[{"op":"replace","path":"phoneNumber","value":"%s"}]'
    for escape in (rb"\b", rb"\f", rb"x\\\b"):
        assert desk.send("PATCH", path, raw=patch % escape).status == 400
    for sent, stored in ((rb"\"a\\b\tc", '"a\\b\tc'), (rb"\\f", "\\f")):
        assert desk.send("PATCH", path, raw=patch % sent).status == 200
        assert desk.get(path)["phoneNumber"] == stored


def test_line_breaks_are_one_blank_save_in_notes(desk: Desk) -> None:
    text = "first\r\nsecond\nthird"
    kept = desk.patch(f"{CATALOG}/9001", customerDescription=text, notes=text)
    assert kept["customerDescription"] == "first second third"
    assert kept["notes"] == text


def test_put_clears_a_purchase_order_and_needs_what_is_required_on_updates(desk: Desk) -> None:
    body = {"vendorCompany": {"id": 252}, "terms": {"id": 1}, "status": {"id": 1}}
    order = desk.post("/procurement/purchaseorders", body | {"internalNotes": "keep?"})
    path = f"/procurement/purchaseorders/{order['id']}"
    refused = desk.refused("PUT", path, body)
    assert sorted(refused.codes) == [
        ("MissingRequiredField", "poDate"),
        ("MissingRequiredField", "poNumber"),
    ]
    whole = body | {name: order[name] for name in ("poDate", "poNumber")}
    answer = desk.send("PUT", path, whole)
    assert (answer.status, "internalNotes" in answer.json) == (200, False)


def test_who_does_not_say_who_it_is_gets_nothing(desk: Desk) -> None:
    for headers in (
        {"authorization": ""},
        {"authorization": "Bearer x"},
        {"authorization": "Basic not-base64"},
        {"authorization": "Basic dHJhaW5pbmc="},
        {"clientid": " "},
    ):
        answer = desk.send("GET", "/system/info", headers=headers)
        assert answer.status == 401
        assert set(answer.json) == {"code", "message"}
