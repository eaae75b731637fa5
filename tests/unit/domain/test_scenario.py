"""Scenario files: the shipped ones are good, and each way of being bad is refused by a sentence."""

from __future__ import annotations

from datetime import timedelta
from importlib import resources

import pytest

from app.domain.codes import Code
from app.domain.gates import GATES
from app.domain.order import Behaviour
from app.domain.scenario import Scenario, ScenarioInvalid, forbidden, load
from app.settings import check
from app.steps import STEPS
from tests import ideal

GOOD = """
name = "small"
version = 2
title = "A small one"
rule = "B1"

[defaults]
invoice_policy = "all_goods"

[deadlines]
SO_MISSING = 1.5

[[step]]
name = "create_products"
gates = ["sales_order_known"]

[[step]]
name = "win_opportunity"
after = ["create_products"]
"""


def read(text: str) -> Scenario:
    return load(text, STEPS.keys(), GATES.keys(), Behaviour.__dataclass_fields__)


def test_a_good_file_is_read():
    found = read(GOOD)
    assert (found.name, found.version, found.body) == ("small", 2, GOOD)
    assert [use.name for use in found.steps] == ["create_products", "win_opportunity"]
    assert found.steps[1].after == ("create_products",)
    assert found.deadlines == {Code.SO_MISSING: timedelta(hours=1, minutes=30)}


def test_every_shipped_scenario_is_good():
    files = [
        entry
        for entry in resources.files("app.scenarios").iterdir()
        if entry.name.endswith(".toml")
    ]
    assert files
    for entry in files:
        name = entry.name.removesuffix(".toml")
        scenario = ideal.scenario(name)
        assert scenario.name == name
        assert check(dict(scenario.defaults)) == scenario.defaults


def test_b1_has_its_steps_in_the_order_that_connectwise_accepts():
    """D-1, B1.7: products before won, won before the sales order, linked before received."""
    assert [use.name for use in ideal.scenario().steps] == [
        "raise_ticket",
        "create_products",
        "win_opportunity",
        "create_sales_order",
        "sync_purchase_order",
        "link_demand",
        "receive_purchase_order",
        "ship_goods",
        "release_invoice",
    ]


def test_the_hash_says_whether_two_bodies_mean_the_same():
    assert read(GOOD).body_hash == read(GOOD + "\n# a comment\n").body_hash
    assert read(GOOD).body_hash != read(GOOD.replace("version = 2", "version = 3")).body_hash


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("name", "= name", "not TOML"),
        ('name = "small"\n', "", "without a name: the key name is missing"),
        ("version = 2\n", "", "the key version is missing"),
        ('title = "A small one"\n', "", "the key title is missing"),
        ('rule = "B1"\n', "", "the key rule is missing"),
        ("version = 2", 'version = "two"', "the key version must be a whole number"),
        ("version = 2", "version = true", "the key version must be a whole number"),
        ('title = "A small one"', "title = 7", "the key title must be a text"),
        ("version = 2", "version = 2\nspeed = 9", "unknown keys: speed"),
        (
            GOOD[GOOD.index("[[step]]") :],
            "[step]\nname = 1",
            "the key step must be [[step]] tables",
        ),
        (GOOD[GOOD.index("\n[defaults]") :], "step = []", "it has no steps"),
        (GOOD[GOOD.index("\n[defaults]") :], "step = [1]", "every [[step]] needs a name"),
        ('name = "create_products"\n', "", "every [[step]] needs a name"),
        ('name = "create_products"', 'name = "fly"', "step 'fly' does not exist"),
        ('name = "win_opportunity"', 'name = "create_products"', "stands twice"),
        ('["sales_order_known"]', '["open_sesame"]', "gate 'open_sesame' of step"),
        ('["sales_order_known"]', '"sales_order_known"', "must be a list of names"),
        ('["sales_order_known"]', "[1]", "must be a list of names"),
        ('gates = ["sales', 'gate = ["sales', "unknown keys of step 'create_products': gate"),
        ('["create_products"]', '["win_opportunity"]', "steps may not form a cycle"),
        ('["create_products"]', '["create_sales_order"]', "which does not stand before it"),
        (
            'invoice_policy = "all_goods"',
            "colour = 1",
            "defaults name no behaviour setting: colour",
        ),
        ('invoice_policy = "all_goods"', "invoice_policy = [1]", "default of invoice_policy"),
        ("[defaults]", "[[defaults]]", "the key defaults must be a table"),
        ("SO_MISSING", "SO_LATE", "'SO_LATE', which is no reason code"),
        ("= 1.5", "= 0", "deadline for SO_MISSING must be hours above 0"),
        ("= 1.5", "= nan", "deadline for SO_MISSING must be hours above 0"),
        ("= 1.5", "= inf", "deadline for SO_MISSING must be hours above 0"),
        ("= 1.5", "= 1e300", "deadline for SO_MISSING must be hours above 0"),
        ("= 1.5", "= true", "deadline for SO_MISSING must be hours above 0"),
        ("= 1.5", '= "1"', "deadline for SO_MISSING must be hours above 0"),
    ],
)
def test_a_bad_file_is_refused_by_a_sentence(old, new, said):
    assert old in GOOD
    with pytest.raises(ScenarioInvalid) as refused:
        read(GOOD.replace(old, new, 1))
    assert said in str(refused.value)


@pytest.mark.parametrize("policy", ["all_goods", "shipped_only"])
@pytest.mark.parametrize("linking", ["demand_creates_po", "demand_appends_to_po", "automatic"])
def test_b1_takes_every_behaviour(policy, linking):
    behaviour = {
        "invoice_policy": policy,
        "demand_linking": linking,
        "opportunity_missing": "plain_sales_order",
    }
    assert forbidden(ideal.scenario(), behaviour) is None
