"""A person's resume is counted, so that processes that keep a pause by themselves hear of it (H10)."""

from __future__ import annotations

from datetime import timedelta

from app.connectors.pacing import Pacing
from app.domain.codes import Code
from app.domain.ports import Paused
from app.domain.views import Audit
from app.sync.resumes import Resumes
from app.system import SystemClock
from tests.store.build import TENANT, FullStore

AUDIT = Audit("anna", "connection.resume", "connectwise/default", {})


async def test_h10_a_resume_ends_the_pause_that_a_process_kept(store: FullStore) -> None:
    clock = SystemClock()
    pacing = Pacing(clock)
    resumes = Resumes(store, clock, TENANT, {"connectwise": pacing, "xero": Pacing(clock)})
    assert await resumes.hear() == frozenset()
    pacing.pause(86_400)
    until = await store.now() + timedelta(days=1)
    await store.pause(
        TENANT, "connectwise", Paused(until, Code.RATE_LIMITED, "The day is used up.", "service")
    )
    assert await resumes.hear() == frozenset()
    (connection,) = [c for c in await store.connections(TENANT) if c.system == "connectwise"]
    assert await store.resume_connection(TENANT, connection.id, AUDIT)
    assert await store.resumed(TENANT, "connectwise") == 1
    assert await resumes.hear() == {"connectwise"}
    assert pacing.remaining() == 0
    # What the vendor asks for next counts again.
    pacing.pause(60)
    assert await resumes.hear() == frozenset()
    assert pacing.remaining() > 50


async def test_h10_what_a_vendor_asks_one_process_for_keeps_the_others_out(
    store: FullStore,
) -> None:
    """Whoever drew it: a person's question in the API's process, too."""
    clock = SystemClock()
    here, there = Pacing(clock), Pacing(clock)
    for pacing in (here, there):
        Resumes(store, clock, TENANT, {"connectwise": pacing}).tell()
    assert there.of_others is not None
    assert await there.of_others() == 0
    await here.asked_to_wait(30, "Too many requests.")
    assert here.remaining() > 29
    assert 25 < await there.of_others() <= 30
    paused = await store.paused(TENANT, "connectwise")
    assert paused is not None
    assert (paused.code, paused.sentence) == (Code.RATE_LIMITED, "Too many requests.")
    # A person's pause stands before it.
    (connection,) = [c for c in await store.connections(TENANT) if c.system == "connectwise"]
    by_person = Paused(None, Code.CONNECTION_PAUSED, "Maintenance.", "anna")
    await store.pause_connection(TENANT, connection.id, by_person, AUDIT)
    await here.asked_to_wait(60, "Too many requests.")
    paused = await store.paused(TENANT, "connectwise")
    assert paused is not None
    assert paused.by == "anna"
