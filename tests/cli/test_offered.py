"""What the shell offers of what is kept: what is there, at once, and nothing where it is away."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from app.cli import offered as offering
from app.cli.frame import ExitCode
from app.store import offering as stored
from tests.cli.test_comfort import BIN, offered
from tests.docs.command_line import commands
from tests.servers import query

PLANNED, RUNNING, DONE, EXPIRED = "0a-planned", "0b-running", "0c-done", "0d-expired"
ORDERS = {"ON1201", "ON1202", "on%1", "id:77"}
REPLAYS = {PLANNED, RUNNING, DONE, EXPIRED}
# What each place offers that takes one of these: command, words before it, all that is offered.
TAKEN = [
    *((("orders", name), ORDERS) for name in ("explain", "hold", "release", "decide", "retry")),
    *(
        (("orders", name), ORDERS)
        for name in ("skip", "calls", "needs", "readiness", "repin", "reveal")
    ),
    (("orders", "list", "--number"), ORDERS),
    (("tickets", "assign"), ORDERS),
    (("replay", "plan"), ORDERS),
    (("replay", "plan", "ON1201"), ORDERS),
    (("what-if",), ORDERS),
    (("drift", "sweep"), ORDERS),
    (("drift", "list", "--order"), ORDERS),
    (("replay", "status"), REPLAYS),
    (("replay", "run"), {PLANNED}),
    (("replay", "abort"), {PLANNED, RUNNING, EXPIRED}),
    (("mappings", "remove"), {"5", "6"}),
    (("drift", "fix"), {"8"}),
    (("drift", "adopt"), {"8"}),
    (("drift", "ignore"), {"8"}),
    (("connections", "pause"), {"1", "2"}),
    (("connections", "resume"), {"1", "2"}),
]
FILLED = """
INSERT INTO tenant (id, name) OVERRIDING SYSTEM VALUE VALUES (9, 'other');
INSERT INTO connection (id, tenant_id, kind, name) OVERRIDING SYSTEM VALUE
VALUES (3, 9, 'commerce', 'other');
INSERT INTO orders (tenant_id, connection_id, source_id, number, state, code) VALUES
    (1, 1, '1201', 'ON1201', 'held', 'TOTAL_MISMATCH'), (1, 1, '1202', 'ON1202', 'done', NULL),
    (1, 1, '1', 'on%1', 'done', NULL), (1, 1, '77', NULL, 'waiting', NULL),
    (9, 3, '1203', 'ON1203', 'done', NULL);
INSERT INTO replay (id, tenant_id, state, reason, actor, expires_at) VALUES
    ('0a-planned', 1, 'planned', 'x', 'anna', now() + interval '1 hour'),
    ('0b-running', 1, 'running', 'x', 'anna', now() - interval '1 hour'),
    ('0c-done', 1, 'done', 'x', 'anna', now() - interval '1 hour'),
    ('0d-expired', 1, 'planned', 'x', 'anna', now() - interval '1 hour'),
    ('0e-other', 9, 'planned', 'x', 'bert', now() + interval '1 hour');
INSERT INTO mapping (id, tenant_id, kind, commerce_key, connectwise_key, updated_by)
OVERRIDING SYSTEM VALUE VALUES (5, 1, 'company', '78', 'CONTOSO', 'anna'),
    (6, 1, 'contact', 'anna@contoso.example', '31', 'anna'), (7, 9, 'company', '78', 'X', 'b');
INSERT INTO drift_finding (id, tenant_id, key, digest, standing, code, system, kind, record, about,
    step, subject, says, stands, sentence, who) OVERRIDING SYSTEM VALUE
SELECT id, 1, id::text, '', standing, 'RECORD_MISSING', '', '', '', '', '', '', '', '', '', ''
FROM (VALUES (8, 'open'), (9, 'closed')) AS given (id, standing);
"""


@pytest.fixture
def kept(database_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A database with something of every kind, also of another tenant, as the settings' own."""
    query(database_url, FILLED, "SELECT 1")
    monkeypatch.setenv("DATABASE_URL", database_url)
    return database_url


def test_what_is_kept_is_offered_wherever_a_command_takes_it(kept: str) -> None:
    for words, all_of_them in TAKEN:
        assert set(offered(*words, "")) == all_of_them, words


def test_every_command_that_takes_one_offers_it() -> None:
    """The list above is whole."""
    taken = {
        name.removeprefix("demandlink ")
        for name, command in commands()
        for one in getattr(command, "params", ())
        if one.name in ("number", "numbers", "replay", "mapping", "finding")
    }
    assert taken == {" ".join(word for word in words[:2] if word != "ON1201") for words, _ in TAKEN}


