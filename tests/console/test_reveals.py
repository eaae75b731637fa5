"""Personal data in the console: a form with a reason, answered by a page that no cache keeps."""

from __future__ import annotations

import html

import pytest

from tests.api.conftest import Service
from tests.api.test_reveals import KEYS, VALUES, WHY, audited, called, delivered, reveals
from tests.console.conftest import Browser, Page, signed_in

SHOW = "Show with personal data"


async def person(service: Service, *scopes: str) -> Browser:
    await service.key("eve", list(scopes))
    return await signed_in(service, "key of eve")


async def test_a_delivery_is_shown_with_a_reason_and_only_as_that_answer(service: Service) -> None:
    path = await delivered(service)
    number = path.split("/")[3]
    browser = await person(service, "read", "reveal")
    page = await browser.page(f"/inbox/{number}")
    assert "secrets and personal data are taken out" in page.text
    assert "dana@contoso.example" not in page.text
    answer = await browser.send(f"/inbox/{number}", "/reveal", **WHY)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    assert "content-security-policy" in answer.headers
    shown = Page(answer.text)
    assert "dana@contoso.example" in shown.text
    assert "hunter2" not in answer.text
    assert "Your reason" not in shown.text
    assert not [form for form in shown.forms if form["action"].startswith("/inbox/")]
    assert await audited(service) == [
        ("eve", "console.sign_in", "eve", {}),
        ("eve", "event.reveal", number, WHY),
    ]
    again = await browser.page(f"/inbox/{number}")
    assert "dana@contoso.example" not in again.text
    audit = await browser.page("/audit")
    assert "event.reveal" in audit.text
    assert "dana@" not in audit.text


async def test_a_sealed_call_has_a_form_on_the_orders_page(service: Service) -> None:
    reveals(service, KEYS[0])
    await called(service, KEYS[0])
    browser = await person(service, "read", "reveal")
    page = await browser.page("/orders/ON10001201")
    assert SHOW in page.text
    assert not any(value in page.text for value in VALUES)
    answer = await browser.send("/orders/ON10001201", "/reveal", **WHY)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    shown = Page(answer.text)
    assert all(value in shown.text for value in VALUES)
    assert not any(secret in answer.text for secret in ("hunter2", "t-0k3n"))
    assert "/contact/name answer Dana Lee" in shown.text
    assert any(link.startswith("/orders/ON10001201") and "#call-" in link for link in shown.links)
    assert (await audited(service))[-1][:2] == ("eve", "call.reveal")


async def test_what_a_call_held_is_no_markup(service: Service) -> None:
    reveals(service, KEYS[0])
    path = await delivered(service)
    spoilt = "<script>alert(1)</script>@x.example"
    await service.query(
        "UPDATE inbox_event SET body = $1", ('{"email": "' + spoilt + '"}').encode()
    )
    browser = await person(service, "read", "reveal")
    answer = await browser.send(f"/inbox/{path.split('/')[3]}", "/reveal", **WHY)
    assert spoilt not in answer.text
    assert html.escape("<script>") in answer.text
    assert Page(answer.text).inline == []


async def test_where_calls_are_not_sealed_the_page_says_what_would_keep_them(
    service: Service,
) -> None:
    path = await called(service)
    browser = await person(service, "read", "reveal")
    page = await browser.page("/orders/ON10001201")
    assert "CALLS_SEALED, which keeps them sealed, is off" in page.text
    assert SHOW not in page.text
    (own,) = [form for form in page.forms if form["action"] == "/sign-out"]
    answer = await browser.client.post(
        path.removeprefix("/admin"), data={"form": own["form"], **WHY}
    )
    assert answer.status_code == 409
    assert "CALLS_SEALED is off" in Page(answer.text).text


@pytest.mark.parametrize("scopes", [["read"], ["admin"]])
async def test_without_the_scope_there_is_no_form_and_one_is_refused(
    service: Service, scopes: list[str]
) -> None:
    reveals(service, KEYS[0])
    path = await called(service, KEYS[0])
    browser = await person(service, *scopes)
    for address, form in (
        ("/orders/ON10001201", path.removeprefix("/admin")),
        ("/inbox/1", "/inbox/1/reveal"),
    ):
        page = await browser.page(address)
        assert SHOW not in page.text
        (own,) = [one for one in page.forms if one["action"] == "/sign-out"]
        answer = await browser.client.post(form, data={"form": own["form"], **WHY})
        assert answer.status_code == 403
        refused = Page(answer.text)
        assert "The key eve has no scope reveal, which admin does not include." in refused.text
        assert not any(value in answer.text for value in VALUES)
    assert [row[1] for row in await audited(service)] == ["console.sign_in"]


async def test_who_reveals_may_change_nothing(service: Service) -> None:
    await service.tell("sales_order.approved")
    browser = await person(service, "read", "reveal")
    page = await browser.page("/orders/ON10001201")
    assert "reads and reveals" in page.text
    (own,) = [form for form in page.forms if form["action"] == "/sign-out"]
    answer = await browser.client.post("/orders/ON10001201/hold", data={"form": own["form"], **WHY})
    assert answer.status_code == 403
    (row,) = await service.query("SELECT held_by FROM orders")
    assert row["held_by"] is None


async def test_a_reason_is_asked_for(service: Service) -> None:
    path = await delivered(service)
    number = path.split("/")[3]
    browser = await person(service, "read", "reveal")
    answer = await browser.send(f"/inbox/{number}", "/reveal", reason="  ")
    assert answer.status_code == 422
    assert "dana@" not in answer.text


async def test_who_may_only_read_signs_out(service: Service) -> None:
    """Every form but the sign-in asked for the scope admin once, and so did this one."""
    browser = await person(service, "read")
    answer = await browser.send("/orders", "/sign-out")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    assert (await browser.client.get("/")).status_code == 303
