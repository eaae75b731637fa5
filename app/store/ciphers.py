"""Encryption with SECRETS_KEYS of what is stored: credentials, and personal values of calls.

Owns the form in which they lie in the database: Fernet, the newest key first. What was written
with an older key is read with it; tokens are written anew with the newest at the next change, calls
never, so that a key is needed for as long as calls are kept.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from app.domain.books import Tokens

HOW = (
    "Make one with: python -c 'from cryptography.fernet import Fernet; "
    "print(Fernet.generate_key().decode())'"
)


class KeyNotUsable(ValueError):
    """A key that is none, as a sentence that says what to do. The key's text stays out of it."""


class NotDecipherable(Exception):
    """No key of ours opens it."""


class Cipher:
    """Seals and opens pairs of tokens, and bytes. Raises KeyNotUsable for keys that are none."""

    def __init__(self, keys: Sequence[str]) -> None:
        if not keys:
            raise KeyNotUsable(
                "SECRETS_KEYS is empty, so neither a ledger's tokens nor sealed calls (CALLS_SEALED)"
                f" can be kept. {HOW}"
            )
        made = []
        for number, key in enumerate(keys, 1):
            try:
                made.append(Fernet(key))
            except ValueError:
                sentence = f"SECRETS_KEYS: key {number} of {len(keys)} is no Fernet key. {HOW}"
                raise KeyNotUsable(sentence) from None
        self._keys = MultiFernet(made)

    def seal(self, tokens: Tokens) -> bytes:
        return self._keys.encrypt(json.dumps([tokens.access, tokens.refresh]).encode())

    def open(self, sealed: bytes) -> tuple[str, str]:
        """Access and refresh token."""
        plain = self.opened(sealed)
        if plain is None:
            raise NotDecipherable
        access, refresh = json.loads(plain)
        return access, refresh

    def seal_bytes(self, plain: bytes) -> bytes:
        return self._keys.encrypt(plain)

    def opened(self, sealed: bytes) -> bytes | None:
        """What `seal_bytes` was given; None: no key of ours opens it."""
        try:
            return self._keys.decrypt(sealed)
        except InvalidToken:
            return None
