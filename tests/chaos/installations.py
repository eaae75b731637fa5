"""Two tenants' installations beside each other on one ConnectWise, each with a ledger of its own.

Owns their names, and what each is set to. A tenant has one ledger, so two ledgers take two tenants;
they share ConnectWise, and the servers of PostgreSQL and Redis.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit, urlunsplit

from sandbox.server import SandboxServer
from tests.chaos import ledger
from tests.e2e.harness import ADMIN, CALLBACK_TOKEN, SECRET, settings

# The traffic is denser than a tenant's: the vendor's own limit would hide each fault behind a wait.
CALLS = 6000
# A lost callback about an invoice is made good by this poll, within the run's own time.
INVOICES_EVERY = 5.0


@dataclass
class Installation:
    """`name` is its Commerce's, which stands in every mark. `database` and `redis` are its own on
    the shared servers."""

    name: str
    ledger: str
    api: str
    workers: tuple[str, str]
    database: str
    redis: int
    database_url: str = ""  # not over a line
    api_url: str = ""
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def processes(self) -> tuple[str, ...]:
        return (self.api, *self.workers)

    def set_up(
        self, sandbox: SandboxServer, lines: Mapping[str, str], kept: Mapping[str, str]
    ) -> None:
        """Its environment: `lines` are addresses that lead over them, `kept` is of this process."""
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.api_url = f"http://127.0.0.1:{port}"
        chosen = settings(
            sandbox, self.own_database(lines["postgres"]), self._own_redis(lines["redis"]),
            connectwise_url=lines["connectwise"], commerce_connection=self.name,
            port=port, sweep_seconds=1.0, poll_seconds=1.0, read_lag=0.5, log_level="INFO",
            connectwise_calls_a_minute=CALLS, invoice_poll_seconds=INVOICES_EVERY,
        )  # fmt: skip
        given = {
            name.upper(): str(value)
            for name, value in chosen.model_dump().items()
            if name in chosen.model_fields_set
        }
        secrets = {
            "ADMIN_API_KEY": ADMIN,
            "COMMERCE_WEBHOOK_SECRETS": SECRET,
            "CONNECTWISE_PUBLIC_KEY": sandbox.credentials.public_key,
            "CONNECTWISE_PRIVATE_KEY": sandbox.credentials.private_key,
            "CONNECTWISE_CALLBACK_TOKEN": CALLBACK_TOKEN,
        }
        books = ledger.environment(self.ledger, lines[self.ledger], self.api_url)
        self.environment = {**kept, **given, **secrets, **books}

    def own_database(self, url: str) -> str:
        return urlunsplit(urlsplit(url)._replace(path=f"/{self.database}"))

    def _own_redis(self, url: str) -> str:
        return urlunsplit(urlsplit(url)._replace(path=f"/{self.redis}"))


def two(database: str) -> tuple[Installation, Installation]:
    """`database`: that of the embedded server, which the first one keeps."""
    return (
        Installation("default", "quickbooks", "api", ("worker-1", "worker-2"), database, 0),
        Installation("harbour", "xero", "api-x", ("worker-x1", "worker-x2"), "harbour", 1),
    )
