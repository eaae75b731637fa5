# ruff: noqa: S608 - numbers of this file
"""Every list and every look of the store at a year of rows: by an index, and no further than it must.

What is called is found, not written down: all of the store's methods that answer with several things.
A new one is asked as soon as its parameters are known here, and fails the test until they are.
"""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import asyncpg
import pytest

from app.domain.codes import Code, State, Who
from app.domain.desk import Fingerprint
from app.domain.documents import Kind
from app.domain.drift import Standing
from app.domain.retention import Kept, Period
from app.domain.views import OrderFilter
from app.store import offering, pages, reading
from app.store.postgres import PostgresStore
from benchmarks.filling import past_months
from tests.store.build import TENANT
from tests.store.explained import FOR_ANY, FOR_THESE, Read, listened_to

ORDERS = 12_000
OPEN = 120  # of them
LIMIT = 20
# Rows of a growing table that one part of a plan may read: what is open and what a page shows, with room.
# A search reads what fits.
MOST = 600
# But for a tenant's settings and mappings, which a process reads once for each of their versions.
SMALL = 250  # rows of a table that the server reads whole because it is a page or two
GROWING = (
    "orders", "document", "applied", "intent", "external_ref", "order_ref", "fact", "decision",
    "step_run", "inbox_event", "inbox_seen", "journal_event", "call", "audit", "drift_finding", "alert",
    "replay", "replay_item", "mapping",
)  # fmt: skip
SEVERAL = ("Page[", "Sequence[", "list[", "set[", "Mapping[", "Values")
# What answers with several things because it takes or changes them: `tests/store` proves each.
CHANGES = frozenset({"claim", "heartbeat", "take_alerts", "make_room", "seed_settings"})
# One thing each, but asked as often as a list: what a page and its stream look at.
LOOKS = frozenset(
    {
        "event",
        "extent",
        "finding",
        "last_linked",
        "mapping",
        "mapping_named",
        "mark",
        "order_mark",
        "peek",
        "replay",
        "next_due",
        "readiness",
    }
)
ORDER = 6000
BEGUN = ("", "ON1000600", "id:", "id:6", "replay-77", "7", "77", "117", "zz")  # before the tab key
FILTERS = [
    OrderFilter(),
    *(OrderFilter(state=one) for one in (State.WAITING, State.HELD, State.DONE, State.PARKED)),
    *(OrderFilter(code=one) for one in (Code.RELEASED, Code.TOTAL_MISMATCH, Code.POISON)),
    *(OrderFilter(who=one) for one in (Who.NOBODY, Who.OPERATOR, Who.PURCHASING)),
    *(OrderFilter(number=one) for one in ("ON10006000", "on1000600", "XY", "id:6000")),
    *(OrderFilter(connection=one) for one in ("default", "nobody's")),
    OrderFilter(state=State.DONE, code=Code.POISON),
    OrderFilter(state=State.HELD, who=Who.PURCHASING, connection="default"),
]
# What is given for a parameter of that name.
VALUES: Mapping[str, tuple[Any, ...]] = {
    "tenant_id": (TENANT,),
    "period": tuple(Period(kept, 90) for kept in Kept),
    "order_id": (ORDER,),
    "limit": (LIMIT,),
    "cursor": (None, pages._write(ORDER)),
    "wanted": tuple(FILTERS),
    "ids": ([ORDER, 7],),
    "number": ("ON10006000", "id:6000"),
    "source": (None, "commerce", "connectwise"),
    "status": (None, "merged", "rejected", "deferred", "dropped"),
    "kind": (None, Kind.RECEIPT),
    "connection": ("default",),
    "code": (Code.TOTAL_MISMATCH,),
    "standing": (None, Standing.OPEN, Standing.CLOSED),
    "text_": ("ON10006000", "0006000", "mer 77", "no such thing", "zz"),
    "source_ids": (["6000", "x"],),
    "purchase_order": ("6000",),
    "system": ("commerce",),
    "event_id": (ORDER,),
    "finding_id": (1000,),
    "replay_id": ("replay-77",),
    "after": (0, ORDER),
    "mapping_id": (ORDER,),
    "days": (14,),
}
OWN: Mapping[str, Mapping[str, tuple[Any, ...]]] = {
    "issue_orders": {"wanted": (Fingerprint(Code.TOTAL_MISMATCH, "create_products"),)},
    "replays": {"cursor": (None, pages._encoded([1_790_000_000_000_000, "replay-77"]))},
    "findings": {"order_id": (None, ORDER), "code": (None, Code.DRIFT_MISSING)},
    "hints": {"each": (LIMIT,), "busy": ((TENANT,),)},
    "mapping_page": {
        "kind": (None, "company", "vendor", "contact"),
        # One that all hold, that all of a kind begin with, that few hold, that one begins with, that none.
        "holds": (None, "COMPANY", "co", "OMPANY77", "qx", "no such thing", "zz"),
    },
    "mapping_named": {"kind": ("company",), "key": ("K9",)},
    "documents_known": {"kind": (Kind.RECEIPT,)},
    "search": {"cursor": (None, pages._encoded([1, ORDER]))},
}


