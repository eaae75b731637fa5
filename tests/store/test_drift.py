"""H12: one sweep at a time that goes on where it stopped, and each finding once."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from app.domain.codes import Code, Who
from app.domain.documents import Kind
from app.domain.drift import Drift, InCommerce, Standing, Sweep
from app.domain.gone import Forgotten
from app.store.postgres import PostgresStore
from tests.store import build

LEASE = 60.0
FIX = Forgotten(ledger=(("create_products", "order"),), refs=(("product", "1"),))
DRIFT = Drift(
    Code.DRIFT_DIFFERENT, "connectwise", "product", "501", "create_products", "order",
    "10 at 100.00", "9 at 100.00", "Product 301 is otherwise.", Who.SALES, about="1", fix=FIX,
)  # fmt: skip


async def test_h12_one_worker_sweeps_and_another_goes_on_where_it_died(
    postgres: PostgresStore,
) -> None:
    async with postgres.join() as other:
        async with postgres.join() as one:
            later = await postgres.take_sweep(1, one.id, LEASE, 3600.0)
            assert later.token is None  # the first is due in an hour
            await postgres.ask_sweep(1)
            turn = await postgres.take_sweep(1, one.id, LEASE, 3600.0)
            assert turn.token is not None
            assert (await postgres.take_sweep(1, other.id, LEASE, 3600.0)).token is None
            assert (await postgres.sweep(1)).under_way
            far = Sweep(started=turn.now, after=17, orders=3, calls=40)
            assert await postgres.keep_sweep(1, turn.token, far, lease=LEASE)
        heir = await postgres.take_sweep(1, other.id, LEASE, 3600.0)
        assert (heir.token is not None, heir.sweep) == (True, far)
        assert not await postgres.keep_sweep(1, turn.token, far, lease=LEASE)
        assert heir.token is not None
        ended = replace(far, after=None, finished=turn.now, commerce=InCommerce(after=7, left=2))
        assert await postgres.keep_sweep(1, heir.token, ended, lease=None, rest=90)
        told = await postgres.sweep(1)
        assert (told.under_way, told.sweep) == (False, ended)
        assert (await postgres.take_sweep(1, other.id, LEASE, 3600.0)).token is None


async def test_h12_a_finding_is_made_once_and_closes_itself(postgres: PostgresStore) -> None:
    order = await an_order(postgres)
    found = await asyncio.gather(*(postgres.keep_findings(order, [DRIFT]) for _ in range(4)))
    assert sorted(found) == [0, 0, 0, 1]
    (one,) = (await listed(postgres)).items
    assert (one.drift, one.standing) == (DRIFT, Standing.OPEN)
    assert await postgres.settle_finding(one.id, Standing.ADOPTED, DRIFT.digest, "ann", "agreed")
    assert await postgres.keep_findings(order, [DRIFT]) == 0
    (adopted,) = (await listed(postgres)).items
    assert (adopted.standing, adopted.actor, adopted.reason) == (Standing.ADOPTED, "ann", "agreed")
    other = replace(DRIFT, stands="8 at 100.00")
    await postgres.keep_findings(order, [other])
    (opened,) = (await listed(postgres)).items
    assert (opened.id, opened.standing, opened.drift.stands) == (
        one.id,
        Standing.OPEN,
        other.stands,
    )
    # What was decided about something else does not count.
    assert not await postgres.settle_finding(one.id, Standing.ADOPTED, DRIFT.digest, "ann", "late")
    await postgres.keep_findings(order, [])
    (closed,) = (await listed(postgres)).items
    assert closed.standing is Standing.CLOSED
    assert closed.closed_at is not None
    assert await postgres.keep_findings(order, [DRIFT]) == 1  # it came back: a new one
    page = await listed(postgres, limit=1)
    assert len(page.items) == 1
    (older,) = (await listed(postgres, cursor=page.next)).items
    assert older.id == closed.id


async def an_order(postgres: PostgresStore) -> int:
    await build.deliver(postgres, "msg_1", build.sales_order())
    await build.merge_all(postgres)
    return (await build.order_of(postgres)).id


async def listed(postgres: PostgresStore, *, limit: int = 50, cursor: str | None = None):
    return await postgres.findings(
        1, order_id=None, standing=None, code=None, cursor=cursor, limit=limit
    )


OF_COMMERCE = replace(DRIFT, system="commerce", kind="sales_order", record="1201", fix=Forgotten())
UNTOLD = replace(OF_COMMERCE, kind="purchase_order", record="8892", about="untold")


async def test_h12_findings_of_commerce_stay_where_commerce_was_not_read(
    postgres: PostgresStore,
) -> None:
    order = await an_order(postgres)
    assert await postgres.keep_findings(order, [DRIFT, OF_COMMERCE]) == 2
    assert await postgres.keep_findings(order, [], commerce=False) == 0
    stand = {one.drift.system: one.standing for one in (await listed(postgres)).items}
    assert stand == {"connectwise": Standing.CLOSED, "commerce": Standing.OPEN}
    await postgres.keep_findings(order, [])
    assert {one.standing for one in (await listed(postgres)).items} == {Standing.CLOSED}


async def test_h12_what_never_came_in_is_found_once_without_an_order_and_its_end_is_audited(
    postgres: PostgresStore,
) -> None:
    order = await an_order(postgres)
    await postgres.keep_findings(order, [DRIFT])
    new = await asyncio.gather(*(postgres.keep_untold(1, [UNTOLD]) for _ in range(4)))
    assert sorted(new) == [0, 0, 0, 1]
    untold, of_an_order = (await listed(postgres)).items
    assert (untold.order_id, untold.order, untold.drift) == (None, None, UNTOLD)
    assert of_an_order.order_id == order
    assert await postgres.finding(1, untold.id) == untold
    given = (untold.id, Standing.IGNORED, UNTOLD.digest, "ann", "a test of ours")
    assert await postgres.settle_finding(*given)
    async with postgres._db.session() as session:
        rows = await session.fetch("SELECT actor, action, target FROM audit")
    assert [tuple(row) for row in rows] == [("ann", "drift.settle", str(untold.id))]
    assert await postgres.keep_untold(1, []) == 0
    closed, still = (await listed(postgres)).items
    assert (closed.standing, still.standing) == (Standing.CLOSED, Standing.OPEN)


async def test_h12_documents_that_came_in_are_known_by_kind(postgres: PostgresStore) -> None:
    await an_order(postgres)
    known = await postgres.documents_known("default", Kind.SALES_ORDER, ["1201", "1202"])
    assert known == {"1201"}
    assert await postgres.documents_known("default", Kind.QUOTE, ["1201"]) == set()
    assert await postgres.documents_known("other", Kind.SALES_ORDER, ["1201"]) == set()


async def test_h12_what_a_fix_forgets_comes_back_whole(postgres: PostgresStore) -> None:
    whole = replace(FIX, intents=(("create_products", "order", "k"),), facts=(("conversion", ""),))
    await postgres.keep_findings(await an_order(postgres), [replace(DRIFT, fix=whole)])
    (one,) = (await listed(postgres)).items
    assert one.drift.fix == whole
