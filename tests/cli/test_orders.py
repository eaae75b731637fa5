"""What people read and change at the command line, on the real store, beside the running service.

Each answer in JSON is held against the admin REST's: they must not drift apart.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.cli.frame import ExitCode
from sandbox.demo.events import Sale
from sandbox.demo.goods import CABLE, CONTOSO, INGRAM, NORDIC
from sandbox.demo.purchases import Purchase
from tests.cli.conftest import Command, beside
from tests.e2e.harness import ADMIN, Stack, bearer, running

SALE = Sale(1301, CONTOSO, [(CABLE, 10)])
HELD = Sale(1302, CONTOSO, [(CABLE, 1)])


@pytest.fixture
async def stack(
    database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Stack]:
    """The service with one order that waits for goods and one that is held."""
    async with running(database_url, redis_url) as started:
        # What the service's own environment would say.
        monkeypatch.setenv("DATABASE_URL", database_url)
        monkeypatch.setenv("REDIS_URL", redis_url)
        settings = started.container.settings
        monkeypatch.setenv("CONNECTWISE_URL", settings.connectwise_url)
        monkeypatch.setenv("CONNECTWISE_COMPANY", settings.connectwise_company)
        for event in (SALE.approved(), Purchase(9301, SALE, INGRAM, SALE.lines).approved()):
            await started.deliver(event)
        purchase = Purchase(9302, HELD, NORDIC, HELD.lines)
        for event in (HELD.approved(), purchase.approved(), purchase.receive()):
            await started.deliver(event)
        await started.until_state(SALE.number, "waiting", "GOODS_NOT_RECEIVED")
        await started.until_state(HELD.number, "held", "MAPPING_MISSING")
        yield started


async def rest(stack: Stack, path: str, **query: Any) -> Any:
    answer = await stack.client.get(path, headers=bearer(), params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_an_order_is_explained_with_its_answer_first(stack: Stack, demandlink: Command):
    ended = await beside(demandlink, "orders", "explain", SALE.number)
    lines = ended.out.splitlines()
    assert ended.code == ExitCode.BLOCKED
    assert lines[0].startswith("Nothing has been received on PO10009301 yet")
    assert lines[1] == f"{SALE.number} · Contoso Ltd · waiting · GOODS_NOT_RECEIVED"
    assert "What to do: Receive the goods" in ended.out
    assert "create_sales_order" in ended.out
    assert "USB-C cable, 2 m" in ended.out
    assert "\x1b" not in ended.out


async def test_json_is_what_the_admin_rest_answers(stack: Stack, demandlink: Command):
    explained = await beside(demandlink, "orders", "explain", HELD.number, "--json")
    assert explained.code == ExitCode.BLOCKED
    told = explained.json
    journal = await rest(stack, f"/admin/orders/{HELD.number}/journal", limit=200)
    assert told.pop("journal") == journal["items"][-12:]
    assert told == await rest(stack, f"/admin/orders/{HELD.number}")
    listed = await beside(demandlink, "orders", "list", "--json")
    assert listed.json == await rest(stack, "/admin/orders")
    events = await beside(demandlink, "events", "list", "--json")
    assert events.json == await rest(stack, "/admin/events")
    event = events.json["items"][0]["id"]
    shown = await beside(demandlink, "events", "show", event, "--json")
    assert shown.json == await rest(stack, f"/admin/events/{event}")


@pytest.mark.breadth
async def test_lists_are_narrowed_and_paged(stack: Stack, demandlink: Command):
    held = await beside(demandlink, "orders", "list", "--state", "held")
    assert held.out.splitlines()[1].split()[0] == HELD.number
    assert SALE.number not in held.out
    one = await beside(demandlink, "orders", "list", "--limit", 1, "--json")
    rest_of = await beside(demandlink, "orders", "list", "--cursor", one.json["next"], "--json")
    numbers = {item["number"] for item in one.json["items"] + rest_of.json["items"]}
    assert numbers == {SALE.number, HELD.number}
    nobody = await beside(demandlink, "orders", "list", "--code", "POISON")
    assert nobody.out == "No order fits.\n"
    lost = await beside(demandlink, "orders", "list", "--cursor", "nonsense")
    assert lost.code == ExitCode.USAGE


@pytest.mark.breadth
async def test_an_order_nobody_knows_is_told_so(stack: Stack, demandlink: Command):
    ended = await beside(demandlink, "orders", "explain", "ON0")
    assert ended.code == ExitCode.FAILED
    assert "ON0" in ended.err


@pytest.mark.breadth
async def test_a_mapping_set_at_the_command_line_lets_the_order_go_on(
    stack: Stack, demandlink: Command
):
    wrong = await beside(demandlink, "mappings", "set", "supplier", "12", "INGRAM")
    assert wrong.code == ExitCode.USAGE
    missing = await beside(demandlink, "mappings", "missing", "--json")
    assert missing.json == await rest(stack, "/admin/mappings/missing")
    (asked,) = missing.json["items"]
    assert (asked["kind"], asked["commerce_key"]) == ("vendor", str(NORDIC.id))
    assert HELD.number in (await beside(demandlink, "mappings", "missing")).out
    done = await beside(demandlink, "mappings", "set", "vendor", NORDIC.id, "INGRAM", "--json")
    assert [one["order"] for one in done.json["resumed"]] == [HELD.number]
    assert done.json["looking"] == []
    order = await stack.until_state(HELD.number, "done")
    assert order["answer"]["code"] == "RELEASED"
    listed = await beside(demandlink, "mappings", "list", "--json")
    assert listed.json == await rest(stack, "/admin/mappings")
    row = {name: value for name, value in done.json.items() if name not in ("resumed", "looking")}
    assert listed.json["items"] == [row]
    fitting = await beside(demandlink, "mappings", "list", "--holds", "ngra", "--json")
    assert fitting.json == {"items": [row], "next": None}
    assert (
        "No mapping fits." in (await beside(demandlink, "mappings", "list", "--holds", "zzz")).out
    )
    assert "at the command line" in done.json["updated_by"]
    explained = await beside(demandlink, "orders", "explain", HELD.number)
    assert explained.code == ExitCode.OK
    removed = await beside(demandlink, "mappings", "remove", done.json["id"])
    assert removed.code == ExitCode.OK
    gone = await beside(demandlink, "mappings", "remove", done.json["id"])
    assert (gone.code, "mappings list" in gone.err) == (ExitCode.FAILED, True)


@pytest.mark.breadth
async def test_a_replay_is_planned_then_run_and_a_stale_plan_is_refused(
    stack: Stack, demandlink: Command
):
    plan = ("replay", "plan", SALE.number, "--reason", "to see", "--json")
    first = (await beside(demandlink, *plan)).json
    by_rest = await rest(stack, f"/admin/replays/{first['id']}")
    # What is left is another company's budget here: this process knows no company.
    costs = [(one.pop("costs"), one)[0] for one in (first, by_rest)]
    assert by_rest == first
    assert [[(one["system"], one["calls"]) for one in told] for told in costs] == [[], []]
    human = await beside(demandlink, "replay", "plan", "--state", "waiting", "--reason", "to see")
    assert "Applied already; nothing is done." in human.out
    purchase = Purchase(9301, SALE, INGRAM, SALE.lines)
    await stack.deliver(purchase.receive())
    await stack.until_state(SALE.number, "done")
    stale = await beside(demandlink, "replay", "run", first["id"])
    assert (stale.code, SALE.number in stale.err) == (ExitCode.STALE, True)
    second = (await beside(demandlink, *plan)).json
    assert second["calls"] == 0
    ran = await beside(demandlink, "replay", "run", second["id"], "--wait", "--json")
    assert (ran.code, ran.json["state"]) == (ExitCode.OK, "done")
    assert ran.json["settled"] == ran.json["orders"]
    status = await beside(demandlink, "replay", "status", second["id"], "--json")
    assert status.json["state"] == "done"
    dropped = await beside(demandlink, "replay", "abort", first["id"], "--json")
    assert dropped.json["state"] == "aborted"
    assert [item["result"]["state"] for item in dropped.json["items"]] == ["not_started"]
    assert await rest(stack, f"/admin/replays/{first['id']}") == dropped.json
    told = await beside(demandlink, "replay", "status", first["id"])
    assert "not_started" in told.out


@pytest.mark.breadth
async def test_settings_show_what_rules_and_never_a_secret(
    stack: Stack, demandlink: Command, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("ADMIN_API_KEY", ADMIN)
    shown = await beside(demandlink, "settings", "show", "--json")
    by_rest = await rest(stack, "/admin/settings")
    assert [item.keys() for item in shown.json["items"]] == [
        item.keys() for item in by_rest["items"]
    ]
    assert ADMIN not in shown.out
    changed = await beside(demandlink, "settings", "set", "READ_LAG=0.5", "--json")
    assert (changed.json["items"][0]["value"], changed.json["items"][0]["source"]) == (
        0.5,
        "database",
    )
    one = await beside(demandlink, "settings", "show", "READ_LAG")
    assert one.out.splitlines()[1].split()[:3] == ["READ_LAG", "0.5", "database"]
    wrong = await beside(demandlink, "settings", "set", "READ_LAG=-1")
    assert wrong.code == ExitCode.USAGE
    assert wrong.err.startswith("READ_LAG: must be at least 0")
    refused = await beside(demandlink, "settings", "set", "PORT=1")
    assert refused.code == ExitCode.FAILED
    unknown = await beside(demandlink, "settings", "show", "NOTHING")
    assert unknown.code == ExitCode.USAGE


@pytest.mark.breadth
async def test_a_connection_is_paused_and_resumed_at_the_command_line(
    stack: Stack, demandlink: Command
):
    listed = (await beside(demandlink, "connections", "list", "--json")).json
    shown_by_rest = await rest(stack, "/admin/connections")
    # How much is called may change between the two.
    for one in (*listed["items"], *shown_by_rest["items"]):
        del one["calls"], one["at_once"]
    assert listed == shown_by_rest
    number = next(one["id"] for one in listed["items"] if one["system"] == "connectwise")
    paused = await beside(
        demandlink, "connections", "pause", number, "--reason", "maintenance", "--json"
    )
    known = {one["id"]: one for one in (await rest(stack, "/admin/connections"))["items"]}
    unknown: dict[str, Any] = {"calls": [], "at_once": None}
    assert {**paused.json, **unknown} == {**known[number], **unknown}
    assert "at the command line" in paused.json["paused_by"]
    shown = await beside(demandlink, "connections", "list")
    assert "maintenance" in shown.out
    resumed = await beside(demandlink, "connections", "resume", number, "--reason", "over")
    assert (resumed.code, "may be called again" in resumed.out) == (ExitCode.OK, True)
    again = await beside(demandlink, "connections", "resume", number, "--reason", "over")
    assert again.code == ExitCode.FAILED
    nobody = await beside(demandlink, "connections", "pause", 99, "--reason", "x")
    assert "connections list" in nobody.err


@pytest.mark.breadth
async def test_a_key_made_at_the_command_line_opens_the_admin_rest_until_it_is_withdrawn(
    stack: Stack, demandlink: Command
):
    made = await beside(demandlink, "keys", "create", "reports", "--scope", "read", "--json")
    assert (made.json["name"], made.json["scopes"]) == ("reports", ["read"])
    headers = {"Authorization": f"Bearer {made.json['key']}"}

    async def asked(method: str) -> int:
        path = f"/admin/orders/{SALE.number}"
        path += "/hold" if method == "POST" else ""
        body = {"reason": "x"} if method == "POST" else None
        return (await stack.client.request(method, path, json=body, headers=headers)).status_code

    assert (await asked("GET"), await asked("POST")) == (200, 403)
    listed = await beside(demandlink, "keys", "list")
    assert "reports" in listed.out
    assert made.json["key"] not in listed.out
    for name in ("reports", "service", " ", "x" * 101):
        wrong = await beside(demandlink, "keys", "create", name, "--scope", "admin")
        assert wrong.code == ExitCode.USAGE, name
    plain = await beside(demandlink, "keys", "create", "second", "--scope", "admin")
    assert plain.out.splitlines()[1].startswith("dl_")
    assert (await beside(demandlink, "keys", "revoke", "reports")).code == ExitCode.OK
    assert await asked("GET") == 401
    gone = await beside(demandlink, "keys", "revoke", "reports")
    assert (gone.code, "keys list" in gone.err) == (ExitCode.FAILED, True)
    kept = (await beside(demandlink, "keys", "list", "--json")).json["items"]
    assert [(one["name"], one["revoked_at"] is None) for one in kept] == [
        ("reports", False),
        ("second", True),
    ]


async def test_an_order_is_decided_at_the_command_line(stack: Stack, demandlink: Command):
    explained = await beside(demandlink, "orders", "explain", HELD.number)
    assert "  look_again: The cause was corrected" in explained.out
    wrong = await beside(
        demandlink, "orders", "decide", HELD.number, "MAPPING_MISSING", "fly", "--reason", "x"
    )
    assert (wrong.code, "look_again" in wrong.err) == (ExitCode.USAGE, True)
    elsewhere = await beside(
        demandlink, "orders", "decide", HELD.number, "RECEIPT_GAP", "skip", "--reason", "x"
    )
    assert (elsewhere.code, "MAPPING_MISSING" in elsewhere.err) == (ExitCode.FAILED, True)
    for action in ("hold", "release", "repin"):
        done = await beside(demandlink, "orders", action, SALE.number, "--reason", "to see")
        assert done.code == ExitCode.OK, done.err
    retried = await beside(
        demandlink, "orders", "retry", HELD.number, "sync_purchase_order", "--reason", "x", "--json"
    )
    assert (retried.code, retried.json["number"]) == (ExitCode.OK, HELD.number)
    await stack.until_state(HELD.number, "held", "MAPPING_MISSING")
    decided = await beside(
        demandlink,
        "orders",
        "decide",
        HELD.number,
        "MAPPING_MISSING",
        "skip",
        "--reason",
        "by hand",
    )
    assert decided.code == ExitCode.OK, decided.err
    order = await stack.until(
        HELD.number, lambda o: any(s["state"] == "skipped" for s in o["steps"])
    )
    (skipped,) = [s for s in order["steps"] if s["state"] == "skipped"]
    assert "by hand" in skipped["sentence"]
    merged = (await beside(demandlink, "events", "list", "--json")).json["items"][0]
    refused = await beside(demandlink, "events", "replay", merged["id"], "--reason", "again")
    assert (refused.code, "merged already" in refused.err) == (ExitCode.FAILED, True)


@pytest.mark.breadth
async def test_what_would_make_an_order_invoiceable_is_said_as_rest_says_it(
    stack: Stack, demandlink: Command
):
    ended = await beside(demandlink, "orders", "needs", SALE.number)
    assert ended.code == ExitCode.BLOCKED
    assert ended.out.startswith(f"{SALE.number} is invoiceable once\n  GOODS_NOT_RECEIVED · purch")
    told = await beside(demandlink, "orders", "needs", SALE.number, "--json")
    assert told.json == await rest(stack, f"/admin/orders/{SALE.number}/needs")


@pytest.mark.breadth
async def test_what_if_is_said_as_rest_says_it(stack: Stack, demandlink: Command):
    asked = ("what-if", "--days", 30, "--scenario", "commerce-invoicing")
    ended = await beside(demandlink, *asked)
    assert ended.out.startswith("2 of 2 orders would go another way.")
    assert "- create_sales_order" in ended.out
    body = {"days": 30, "scenario": "commerce-invoicing"}
    answer = await stack.client.post("/admin/what-if", headers=bearer(), json=body)
    assert (await beside(demandlink, *asked, "--json")).json == answer.json()
    assert (await beside(demandlink, "what-if")).code == ExitCode.USAGE


@pytest.mark.breadth
async def test_the_doctor_says_what_is_missing_and_what_to_do(stack: Stack, demandlink: Command):
    ended = await beside(demandlink, "doctor", "--json")
    assert {one["name"] for one in ended.json["findings"]} >= {"migrations", "workers"}
    told = await beside(demandlink, "doctor")
    assert told.code == ended.code == ExitCode.FAILED  # this process knows no credentials
    assert "FAILED credentials" in told.out
    assert "What to do:" in told.out
