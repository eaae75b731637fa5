"""User-defined fields: set up for a kind of record, written only as a whole list."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.connectwise.model.custom import POD_OF
from sandbox.connectwise.model.resources import RESOURCES
from tests.sandbox.desk import Desk

SET_UP = "/system/userDefinedFields"


def set_up(desk: Desk, table: str, caption: str, kind: str = "Text", **more: Any) -> int:
    body = {
        "podId": POD_OF[table],
        "caption": caption,
        "sequenceNumber": 1,
        "fieldTypeIdentifier": kind,
    }
    return int(desk.post(SET_UP, body | more)["id"])


def values(record: Any) -> dict[str, Any]:
    return {field["caption"]: field.get("value") for field in record["customFields"]}


def place(desk: Desk, table: str) -> str:
    """The address of a record of each kind that the task of a service touches."""
    order = desk.convert()
    first = min(product["id"] for product in desk.products(salesOrder=order["id"]).values())
    if table in {"purchaseOrder", "line"}:
        purchase = desk.demand((first, 1))
        path = f"/procurement/purchaseorders/{purchase['id']}"
        return (
            f"{path}/lineitems/{desk.lines(purchase['id'])[0]['id']}" if table == "line" else path
        )
    if table == "invoice":
        number = desk.act("invoice_sales_order", order["id"])["id"]
    elif table == "ticket":
        ticket = {"summary": "x", "company": {"id": 250}}
        number = desk.post("/service/tickets", ticket)["id"]
    else:
        number = {"product": first, "order": order["id"], "opportunity": 88, "catalog": 9001}[table]
    return f"{RESOURCES[table].path}/{number}"


KINDS = ["purchaseOrder", "line", "product", "opportunity", "order", "catalog", "invoice", "ticket"]


@pytest.mark.parametrize("table", KINDS)
def test_a_write_replaces_the_whole_list_and_what_it_leaves_out_has_no_value_any_more(
    watched: Desk, table: str
) -> None:
    desk = watched
    path = place(desk, table)
    assert "customFields" not in desk.get(path)
    first, second = (set_up(desk, table, caption) for caption in ("Order", "Checked by"))
    read = desk.get(path)["customFields"]
    assert [(field["id"], field["caption"]) for field in read] == [
        (first, "Order"),
        (second, "Checked by"),
    ]
    for field in read:
        field["value"] = f"of {field['caption']}"
    changed = desk.patch(path, customFields=read)
    assert changed["customFields"] == read
    assert changed["customFields"][0]["type"] == "Text"
    assert changed["customFields"][0]["entryMethod"] == "EntryField"
    # Only what is named stays, and an element cannot be reached by its place.
    assert values(desk.patch(path, **{"customFields/1/value": "x"})) == values(changed)
    alone = desk.patch(path, **{"/customFields": [{"id": second, "value": "me"}]})
    assert values(alone) == {"Order": None, "Checked by": "me"}
    assert "value" not in alone["customFields"][0]
    answer = desk.send("PATCH", path, [{"op": "remove", "path": "customFields"}])
    assert (answer.status, values(answer.json)) == (200, {"Order": None, "Checked by": None})


def test_every_kind_of_record_with_custom_fields_has_a_pod() -> None:
    homes = {each.home for each in RESOURCES.values() if "customFields" in each.fields}
    assert homes == set(POD_OF)


def test_put_clears_them_and_a_new_record_may_bring_them(desk: Desk) -> None:
    number = set_up(desk, "ticket", "Order")
    body = {
        "summary": "x",
        "company": {"id": 250},
        "customFields": [{"id": number, "value": "ON10001201"}],
    }
    made = desk.post("/service/tickets", body)
    assert values(made) == {"Order": "ON10001201"}
    path = f"/service/tickets/{made['id']}"
    kept = desk.send("PUT", path, made)
    assert (kept.status, values(kept.json)) == (200, {"Order": "ON10001201"})
    del made["customFields"]
    assert values(desk.send("PUT", path, made).json) == {"Order": None}


def test_conditions_see_what_is_set_up_and_what_has_a_value(desk: Desk) -> None:
    path = "/procurement/catalog"
    number = set_up(desk, "catalog", "Shop code")
    desk.patch(f"{path}/9001", customFields=[{"id": number, "value": "A-1"}])

    def found(conditions: str) -> list[int]:
        answer = desk.get(path, customFieldConditions=conditions, fields="id")
        return [record["id"] for record in answer]

    assert found('caption="Shop code" AND value != null') == [9001]
    assert found('caption="shop code" and value like "a-*"') == [9001]
    assert found('caption="Shop code" AND value = "A-2"') == []
    assert len(found('caption="Shop code"')) == desk.get(f"{path}/count")["count"]


@pytest.mark.parametrize(
    ("kind", "more", "good", "stored", "bad"),
    [
        ("Number", {"numberDecimals": 1}, 2.25, 2.2, "2"),
        ("Percent", {}, 12.0, 12, True),
        ("Checkbox", {}, True, True, "true"),
        ("Date", {}, "2026-11-19T12:00:00+02:00", "2026-11-19T10:00:00Z", "soon"),
        ("Text", {}, "x", "x", 7),
        (
            "Text",
            {"entryTypeIdentifier": "List", "options": [{"optionValue": "A"}]},
            "A",
            "A",
            "B",
        ),
    ],
)
def test_a_value_is_of_its_field_s_type(
    desk: Desk, kind: str, more: dict[str, Any], good: Any, stored: Any, bad: Any
) -> None:
    number = set_up(desk, "opportunity", "X", kind, **more)
    path = "/sales/opportunities/88"
    assert values(desk.patch(path, customFields=[{"id": number, "value": good}]))["X"] == stored
    answer = desk.try_patch(path, customFields=[{"id": number, "value": bad}])
    assert (answer.status, answer.codes) == (400, [("InvalidField", "customFields")])
    assert values(desk.get(path))["X"] == stored


def test_a_field_without_an_id_or_given_twice_is_refused_and_an_unknown_one_kept(
    desk: Desk,
) -> None:
    path = "/sales/opportunities/88"
    for wrong in ([{"caption": "X", "value": 1}], [{"id": 7}, {"id": 7}], [{"id": True}]):
        assert desk.try_patch(path, customFields=wrong).codes == [("InvalidField", "customFields")]
    known = set_up(desk, "opportunity", "Order")
    unknown = {"id": 7, "caption": "Old", "type": "Text", "entryMethod": "EntryField", "value": "x"}
    shown = desk.patch(path, customFields=[unknown, {"id": known, "value": "y"}])["customFields"]
    assert [(field["id"], field["value"]) for field in shown] == [(known, "y"), (7, "x")]


def test_fields_stand_in_the_order_of_their_numbers_and_only_on_their_kind(desk: Desk) -> None:
    last = set_up(desk, "opportunity", "Last", sequenceNumber=20)
    first = set_up(desk, "opportunity", "First", sequenceNumber=10)
    set_up(desk, "order", "Elsewhere")
    shown = desk.get("/sales/opportunities/88")["customFields"]
    assert [field["id"] for field in shown] == [first, last]
    listed = desk.get(SET_UP, conditions=f"podId={POD_OF['opportunity']}", orderBy="sequenceNumber")
    assert [field["caption"] for field in listed] == ["First", "Last"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"podId": 99}, "podId"),
        ({"sequenceNumber": 0}, "sequenceNumber"),
        ({"sequenceNumber": 501}, "sequenceNumber"),
        ({"fieldTypeIdentifier": "Colour"}, "fieldTypeIdentifier"),
        ({"fieldTypeIdentifier": "Button"}, "buttonUrl"),
        ({"numberDecimals": 2}, "numberDecimals"),
        ({"caption": "x" * 26}, "caption"),
    ],
)
def test_a_set_up_that_makes_no_sense_is_refused(
    desk: Desk, change: dict[str, Any], field: str
) -> None:
    good = {"podId": 1, "caption": "X", "sequenceNumber": 1, "fieldTypeIdentifier": "Text"}
    assert desk.refused("POST", SET_UP, good | change).codes == [("InvalidField", field)]


def test_a_lagging_read_shows_the_fields_that_were_set_up_then(desk: Desk) -> None:
    desk.switch(read_lag_ms=3000)
    set_up(desk, "opportunity", "Order")
    assert "customFields" not in desk.get("/sales/opportunities/88")
    desk.pass_time(4)
    assert values(desk.get("/sales/opportunities/88")) == {"Order": None}
