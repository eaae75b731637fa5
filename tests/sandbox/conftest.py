from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.sandbox.contract import Contract
from tests.sandbox.desk import Desk

CONTRACT = Contract.load()


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def watched() -> Iterator[Desk]:
    """A desk whose every request and answer keeps to the vendor's document, where it is at hand."""
    made = Desk()
    yield made
    if CONTRACT is not None:
        assert [fault for entry in made.log() for fault in CONTRACT.faults_of(entry)] == []
