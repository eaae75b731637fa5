"""A person signs in to a ledger from the console, and gives the consent back there."""

from __future__ import annotations

from tests.api.conftest import Service
from tests.api.test_ledgers import Set, set_up, site
from tests.console.conftest import Browser, signed_in
from tests.console.test_pages import clean

__all__ = ["set_up", "site"]


async def test_g3_g4_a_person_signs_in_and_out_in_the_console(
    service: Service, browser: Browser, set_up: Set
) -> None:
    desk = await set_up()
    page = await browser.page("/connections")
    clean(page)
    assert "Sign in again" not in page.text
    answer = await browser.send("/connections", f"/{desk.system}/sign-in")
    assert answer.status_code == 200, answer.text
    asked = type(page)(answer.text)
    clean(asked)
    (address,) = [one for one in asked.links if one.startswith(desk.site.url)]
    back = await service.client.get(await desk.sent_back(address))
    assert "is connected" in back.text
    page = await browser.page("/connections")
    clean(page)
    assert "Sign in again" in page.text
    left = await browser.told(
        await browser.send("/connections", f"/{desk.system}/disconnect", reason="moving")
    )
    assert "The consent is given back" in left.text
    assert "Sign in again" not in left.text


async def test_who_may_only_read_is_offered_neither(service: Service, set_up: Set) -> None:
    await set_up()
    await service.key("reader", ["read"])
    reader = await signed_in(service, "key of reader")
    actions = {form["action"] for form in (await reader.page("/connections")).forms}
    assert not any("sign-in" in one or "disconnect" in one for one in actions)
    await reader.client.aclose()


async def test_a_ledger_that_is_not_set_up_is_refused_with_a_sentence(
    service: Service, browser: Browser, set_up: Set
) -> None:
    desk = await set_up()
    other = "xero" if desk.system == "quickbooks" else "quickbooks"
    form = next(f for f in (await browser.page("/connections")).forms if "sign-in" in f["action"])
    sent = {name: value for name, value in form.items() if name not in ("action", "method")}
    answer = await browser.client.post(f"/connections/{other}/sign-in", data=sent)
    assert answer.status_code == 409
    assert "That cannot be done now" in answer.text
