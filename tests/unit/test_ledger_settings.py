"""Settings of the ledgers: what is refused before anything starts, with a sentence (G3, G4)."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr, ValidationError

from app.bootstrap import NotConfigured, check_start, scenarios
from app.bootstrap.chosen import opening_of, sealing_of
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


def test_sealed_calls_need_a_key_that_seals_them() -> None:
    assert "CALLS_SEALED" in refusal(calls_sealed=True)
    told = refusal(calls_sealed=True, secrets_keys="nonsense")
    assert "key 1 of 1 is no Fernet key" in told
    assert "nonsense" not in told
    given = Settings(calls_sealed=True, secrets_keys=SecretStr(KEY))
    check_start(given, scenarios())
    seal, opened = sealing_of(given), opening_of(given)
    assert seal is not None
    assert opened is not None
    sealed = seal(b"Dana")
    assert b"Dana" not in sealed
    assert opened(sealed) == b"Dana"


def test_calls_that_were_sealed_are_opened_after_sealing_was_switched_off() -> None:
    seal = sealing_of(Settings(calls_sealed=True, secrets_keys=SecretStr(KEY)))
    assert seal is not None
    newer = Settings(secrets_keys=SecretStr(f"{Fernet.generate_key().decode()},{KEY}"))
    assert sealing_of(newer) is None
    opened = opening_of(newer)
    assert opened is not None
    assert opened(seal(b"Dana")) == b"Dana"
    for none in ("", "nonsense"):
        assert opening_of(Settings(secrets_keys=SecretStr(none))) is None


def test_g3_g4_without_a_ledger_no_key_is_asked_for() -> None:
    check_start(Settings(), scenarios())
    check_start(Settings(secrets_keys=SecretStr("nonsense")), scenarios())


@pytest.mark.parametrize("ledger", ["quickbooks_client_id", "xero_client_id"])
def test_no_call_to_a_ledger_may_outlive_its_orders_lease(ledger: str) -> None:
    """Else the order would lose its lease before every write, and post nothing for ever."""
    given: dict[str, Any] = {ledger: "app", "ledger_timeout": 30, "lease_seconds": 30}
    with pytest.raises(ValidationError, match="LEDGER_TIMEOUT of 30 has to be less"):
        Settings(**given)
    Settings(**{**given, "ledger_timeout": 29})
    Settings(ledger_timeout=30, lease_seconds=30)
