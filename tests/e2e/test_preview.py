"""What a replay's plan tells is what the systems receive: every write and read of the order, by step.

Each order stands for a reason that people mend, in every configuration and with both ledgers. The
plan is made, run, and compared with the requests that came in at the sandbox and the ledger.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from app.sync import inbox
from tests.e2e.harness import Rest, Stack, bearer, running
from tests.e2e.ledgers import invoice, kept
from tests.e2e.orders import CABLE, DOCK, INSTALL, MONITOR, SYNNEX, Order

pytestmark = [pytest.mark.processes, pytest.mark.breadth]

B1, B2 = "connectwise-procurement-opportunity", "connectwise-procurement-ticket"
A, C, D = "connectwise-invoicing", "commerce-invoicing", "connectwise-managed"
ROWS = [(B1, None), (B2, None), (A, "xero"), (A, "quickbooks"), (C, "xero"), (C, "quickbooks")]
ROWS.append((D, None))
# Reference data of the ledgers: who they are, whom and what they know.
LISTS = re.compile(
    r"/procurement/catalog$|/(companyinfo/\d+|preferences|query)$|"
    r"/(Organisation|Organisation/Actions|Contacts|Accounts|TaxRates|Items)$"
)
# What a plan only calls possible, because it depends on what is found.
PERHAPS = {
    ("create_products", "read the forecast"): re.compile(r"(GET|PATCH) .*/forecast"),
    ("sync_purchase_order", "create a catalog item"): re.compile(r"POST /procurement/catalog$"),
    ("create_products", "create a catalog item"): re.compile(r"POST /procurement/catalog$"),
    ("ship_goods", "a second change"): re.compile(r"(PATCH|POST) .*/pickingShippingDetails"),
    ("post_bill", "read the purchase order in the ledger"): re.compile(r"GET .*/purchaseorder/\d+"),
    ("post_purchase_order", "close it"): re.compile(r"(GET|POST) /PurchaseOrders/"),
    ("post_purchase_order", "create the vendor"): re.compile(r"(PUT /Contacts|POST .*/vendor)$"),
    ("post_invoice", "create the customer"): re.compile(r"(PUT /Contacts|POST .*/customer)$"),
}


@dataclass
class Told:
    """A plan before it is run, and the systems' logs as they stood then."""

    replay: Rest
    sandbox: int
    ledger: int


@asynccontextmanager
async def standing(
    scenario: str, ledger: str | None, database_url: str, redis_url: str, **more: Any
) -> AsyncIterator[Stack]:
    if ledger is None:
        async with running(
            database_url, redis_url, worker=False, scenario=scenario, **more
        ) as stack:
            yield stack
        return
    one = kept(ledger, database_url, redis_url, scenario=scenario, worker=False, **more)
    async with one as books:
        yield books.stack


async def told(stack: Stack, *events: Rest) -> None:
    for event in events:
        assert (await stack.deliver(event))["status"] == 202


async def merge(stack: Stack) -> None:
    while await stack.container.store.merge(inbox.plan, 100):
        pass


async def at_rest(stack: Stack, order: Order, *codes: str) -> Rest:
    """The order once the worker is through with it, and the worker gone."""
    await stack.start_worker()
    found = await stack.until(order.number, lambda o: o["answer"]["code"] in codes)
    await asyncio.sleep(0.5)  # not in the middle of a call: that is another test
    await stack.kill_worker()
    return found


async def asked(stack: Stack, path: str, status: int = 200, **body: Any) -> Rest:
    answer = await stack.client.post(path, json=body, headers=bearer())
    assert answer.status_code == status, answer.text
    found: Rest = answer.json()
    return found


async def plan(stack: Stack, order: Order, **more: Any) -> Told:
    body = {"orders": [order.number], "reason": "the cause is gone", **more}
    replay = await asked(stack, "/admin/replays", 201, **body)
    return Told(replay, *[len(log) for log in await logs(stack)])


async def logs(stack: Stack) -> tuple[list[Rest], list[Rest]]:
    """The service's requests as ConnectWise and as the ledger received them."""
    own = stack.sandbox.credentials.headers["clientId"]
    cw = [entry for entry in await stack.requests() if entry.get("client") == own]
    return cw, await stack.ledger_log() if stack.ledger_log is not None else []


async def calls_of(stack: Stack, order: Order) -> list[Rest]:
    found: list[Rest] = []
    cursor = None
    while True:
        params = {"limit": 200, **({"cursor": cursor} if cursor else {})}
        answer = await stack.client.get(
            f"/admin/orders/{order.number}/calls", params=params, headers=bearer()
        )
        found += answer.json()["items"]
        cursor = answer.json()["next"]
        if cursor is None:
            return found