def test_what_begins_so_is_offered_and_a_sign_stands_for_itself(kept: str) -> None:
    assert set(offered("orders", "explain", "ON12")) == {"ON1201", "ON1202"}
    assert set(offered("orders", "explain", "on")) == {"on%1"}
    assert set(offered("orders", "explain", "on%")) == {"on%1"}
    assert offering.orders("ON_2") == []
    assert set(offered("orders", "explain", "id:")) == {"id:77"}
    assert offered("orders", "explain", "x' OR true --") == []
    assert offered("mappings", "remove", "6") == ["6"]


@pytest.mark.parametrize(
    "begun", ["", "1", "9", "12", "922", "9223372036854775807", "0", "x", "-1", "٣"]
)
def test_a_number_is_in_the_ranges_of_what_it_begins_with_and_no_other_is(begun: str) -> None:
    found = stored.ranges(begun)
    for one in (*range(1, 2000), *(10**n for n in range(19)), 9219999999999999999, 2**63 - 1):
        assert any(low <= one <= high for low, high in found) == str(one).startswith(begun), one


def test_a_word_about_each_is_told_and_no_address_of_a_person(kept: str) -> None:
    assert ("ON1201", "held TOTAL_MISMATCH") in offering.orders("ON1201")
    assert ("5", "company CONTOSO") in offering.mappings("")
    assert "anna" not in str(offering.mappings(""))
    assert {told.split(",")[0] for _, told in offering.replays("0a")} == {"planned"}


def test_the_newest_come_first_and_not_more_than_anyone_reads(kept: str) -> None:
    query(
        kept,
        "INSERT INTO orders (tenant_id, connection_id, source_id, number)"
        " SELECT 1, 1, 'm' || n, 'M' || n FROM generate_series(1, 300) AS n",
        "SELECT 1",
    )
    found = [value for value, _ in offering.orders("M")]
    assert (len(found), found[0]) == (stored.MOST, "M300")


class Silent:
    """A server that takes connections and says nothing."""

    def __enter__(self) -> str:
        self._listening = socket.create_server(("127.0.0.1", 0))
        return f"postgresql://u:p@127.0.0.1:{self._listening.getsockname()[1]}/x"

    def __exit__(self, *_: object) -> None:
        self._listening.close()


def quick(what: Any) -> list[Any]:
    """What is offered, if it came at once: in little more than the time that is given."""
    began = time.monotonic()
    found = list(what(""))
    assert time.monotonic() - began < offering.RESOLVED_WITHIN + stored.WITHIN_SECONDS + 2
    return found


def test_nothing_is_offered_by_who_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    with Silent() as url:
        monkeypatch.setenv("DATABASE_URL", url)
        assert quick(offering.orders) == []


def test_a_resolver_that_does_not_answer_is_not_waited_for(
    kept: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: over.wait(30))
    assert quick(offering.orders) == []
    over.set()


def test_a_lock_on_the_table_is_not_waited_for(kept: str) -> None:
    async def locked() -> list[Any]:
        connection = await asyncpg.connect(kept)
        try:
            async with connection.transaction():
                await connection.execute("LOCK TABLE orders")
                return await asyncio.to_thread(quick, offering.orders)
        finally:
            await connection.close()

    assert asyncio.run(locked()) == []


@pytest.mark.parametrize(
    "given",
    [
        {"DATABASE_URL": "postgresql://u:p@127.0.0.1:1/x"},
        {"DATABASE_URL": "postgresql://u:p@no-such-host.invalid/x"},
        {"DATABASE_URL": "mysql://x"},
        {"READ_LAG": "soon", "DATABASE_URL": ""},
        {"DATABASE_URL": "", "DEMANDLINK_DATA_DIR": "nowhere"},
    ],
)
def test_the_shell_sees_nothing_of_what_is_away(given: dict[str, str], tmp_path: Path) -> None:
    asked = {
        **os.environ,
        **given,
        "_DEMANDLINK_COMPLETE": "complete_bash",
        "COMP_WORDS": "demandlink orders explain ON",
        "COMP_CWORD": "3",
    }
    ended = subprocess.run(
        [BIN], check=False, env=asked, cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert (ended.returncode, ended.stdout.strip(), ended.stderr) == (ExitCode.OK, "", "")
    assert list(tmp_path.iterdir()) == []  # nothing was started, nothing was made


def test_a_database_without_tables_or_with_another_password_offers_nothing(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", empty_database_url)
    assert offering.orders("") == []
    user = empty_database_url.partition("@")[0]
    monkeypatch.setenv("DATABASE_URL", empty_database_url.replace(user, "postgresql://nobody:no"))
    assert offering.orders("") == []


def test_the_embedded_database_is_asked_where_it_runs(
    kept: str, shared_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app import embedded

    monkeypatch.setenv("DATABASE_URL", "")
    monkeypatch.setenv("DEMANDLINK_DATA_DIR", str(shared_directory / "servers"))
    assert embedded.running_database(shared_directory / "servers") is not None
    # The tests' own database beside it is the one with orders.
    monkeypatch.setattr(embedded, "running_database", lambda directory: kept)
    assert set(offered("orders", "explain", "ON12")) == {"ON1201", "ON1202"}
