"""Who calls: the key behind a secret, and a person's session in the console.

Owns how keys are compared and how long a session lasts. Keeps and logs no secret: hashes only. A
session ends with its key, withdrawn or changed, and with its time.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass

from app.domain.admin_store import AdminStore
from app.domain.desk import DeskStore
from app.domain.ports import Ids
from app.domain.views import ApiKey, Audit

READ, ADMIN, REVEAL = "read", "admin", "reveal"
SCOPES = (READ, ADMIN, REVEAL)
# What ADMIN_API_KEY may do. It is shared and has no person's name, so it reveals nothing.
FIRST = frozenset({READ, ADMIN})
SESSION_SECONDS = 12 * 3600.0  # a working day: whoever comes back the next one signs in anew


def digest_of(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()


async def key_behind(
    digest: bytes, *, first: str, tenant_id: int, admin: AdminStore
) -> ApiKey | None:
    """The key with this digest. `first` is ADMIN_API_KEY, empty for none; it is `tenant_id`'s."""
    # Hashes are compared, so that neither length nor content shows in the time it takes.
    if first and hmac.compare_digest(digest, digest_of(first)):
        return ApiKey(tenant_id, "admin", FIRST)
    return await admin.key(digest)


def may(key: ApiKey, scope: str) -> bool:
    """Whether a key's scopes allow it. Admin includes read, and never what reveal allows."""
    return scope in key.scopes or (scope == READ and ADMIN in key.scopes)


def may_not(key: ApiKey, scope: str) -> str:
    """What to tell whoever lacks a scope."""
    if scope == REVEAL:
        return (
            f"The key {key.name} has no scope reveal, which admin does not include. "
            "`demandlink keys create NAME --scope read --scope reveal` makes a key that has it."
        )
    return f"The key {key.name} has no scope {scope}. Use another key."


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody signed in. `form` is what a form of the session has to send back (CSRF)."""

    key: ApiKey
    form: str

    @property
    def admin(self) -> bool:
        return may(self.key, ADMIN)

    @property
    def reveals(self) -> bool:
        """Whether personal data may be shown."""
        return may(self.key, REVEAL)


class Sessions:
    """Signing in and out. Every method may raise StoreUnavailable."""

    def __init__(
        self, *, store: DeskStore, admin: AdminStore, ids: Ids, first: str, tenant_id: int
    ) -> None:
        self._store = store
        self._admin = admin
        self._ids = ids
        self._first = first
        self._tenant = tenant_id

    async def sign_in(self, secret: str) -> str | None:
        """The cookie of a new session, None where the key is not known or may not read."""
        digest = digest_of(secret)
        key = await self._key(digest)
        if key is None or not may(key, READ):
            return None
        cookie = f"{self._ids.token()}{self._ids.token()}"
        audit = Audit(key.name, "console.sign_in", key.name)
        await self._store.open_session(
            key.tenant_id, digest_of(cookie), digest, SESSION_SECONDS, audit
        )
        return cookie

    async def person(self, cookie: str) -> Person | None:
        """Who has this cookie, None for nobody any more."""
        digest = await self._store.session(digest_of(cookie)) if cookie else None
        key = await self._key(digest) if digest is not None else None
        return None if key is None or not may(key, READ) else Person(key, _form(cookie))

    async def sign_out(self, person: Person, cookie: str) -> None:
        audit = Audit(person.key.name, "console.sign_out", person.key.name)
        await self._store.close_session(person.key.tenant_id, digest_of(cookie), audit)

    async def _key(self, digest: bytes) -> ApiKey | None:
        return await key_behind(
            digest, first=self._first, tenant_id=self._tenant, admin=self._admin
        )


def _form(cookie: str) -> str:
    """Made from the cookie, which no other site can read; from it nobody can make the cookie."""
    return hmac.new(cookie.encode("utf-8", "replace"), b"form", hashlib.sha256).hexdigest()
