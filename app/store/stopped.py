"""What stops an order until somebody changes something, the same for every kind of store."""

from __future__ import annotations

from app.domain.codes import Code

# What an order shows while a connection is paused, or the failures that paused it.
STOPPED_BY_PAUSE = [
    Code.CONNECTION_PAUSED.value,
    Code.RATE_LIMITED.value,
    Code.CREDENTIALS_REFUSED.value,
    Code.CONNECTION_UNREACHABLE.value,
    Code.REMOTE_UNWELL.value,
]
