"""H12: each kind of finding, in each system, by each way out that is offered for it.

The table is whole: a finding that the comparison can make and that has no row here fails the first
test, and so does a way that is offered and not taken.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from app.domain import drift_commerce, posted
from app.domain.documents import Kind
from app.domain.drift import Drift
from tests.e2e.harness import Rest
from tests.e2e.rules.differences import DIFFERENCES, Difference, Scene
from tests.e2e.rules.test_drift import compare, settle, swept
from tests.unit.domain import test_drift, test_drift_commerce

pytestmark = pytest.mark.processes
Cell = tuple[str, str, str, str]  # system, kind of record, code, way
STANDING = {"adopt": "adopted", "ignore": "ignored", "fix": "fixing"}


def _named() -> Iterator[Drift]:
    """What the comparison names, by its own tables."""
    for _, more, _ in test_drift.TABLE:
        yield from test_drift.found(test_drift.reading(**more))
    for case in test_drift.young():
        yield from test_drift.found(*case)
    for _, read, _ in test_drift_commerce.TABLE:
        yield from test_drift_commerce.found(read)
    for kind in drift_commerce._STATES:
        yield drift_commerce.untold(Kind(kind), {"id": 1, "orderNumber": "X", "status": 1})


def offered() -> set[Cell]:
    cells = {
        (one.system, one.kind, one.code.value, way.value) for one in _named() for way in one.ways
    }
    # Every document in the ledger is compared by the same lines of code.
    bills = [cell for cell in cells if cell[:2] == ("ledger", "bill")]
    return cells | {
        (system, ref, code, way) for system, _, code, way in bills for ref in posted.KINDS
    }


def test_h12_every_way_out_of_every_finding_is_taken_end_to_end() -> None:
    taken = {(*row.name, way) for row in DIFFERENCES for way in row.ways}
    assert taken - offered() == set()  # a row of something that is never found proves nothing
    assert offered() - taken == set()


async def _the(scene: Scene, row: Difference) -> Rest:
    """The finding of the row, also of a document that has no order."""
    found = [*await compare(scene.stack, scene.order)]
    if row.name[0] == "commerce" and not any(_is(one, row) for one in found):
        found = await swept(scene.stack)
    (one,) = [one for one in found if _is(one, row)]
    return one


def _is(one: Rest, row: Difference) -> bool:
    return (
        one["system"],
        one["kind"],
        one["code"],
    ) == row.name and row.about.items() <= one.items()


@pytest.mark.breadth
@pytest.mark.parametrize(
    "row", DIFFERENCES, ids=lambda row: "-".join((*row.name, *row.about.values(), *row.ways[1:-1]))
)
async def test_h12_each_finding_takes_each_way_that_it_offers(
    database_url: str, redis_url: str, row: Difference
) -> None:
    async with row.opened(database_url, redis_url) as scene:
        stack = scene.stack
        assert await compare(stack, scene.order) == []
        await row.make(scene)
        found = await _the(scene, row)
        assert found["ways"] == row.ways
        for way in ("ignore", "adopt"):
            assert (await settle(stack, found, way))["standing"] == STANDING[way]
            again = await _the(scene, row)
            assert (again["id"], again["standing"]) == (found["id"], STANDING[way])
        if not row.fix:
            return
        assert (await settle(stack, found, "fix"))["standing"] == STANDING["fix"]
        if row.held:
            held = await stack.until(scene.order.number, lambda told: told["state"] == "held")
            assert held["answer"]["choices"]
            return
        async with asyncio.timeout(30):
            while found["id"] in {one["id"] for one in await compare(stack, scene.order)}:
                await asyncio.sleep(0.3)
        closed = await swept(stack) if found["order"] is None else []
        assert [one["standing"] for one in closed if one["id"] == found["id"]] in ([], ["closed"])
