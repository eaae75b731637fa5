"""Settings that cannot work together are refused by a sentence that says what to set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from app.bootstrap import check_start, scenarios
from app.domain.gates import GATES
from app.domain.order import Behaviour
from app.domain.scenario import ScenarioInvalid, forbidden, load
from app.settings import Settings
from app.steps import STEPS
from tests import ideal

SELLS = 'name = "sells"\nversion = 1\ntitle = "Sells only"\nrule = "C"\n[[step]]\nname = "create_products"\n'
BILLS_TICKETS = (
    'name = "tickets"\nversion = 1\ntitle = "Tickets"\nrule = "B2"\n'
    '[[step]]\nname = "link_demand"\n[[step]]\nname = "release_invoice"\n'
)


def refused(text: str, **behaviour: Any) -> str:
    scenario = load(text, STEPS.keys(), GATES.keys(), Behaviour.__dataclass_fields__)
    sentence = forbidden(scenario, behaviour)
    assert sentence is not None
    return sentence


@pytest.mark.parametrize(
    ("behaviour", "remedy"),
    [
        ({"invoice_policy": "shipped_only"}, "Set invoice_policy = all_goods"),
        ({"invoice_action": "create_invoice"}, "Set invoice_action = mark_ready"),
        ({"invoice_lock": "bill_closed_flag"}, "Set invoice_lock = none"),
        ({"mark_shipped": "on_receipt"}, "Set mark_shipped = drop_ship_only"),
        ({"sales_order_creation": "wait_for_person"}, "Set sales_order_creation = automatic"),
        ({"opportunity_missing": "plain_sales_order"}, "Set opportunity_missing = create"),
        ({"demand_linking": "automatic"}, "Set demand_linking = demand_creates_po"),
        ({"demand_linking": "demand_appends_to_po"}, "Set demand_linking = demand_creates_po"),
        ({"purchase_order_timing": "on_issue"}, "Set purchase_order_timing = on_receipt"),
        ({"partial_receipt": "cancel_rest"}, "Set partial_receipt = clone_rest"),
        ({"lost_on_decline": "true"}, "Set lost_on_decline = false"),
    ],
)
def test_what_a_scenario_has_no_step_for_is_refused(behaviour: Mapping[str, Any], remedy: str):
    sentence = refused(SELLS, **behaviour)
    assert remedy in sentence
    assert "sells does not" in sentence
    scenario = ideal.scenario()
    assert forbidden(scenario, {**scenario.defaults, **behaviour}) is None


def test_a4_b1_invoices_from_opportunities_and_never_from_tickets():
    sentence = forbidden(ideal.scenario(), {"invoice_from": "ticket"})
    assert sentence is not None
    assert "Set invoice_from = opportunity" in sentence
    assert forbidden(ideal.scenario(), {"invoice_from": "opportunity"}) is None


def test_a4_where_tickets_raise_the_demand_they_are_what_is_invoiced():
    assert "Set invoice_from = ticket" in refused(BILLS_TICKETS, invoice_from="opportunity")


def test_d5_the_lock_is_a_flag_of_sales_orders():
    text = SELLS + '[[step]]\nname = "create_sales_order"\n'
    sentence = refused(text, invoice_lock="bill_closed_flag", invoice_from="ticket")
    assert "Set invoice_lock = none" in sentence


def test_d3_who_leaves_the_sales_order_to_a_person_has_none_made():
    both = {"sales_order_creation": "wait_for_person", "opportunity_missing": "plain_sales_order"}
    sentence = forbidden(ideal.scenario(), both)
    assert sentence is not None
    assert "sales_order_creation to automatic" in sentence
    for name, value in both.items():
        assert forbidden(ideal.scenario(), {name: value}) is None


def test_d5_waiting_and_ready_have_to_be_two_statuses():
    names = {
        "connectwise_sales_order_status_waiting": "Open",
        "connectwise_sales_order_status_ready": " open",
    }
    sentence = forbidden(ideal.scenario(), names)
    assert sentence is not None
    assert "the same status" in sentence
    names["connectwise_sales_order_status_ready"] = "Ready"
    assert forbidden(ideal.scenario(), names) is None


@pytest.mark.parametrize("mark", ["drop_ship_only", "on_receipt", "never"])
@pytest.mark.parametrize("lock", ["none", "bill_closed_flag"])
@pytest.mark.parametrize("action", ["mark_ready", "create_invoice"])
@pytest.mark.parametrize("policy", ["all_goods", "shipped_only"])
def test_d5_d14_every_way_of_invoicing_can_be_chosen_with_b1(
    policy: str, action: str, lock: str, mark: str
):
    chosen = {
        "invoice_policy": policy,
        "invoice_action": action,
        "invoice_lock": lock,
        "mark_shipped": mark,
    }
    assert forbidden(ideal.scenario(), chosen) is None


def test_a_start_with_them_is_refused():
    with pytest.raises(ScenarioInvalid) as refusal:
        check_start(Settings(_env_file=None, invoice_from="ticket"), scenarios())
    assert "invoice_from = ticket cannot work" in str(refusal.value)
    check_start(Settings(_env_file=None), scenarios())


@pytest.mark.parametrize(
    ("scenario", "source"),
    [
        ("commerce-invoicing", "opportunity"),
        ("commerce-invoicing", "ticket"),
        ("connectwise-procurement-opportunity", "commerce"),
        ("connectwise-procurement-ticket", "commerce"),
    ],
)
def test_g9_an_invoice_has_one_poster(scenario: str, source: str):
    sentence = forbidden(scenarios()[scenario], {"invoice_from": source})
    assert sentence is not None
    assert "Set invoice_from = " in sentence


def test_c_starts_with_its_own_defaults_and_refuses_what_only_connectwise_invoices():
    check_start(Settings(scenario="commerce-invoicing"), scenarios())
    with pytest.raises(ScenarioInvalid, match="invoice_policy = all_goods"):
        check_start(
            Settings(scenario="commerce-invoicing", invoice_policy="shipped_only"), scenarios()
        )


@pytest.mark.parametrize(
    ("behaviour", "remedy"),
    [
        ({"raise_ticket": "chosen"}, "Set raise_ticket = always"),
        (
            {"invoice_from": "ticket", "sales_order_creation": "wait_for_person"},
            "Set sales_order_creation = automatic",
        ),
        (
            {"invoice_from": "ticket", "opportunity_missing": "plain_sales_order"},
            "Set opportunity_missing = create",
        ),
        (
            {"invoice_from": "ticket", "invoice_policy": "shipped_only"},
            "Set invoice_policy = all_goods",
        ),
        ({"mark_shipped": "on_receipt"}, "Set mark_shipped = drop_ship_only"),
        ({"purchase_order_timing": "on_issue"}, "Set purchase_order_timing = on_receipt"),
    ],
)
def test_d_refuses_what_it_would_silently_not_do(behaviour: Mapping[str, Any], remedy: str):
    scenario = ideal.scenario("connectwise-managed")
    sentence = forbidden(scenario, {**scenario.defaults, **behaviour})
    assert sentence is not None
    assert remedy in sentence


@pytest.mark.parametrize("source", ["opportunity", "ticket"])
def test_d1_d_invoices_from_either(source: str):
    scenario = ideal.scenario("connectwise-managed")
    assert forbidden(scenario, {**scenario.defaults, "invoice_from": source}) is None


@pytest.mark.parametrize("source", ["opportunity", "ticket"])
def test_a10_where_commerce_buys_nothing_is_shipped_in_connectwise(source: str):
    a = scenarios()["connectwise-invoicing"]
    given = {**a.defaults, "invoice_from": source}
    assert forbidden(a, given) is None
    sentence = forbidden(a, {**given, "invoice_policy": "shipped_only"})
    assert sentence is not None
    assert "Set invoice_policy = all_goods" in sentence


def test_a5_commerces_own_invoice_is_refused_where_connectwise_posts():
    a = scenarios()["connectwise-invoicing"]
    sentence = forbidden(a, {**a.defaults, "invoice_from": "commerce"})
    assert sentence is not None
    assert "Set invoice_from = opportunity or ticket" in sentence


def test_a5_no_scenario_has_two_who_post_the_invoice():
    text = SELLS + '[[step]]\nname = "post_invoice"\n[[step]]\nname = "release_invoice"\n'
    assert "Take out post_invoice or release_invoice" in refused(text, invoice_from="commerce")
