"""What every test may ask for: real servers, a fresh database, an empty Redis.

One pair of servers serves the whole run, all xdist workers included; it starts with the first test
that asks for it. Sockets lead nowhere but to this machine (pyproject.toml). Settings of the
developer's own environment and .env do not reach the tests.
"""

from __future__ import annotations

import fcntl
import functools
import gc
import itertools
import os
import shutil
import ssl
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import hypothesis
import pytest
import redis
import structlog

from app import embedded
from app.settings import Settings
from tests.compiled import compile_share
from tests.databases import Administrator, Databases, create, drop, in_database

# The same examples on every run and machine, few of each because there are many properties; slowness
# is the timeout's affair.
hypothesis.settings.register_profile(
    "house", deadline=None, derandomize=True, database=None, max_examples=60
)
hypothesis.settings.load_profile("house")

TEMPLATE = "demandlink_template"
_SHARED: pytest.StashKey[Path] = pytest.StashKey()
_SETTINGS = frozenset(name.upper() for name in Settings.model_fields)
_numbers = itertools.count()


# --- one directory for the whole run -------------------------------------------------------------


def pytest_configure(config: pytest.Config) -> None:
    """The controller (or the only process) makes the directory, xdist's workers are told of it."""
    _tell_errors_plainly()
    _trust_once()
    gc.disable()  # what is collected now stays to the end: nothing of it is worth looking for
    told: dict[str, Any] | None = getattr(config, "workerinput", None)
    if told is None:
        config.stash[_SHARED] = Path(tempfile.mkdtemp(prefix="demandlink-tests-"))
    else:
        config.stash[_SHARED] = Path(told["shared"])
        compile_share(config, config.stash[_SHARED] / "compiled")


def _tell_errors_plainly() -> None:
    """As the service logs them: Rich would draw each with all local variables, for a second."""
    *before, _ = structlog.get_config()["processors"]
    plain = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*before, plain])


def _trust_once() -> None:
    """Every client would read the authorities of the system anew, for 30 ms; most talk HTTP."""
    made = httpx.create_ssl_context

    @functools.cache
    def usual(trust_env: bool, *_named: str | None) -> ssl.SSLContext:
        return made(trust_env=trust_env)

    def context(verify: Any = True, cert: Any = None, trust_env: bool = True) -> ssl.SSLContext:
        if verify is not True or cert is not None:
            return made(verify, cert, trust_env)
        return usual(trust_env, *map(os.environ.get, ("SSL_CERT_FILE", "SSL_CERT_DIR")))

    vars(httpx._transports.default)["create_ssl_context"] = context


def pytest_collection_finish() -> None:
    """Thousands of tests and all that they import are not looked through again for garbage."""
    gc.freeze()
    gc.enable()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Called by xdist for each worker that it starts."""
    node.workerinput["shared"] = str(node.config.stash[_SHARED])


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput") and _SHARED in config.stash:
        shutil.rmtree(config.stash[_SHARED], ignore_errors=True)


@pytest.fixture(scope="session")
def shared_directory(request: pytest.FixtureRequest) -> Path:
    """A directory that all xdist workers of this run share; gone after it."""
    return request.config.stash[_SHARED]


@pytest.fixture(scope="session")
def worker_number(request: pytest.FixtureRequest) -> int:
    """0 without xdist, else 1, 2, … by worker."""
    told: dict[str, Any] = getattr(request.config, "workerinput", {"workerid": "gw-1"})
    return int(str(told["workerid"]).removeprefix("gw")) + 1


@pytest.fixture(autouse=True)
def _own_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in _SETTINGS & os.environ.keys():
        monkeypatch.delenv(name)
    monkeypatch.setitem(Settings.model_config, "env_file", None)


# --- servers -------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def servers(shared_directory: Path) -> Iterator[embedded.Servers]:
    """Real PostgreSQL and Valkey, shared by all workers; the last one to leave stops them."""
    with embedded.start_sync(shared_directory / "servers", durable=False) as running:
        yield running


@pytest.fixture(scope="session")
def administrator(servers: embedded.Servers) -> Iterator[Administrator]:
    administrator = Administrator(servers.database_url)
    yield administrator
    administrator.close()


@pytest.fixture(scope="session")
def database_template(
    servers: embedded.Servers, administrator: Administrator, shared_directory: Path
) -> str:
    """The name of a database to which every migration has been applied, once for the whole run."""
    # Here, so that tests without a database do not pay for Alembic.
    from app.store.migrate import upgrade

    with (shared_directory / "template.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not administrator.knows(TEMPLATE):
            unfinished = f"{TEMPLATE}_unfinished"
            administrator.run(f"DROP DATABASE IF EXISTS {unfinished} WITH (FORCE)")
            administrator.run(f"CREATE DATABASE {unfinished}")
            upgrade(in_database(servers.database_url, unfinished))
            administrator.run(f"ALTER DATABASE {unfinished} RENAME TO {TEMPLATE}")
    return TEMPLATE


@pytest.fixture(scope="session")
def databases(
    servers: embedded.Servers,
    administrator: Administrator,
    worker_number: int,
    database_template: str,
) -> Iterator[Databases]:
    databases = Databases(administrator, servers.database_url, database_template, worker_number)
    yield databases
    databases.close()


@pytest.fixture
def database_url(servers: embedded.Servers, databases: Databases) -> Iterator[str]:
    """A database that only this test uses at this moment, as migrations leave it."""
    kept = databases.take()
    yield in_database(servers.database_url, kept.name)
    databases.give_back(kept)


@pytest.fixture
def empty_database_url(
    servers: embedded.Servers, administrator: Administrator, worker_number: int
) -> Iterator[str]:
    """A database of this test's own without any table; dropped after it."""
    yield from fresh_database(servers, administrator, worker_number)


def fresh_database(
    servers: embedded.Servers, administrator: Administrator, worker: int
) -> Iterator[str]:
    """The life of one database without any table: its address, and once that is taken, its end."""
    name = f"empty_{worker}_{next(_numbers)}"
    create(administrator, name, "template0")
    yield in_database(servers.database_url, name)
    drop(administrator, name)


@pytest.fixture(scope="session")
def _redis_client(servers: embedded.Servers, worker_number: int) -> Iterator[tuple[str, Any]]:
    url = f"{servers.redis_url.rpartition('/')[0]}/{worker_number}"
    client = redis.Redis.from_url(url)
    yield url, client
    client.close()


@pytest.fixture
def redis_url(_redis_client: tuple[str, Any]) -> str:
    """A Redis database that only this test uses at this moment, empty at its start."""
    url, client = _redis_client
    client.flushdb()
    return url
