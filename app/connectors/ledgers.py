"""The ledger that the settings name: its sign-in and its books, built from settings.

Owns which setting goes where for each vendor. A tenant has one ledger: two would have to be told
who posts what.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import httpx

from app.connectors.pacing import Pacing
from app.connectors.quickbooks import caller as quickbooks_caller
from app.connectors.quickbooks import oauth as quickbooks_oauth
from app.connectors.quickbooks.client import QuickBooksClient
from app.connectors.quickbooks.consent import QuickBooksConsent
from app.connectors.sealing import Seal
from app.connectors.signed_in import SignedIn
from app.connectors.transport import AiohttpTransport
from app.connectors.xero import caller as xero_caller
from app.connectors.xero import oauth as xero_oauth
from app.connectors.xero.client import XeroClient
from app.connectors.xero.consent import XeroConsent
from app.domain.budgets import Budget
from app.domain.grants import QUICKBOOKS, XERO, LedgerVault
from app.domain.ports import Clock
from app.settings import Settings


def ledger_in(settings: Settings) -> str | None:
    """The ledger that is configured. Raises ValueError, with a sentence, for two."""
    given = [
        system
        for system, client_id in (
            (QUICKBOOKS, settings.quickbooks_client_id),
            (XERO, settings.xero_client_id),
        )
        if client_id
    ]
    if len(given) > 1:
        raise ValueError(
            "QUICKBOOKS_CLIENT_ID and XERO_CLIENT_ID are both set: orders are posted to one ledger,"
            " so leave one of them empty."
        )
    return given[0] if given else None


@dataclass(frozen=True, slots=True)
class Built:
    """What is made of the settings. `wanted` is the company that they name, else empty."""

    consent: QuickBooksConsent | XeroConsent
    books: SignedIn
    wanted: str

    async def aclose(self) -> None:
        await self.books.aclose()
        await self.consent.aclose()


BudgetOf = Callable[[str], Budget | None]
"""The budget of a company, None where its calls are not counted."""


Transport = Callable[[float], httpx.AsyncBaseTransport]
"""A transport whose exchanges last so many seconds at most."""


def _uncounted(_: str) -> None:
    return None


def _real(seconds: float) -> httpx.AsyncBaseTransport:
    return AiohttpTransport(total=seconds)


def build(
    settings: Settings,
    system: str,
    vault: LedgerVault,
    clock: Clock,
    budget_of: BudgetOf = _uncounted,
    pacing: Pacing | None = None,
    transport: Transport = _real,
    seal: Seal | None = None,
) -> Built:
    """The ledger's parts, which call nobody yet. `transport` replaces the real one in tests."""
    back = f"{settings.public_url}/oauth/{system}/callback"
    made = _quickbooks if system == QUICKBOOKS else _xero
    return made(settings, back, vault, clock, budget_of, pacing or Pacing(clock), transport, seal)


def _quickbooks(
    settings: Settings,
    back: str,
    vault: LedgerVault,
    clock: Clock,
    budget_of: BudgetOf,
    pacing: Pacing,
    transport: Transport,
    seal: Seal | None,
) -> Built:
    timeout = settings.ledger_timeout
    app = quickbooks_oauth.App(
        settings.quickbooks_client_id,
        settings.quickbooks_client_secret.get_secret_value(),
        back,
        authorize_url=settings.quickbooks_authorize_url,
        token_url=settings.quickbooks_token_url,
        revoke_url=settings.quickbooks_revoke_url,
    )
    consent = QuickBooksConsent(
        app, settings.quickbooks_url, clock=clock, transport=transport(timeout)
    )

    def client(realm: str) -> QuickBooksClient:
        access = quickbooks_caller.Access(settings.quickbooks_url, realm)
        refresh = consent.sign_in.refresh
        budget = budget_of(realm)
        return QuickBooksClient(
            access, vault, refresh, clock=clock, timeout=timeout, budget=budget, pacing=pacing,
            transport=transport(timeout), seal=seal,
        )  # fmt: skip

    wanted = settings.quickbooks_realm
    return Built(consent, SignedIn(vault, client, wanted, timeout), wanted)


def _xero(
    settings: Settings,
    back: str,
    vault: LedgerVault,
    clock: Clock,
    budget_of: BudgetOf,
    pacing: Pacing,
    transport: Transport,
    seal: Seal | None,
) -> Built:
    timeout = settings.ledger_timeout
    app = xero_oauth.App(settings.xero_client_id, settings.xero_client_secret.get_secret_value())
    consent = XeroConsent(
        app,
        back,
        page=settings.xero_authorize_url,
        identity_url=settings.xero_identity_url,
        api_url=settings.xero_url,
        clock=clock,
        transport=transport(timeout),
    )

    def client(tenant_id: str) -> XeroClient:
        access = xero_caller.Access(
            tenant_id,
            app,
            base_url=f"{settings.xero_url}/api.xro/2.0",
            identity_url=settings.xero_identity_url,
        )
        budget = budget_of(tenant_id)
        return XeroClient(
            access, vault, clock=clock, timeout=timeout, budget=budget, pacing=pacing,
            transport=transport(timeout), seal=seal,
        )  # fmt: skip

    wanted = settings.xero_tenant_id
    return Built(consent, SignedIn(vault, client, wanted, timeout), wanted)
