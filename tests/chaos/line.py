"""A TCP line between the service and a server, which can be cut, go silent, lag, or lose an answer.

Knows nothing of what it carries but PostgreSQL's COMMIT and the first line of an HTTP answer.
"""

from __future__ import annotations

import asyncio
import contextlib

COMMIT = b"COMMIT;\0"  # a simple query, as drivers send it
COMMITTED = b"COMMIT\0"  # the server's word for it
CARRIED = 65536


class Line:
    """From `port` of this machine to a server. The switches rule for every connection at once."""

    def __init__(self, host: str, to: int) -> None:
        self._host, self._to = host, to
        self._server: asyncio.Server | None = None
        self._carried: set[asyncio.Task[None]] = set()
        self.port = 0
        self.silent = False  # bytes vanish: nothing is refused, nothing comes later
        self.delay = 0.0  # seconds, each way
        self.lose_commits = 0  # so many answers to a COMMIT that was done are lost yet
        self.spoil_answers = 0  # so many HTTP answers of success become a 502 yet
        self.lost_commits = self.spoiled = 0

    async def lay(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """Refuses connections until it is laid again; those that stand are reset."""
        if self._server is not None:
            self._server.close()
            self._server = None
        await self.reset()

    async def reset(self) -> None:
        for task in self._carried:
            task.cancel()
        await asyncio.gather(*self._carried, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._carried.add(task)
        ends = [writer]
        try:
            there, back = await asyncio.open_connection(self._host, self._to)
            ends.append(back)
            awaited = asyncio.Event()
            pumps = [
                asyncio.create_task(self._ask(reader, back, awaited)),
                asyncio.create_task(self._answer(there, writer, awaited)),
            ]
            try:
                await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for pump in pumps:
                    pump.cancel()
                await asyncio.gather(*pumps, return_exceptions=True)
        except (OSError, asyncio.CancelledError):
            pass  # cut: both ends see a reset
        finally:
            self._carried.discard(task)
            for end in ends:
                end.transport.abort()

    async def _ask(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, awaited: asyncio.Event
    ) -> None:
        while data := await reader.read(CARRIED):
            if self.lose_commits and COMMIT in data:
                self.lose_commits -= 1
                awaited.set()
            await self._carry(data, writer)

    async def _answer(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, awaited: asyncio.Event
    ) -> None:
        while data := await reader.read(CARRIED):
            if awaited.is_set() and COMMITTED in data:
                self.lost_commits += 1
                return  # it is done over there, and nobody here is told
            if self.spoil_answers and data.startswith(
                (b"HTTP/1.1 200 OK", b"HTTP/1.1 201 Created")
            ):
                self.spoil_answers -= 1
                self.spoiled += 1
                data = b"HTTP/1.1 502 Bad Gateway" + data[data.index(b"\r\n") :]
            await self._carry(data, writer)

    async def _carry(self, data: bytes, writer: asyncio.StreamWriter) -> None:
        if self.silent:
            return
        if self.delay:
            await asyncio.sleep(self.delay)
        with contextlib.suppress(ConnectionError):
            writer.write(data)
            await writer.drain()
