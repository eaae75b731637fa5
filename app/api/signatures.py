"""Standard Webhooks signatures: a pure answer from headers, raw body, secrets and the time.

Owns the check and its tolerance; must not read a clock, a setting or the parsed body. Own code
because the `standardwebhooks` library reads its own clock and decodes the body before it checks.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.domain.codes import Code

TOLERANCE_SECONDS = 300
MAX_ID = 256
_PREFIX = "whsec_"
# Printable ASCII: an id is the sender's own affair, and this fits an index whatever it is.
_ID = re.compile(r"[ -~]+")
_TIMESTAMP = re.compile(r"[0-9]{1,12}")


@dataclass(frozen=True, slots=True)
class Verified:
    """The delivery comes from a holder of a secret, now. `id` is its `webhook-id`."""

    id: str


@dataclass(frozen=True, slots=True)
class Refused:
    """Why not. The cause may be shown to the sender: it holds nothing that helps a forger."""

    code: Code
    cause: str


def key_of(secret: str) -> bytes | None:
    """The key of a `whsec_...` secret, None for one that cannot be a key.

    Read as leniently as the reference library reads it (padding may lack), so that what a
    sender's library can sign with verifies here.
    """
    text = secret.strip().removeprefix(_PREFIX)
    try:
        key = base64.b64decode(text + "==")
    except (ValueError, binascii.Error):
        return None
    return key or None


def sign(key: bytes, webhook_id: str, timestamp: str, body: bytes) -> str:
    """The `v1,...` signature of a delivery."""
    signed = b".".join((webhook_id.encode(), timestamp.encode(), body))
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def verify(
    secrets: Sequence[str], headers: Mapping[str, str], body: bytes, now: datetime
) -> Verified | Refused:
    """Whether one of the signatures fits one of the secrets, 5 minutes around `now` at most.

    `headers` has lower-case names. Never raises: whatever cannot be read is refused. No usable
    secret means that the endpoint is off, so everything is refused.
    """
    keys = [key for key in map(key_of, secrets) if key is not None]
    if not keys:
        return _refused("no webhook secret is set for this connection, so nothing is accepted")
    webhook_id = headers.get("webhook-id", "")
    timestamp = headers.get("webhook-timestamp", "")
    signatures = headers.get("webhook-signature", "")
    for name, value in (
        ("webhook-id", webhook_id),
        ("webhook-timestamp", timestamp),
        ("webhook-signature", signatures),
    ):
        if not value:
            return _refused(f"the header {name} is missing")
    if len(webhook_id) > MAX_ID or not _ID.fullmatch(webhook_id):
        return _refused(f"webhook-id must be at most {MAX_ID} printable ASCII characters")
    if not _TIMESTAMP.fullmatch(timestamp):
        return _refused("webhook-timestamp must be whole seconds since 1970")
    if not _fits(keys, webhook_id, timestamp, body, signatures):
        return _refused("no signature of webhook-signature fits the body and a known secret")
    # After the signature, so that a wrong clock is only ever told to a true sender.
    if abs(int(now.timestamp()) - int(timestamp)) > TOLERANCE_SECONDS:
        return Refused(
            Code.TIMESTAMP_OUTSIDE_WINDOW,
            "webhook-timestamp is more than 5 minutes off this service's clock",
        )
    return Verified(webhook_id)


def _refused(cause: str) -> Refused:
    return Refused(Code.SIGNATURE_REFUSED, cause)


def _fits(
    keys: Sequence[bytes], webhook_id: str, timestamp: str, body: bytes, signatures: str
) -> bool:
    given = [part.encode("utf-8", "replace") for part in signatures.split(" ")]
    fits = False
    for key in keys:
        expected = sign(key, webhook_id, timestamp, body).encode()
        # Compared as text: decoding would accept several spellings of one signature.
        for part in given:
            fits |= hmac.compare_digest(expected, part)
    return fits
