"""`serve` and `migrate`: the API's process, and bringing a database up to date.

Owns the listening socket and the process's signals. The API itself is `app/main.py`, named here
only as text, so that this module needs no web framework to be loaded.
"""

from __future__ import annotations

import asyncio
import signal
import socket
from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli import frame, troubles
from app.cli.frame import AsJson, Told

if TYPE_CHECKING:
    from app.settings import Settings

FACTORY = "app.main:create_app"
BACKLOG = 2048
# How long requests under way may take to end once the process is told to stop.
GRACE_SECONDS = 10


def register(parent: typer.Typer) -> None:
    parent.command("serve")(serve)
    parent.command("migrate")(migrate)


def serve(
    fd: Annotated[
        int | None,
        typer.Option(help="Take this open, bound socket instead of HOST and PORT.", hidden=True),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run the API on HOST and PORT until SIGTERM or Ctrl-C."""
    from app.settings import Settings  # loads what --help does not need

    settings = Settings()
    listener = listening(settings.host, settings.port, fd)

    from uvicorn import Config

    loop = Config(FACTORY, factory=True).get_loop_factory()  # uvloop where it is installed
    with listener, asyncio.Runner(loop_factory=loop) as runner:
        runner.run(_serve(settings, listener, as_json=as_json))


def listening(host: str, port: int, fd: int | None = None) -> socket.socket:
    """The socket to serve on, bound. Raises Told."""
    if fd is not None:
        try:
            return socket.socket(fileno=fd)
        except OSError as error:
            raise Told(f"--fd {fd} is no open socket: {error.strerror}.") from error
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise Told(
            f"The API cannot listen on {host} port {port}: {error.strerror or error}. "
            "Set HOST and PORT to an address that is free."
        ) from error
    # Loops set this only where they opened the socket; without it answers wait 40 ms.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


async def _serve(settings: Settings, listener: socket.socket, *, as_json: bool) -> None:
    import uvicorn
    from uvicorn.importer import import_from_string

    from app.bootstrap import opened

    class Server(uvicorn.Server):
        """uvicorn without its own handlers: it would raise the signal again, and so end the
        process before the parts are closed."""

        def capture_signals(self) -> Any:
            return nullcontext()

    # Opened here and not in the application's lifespan, so that what is missing ends the command
    # with a sentence.
    async with opened(settings, patience=settings.database_wait_seconds) as parts:
        app = import_from_string(FACTORY)(parts)
        config = uvicorn.Config(
            app,
            # The service's own logging stays as it is, and logs no addresses.
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            ws="none",
            lifespan="on",
            backlog=BACKLOG,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
        server = Server(config)

        def stop(number: int) -> None:
            app.state.stopping = True  # streams that pages keep open end by themselves
            server.handle_exit(number, None)

        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop, number)
        _tell(listener, as_json=as_json)
        await server.serve(sockets=[listener])


def _tell(listener: socket.socket, *, as_json: bool) -> None:
    host, port = listener.getsockname()[:2]
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    if as_json:
        frame.print_json({"url": address})
    else:
        frame.say(f"API: {address}")


def migrate(
    back_to: Annotated[
        str | None,
        typer.Option(
            metavar="REVISION",
            help="Go back to this older schema instead, where nothing is lost by it. "
            "Nothing may serve meanwhile.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Bring the database to the schema of this version."""
    from app import embedded, telemetry
    from app.settings import Settings
    from app.store import migrate as schema

    settings = Settings()
    telemetry.configure("WARNING")
    if settings.database_url:
        before, after = _moved(settings.database_url, back_to)
    else:
        with embedded.start_sync(settings.demandlink_data_dir, redis=False) as servers:
            before, after = _moved(servers.database_url, back_to)
    if as_json:
        frame.print_json({"before": before, "after": after, "head": schema.head()})
    elif before == after:
        frame.say(f"The database is at {after} already.")
    else:
        frame.say(f"The database went from {before or 'empty'} to {after}.")


def upgraded(url: str) -> tuple[str | None, str | None]:
    """Migrate a database; its revisions before and after. Raises Told."""
    return _moved(url, None)


def _moved(url: str, back_to: str | None) -> tuple[str | None, str | None]:
    import asyncpg

    from app.cli.frame import ExitCode
    from app.domain.errors import StoreUnavailable
    from app.store import migrate as schema
    from app.store import migrate_back

    async def revision() -> str | None:
        connection = await asyncpg.connect(url, timeout=10)
        try:
            return await schema.revision(connection)
        finally:
            await connection.close()

    try:
        before = asyncio.run(revision())
        if back_to is None:
            schema.upgrade(url)
        else:
            migrate_back.downgrade(url, back_to)
        return before, asyncio.run(revision())
    except migrate_back.WouldLose as error:
        raise Told(
            f"The database cannot go back to {back_to}: {error}.", ExitCode.BLOCKED, "WOULD_LOSE"
        ) from error
    except LookupError as error:
        raise Told(
            f"There is no way to schema {back_to}: {error.args[0]}.", ExitCode.USAGE, "USAGE"
        ) from error
    except (
        OSError,
        TimeoutError,
        ValueError,
        asyncpg.PostgresError,
        StoreUnavailable,
    ) as error:
        said = str(error) or type(error).__name__
        cannot = f"The database cannot be migrated: {said}. See DATABASE_URL."
        sentence = troubles.of_database(error, url) or cannot
        raise Told(sentence, ExitCode.UPSTREAM, "DATABASE_UNAVAILABLE") from error
