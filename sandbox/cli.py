"""The commands `sandbox`, `up` and `demo`, registered with the service's command line.

Owns options and the last words of each command. What they start is loaded when they run: every
other command loads this module too.
"""

from __future__ import annotations

import json
import socket
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import typer

if TYPE_CHECKING:
    from app.settings import Settings
    from sandbox.kit.tls import Identity

FAILED = 1
INTERRUPTED = 130
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


class SimulatedLedger(StrEnum):
    """The one that `up` posts to: orders are posted to one ledger."""

    QUICKBOOKS = "quickbooks"
    XERO = "xero"


DataDir = Annotated[
    Path | None, typer.Option(help="Folder of its data; by default DEMANDLINK_DATA_DIR.")
]


def sandbox(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port of the ConnectWise simulator.")] = 8480,
    public_url: Annotated[
        str, typer.Option(help="Address under which clients reach it; by default its own.")
    ] = "",
    company: Annotated[str, typer.Option(help="Company id that clients log in with.")] = "training",
    public_key: Annotated[str, typer.Option(help="Public API key.")] = "pub",
    private_key: Annotated[str, typer.Option(help="Private API key.")] = "priv",
    commerce_port: Annotated[int, typer.Option(help="Port of the Commerce simulator.")] = 8481,
    quickbooks_port: Annotated[int, typer.Option(help="Port of the QuickBooks simulator.")] = 8482,
    xero_port: Annotated[int, typer.Option(help="Port of the Xero simulator.")] = 8483,
    tls: Annotated[
        bool,
        typer.Option(
            "--tls", help="Serve https, by a certificate authority of its own whose file it prints."
        ),
    ] = False,
    data_dir: DataDir = None,
    fd: Annotated[
        int | None, typer.Option(help="Take this open, bound socket.", hidden=True)
    ] = None,
    commerce_fd: Annotated[
        int | None, typer.Option(help="The same for Commerce; without, none.", hidden=True)
    ] = None,
    ledger_fd: Annotated[
        list[int] | None, typer.Option(help="The same for QuickBooks, then Xero.", hidden=True)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run the simulators of ConnectWise, Commerce, QuickBooks and Xero alone, until interrupted."""
    from sandbox.commerce.app import API_KEY
    from sandbox.commerce.app import create_app as create_commerce
    from sandbox.connectwise.app import create_app
    from sandbox.connectwise.http.api import Credentials
    from sandbox.kit.serving import serve_together, server_config
    from sandbox.ledgers import beside, lines, told
    from sandbox.stack import StackFailed, bound, reachable

    files = None
    shop: socket.socket | None = None
    books: list[socket.socket] = []
    try:
        if tls:
            files = _tls_files(data_dir, host, public_url)
        listener = socket.socket(fileno=fd) if fd is not None else bound(host, port)
        books = [socket.socket(fileno=number) for number in ledger_fd or ()]
        if commerce_fd is not None:
            shop = socket.socket(fileno=commerce_fd)
        elif fd is None:
            shop = bound(host, commerce_port)
            books = [bound(host, quickbooks_port), bound(host, xero_port)]
    except (OSError, StackFailed) as error:
        raise _failed(str(error)) from error
    scheme = "https" if tls else "http"
    name = f"{scheme}://{reachable(host)}:{listener.getsockname()[1]}"
    credentials = Credentials(company, public_key, private_key)
    app = create_app(credentials=credentials, public_url=public_url or name)
    served = [(server_config(app, host, listener.getsockname()[1], files), listener)]
    commerce = None
    if shop is not None:
        port = shop.getsockname()[1]
        commerce = f"{scheme}://{reachable(host)}:{port}"
        served.append((server_config(create_commerce(), host, port, files), shop))
    ledgers = beside(f"{scheme}://{reachable(host)}", books)
    served += [(server_config(one.app, host, one.port, files), one.listener) for one in ledgers]
    if as_json:
        shown: dict[str, Any] = {
            "connectwise": app.psa.base_url,
            "connectwise_headers": credentials.headers,
            "commerce": commerce,
            "commerce_headers": {"apiKey": API_KEY} if commerce else None,
        }
        shown |= told(ledgers)
        if files is not None:
            shown["ca_file"] = str(files.ca_file)
        typer.echo(json.dumps(shown))
    else:
        typer.echo(f"ConnectWise simulator: {app.psa.base_url}")
        typer.echo(f"Control paths: {public_url or name}/_sandbox")
        if files is not None:
            typer.echo(f"Certificate authority to trust: {files.ca_file}")
        for header, value in credentials.headers.items():
            typer.echo(f"  {header}: {value}")
        if commerce is not None:
            typer.echo(f"Commerce simulator: {commerce}")
            typer.echo(f"Control paths: {commerce}/_sandbox")
            typer.echo(f"  apiKey: {API_KEY}")
        typer.echo("\n".join(lines(ledgers)))
    serve_together(served)


def _tls_files(data_dir: Path | None, host: str, public_url: str) -> Identity:
    """Certificate and key for every name by which clients may reach it."""
    from sandbox.connectwise.app import wall_clock
    from sandbox.kit.tls import identity
    from sandbox.stack import reachable

    place = _settings(data_dir, None).demandlink_data_dir.absolute()
    names = [reachable(host).strip("[]"), urlsplit(public_url).hostname or ""]
    return identity(place, wall_clock(), filter(None, names))


def up(
    data_dir: DataDir = None,
    port: Annotated[
        int | None, typer.Option(help="Port of the API; by default PORT, else any free one.")
    ] = None,
    ledger: Annotated[
        SimulatedLedger, typer.Option(help="The simulated ledger that it is signed in to.")
    ] = SimulatedLedger.XERO,
    as_json: AsJson = False,
) -> None:
    """Run everything on this machine, with simulated vendors, until Ctrl-C."""
    from app.embedded import EmbeddedError
    from sandbox.stack import StackFailed
    from sandbox.up import run

    settings = _settings(data_dir, port)

    def tell(sentence: str) -> None:
        typer.echo(sentence, err=as_json)

    def ready(path: Path, described: dict[str, Any]) -> None:
        if as_json:
            typer.echo(json.dumps(described))
        else:
            typer.echo(_how_to_try(path, described))

    try:
        run(settings, tell, ready, ledger=ledger.value)
    except (StackFailed, EmbeddedError) as error:
        raise _failed(str(error)) from error
    except OSError as error:
        raise _unwritten(error, settings.demandlink_data_dir) from error
    tell("Everything is stopped.")


def demo(
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep the data and the logs after the end.")
    ] = False,
    stay: Annotated[
        bool, typer.Option("--stay", help="Let everything run on after the end, until Ctrl-C.")
    ] = False,
    data_dir: DataDir = None,
    expect: Annotated[
        list[str] | None,
        typer.Option(help="NUMBER=STATE: expect another end than the script's. To see it fail."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Play a day of Commerce traffic from order to invoice, and check where each order ends."""
    from app.embedded import EmbeddedError
    from sandbox.demo import play
    from sandbox.demo.narrator import Narrator
    from sandbox.stack import Interrupted, StackFailed

    other = dict(part.partition("=")[::2] for part in expect or ())
    narrator = Narrator(as_json=as_json)
    place = _settings(data_dir, None).demandlink_data_dir
    try:
        wrong = play(place, narrator, other, keep=keep, stay=stay)
    except Interrupted:
        typer.echo("Interrupted; everything is stopped.", err=True)
        raise typer.Exit(INTERRUPTED) from None
    except (StackFailed, EmbeddedError) as error:
        raise _failed(str(error)) from error
    except OSError as error:
        raise _unwritten(error, place) from error
    if wrong:
        raise typer.Exit(FAILED)


def _settings(data_dir: Path | None, port: int | None) -> Settings:
    from app.settings import Settings

    given: dict[str, Any] = {}
    if data_dir is not None:
        given["demandlink_data_dir"] = data_dir
    if port is not None:
        given["port"] = port
    return Settings(**given)


def _unwritten(error: OSError, folder: Path) -> Exception:
    """The end of a command whose folder cannot be used; any other error as it is."""
    from app.embedded import unusable

    told = unusable(error, folder.absolute())
    return _failed(str(told)) if told is not None else error


def _failed(sentence: str) -> typer.Exit:
    typer.echo(sentence, err=True)
    return typer.Exit(FAILED)


def _how_to_try(path: Path, described: dict[str, Any]) -> str:
    simulator = described["sandbox"]["connectwise"]
    # The other commands find the stack by its data directory, which need not be their default.
    place = "" if path.parent == Path(".demandlink").absolute() else "DEMANDLINK_DATA_DIR="
    place = f"{place}{path.parent} " if place else ""
    lines = [
        "",
        f"Console      {described['console']}",
        f"API          {described['api']}",
        f"Admin key    {described['admin_key']}    (signs in to the console too)",
        f"ConnectWise  {simulator or 'as CONNECTWISE_URL says'}",
        f"Commerce     {described['sandbox']['commerce'] or 'as COMMERCE_API_URL says'}",
        f"QuickBooks   {described['sandbox']['quickbooks'] or 'not simulated'}",
        f"Xero         {described['sandbox']['xero'] or 'not simulated'}",
        f"Everything   {path}",
        "",
        "Try, from here:",
        f"  {place}demandlink trigger EVENTS.json --event NAME",
        f"  {place}demandlink orders list",
        f"  curl -H 'Authorization: Bearer {described['admin_key']}' {described['api']}/admin/orders",
        "",
        "Ctrl-C stops everything.",
    ]
    return "\n".join(lines)


def register(app: typer.Typer) -> None:
    """Adds the commands to a command line."""
    app.command("sandbox")(sandbox)
    app.command("up")(up)
    app.command("demo")(demo)
