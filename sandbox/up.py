"""`demandlink up`: the stack kept running, with `up.json` for other programs.

Owns the secrets that are made up for it, the settings that join service and simulator, and the
form of `up.json` (`contracts/http.md`). Settings given in the environment or in .env win.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import fcntl
import json
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
from pydantic import SecretStr

from app.settings import Settings
from sandbox import ledgers
from sandbox.connectwise.http.api import Credentials
from sandbox.stack import Interrupted, Stack, StackFailed, without_settings

SECRETS = "secrets.json"
UP_JSON = "up.json"
UP_SETTINGS = "up-settings.json"  # read by app/cli/beside.py, while the lock is held
UP_LOCK = "up.lock"
MARK = "Demandlink: filled beside a simulated ConnectWise; emptied at each start"
WATCH_SECONDS = 0.5
# What the simulator's first records are called (sandbox/connectwise/model/seed.py).
NAMES: Mapping[str, str] = {
    "CONNECTWISE_SALES_ORDER_STATUS_WAITING": "Waiting for goods",
    "CONNECTWISE_SALES_ORDER_STATUS_READY": "Ready to invoice",
    "CONNECTWISE_FREIGHT_ITEM": "FREIGHT",
    "CONNECTWISE_SURCHARGE_ITEM": "SURCHARGE",
    "CONNECTWISE_COUPON_ITEM": "COUPON",
    "CONNECTWISE_ROUNDING_ITEM": "ROUNDING",
    "CONNECTWISE_SALES_REP": "sales",
}
# A minute between two looks for what a person did in ConnectWise is long when one is watching.
PACE: Mapping[str, str] = {"POLL_SECONDS": "2"}


def credentials(given: Mapping[str, str]) -> dict[str, str]:
    """ConnectWise's credentials: the simulator's own, where the environment gives none."""
    own = Credentials()
    return {
        "CONNECTWISE_COMPANY": given.get("CONNECTWISE_COMPANY") or own.company,
        "CONNECTWISE_PUBLIC_KEY": given.get("CONNECTWISE_PUBLIC_KEY") or own.public_key,
        "CONNECTWISE_PRIVATE_KEY": given.get("CONNECTWISE_PRIVATE_KEY") or own.private_key,
        "CONNECTWISE_CLIENT_ID": given.get("CONNECTWISE_CLIENT_ID") or own.client_id,
    }


def made_up(data_dir: Path) -> dict[str, str]:
    """Secrets for this data directory, made once and kept there for its owner alone."""
    path = data_dir / SECRETS
    with contextlib.suppress(OSError, ValueError):
        kept = json.loads(path.read_text())
        if isinstance(kept, dict) and set(kept) == set(_new_secrets()):
            return {name: str(value) for name, value in kept.items()}
    made = _new_secrets()
    write_private(path, made)
    return made


def _new_secrets() -> dict[str, str]:
    webhook = base64.b64encode(secrets.token_bytes(32)).decode()
    return {
        "ADMIN_API_KEY": f"dl_{secrets.token_urlsafe(32)}",
        "COMMERCE_WEBHOOK_SECRETS": f"whsec_{webhook}",
        "CONNECTWISE_CALLBACK_TOKEN": secrets.token_urlsafe(24),
        "SECRETS_KEYS": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
    }


def write_private(path: Path, content: Any) -> None:
    """Replace a JSON file at once, readable by its owner alone from the first moment."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        json.dump(content, file, indent=1)
        file.write("\n")
    fresh.replace(path)


def given_settings(settings: Settings) -> dict[str, str]:
    """Settings of the environment and .env by name, as the children read them."""
    given = {}
    for name in settings.model_fields_set:
        value = getattr(settings, name)
        plain = value.get_secret_value() if isinstance(value, SecretStr) else value
        given[name.upper()] = str(plain).lower() if isinstance(plain, bool) else str(plain)
    return given


def environment(data_dir: Path, given: Mapping[str, str]) -> dict[str, str]:
    """The children's environment: what joins service and simulator, and `given` above it. Of this
    process's own, no setting: an empty one would hide ours."""
    known = {name: value for name, value in given.items() if value}
    return {
        **without_settings(os.environ, Settings.model_fields),
        **NAMES,
        **PACE,
        **made_up(data_dir),
        **credentials(known),
        **known,
        "DEMANDLINK_DATA_DIR": str(data_dir),
        "PYTHONUNBUFFERED": "1",
    }


