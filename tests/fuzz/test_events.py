"""Whatever the contract lets in, a worker merges it and drives its order to a named state.

Events are odd and still valid: quantities and amounts at their limits, circular references, the same
ids twice, a thousand lines. The real engine, steps and connectors run under virtual time against
the simulated systems, over the store in memory.
"""

from __future__ import annotations

import asyncio
import copy
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast
from unittest.mock import patch

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cli import shapes
from app.connectors import remote, transport
from app.connectors.quickbooks.caller import Access as QuickBooksAccess
from app.connectors.quickbooks.client import QuickBooksClient
from app.connectors.xero import oauth
from app.connectors.xero.caller import Access as XeroAccess
from app.connectors.xero.client import XeroClient
from app.domain import ports
from app.domain.books import Books, Tokens
from app.domain.codes import Code
from app.domain.decide import decide
from app.domain.order import build
from app.domain.views import OrderFilter
from app.steps import STEPS
from app.store.memory import MemoryStore
from app.sync.engine import Engine
from app.sync.explain import explainer
from app.sync.inbox import read_commerce
from app.sync.record_pages import RecordPages
from sandbox.kit.wire import Request
from sandbox.ledgers import settings_of
from sandbox.quickbooks.app import create_app as create_quickbooks
from sandbox.quickbooks.http.oauth import Registration
from sandbox.xero.app import create_app as create_xero
from sandbox.xero.http.tokens import Credentials
from tests import builders as b
from tests.contract.vault import MemoryVault
from tests.fuzz import mutations
from tests.fuzz.mutations import at, places, put
from tests.simulation import premises
from tests.simulation.chaos import Limits
from tests.simulation.loop import Stuck, VirtualLoop, outside, run
from tests.simulation.premises import BEGIN
from tests.simulation.world import World

SCENARIOS = {
    "connectwise-invoicing": "xero",
    "connectwise-procurement-opportunity": "",
    "connectwise-procurement-ticket": "",
    "commerce-invoicing": "quickbooks",
    "connectwise-managed": "",
}
PATIENCE = 400.0  # seconds of virtual time: several polls and retries

IDS = st.sampled_from((0, 1, 2, 77, 301, 302, 501, 1201, 8891, 8892, 2**31, 2**63 - 1))
COUNTS = st.sampled_from((0, 1, 2, 9, 10, 11, 999_999_999, 1_000_000_000))
CODES = st.sampled_from((-1, 0, 1, 2, 3, 4, 90, 91, 2**40, -(2**63)))
AMOUNTS = st.sampled_from(
    (0, -1, 0.01, 0.001, 99.995, 0.1, 1e12, -1e12, 1e-30, mutations.raw("0.3333333333333333333"),
     mutations.raw("100.000000"), mutations.raw("1E+3"), mutations.raw("-0.0"))
)  # fmt: skip
TEXTS = st.sampled_from(
    (*tuple(word for word in mutations.WORDS if isinstance(word, str) and "\x00" not in word), "CONTOSO", "INGRAM", "SKU-301", "ON10001201", "PO10008891", "R1", "dl:default:1201:1")
)  # fmt: skip
MOMENTS = st.sampled_from(
    ("1900-01-01T00:00:00Z", "2999-12-31T23:59:59Z", "2026-11-19T10:00:00+23:59", "2026-11-19 10:00",
     "2026-11-19T10:00:00.123456789Z", "2026-11-19T11:40:00Z", "1970-01-01T00:00:00-23:59",
     "2026-11-20T11:59:00Z", "2024-02-29T23:59:59Z")
)  # fmt: skip


def _kind_of(path: mutations.Path, given_value: Any) -> st.SearchStrategy[Any] | None:
    """Odd values of the type that the field has; None for what is no leaf."""
    name = str(path[-1]) if path else ""
    if isinstance(given_value, bool):
        return st.booleans()
    if name.endswith("Date"):
        return MOMENTS
    if name.lower().endswith("id") and not isinstance(given_value, str):
        return IDS
    if name.startswith("quantity"):
        return COUNTS
    if name in {"price", "cost", "tax", "taxRate", "amount", "freight", "deliveryAmount",
                "discountValue", "total", "lineTax", "couponDiscount", "deliveryTax"}:  # fmt: skip
        return AMOUNTS
    if isinstance(given_value, int):
        return CODES
    return TEXTS if isinstance(given_value, str) else None


