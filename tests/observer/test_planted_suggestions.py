"""The observer is silent over a good history of configuration D, and loud over planted faults."""

from __future__ import annotations

import copy

import pytest

from sandbox.observer import Case
from tests.e2e.harness import running
from tests.e2e.managed import D, supplied
from tests.e2e.orders import CABLE, DOCK, INSTALL, Order
from tests.observer.conftest import History, Json

pytestmark = [pytest.mark.processes, pytest.mark.xdist_group("observer")]
NOTES = "/service/tickets/21001/notes"
_kept: dict[str, Case] = {}


@pytest.fixture
async def told(database_url: str, redis_url: str) -> History:
    """An order of two purchase orders, one received before it was told; released at once."""
    if "good" not in _kept:
        order = Order(lines=[(CABLE, 5), (DOCK, 2), (INSTALL, 1)], quote_id=None, not_chosen=())
        async with running(database_url, redis_url, **D) as stack:
            for event in (
                supplied(order, 8891, [(CABLE, 5)], "ING-2M"),
                supplied(order, 8892, [(DOCK, 2)], "ING-WD22"),
                order.receipted(8891),
                order.approved(),
            ):
                await stack.deliver(event)
            await stack.until_state(order.number, "done")
            begun = (await stack.cw.get(f"{stack.sandbox.control_url}/first")).json()
            log = await stack.requests()
            service = stack.sandbox.credentials.headers["clientId"]
            _kept["good"] = Case(list(stack.accepted), log, begun, service, (), "D")
    return History(copy.deepcopy(_kept["good"]))


def suggestions(told: History) -> list[Json]:
    """The notes that the service wrote as suggestions; a ticket's description is a note too."""
    return [note for note in told.rows("ticketNote") if "[demandlink suggestion" in note["text"]]


def test_a_good_history_is_silent_and_was_looked_at(told: History) -> None:
    assert told.findings() == []
    assert told.case.writes > 8
    (note,) = suggestions(told)  # what came in full before it was told needs none
    assert "po:8892" in note["text"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/procurement/purchaseorders"),
        ("POST", "/procurement/purchasingDemands"),
        ("PATCH", "/procurement/purchaseorders/7/lineitems/9"),
        ("POST", "/procurement/products/9/pickingShippingDetails"),
    ],
)
def test_g9_d2_what_is_bought_and_received_is_no_write_of_this_configuration(
    told: History, method: str, path: str
) -> None:
    told.insert(len(told.log) - 1, method, path)
    assert told.rules() == {"G9"}


def test_g9_a_suggestion_is_no_write_of_other_configurations(told: History) -> None:
    told.case.scenario = "B2"
    assert "G9" in told.rules()


def test_b1_11_the_release_before_the_goods_is_only_this_configurations(told: History) -> None:
    told.case.scenario = "B1"
    assert "B1.11" in told.rules()


def test_h1_a_suggestion_twice(told: History) -> None:
    twin = {**suggestions(told)[0], "id": 999_999}
    told.insert(len(told.log) - 1, "POST", NOTES, ("ticketNote", twin))
    assert told.rules() == {"H1"}


@pytest.mark.parametrize(
    "flags", [{"detailDescriptionFlag": True}, {"internalAnalysisFlag": False}]
)
def test_d4_a_suggestion_that_the_customer_can_read(told: History, flags: dict[str, bool]) -> None:
    note = {**suggestions(told)[0], **flags}
    told.insert(len(told.log) - 1, "PATCH", f"{NOTES}/{note['id']}", ("ticketNote", note))
    assert "D4" in told.rules()


@pytest.mark.parametrize(
    ("before", "after", "rule"),
    [
        ("Purchasing suggestion ", "Order ", "D3"),
        ("- 2 x", "- 3 x", "D5"),
        ("ING-WD22", "ING-2M", "D5"),
        ("Ingram Micro", "TD Synnex", "D5"),
    ],
)
def test_d3_d5_a_suggestion_that_says_another_thing(
    told: History, before: str, after: str, rule: str
) -> None:
    note = suggestions(told)[0]
    assert before in note["text"]
    changed = {**note, "text": note["text"].replace(before, after)}
    at = told.index("POST", NOTES)
    told.log[at]["changed"] = [{"table": "ticketNote", "id": note["id"], "row": changed}]
    assert told.rules() == {rule}
