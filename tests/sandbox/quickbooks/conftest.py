from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.sandbox.quickbooks.contract import CONTRACT
from tests.sandbox.quickbooks.desk import Desk


@pytest.fixture
def desk() -> Iterator[Desk]:
    """Whatever a test did, every request and answer of it is held against the contract."""
    opened = Desk()
    yield opened
    if CONTRACT is not None:
        assert [fault for entry in opened.log() for fault in CONTRACT.faults_of(entry)] == []
