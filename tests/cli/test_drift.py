"""The drift sweep at the command line: what REST says, with exit codes."""

from __future__ import annotations

import pytest

from app.cli.frame import ExitCode
from tests.cli.conftest import Command, beside
from tests.e2e.harness import Rest, bearer, running
from tests.e2e.orders import CABLE
from tests.e2e.remote import Remote
from tests.e2e.rules.test_purchase_order_changes import an_order, tell

pytestmark = [pytest.mark.processes, pytest.mark.breadth]


async def test_h12_findings_are_listed_and_settled_at_the_command_line(
    database_url: str, redis_url: str, demandlink: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = an_order((CABLE, 10))
    async with running(database_url, redis_url) as stack:
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
        await tell(stack, order.approved())
        await stack.until_state(order.number, "waiting", "LINE_NOT_ORDERED")
        nothing = await beside(demandlink, "drift", "sweep", order.number)
        assert nothing.out == "Nothing differs.\n", nothing.err
        (product,) = (await Remote.read(stack, order)).product_ids.values()
        act = {"act": "edit_product", "id": product, "changes": {"price": 11.0}}
        await stack.control("act", act)
        swept = await beside(demandlink, "drift", "sweep", order.number, "--json")
        (found,) = swept.json["items"]
        rest = await stack.client.get("/admin/drift", headers=bearer())
        items: list[Rest] = rest.json()["items"]
        assert [found] == items  # the two must not differ
        listed = await beside(demandlink, "drift", "list", "--order", order.number)
        assert "DRIFT_DIFFERENT" in listed.out
        fixed = await beside(demandlink, "drift", "fix", found["id"], "--reason", "a slip")
        assert fixed.out == f"Finding {found['id']} of {order.number} is fixing now.\n", fixed.err
        wrong = await beside(demandlink, "drift", "ignore", 999, "--reason", "none")
        assert wrong.code == ExitCode.FAILED
        asked = await beside(demandlink, "drift", "sweep", "--json")
        assert asked.json["items"] == []
        assert set(asked.json["sweep"]) == set(
            (await stack.client.get("/admin/drift/sweep", headers=bearer())).json()
        )
