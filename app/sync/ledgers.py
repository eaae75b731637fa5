"""Signing in to a ledger and out again.

Owns who may, what is refused and why, and which company a consent may bind. Holds no token longer
than a call: the vault keeps them. Nothing that leaves here carries a token or a code.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from app.domain.errors import FailureKind, RemoteFailure
from app.domain.grants import Company, Consent, LedgerVault, SigningIn, SignInStore
from app.domain.ports import Ids
from app.domain.upkeep import UpkeepStore
from app.domain.views import Audit, ConnectionRow
from app.sync.decisions import reason_given
from app.sync.operations import Actor, Operations, Refusal

SERVICE = "service"  # the author of a pause that nobody ordered
STATE_SECONDS = 600.0  # long enough to find the password of the ledger
_ERROR = re.compile(r"[a-z_]{1,40}")
_ENDED = (FailureKind.UNAUTHENTICATED, FailureKind.REJECTED)


@dataclass(frozen=True, slots=True)
class Ledger:
    """A ledger as it is set up. `wanted`: the company that the settings name, else empty.
    `reachable`: there is an address to which the vendor can send a person back."""

    consent: Consent
    vault: LedgerVault
    wanted: str
    reachable: bool


@dataclass(frozen=True, slots=True)
class Begun:
    """The page to open, and until when the way back from it is open."""

    address: str
    expires_at: datetime


class LedgerStore(SignInStore, UpkeepStore, Protocol):
    """The store as signing in sees it."""


class Ledgers:
    """Every method may raise StoreUnavailable and Refusal."""

    def __init__(
        self,
        ledgers: Mapping[str, Ledger],
        store: LedgerStore,
        operations: Operations,
        ids: Ids,
        tenant_id: int,
    ) -> None:
        self._ledgers = ledgers
        self._store = store
        self._operations = operations
        self._ids = ids
        self._tenant = tenant_id

    async def begin(self, actor: Actor, system: str) -> Begun:
        """Have a person sign in. The state is a key to this connection: only its hash is kept."""
        ledger = self._ledger(actor, system)
        if not ledger.reachable:
            sentence = "PUBLIC_URL is empty, so nobody can be sent back here: set it and restart."
            raise Refusal("LEDGER_NOT_SET_UP", sentence)
        state = f"{self._ids.token()}{self._ids.token()}".replace("-", "")
        until = await self._store.begin_sign_in(
            actor.tenant_id, system, _digest(state), actor.name, STATE_SECONDS
        )
        return Begun(ledger.consent.address(state), until)

    async def finish(
        self, system: str, state: str, *, code: str, named: str, error: str
    ) -> Company:
        """What the vendor sent a person back with. The state says who began it; it is used up
        whatever comes of it."""
        begun = await self._store.take_sign_in(system, _digest(state))
        if begun is None or system not in self._ledgers:
            sentence = "This sign-in is unknown, was used before, or is too old: begin a new one."
            raise Refusal("SIGN_IN_REFUSED", sentence)
        if error or not code:
            word = error if _ERROR.fullmatch(error) else "no code"
            raise Refusal("SIGN_IN_REFUSED", f"The ledger gave no consent ({word}).")
        ledger = self._ledgers[system]
        try:
            tokens = await ledger.consent.exchange(code, await ledger.vault.now())
            company = _chosen(ledger, await ledger.consent.companies(tokens, named), system)
        except RemoteFailure as failure:
            raise _unavailable(failure) from failure
        audit = Audit(begun.actor, "connection.sign_in", system, {"company": company.id})
        if not await ledger.vault.keep(company, tokens, audit):
            raise Refusal(
                "SIGN_IN_REFUSED",
                f"The connection stands with another company than {company.name}. To change over, "
                f"run `demandlink connections disconnect {system}` first.",
            )
        await self._resume(begun)
        return company

    async def disconnect(self, actor: Actor, system: str, reason: str) -> ConnectionRow:
        """Give the consent back and forget the tokens. A vendor who cannot be asked now keeps the
        consent, so nothing is forgotten then."""
        told = reason_given(reason)
        ledger = self._ledger(actor, system)
        if await self._store.grant(actor.tenant_id, system) is None:
            raise Refusal("SIGN_IN_REFUSED", f"Nobody is signed in to {system}.")
        try:
            company = await ledger.vault.company()
            # Inside, so that no refresh gives the connection new tokens meanwhile.
            async with ledger.vault.refreshing() as held:
                await ledger.consent.revoke(held, company, await ledger.vault.now())
        except RemoteFailure as failure:
            # What cannot be read or is refused is over already; anything else may be tried again.
            if failure.kind not in _ENDED:
                raise _unavailable(failure) from failure
        audit = Audit(actor.name, "connection.disconnect", system, {"reason": told})
        await ledger.vault.forget(audit)
        return await self._row(actor.tenant_id, system)

    def _ledger(self, actor: Actor, system: str) -> Ledger:
        # What the environment sets up is the default tenant's (contracts/http.md, Settings).
        if system not in self._ledgers or actor.tenant_id != self._tenant:
            sentence = f"{system} is not set up: {system.upper()}_CLIENT_ID is empty."
            raise Refusal("LEDGER_NOT_SET_UP", sentence)
        return self._ledgers[system]

    async def _resume(self, begun: SigningIn) -> None:
        """Orders that waited for the sign-in go on. A person's pause stays."""
        row = await self._row(begun.tenant_id, begun.system)
        if row.paused is not None and row.paused.by == SERVICE:
            audit = Audit(begun.actor, "connection.resume", begun.system, {"reason": "signed in"})
            await self._store.resume_connection(begun.tenant_id, row.id, audit)
            await self._operations.wake()

    async def _row(self, tenant_id: int, system: str) -> ConnectionRow:
        rows = await self._store.connections(tenant_id)
        return next(row for row in rows if row.system == system)


def _chosen(ledger: Ledger, reached: Sequence[Company], system: str) -> Company:
    """The one company that a consent binds; never the first of several. Raises Refusal."""
    setting = "QUICKBOOKS_REALM" if system == "quickbooks" else "XERO_TENANT_ID"
    shown = ", ".join(f"{one.name} ({one.id})" for one in reached) or "none"
    if ledger.wanted:
        for one in reached:
            if one.id == ledger.wanted:
                return one
        sentence = f"{setting} names {ledger.wanted}, and the consent reaches {shown}."
        raise Refusal("SIGN_IN_REFUSED", sentence)
    if len(reached) != 1:
        sentence = f"The consent reaches {shown}. Choose one, or name it by {setting}."
        raise Refusal("SIGN_IN_REFUSED", sentence)
    return reached[0]


def _unavailable(failure: RemoteFailure) -> Refusal:
    return Refusal("LEDGER_UNAVAILABLE", failure.message)


def _digest(state: str) -> bytes:
    return hashlib.sha256(state.encode("utf-8", "replace")).digest()
