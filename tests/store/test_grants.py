"""Consents to ledgers: encrypted, refreshed by one process at a time, and states good once."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count

import asyncpg
import httpx
import pytest
from cryptography.fernet import Fernet

from app.connectors.bearer import Bearer
from app.connectors.xero.client import XeroClient
from app.domain.books import Tokens
from app.domain.errors import FailureKind, RemoteFailure
from app.domain.grants import Company, LedgerVault
from app.domain.views import Audit
from app.store import grants
from app.store.ciphers import Cipher, KeyNotUsable
from app.store.memory import MemoryStore
from app.store.memory import grants as memory_grants
from app.store.postgres import PostgresStore
from app.system import SystemClock
from sandbox.server import XeroServer
from tests.contract.xero_site import access_to, consented
from tests.store.build import TENANT, FullStore

AUDIT = Audit("anna", "connection.sign_in", "xero/default")
KEY, NEWER = Fernet.generate_key().decode(), Fernet.generate_key().decode()
CONTOSO = Company("t-1", "Contoso")
SOON = datetime.now(UTC) + timedelta(minutes=30)
PAIR = Tokens("the-access-token", "the-refresh-token", SOON)


async def vault_of(store: FullStore, *keys: str, system: str = "xero") -> LedgerVault:
    await store.ensure_connection(TENANT, system, "default")
    if isinstance(store, MemoryStore):
        return store.vault(TENANT, system)
    assert isinstance(store, PostgresStore)
    return store.vault(TENANT, system, Cipher(keys or (KEY,)))


@pytest.fixture
async def vault(store: FullStore) -> LedgerVault:
    made = await vault_of(store)
    assert await made.keep(CONTOSO, PAIR, AUDIT)
    return made


@pytest.fixture
async def other(vault: LedgerVault, beside: FullStore) -> LedgerVault:
    """The vault as another process has it: a store, a pool and locks of its own."""
    return await vault_of(beside)


@pytest.fixture
async def sealed(postgres: PostgresStore) -> LedgerVault:
    """A vault whose tokens lie on a disk."""
    made = await vault_of(postgres)
    assert await made.keep(CONTOSO, PAIR, AUDIT)
    return made


async def raw(database_url: str, column: str) -> bytes:
    connection = await asyncpg.connect(database_url)
    try:
        found = await connection.fetchval(f"SELECT {column} FROM ledger_grant")  # noqa: S608
    finally:
        await connection.close()
    return bytes(found)


async def failing(work: object) -> RemoteFailure:
    with pytest.raises(RemoteFailure) as caught:
        await work  # type: ignore[misc]
    return caught.value


# --- at rest


async def test_tokens_lie_encrypted_and_come_back_as_they_were(
    sealed: LedgerVault, database_url: str
) -> None:
    assert await sealed.tokens() == PAIR
    assert await sealed.company() == CONTOSO.id
    kept = await raw(database_url, "tokens")
    assert b"the-access-token" not in kept
    assert b"the-refresh-token" not in kept


async def test_a_new_key_reads_what_an_old_one_wrote_and_rules_from_the_next_write(
    sealed: LedgerVault, postgres: PostgresStore, database_url: str
) -> None:
    both = await vault_of(postgres, NEWER, KEY)
    assert await both.tokens() == PAIR
    async with both.refreshing() as held:
        await held.store(replace(PAIR, access="another"))
    assert b"another" in Fernet(NEWER).decrypt(await raw(database_url, "tokens"))
    assert (await (await vault_of(postgres, NEWER)).tokens()).access == "another"
    failure = await failing(sealed.tokens())
    assert failure.kind is FailureKind.UNAUTHENTICATED
    assert "SECRETS_KEYS" in failure.message


def test_keys_that_are_none_are_refused_without_being_told() -> None:
    with pytest.raises(KeyNotUsable, match="key 2 of 2 is no Fernet key") as caught:
        Cipher([KEY, "not-a-key"])
    assert "not-a-key" not in str(caught.value)
    with pytest.raises(KeyNotUsable, match="SECRETS_KEYS is empty"):
        Cipher([])


async def test_who_never_signed_in_hears_what_to_do(store: FullStore) -> None:
    empty = await vault_of(store)
    for work in (empty.tokens(), empty.company()):
        failure = await failing(work)
        assert failure.kind is FailureKind.UNAUTHENTICATED
        assert "connections sign-in xero" in failure.message


# --- one at a time


async def test_two_processes_refresh_once_between_them(
    vault: LedgerVault, other: LedgerVault
) -> None:
    """Both find the same old token; the second to come in takes what the first one fetched."""
    asked: list[str] = []
    first_is_asking = asyncio.Event()

    async def refresh(tokens: Tokens, now: datetime) -> Tokens:
        asked.append(tokens.refresh)
        first_is_asking.set()
        await asyncio.sleep(0.2)  # the vendor takes its time, and the other one wants in meanwhile
        number = len(asked)
        return Tokens(f"access-{number}", f"refresh-{number}", now + timedelta(minutes=30))

    old = PAIR.access
    here, there = (Bearer(one, refresh, SystemClock()) for one in (vault, other))
    begun = asyncio.create_task(here.renew(old))
    await first_is_asking.wait()
    assert await there.renew(old) == await begun == "access-1"
    assert asked == [PAIR.refresh]
    assert (await other.tokens()).refresh == "refresh-1"


async def test_a_call_that_is_cancelled_keeps_the_tokens_that_were_asked_for(
    vault: LedgerVault,
) -> None:
    """A worker that stops while the vendor answers does not throw the only good tokens away."""
    asked, answer = asyncio.Event(), asyncio.Event()

    async def refresh(_: Tokens, now: datetime) -> Tokens:
        asked.set()
        await answer.wait()
        return Tokens("access-1", "refresh-1", now + timedelta(minutes=30))

    call = asyncio.create_task(Bearer(vault, refresh, SystemClock()).renew(PAIR.access))
    await asked.wait()
    call.cancel()
    await asyncio.sleep(0)  # the cancellation arrives before the answer
    answer.set()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert (await vault.tokens()).refresh == "refresh-1"


async def test_the_lock_of_a_process_that_died_is_free(
    sealed: LedgerVault, database_url: str
) -> None:
    """It died between the vendor's answer and the commit: the old tokens stand, and the next one
    may come in at once."""
    inside = asyncio.Event()

    async def dying() -> None:
        async with sealed.refreshing():
            inside.set()
            await asyncio.sleep(30)

    task = asyncio.create_task(dying())
    await inside.wait()
    connection = await asyncpg.connect(database_url)
    try:
        killed = await connection.fetch(
            "SELECT pg_terminate_backend(pid) FROM pg_locks "
            "WHERE locktype = 'advisory' AND classid = $1 AND database = "
            # Other tests' databases on this server have such locks too.
            "(SELECT oid FROM pg_database WHERE datname = current_database())",
            grants.LOCK_SPACE,
        )
    finally:
        await connection.close()
    assert len(killed) == 1
    async with await PostgresStore.open(database_url) as store:
        other = await vault_of(store)
        async with asyncio.timeout(5), other.refreshing() as held:
            assert held.tokens == PAIR
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_who_waits_too_long_for_the_lock_has_not_sent_its_call(
    vault: LedgerVault, other: LedgerVault, monkeypatch: pytest.MonkeyPatch
) -> None:
    for kind in (grants, memory_grants):
        monkeypatch.setattr(kind, "PATIENCE_SECONDS", 0.1)

    async def waiting() -> None:
        async with other.refreshing():
            raise AssertionError("two are inside")

    async with vault.refreshing():
        assert (await failing(waiting())).kind is FailureKind.NOT_SENT


async def test_connections_do_not_wait_for_one_another(
    vault: LedgerVault, store: FullStore
) -> None:
    quickbooks = await vault_of(store, system="quickbooks")
    assert await quickbooks.keep(Company("r-1", "Fabrikam"), PAIR, AUDIT)
    async with asyncio.timeout(5), vault.refreshing(), quickbooks.refreshing():
        pass


async def test_a_refresh_does_not_overwrite_a_consent_given_meanwhile(
    vault: LedgerVault, other: LedgerVault
) -> None:
    async with vault.refreshing() as held:
        newest = replace(PAIR, access="consented anew")
        assert await other.keep(CONTOSO, newest, AUDIT)
        failure = await failing(held.store(replace(PAIR, access="of the old consent")))
    assert failure.kind is FailureKind.NOT_SENT
    assert await vault.tokens() == newest


async def test_xero_survives_a_crash_between_its_answer_and_our_commit(
    postgres: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The refresh token of before works thirty minutes more, so the next process just asks."""

    class Died(Exception):
        pass

    async def dies(*_: object) -> None:
        raise Died

    async with XeroServer() as server, httpx.AsyncClient(trust_env=False) as http:
        granted = await consented(server, http)
        dying, next_one = await vault_of(postgres), await vault_of(postgres)
        await dying.keep(CONTOSO, granted, AUDIT)
        await http.post(f"{server.control_url}/act", json={"act": "expire_access", "id": ""})
        monkeypatch.setattr(dying, "replace", dies)
        first, second = (
            XeroClient(access_to(server), vault, clock=SystemClock(), timeout=5)
            for vault in (dying, next_one)
        )
        with pytest.raises(Died):
            await first.accounts()
        assert await next_one.tokens() == granted
        assert await second.accounts()
        assert (await next_one.tokens()).refresh != granted.refresh
        await first.aclose()
        await second.aclose()


