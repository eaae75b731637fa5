"""What `up` makes up, what it passes on, and which database it may empty."""

from __future__ import annotations

import stat
from pathlib import Path

import asyncpg
import pytest
from pydantic import SecretStr

from app.settings import Settings
from sandbox import up
from sandbox.ledgers import SIMULATED_LEDGERS, described, settings_of
from sandbox.stack import Stack, StackFailed, without_settings

DESCRIBED = {
    "api", "console", "admin_key", "commerce_webhook_secret", "connectwise_callback_token",
    "database_url", "redis_url", "sandbox", "connectwise_headers", "xero_headers",
    "quickbooks_headers", "quickbooks_realm", "pids",
}  # fmt: skip


def test_secrets_are_made_once_and_for_the_owner_alone(tmp_path: Path):
    first = up.made_up(tmp_path)
    assert up.made_up(tmp_path) == first
    assert len(set(first.values())) == 4
    assert stat.S_IMODE((tmp_path / up.SECRETS).stat().st_mode) == 0o600
    assert first["COMMERCE_WEBHOOK_SECRETS"].startswith("whsec_")


def test_a_damaged_file_of_secrets_is_made_again(tmp_path: Path):
    (tmp_path / up.SECRETS).write_text("{")
    assert set(up.made_up(tmp_path)) == set(up._new_secrets())


def test_what_the_environment_gives_goes_before_what_is_made_up(tmp_path: Path):
    settings = Settings(
        admin_api_key=SecretStr("mine"), read_lag=0.5, connectwise_key_auth=True, public_url=""
    )
    given = up.given_settings(settings)
    made = up.environment(tmp_path, given)
    assert made["ADMIN_API_KEY"] == "mine"
    assert made["READ_LAG"] == "0.5"
    assert made["CONNECTWISE_KEY_AUTH"] == "true"
    assert made["CONNECTWISE_SALES_ORDER_STATUS_READY"] == "Ready to invoice"
    assert made["DEMANDLINK_DATA_DIR"] == str(tmp_path)
    assert "PUBLIC_URL" not in made  # given empty: the stack's own address is better


def test_an_environment_is_cleared_of_settings_in_any_case():
    given = {"Read_Lag": "9", "DATABASE_URL": "somebody's", "HOME": "/root"}
    assert without_settings(given, Settings.model_fields) == {"HOME": "/root"}


def test_up_json_holds_exactly_what_the_interface_lists(tmp_path: Path):
    environment = up.environment(tmp_path, {})
    environment |= {"DATABASE_URL": "postgresql://x", "REDIS_URL": "redis://x"}
    environment["CONNECTWISE_URL"] = "http://127.0.0.1:1/v4_6_release/apis/3.0"
    shown = up.description(Stack(tmp_path, environment, api_url="http://127.0.0.1:2"))
    assert set(shown) == DESCRIBED
    assert set(shown["sandbox"]) == {"connectwise", "commerce", "quickbooks", "xero"}
    assert set(shown["connectwise_headers"]) == {"Authorization", "clientId"}
    assert shown["sandbox"]["xero"] is None
    assert shown["pids"].keys() == {"up"}


@pytest.mark.parametrize("name", SIMULATED_LEDGERS)
def test_what_a_simulated_ledger_needs_are_settings_that_there_are(name: str):
    given = settings_of(name, "http://127.0.0.1:3")
    assert {key.lower() for key in given} <= set(Settings.model_fields)
    told = described({"quickbooks": "http://127.0.0.1:3", "xero": "http://127.0.0.1:4"})
    assert told["xero"] == "http://127.0.0.1:4/api.xro/2.0"
    assert set(told["xero_headers"]) == {"Authorization", "xero-tenant-id"}


def test_two_stacks_do_not_share_a_data_directory(tmp_path: Path):
    with (
        up.alone(tmp_path),
        pytest.raises(StackFailed, match="--data-dir"),
        up.alone(tmp_path),
    ):
        pass


async def place_order(url: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(
        "INSERT INTO orders (tenant_id, connection_id, source_id) SELECT tenant_id, id, '1' "
        "FROM connection LIMIT 1"
    )
    await connection.close()


async def tables(url: str) -> int:
    connection = await asyncpg.connect(url)
    try:
        query = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
        return int(await connection.fetchval(query))
    finally:
        await connection.close()


async def test_a_database_that_an_earlier_run_filled_is_emptied(database_url: str):
    said: list[str] = []
    await up.begin_anew(database_url, said.append)
    assert said == []
    await place_order(database_url)
    await up.begin_anew(database_url, said.append)
    assert len(said) == 1
    assert await tables(database_url) == 0


async def test_a_database_with_orders_of_somebody_else_is_never_touched(database_url: str):
    await place_order(database_url)
    before = await tables(database_url)
    with pytest.raises(StackFailed, match="holds orders"):
        await up.begin_anew(database_url, lambda sentence: None)
    assert await tables(database_url) == before


async def test_a_new_database_is_taken(empty_database_url: str):
    await up.begin_anew(empty_database_url, lambda sentence: None)
