"""Intake: what counts, what is refused, what is kept."""

from __future__ import annotations

import asyncio

import pytest

from app.domain.codes import Code
from tests.store.build import TENANT, FullStore, delivery, merge_all, order_of, sales_order


async def test_a_delivery_counts_once(store: FullStore) -> None:
    first = await store.accept(delivery("msg-1", sales_order()))
    again = await store.accept(delivery("msg-1", sales_order()))
    assert (first.duplicate, first.reused) == (False, False)
    assert (again.duplicate, again.reused) == (True, False)
    assert again.event_id == first.event_id
    assert len((await store.events(TENANT, None, None, None, 10)).items) == 1


async def test_the_same_delivery_many_times_at_once_counts_once(store: FullStore) -> None:
    answers = await asyncio.gather(
        *(store.accept(delivery("msg-1", sales_order())) for _ in range(30))
    )
    assert sorted(answer.duplicate for answer in answers) == [False] + [True] * 29
    assert len({answer.event_id for answer in answers}) == 1


async def test_many_deliveries_at_once_are_all_kept(store: FullStore) -> None:
    answers = await asyncio.gather(
        *(store.accept(delivery(f"msg-{number}", sales_order())) for number in range(60))
    )
    assert not any(answer.duplicate for answer in answers)
    assert len({answer.event_id for answer in answers}) == 60


async def test_an_id_with_another_body_is_kept_as_rejected(store: FullStore) -> None:
    await store.accept(delivery("msg-1", sales_order()))
    reused = await store.accept(delivery("msg-1", sales_order(version=2)))
    assert reused.reused
    assert not reused.duplicate
    kept = await store.event(TENANT, reused.event_id)
    assert kept is not None
    assert (kept.status, kept.code) == ("rejected", Code.ID_REUSED)
    assert await merge_all(store) == 1


async def test_two_bodies_under_one_id_at_once_do_not_both_count(store: FullStore) -> None:
    answers = await asyncio.gather(
        *(store.accept(delivery("msg-1", sales_order(version=number))) for number in range(10))
    )
    assert sorted(answer.reused for answer in answers) == [False] + [True] * 9


async def test_a_rejected_delivery_does_not_burn_its_id(store: FullStore) -> None:
    wrong = delivery(
        "msg-1",
        body=b"{not json",
        status="rejected",
        code=Code.BODY_NOT_JSON,
        cause="line 1",
    )
    refused = await store.accept(wrong)
    corrected = await store.accept(delivery("msg-1", sales_order()))
    assert not corrected.duplicate
    assert not corrected.reused
    kept = await store.event(TENANT, refused.event_id)
    assert kept is not None
    assert (kept.status, kept.code, kept.cause) == ("rejected", Code.BODY_NOT_JSON, "line 1")
    assert await merge_all(store) == 1


async def test_a_rejected_delivery_after_the_right_one_changes_nothing(store: FullStore) -> None:
    await store.accept(delivery("msg-1", sales_order()))
    await store.accept(delivery("msg-1", body=b"", status="rejected", code=Code.BODY_NOT_JSON))
    assert (await store.accept(delivery("msg-1", sales_order()))).duplicate


async def test_callback_ids_are_never_refused_as_reused(store: FullStore) -> None:
    def callback(record: str) -> object:
        given = delivery("id-1", routes=(("opportunity", record),), source="connectwise")
        return store.accept(given)

    first, again, other = [await callback(record) for record in ("88", "88", "89")]  # type: ignore[misc]
    assert (first.duplicate, again.duplicate, other.duplicate) == (False, True, False)
    assert not other.reused


async def test_ids_are_told_apart_by_connection(store: FullStore) -> None:
    commerce = await store.accept(delivery("msg-1", sales_order()))
    connectwise = await store.accept(delivery("msg-1", source="connectwise"))
    assert not connectwise.duplicate
    assert connectwise.event_id != commerce.event_id


async def test_an_unknown_connection_is_a_key_error(store: FullStore) -> None:
    with pytest.raises(KeyError):
        await store.accept(delivery("msg-1", connection="nobody"))


async def test_an_unhandled_type_is_kept_and_never_merged(store: FullStore) -> None:
    kept = await store.accept(
        delivery("msg-1", status="unhandled", code=Code.TYPE_UNHANDLED, event_type="odd.type")
    )
    assert await merge_all(store) == 0
    event = await store.event(TENANT, kept.event_id)
    assert event is not None
    assert (event.status, event.event_type) == ("unhandled", "odd.type")
    assert (await store.accept(delivery("msg-1", event_type="odd.type"))).duplicate


async def test_any_bytes_can_be_a_body(store: FullStore) -> None:
    body = bytes(range(256)) * 4
    kept = await store.accept(
        delivery("msg-1", body=body, status="rejected", code=Code.BODY_NOT_JSON, cause="a \x00")
    )
    event = await store.event(TENANT, kept.event_id)
    assert event is not None
    assert event.body == body
    assert event.cause == "a \ufffd"


async def test_a_delivery_that_cannot_be_kept_does_not_fail_the_others(store: FullStore) -> None:
    """A status that no text can be stands for whatever a database may refuse."""
    deliveries = [delivery(f"msg-{number}", sales_order()) for number in range(5)]
    deliveries.insert(2, delivery("bad", sales_order(), status="\x00"))
    answers = await asyncio.gather(
        *(store.accept(given) for given in deliveries), return_exceptions=True
    )
    assert [isinstance(answer, Exception) for answer in answers].count(True) == 1
    assert isinstance(answers[2], Exception)
    assert await merge_all(store) == 5


async def test_a_very_long_id_counts_once_too(store: FullStore) -> None:
    long = "é" * 5000
    assert not (await store.accept(delivery(long, sales_order()))).duplicate
    assert (await store.accept(delivery(long, sales_order()))).duplicate
    assert not (await store.accept(delivery(long + "x", sales_order("1202")))).duplicate


async def test_refused_requests_stand_in_a_ring(store: FullStore) -> None:
    for number in range(520):
        head = f"request {number} ".encode() + b"\x00" * 5000
        await store.note_unverified("commerce", Code.SIGNATURE_REFUSED, "no", head)
    kept = (await store.unverified(None, None, 1000)).items
    assert len(kept) == 500
    assert kept[0].head.startswith(b"request 519 ")
    assert len(kept[0].head) == 1024


async def test_the_ring_is_read_by_pages_the_newest_first_and_by_its_door(
    store: FullStore,
) -> None:
    for number in range(9):
        source = "xero" if number % 3 == 0 else "commerce"
        await store.note_unverified(source, Code.SIGNATURE_REFUSED, f"{number}", b"")
    whole = await store.unverified(None, None, 9)
    assert ([one.cause for one in whole.items], whole.next) == (list("876543210"), None)
    first = await store.unverified("commerce", None, 4)
    rest = await store.unverified("commerce", first.next, 4)
    assert [one.cause for one in (*first.items, *rest.items)] == list("875421")
    assert rest.next is None
    assert (await store.unverified("quickbooks", None, 4)).items == ()
    with pytest.raises(ValueError, match="cursor"):
        await store.unverified(None, "tea", 4)


async def test_what_was_accepted_is_merged_into_its_order(store: FullStore) -> None:
    accepted = await store.accept(delivery("msg-1", sales_order()))
    await merge_all(store)
    event = await store.event(TENANT, accepted.event_id)
    assert event is not None
    assert (event.status, event.orders) == ("merged", ("ON1201",))
    assert event.merged_at is not None
    assert (await order_of(store)).customer == "Contoso Ltd"