# --- how it stands


async def test_a_grant_that_is_refused_shows_until_a_token_comes_again(
    vault: LedgerVault, store: FullStore
) -> None:
    with pytest.raises(RemoteFailure):
        async with vault.refreshing():
            raise RemoteFailure(FailureKind.UNAUTHENTICATED, "The consent has ended.")
    shown = await store.grant(TENANT, "xero")
    assert shown is not None
    assert (shown.trouble, shown.company) == ("The consent has ended.", CONTOSO)
    listed = {row.system: row.grant for row in await store.connections(TENANT)}
    assert listed == {"commerce": None, "connectwise": None, "xero": shown}
    assert "token" not in repr(shown)
    async with vault.refreshing() as held:
        await held.store(PAIR)
    healed = await store.grant(TENANT, "xero")
    assert healed is not None
    assert healed.trouble is None


async def test_another_organisation_needs_a_disconnect_first(
    vault: LedgerVault, store: FullStore
) -> None:
    fabrikam = Company("t-2", "Fabrikam")
    assert not await vault.keep(fabrikam, replace(PAIR, access="of another"), AUDIT)
    assert await vault.tokens() == PAIR
    await vault.forget(AUDIT)
    assert await store.grant(TENANT, "xero") is None
    assert await vault.keep(fabrikam, PAIR, AUDIT)
    assert await vault.company() == "t-2"


# --- signing in


async def test_a_state_is_good_once_for_its_own_ledger_and_not_for_ever(
    store: FullStore,
) -> None:
    for system in ("xero", "quickbooks"):
        await store.ensure_connection(TENANT, system, "default")
    digests = (number.to_bytes(32, "big") for number in count())
    good, foreign, late = next(digests), next(digests), next(digests)
    until = await store.begin_sign_in(TENANT, "xero", good, "anna", 600)
    assert until > await store.now() + timedelta(seconds=500)
    await store.begin_sign_in(TENANT, "xero", foreign, "anna", 600)
    taken = await store.take_sign_in("xero", good)
    assert taken is not None
    assert (taken.tenant_id, taken.actor) == (TENANT, "anna")
    assert await store.take_sign_in("xero", good) is None
    assert await store.take_sign_in("quickbooks", foreign) is None
    await store.begin_sign_in(TENANT, "xero", late, "anna", -1)
    assert await store.take_sign_in("xero", late) is None
