"""The endpoints of sales that are more than a list or a record: whole forecasts, conversions.

Owns their bodies and answers; the rules behind them live in the model.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from sandbox.connectwise.http.listing import shown
from sandbox.connectwise.http.routes import Call, Result, add_route, route
from sandbox.connectwise.model import conversions
from sandbox.connectwise.model.engine import Engine, object_body
from sandbox.connectwise.model.errors import bad_request, not_found, refused
from sandbox.connectwise.model.rules import forecast, orders

SUMS = {
    *("productRevenue", "serviceRevenue", "agreementRevenue", "timeRevenue", "expenseRevenue"),
    *("forecastRevenueTotals", "inclusiveRevenueTotals", "recurringTotal", "wonRevenue"),
    *("lostRevenue", "openRevenue", "otherRevenue1", "otherRevenue2", "salesTaxRevenue"),
    *("forecastTotalWithTaxes", "expectedProbability", "taxCode", "billingTerms", "currency"),
    *("id", "_info"),
}
"""The fields of a forecast that nobody writes here."""


def _forecast(call: Call, number: int, current: bool) -> dict[str, Any]:
    view = call.psa.world.store if current else call.view
    opportunity = view.get("opportunity", number)
    if opportunity is None:
        raise not_found("opportunity", number)
    items = [
        shown(call.psa, view, "forecastItem", row, None)
        for row in view.find("forecastItem", "opportunity", (number,))
    ]
    return forecast.whole_forecast(view, opportunity, items)


@route("GET", "/sales/opportunities/#/forecast")
def get_forecast(call: Call) -> Result:
    return Result(200, [_forecast(call, call.ids[0], current=False)])


@route("GET", "/sales/opportunities/#/forecast/count")
def count_forecast(call: Call) -> Result:
    _forecast(call, call.ids[0], current=False)
    return Result(200, {"count": 1})


def _items(body: Any) -> list[Any]:
    items = object_body(body).get("forecastItems")
    if not isinstance(items, list):
        raise refused("forecast", "forecastItems", "The forecastItems field is required.")
    return items


@route("POST", "/sales/opportunities/#/forecast")
def post_forecast(call: Call) -> Result:
    items = _items(call.body)
    with call.psa.world.write():
        for item in items:
            call.psa.engine.create("forecastItem", item, call.ids[0])
    return Result(201, _forecast(call, call.ids[0], current=True))


@route("PUT", "/sales/opportunities/#/forecast")
def put_forecast(call: Call) -> Result:
    with call.psa.world.write():
        _replace_forecast(call.psa.engine, call.ids[0], _items(call.body))
    return Result(200, _forecast(call, call.ids[0], current=True))


def _replace_forecast(engine: Engine, number: int, items: list[Any]) -> None:
    """Replaces the whole forecast: items without a known id are new, missing ones go."""
    kept: set[int] = set()
    for item in items:
        known = object_body(item).get("id")
        if isinstance(known, int) and engine.world.get("forecastItem", known) is not None:
            kept.add(engine.put("forecastItem", known, item, number)["id"])
        else:
            kept.add(engine.create("forecastItem", item, number)["id"])
    for row in engine.world.find("forecastItem", "opportunity", number):
        if row["id"] not in kept:
            engine.delete("forecastItem", row["id"], number)


@route("DELETE", "/sales/opportunities/#/forecast")
def delete_forecast(call: Call) -> Result:
    with call.psa.world.write():
        for row in call.psa.world.find("forecastItem", "opportunity", call.ids[0]):
            call.psa.engine.delete("forecastItem", row["id"], call.ids[0])
    return Result(204, None)


@route("POST", "/sales/opportunities/#/forecast/#")
def post_forecast_item(call: Call) -> Result:
    """The vendor's path ends in an id here; a new item gets its own, whatever it says."""
    with call.psa.world.write():
        row = call.psa.engine.create("forecastItem", call.body, call.ids[0])
    return Result(201, call.psa.show("forecastItem", row))


@route("PATCH", "/sales/opportunities/#/forecast")
def patch_forecast(call: Call) -> Result:
    """Changes lines by their place in `forecastItems`, or replaces them all."""
    number, engine = call.ids[0], call.psa.engine
    operations = call.body
    if not isinstance(operations, list) or not operations:
        raise bad_request("A patch is a list of operations.")
    with call.psa.world.write():
        for operation in operations:
            _patch_forecast(engine, number, object_body(operation))
    return Result(200, _forecast(call, number, current=True))


def _patch_forecast(engine: Engine, number: int, operation: Mapping[str, Any]) -> None:
    path = str(operation.get("path") or "").strip("/")
    name, *rest = path.split("/")
    if name != "forecastItems":
        if name in SUMS:
            return  # sums follow their lines, whatever a client sends
        raise refused("forecast", path, f"The path {path} could not be found.")
    lines = engine.world.find("forecastItem", "opportunity", number)
    if not rest:
        items = operation.get("value")
        if not isinstance(items, list):
            raise refused("forecast", path, "The value must be a list.")
        _replace_forecast(engine, number, items)
        return
    if not rest[0].isdigit() or int(rest[0]) >= len(lines):
        raise refused("forecast", path, f"The path {path} could not be found.")
    line = lines[int(rest[0])]
    if len(rest) > 1:
        engine.patch(
            "forecastItem", line["id"], [{**operation, "path": "/".join(rest[1:])}], number
        )
    elif str(operation.get("op")).lower() == "remove":
        engine.delete("forecastItem", line["id"], number)
    else:
        engine.put("forecastItem", line["id"], operation.get("value"), number)


@route("POST", "/sales/opportunities/#/forecast/copy/#")
def copy_forecast_line(call: Call) -> Result:
    world = call.psa.world
    with world.write():
        line = call.psa.engine.existing("forecastItem", call.ids[1], call.ids[0], world.store)
        forecast.copy_line(world, line)
    return Result(200, {"success": True, "message": f"Forecast item {line['id']} copied."})


# --- conversions


def convert(source_table: str, kind: str, status: int, call: Call) -> Result:
    world, engine = call.psa.world, call.psa.engine
    with world.write():
        source = engine.existing(source_table, call.ids[0], None, world.store)
        row = conversions.convert(engine, source_table, source, kind, object_body(call.body))
    return Result(status, call.psa.show(conversions.KINDS[kind].table, row))


def conversions_of(source_table: str, call: Call) -> Result:
    call.psa.engine.existing(source_table, call.ids[0], None, call.view)
    return Result(200, conversions.conversions_of(call.view, source_table, call.ids[0]))


for source_table, place, answers in (
    (
        "opportunity",
        "/sales/opportunities",
        {"SalesOrder": 201, "ServiceTicket": 201, "Project": 201, "Agreement": 201},
    ),
    ("order", "/sales/orders", {"ServiceTicket": 200, "Project": 201, "Agreement": 201}),
):
    add_route("GET", f"{place}/conversions/#", partial(conversions_of, source_table))
    for kind, status in answers.items():
        to_kind = partial(convert, source_table, kind, status)
        add_route("POST", f"{place}/#/convertTo{kind}", to_kind)


# --- sales orders


@route("GET", "/sales/orders/#/financialrecap")
def financial_recap(call: Call) -> Result:
    order = call.psa.engine.existing("order", call.ids[0], None, call.view)
    return Result(200, [orders.recap(call.view, order)])


@route("POST", "/sales/orders/statuses")
def post_order_status(call: Call) -> Result:
    """The vendor answers this one with a list."""
    with call.psa.world.write():
        row = call.psa.engine.create("orderStatus", call.body)
    return Result(200, [call.psa.show("orderStatus", row)])