def lists() -> Iterator[str]:
    """The store's methods that answer with several things, and the looks."""
    for name, method in inspect.getmembers(PostgresStore, inspect.iscoroutinefunction):
        answers = str(inspect.signature(method).return_annotation)
        several = answers.startswith(SEVERAL) and not answers.endswith("None")
        if not name.startswith("_") and name not in CHANGES and (several or name in LOOKS):
            yield name


def calls(name: str) -> Iterator[dict[str, Any]]:
    """What it is asked: every value of each parameter with every one of the others."""
    method = inspect.signature(getattr(PostgresStore, name))
    given = {**VALUES, **OWN.get(name, {})}
    known = [one for one in method.parameters if one != "self"]
    unknown = [one for one in known if one not in given]
    assert not unknown, f"say in this file what {name} is asked for: {unknown}"
    for values in itertools.product(*(given[one] for one in known)):
        yield dict(zip(known, values, strict=True))


FILL = (
    f"""INSERT INTO orders (tenant_id, connection_id, source_id, number, customer, scenario, state, code,
        who, since, updated_at)
    SELECT 1, c.id, n, 'ON' || (10000000 + n), 'Customer ' || n % 500, 'connectwise-invoicing',
        CASE WHEN n % {ORDERS // OPEN} > 0 THEN 'done' WHEN n % 3 = 0 THEN 'held' ELSE 'waiting' END,
        CASE WHEN n % {ORDERS // OPEN} > 0 THEN 'RELEASED' ELSE 'TOTAL_MISMATCH' END,
        CASE WHEN n % {ORDERS // OPEN} > 0 THEN 'nobody' ELSE 'operator' END, now(),
        now() - ({ORDERS} - n) * interval '40 minutes'
    FROM generate_series(1, {ORDERS}) AS n, connection AS c WHERE c.kind = 'commerce'""",
    """INSERT INTO document (tenant_id, connection_id, kind, source_id, order_id, version, rank, own,
        extras, number, words, purchase_order)
    SELECT 1, connection_id, 'receipt', source_id, id, '1', '{}', '{}', '{}', 'PS' || id,
        'PS' || id || chr(10) || 'INV' || id, source_id FROM orders""",
    """INSERT INTO applied (order_id, step, subject, tenant_id, state, code, applied_at)
    SELECT id, CASE state WHEN 'done' THEN 'link_demand' ELSE 'create_products' END, 'order', 1, state,
        code, CASE state WHEN 'done' THEN updated_at END FROM orders""",
    """INSERT INTO external_ref (tenant_id, kind, external_id, order_id)
    SELECT 1, 'ticket', id, id FROM orders""",
    """INSERT INTO order_ref (order_id, kind, key, tenant_id, ref_id)
    SELECT order_id, kind, '', 1, id FROM external_ref""",
    """INSERT INTO fact (order_id, kind, key, tenant_id, body, seen_at)
    SELECT id, 'ticket', '', 1, '{}', now() FROM orders""",
    """INSERT INTO intent (tenant_id, order_id, step, subject, kind, key, evidence, committed_at)
    SELECT 1, id, 'raise_ticket', 'order', 'ticket', id, '{}', now() FROM orders""",
    """INSERT INTO step_run (tenant_id, order_id, step, subject, attempt, state)
    SELECT 1, id, 'raise_ticket', 'order', 1, 'done' FROM orders""",
    """INSERT INTO decision (tenant_id, order_id, step, subject, code, choice, reason, actor)
    SELECT 1, id, 's', 'order', 'TOTAL_MISMATCH', 'x', 'r', 'anna' FROM orders""",
    """INSERT INTO journal_event (tenant_id, order_id, at, code, sentence, actor)
    SELECT 1, id, updated_at, 'C', 'S', 'service' FROM orders, generate_series(1, 2)""",
    """INSERT INTO call (tenant_id, order_id, at, system, method, path, query, status, milliseconds, step,
        purpose)
    SELECT 1, id, updated_at, 'connectwise', 'GET', '/x/1', '', 200 + id % 300, 1, 'create_products',
        'step' FROM orders""",
    """INSERT INTO inbox_event (tenant_id, connection_id, source, external_id, event_type, body, body_hash,
        status, received_at, order_ids)
    SELECT 1, connection_id, 'commerce', 'm' || id, 't', '', '',
        CASE id % 400 WHEN 0 THEN 'rejected' ELSE 'merged' END, updated_at, ARRAY[id] FROM orders""",
    # Connectwise tells much that concerns no order; nothing of Commerce is dropped, nothing merged of it.
    """INSERT INTO inbox_event (tenant_id, connection_id, source, external_id, event_type, body, body_hash,
        status, received_at)
    SELECT 1, c.id, 'connectwise', 'd' || o.id, 't', '', '', 'dropped', o.updated_at
    FROM orders AS o, connection AS c WHERE c.kind = 'connectwise'""",
    """INSERT INTO mapping (tenant_id, kind, commerce_key, connectwise_key, updated_by)
    SELECT 1, CASE WHEN n % 400 = 0 THEN 'vendor' WHEN n % 3 = 0 THEN 'scenario' ELSE 'company' END,
        CASE WHEN n % 400 = 7 THEN 'QX' ELSE 'K' END || n, CASE WHEN n % 3 = 0 THEN 'scenario-' || n % 2 ELSE 'COMPANY' || n END, 'anna'
    FROM generate_series(1, 12000) AS n""",
    """INSERT INTO audit (tenant_id, actor, action, target)
    SELECT 1, 'anna', 'order.hold', id FROM orders""",
    """INSERT INTO drift_finding (tenant_id, order_id, key, digest, standing, code, system, kind, record,
        about, step, subject, says, stands, sentence, who)
    SELECT 1, id, 'k', 'd', CASE id % 400 WHEN 0 THEN 'open' ELSE 'closed' END, 'DRIFT_MISSING', 's', 'k',
        'r', 'a', 's', 'order', '', '', '', 'operator' FROM orders""",
    """INSERT INTO alert (tenant_id, subject, code, since, sentence, who, sent_at)
    SELECT 1, 'order:' || id, 'TOTAL_MISMATCH', now(), '', 'operator', now() FROM orders""",
    """INSERT INTO replay (id, tenant_id, state, reason, actor, created_at, expires_at)
    SELECT 'replay-' || id, 1, 'done', '', 'anna', updated_at, updated_at FROM orders""",
    """INSERT INTO replay_item (replay_id, position, order_id, order_name, connection, wake_seq, state)
    SELECT 'replay-' || id, 1, id, number, 'commerce', 1, 'woken' FROM orders""",
)


