"""Keys, limits, tokens and scopes of the client of Xero, against the simulator."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from app.connectors.xero import oauth
from app.connectors.xero.client import XeroClient
from app.domain import books
from app.domain.books import ContactKind, DocumentKind
from app.domain.errors import FailureKind
from tests.contract.xero_site import ON, XeroLedger, access_to, bill, consented, refused


async def test_a_lost_answer_is_told_once_more_under_the_same_key(
    site: XeroLedger, ledger: XeroClient, supplier: books.Contact
) -> None:
    await site.order_fault(kind="lose_reply", method="PUT", path="^/Invoices$")
    failure = await refused(ledger.create_document(bill(supplier), "k1"))
    assert failure.kind is FailureKind.OUTCOME_UNKNOWN
    made = await ledger.create_document(bill(supplier), "k1")
    found = await ledger.find_documents(DocumentKind.BILL, supplier.id, ON)
    assert [one.id for one in found] == [made.id]
    other = await refused(ledger.create_document(bill(supplier, number="S-2"), "k1"))
    assert other.kind is FailureKind.INVALID


async def test_lists_are_read_page_by_page(
    site: XeroLedger, ledger: XeroClient, supplier: books.Contact, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.connectors.xero.caller.PAGE", 2)
    for number in range(5):
        await ledger.create_document(bill(supplier, number=f"S-{number}"), f"k{number}")
    found = await ledger.find_documents(DocumentKind.BILL, supplier.id, ON)
    assert sorted(one.number or "" for one in found) == [f"S-{number}" for number in range(5)]
    assert [each["query"]["page"] for each in (await site.requests())[-3:]] == ["1", "2", "3"]


async def test_a_limit_pauses_the_connection_and_a_slow_client_is_not_one_too_many(
    site: XeroLedger, ledger: XeroClient
) -> None:
    await site.switch(latency_ms=50)
    await asyncio.gather(*(ledger.accounts() for _ in range(12)))
    assert {each["status"] for each in await site.requests()} == {200, 302}
    await site.switch(latency_ms=0, requests_per_minute=1)
    failure = await refused(ledger.accounts())
    assert failure.kind is FailureKind.RATE_LIMITED
    assert failure.retry_after is not None
    assert 0 < failure.retry_after <= 60
    before = len(await site.requests())
    assert (await refused(ledger.accounts())).kind is FailureKind.RATE_LIMITED
    assert len(await site.requests()) == before


# --- tokens


async def test_a_token_about_to_end_is_refreshed_by_one_and_stored_before_use(
    site: XeroLedger, ledger: XeroClient
) -> None:
    before = await site.vault.tokens()
    soon = datetime.now(UTC) + timedelta(seconds=30)
    site.vault.kept = replace(before, access_until=soon)
    await asyncio.gather(*(ledger.accounts() for _ in range(5)))
    after = await site.vault.tokens()
    assert len(site.vault.stored) == 1
    assert after.access != before.access
    assert after.refresh != before.refresh
    posts = [each for each in site.calls if each.path == "/connect/token"]
    assert [each.purpose for each in posts] == ["reference"]
    kept = f"{posts[0].request} {posts[0].response}"
    assert after.access not in kept
    assert after.refresh not in kept
    assert before.refresh not in kept


async def test_a_refused_token_is_refreshed_and_the_write_sent_once(
    site: XeroLedger, ledger: XeroClient, supplier: books.Contact
) -> None:
    site.vault.kept = replace(site.vault.kept, access="not a token")
    await site.another().create_document(bill(supplier), "k1")
    assert [each["status"] for each in await site.writes()] == [401, 200]
    assert len(site.vault.stored) == 1


async def test_a_lost_refresh_is_asked_again_with_the_token_of_before(
    site: XeroLedger, ledger: XeroClient
) -> None:
    site.vault.kept = replace(site.vault.kept, access="not a token")
    await site.order_fault(kind="lose_reply", path="/connect/token")
    assert (await refused(ledger.accounts())).kind is FailureKind.TRANSIENT
    assert await ledger.accounts()
    assert len(site.vault.stored) == 1


async def test_an_ended_consent_pauses_and_asks_for_a_person(
    site: XeroLedger, ledger: XeroClient
) -> None:
    post = oauth.revoke(access_to(site.server).app, (await site.vault.tokens()).refresh)
    answer = await site.http.post(
        f"{site.server.url}{post.path}", content=post.body, headers=post.headers
    )
    assert answer.status_code == 200
    failure = await refused(ledger.accounts())
    assert failure.kind is FailureKind.UNAUTHENTICATED
    assert "connect the organisation again" in failure.message


async def test_a_disconnected_organisation_is_no_matter_of_tokens(
    site: XeroLedger, ledger: XeroClient
) -> None:
    token = (await site.vault.tokens()).access
    bearer = {"Authorization": f"Bearer {token}"}
    path = oauth.connections_path(oauth.consent_event(token))
    (tenant,) = oauth.tenants(
        (await site.http.get(f"{site.server.url}{path}", headers=bearer)).json()
    )
    assert (tenant.tenant, tenant.name) == (site.server.credentials.tenant_id, "Harbour IT Ltd")
    await site.http.delete(f"{site.server.url}/connections/{tenant.id}", headers=bearer)
    failure = await refused(ledger.accounts())
    assert (failure.kind, failure.status) == (FailureKind.UNAUTHENTICATED, 403)
    assert site.vault.stored == []


@pytest.mark.parametrize("status", [401, 403])
async def test_a_missing_scope_is_named(
    site: XeroLedger, ledger: XeroClient, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setattr(oauth, "SCOPES", ("offline_access", "accounting.invoices"))
    fresh = await consented(site.server, site.http)
    site.vault.kept = fresh
    await site.switch(missing_scope_status=status)
    failure = await refused(ledger.find_contact(ContactKind.VENDOR, "Ingram Micro"))
    assert failure.kind is FailureKind.FORBIDDEN
    assert "accounting.contacts" in failure.message


async def test_an_organisation_that_is_offline_is_left_alone_for_a_while(
    site: XeroLedger, ledger: XeroClient, supplier: books.Contact
) -> None:
    await site.switch(offline=True)
    failure = await refused(site.another().create_document(bill(supplier), "k1"))
    assert (failure.kind, failure.retry_after) == (FailureKind.OUTCOME_UNKNOWN, 300)
    failure = await refused(ledger.accounts())
    assert (failure.kind, failure.retry_after) == (FailureKind.RATE_LIMITED, 300)
