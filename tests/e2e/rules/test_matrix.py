"""G9: of each record exactly one system is the poster. What the service writes is the row of its
configuration in the matrix, no more and no less, read from the logs of the sandboxes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.e2e.harness import Rest
from tests.e2e.ledgers import LEDGERS, Kept, invoice, kept
from tests.e2e.orders import CABLE, DOCK, INSTALL, MONITOR, MONITOR_BIG, SYNNEX, Order
from tests.e2e.poster import CONNECTWISE, Write, kinds, written

pytestmark = pytest.mark.processes

SOLD = {Write.TICKET, Write.OPPORTUNITY_WON, Write.PRODUCTS, Write.RELEASE}
BOUGHT = {Write.DEMAND, Write.PURCHASE_ORDER, Write.RECEIVING}
# Both ledgers have to make this vendor; ConnectWise knows it by its account number.
SUPPLIER = {**SYNNEX, "name": "TD Synnex Benelux"}
OWED = {Write.LEDGER_BILL, Write.LEDGER_CONTACT}


@dataclass(frozen=True)
class Row:
    """A row of the matrix: the scenario and what the service writes; `optional` is what it writes
    only where products go by a sales order and not by a ticket."""

    scenario: str
    writes: set[Write]
    optional: set[Write] = field(default_factory=set)


A = Row("connectwise-invoicing", SOLD | OWED, {Write.SALES_ORDER})
B1 = Row("connectwise-procurement-opportunity", SOLD | BOUGHT | {Write.SALES_ORDER})
B2 = Row("connectwise-procurement-ticket", SOLD | BOUGHT)
C = Row("commerce-invoicing", {Write.TICKET, Write.OPPORTUNITY_WON, Write.LEDGER_INVOICE} | OWED)
D = Row("connectwise-managed", SOLD | {Write.SUGGESTION}, {Write.SALES_ORDER})


def story() -> tuple[Order, list[Rest]]:
    """Everything that could make a write: options, a new product, goods of two suppliers in parts,
    a service, freight on both sides, and the sales invoice that Commerce issues."""
    order = Order(
        lines=[(MONITOR, 10), (CABLE, 5), (DOCK, 3), (INSTALL, 1)],
        not_chosen=(MONITOR_BIG,),
        header={"deliveryAmount": 25},
    )
    sold = invoice(
        order,
        ("product", "Goods", "1", "3409.5"),
        ("service", "Installation", "1", "450"),
        ("freight", "Delivery", "1", "25"),
    )
    events = [
        order.quote(),
        order.approved(),
        sold,
        order.ordered(8891, [(MONITOR, 10), (CABLE, 5)]),
        order.ordered(8892, [(DOCK, 3)], SUPPLIER),
        order.receipted(8891, {1: 4}),
        order.receipted(8892),
        order.receipted(8891),
    ]
    for event in events[-3:]:
        event["data"]["receipt"]["freight"] = 30
    return order, events


async def played(books: Kept) -> Rest:
    """The story told to its end: everything received, and nothing left to do."""
    order, events = story()
    await books.tell(*events[:-3])
    # What is suggested to buy (D) is told before it comes.
    await books.stack.until(
        order.number,
        lambda o: (
            [line["on_purchase_orders"] for line in o["lines"]][:3] == GOODS
            and (o["state"] == "done" or o["answer"]["code"] == "GOODS_NOT_RECEIVED")
        ),
    )
    await books.tell(*events[-3:])
    told = await books.stack.until(
        order.number,
        lambda o: o["state"] == "done" and [line["received"] for line in o["lines"]][:3] == GOODS,
    )
    assert {step["state"] for step in told["steps"]} <= {"done", "not_needed"}, told["steps"]
    return told


GOODS = ["10", "5", "3"]
# Both ledgers where there is something to post; where there is not, one that is connected in vain.
ROWS = [
    *(pytest.param(A, ledger, id=f"A-{ledger}") for ledger in LEDGERS),
    pytest.param(B1, "xero", id="B1"),
    pytest.param(B2, "quickbooks", id="B2"),
    *(pytest.param(C, ledger, id=f"C-{ledger}") for ledger in LEDGERS),
    pytest.param(D, "xero", id="D"),
]


@pytest.mark.parametrize(("row", "ledger"), ROWS)
async def test_g9_what_is_written_is_the_row_of_the_matrix(
    database_url: str, redis_url: str, row: Row, ledger: str
) -> None:
    more: dict[str, Any] = {"invoice_status": "approved"} if row is C else {}
    async with kept(ledger, database_url, redis_url, scenario=row.scenario, **more) as books:
        await played(books)
        assert await written(books) == row.writes | row.optional


@pytest.mark.parametrize("row", [pytest.param(A, id="A"), pytest.param(D, id="D")])
async def test_g9_the_sales_order_is_optional_where_tickets_are_invoiced(
    database_url: str, redis_url: str, row: Row
) -> None:
    more: dict[str, Any] = {"scenario": row.scenario, "invoice_from": "ticket"}
    async with kept("xero", database_url, redis_url, **more) as books:
        await played(books)
        assert await written(books) == row.writes


@pytest.mark.parametrize(
    "row",
    [pytest.param(row, id=name) for name, row in {"A": A, "B1": B1, "B2": B2, "D": D}.items()],
)
async def test_g9_connectwises_own_invoice_is_made_where_that_is_set(
    database_url: str, redis_url: str, row: Row
) -> None:
    """D-5: and the ledger's is ConnectWise's all the same."""
    more: dict[str, Any] = {"scenario": row.scenario, "invoice_action": "create_invoice"}
    async with kept("xero", database_url, redis_url, **more) as books:
        await played(books)
        assert await written(books) == row.writes | row.optional | {Write.INVOICE}


async def test_g9_a_sales_order_that_a_person_makes_is_not_made_by_the_service(
    database_url: str, redis_url: str
) -> None:
    more: dict[str, Any] = {"scenario": B1.scenario, "sales_order_creation": "wait_for_person"}
    order, events = story()
    async with kept("xero", database_url, redis_url, **more) as books:
        await books.tell(*events)
        await books.stack.until_state(order.number, "waiting", "SO_MISSING")
        assert await written(books) == B1.writes - BOUGHT - {Write.SALES_ORDER, Write.RELEASE}
        await books.stack.control("act", {"act": "convert_opportunity", "id": 88})
        await books.stack.until_state(order.number, "done")
        assert await written(books) == B1.writes - {Write.SALES_ORDER}


def test_g9_a_write_that_no_column_knows_is_an_error() -> None:
    known = {"method": "POST", "path": "/v4_6_release/apis/3.0/sales/orders", "body": {}}
    assert kinds([known], CONNECTWISE) == {Write.SALES_ORDER}
    with pytest.raises(AssertionError, match="No column of G9 knows POST /company/contacts"):
        kinds([{**known, "path": "/v4_6_release/apis/3.0/company/contacts"}], CONNECTWISE)
