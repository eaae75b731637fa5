"""The signature that both ledgers put on a webhook: HMAC-SHA256 of the raw body, as Base64.

Pure. Only the header's name and the name of the key differ (accounting.md 2.10 and 3.7).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence


def holds(body: bytes, signature: str, keys: Sequence[str]) -> bool:
    """Whether the raw body was signed with one of the app's keys. Without a key nothing
    holds: the endpoint is off then."""
    try:
        given = base64.b64decode(signature.encode("ascii"), validate=True)
    except ValueError:  # no ASCII, or no Base64
        return False
    # Every key is tried, so that the time taken does not tell which one fits.
    same = [
        hmac.compare_digest(hmac.new(key.encode(), body, hashlib.sha256).digest(), given)
        for key in keys
        if key
    ]
    return any(same)
