"""The page of the connections: what a person may do there, and what it tells of their limits."""

from __future__ import annotations

from app.domain.budgets import AtOnceNow, Spent, Use
from app.domain.codes import Code
from app.domain.ports import Paused
from app.domain.views import ConnectionRow
from tests.api.conftest import Service
from tests.console.conftest import Browser
from tests.console.test_pages import clean


async def test_a_connection_is_paused_and_resumed(service: Service, browser: Browser) -> None:
    page = await browser.page("/connections")
    clean(page)
    for named in ("Callbacks", "Last delivery none yet"):
        assert named in page.text
    pausing = next(f["action"] for f in page.forms if f["action"].endswith("/pause"))
    told = await browser.told(await browser.send("/connections", "/pause", reason="upgrade"))
    assert "upgrade" in told.text
    assert "it is called as orders need it" not in told.text
    resuming = pausing.replace("/pause", "/resume")
    told = await browser.told(await browser.send("/connections", resuming, reason="done"))
    assert "Resumed" in told.text


async def test_h10_a_connection_shows_what_is_left_how_many_go_at_once_and_its_circuit(
    service: Service, browser: Browser
) -> None:
    async def narrowed(row: ConnectionRow) -> Use:
        if row.system != "connectwise":
            return Use()
        return Use((Spent(60, 850, 900), Spent(86_400, 5100, 5000)), AtOnceNow(4, 32))

    service.parts.operations._used = narrowed
    page = await browser.page("/connections")
    for named in (
        "Calls in a minute 50 of 900 left",
        "Calls in a day 0 of 5000 left",
        "4 in each process fewer than 32",
        "Circuit closed",
    ):
        assert named in page.text, named

    async def broken(row: ConnectionRow) -> Use:
        if row.system != "commerce":
            return Use()
        return Use(
            read_at=await service.store.now(), trouble="Commerce was last read <b>today</b>."
        )

    service.parts.operations._used = broken
    page = await browser.page("/connections")
    assert "Trouble Commerce was last read <b>today</b>." in page.text
    assert "Last read" in page.text
    service.parts.operations._used = narrowed
    sick = Paused(None, Code.PEER_SICK, "ConnectWise is not called.", "service")
    await service.store.pause(1, "connectwise", sick)
    assert "Circuit open it did not answer well" in (await browser.page("/connections")).text
