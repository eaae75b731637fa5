"""The page on which a person chooses an order's ticket: what is offered, chosen, refused."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from app.domain.errors import FailureKind, RemoteFailure
from app.domain.psa_tickets import Ticket
from app.sync.tickets import Tickets
from tests.api.conftest import Service
from tests.console.conftest import Browser, Page, signed_in
from tests.console.test_pages import HOSTILE, clean

ORDER = "/orders/ON10001201"
PAGE = f"{ORDER}/ticket"
OURS, THEIRS = 5, 6


def a_ticket(number: int, **more: Any) -> Ticket:
    given: dict[str, Any] = {
        "summary": f"Monitors flicker {HOSTILE}",
        "company_id": OURS,
        "board_id": 1,
        "board": "Help Desk",
        "status_id": 1,
        "status": "New",
        "closed": False,
    }
    return Ticket(number, **{**given, **more})


@dataclass
class Desk:
    """ConnectWise as far as it is asked here."""

    tickets: list[Ticket] = field(default_factory=list)
    company_id: int | None = OURS
    away: bool = False
    asked: int = 0

    def _answer(self) -> None:
        self.asked += 1
        if self.away:
            raise RemoteFailure(FailureKind.TRANSIENT, "ConnectTimeout")

    async def company(self, identifier: str) -> Any:
        self._answer()
        return SimpleNamespace(id=self.company_id) if self.company_id else None

    async def company_by_id(self, number: int) -> Any:
        return await self.company(str(number))

    async def ticket(self, number: int) -> Ticket:
        self._answer()
        for one in self.tickets:
            if one.id == number:
                return one
        raise RemoteFailure(FailureKind.GONE, "404")

    async def tickets_of_company(self, company_id: int, *, only_open: bool = False) -> list[Ticket]:
        self._answer()
        return [one for one in self.tickets if one.company_id == company_id and not one.closed]


@pytest.fixture
async def desk(service: Service) -> Desk:
    found = Desk([a_ticket(21002), a_ticket(21003, summary="New starter", board="Projects")])
    service.parts.tickets = Tickets(
        store=service.store,
        admin=service.store,
        cw=found,  # type: ignore[arg-type] # as much of it as tickets ask
        operations=service.parts.operations,
        plan=service.parts.decisions._plan,
        defaults={},
    )
    await service.tell("quote.won", "sales_order.approved")
    return found


async def form(browser: Browser) -> dict[str, str]:
    page = await browser.page(PAGE)
    return next(one for one in page.forms if one["action"].startswith(PAGE))


async def send(browser: Browser, **fields: str) -> Any:
    sent = {**await form(browser), "number": "", **fields}
    return await browser.client.post(sent["action"], data=sent)


async def chosen(service: Service) -> list[Any]:
    rows = await service.query("SELECT body FROM fact WHERE kind = 'ticket_choice'")
    return [json.loads(row["body"])["ticket"] for row in rows]


async def test_the_order_leads_to_the_page_and_asks_nobody_itself(
    service: Service, browser: Browser, desk: Desk
) -> None:
    page = await browser.page(ORDER)
    clean(page)
    assert "On no ticket yet." in page.text
    assert f"{PAGE}?connection=default" in page.links
    await service.query(
        "INSERT INTO external_ref (tenant_id, kind, external_id, order_id)"
        " SELECT 1, 'ticket', '21002', id FROM orders"
    )
    await service.query(
        "INSERT INTO order_ref (order_id, kind, key, tenant_id, ref_id)"
        " SELECT order_id, kind, '', 1, id FROM external_ref WHERE kind = 'ticket'"
    )
    page = await browser.page(ORDER)
    assert "On ticket 21002 . Choose another" in page.text
    assert any("openrecord" in link and "recid=21002" in link for link in page.links)
    assert desk.asked == 0
    assert "It is on ticket 21002." in (await browser.page(PAGE)).text


async def test_the_open_tickets_of_the_customer_are_offered_and_one_is_chosen(
    service: Service, browser: Browser, desk: Desk
) -> None:
    desk.tickets += [a_ticket(9, closed=True), a_ticket(8, company_id=THEIRS)]
    page = await browser.page(PAGE)
    clean(page)
    assert "21002 · Monitors flicker" in page.text
    assert "21003 · New starter" in page.text
    assert "Projects · New" in page.text
    assert " 9 ·" not in page.text
    assert " 8 ·" not in page.text
    told = await browser.told(await send(browser, ticket="21003", reason="the customer asked"))
    clean(told)
    assert "The order goes on that ticket" in told.text
    assert "put ON10001201 on ticket 21003: the customer asked" in told.text
    assert await chosen(service) == [21003]
    told = await browser.told(await send(browser, ticket="new", reason="for itself"))
    assert "The order goes on a ticket of its own" in told.text
    assert await chosen(service) == [None]
    told = await browser.told(
        await send(browser, ticket="other", number=" #21002 ", reason="by number")
    )
    assert await chosen(service) == [21002]
    rows = await service.query("SELECT data FROM audit WHERE action = 'order.ticket' ORDER BY id")
    assert [json.loads(row["data"])["ticket"] for row in rows] == [21003, None, 21002]


@pytest.mark.parametrize(
    ("fields", "status", "said"),
    [
        ({"ticket": "21003", "reason": " "}, 422, "say why"),
        ({"reason": "why"}, 422, "choose one"),
        ({"ticket": "other", "number": "many", "reason": "why"}, 422, "must be a number"),
        ({"ticket": "other", "number": "0", "reason": "why"}, 422, "must be a number"),
        ({"ticket": "other", "number": "9" * 12, "reason": "why"}, 422, "must be a number"),
        ({"ticket": HOSTILE, "reason": "why"}, 422, "must be a number"),
        ({"ticket": "other", "number": "77", "reason": "why"}, 409, "no service ticket 77"),
        ({"ticket": "other", "number": "8", "reason": "why"}, 409, "belongs to another company"),
        ({"ticket": "9", "reason": "why"}, 409, "Ticket 9 is closed (New). Choose an open ticket"),
    ],
)
async def test_what_is_refused_is_told_and_what_was_typed_stays(
    service: Service,
    browser: Browser,
    desk: Desk,
    fields: dict[str, str],
    status: int,
    said: str,
) -> None:
    desk.tickets += [a_ticket(9, closed=True), a_ticket(8, company_id=THEIRS)]
    answer = await send(browser, **{"ticket": "", **fields})
    assert answer.status_code == status
    page = Page(answer.text)
    clean(page)
    assert said in page.text
    assert "Nothing was changed." in page.text
    again = next(one for one in page.forms if one["action"].startswith(PAGE))
    assert again["number"] == fields.get("number", "")
    assert again["reason"] == fields["reason"]
    if fields.get("ticket") in ("other", "21003"):
        assert f'value="{fields["ticket"]}" checked' in answer.text
    assert await chosen(service) == []


async def test_connectwise_that_does_not_answer_is_told_and_asked_once(
    service: Service, browser: Browser, desk: Desk
) -> None:
    desk.away = True
    page = await browser.page(PAGE)
    clean(page)
    assert "ConnectWise did not answer as asked: ConnectTimeout" in page.text
    assert f"{PAGE}?connection=default" in page.links
    assert "21002" not in page.text
    asked = desk.asked
    sent = {**await form(browser), "ticket": "21002", "reason": "why"}
    asked = desk.asked
    answer = await browser.client.post(sent["action"], data=sent)
    assert answer.status_code == 409
    assert answer.text.count("ConnectTimeout") == 1
    assert desk.asked == asked + 1
    told = await browser.told(await send(browser, ticket="new", reason="without it"))
    assert "The order goes on a ticket of its own" in told.text
    assert await chosen(service) == [None]


async def test_an_order_that_goes_on_no_ticket_has_no_form_and_nobody_is_asked(
    service: Service, browser: Browser, desk: Desk
) -> None:
    sent = await form(browser)
    await service.tell("sales_order.cancelled")
    asked = desk.asked
    page = await browser.page(PAGE)
    clean(page)
    assert "ON10001201 is cancelled: it goes on no ticket." in page.text
    assert PAGE not in {one["action"].split("?")[0] for one in page.forms}
    answer = await browser.client.post(
        sent["action"], data={**sent, "ticket": "new", "reason": "why"}
    )
    assert answer.status_code == 409
    assert answer.text.count("is cancelled: it goes on no ticket.") == 1
    assert desk.asked == asked
    assert PAGE not in {link.split("?")[0] for link in (await browser.page(ORDER)).links}


async def test_a_customer_without_a_company_leads_to_the_mapping(
    service: Service, browser: Browser, desk: Desk
) -> None:
    desk.company_id = None
    page = await browser.page(PAGE)
    clean(page)
    assert "has no ConnectWise company" in page.text
    assert any(link.startswith("/mappings?kind=company&commerce_key=") for link in page.links)


async def test_who_only_reads_sees_the_tickets_and_no_form(
    service: Service, browser: Browser, desk: Desk
) -> None:
    await service.key("viewer", ["read"])
    viewer = await signed_in(service, "key of viewer")
    assert f"{PAGE}?connection=default" not in (await viewer.page(ORDER)).links
    page = await viewer.page(PAGE)
    clean(page)
    assert "21002 · Monitors flicker" in page.text
    assert PAGE not in {one["action"].split("?")[0] for one in page.forms}
    sent = {**await form(browser), "form": page.forms[-1]["form"], "ticket": "new", "reason": "why"}
    assert (await viewer.client.post(sent["action"], data=sent)).status_code == 403
    assert await chosen(service) == []
    await viewer.client.aclose()


async def test_an_unknown_order_has_no_page(browser: Browser, desk: Desk) -> None:
    page = await browser.page("/orders/ON404/ticket", 404)
    assert "No order ON404 is known" in page.text
