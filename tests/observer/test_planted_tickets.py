"""The observer is silent over a good history of tickets, and loud over every planted fault."""

from __future__ import annotations

import copy

import pytest

from sandbox.observer import Case
from tests.e2e.harness import running
from tests.e2e.orders import CABLE, DOCK, INSTALL, Order
from tests.e2e.tickets import B2, a_ticket, choose
from tests.observer.conftest import History

pytestmark = [pytest.mark.processes, pytest.mark.xdist_group("observer")]
DEMAND = ("POST", "/procurement/purchasingDemands")
RECEIVE = ("PATCH", "/procurement/purchaseorders/")
_kept: dict[str, Case] = {}


@pytest.fixture
async def told(database_url: str, redis_url: str) -> History:
    """An order on a ticket of its own and one on a ticket of the desk, received and invoiced."""
    if "good" not in _kept:
        first = Order(lines=[(CABLE, 5), (INSTALL, 1)], quote_id=None, not_chosen=())
        second = Order(id=1202, lines=[(DOCK, 3)], quote_id=None, not_chosen=(), opportunity=None)
        more = {**B2, "invoice_action": "create_invoice"}
        async with running(database_url, redis_url, **more) as stack:
            number = await a_ticket(stack)
            for event in (
                first.approved(),
                choose(second, number).approved(),
                first.ordered(8891, [(CABLE, 5)]),
                second.ordered(8892, [(DOCK, 3)]),
                first.receipted(8891, {1: 2}),
                first.receipted(8891),
                second.receipted(8892),
            ):
                await stack.deliver(event)
            for order in (first, second):
                await stack.until_state(order.number, "done")
            begun = (await stack.cw.get(f"{stack.sandbox.control_url}/first")).json()
            log = await stack.requests()
            service = stack.sandbox.credentials.headers["clientId"]
            _kept["good"] = Case(list(stack.accepted), log, begun, service, (), "B2")
    return History(copy.deepcopy(_kept["good"]))


def test_a_good_history_is_silent_and_was_looked_at(told: History) -> None:
    assert told.findings() == []
    assert told.case.writes > 15


def test_g9_a_sales_order_is_no_write_of_this_configuration(told: History) -> None:
    told.insert(len(told.log) - 1, "POST", "/sales/orders", ("order", {"id": 9, "status": 1}))
    assert "G9" in told.rules()


def test_h1_a_ticket_twice(told: History) -> None:
    twin = {**told.rows("ticket")[-1], "id": 999_999, "externalXRef": "dl:default:1201:ticket"}
    told.insert(len(told.log) - 1, "POST", "/service/tickets", ("ticket", twin))
    found = [f.sentence for f in told.findings() if f.rule == "H1"]
    assert any("tickets [" in sentence for sentence in found)


def test_h1_a_mark_twice_on_a_ticket(told: History) -> None:
    (product,) = told.marked("dl:default:1201:1")
    twin = {**product, "id": 999_999}
    told.insert(len(told.log) - 1, "POST", "/procurement/products", ("product", twin))
    assert "H1" in told.rules()


@pytest.mark.parametrize("field", ["opportunity", "salesOrder"])
def test_a4_on_the_ticket_and_sold_elsewhere_too(told: History, field: str) -> None:
    (product,) = told.marked("dl:default:1201:1")
    twin = {**product, "id": 999_999, "ticket": None, field: 88}
    told.insert(len(told.log) - 1, "POST", "/procurement/products", ("product", twin))
    assert "A4" in told.rules()


@pytest.mark.parametrize("write", [DEMAND, RECEIVE])
def test_b2_4_linked_or_received_on_a_closed_ticket(told: History, write: tuple[str, str]) -> None:
    at = told.index(*write, receivedQuantity=1) if write is RECEIVE else told.index(*write)
    closed = next(row for row in told.rows("boardStatus") if row["closedStatus"])
    line = told.log[at]["changed"]
    products = {change["row"]["product"] for change in line if change["table"] == "link"}
    number = next(p["ticket"] for p in told.rows("product") if p["id"] in products)
    one = next(row for row in told.rows("ticket") if row["id"] == number)
    told.insert(at, "ACT", "/_sandbox/act", ("ticket", {**one, "status": closed["id"]}))
    assert "B2.4" in told.rules()
    told.case.permitted = {"B2.4"}
    assert "B2.4" not in told.rules()


def test_e4_a_product_of_the_desk_was_edited(told: History) -> None:
    number = told.rows("ticket")[0]["id"]
    desk = {**told.marked("dl:default:1201:1")[0], "id": 999_999, "integrationXRef": None}
    desk["ticket"] = number
    at = len(told.log) - 1
    told.insert(at, "ACT", "/_sandbox/act", ("product", desk))
    told.insert(at + 1, "PATCH", "/procurement/products/999999", ("product", {**desk, "price": 1}))
    assert "E4" in told.rules()


def test_e6_on_a_ticket_of_another_company(told: History) -> None:
    other = next(row for row in told.rows("company") if row["identifier"] == "Northwind")
    foreign = {
        **told.rows("ticket")[0],
        "id": 999_999,
        "company": other["id"],
        "externalXRef": None,
    }
    (product,) = told.marked("dl:default:1201:1")
    at = len(told.log) - 1
    told.insert(at, "ACT", "/_sandbox/act", ("ticket", foreign))
    moved = {**product, "ticket": foreign["id"]}
    told.insert(at + 1, "PATCH", f"/procurement/products/{product['id']}", ("product", moved))
    assert "E6" in told.rules()


def test_b1_11_a_ticket_was_released_before_its_goods(told: History) -> None:
    released = told.index("PATCH", "/service/tickets/")
    told.move(released, told.index(*DEMAND))
    assert "B1.11" in told.rules()


def test_b1_11_a_ticket_was_invoiced_before_its_goods(told: History) -> None:
    told.move(told.index("POST", "/finance/invoices"), told.index(*DEMAND))
    assert "B1.11" in told.rules()
