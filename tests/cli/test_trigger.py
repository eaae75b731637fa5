"""`trigger`: which event is posted, where to, and what the door's answer means."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

from app.cli.frame import ExitCode, Told
from app.cli.trigger import chosen
from tests.cli.conftest import Command, Ended, beside
from tests.unit.http_server import Served, always, http, serving

SECRET = "whsec_" + "c2VjcmV0IG9mIHRoaXJ0eS10d28gYnl0ZXMgbG9uZyE="
EVENT = {"type": "quote.won", "timestamp": "2026-11-19T10:02:00Z", "data": {"price": 23.9}}
NAMED = {"first": EVENT, "second": {**EVENT, "type": "quote.declined"}}
TAKEN = http("202 Accepted", b'{"event_id": 7, "duplicate": false}')


def written(path: Path, content: Any) -> Path:
    file = path / "events.json"
    file.write_text(json.dumps(content))
    return file


def headers(served: Served) -> Mapping[str, str]:
    lines = served.heads[-1].split("\r\n")[1:]
    return {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}


def test_a_single_event_is_sent_byte_for_byte():
    content = b'{ "type": "quote.won",  "data": {"price": 23.90} }'
    assert chosen(content, None, "file") == content


def test_one_of_several_named_events_is_chosen():
    found = json.loads(chosen(json.dumps(NAMED).encode(), "second", "file"))
    assert found == NAMED["second"]


@pytest.mark.parametrize(
    ("content", "name", "says"),
    [
        (json.dumps(NAMED), None, "--event"),
        (json.dumps(NAMED), "third", "'first', 'second'"),
        (json.dumps(EVENT), "quote.declined", "quote.won"),
        ("[1]", None, "neither"),
        ("{", None, "not JSON"),
    ],
)
def test_what_cannot_be_chosen_is_told(content: str, name: str | None, says: str):
    with pytest.raises(Told) as told:
        chosen(content.encode(), name, "file")
    assert told.value.exit_code is ExitCode.USAGE
    assert says in told.value.sentence


async def test_an_event_is_signed_so_that_the_reference_library_accepts_it(
    demandlink: Command, tmp_path: Path
):
    async with serving(always(TAKEN)) as served:
        arguments = ("trigger", written(tmp_path, EVENT), "--url", served.url, "--secret", SECRET)
        ended = await beside(demandlink, *arguments)
        again = await beside(demandlink, *arguments, "--id", "msg_mine", "--json")
    assert (ended.code, ended.out) == (0, "Taken as event 7.\n")
    assert again.json == {"status": 202, "event_id": 7, "duplicate": False}
    assert headers(served)["webhook-id"] == "msg_mine"
    Webhook(SECRET).verify(served.bodies[-1], dict(headers(served)))
    assert served.heads[0].startswith("POST /webhooks/commerce ")


async def test_address_and_secret_come_from_the_running_stack(demandlink: Command, tmp_path: Path):
    async with serving(always(TAKEN)) as served:
        described = {"api": served.url, "commerce_webhook_secret": SECRET}
        (tmp_path / "up.json").write_text(json.dumps(described))
        assert (await beside(demandlink, "trigger", written(tmp_path, EVENT))).code == 0
    assert len(served.bodies) == 1


async def test_settings_go_before_the_running_stack(
    demandlink: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    async with serving(always(TAKEN)) as served:
        monkeypatch.setenv("PUBLIC_URL", served.url)
        monkeypatch.setenv("COMMERCE_WEBHOOK_SECRETS", f"{SECRET},whsec_b2xk")
        (tmp_path / "up.json").write_text(json.dumps({"api": "http://127.0.0.1:1"}))
        assert (await beside(demandlink, "trigger", written(tmp_path, EVENT))).code == 0
    Webhook(SECRET).verify(served.bodies[0], dict(headers(served)))


def test_without_a_secret_it_says_where_one_is_set(demandlink: Command, tmp_path: Path):
    ended = demandlink("trigger", written(tmp_path, EVENT))
    assert ended.code == ExitCode.USAGE
    assert "COMMERCE_WEBHOOK_SECRETS" in ended.err


async def test_an_event_from_standard_input_is_posted(demandlink: Command):
    async with serving(always(TAKEN)) as served:

        def run(*arguments: object) -> Ended:
            return demandlink(*arguments, given=json.dumps(EVENT))

        arguments = ("trigger", "-", "--url", served.url, "--secret", SECRET)
        assert (await beside(run, *arguments)).code == 0
    assert json.loads(served.bodies[0]) == EVENT


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ("401 Unauthorized", ExitCode.FAILED),
        ("422 Unprocessable Entity", ExitCode.FAILED),
        ("503 Service Unavailable", ExitCode.UPSTREAM),
    ],
)
async def test_a_refusal_is_told_with_its_reason(
    demandlink: Command, tmp_path: Path, status: str, code: ExitCode
):
    answer = http(status, b'{"code": "SOME_CODE", "detail": "The door says why."}')
    async with serving(always(answer)) as served:
        arguments = ("trigger", written(tmp_path, EVENT), "--url", served.url, "--secret", SECRET)
        ended = await beside(demandlink, *arguments)
    assert ended.code == code
    assert ended.err == f"The event was not taken ({status[:3]}): The door says why.\n"


def test_nobody_there_ends_with_upstream(demandlink: Command, tmp_path: Path):
    file = written(tmp_path, EVENT)
    ended = demandlink("trigger", file, "--url", "http://127.0.0.1:1", "--secret", SECRET)
    assert ended.code == ExitCode.UPSTREAM
    assert "cannot be reached" in ended.err
