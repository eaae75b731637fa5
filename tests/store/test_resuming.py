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
