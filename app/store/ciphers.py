"""Encryption of stored credentials with SECRETS_KEYS.

Owns the form in which tokens lie in the database: Fernet, the newest key first. What was written
with an older key is read with it, and written anew with the newest at the next change.
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
    """Seals and opens pairs of tokens. Raises KeyNotUsable for keys that are none."""

    def __init__(self, keys: Sequence[str]) -> None:
        if not keys:
            raise KeyNotUsable(f"SECRETS_KEYS is empty, so a ledger's tokens cannot be kept. {HOW}")
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
        try:
            access, refresh = json.loads(self._keys.decrypt(sealed))
        except InvalidToken:
            raise NotDecipherable from None
        return access, refresh
