"""Every rule has a test named after it, or stands in the list of those that have none."""

from __future__ import annotations

import pytest

from tests.docs.rules import RULES, UNPROVEN, proofs_by_rule, told

# With the pages, which read the same.
pytestmark = pytest.mark.xdist_group("docs-pages")


def test_a_rule_has_a_test_or_is_listed_as_without_one():
    proven = proofs_by_rule()
    assert {rule for rule in RULES if not proven[rule]} == UNPROVEN


def test_no_test_is_named_after_a_rule_that_does_not_exist():
    assert not proofs_by_rule().keys() - set(RULES)


def test_every_rule_is_told_once_under_its_own_heading():
    assert sorted(told()) == sorted(RULES)
