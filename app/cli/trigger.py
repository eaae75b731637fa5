"""`trigger FILE`: signs a Commerce event by Standard Webhooks and posts it, as Commerce would.

Owns finding the event in the file, and the address and secret where none is given. Knows nothing
of what an event means: the door says whether it takes it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli import beside, frame
from app.cli.frame import AsJson, ExitCode, Told

TIMEOUT = 30.0
ACCEPTED = 202
AWAY = (429, 502, 503, 504)


def register(parent: typer.Typer) -> None:
    parent.command("trigger")(trigger)


def trigger(
    file: Annotated[
        str,
        typer.Argument(help="An event, or an object of named events, as JSON; - for stdin."),
    ],
    url: Annotated[
        str | None,
        typer.Option(help="Base address of the API; by default PUBLIC_URL or the running stack's."),
    ] = None,
    secret: Annotated[
        str | None,
        typer.Option(help="whsec_...; by default the first of COMMERCE_WEBHOOK_SECRETS."),
    ] = None,
    event: Annotated[
        str | None, typer.Option(help="Which of the named events of the file.")
    ] = None,
    webhook_id: Annotated[
        str | None, typer.Option("--id", help="The delivery's webhook-id; by default a new one.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Sign and post a Commerce event."""
    body = chosen(_read(file), event, file)
    base, key = _destination(url, secret)
    status, answer = _post(base, key, body, webhook_id)
    if status != ACCEPTED:
        detail = answer.get("detail") or f"{base} answered {status}."
        raise Told(
            f"The event was not taken ({status}): {detail}",
            ExitCode.UPSTREAM if status in AWAY else ExitCode.FAILED,
            str(answer.get("code") or status),
        )
    if as_json:
        frame.print_json({"status": status, **answer})
    else:
        seen = ", which came before" if answer.get("duplicate") else ""
        frame.say(f"Taken as event {answer.get('event_id')}{seen}.")


def _read(file: str) -> bytes:
    if file == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise Told(f"{file} cannot be read: {error.strerror}.", ExitCode.USAGE, "USAGE") from error


def chosen(content: bytes, name: str | None, file: str) -> bytes:
    """The body to post. A file with a single event is sent byte for byte. Raises Told."""
    try:
        parsed: Any = json.loads(content)
    except ValueError as error:
        raise Told(f"{file} is not JSON: {error}.", ExitCode.USAGE, "USAGE") from error
    if not isinstance(parsed, dict):
        frame.usage(f"{file} holds neither an event nor an object of named events.")
    if isinstance(parsed.get("type"), str):
        if name is not None and name != parsed["type"]:
            frame.usage(f"{file} holds one event, of type {parsed['type']}.")
        return content
    named = {key: value for key, value in parsed.items() if isinstance(value, dict)}
    if name is None and len(named) == 1:
        name = next(iter(named))
    if name is None or name not in named:
        listed = ", ".join(repr(key) for key in named) or "none"
        frame.usage(f"Choose one of the events of {file} with --event. There are: {listed}.")
    return json.dumps(named[name], ensure_ascii=False).encode()


def _destination(url: str | None, secret: str | None) -> tuple[str, str]:
    """Base address and secret: as given, else the settings', else those of the stack that runs
    from the data directory."""
    from app.settings import Settings  # loads what --help does not need

    settings = Settings()
    running = beside.told(settings.demandlink_data_dir)
    secrets = settings.webhook_secrets
    known = secret or (secrets[0] if secrets else None) or running.get("commerce_webhook_secret")
    if not known:
        frame.usage("No secret is known. Give --secret, or set COMMERCE_WEBHOOK_SECRETS.")
    base = url or settings.public_url or running.get("api")
    if not base:
        base = f"http://{settings.host}:{settings.port}"
    return base.rstrip("/"), str(known)


def _post(
    base: str, secret: str, body: bytes, webhook_id: str | None
) -> tuple[int, dict[str, Any]]:
    import httpx  # loads what --help does not need
    from standardwebhooks import Webhook

    from app.system import SystemClock, UuidIds

    identity = webhook_id or f"msg_{UuidIds().token()}"
    now = SystemClock().wall()
    try:
        signature = Webhook(secret).sign(identity, now, body.decode())
    except ValueError as error:  # also of base64 and of text that is not UTF-8
        raise Told(f"The event cannot be signed: {error}.", ExitCode.USAGE, "USAGE") from error
    headers = {
        "webhook-id": identity,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signature,
        "content-type": "application/json",
    }
    try:
        answer = httpx.post(
            f"{base}/webhooks/commerce", content=body, headers=headers, timeout=TIMEOUT
        )
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise Told(
            f"{base} cannot be reached: {error}. Start the API, or give its address with --url.",
            ExitCode.UPSTREAM,
            "UNREACHABLE",
        ) from error
    try:
        parsed = answer.json()
    except ValueError:
        parsed = {}
    return answer.status_code, parsed if isinstance(parsed, dict) else {}
