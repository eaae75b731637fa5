"""The `sandbox` command. Further commands of the simulators register here."""

from __future__ import annotations

import json
from typing import Annotated

import typer
import uvicorn

from sandbox.connectwise.app import create_app
from sandbox.connectwise.http.api import Credentials
from sandbox.server import server_config


def sandbox(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port of the ConnectWise simulator.")] = 8480,
    public_url: Annotated[
        str, typer.Option(help="Address under which clients reach it; by default its own.")
    ] = "",
    company: Annotated[str, typer.Option(help="Company id that clients log in with.")] = "training",
    public_key: Annotated[str, typer.Option(help="Public API key.")] = "pub",
    private_key: Annotated[str, typer.Option(help="Private API key.")] = "priv",
    as_json: Annotated[bool, typer.Option("--json", help="Print the address as JSON.")] = False,
) -> None:
    """Run the ConnectWise simulator alone, until interrupted."""
    credentials = Credentials(company, public_key, private_key)
    app = create_app(credentials=credentials, public_url=public_url or f"http://{host}:{port}")
    if as_json:
        shown = {"connectwise": app.psa.base_url, "connectwise_headers": credentials.headers}
        typer.echo(json.dumps(shown))
    else:
        typer.echo(f"ConnectWise simulator: {app.psa.base_url}")
        typer.echo(f"Control paths: http://{host}:{port}/_sandbox")
        for name, value in credentials.headers.items():
            typer.echo(f"  {name}: {value}")
    uvicorn.Server(server_config(app, host, port)).run()


def register(app: typer.Typer) -> None:
    """Adds the commands of the simulators to a command line."""
    app.command("sandbox")(sandbox)
