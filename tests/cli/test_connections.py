"""`demandlink connections` of a ledger: signing in, and what the list says to do."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from cryptography.fernet import Fernet

from app.api.setup_models import ConnectionOut
from app.cli import shapes
from app.cli.connections import _row
from app.cli.frame import ExitCode
from app.domain.codes import Code
from app.domain.grants import Company, Grant
from app.domain.ports import Paused
from app.domain.views import ConnectionRow
from tests.cli.conftest import Command, beside

UNTIL = datetime(2027, 1, 24, 12, 0, tzinfo=UTC)
PAUSED = Paused(None, Code.CONNECTION_PAUSED, "Year-end.", "anna")


def grant(*, trouble: str | None = None, over: bool = False) -> Grant:
    company = Company("t-1", "Contoso")
    return Grant(company, UNTIL, UNTIL, None, UNTIL, "anna", trouble=trouble, over=over)


@pytest.mark.parametrize(
    ("paused", "held", "state", "why"),
    [
        (None, None, "sign in", "Nobody has signed in yet."),
        (None, grant(over=True), "sign in", "The consent ended on 2027-01-24."),
        (PAUSED, grant(trouble="Refused."), "sign in", "Refused. Sign in:"),
        (PAUSED, grant(), "paused", "Year-end."),
        (None, grant(), "open", "signed in to Contoso"),
    ],
)
def test_the_list_says_first_what_only_a_person_can_mend(
    paused: Paused | None, held: Grant | None, state: str, why: str
) -> None:
    row = ConnectionRow(3, "default", "xero", paused, held)
    shown = _row(row)
    assert shown[:4] == (3, "xero", "default", state)
    assert str(shown[-1]).startswith(why)
    assert ("connections sign-in xero" in str(shown[-1])) == (state == "sign in")
    assert shapes.connection(row) == ConnectionOut.of(row).model_dump(mode="json")


async def test_the_page_to_open_is_printed_and_nothing_of_the_secret(
    demandlink: Command, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1")
    refused = await beside(demandlink, "connections", "sign-in", "xero")
    assert refused.code == ExitCode.USAGE
    assert "XERO_CLIENT_ID is empty" in refused.err
    key = Fernet.generate_key().decode()
    for name, value in {
        "XERO_CLIENT_ID": "our-app",
        "XERO_CLIENT_SECRET": "our-secret",
        "SECRETS_KEYS": key,
    }.items():
        monkeypatch.setenv(name, value)
    no_way_back = await beside(demandlink, "connections", "sign-in", "xero")
    assert "PUBLIC_URL is empty" in no_way_back.err
    monkeypatch.setenv("PUBLIC_URL", "https://dl.example")
    begun = await beside(demandlink, "connections", "sign-in", "xero", "--json")
    assert begun.code == ExitCode.OK
    address = begun.json["address"]
    assert address.startswith("https://login.xero.com/identity/connect/authorize?")
    assert "https%3A%2F%2Fdl.example%2Foauth%2Fxero%2Fcallback" in address
    assert "our-secret" not in begun.out
    nobody = await beside(demandlink, "connections", "disconnect", "xero", "--reason", "x")
    assert (nobody.code, "Nobody is signed in" in nobody.err) == (ExitCode.FAILED, True)
