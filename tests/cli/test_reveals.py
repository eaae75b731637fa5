"""Personal data at the command line, and calls that are sealed while the service really calls."""

from __future__ import annotations

import json

import pytest
from cryptography.fernet import Fernet

from app.cli.frame import ExitCode
from sandbox.demo.events import Sale
from sandbox.demo.goods import CABLE, CONTOSO, INGRAM
from sandbox.demo.purchases import Purchase
from tests.cli.conftest import Command, beside
from tests.e2e.harness import bearer, running

SALE = Sale(1301, CONTOSO, [(CABLE, 10)])
WHY = ("--reason", "the customer asks")


@pytest.mark.parametrize("sealed", [True, False])
async def test_deliveries_and_sealed_calls_are_revealed_and_recorded(
    database_url: str,
    redis_url: str,
    demandlink: Command,
    monkeypatch: pytest.MonkeyPatch,
    sealed: bool,
) -> None:
    keys = Fernet.generate_key().decode()
    async with running(database_url, redis_url, calls_sealed=sealed, secrets_keys=keys) as stack:
        for event in (SALE.approved(), Purchase(9301, SALE, INGRAM, SALE.lines).approved()):
            await stack.deliver(event)
        await stack.until_state(SALE.number, "waiting", "GOODS_NOT_RECEIVED")
        settings = stack.container.settings
        for name, value in (
            ("DATABASE_URL", database_url),
            ("REDIS_URL", redis_url),
            ("CONNECTWISE_URL", settings.connectwise_url),
            ("CONNECTWISE_COMPANY", settings.connectwise_company),
            ("SECRETS_KEYS", keys),
            ("CALLS_SEALED", str(sealed)),
        ):
            monkeypatch.setenv(name, value)

        made = await beside(
            demandlink, "keys", "create", "eve", "--scope", "read", "--scope", "reveal", "--json"
        )
        assert made.json["scopes"] == ["read", "reveal"]
        eve = {"authorization": f"Bearer {made.json['key']}"}
        body = {"reason": "compare"}

        shown = await beside(demandlink, "events", "reveal", 1, *WHY, "--json")
        answer = await stack.client.post("/admin/events/1/reveal", json=body, headers=eve)
        assert answer.json() == shown.json
        told = await beside(demandlink, "events", "reveal", 1, *WHY)
        assert json.loads(told.out) == shown.json["body"]
        nobody = await beside(demandlink, "events", "reveal", 99, *WHY)
        assert (nobody.code, "events list" in nobody.err) == (ExitCode.FAILED, True)

        path = f"/admin/orders/{SALE.number}/calls"
        calls = (await stack.client.get(path, headers=bearer(), params={"limit": 200})).json()
        assert any("[removed]" in (call["response"] or "") for call in calls["items"])
        kept = [call["id"] for call in calls["items"] if call["sealed"]]
        assert bool(kept) is sealed
        if not sealed:
            number = calls["items"][0]["id"]
            refused = await beside(demandlink, "orders", "reveal", SALE.number, number, *WHY)
            assert (refused.code, "CALLS_SEALED is off" in refused.err) == (ExitCode.FAILED, True)
            return
        called = await beside(demandlink, "orders", "reveal", SALE.number, kept[0], *WHY, "--json")
        answer = await stack.client.post(f"{path}/{kept[0]}/reveal", json=body, headers=eve)
        assert answer.json() == called.json
        assert called.json["values"]
        told = await beside(demandlink, "orders", "reveal", SALE.number, kept[0], *WHY)
        for one in called.json["values"]:
            assert one["field"] in told.out
        secrets = (
            settings.connectwise_private_key.get_secret_value(),
            settings.connectwise_public_key.get_secret_value(),
            keys,
        )
        for number in kept:
            answer = await stack.client.post(f"{path}/{number}/reveal", json=body, headers=eve)
            assert answer.status_code == 200
            assert "[removed]" not in "".join(str(one["value"]) for one in answer.json()["values"])
            assert not any(secret in answer.text for secret in secrets if secret)