# Fields that an event may leave out, with an odd value of each.
OPTIONAL: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "salesOrder": {
        "quoteID": IDS, "total": AMOUNTS, "currency": TEXTS, "deliveryAmount": AMOUNTS,
        "deliveryTax": AMOUNTS, "couponDiscount": AMOUNTS, "paymentSurchargeAmount": AMOUNTS,
        "fulfillmentStatus": CODES, "entryType": CODES, "reference": TEXTS, "ownerEmail": TEXTS,
        "contact": st.sampled_from(({}, {"email": "", "firstName": "💥"}, {"email": "a@b.example"})),
        "connectwise": st.sampled_from(
            ({}, {"ticketChoice": "new"}, {"ticketChoice": "existing", "ticketId": 2**62},
             {"ticketChoice": "existing"}, {"opportunityId": 0}, {"companyIdentifier": "\ud800"},
             {"ticketChoice": "none", "opportunityId": 2**63 - 1})
        ),
    },
    "purchaseOrder": {
        "costs": st.lists(
            st.fixed_dictionaries({"id": IDS, "description": TEXTS, "amount": AMOUNTS}), max_size=3
        ),
        "total": AMOUNTS, "currency": TEXTS, "note": TEXTS, "reference": TEXTS,
    },
    "receipt": {"freight": AMOUNTS, "supplierInvoiceNumber": TEXTS, "supplierInvoiceDate": MOMENTS,
                "trackingNumber": TEXTS, "dueDate": MOMENTS},
    "quote": {"salesOrderId": IDS, "title": TEXTS, "expiryDate": MOMENTS},
    "salesInvoice": {"currency": TEXTS, "dueDate": MOMENTS},
}  # fmt: skip
LINES: dict[str, st.SearchStrategy[Any]] = {
    "lineTax": AMOUNTS, "taxRate": AMOUNTS, "discountMethod": CODES, "discountValue": AMOUNTS,
    "isRecurring": st.booleans(), "recurringType": CODES, "quantityFromStock": COUNTS,
    "salesOrderLineID": IDS, "supplierSku": TEXTS, "modifiedDate": MOMENTS,
    "serialNumbers": st.sampled_from(([], ["S1"], ["S1"] * 30, [""])),
}  # fmt: skip


@st.composite
def odd(draw: st.DrawFn, source: b.Json) -> b.Json:
    """The event with one to four odd and still valid things in it."""
    event = copy.deepcopy(source)
    for _ in range(draw(st.integers(1, 4))):
        name = draw(st.sampled_from(sorted(event["data"])))
        document = event["data"][name]
        act = draw(st.sampled_from(("change", "change", "add", "line", "lines", "products")))
        lines = [one for one in document.get("lines", []) if isinstance(one, dict)]
        if act == "change":
            path = draw(st.sampled_from(sorted(places(document), key=str)))
            values = _kind_of(path, at(document, path))
            if path and values is not None:
                put(document, path, copy.deepcopy(draw(values)))
        elif act == "add":
            field = draw(st.sampled_from(sorted(OPTIONAL[name])))
            document[field] = copy.deepcopy(draw(OPTIONAL[name][field]))
        elif act == "line" and lines and name != "receipt":
            field = draw(st.sampled_from(sorted(LINES)))
            draw(st.sampled_from(lines))[field] = copy.deepcopy(draw(LINES[field]))
        elif act == "lines" and lines:
            document["lines"] = draw(st.sampled_from(_lines(lines, name)))
        elif act == "products" and document.get("products"):
            document["products"] = draw(
                st.sampled_from(([], document["products"] * 2, [b.product(301, type=9)]))
            )
    return event


def _lines(lines: list[b.Json], name: str) -> list[list[b.Json]]:
    """None, the same ones twice, and a great many: a thousand where nothing is made of each."""
    key = "purchaseOrderLineID" if name == "receipt" else "id"
    many = 60 if name in {"salesOrder", "purchaseOrder"} else 1000
    return [
        [],
        [copy.deepcopy(one) for one in lines * 2],
        [{**copy.deepcopy(lines[0]), key: number} for number in range(1, many + 1)],
        lines[::-1],
    ]


