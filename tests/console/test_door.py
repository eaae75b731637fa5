"""The way in: sessions, scopes, forms of ours only, and what fences every page in."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

from app import console
from app.console.pages import STATIC
from tests.api.conftest import Service
from tests.api.doors import ADMIN_KEY, client_of
from tests.console.conftest import Browser, signed_in

PAGES = (
    "/mappings",
    "/settings",
    "/what-if",
    "/",
    "/orders",
    "/inbox",
    "/issues",
    "/replay",
    "/connections",
    "/doctor",
    "/drift",
    "/audit",
    "/alerts",
    "/retention",
)


async def test_nobody_reads_a_page_without_signing_in(service: Service) -> None:
    for path in (*PAGES, "/orders/ON1", "/orders/ON1/ticket", "/inbox/1", "/replay/x"):
        answer = await service.client.get(path)
        assert answer.status_code == 303, path
        assert answer.headers["location"].startswith("/sign-in")
    stream = await service.client.get("/live", headers={"accept": "text/event-stream"})
    assert stream.status_code == 204


async def test_after_the_sign_in_one_is_where_one_wanted_to_be(service: Service) -> None:
    to = (await service.client.get("/orders?state=held")).headers["location"]
    assert to == "/sign-in?to=%2Forders%3Fstate%3Dheld"
    form = {"key": ADMIN_KEY, "to": "/orders?state=held"}
    answer = await service.client.post("/sign-in", data=form)
    assert answer.headers["location"] == "/orders?state=held"


async def test_the_sign_in_never_leads_to_another_site(service: Service) -> None:
    for to in ("//evil.example/x", "https://evil.example", "/\\evil.example", "x"):
        answer = await client_of(service.app).post("/sign-in", data={"key": ADMIN_KEY, "to": to})
        assert answer.headers["location"] == "/", to


async def test_a_wrong_key_gets_no_session_and_is_not_shown_again(service: Service) -> None:
    answer = await service.client.post("/sign-in", data={"key": "a wrong key"})
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers
    assert "a wrong key" not in answer.text


async def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(service: Service) -> None:
    answer = await service.client.post("/sign-in", data={"key": ADMIN_KEY})
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "max-age=43200" in cookie
    assert ADMIN_KEY not in cookie


async def test_only_hashes_of_a_session_are_kept(service: Service, browser: Browser) -> None:
    cookie = browser.client.cookies["demandlink_session"]
    (row,) = await service.query("SELECT digest, key_digest FROM console_session")
    assert row["digest"] == hashlib.sha256(cookie.encode()).digest()
    assert row["key_digest"] == hashlib.sha256(ADMIN_KEY.encode()).digest()


async def test_a_session_ends_with_its_time(service: Service, browser: Browser) -> None:
    await service.query("UPDATE console_session SET expires_at = now() - interval '1 second'")
    assert (await browser.client.get("/")).status_code == 303


async def test_a_session_ends_with_its_key(service: Service) -> None:
    await service.key("zoe", ["admin"])
    browser = await signed_in(service, "key of zoe")
    assert (await browser.client.get("/")).status_code == 200
    await service.query("UPDATE api_key SET revoked_at = now()")
    assert (await browser.client.get("/")).status_code == 303


async def test_signing_out_ends_the_session_itself(browser: Browser) -> None:
    cookie = browser.client.cookies["demandlink_session"]
    answer = await browser.send("/orders", "/sign-out")
    assert answer.headers["location"] == "/sign-in"
    browser.client.cookies.set("demandlink_session", cookie)
    assert (await browser.client.get("/")).status_code == 303


async def test_a_key_that_may_read_only_sees_no_button_and_sends_no_form(service: Service) -> None:
    await service.tell("sales_order.approved")
    await service.key("reader", ["read"])
    browser = await signed_in(service, "key of reader")
    page = await browser.page("/orders/ON10001201")
    assert {form["action"] for form in page.forms} == {"/", "/sign-out"}
    (own,) = [form for form in page.forms if form["action"] == "/sign-out"]
    sent = {"form": own["form"], "reason": "because"}
    answer = await browser.client.post("/orders/ON10001201/hold", data=sent)
    assert answer.status_code == 403
    (row,) = await service.query("SELECT held_by FROM orders")
    assert row["held_by"] is None


async def test_a_key_without_scope_gets_in_nowhere(service: Service) -> None:
    await service.key("nothing", [])
    answer = await service.client.post("/sign-in", data={"key": "key of nothing"})
    assert answer.status_code == 401


async def test_the_orders_of_another_tenant_are_not_there(service: Service) -> None:
    await service.tell("sales_order.approved")
    await service.query("INSERT INTO tenant (id, name) VALUES (2, 'other')")
    await service.key("other", ["admin"], tenant=2)
    browser = await signed_in(service, "key of other")
    await browser.page("/orders/ON10001201", 404)
    for path in ("/?q=ON1000", "/orders", "/inbox"):
        page = await browser.page(path)
        assert not any("ON10001201" in link for link in page.links)


POSTS = (
    "/connections/xero/sign-in",
    "/connections/xero/disconnect",
    "/alerts/test",
    "/doctor/probe",
    "/retention",
    "/orders/ON10001201/ticket",
    "/orders/ON10001201/decide",
    "/orders/ON10001201/hold",
    "/orders/ON10001201/release",
    "/orders/ON10001201/repin",
    "/orders/ON10001201/step",
    "/inbox/1/replay",
    "/inbox/1/reveal",
    "/orders/ON10001201/calls/1/reveal",
    "/issues/plan",
    "/replay",
    "/replay/x/run",
    "/replay/x/abort",
    "/drift/sweep",
    "/drift/1/settle",
    "/connections/1/pause",
    "/connections/1/resume",
    "/mappings",
    "/mappings/1/remove",
    "/settings/behaviour",
    "/sign-out",
)


def test_every_form_of_the_console_is_tried_here() -> None:
    found = [
        path
        for source in Path(console.__path__[0]).glob("*.py")
        for path in re.findall(r'^@\w+\.post\("(.+)"\)', source.read_text(), re.MULTILINE)
    ]
    assert len(set(found) - {"/sign-in"}) == len(POSTS)


@pytest.mark.parametrize("fault", ["nothing", "wrong", "other site", "other origin"])
async def test_a_form_that_is_not_ours_does_nothing(
    service: Service, browser: Browser, fault: str
) -> None:
    await service.tell("sales_order.approved")
    before = await service.query("SELECT * FROM orders")
    page = await browser.page("/replay")
    form, headers = {"reason": "because"}, dict[str, str]()
    if fault == "wrong":
        form["form"] = "0" * 64
    elif fault != "nothing":
        form["form"] = next(form["form"] for form in page.forms if "form" in form)
        headers = (
            {"sec-fetch-site": "cross-site"}
            if fault == "other site"
            else {"origin": "https://evil.example"}
        )
    for path in POSTS:
        answer = await browser.client.post(path, data=form, headers=headers)
        assert answer.status_code == 403, path
    assert await service.query("SELECT * FROM orders") == before
    assert (await browser.client.get("/")).status_code == 200


async def test_a_sign_in_from_another_site_is_refused(service: Service) -> None:
    headers = {"sec-fetch-site": "cross-site"}
    answer = await service.client.post("/sign-in", data={"key": ADMIN_KEY}, headers=headers)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


async def test_every_page_is_fenced_in(browser: Browser) -> None:
    for path in (*PAGES, "/sign-in", "/orders/none", "/nowhere"):
        answer = await browser.client.get(path, headers={"accept": "text/html"})
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy, path
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"


async def test_an_address_that_leads_nowhere_is_a_page_for_people_and_a_problem_for_programs(
    service: Service, browser: Browser
) -> None:
    page = await browser.page("/nowhere", 404)
    assert "There is no such page" in page.text
    answer = await service.admin.get("/nowhere")
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_database_that_is_away_is_told_in_words(
    browser: Browser, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.domain.errors import StoreUnavailable

    async def away(*_: object) -> object:
        raise StoreUnavailable("no database")

    monkeypatch.setattr(type(service.parts.desk), "overview", away)
    page = await browser.page("/", 503)
    assert "The database is away" in page.text


async def test_own_files_are_served_and_kept_and_no_other(service: Service) -> None:
    for name, kind in STATIC.items():
        answer = await service.client.get(f"/static/{name}")
        assert answer.status_code == 200, name
        assert "immutable" in answer.headers["cache-control"]
        assert answer.headers["content-type"] == kind
    for name in ("NOTICE", "../pages.py", "%2e%2e/pages.py", "none.css"):
        assert (await service.client.get(f"/static/{name}")).status_code == 404, name


async def test_a_form_that_is_too_large_is_refused(browser: Browser) -> None:
    answer = await browser.client.post("/replay", data={"orders": "x" * 70_000})
    assert answer.status_code == 413


async def test_an_address_that_only_takes_forms_has_a_page_for_who_loads_it_anew(
    browser: Browser,
) -> None:
    for path in ("/issues/plan", "/doctor/probe"):
        answer = await browser.client.get(path, headers={"accept": "text/html"})
        assert answer.status_code == 405
        assert answer.headers["content-type"].startswith("text/html")
        assert "The address leads nowhere" in answer.text
        told = await browser.client.get(path, headers={"accept": "application/json"})
        assert told.json()["code"] == "METHOD_NOT_ALLOWED"