async def run(stack: Stack, order: Order, before: Told) -> tuple[Rest, Counter[tuple[str, bool]]]:
    """Its progress once all is through, and the calls that were made by step: (step, a write)."""
    known = len(await calls_of(stack, order))
    url = before.replay["url"]
    await asked(stack, f"{url}/run", 202)
    await stack.start_worker()

    async def through() -> Any:
        found = (await stack.client.get(url, headers=bearer())).json()
        return found if found["state"] == "done" else None

    await stack.until_true(through, 40)
    await stack.kill_worker()
    progress = await through()
    possible = {
        (step["step"], one) for item in before.replay["items"] for step in item["steps"]
        for one in step["perhaps"]
    }  # fmt: skip
    allowed = [
        (step, pattern)
        for (step, begins), pattern in PERHAPS.items()
        if any(s == step and one.startswith(begins) for s, one in possible)
    ]
    made, more = Counter[tuple[str, bool]](), Counter[tuple[str, bool]]()
    for call in (await calls_of(stack, order))[known:]:
        if call["purpose"] != "step" or (call["method"] == "GET" and LISTS.search(call["path"])):
            continue
        kind = call["step"], call["method"] != "GET"
        line = f"{call['method']} {call['path']}"
        made[kind] += 1
        more[kind] += any(step == call["step"] and one.match(line) for step, one in allowed)
    counted = foretold(before)
    for kind, many in more.items():  # only what goes beyond the plan may be a "perhaps"
        made[kind] -= min(many, max(0, made[kind] - counted[kind]))
    made = +made
    await _as_received(stack, order, before, known)
    return progress, made


async def _as_received(stack: Stack, order: Order, before: Told, known: int) -> None:
    """The calls that are kept are those that came in: nothing was sent beside them."""
    cw, ledger = await logs(stack)
    came = [*cw[before.sandbox :], *ledger[before.ledger :]]
    came = [entry for entry in came if not entry["path"].startswith("/connect")]
    ours = Counter(call["method"] for call in (await calls_of(stack, order))[known:])
    writes = Counter(entry["method"] for entry in came if entry["method"] != "GET")
    assert Counter({m: n for m, n in ours.items() if m != "GET"}) == writes


def foretold(before: Told) -> Counter[tuple[str, bool]]:
    found: Counter[tuple[str, bool]] = Counter()
    for step in (step for item in before.replay["items"] for step in item["steps"]):
        assert step["calls"] == len(step["writes"]) + len(step["reads"])
        assert step["runs"] or not step["calls"]
        assert not (step["no_op"] and step["calls"])
        found[step["step"], True] += len(step["writes"])
        found[step["step"], False] += len(step["reads"])
    return +found


async def exactly(stack: Stack, order: Order, **more: Any) -> Rest:
    """Plans, runs and compares."""
    before = await plan(stack, order, **more)
    progress, made = await run(stack, order, before)
    assert made == foretold(before), [
        (s["step"], s["subject"], s["writes"], s["reads"])
        for s in before.replay["items"][0]["steps"]
    ]
    return progress


def an_order(**more: Any) -> Order:
    return Order(
        lines=[(MONITOR, 10), (DOCK, 3), (INSTALL, 1)], header={"deliveryAmount": 25}, **more
    )


def documents(order: Order, scenario: str) -> list[Rest]:
    """A quote with options; two suppliers; one has sent a part."""
    found = [
        order.quote(),
        order.approved(),
        order.ordered(8891, [(MONITOR, 10), (DOCK, 1)]),
        order.ordered(8892, [(DOCK, 2)], SYNNEX),
        order.receipted(8891, {1: 4}),
    ]
    if scenario == C:
        lines = [("product", "Monitor", "10", "239"), ("product", "Dock", "3", "319")]
        found.append(invoice(order, *lines))
    return found


async def mapped(stack: Stack) -> None:
    answer = await stack.client.put(
        "/admin/mappings",
        json={"kind": "company", "commerce_key": "7799", "connectwise_key": "Contoso"},
        headers=bearer(),
    )
    assert answer.status_code == 200, answer.text


NOBODY = {"id": 7799, "accountNumber": "NOBODY", "name": "Nobody Ltd"}


@pytest.mark.parametrize(("scenario", "ledger"), ROWS)
async def test_an_order_whose_mapping_was_missing_makes_the_calls_of_its_plan(
    database_url: str, redis_url: str, scenario: str, ledger: str | None
) -> None:
    order = an_order(customer=dict(NOBODY), company=None)
    async with standing(scenario, ledger, database_url, redis_url) as stack:
        await told(stack, *documents(order, scenario))
        await at_rest(stack, order, "MAPPING_MISSING")
        await mapped(stack)
        if (scenario, ledger) == (C, "quickbooks"):  # it has no drafts: a person says what then
            await exactly_but_refused(stack, order)
            return
        await exactly(stack, order)


async def exactly_but_refused(stack: Stack, order: Order) -> None:
    """What only the ledger itself can say is in no plan: the write that it stops is not made."""
    before = await plan(stack, order)
    progress, made = await run(stack, order, before)
    assert foretold(before) - made == Counter({("post_invoice", True): 1})
    assert not made - foretold(before)
    (item,) = progress["items"]
    assert item["result"]["code"] == "INVOICE_NOT_APPROVED"


