"""Signing in to a ledger through the admin REST, against the simulated vendors."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr

from app.connectors.ledgers import Built, build, ledger_in
from app.domain.books import Books
from app.domain.codes import Code
from app.domain.errors import FailureKind, RemoteFailure
from app.domain.ports import Paused
from app.settings import Settings
from app.store.ciphers import Cipher
from app.sync.ledgers import Ledger, Ledgers
from app.system import SystemClock, UuidIds
from sandbox.server import QuickBooksServer, XeroServer
from tests.api.conftest import Service
from tests.api.doors import code_of
from tests.contract.xero_site import refused

TENANT = 1
Site = QuickBooksServer | XeroServer


@dataclass
class Desk:
    """A service with a ledger set up, the vendor, and a person with a browser."""

    service: Service
    site: Site
    system: str
    built: Built
    person: httpx.AsyncClient

    @property
    def books(self) -> Books:
        return self.built.books.books()

    async def control(self, method: str, path: str, body: Any) -> None:
        answer = await self.person.request(method, f"{self.site.control_url}{path}", json=body)
        assert answer.status_code < 300, answer.text

    async def begin(self) -> str:
        answer = await self.service.admin.post(f"/admin/connections/{self.system}/sign-in")
        assert answer.status_code == 200, answer.text
        return str(answer.json()["address"])

    async def sent_back(self, address: str) -> str:
        """The person opens the page and agrees; where the vendor sends the browser then."""
        page = await self.person.get(address)
        assert page.status_code == 302, page.text
        back = urlsplit(page.headers["location"])
        assert f"{back.scheme}://{back.netloc}" == "https://dl.example"
        return f"{back.path}?{back.query}"

    async def sign_in(self) -> httpx.Response:
        return await self.service.client.get(await self.sent_back(await self.begin()))

    async def connection(self) -> Mapping[str, Any]:
        rows = (await self.service.admin.get("/admin/connections")).json()["items"]
        return next(row for row in rows if row["system"] == self.system)

    async def disconnect(self) -> httpx.Response:
        return await self.service.admin.post(
            f"/admin/connections/{self.system}/disconnect", json={"reason": "moving"}
        )


def settings_for(site: Site, **more: Any) -> Settings:
    if isinstance(site, XeroServer):
        mine = site.credentials
        given: dict[str, Any] = {
            "xero_client_id": mine.client_id,
            "xero_client_secret": SecretStr(mine.client_secret),
            "xero_url": site.url,
            "xero_identity_url": site.url,
            "xero_authorize_url": f"{site.url}/identity/connect/authorize",
        }
    else:
        app = site.registration
        given = {
            "quickbooks_client_id": app.client_id,
            "quickbooks_client_secret": SecretStr(app.client_secret),
            "quickbooks_url": site.url,
            "quickbooks_token_url": site.url,
            "quickbooks_revoke_url": site.url,
            "quickbooks_authorize_url": f"{site.url}/connect/oauth2",
        }
    return Settings(public_url="https://dl.example", ledger_timeout=5, **given, **more)


@pytest.fixture(params=["quickbooks", "xero"])
async def site(request: pytest.FixtureRequest) -> AsyncIterator[Site]:
    made: Site = QuickBooksServer() if request.param == "quickbooks" else XeroServer()
    async with made as running:
        yield running


Set = Callable[..., Any]


@pytest.fixture
async def set_up(service: Service, site: Site) -> AsyncIterator[Set]:
    """Puts the ledger into the service, as the composition root does."""
    async with AsyncExitStack() as stack:
        person = await stack.enter_async_context(httpx.AsyncClient(trust_env=False))

        async def make(**more: Any) -> Desk:
            settings = settings_for(site, **more)
            system = ledger_in(settings)
            assert system is not None
            await service.store.ensure_connection(TENANT, system, "default")
            cipher = Cipher([Fernet.generate_key().decode()])
            vault = service.store.vault(TENANT, system, cipher)
            built = build(settings, system, vault, SystemClock())
            stack.push_async_callback(built.aclose)
            ledger = Ledger(built.consent, vault, built.wanted, bool(settings.public_url))
            service.parts.ledgers = Ledgers(
                {system: ledger}, service.store, service.parts.operations, UuidIds(), TENANT
            )
            return Desk(service, site, system, built, person)

        yield make


async def test_a_person_signs_in_and_the_books_are_open(set_up: Set) -> None:
    desk = await set_up()
    before = await desk.connection()
    assert "Nobody has signed in yet" in before["sign_in"]
    assert (await refused(desk.books.accounts())).kind is FailureKind.UNAUTHENTICATED
    page = await desk.sign_in()
    assert page.status_code == 200, page.text
    assert "is connected" in page.text
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert await desk.books.accounts()
    after = await desk.connection()
    assert (after["sign_in"], after["signed_in_by"]) == (None, "admin")
    assert after["company"] == (await desk.books.organisation()).name
    assert after["signed_in_until"] is not None


async def test_no_token_and_no_code_shows_anywhere(
    set_up: Set, service: Service, capsys: pytest.CaptureFixture[str]
) -> None:
    desk = await set_up()
    back = await desk.sent_back(await desk.begin())
    page = await service.client.get(back)
    held = await service.store.vault(TENANT, desk.system, desk.built.books._vault._cipher).tokens()
    code = parse_qs(urlsplit(back).query)["code"][0]
    listed = (await service.admin.get("/admin/connections")).text
    audit = [dict(row) for row in await service.query("SELECT * FROM audit")]
    calls = [dict(row) for row in await service.query("SELECT * FROM call")]
    grants = [dict(row) for row in await service.query("SELECT * FROM ledger_grant")]
    told = capsys.readouterr()
    for shown in (page.text, listed, repr(audit), repr(calls), repr(grants), told.out, told.err):
        for secret in (held.access, held.refresh, code):
            assert secret not in shown


async def test_a_state_works_once_and_a_made_up_one_never(set_up: Set, service: Service) -> None:
    desk = await set_up()
    back = await desk.sent_back(await desk.begin())
    assert (await service.client.get(back)).status_code == 200
    again = await service.client.get(back)
    assert again.status_code == 409
    assert "used before" in again.text
    made_up = await service.client.get(f"/oauth/{desk.system}/callback?state=x&code=y&realmId=1")
    assert made_up.status_code == 409


async def test_a_person_who_says_no_is_told_so(set_up: Set, service: Service, site: Site) -> None:
    desk = await set_up()
    no: Any = False if isinstance(site, XeroServer) else "denied"
    await desk.control("PUT", "/settings", {"consent": no})
    page = await desk.sign_in()
    assert page.status_code == 409
    assert "access_denied" in page.text
    assert "Nobody has signed in yet" in (await desk.connection())["sign_in"]


async def test_what_a_vendor_says_is_not_put_into_the_page_as_it_is(
    set_up: Set, service: Service
) -> None:
    desk = await set_up()
    state = parse_qs(urlsplit(await desk.begin()).query)["state"][0]
    asked = {"state": state, "error": "<script>alert(1)</script>"}
    page = await service.client.get(f"/oauth/{desk.system}/callback", params=asked)
    assert page.status_code == 409
    assert "script" not in page.text


async def test_a_company_that_the_settings_do_not_name_is_refused(set_up: Set) -> None:
    desk = await set_up(quickbooks_realm="77", xero_tenant_id="77")
    page = await desk.sign_in()
    assert page.status_code == 409
    assert "names 77" in page.text
    assert "Nobody has signed in yet" in (await desk.connection())["sign_in"]


async def test_a_dead_grant_shows_with_the_way_out_and_signing_in_resumes(
    set_up: Set, service: Service
) -> None:
    desk = await set_up()
    await desk.sign_in()
    await desk.control("POST", "/act", {"act": "disconnect", "id": ""})
    failure = await refused(desk.books.accounts())
    assert failure.kind is FailureKind.UNAUTHENTICATED
    shown = (await desk.connection())["sign_in"]
    assert f"demandlink connections sign-in {desk.system}" in shown
    pause = Paused(None, Code.CREDENTIALS_REFUSED, failure.message, "service")
    await service.store.pause(TENANT, desk.system, pause)
    assert (await desk.sign_in()).status_code == 200
    after = await desk.connection()
    assert (after["sign_in"], after["state"]) == (None, "open")
    assert await desk.books.accounts()


async def test_a_persons_pause_outlives_a_sign_in(set_up: Set, service: Service) -> None:
    desk = await set_up()
    pause = Paused(None, Code.CONNECTION_PAUSED, "Year-end.", "anna")
    await service.store.pause(TENANT, desk.system, pause)
    await desk.sign_in()
    assert (await desk.connection())["state"] == "paused"


async def test_disconnecting_gives_the_consent_back_and_forgets_it(
    set_up: Set, service: Service
) -> None:
    desk = await set_up()
    assert code_of(await desk.disconnect()) == "SIGN_IN_REFUSED"
    await desk.sign_in()
    vault = desk.built.books._vault
    tokens = await vault.tokens()
    answer = await desk.disconnect()
    assert answer.status_code == 200, answer.text
    assert "Nobody has signed in yet" in answer.json()["sign_in"]
    assert (await refused(desk.books.accounts())).kind is FailureKind.UNAUTHENTICATED
    with pytest.raises(RemoteFailure):  # the vendor does not know the grant any more either
        await desk.built.consent.companies(tokens, "4620816365000000001")


async def test_a_vendor_that_is_away_keeps_the_connection(set_up: Set, site: Site) -> None:
    desk = await set_up()
    await desk.sign_in()
    method, path = ("DELETE", "/connections/") if desk.system == "xero" else ("POST", "revo")
    fault = {"kind": "status", "status": 503, "method": method, "path": path, "times": 1}
    await desk.control("POST", "/faults", [fault])
    answer = await desk.disconnect()
    assert (answer.status_code, code_of(answer)) == (502, "LEDGER_UNAVAILABLE")
    assert await desk.books.accounts()
    assert (await desk.disconnect()).status_code == 200


@pytest.mark.parametrize("site", ["xero"], indirect=True)
@pytest.mark.parametrize("expired", [False, True])
async def test_xeros_connection_is_deleted_before_its_grant_is_ended(
    set_up: Set, service: Service, expired: bool
) -> None:
    """accounting.md 3.4: an unused connection counts on the app's tier. An access token lasts half
    an hour, and whoever disconnects may come after a weekend."""
    desk = await set_up()
    await desk.sign_in()
    if expired:
        await service.query("UPDATE ledger_grant SET access_until = now() - interval '1 minute'")
    fault = {"kind": "status", "status": 503, "method": "POST", "path": "revocation", "times": 1}
    await desk.control("POST", "/faults", [fault])
    answer = await desk.disconnect()
    assert (answer.status_code, code_of(answer)) == (502, "LEDGER_UNAVAILABLE")
    told = (await desk.connection())["sign_in"] or ""
    assert "Nobody has signed in" not in told  # so that it is done again, to its end
    assert (await desk.disconnect()).status_code == 200
    assert "Nobody has signed in yet" in (await desk.connection())["sign_in"]
    log = (await desk.person.get(f"{desk.site.control_url}/requests")).text
    sent = [
        (one["method"], one["path"].split("/")[1:3], one["status"])
        for one in map(json.loads, log.splitlines())
    ]
    deleted = [
        n for n, (method, _, status) in enumerate(sent) if (method, status) == ("DELETE", 204)
    ]
    ended = [n for n, (_, path, _) in enumerate(sent) if path[-1:] == ["revocation"]]
    assert len(deleted) == 1
    assert len(ended) == 2
    assert deleted[0] < ended[0]
    refreshed = [one for one in sent if one[:2] == ("POST", ["connect", "token"])]
    assert len(refreshed) == 1 + expired  # the exchange of the code, and a fresh access token


async def test_what_is_not_set_up_is_refused(set_up: Set, service: Service, site: Site) -> None:
    desk = await set_up()
    other = "quickbooks" if desk.system == "xero" else "xero"
    assert code_of(await service.admin.post(f"/admin/connections/{other}/sign-in")) == (
        "LEDGER_NOT_SET_UP"
    )
    foreign = await service.key("other", ["admin"], tenant=await tenant(service))
    refusal = await service.client.post(
        f"/admin/connections/{desk.system}/sign-in", headers=foreign
    )
    assert code_of(refusal) == "LEDGER_NOT_SET_UP"
    assert (await service.client.post(f"/admin/connections/{other}/sign-in")).status_code == 401
    assert (await service.admin.post("/admin/connections/myob/sign-in")).status_code == 422


async def tenant(service: Service) -> int:
    rows = await service.query("INSERT INTO tenant (name) VALUES ('other') RETURNING id")
    return int(rows[0]["id"])
