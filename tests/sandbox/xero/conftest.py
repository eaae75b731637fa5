from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.sandbox.xero.contract import Contract
from tests.sandbox.xero.desk import Desk

CONTRACT = Contract.load()


@pytest.fixture
def desk() -> Iterator[Desk]:
    """Whatever a test asks and is answered is held against the contract at the end."""
    made = Desk()
    yield made
    if CONTRACT is not None:
        assert [fault for entry in made.log() for fault in CONTRACT.faults_of(entry)] == []