def story() -> list[b.Json]:
    """One order from its quote to its invoice."""
    lines = [b.line(1, 301, 10), b.line(2, 302, 3), b.line(3, 303, 1, price=50)]
    products = [b.product(303, type=b.SERVICE)]
    order = b.sales_order(lines, products=products, quoteID=501)
    bought = b.purchase_order(lines=[b.po_line(1, 301, 10), b.po_line(2, 302, 3)])
    partly, first = b.came(bought, "R1", {1: 4}, minute=101)
    _, rest = b.came(partly, "R2", {1: 6, 2: 3}, minute=102)
    invoice = {
        "id": 71, "invoiceNumber": "IN1", "salesOrderID": b.ORDER_ID, "customerID": 77,
        "issueDate": b.at(90), "modifiedDate": b.at(90), "customer": order["customer"],
        "lines": [
            {"id": 1, "kind": "product", "title": "Product 301", "quantity": 10, "price": 100},
            {"id": 2, "kind": "freight", "title": "Delivery", "quantity": 1, "price": 25},
        ],
    }  # fmt: skip
    return [
        b.won(b.quote(b.section(b.offer(1, 301), b.offer(2, 302, selected=False)))),
        b.ordered(order), b.issued(bought), first, rest, b.event("sales_invoice.issued", salesInvoice=invoice),
    ]  # fmt: skip


STORY = story()
EVENTS = st.tuples(*(st.one_of(st.just(one), odd(one)) for one in STORY))


class Direct(httpx.AsyncBaseTransport):
    """A simulated ledger, asked at once."""

    def __init__(self, api: Any) -> None:
        self._api = api

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        given_headers = {name.lower(): value for name, value in request.headers.items()}
        asked = Request(
            request.method, request.url.path, request.url.query.decode(), given_headers,
            request.content,
        )  # fmt: skip
        bound = transport.calling.get()
        if request.method not in transport.READS and bound is not None and bound.sent is not None:
            await bound.sent()
        reply = self._api.answer(asked, None)
        return httpx.Response(
            reply.status, headers=list(reply.headers), content=reply.body, request=request
        )


def ledger_of(name: str, world: World) -> Books | None:
    """A simulated ledger to which somebody has signed in for good."""

    def vault(access: str) -> MemoryVault:
        return MemoryVault(Tokens(access, "refresh", BEGIN + timedelta(days=10_000)))

    if name == "xero":
        mine = Credentials()
        xero = create_xero(credentials=mine, now=world.now)
        access = XeroAccess(
            mine.tenant_id, oauth.App(mine.client_id, mine.client_secret),
            base_url="http://xero/api.xro/2.0", identity_url="http://xero",
        )  # fmt: skip
        return XeroClient(
            access,
            vault(mine.standing_token),
            clock=world.clock,
            timeout=premises.TIMEOUT,
            transport=Direct(xero.api),
        )
    if name == "quickbooks":
        app = Registration()
        quickbooks = create_quickbooks(registration=app, now=world.now)
        return QuickBooksClient(
            QuickBooksAccess("http://quickbooks", app.realm), vault(app.lasting_token),
            _no_refresh, clock=world.clock, timeout=premises.TIMEOUT, transport=Direct(quickbooks.api),
        )  # fmt: skip
    return None


async def _no_refresh(*_: Any) -> Tokens:
    raise AssertionError("the token never ends")


@dataclass
class Odd(World):
    """A calm world, with a ledger where the scenario has one."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.beside = SCENARIOS[self.scenario]
        self.kept_books = ledger_of(self.beside, self)

    def judge_writes(self) -> None:
        """The observer's rules are about goods that Commerce can have told of; these are odd."""

    def engine(self, cw: ports.ConnectWise, store: Any, pacings: Any = None) -> Engine:
        return Engine(
            store=store, cw=cw, clock=self.clock, chance=self.chaos.chance,
            checkpoints=self.chaos, scenarios=premises.known_scenarios(), defaults=self.defaults,
            books=self.kept_books, ledger=self.beside,
        )  # fmt: skip


def play(scenario: str, events: Sequence[b.Json]) -> tuple[int, list[str]]:
    """How many events were let in, and everything that was not as it must be."""
    loop = VirtualLoop()
    ledger = SCENARIOS[scenario]
    said = settings_of(ledger, "http://ledger") if ledger else {}
    more = {name.lower(): value for name, value in said.items() if name.startswith("LEDGER_")} | {
        "hold_deadline": 1.0
    }
    world = Odd(loop, 1, scenario, Limits(), 0.0, more)
    found: list[str] = []
    taken: list[int] = []
    bodies = patch.object(remote, "body_text", lambda *_, **__: None)
    bodies.start()
    try:
        run(loop, _course(world, events, taken, found))
    except Stuck as stuck:
        found.append(f"stuck: {stuck}")
    finally:
        bodies.stop()
        found += [f"broken: {text}" for text in premises.broken]
        loop.finish()
    return len(taken), found


