"""Tickets at the command line: what REST says of them, in a table."""

from __future__ import annotations

import pytest

from app.cli.frame import ExitCode
from tests.cli.conftest import Command, beside
from tests.e2e.harness import running
from tests.e2e.orders import CABLE
from tests.e2e.tickets import B2, a_ticket, on, plain, tell, tickets

pytestmark = [pytest.mark.processes, pytest.mark.breadth]


async def test_e7_an_order_is_put_on_an_open_ticket_at_the_command_line(
    database_url: str, redis_url: str, demandlink: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = plain((CABLE, 5))
    async with running(database_url, redis_url, **B2) as stack:
        credentials = stack.sandbox.credentials
        for name, value in {
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "CONNECTWISE_URL": stack.container.settings.connectwise_url,
            "CONNECTWISE_COMPANY": credentials.company,
            "CONNECTWISE_PUBLIC_KEY": credentials.public_key,
            "CONNECTWISE_PRIVATE_KEY": credentials.private_key,
            "CONNECTWISE_CLIENT_ID": credentials.client_id,
        }.items():
            monkeypatch.setenv(name, value)
        nothing = await beside(demandlink, "tickets", "list", "CONTOSO")
        assert nothing.out == "CONTOSO has no open ticket on these boards.\n"
        await tell(stack, order.approved())
        await stack.until_state(order.number, "waiting", "LINE_NOT_ORDERED")
        other = await a_ticket(stack)
        listed = await beside(demandlink, "tickets", "list", "CONTOSO", "--json")
        assert next(row["summary"] for row in listed.json["items"]) == "Monitors flicker"
        assert "Monitors flicker" in (await beside(demandlink, "tickets", "list", "CONTOSO")).out
        done = await beside(
            demandlink, "tickets", "assign", order.number, other, "--reason", "the customer asked"
        )
        assert f"put on ticket {other}" in done.out, done.err
        await stack.until_true(lambda: _moved(stack, other))
        again = await beside(demandlink, "tickets", "assign", order.number, "--reason", "its own")
        assert again.code == ExitCode.OK, again.err
        wrong = await beside(
            demandlink, "tickets", "assign", order.number, 99, "--reason", "a slip"
        )
        assert wrong.code == ExitCode.FAILED
        assert "99" in wrong.err
        assert len(await tickets(stack)) >= 2


async def _moved(stack: object, other: int) -> bool:
    return await on(stack, other) == {"CABLE-2M": 5}  # type: ignore[arg-type] # a Stack
