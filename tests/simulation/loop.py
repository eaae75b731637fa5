"""A deterministic event loop: virtual time, a seeded choice of who runs next, hosts that die.

Owns scheduling and nothing else: no sockets, no threads, no wall clock. A host is a process of the
simulated installation; every callback belongs to the host in whose context it was made, or to the
outside world.
"""

from __future__ import annotations

import asyncio
import contextvars
import heapq
import random
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

HOST: contextvars.ContextVar[Host | None] = contextvars.ContextVar("host", default=None)
# Far more than any simulated day needs: only a run that goes round in circles gets there.
MOST_STEPS = 400_000


class Stuck(AssertionError):
    """Nobody will ever run again, or somebody never rests; the text says which."""


class Halted(AssertionError):
    """Something was seen to be wrong: nothing that comes after it matters."""


@dataclass(eq=False)
class Host:
    """A process: alive, frozen (SIGSTOP, a paused machine) or dead. What is scheduled for it while
    it does not run is kept aside; for a dead one for ever."""

    name: str
    dead: bool = False
    frozen: bool = False
    aside: list[asyncio.Handle] = field(default_factory=list)
    sessions: list[Callable[[], None]] = field(default_factory=list)  # ends of database sessions

    def die(self) -> None:
        """As kill -9: nothing of it runs again, not even what would clean up."""
        if not self.dead:
            self.dead = True
            self.lose_sessions()

    def lose_sessions(self) -> None:
        for ended in self.sessions:
            ended()
        self.sessions.clear()


class VirtualLoop(asyncio.BaseEventLoop):
    """`chance` chooses who of the ready runs next; None: first come, first served."""

    if TYPE_CHECKING:  # of asyncio's own loop, which its types leave out
        _ready: deque[Any]
        _scheduled: list[Any]
        _stopping: bool

    def __init__(self, chance: random.Random | None = None) -> None:
        super().__init__()
        self._chance = chance
        self._virtual = 0.0
        self._clock_resolution = 1e-9
        self._steps = 0
        self._closing = False
        self._halted: str | None = None
        # A task that nobody holds would be closed by the garbage collector, at any moment.
        self._made: list[asyncio.Task[Any]] = []
        self.hosts: list[Host] = []
        self.set_task_factory(self._make)

    def _make(self, loop: asyncio.AbstractEventLoop, work: Any, **more: Any) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.Task(work, loop=loop, **more)
        self._made.append(task)
        return task

    def time(self) -> float:
        return self._virtual

    def host(self, name: str) -> Host:
        made = Host(name)
        self.hosts.append(made)
        return made

    def thaw(self, host: Host) -> None:
        host.frozen = False
        self._ready.extend(host.aside)
        host.aside.clear()

    def _run_once(self) -> None:
        """Not once but until the loop is told to stop: entering anew for each step is a tenth of
        what a day costs."""
        ready, scheduled, closing = self._ready, self._scheduled, self._closing
        drawn = self._chance.getrandbits if self._chance is not None else None
        while True:
            self._steps += 1
            if self._steps > MOST_STEPS:
                raise Stuck(f"{MOST_STEPS} steps, and it is only {self._virtual:.3f} s")
            if not ready or (
                scheduled and (scheduled[0]._cancelled or scheduled[0]._when <= self._virtual)
            ):
                self._fall_due(ready, scheduled)
            if not ready:
                continue
            if drawn is not None and (many := len(ready)) > 1:
                ready.rotate(-_below(many, drawn))
            handle = ready.popleft()
            if handle._cancelled:
                continue
            host = handle._context.get(HOST)
            if host is not None and (host.dead or host.frozen) and not closing:
                host.aside.append(handle)
                continue
            handle._run()
            if self._halted is not None and not closing:
                raise Halted(self._halted)
            if self._stopping:
                return

    def _fall_due(self, ready: deque[Any], scheduled: list[Any]) -> None:
        """Whose time has come is ready; where nobody is, time goes on to the next moment."""
        while scheduled and scheduled[0]._cancelled:
            heapq.heappop(scheduled)._scheduled = False
        if not ready:
            if not scheduled:
                raise Stuck("everybody waits for something that nobody will do")
            self._virtual = max(self._virtual, scheduled[0]._when)
        while scheduled and scheduled[0]._when <= self._virtual:
            timer = heapq.heappop(scheduled)
            timer._scheduled = False
            if not timer._cancelled:
                ready.append(timer)

    def halt(self, why: str) -> None:
        """End the run before anybody else runs; the first reason counts."""
        self._halted = self._halted or why

    def finish(self) -> None:
        """Let every task end, those of dead hosts too, so that none is left to the collector."""
        self._closing = True
        self._chance = None
        self._steps = 0
        for host in self.hosts:
            self.thaw(host)
        for _ in range(5):
            open_ones = [task for task in self._made if not task.done()]
            if not open_ones:
                break
            for task in open_ones:
                task.cancel()
            self.run_until_complete(_turns(20))
        for task in self._made:
            if not task.done():
                task._log_destroy_pending = False  # type: ignore[attr-defined]
        self._made.clear()
        self.close()

    # What a loop over sockets needs, and this one does not have.

    def _process_events(self, event_list: Any) -> None:
        raise NotImplementedError

    def _write_to_self(self) -> None:
        """Woken by another thread; there is none."""

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> Any:  # type: ignore[override]
        raise RuntimeError(f"{func} would run in a thread, at a time of its own")


def _below(limit: int, drawn: Callable[[int], int]) -> int:
    """As Random.randrange draws, without what it asks before."""
    bits = limit.bit_length()
    found = drawn(bits)
    while found >= limit:
        found = drawn(bits)
    return found


async def _turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


def outside() -> contextvars.Context:
    """A context of no host: the network and what stands behind it."""
    context = contextvars.copy_context()
    context.run(HOST.set, None)
    return context


def run(loop: VirtualLoop, work: Coroutine[Any, Any, Any]) -> Any:
    """The result of `work` on this loop."""
    asyncio.set_event_loop(loop)
    try:
        return loop.run_until_complete(work)
    finally:
        asyncio.set_event_loop(None)
