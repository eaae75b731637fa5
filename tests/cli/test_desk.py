"""Issues, audit, calls and replays at the command line, as the console and REST show them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from app.api.admin_desk import AuditOut, IssueOut
from app.api.admin_replays import ReplaySummary
from app.api.models import CallOut
from app.cli import desk_shapes, shapes
from app.cli.frame import ExitCode
from app.domain.codes import Code
from app.domain.desk import AuditRow, Fingerprint, Issue
from app.domain.records import CallRecord
from app.domain.views import Audit, CallRow, Replay
from app.store.postgres import PostgresStore
from tests.cli.conftest import Command
from tests.store.build import deliver, sales_order

NOW = datetime(2026, 11, 20, 14, 11, tzinfo=UTC)
MARK = Fingerprint(Code.PERMISSION_MISSING, "win_opportunity", "PATCH /sales/opportunities/1")


@pytest.fixture
def held(database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A service whose only order stands held, after a call that was refused."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("REDIS_URL", redis_url)

    async def filled() -> str:
        async with await PostgresStore.open(database_url) as store:
            await deliver(store, "msg_1201", sales_order("1201"))
            async with store._db.session() as session:
                await session.execute(
                    "UPDATE orders SET state = 'held', code = 'PERMISSION_MISSING', who = 'operator',"
                    " sentence = 'The role may not.', since = now()"
                )
                await session.execute(
                    "INSERT INTO call (tenant_id, order_id, system, method, path, query, status,"
                    " milliseconds, purpose) SELECT 1, id, 'connectwise', 'PATCH',"
                    " '/sales/opportunities/1', '', 403, 12.5, 'step' FROM orders"
                )
                number = await session.fetchval(
                    "SELECT coalesce(number, 'id:' || source_id) FROM orders"
                )
            told = "The signature does not fit."
            await store.note_unverified("commerce", Code.SIGNATURE_REFUSED, told, b"")
        return str(number)

    return asyncio.run(filled())


def test_an_issues_whole_group_is_planned(held: str, demandlink: Command) -> None:
    (found,) = demandlink("issues", "list", "--json").json["items"]
    assert (found["code"], found["count"]) == ("PERMISSION_MISSING", 1)
    assert "PERMISSION_MISSING" in demandlink("issues", "list").out
    named = [found["code"], "--step", found["step"], "--endpoint", found["endpoint"]]
    planned = demandlink("issues", "plan", *named, "--reason", "given")
    assert planned.code == ExitCode.OK, planned.err
    assert "demandlink replay run " in planned.out
    (replay,) = demandlink("replay", "list", "--json").json["items"]
    assert replay["id"] in planned.out
    assert (replay["state"], replay["reason"]) == ("planned", "given")
    assert "given" in demandlink("replay", "list").out
    none = demandlink("issues", "plan", "POISON", "--reason", "x", "--json")
    assert (none.code, "NOT_FOUND" in none.err) == (ExitCode.FAILED, True)


def test_what_people_did_and_what_was_called_is_told(held: str, demandlink: Command) -> None:
    assert demandlink("audit").out == "Nobody has changed anything yet.\n"
    assert demandlink("orders", "hold", held, "--reason", "look first").code == ExitCode.OK
    told = demandlink("audit").out
    assert "order.hold" in told
    assert held in told
    assert "look first" in told
    (row,) = demandlink("audit", "--json", "--limit", "1").json["items"]
    assert (row["action"], row["order"]) == ("order.hold", held)
    (call,) = demandlink("orders", "calls", held, "--json").json["items"]
    assert (call["method"], call["status"]) == ("PATCH", 403)
    assert "PATCH /sales/opportunities/1" in demandlink("orders", "calls", held).out


def test_requests_that_were_let_in_nowhere_are_told(held: str, demandlink: Command) -> None:
    asked = ("events", "list", "--status", "unverified")
    assert "The signature does not fit." in demandlink(*asked).out
    (one,) = demandlink(*asked, "--json").json["items"]
    assert (one["status"], one["code"]) == ("unverified", "SIGNATURE_REFUSED")
    assert demandlink(*asked, "--source", "xero").out == "No request was refused.\n"


def test_both_doors_show_them_alike() -> None:
    issue = Issue(MARK, 2, ("ON1", "ON2"), NOW, NOW, "The role may not.")
    assert desk_shapes.issue(issue) == IssueOut.of(issue).model_dump(mode="json")
    replay = Replay("r", 1, "planned", "given", "pat", NOW, NOW)
    assert shapes.replay_summary(replay) == ReplaySummary.of(replay).model_dump(mode="json")
    row = AuditRow(7, NOW, Audit("pat", "connection.pause", "2", {"reason": "x"}))
    assert desk_shapes.audit(row, None) == AuditOut.of(row, None).model_dump(mode="json")
    values: dict[str, Any] = {
        "system": "connectwise", "method": "GET", "path": "/x", "query": "", "status": 200,
        "milliseconds": 1.5, "request": None, "response": "{}", "failure": None, "step": None,
        "subject": None, "purpose": "step",
    }  # fmt: skip
    call = CallRow(7, NOW, CallRecord(**values))
    assert desk_shapes.call(call) == CallOut.of(call).model_dump(mode="json")
