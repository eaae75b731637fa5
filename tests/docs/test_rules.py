"""Every rule has a test named after it, or stands in the list of those that have none."""

from __future__ import annotations

from tests.docs.rules import RULES, UNPROVEN, tests_of_rules


def test_a_rule_has_a_test_or_is_listed_as_without_one():
    proven = tests_of_rules()
    assert {rule for rule in RULES if not proven[rule]} == UNPROVEN


def test_no_test_is_named_after_a_rule_that_does_not_exist():
    assert not tests_of_rules().keys() - set(RULES)
