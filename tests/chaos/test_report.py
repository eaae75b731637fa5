"""What `make chaos` says of a run, and the tools that it measures with."""

from __future__ import annotations

import asyncio

import pytest

from sandbox.observer import Finding
from tests.chaos.line import Line
from tests.chaos.recovery import percentile
from tests.chaos.report import Figures, Report


@pytest.mark.parametrize(
    ("values", "part", "wanted"),
    [
        ([], 0.99, None),
        ([3.0], 0.5, 3.0),
        (range(1, 11), 0.99, 10.0),
        (range(1, 101), 0.99, 99.0),
        (range(1, 102), 0.99, 100.0),
        ([5.0, 1.0, 3.0], 0.5, 3.0),
    ],
)
def test_no_larger_part_than_asked_exceeds_a_percentile(
    values: list[float], part: float, wanted: float | None
) -> None:
    assert percentile(values, part) == wanted


def test_the_last_line_counts_what_was_lost_doubled_and_out_of_order() -> None:
    report = Report(1, faults={"worker killed": 3, "API killed": 1, "429": 2}, accepted=7)
    report.recoveries = {"its next step": Figures.of([0.5, 1.0])}
    counts, last = report.text().splitlines()[-2:]
    assert (report.kills, counts) == (4, "4 kills, 6 faults, 7 events accepted in 0 deliveries")
    assert last == "lost 0, duplicated 0, out of order 0"
    assert report.well
    report.lost = ["Order 1"]
    report.sort([Finding("H1", 3, "twice"), Finding("B1.7", 4, "too early")])
    assert report.text().splitlines()[-1] == "lost 1, duplicated 1, out of order 1"
    assert not report.well


def test_the_service_s_time_after_the_last_fault_is_told_apart_from_the_checker_s() -> None:
    report = Report(1, told_after=1.25, written_after=7.04, checked=90.0)
    report.waited = {"worked on": 20, "hints not followed": 3}
    report.books = {"Xero": {"writes": 70, "bills": 23}}
    told = report.text()
    assert "acknowledged within 1.2 s, the service's last write 7.0 s after it" in told
    assert "order-seconds: 20 worked on, 3 hints not followed" in told
    assert "checker's own time: 90.0 s" in told
    assert "Xero: 70 writes, 23 bills" in told


async def test_a_line_cuts_is_laid_again_and_loses_what_it_was_given_while_silent() -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(100):
            writer.write(data)
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    line = Line("127.0.0.1", server.sockets[0].getsockname()[1])
    await line.lay()
    reader, writer = await asyncio.open_connection("127.0.0.1", line.port)
    writer.write(b"one")
    assert await reader.readexactly(3) == b"one"
    line.silent = True
    writer.write(b"two")
    await writer.drain()
    await asyncio.sleep(0.1)
    line.silent = False
    writer.write(b"six")
    assert await reader.readexactly(3) == b"six"
    port = line.port
    await line.cut()
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await reader.readexactly(1)
    with pytest.raises(ConnectionError):
        await asyncio.open_connection("127.0.0.1", port)
    await line.lay()
    assert line.port == port
    writer.close()
    await line.cut()
    server.close()


async def test_a_line_loses_the_answer_to_a_commit_that_was_done() -> None:
    done: list[bytes] = []

    async def database(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(100):
            done.append(data)
            writer.write(b"C\0\0\0\x0bCOMMIT\0")
        writer.close()

    server = await asyncio.start_server(database, "127.0.0.1", 0)
    line = Line("127.0.0.1", server.sockets[0].getsockname()[1])
    await line.lay()
    line.lose_commits = 1
    reader, writer = await asyncio.open_connection("127.0.0.1", line.port)
    writer.write(b"Q\0\0\0\x0cCOMMIT;\0")
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await reader.readexactly(12)
    assert (len(done), line.lost_commits, line.lose_commits) == (1, 1, 0)
    writer.close()
    await line.cut()
    server.close()
