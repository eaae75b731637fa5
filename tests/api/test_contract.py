"""The compiled check of the Commerce contract says what a full JSON Schema validator says."""

from __future__ import annotations

import copy
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.api.examples import examples
from app.domain import json_values
from app.sync import contract
from app.sync.contract_fields import schema

# As bodies come in: numbers with fractions are Decimal.
EXAMPLES: dict[str, Any] = json_values.loads(json.dumps(examples()))


def _integer(_checker: Any, value: Any) -> bool:
    return isinstance(value, (int, Decimal)) and not isinstance(value, bool) and value == int(value)


TYPES = jsonschema.Draft202012Validator.TYPE_CHECKER.redefine("integer", _integer)
VALIDATOR = jsonschema.validators.extend(jsonschema.Draft202012Validator, type_checker=TYPES)(
    dict(schema())
)
VALUES: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 5),
    st.decimals("-9", "9", places=1),
    st.sampled_from(["", "x", "existing", "2026-11-19T10:02:05Z", "product"]),
    st.just([]),
    st.just({}),
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place of a body below `type`, which chooses the branch."""
    found: list[tuple[Any, ...]] = []
    items: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    for key, item in items:
        if (*path, key) != ("type",):
            found += [(*path, key), *places(item, (*path, key))]
    return found


def parent_of(body: Any, path: tuple[Any, ...]) -> Any:
    for key in path[:-1]:
        body = body[key]
    return body


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_published_example_is_accepted(name: str) -> None:
    assert contract.violations(EXAMPLES[name]["type"], EXAMPLES[name]) is None


def test_every_listed_type_is_one_that_documents_are_read_from() -> None:
    from app.domain import events

    branches = schema()["oneOf"]
    listed = {name for branch in branches for name in branch["properties"]["type"]["enum"]}
    assert listed == set(events.PARTS)


@given(data=st.data())
def test_a_changed_body_is_judged_as_the_full_validator_judges_it(data: st.DataObject) -> None:
    body = copy.deepcopy(EXAMPLES[data.draw(st.sampled_from(sorted(EXAMPLES)))])
    for _ in range(data.draw(st.integers(1, 3))):
        if not places(body):
            break
        path = data.draw(st.sampled_from(places(body)))
        parent = parent_of(body, path)
        if isinstance(parent, dict) and data.draw(st.booleans()):
            del parent[path[-1]]
        else:
            parent[path[-1]] = data.draw(VALUES)
    found = contract.violations(body["type"], body)
    # Formats are ours alone: a full validator takes them for remarks.
    shape = found is not None and any("date and time" not in cause for cause in found.split("; "))
    assert shape == (not VALIDATOR.is_valid(body))


def test_causes_name_each_field_and_never_its_value() -> None:
    body = copy.deepcopy(EXAMPLES["sales_order.approved"])
    body["data"]["salesOrder"]["id"] = "secret-value"
    del body["data"]["salesOrder"]["customer"]
    found = contract.violations(body["type"], body)
    assert found is not None
    assert "data/salesOrder/id: must be integer" in found
    assert "data/salesOrder/customer: is required" in found
    assert "secret-value" not in found


@pytest.mark.parametrize(
    "moment",
    ["2026-11-19", "1763546525", "2026-13-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "tomorrow"],
)
def test_a_moment_that_not_every_reader_understands_is_refused(moment: str) -> None:
    body = {**EXAMPLES["quote.won"], "timestamp": moment}
    assert "timestamp" in (contract.violations("quote.won", body) or "")


@pytest.mark.parametrize(
    "moment",
    [
        "2026-11-19T10:02:05Z",
        "2026-11-19T10:02:05.1234567+10:00",
        "2026-11-19T10:02:05",
        "2026-11-19 10:02Z",
    ],
)
def test_the_vendors_ways_to_write_a_moment_are_accepted(moment: str) -> None:
    body = {**EXAMPLES["quote.won"], "timestamp": moment}
    assert contract.violations("quote.won", body) is None


# The contract as it was given, where this checkout stands beside it.
GIVEN = Path(__file__).parents[3] / "shared" / "contracts"


def without_remarks(node: Any) -> Any:
    if isinstance(node, dict):
        return {
            key: without_remarks(item)
            for key, item in node.items()
            if not (key in ("description", "title") and isinstance(item, str)) and item != []
        }
    return [without_remarks(item) for item in node] if isinstance(node, list) else node


@pytest.mark.skipif(not GIVEN.is_dir(), reason="the contracts are not beside this checkout")
def test_the_restated_contract_is_the_given_one() -> None:
    given_schema = json.loads((GIVEN / "commerce-events.schema.json").read_text("utf-8"))
    assert without_remarks(schema()) == without_remarks(given_schema)


@pytest.mark.skipif(not GIVEN.is_dir(), reason="the contracts are not beside this checkout")
def test_every_given_example_is_accepted() -> None:
    text = (GIVEN / "commerce-events.examples.json").read_text("utf-8")
    for event in json_values.loads(text).values():
        assert contract.violations(event["type"], event) is None
