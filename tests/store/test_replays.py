"""How a replay ends in the store: through, or aborted."""

from __future__ import annotations

import pytest

from app.domain.views import ReplayState
from tests.store.build import TENANT, FullStore
from tests.store.test_admin import _orders, _plan


async def test_a_run_that_is_through_is_noted_once_and_is_aborted_no_more(
    store: FullStore,
) -> None:
    await _orders(store, 1)
    await _plan(store, ReplayState.PLANNED)
    assert (await store.finish_replay(TENANT, "r-1")).state == ReplayState.PLANNED
    await store.start_replay(TENANT, "r-1", "anna")
    done = await store.finish_replay(TENANT, "r-1")
    assert done.state == ReplayState.DONE
    assert done.finished_at is not None
    assert await store.finish_replay(TENANT, "r-1") == done
    assert await store.abort_replay(TENANT, "r-1", "anna") == done
    for tenant, name in ((TENANT, "r-2"), (TENANT + 1, "r-1")):
        with pytest.raises(KeyError):
            await store.finish_replay(tenant, name)


async def test_an_aborted_replay_wakes_nobody(store: FullStore) -> None:
    await _orders(store, 1)
    await _plan(store, ReplayState.PLANNED)
    aborted = await store.abort_replay(TENANT, "r-1", "anna")
    assert aborted.state == ReplayState.ABORTED
    assert aborted.finished_at is not None
    assert await store.start_replay(TENANT, "r-1", "anna") == aborted
    assert await store.abort_replay(TENANT, "r-1", "anna") == aborted
    for call in (store.start_replay, store.abort_replay):
        with pytest.raises(KeyError):
            await call(TENANT, "r-2", "anna")
