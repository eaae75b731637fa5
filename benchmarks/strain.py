"""A system that stands five calls at once, and a worker with many orders: with and without adapting.

Run: python -m benchmarks.strain [--orders 32] [--rounds 3] [--seconds 10]
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys

import httpx
from aiohttp import web

from app.connectors.at_once import AtOnce
from app.connectors.pacing import Pacing
from app.connectors.remote import Remote
from app.connectors.transport import AiohttpTransport
from app.domain.errors import RemoteFailure
from app.system import SystemClock

STANDS = 5
SECONDS = 0.05  # for an answer
PAUSE = 1.0  # that a refusal asks for
TIMEOUT = 2.0


class Fixed(AtOnce):
    """As it was: so many at once, whatever the answers are."""

    def heard(self, begun: int, status: int | None, seconds: float, *, timed_out: bool) -> None:
        return None


class Peer:
    """Refuses what is one too many, or keeps all of them waiting: the more, the longer."""

    def __init__(self, *, refuses: bool) -> None:
        self.refuses = refuses
        self.inside = 0

    async def answer(self, _: web.Request) -> web.Response:
        self.inside += 1
        try:
            if self.refuses and self.inside > STANDS:
                return web.Response(status=429, headers={"Retry-After": f"{PAUSE:g}"})
            await asyncio.sleep(SECONDS * max(1.0, (self.inside / STANDS) ** 2))
            return web.Response(text="{}")
        finally:
            self.inside -= 1


async def _good(peer: Peer, at_once: AtOnce, orders: int, seconds: float) -> float:
    """Good answers in a second."""
    site = web.Application()
    site.router.add_get("/thing", peer.answer)
    runner = web.AppRunner(site, shutdown_timeout=0.1)
    await runner.setup()
    server = web.TCPSite(runner, "127.0.0.1", 0)
    await server.start()
    port = runner.addresses[0][1]
    clock = SystemClock()
    pacing = Pacing(clock, at_once)
    transport = AiohttpTransport(total=TIMEOUT)
    remote = Remote("peer", f"http://127.0.0.1:{port}", {}, clock, transport, pacing)
    good = 0

    async def order() -> None:
        nonlocal good
        while True:
            async with at_once.attempts.place():
                try:
                    answer = await remote.call("GET", "/thing")
                except (httpx.HTTPError, RemoteFailure) as failure:
                    await clock.sleep(getattr(failure, "retry_after", None) or 0.5)
                    continue
            if answer.status == httpx.codes.OK:
                good += 1
            else:
                pacing.pause(PAUSE)

    tasks = [asyncio.create_task(order()) for _ in range(orders)]
    await asyncio.sleep(seconds)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await remote.aclose()
    await runner.cleanup()
    return good / seconds


async def measure(orders: int, rounds: int, seconds: float) -> dict[str, float]:
    """Print what was measured; the ratios by kind of peer."""
    ratios: dict[str, float] = {}
    for name, refuses in (("refuses what is too much", True), ("becomes slow", False)):
        fixed, adapted = [], []
        for _ in range(rounds):
            fixed.append(
                await _good(Peer(refuses=refuses), Fixed(orders, TIMEOUT), orders, seconds)
            )
            fit = AtOnce(orders, TIMEOUT)
            adapted.append(await _good(Peer(refuses=refuses), fit, orders, seconds))
        before, after = statistics.median(fixed), statistics.median(adapted)
        ratios[name] = after / before if before else float("inf")
        sys.stdout.write(
            f"A peer that {name}: {before:.1f} good answers a second without, {after:.1f} with the "
            f"limit, of {STANDS / SECONDS:.0f} that it can give. Ratio {ratios[name]:.1f}.\n"
        )
    return ratios


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=10.0)
    given = parser.parse_args()
    asyncio.run(measure(given.orders, given.rounds, given.seconds))
