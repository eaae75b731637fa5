"""ConnectWise's callbacks on their way to the service: lost, late, doubled, echoed.

Owns what becomes of each on the way. The simulator decides who hears of what, signs, and tries
again as the vendor does; an API that is away loses one all the same.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx

from sandbox.connectwise.callbacks import Post
from sandbox.server import SandboxServer
from tests.e2e.harness import PERSON

LOST, DOUBLED, LATE = 0.15, 0.2, 0.2
LATEST = 2.0  # seconds
# Every write of the service would come back to it otherwise, several for each order and address.
ECHOED = 0.2
REGISTERED = 20.0  # seconds until both installations have registered what they want to hear
TYPES = 4
NO_ANSWER = 0


@dataclass
class Callbacks:
    """Stands in the simulator for its way of posting. `own`: the service's member there."""

    post: Post
    rng: random.Random
    own: str
    count: Counter[str] = field(default_factory=Counter)

    async def __call__(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """The status of the first try that arrives; 0 where none does."""
        if json.loads(body)["MemberId"] == self.own:
            if self.rng.random() >= ECHOED:
                return httpx.codes.OK  # as if it were suppressed, as it was asked for
            self.count["echoed"] += 1
        if self.rng.random() < LOST:
            self.count["lost"] += 1
            return NO_ANSWER
        if self.rng.random() < LATE:
            self.count["late"] += 1
            await asyncio.sleep(self.rng.uniform(0.1, LATEST))
        again = self.rng.random() < DOUBLED
        tries = [self.post(url, body, dict(headers)) for _ in range(1 + again)]
        statuses = await asyncio.gather(*tries)
        self.count["doubled"] += again
        for status in statuses:
            arrived = status in range(200, 300)
            self.count["taken" if arrived else f"answered {status}" if status else "unheard"] += 1
        return statuses[0]


async def ring(sandbox: SandboxServer, control: httpx.AsyncClient, seed: int, to: int) -> Callbacks:
    """Callbacks go this way from now on. `to`: the number of installations that register. Their own
    changes are told as well: that a vendor leaves them out is asked for, and not promised."""
    headers = {**sandbox.headers, **PERSON}
    place = f"{sandbox.url}/v4_6_release/apis/3.0/system/callbacks"
    async with asyncio.timeout(REGISTERED):
        while True:
            answer = await control.get(place, params={"pageSize": 100}, headers=headers)
            answer.raise_for_status()
            if len({(one["url"], one["type"]) for one in answer.json()}) == to * TYPES:
                break
            await asyncio.sleep(0.1)
    for one in answer.json():
        change = [{"op": "replace", "path": "isSelfSuppressedFlag", "value": False}]
        done = await control.patch(f"{place}/{one['id']}", json=change, headers=headers)
        done.raise_for_status()
    app = sandbox.app
    rng = random.Random(seed)  # noqa: S311 - faults, no secret
    app.sender.post = made = Callbacks(app.sender.post, rng, app.psa.world.api_member)
    return made
