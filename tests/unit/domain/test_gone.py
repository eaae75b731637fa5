"""What is forgotten so that a deleted record is made anew (H10), and what never is."""

from __future__ import annotations

from app.domain.gone import forgotten, ways
from app.domain.records import ORDER, Ref
from tests.builders import applied, fact, intent, issued, ordered, view

PO = "ConnectWise (PATCH /procurement/purchaseorders/{id}): gone"
OPPORTUNITY = "ConnectWise (GET /sales/opportunities/{id}): gone"
SYNCED = {"purchase_order": 8891, "order": "1201", "shares": []}


def test_a_purchase_order_is_forgotten_with_all_that_was_made_for_it():
    order = view(
        ordered(),
        issued(),
        ledger=[applied("sync_purchase_order", "po:8891", SYNCED)],
        refs=[Ref("purchase_order", "8891", "7001"), Ref("purchase_order", "8892", "7002")],
        intents=[
            intent(
                "sync_purchase_order", "po:8891", "purchase_order", "demand", outcome={"id": 7001}
            ),
            intent(
                "sync_purchase_order", "po:8892", "purchase_order", "demand", outcome={"id": 7002}
            ),
        ],
    )
    found = forgotten(order, "po:8891", PO)
    assert found is not None
    assert found.ledger == (("sync_purchase_order", "po:8891"),)
    assert found.refs == (("purchase_order", "8891"),)
    assert found.intents == (("sync_purchase_order", "po:8891", "demand"),)


def test_what_goods_were_received_on_is_never_made_again():
    received = {"purchase_order": 8891, "lines": [{"line": 1, "to": 4}]}
    order = view(ordered(), issued(), ledger=[applied("receive_purchase_order", "x", received)])
    assert forgotten(order, "po:8891", PO) is None
    assert ways(order, "po:8891", PO) == ("look_again", "skip")


def test_an_opportunity_is_made_again_only_while_it_is_ours_and_not_converted():
    made = intent("create_products", ORDER, "opportunity", outcome={"id": 88})
    assert forgotten(view(ordered(), intents=[made]), ORDER, OPPORTUNITY) is not None
    assert forgotten(view(ordered()), ORDER, OPPORTUNITY) is None
    converted = view(ordered(), intents=[made], refs=[Ref("sales_order", "", "70")])
    assert forgotten(converted, ORDER, OPPORTUNITY) is None


def test_a_sales_order_is_made_again_only_where_nothing_rests_on_it():
    gone = "ConnectWise (GET /sales/orders/{id}): gone"
    stands = {"refs": [Ref("sales_order", "", "70"), Ref("product", "1", "40001")]}
    rows = [applied("create_products", ORDER, {}), applied("create_sales_order", ORDER, {})]
    made = intent("create_sales_order", ORDER, "sales_order", "convert:88", outcome={"id": 70})
    found = forgotten(view(ordered(), ledger=rows, intents=[made], **stands), ORDER, gone)
    assert found is not None
    assert {step for step, _ in found.ledger} == {"create_products", "create_sales_order"}
    assert found.refs == (("product", "1"), ("sales_order", ""))
    assert found.intents == (("create_sales_order", ORDER, "convert:88"),)
    assert ("conversion", "") in found.facts
    bought = [*stands["refs"], Ref("purchase_order", "8891", "7001")]
    assert forgotten(view(ordered(), refs=bought), ORDER, gone) is None
    invoiced = [fact("invoicing", {"invoiced": {"1": 1}, "on": {"1": 9}})]
    assert forgotten(view(ordered(), facts=invoiced, **stands), ORDER, gone) is None
    released = [applied("release_invoice", ORDER, {})]
    assert forgotten(view(ordered(), ledger=released, **stands), ORDER, gone) is None
