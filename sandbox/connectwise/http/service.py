"""The endpoints of tickets that are more than a list or a record: searches, copies, short forms."""

from __future__ import annotations

from functools import partial

from sandbox.connectwise.http.listing import Listing, shown
from sandbox.connectwise.http.routes import Call, Result, add_route, route
from sandbox.connectwise.model.engine import object_body


def search(table: str, call: Call) -> Result:
    """A list whose conditions are in the body, for those too long for an address."""
    body = object_body(call.body)
    given = {name: value for name, value in body.items() if isinstance(value, str) and value}
    parameters = {**call.request.parameters, **given}
    return call.listed(Listing(call.psa, call.view, table, parameters))


for table, path in (("ticket", "/service/tickets"), ("projectTicket", "/project/tickets")):
    add_route("POST", f"{path}/search", partial(search, table))


@route("GET", "/service/tickets/#/info")
def ticket_info(call: Call) -> Result:
    row = call.psa.engine.existing("ticket", call.ids[0], None, call.view)
    names = ["id", "summary", "company", "_info"]
    return Result(200, shown(call.psa, call.view, "ticket", row, names))


@route("POST", "/service/tickets/#/copy")
def copy_ticket(call: Call) -> Result:
    """A new, open ticket that asks the same; notes and products stay where they are."""
    world, engine = call.psa.world, call.psa.engine
    with world.write():
        ticket = engine.existing("ticket", call.ids[0], None, world.store)
        told = call.psa.show("ticket", ticket)
        copied = {name: told[name] for name in COPIED if name in told}
        row = engine.create("ticket", copied)
    return Result(200, call.psa.show("ticket", row))


COPIED = (
    *("summary", "board", "company", "site", "contact", "type", "subType", "item", "team"),
    *("owner", "priority", "source", "severity", "impact", "opportunity", "agreement", "poNumber"),
    *("billTime", "billExpenses", "billProducts", "location", "department", "budgetHours"),
)