@pytest.mark.parametrize(("scenario", "ledger"), ROWS)
async def test_an_order_that_is_on_its_way_goes_on_by_its_plan(
    database_url: str, redis_url: str, scenario: str, ledger: str | None
) -> None:
    """Sold before; then ordered, with surplus of what is sold and of what is not, and received in
    part."""
    order = an_order()
    async with standing(scenario, ledger, database_url, redis_url) as stack:
        first = documents(order, B1)[:2]
        await told(stack, *first)
        await at_rest(stack, order, "LINE_NOT_ORDERED", "SALES_INVOICE_MISSING")
        second = [
            order.ordered(8893, [(MONITOR, 10), (DOCK, 5), (CABLE, 2)]),
            order.receipted(8893, {1: 4, 2: 4}),
        ]
        await told(stack, *second)
        await merge(stack)
        await exactly(stack, order)
        await told(stack, order.receipted(8893))
        await merge(stack)
        await exactly(stack, order)


# --- other states of an order ---------------------------------------------------------------------


async def test_a_done_order_is_a_no_op_in_its_plan_and_in_its_run(
    database_url: str, redis_url: str
) -> None:
    order = Order(lines=[(MONITOR, 10)], quote_id=None, not_chosen=())
    async with standing(B1, None, database_url, redis_url) as stack:
        await told(stack, order.approved(), order.ordered(8891, [(MONITOR, 10)]))
        await told(stack, order.receipted(8891))
        await at_rest(stack, order, "RELEASED")
        before = await plan(stack, order)
        (item,) = before.replay["items"]
        assert (item["state"], item["calls"]) == ("nothing_to_do", 0)
        assert all(step["no_op"] or not step["runs"] for step in item["steps"])
        progress, made = await run(stack, order, before)
        assert not made
        assert progress["items"][0]["state"] == "nothing_to_do"


async def test_a_skipped_step_stays_skipped_and_the_rest_goes_by_the_plan(
    database_url: str, redis_url: str
) -> None:
    order = an_order(customer=dict(NOBODY), company=None)
    async with standing(B1, None, database_url, redis_url) as stack:
        await told(stack, *documents(order, B1))
        await at_rest(stack, order, "MAPPING_MISSING")
        decision: Rest = {
            "code": "MAPPING_MISSING",
            "choice": "skip",
            "reason": "no ticket is wanted",
        }
        await asked(stack, f"/admin/orders/{order.number}/decide", 200, **decision)
        await at_rest(stack, order, "MAPPING_MISSING")
        await mapped(stack)
        before = await plan(stack, order)
        (first, *_) = before.replay["items"][0]["steps"]
        assert (first["step"], first["no_op"], first["calls"]) == ("raise_ticket", True, 0)
        await exactly(stack, order)


async def test_what_comes_before_the_step_is_told_where_it_is_done_all_the_same(
    database_url: str, redis_url: str
) -> None:
    """A plan from a step once left out the calls of the steps before it, which were then made."""
    order = an_order(customer=dict(NOBODY), company=None)
    async with standing(B1, None, database_url, redis_url) as stack:
        await told(stack, *documents(order, B1))
        await at_rest(stack, order, "MAPPING_MISSING")
        await mapped(stack)
        await exactly(stack, order, from_step="create_sales_order")


@pytest.mark.parametrize("step", ["create_products", "create_sales_order", "sync_purchase_order"])
async def test_a_lost_answer_is_told_as_a_look_and_its_write_is_made_at_most_once(
    database_url: str, redis_url: str, step: str
) -> None:
    order = an_order()
    async with standing(B1, None, database_url, redis_url) as stack:
        await told(stack, *documents(order, B1))
        stack.stops.step, stack.stops.point = step, "replied"
        await stack.start_worker()
        assert stack.worker is not None
        await asyncio.wait_for(stack.worker.died.wait(), 30)  # type: ignore[attr-defined]
        await stack.kill_worker()
        before = await plan(stack, order)
        doubtful = [
            one["step"] for one in before.replay["items"][0]["steps"]
            if any("answer was lost" in perhaps for perhaps in one["perhaps"])
        ]  # fmt: skip
        assert doubtful == [step]
        progress, made = await run(stack, order, before)
        counted = foretold(before)
        other = (made - counted) + (counted - made)
        result = progress["items"][0]["result"]
        assert {name for name, writes in other if writes} <= {step}, (result, other)
        assert made[step, True] <= counted[step, True]
        # The look, and what the worker after it has to read anew.
        assert sum(n for (_, writes), n in other.items() if not writes) <= 3


async def test_a_parked_order_makes_the_calls_of_its_plan(
    database_url: str, redis_url: str
) -> None:
    order = an_order()
    async with standing(B1, None, database_url, redis_url) as stack:
        await told(stack, *documents(order, B1))
        await merge(stack)
        async with stack.container.admin._db.session() as session:  # type: ignore[attr-defined]
            await session.execute(
                "UPDATE orders SET state = 'parked', code = 'POISON', since = now(), "
                "sentence = 'It ended its worker.', claims_without_progress = 5"
            )
        await exactly(stack, order)
