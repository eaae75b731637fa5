"""The composition root with a ledger: two processes on one database."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr

from app.bootstrap import Container, opened
from app.domain.errors import RemoteFailure
from app.settings import Settings
from app.sync.operations import Actor
from sandbox.server import QuickBooksServer, XeroServer
from tests.api.test_ledgers import TENANT, Site, settings_for

KEY = Fernet.generate_key().decode()
ANNA = Actor(TENANT, "anna")


async def sign_in(container: Container, system: str) -> None:
    """As a person and the vendor do it between them."""
    begun = await container.ledgers.begin(ANNA, system)
    async with httpx.AsyncClient(trust_env=False) as person:
        page = await person.get(begun.address)
    back = {k: v[0] for k, v in parse_qs(urlsplit(page.headers["location"]).query).items()}
    given = {"code": back["code"], "named": back.get("realmId", ""), "error": ""}
    await container.ledgers.finish(system, back["state"], **given)


@pytest.mark.parametrize("system", ["quickbooks", "xero"])
async def test_who_signs_in_at_one_process_opens_the_books_of_the_other(
    system: str, database_url: str
) -> None:
    made: Site = QuickBooksServer() if system == "quickbooks" else XeroServer()
    async with made as site:
        settings = settings_for(
            site, database_url=database_url, redis_url="redis://127.0.0.1:1", secrets_keys=KEY
        )
        async with opened(settings, log=False) as api, opened(settings, log=False) as worker:
            books = worker.books
            assert books is not None
            assert books.timeout == 5
            await sign_in(api, system)
            assert await books.accounts()
            rows = {row.system: row for row in await api.operations.connections(ANNA)}
            grant = rows[system].grant
            assert grant is not None
            assert grant.company.name == (await books.organisation()).name
            await api.ledgers.disconnect(ANNA, system, "moving")
            # The worker still has a token in memory, and the vault is asked before every call.
            with pytest.raises(RemoteFailure, match="Nobody has signed in"):
                await books.accounts()


async def test_without_a_ledger_there_are_no_books_and_no_connection(database_url: str) -> None:
    settings = Settings(
        database_url=database_url,
        redis_url="redis://127.0.0.1:1",
        xero_webhook_keys=SecretStr("key"),
    )
    async with opened(settings, log=False) as container:
        assert container.books is None
        assert {row.system for row in await container.operations.connections(ANNA)} == {
            "commerce",
            "connectwise",
        }
        assert [door.keys for door in container.ledger_doors] == [(), ()]
