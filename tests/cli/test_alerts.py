"""`alerts test` and `alerts list`, with a real place to go to."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from app.api.admin_alerts import AlertOut
from app.cli import shapes
from app.domain.alerts import Alert, AlertRow
from app.store.postgres import PostgresStore
from tests.cli.conftest import Command
from tests.store.build import keep_alert

NOW = datetime(2026, 11, 20, 14, 11, tzinfo=UTC)
FOUND = Alert("drift:7", "DRIFT", NOW, "Bill 7 differs.")


@contextmanager
def _answers(status: int) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(status)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None: ...  # noqa: A002

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"json://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.fixture
def service(database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("REDIS_URL", redis_url)


@pytest.mark.usefixtures("service")
@pytest.mark.parametrize(("status", "code"), [(200, 0), (500, 4)])
def test_a_test_ends_by_whether_it_was_taken(
    demandlink: Command, monkeypatch: pytest.MonkeyPatch, status: int, code: int
) -> None:
    with _answers(status) as url:
        monkeypatch.setenv("ALERT_URLS", url)
        ended = demandlink("alerts", "test", "--json")
    assert ended.code == code
    assert ended.json == {"items": [{"place": "JSON", "taken": status == 200}]}


@pytest.mark.usefixtures("service")
def test_without_addresses_a_test_says_what_to_set(demandlink: Command) -> None:
    ended = demandlink("alerts", "test")
    assert (ended.code, "ALERT_URLS" in ended.err) == (2, True)


@pytest.mark.usefixtures("service")
def test_what_was_told_is_listed(demandlink: Command, database_url: str) -> None:
    async def told() -> None:
        async with await PostgresStore.open(database_url) as store:
            await keep_alert(store, FOUND)

    asyncio.run(told())
    (found,) = demandlink("alerts", "list", "--json").json["items"]
    assert (found["code"], found["state"], found["order"]) == ("DRIFT", "waiting", None)
    assert "Bill 7 differs." in demandlink("alerts", "list").out


def test_both_doors_show_an_alert_alike() -> None:
    row = AlertRow(7, FOUND, NOW, sent_at=NOW, told=("a",), attempts=1)
    assert shapes.alert(row) == AlertOut.of(row).model_dump(mode="json")
