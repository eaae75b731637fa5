"""What keeps the service going: pauses, deliveries read again, keys."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

import pytest

from app.domain.codes import Code, State, Who
from app.domain.ports import Paused, Worker
from app.domain.records import Answer, Release
from app.domain.views import ApiKey, Audit, Page
from tests.store.build import (
    TENANT,
    FullStore,
    applied,
    claim_one,
    deliver,
    delivery,
    merge_all,
    order_of,
    release,
    sales_order,
    snapshot_of,
    waiting,
    writes,
)

AUDIT = Audit("anna", "test", "target")


async def test_a_person_pauses_and_resumes_a_connection(store: FullStore) -> None:
    await deliver(store, "all", sales_order())
    commerce, connectwise = await store.connections(TENANT)
    assert (commerce.system, connectwise.system) == ("commerce", "connectwise")
    paused = Paused(None, Code.CONNECTION_PAUSED, "Maintenance.", "anna")
    assert await store.pause_connection(TENANT, connectwise.id, paused, AUDIT)
    assert not await store.pause_connection(TENANT, 99, paused, AUDIT)
    assert (await store.connections(TENANT))[1].paused == paused
    snapshot = await snapshot_of(store)
    pause = snapshot.paused["connectwise"]
    assert (pause.by, pause.why) == ("anna", "Maintenance.")
    soon = await store.now() + timedelta(seconds=1)
    await store.pause(TENANT, "connectwise", Paused(soon, Code.RATE_LIMITED, "429", "service"))
    assert await store.paused(TENANT, "connectwise") == paused
    async with store.join() as worker:
        claim = await claim_one(store, worker)
        answer = Answer(State.WAITING, Code.CONNECTION_PAUSED, "No.", Who.NOBODY, None, "")
        await release(store, claim, answer, due_at=pause.until)
    assert await store.resume_connection(TENANT, connectwise.id, AUDIT)
    order = await order_of(store)
    assert order.due_at is not None
    assert order.due_at <= await store.now()
    assert await store.paused(TENANT, "connectwise") is None


@pytest.mark.parametrize("change", ["pause", "mapping", "setting"])
async def test_h10_an_order_read_before_a_change_is_not_given_back_by_what_was_read(
    store: FullStore, worker: Worker, change: str
) -> None:
    await deliver(store, "all", sales_order())
    connectwise = (await store.connections(TENANT))[1]
    paused = Paused(None, Code.CONNECTION_PAUSED, "Maintenance.", "anna")
    await store.pause_connection(TENANT, connectwise.id, paused, AUDIT)
    claim = await claim_one(store, worker)
    read = await store.load(claim)
    if change == "pause":
        await store.resume_connection(TENANT, connectwise.id, AUDIT)
    elif change == "mapping":
        await store.put_mapping(TENANT, "vendor", "9", "INGRAM", AUDIT)
    else:
        await store.put_settings(TENANT, {"connectwise_warehouse": "Main"}, AUDIT)
    later = Release(
        read.order.wake_seq, read.paused["connectwise"].until, waiting(Code.CONNECTION_PAUSED)
    )
    assert not (await store.commit(writes(claim), later)).released
    assert (await store.load(claim)).order.wake_seq == read.order.wake_seq + 1


async def test_h10_a_step_that_met_the_pause_is_tried_when_it_is_resumed(
    store: FullStore, worker: Worker
) -> None:
    """It does not wait out the time that its own failure gave it; other waits keep theirs."""
    await deliver(store, "all", sales_order())
    connectwise = (await store.connections(TENANT))[1]
    claim = await claim_one(store, worker)
    later = await store.now() + timedelta(minutes=10)
    until = Paused(later, Code.CREDENTIALS_REFUSED, "Refused.", "service")
    await store.pause(TENANT, "connectwise", until)
    stood: dict[str, Any] = {"state": State.WAITING, "retry_at": later}
    refused = applied(**stood, code=Code.CREDENTIALS_REFUSED)
    lagging = applied("create_sales_order", **stood, code=Code.READ_LAG)
    await store.commit(writes(claim, ledger=[refused, lagging]), None)
    await release(store, claim, waiting(Code.CREDENTIALS_REFUSED), due_at=later)
    await store.resume_connection(TENANT, connectwise.id, AUDIT)
    ledger = (await snapshot_of(store)).ledger
    again = {row.step: row.retry_at for row in ledger}
    assert again["create_sales_order"] == later
    assert again["win_opportunity"] is not None
    assert again["win_opportunity"] <= await store.now()


async def test_a_key_is_known_by_its_digest_only(store: FullStore) -> None:
    digest, newer = hashlib.sha256(b"secret").digest(), hashlib.sha256(b"newer").digest()
    assert await store.key(digest) is None
    reading = ApiKey(TENANT, "console", frozenset({"read"}))
    assert await store.add_key(reading, digest, AUDIT)
    assert await store.key(digest) == reading
    assert not await store.add_key(ApiKey(TENANT, "console"), newer, AUDIT)
    assert (await store.key(digest), await store.key(newer)) == (reading, None)
    assert await store.revoke_key(TENANT, "console", AUDIT)
    assert await store.key(digest) is None
    assert not await store.revoke_key(TENANT, "console", AUDIT)
    assert [row.revoked_at is None for row in await store.keys(TENANT)] == [False]
    assert await store.add_key(ApiKey(TENANT, "console"), newer, AUDIT)
    assert await store.key(newer) == ApiKey(TENANT, "console")
    assert [row.revoked_at for row in await store.keys(TENANT)] == [None]
    assert await store.keys(2) == []


async def test_h11_a_kept_delivery_is_merged_when_a_person_says_so(store: FullStore) -> None:
    await store.accept(delivery("msg", sales_order(), status="rejected", code=Code.ID_REUSED))
    (event,) = (await store.events(TENANT, None, None, None, 10)).items
    read = delivery("msg", sales_order(), event_type="sales_order.approved")
    assert not await store.replay_event(2, event, read, AUDIT)
    assert await store.replay_event(TENANT, event, read, AUDIT)
    assert not await store.replay_event(TENANT, event, read, AUDIT)
    assert await merge_all(store) == 1
    again = await store.event(TENANT, event.id)
    assert again is not None
    assert (again.status, again.code, again.event_type, again.orders) == (
        "merged",
        None,
        "sales_order.approved",
        ("ON1201",),
    )


async def test_h10_no_hint_is_followed_while_its_connection_is_paused(store: FullStore) -> None:
    await store.accept(delivery("hint", routes=(("invoice", "1"),), source="connectwise"))
    await merge_all(store)
    connectwise = (await store.connections(TENANT))[1]
    paused = Paused(None, Code.CONNECTION_PAUSED, "Maintenance.", "anna")
    await store.pause_connection(TENANT, connectwise.id, paused, AUDIT)
    assert await store.hints(10, 10) == []
    await store.resume_connection(TENANT, connectwise.id, AUDIT)
    assert len(await store.hints(10, 10)) == 1


async def test_a_connection_is_used_once_a_document_came_in_by_it(store: FullStore) -> None:
    assert await store.ensure_connection(TENANT, "commerce", "acme-nz")
    assert await store.ensure_connection(TENANT, "commerce", "acme-nz")
    assert not await store.ensure_connection(TENANT + 1, "commerce", "acme-nz")
    assert await store.used_connections(TENANT, "commerce") == []
    await deliver(store, "so", sales_order())
    await merge_all(store)
    assert await store.used_connections(TENANT, "commerce") == ["default"]
    assert await store.used_connections(TENANT, "connectwise") == []


# --- mappings by pages ----------------------------------------------------------------------------


async def test_mappings_are_listed_by_pages_the_newest_first(store: FullStore) -> None:
    made = [await store.put_mapping(TENANT, "vendor", str(n), "V", AUDIT) for n in range(3)]
    other = await store.put_mapping(TENANT, "company", "77", "Contoso", AUDIT)
    first = await store.mapping_page(TENANT, "vendor", None, None, 2)
    rest = await store.mapping_page(TENANT, "vendor", None, first.next, 2)
    listed = [one.id for one in (*first.items, *rest.items)]
    assert listed == [one.id for one in reversed(made)]
    assert (len(first.items), rest.next) == (2, None)
    every = await store.mapping_page(TENANT, None, None, None, 9)
    assert every.items[0].id == other.id
    assert len(every.items) == 4
    with pytest.raises(ValueError, match="cursor"):
        await store.mapping_page(TENANT, None, None, "tea", 2)


@pytest.mark.parametrize("few", [1, 500])
@pytest.mark.parametrize(
    ("kind", "holds", "found"),
    [
        (None, "ontos", ["Contoso", "CONTOSO EU"]),
        ("vendor", "ONTOS", ["CONTOSO EU"]),
        (None, "10%", ["Contoso"]),
        (None, "1__", []),
        (None, "7", ["CONTOSO EU"]),
        (None, "co", ["Contoso", "CONTOSO EU"]),
        (None, "on", []),
        (None, "no such thing", []),
        (None, "\x00", []),
        (None, "", ["Contoso", "CONTOSO EU", "B"]),
    ],
)
async def test_mappings_are_found_by_what_a_key_holds(
    store: FullStore,
    monkeypatch: pytest.MonkeyPatch,
    few: int,
    kind: str | None,
    holds: str,
    found: list[str],
) -> None:
    """Whether few hold it or many; less than three characters at a key's beginning only."""
    monkeypatch.setattr("app.store.mapped.FEW", few)
    await store.put_mapping(TENANT, "product", "CAB-2M", "B", AUDIT)
    await store.put_mapping(TENANT, "vendor", "77", "CONTOSO EU", AUDIT)
    await store.put_mapping(TENANT, "company", "110% x", "Contoso", AUDIT)
    whole = await store.mapping_page(TENANT, kind, holds, None, 9)
    assert [one.connectwise_key for one in whole.items] == found
    first = await store.mapping_page(TENANT, kind, holds, None, 1)
    if len(found) > 1:
        rest = await store.mapping_page(TENANT, kind, holds, first.next, 9)
        assert (*first.items, *rest.items) == whole.items
    assert await store.mapping_page(TENANT + 1, kind, holds, None, 9) == Page(())


async def test_a_mapping_is_read_by_its_number_and_by_its_name(store: FullStore) -> None:
    row = await store.put_mapping(TENANT, "vendor", "9", "V", AUDIT)
    assert await store.mapping(TENANT, row.id) == row
    assert await store.mapping_named(TENANT, "vendor", "9") == row
    assert await store.mapping(TENANT + 1, row.id) is None
    assert await store.mapping_named(TENANT + 1, "vendor", "9") is None
    for number in (0, row.id + 1, 2**63):
        assert await store.mapping(TENANT, number) is None
    for kind, key in (("vendor", "99"), ("company", "9"), ("\x00", "\x00")):
        assert await store.mapping_named(TENANT, kind, key) is None


async def test_the_scenarios_that_are_bound_are_named_once_each(store: FullStore) -> None:
    assert await store.bound(TENANT) == []
    await store.put_mapping(TENANT, "company", "1", "not a scenario", AUDIT)
    for number, name in enumerate(("b", "a", "b", "c", "b")):
        await store.put_mapping(TENANT, "scenario", f"customer:{number}", name, AUDIT)
    assert await store.bound(TENANT) == ["a", "b", "c"]
    assert await store.bound(TENANT + 1) == []
