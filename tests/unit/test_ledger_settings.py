"""Settings of the ledgers: what is refused before anything starts, with a sentence (G3, G4)."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr

from app.bootstrap import NotConfigured, check_start, scenarios
from app.settings import Settings

KEY = Fernet.generate_key().decode()


def refusal(**given: Any) -> str:
    with pytest.raises(NotConfigured) as refused:
        check_start(Settings(**given), scenarios())
    return str(refused.value)


@pytest.mark.parametrize("ledger", ["quickbooks_client_id", "xero_client_id"])
def test_g3_g4_a_ledger_needs_a_key_that_seals_its_tokens(ledger: str) -> None:
    assert "SECRETS_KEYS is empty" in refusal(**{ledger: "app"})
    told = refusal(**{ledger: "app"}, secrets_keys=f"{KEY},nonsense")
    assert "key 2 of 2 is no Fernet key" in told
    assert "nonsense" not in told
    given: dict[str, Any] = {ledger: "app", "secrets_keys": f"{KEY}, {KEY}"}
    check_start(Settings(**given), scenarios())


def test_g3_g4_two_ledgers_are_one_too_many() -> None:
    told = refusal(quickbooks_client_id="a", xero_client_id="b", secrets_keys=KEY)
    assert "QUICKBOOKS_CLIENT_ID and XERO_CLIENT_ID" in told


def test_g3_g4_without_a_ledger_no_key_is_asked_for() -> None:
    check_start(Settings(), scenarios())
    check_start(Settings(secrets_keys=SecretStr("nonsense")), scenarios())