async def _course(world: Odd, events: Sequence[b.Json], taken: list[int], found: list[str]) -> None:
    await world.open()
    if world.beside:
        await world.store.ensure_connection(premises.TENANT, world.beside, "default")
    world.begin({"enforce_unique_identifier": True})
    world.loop.create_task(world.keep("w0"), context=outside())
    for number, event in enumerate(events):
        delivery = read_commerce("default", f"msg_{number}", {}, mutations.encoded(event))
        if delivery.status == "rejected":
            assert delivery.cause
            continue
        world.accepted.append((world.now(), event))
        await world.store.accept(delivery)
        taken.append(number)
        world.nudge()
        await asyncio.sleep(5)
    await asyncio.sleep(PATIENCE)
    found += await _settled(world.store)
    found += await _shown(world)


async def _settled(store: MemoryStore) -> list[str]:
    """Every event was merged or put off; every order stands somewhere, and nowhere as poison."""
    tables = store.rows()
    wrong = [
        f"event {row['id']} is {row['status']}: {row['cause']}"
        for row in tables["inbox_event"].values()
        if row["status"] not in {"merged", "deferred", "unhandled", "dropped"}
    ]
    for row in tables["orders"].values():
        if row["code"] in {Code.POISON.value, Code.DECIDE_FAILED.value} or row["code"] is None:
            wrong.append(f"{row['number']} is {row['state']} {row['code']}: {row['sentence']}")
        if row["lease_token"] is not None:
            wrong.append(f"{row['number']} is under way still")
    return wrong


async def _shown(world: Odd) -> list[str]:
    """Every order can be explained, as REST, command line and console do it."""
    engine = world.engine(cast(Any, None), world.store)  # explaining calls nobody
    explain = explainer(engine, RecordPages())
    page = await world.store.orders(premises.TENANT, OrderFilter(), None, 100)
    for row in page.items:
        snapshot = await world.store.peek(row.id)
        engine.plan(snapshot)
        json.dumps(shapes.plain(shapes.answer(explain(snapshot).answer)))
    return []


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_story_itself_is_taken_and_driven_to_its_end(scenario: str) -> None:
    assert play(scenario, STORY) == (len(STORY), [])


@pytest.mark.breadth
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_odd_and_valid_events_end_in_a_named_state(scenario: str) -> None:
    @mutations.examples(12)
    @given(events=EVENTS)
    def whatever(events: tuple[b.Json, ...]) -> None:
        _, found = play(scenario, events)
        assert not found, "\n".join(found)

    whatever()


def _calls(lines: int) -> int:
    """Function calls that deciding an order of so many lines takes, all received in one go."""
    numbers = range(1, lines + 1)
    sold = [b.line(n, 1000 + n, 1) for n in numbers]
    bought = b.purchase_order(lines=[b.po_line(n, 1000 + n, 1) for n in numbers])
    _, event = b.came(bought, "R1", dict.fromkeys(numbers, 1))
    documents = b.merged(b.ordered(b.sales_order(sold)), b.issued(bought), event)
    scenario = premises.known_scenarios()["connectwise-procurement-opportunity"]
    steps = ("raise_ticket", "create_products", "win_opportunity", "create_sales_order")
    ledger = [b.applied(step, "order", {}) for step in steps]
    view = build(
        b.snapshot(documents, ledger=ledger), {**b.SETTINGS, **scenario.defaults},
        (use.name for use in scenario.steps),
    )  # fmt: skip
    counted = 0

    def count(_frame: Any, event: str, _arg: Any) -> None:
        nonlocal counted
        counted += event in {"call", "c_call"}

    sys.setprofile(count)
    try:
        decide(scenario, STEPS, view)
    finally:
        sys.setprofile(None)
    return counted


def test_deciding_an_order_of_many_lines_does_not_outlast_a_lease() -> None:
    """It took time with the third power of the lines: a thousand of them stopped a worker, and all
    that it drives, for minutes."""
    assert _calls(400) < 6 * _calls(100)
