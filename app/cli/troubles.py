"""What is wrong with the machine around us, as one sentence with what to do: the database that is
away or refuses, the output that takes nothing. What is wrong with a folder is told by
`app/embedded/errors.py`.

Owns the words. Errors are known by their classes' names, so that no library is loaded for them.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO
from urllib.parse import urlsplit

POSTGRES_PORT = 5432
# By class of the error, the first that fits: what it means, and what to do. {at} is the address,
# {said} the server's own words.
_DATABASE = {
    "InvalidPasswordError": (
        "refuses the user and password: {said}.",
        "Correct them in DATABASE_URL.",
    ),
    "InvalidAuthorizationSpecificationError": (
        "lets this user not in: {said}.",
        "Correct DATABASE_URL, or what the server allows (pg_hba.conf).",
    ),
    "InvalidCatalogNameError": (
        "has no such database: {said}.",
        "Make it with createdb, or correct DATABASE_URL.",
    ),
    "InsufficientPrivilegeError": (
        "does not let this user do it: {said}.",
        "Give the database to the user of DATABASE_URL (ALTER DATABASE ... OWNER TO).",
    ),
    "DiskFullError": ("has no space left: {said}.", "Free some on the disk of its data."),
    "TooManyConnectionsError": (
        "has no connection left: {said}.",
        "Raise its max_connections, or run fewer processes.",
    ),
    "ReadOnlySQLTransactionError": (
        "takes no writes: {said}.",
        "It may be a standby: DATABASE_URL has to name the primary.",
    ),
    "CannotConnectNowError": ("starts or stops just now.", "Try again in a moment."),
    "gaierror": (
        "is at a host whose name nobody knows.",
        "Correct DATABASE_URL, or the name service.",
    ),
    "ConnectionRefusedError": (
        "does not run: nothing listens there.",
        "Start it, or correct DATABASE_URL; where that is empty one of its own is started.",
    ),
    "TimeoutError": (
        "does not answer in time.",
        "See whether it runs and is reached from here; DATABASE_URL names it.",
    ),
    "SSLError": ("does not agree on encryption: {said}.", "See sslmode in DATABASE_URL."),
}


def of_database(error: BaseException, url: str = "") -> str | None:
    """What is wrong with the database, None for what is no trouble of the machine. The address is
    told without user and password."""
    found = _named(error)
    if found is None:
        return None
    meaning, remedy = _DATABASE[found]
    said = str(error).strip().rstrip(".").splitlines()
    meaning = meaning.format(said=said[0] if said else type(error).__name__)
    return f"PostgreSQL{_at(url)} {meaning} {remedy}"


def _named(error: BaseException) -> str | None:
    names = [one.__name__ for one in type(error).__mro__]
    if "OSError" in names and "Connect call failed" in str(error):  # of several addresses
        return "ConnectionRefusedError"
    return next((name for name in names if name in _DATABASE), None)


def _at(url: str) -> str:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or POSTGRES_PORT
    except ValueError:  # several hosts
        return ""
    return f" at {f'[{host}]' if ':' in host else host} port {port}" if host else ""


@contextmanager
def told(as_what: type[Exception], url: str) -> Iterator[None]:
    """Troubles with the database at this address as `as_what` with the sentence; all else as it is."""
    try:
        yield
    except Exception as error:
        sentence = of_database(error.__cause__ or error, url)
        if sentence is None:
            raise
        raise as_what(sentence) from error


class OutputRefused(OSError):
    """What was told could not be written where stdout leads: a full disk, most likely. The text says it."""


class Output:
    """Stdout, whose own troubles are told apart from those of every other file, and once: what comes after
    the first goes nowhere. A reader that went away (`| head`) is no trouble."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        # Nothing is written by click, to see whether a stream takes text; it minds no answer.
        with self._refusals(dropped=bool(text)):
            return self._stream.write(text)

    def writelines(self, lines: Iterable[str]) -> None:
        with self._refusals():
            self._stream.writelines(lines)

    def flush(self) -> None:
        with self._refusals():
            self._stream.flush()

    def drop(self) -> None:
        """What the buffer still holds goes nowhere, or Python would complain of it at the end."""
        os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())

    @contextmanager
    def _refusals(self, *, dropped: bool = True) -> Iterator[None]:
        try:
            yield
        except BrokenPipeError:
            raise
        except OSError as error:
            why = (error.strerror or type(error).__name__).lower()
            if dropped:
                self.drop()
            raise OutputRefused(
                error.errno,
                f"The output cannot be written where it was sent to: {why}. Send it elsewhere, or make room "
                "there; what the command did stays done.",
            ) from error