def description(stack: Stack) -> dict[str, Any]:
    """`up.json`, as `contracts/http.md` lists it. What no issue has brought yet is null."""
    env = stack.environment
    headers = Credentials(
        env["CONNECTWISE_COMPANY"],
        env["CONNECTWISE_PUBLIC_KEY"],
        env["CONNECTWISE_PRIVATE_KEY"],
        env["CONNECTWISE_CLIENT_ID"],
    ).headers
    books = ledgers.described(stack.ledger_urls)
    return {
        "api": stack.api_url,
        "console": f"{stack.api_url}/",
        "admin_key": env["ADMIN_API_KEY"],
        "commerce_webhook_secret": env["COMMERCE_WEBHOOK_SECRETS"].split(",")[0].strip(),
        "connectwise_callback_token": env["CONNECTWISE_CALLBACK_TOKEN"],
        "database_url": env["DATABASE_URL"],
        "redis_url": env["REDIS_URL"],
        "sandbox": {
            "connectwise": env["CONNECTWISE_URL"] if stack.sandbox else None,
            "commerce": stack.commerce_url or None,
            "quickbooks": books.pop("quickbooks"),
            "xero": books.pop("xero"),
        },
        "connectwise_headers": headers,
        **books,
        "pids": stack.pids,
    }


def settings_told(stack: Stack) -> dict[str, str]:
    """What a command in another terminal takes where its own environment says nothing."""
    known = {name.upper() for name in Settings.model_fields}
    return {name: value for name, value in stack.environment.items() if name in known}


def run(
    settings: Settings,
    tell: Callable[[str], None],
    ready: Callable[[Path, dict[str, Any]], None],
    *,
    ledger: str,
) -> None:
    """Start the stack, call `ready` once, and watch until a signal. Raises StackFailed and
    embedded.EmbeddedError."""
    data_dir = settings.demandlink_data_dir.absolute()
    data_dir.mkdir(parents=True, exist_ok=True)
    given = given_settings(settings)
    simulated = not given.get("CONNECTWISE_URL")

    def prepare(database_url: str) -> None:
        if simulated:
            asyncio.run(begin_anew(database_url, tell))

    stack = Stack(
        data_dir,
        environment(data_dir, given),
        host=settings.host,
        port=settings.port if "port" in settings.model_fields_set else 0,
        sandbox=simulated,
        prepare=prepare,
        revived=tell,
        ledger=ledger,
    )
    path = data_dir / UP_JSON
    with alone(data_dir):
        for left in (path, data_dir / UP_SETTINGS):  # by a run that was killed
            left.unlink(missing_ok=True)
        try:
            with stack.running(tell):
                described = description(stack)
                write_private(path, described)
                write_private(data_dir / UP_SETTINGS, settings_told(stack))
                ready(path, described)
                while True:
                    stack.pause(WATCH_SECONDS)
                    if stack.pids != described["pids"]:  # a server or the worker was started again
                        described = description(stack)
                        write_private(path, described)
        except Interrupted:
            return
        finally:
            path.unlink(missing_ok=True)
            (data_dir / UP_SETTINGS).unlink(missing_ok=True)


async def begin_anew(database_url: str, tell: Callable[[str], None]) -> None:
    """Empty a database that an earlier run of ours filled: the simulator starts anew, and its new
    records would carry the numbers of those remembered. Any other database is left alone.

    Raises StackFailed for one that holds somebody else's orders.
    """
    connection = await asyncpg.connect(database_url, timeout=10)
    try:
        name = await connection.fetchval("SELECT current_database()")
        said = await connection.fetchval(
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = $1", name
        )
        if said == MARK:
            await connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
            tell("What an earlier run left is gone: the simulated ConnectWise starts anew as well.")
            return
        if await connection.fetchval("SELECT to_regclass('public.orders') IS NOT NULL") and (
            await connection.fetchval("SELECT EXISTS (SELECT FROM public.orders)")
        ):
            raise StackFailed(
                f"The database {name} holds orders that were not made beside a simulated "
                "ConnectWise. Choose another place with --data-dir, or another DATABASE_URL."
            )
        quoted = '"' + str(name).replace('"', '""') + '"'
        await connection.execute(f"COMMENT ON DATABASE {quoted} IS '{MARK}'")
    except (OSError, asyncpg.PostgresError) as error:
        raise StackFailed(f"The database cannot be prepared: {error}.") from error
    finally:
        await connection.close()


@contextmanager
def alone(data_dir: Path) -> Iterator[None]:
    """One stack for each data directory. The lock goes with the process."""
    with (data_dir / UP_LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StackFailed(
                f"Another stack runs from {data_dir}: see {data_dir / UP_JSON}, end it, or choose "
                "another place with --data-dir."
            ) from error
        yield
