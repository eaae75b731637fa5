"""Whether an address answers: one request, its status, and nothing of its body.

Owns the question only; who asks it, and what the answer means, is not known here.
"""

from __future__ import annotations

import httpx

from app.connectors.transport import AiohttpTransport

SECONDS = 5.0


async def reach(url: str) -> int | None:
    """The status with which an address answers a GET; None: it did not answer in 5 seconds."""
    async with httpx.AsyncClient(
        transport=AiohttpTransport(total=SECONDS), follow_redirects=False, trust_env=False
    ) as client:
        try:
            return (await client.get(url)).status_code
        except (httpx.HTTPError, httpx.InvalidURL):
            return None
