"""Consents to a ledger: what is kept of one, how it stands, and the ports that get and keep it.

Owns the words between sign-in, store and the pages that show a connection. Tokens themselves are
`books.Tokens`; nothing that is shown to a person carries one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final, Protocol

from app.domain.books import HeldTokens, Tokens, TokenVault

if TYPE_CHECKING:
    from app.domain.views import Audit

QUICKBOOKS: Final = "quickbooks"
XERO: Final = "xero"
LEDGERS = (QUICKBOOKS, XERO)
# Systems as sentences call them.
SYSTEM_NAMES = {
    "commerce": "Commerce", "connectwise": "ConnectWise", QUICKBOOKS: "QuickBooks", XERO: "Xero",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Company:
    """An organisation whose books a consent reaches."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Grant:
    """A consent as it stands, without its tokens.

    `refresh_until`: unused, it dies then. `grant_until`: used or not, a person has to consent
    again by then. `trouble`: what the vendor said when it last gave no token; None while it does.
    """

    company: Company
    access_until: datetime
    refresh_until: datetime | None
    grant_until: datetime | None
    consented_at: datetime
    consented_by: str
    trouble: str | None = None
    over: bool = False  # by the store's clock; whatever the vendor would say

    @property
    def until(self) -> datetime | None:
        """When a person has to sign in again if nobody uses the connection until then."""
        ends = [end for end in (self.refresh_until, self.grant_until) if end is not None]
        return min(ends, default=None)


def advice(system: str, grant: Grant | None) -> str | None:
    """What a person has to do so that the ledger can be called. None: nothing."""
    again = f"Sign in: `demandlink connections sign-in {system}`."
    if grant is None:
        return f"Nobody has signed in yet. {again}"
    if grant.over and grant.until is not None:
        return f"The consent ended on {grant.until:%Y-%m-%d}. {again}"
    return None if grant.trouble is None else f"{grant.trouble} {again}"


@dataclass(frozen=True, slots=True)
class SigningIn:
    """A sign-in that was begun: whose it is, and who began it."""

    tenant_id: int
    system: str
    actor: str


class Consent(Protocol):
    """A vendor's sign-in. Every method that asks it may raise RemoteFailure."""

    @property
    def system(self) -> str: ...

    def address(self, state: str) -> str:
        """Where a person's browser is sent."""

    async def exchange(self, code: str, now: datetime) -> Tokens:
        """The first tokens; a code is good once."""

    async def companies(self, tokens: Tokens, named: str) -> Sequence[Company]:
        """The organisations that the person chose, read with the tokens. `named` is the one that
        the callback told, empty where the vendor tells none."""

    async def revoke(self, held: HeldTokens, company: str, now: datetime) -> None:
        """Give the consent to a company back; tokens that are fetched for it are stored. What is
        over already is no failure."""


class LedgerVault(TokenVault, Protocol):
    """The vault of one connection, with what only signing in and out may do."""

    async def company(self) -> str:
        """The organisation that was signed in to. UNAUTHENTICATED when nobody has consented."""

    async def note(self, trouble: str) -> None:
        """Have the connection show what the vendor said, until a token comes again. Never raises
        for an absent store: the failure itself counts more."""

    async def keep(self, company: Company, tokens: Tokens, audit: Audit) -> bool:
        """Keep a new consent in place of the one before. False, and nothing is kept, when the
        connection stands with another organisation: that one has to be disconnected first."""

    async def forget(self, audit: Audit) -> None:
        """The tokens are gone, and any organisation may be signed in to."""


class SignInStore(Protocol):
    """Sign-ins under way. Raises StoreUnavailable."""

    async def begin_sign_in(
        self, tenant_id: int, system: str, digest: bytes, actor: str, seconds: float
    ) -> datetime:
        """Keep the digest of a state until the returned moment."""

    async def take_sign_in(self, system: str, digest: bytes) -> SigningIn | None:
        """Whose state this is, once. None: unknown, used before, or too old."""

    async def grant(self, tenant_id: int, system: str) -> Grant | None: ...
