from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.connectwise.model.store import PAST_SECONDS, Row, Store, View
from tests.sandbox.desk import Desk

NAMES = st.sampled_from(["a", "B", "b", None])
WRITES = st.lists(
    st.tuples(
        st.lists(st.tuples(st.integers(1, 4), st.one_of(st.just("drop"), NAMES)), max_size=3),
        st.booleans(),  # whether the write is refused in the end
        st.sampled_from([0.0, 1.0, 200.0]),
    ),
    max_size=400,
)


def rows_of(view: View) -> dict[int, Row]:
    return {row["id"]: row for row in view.rows("thing")}


def found(view: View, rows: dict[int, Row], value: str | None) -> tuple[list[Row], list[Row]]:
    """What the index finds and what a plain search finds."""
    wanted = value.casefold() if value else value
    plain = [
        row
        for _, row in sorted(rows.items())
        if (row["name"].casefold() if row["name"] else row["name"]) == wanted
    ]
    return view.find("thing", "name", [value]), plain


@given(WRITES)
def test_a_view_of_the_past_is_the_state_as_it_was(
    writes: list[tuple[list[tuple[int, str | None]], bool, float]],
) -> None:
    store = Store()
    store.add_table("thing", ("name",), 1)
    moment = 0.0
    states: list[tuple[float, dict[int, Row]]] = [(-1.0, {})]
    for changes, refused, wait in writes:
        moment += wait
        before = rows_of(store)
        store.begin()
        for number, name in changes:
            row: Any = None if name == "drop" else {"id": number, "name": name}
            store.put("thing", number, row)
        if refused:
            store.rollback()
            assert rows_of(store) == before
            continue
        store.commit(moment)
        states.append((moment, rows_of(store)))
    latest = dict(states)
    for at, state in latest.items():
        if at < moment - PAST_SECONDS or at < 0:
            continue
        view = store.as_of(at)
        assert rows_of(view) == state
        for number in range(1, 5):
            assert view.get("thing", number) == state.get(number)
        for value in ("a", "b", "B", None):
            by_index, plain = found(view, state, value)
            assert by_index == plain


def test_rows_change_only_inside_a_write_and_one_at_a_time() -> None:
    store = Store()
    store.add_table("thing", (), 1)
    with pytest.raises(RuntimeError):
        store.put("thing", 1, {"id": 1})
    store.begin()
    with pytest.raises(RuntimeError):
        store.begin()


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["demand", "receive", "clone", "cancel", "drop", "ship", "less", "more"]),
        st.integers(0, 5),
        st.integers(1, 6),
    ),
    max_size=25,
)
SWITCHES = st.fixed_dictionaries(
    {
        "clone_keeps_link": st.booleans(),
        "auto_pick": st.booleans(),
        "auto_close_line": st.booleans(),
    }
)


@given(SWITCHES, STEPS)
def test_nothing_is_lost_or_made_between_demand_lines_stock_and_shipping(
    switches: dict[str, bool], steps: list[tuple[str, int, int]]
) -> None:
    desk = Desk()
    desk.switch(**switches)
    order = desk.convert()
    product = desk.plain_product("THING", order=order["id"], quantity=10)
    path = f"/procurement/products/{product['id']}"
    for step, place, quantity in steps:
        _step(desk, product["id"], step, place, quantity)
        _check(desk, path, product["id"])


def _step(desk: Desk, product: int, step: str, place: int, quantity: int) -> None:
    """One attempt; many are refused, and a refusal is as good as any."""
    lines = [
        line
        for purchase in desk.get("/procurement/purchaseorders", pageSize=1000)
        for line in desk.lines(purchase["id"])
    ]
    line = lines[place] if place < len(lines) else None
    if step == "demand":
        body = {
            "vendor": {"id": 252},
            "products": [{"productRecId": product, "quantity": quantity}],
        }
        desk.send("POST", "/procurement/purchasingDemands", body)
    elif step in {"less", "more"}:
        wanted = 2 * quantity if step == "less" else 10 + quantity
        desk.try_patch(f"/procurement/products/{product}", quantity=wanted)
    elif step == "ship":
        desk.control("POST", "/act", {"act": "ship_product", "id": product, "quantity": quantity})
    elif line is not None:
        kinds = {
            "receive": "FullyReceived",
            "clone": "PartiallyReceiveCloneRest",
            "cancel": "PartiallyReceiveCancelRest",
        }
        if step == "drop":
            order = f"/procurement/purchaseorders/{line['purchaseOrderId']}"
            desk.try_patch(f"{order}/lineitems/{line['id']}", canceledFlag=True)
        else:
            desk.receive(
                line, quantity if step != "receive" else int(line["quantity"]), kinds[step]
            )


def _check(desk: Desk, path: str, product: int) -> None:
    store = desk.psa.world.store
    shown = desk.get(path)
    links = store.find("link", "product", [product])
    linked = sum(link["quantity"] for link in links)
    details = store.find("shipping", "productItem", [product])
    picked = sum(detail["pickedQuantity"] for detail in details)
    shipped = sum(detail["shippedQuantity"] for detail in details)
    lines = list(store.rows("line"))
    received = sum(line["receivedQuantity"] for line in lines)
    (item,) = {line["product"] for line in lines} or {None}
    stock = sum(row["onHand"] for row in store.find("inventory", "catalogItem", [item]))
    assert stock + picked == received
    assert 0 <= shipped <= picked <= shown["quantity"]
    assert stock >= 0
    for link in links:
        assert 0 <= link["received"] <= link["quantity"]
        assert store.get("line", link["line"]) is not None
    for line in lines:
        held = sum(link["quantity"] for link in store.find("link", "line", [line["id"]]))
        assert held <= line["quantity"]
        assert line["receivedQuantity"] <= line["quantity"]
    assert shown["needToOrderQuantity"] <= max(shown["quantity"] - linked, 0)
    assert shown["needToPurchaseFlag"] is (shown["needToOrderQuantity"] > 0)


@pytest.mark.parametrize("writer", ["copy", "original"])
def test_a_copy_and_what_it_was_made_of_see_nothing_of_each_others_writes(writer: str) -> None:
    original = Store()
    original.add_table("thing", ("name",), 1)
    original.begin()
    original.put("thing", 1, {"id": 1, "name": "a"})
    original.commit(0.0)
    copy = original.copy()
    writing, other = (copy, original) if writer == "copy" else (original, copy)
    writing.begin()
    number = writing.new_id("thing")
    writing.put("thing", 1, {"id": 1, "name": "b"})
    writing.commit(1.0)
    assert rows_of(other) == {1: {"id": 1, "name": "a"}}
    assert other.find("thing", "name", ["b"]) == []
    assert writing.find("thing", "name", ["b"]) == [{"id": 1, "name": "b"}]
    assert other.new_id("thing") == number
