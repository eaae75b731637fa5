"""A person settles a finding of the drift sweep: by REST, by the command line, in the console.

Owns the three doors; asserts only that each took it.
"""

from __future__ import annotations

import asyncio
import json
import sys

import httpx

from tests.console.conftest import Browser
from tests.e2e.harness import ADMIN, Rest, Stack, bearer
from tests.e2e.test_kill import environment

REASON = "seen by a test"


async def by_rest(stack: Stack, finding: Rest, way: str) -> Rest:
    answer = await stack.client.post(
        f"/admin/drift/{finding['id']}/{way}", json={"reason": REASON}, headers=bearer()
    )
    assert answer.status_code == 200, answer.text
    settled: Rest = answer.json()
    return settled


async def by_command(stack: Stack, finding: Rest, way: str) -> Rest:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "app.cli", "drift", way, str(finding["id"]), "--reason", REASON, "--json",
        env=environment(stack), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    said, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()[-2000:]
    settled: Rest = json.loads(said)
    return settled


async def in_console(stack: Stack, finding: Rest, way: str) -> Rest:
    transport = stack.client._transport
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        answer = await client.post("/sign-in", data={"key": ADMIN, "to": "/"})
        assert answer.status_code == 303, answer.text[:500]
        browser = Browser(client)
        form = await browser.send(
            "/drift", f"/drift/{finding['id']}/settle", way=way, reason=REASON
        )
        page = await browser.told(form)
    assert page.text
    listed = await stack.client.get("/admin/drift", headers=bearer())
    return next(one for one in listed.json()["items"] if one["id"] == finding["id"])


DOORS = {"rest": by_rest, "command": by_command, "console": in_console}