async def _filled(database_url: str) -> None:
    connection = await asyncpg.connect(database_url, server_settings={"timezone": "UTC"})
    await past_months(connection, 12)
    # What a test before left behind in the files would be counted by the planner.
    anew = f"TRUNCATE {', '.join(GROWING)} CASCADE"
    for statement in (anew, "SET session_replication_role = replica", *FILL, "VACUUM ANALYZE"):
        await connection.execute(statement)
    await connection.close()


def _table(read: Read) -> str:
    """A partition is told by its own name."""
    return next((one for one in GROWING if read.table.startswith(f"{one}_2")), read.table)


def test_of_every_list_it_is_known_what_it_is_asked_for() -> None:
    assert all(list(calls(name)) for name in lists())
    assert set(dir(PostgresStore)) >= CHANGES | LOOKS


@pytest.mark.breadth
async def test_every_list_of_a_year_is_read_by_an_index_and_no_further_than_its_page(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under both kinds of plan that the server may keep: which one it takes is its own choice."""
    await _filled(database_url)
    wrong: dict[str, str] = {}
    asked = set()
    for planned in (FOR_THESE, FOR_ANY):
        with monkeypatch.context() as patch:
            async with listened_to(database_url, patch, planned) as (store, plans):
                for name in lists():
                    for given in calls(name):
                        plans.told.clear()
                        await getattr(store, name)(**given)
                        assert plans.told, f"nothing was told of {name}"
                        asked.add(name)
                        for statement, read in plans.reads(planned):
                            if _too_far(read) and statement != reading._CONFIG:
                                known = f"{name}: {read.kind} {read.table} {statement[:80]}"
                                wrong.setdefault(known, f"{read.rows} rows, {planned}, {given}")
                    for what, begun in itertools.product(offering.STATEMENTS, BEGUN):
                        plans.told.clear()
                        statement, values = offering.query(what, TENANT, begun)
                        async with store._db.session() as session:
                            await session.fetch(statement, *values)
                        # The shell has a connection for one question: its plan is for these values.
                        for _, read in plans.reads(planned) if planned == FOR_THESE else ():
                            if _too_far(read):
                                known = f"completion of {what}: {read.kind} {read.table}"
                                wrong.setdefault(known, f"{read.rows} rows, {begun!r}")
    assert not wrong, "\n".join(f"{name}: {told}" for name, told in wrong.items())
    assert {"orders", "events", "search", "audits", "alerts", "replays", "issues"} < asked


def _too_far(read: Read) -> bool:
    if read.table.startswith("pg_"):
        return False
    whole = "Seq Scan" in read.kind and _table(read) in GROWING
    return read.rows > (SMALL if whole else MOST)
