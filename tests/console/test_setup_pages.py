"""The pages of mappings and settings: what is missing, what a form changes, what it refuses."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import unquote

import pytest

from app.domain.wanted import no_company, several_items
from app.settings import Group, names_in
from app.store import rows
from app.sync.setup import MAPPING_KINDS
from tests.api.conftest import Service
from tests.api.doors import ADMIN_KEY
from tests.console.conftest import Browser, Page, signed_in
from tests.console.test_pages import HOSTILE, clean

SAID = no_company("company", "customer", f"Contoso {HOSTILE}", "77", ["CONTOSO"])
MAPPING = {"kind": "company", "commerce_key": "77", "connectwise_key": "Contoso"}


async def held(service: Service, sentence: str = SAID, number: str = "ON10001201") -> None:
    await service.tell("quote.won", "sales_order.approved")
    await service.query(
        "UPDATE orders SET state = 'held', code = 'MAPPING_MISSING', who = 'operator',"
        " sentence = $1, due_at = NULL WHERE number = $2",
        sentence,
        number,
    )
    await service.query(
        "INSERT INTO applied (order_id, step, subject, tenant_id, state, code, sentence, who,"
        " retry_at) SELECT id, 'raise_ticket', 'order', 1, 'held', 'MAPPING_MISSING', $1,"
        " 'operator', now() + interval '1 day' FROM orders WHERE number = $2",
        sentence,
        number,
    )


def form_to(page: Page, action: str) -> dict[str, str]:
    return next(form for form in page.forms if form["action"] == action)


async def audits(service: Service, action: str) -> list[Any]:
    return await service.query("SELECT data FROM audit WHERE action = $1", action)


# --- mappings -------------------------------------------------------------------------------------


async def test_d10_a_held_order_leads_to_the_form_filled_in_and_goes_on(
    service: Service, browser: Browser
) -> None:
    await held(service)
    for path in ("/orders/ON10001201", "/issues", "/mappings"):
        page = await browser.page(path)
        clean(page)
        assert "/mappings?kind=company&commerce_key=77#put" in page.links, path
    path = "/mappings?kind=company&commerce_key=77"
    form = form_to(await browser.page(path), "/mappings")
    assert (form["commerce_key"], form["connectwise_key"]) == ("77", "")
    sent = {**form, "kind": "company", "connectwise_key": "Contoso", "reason": "told by Zoe"}
    answer = await browser.client.post("/mappings", data=sent)
    page = await browser.told(answer)
    clean(page)
    assert "Company 77 is Contoso." in page.text
    assert "This order waited for it and goes on" in page.text
    assert "/orders/ON10001201?connection=default" in page.links
    (order,) = await service.query("SELECT due_at <= now() AS due FROM orders")
    assert order["due"]
    (row,) = await audits(service, "mapping.put")
    assert "told by Zoe" in str(row["data"])


async def test_another_order_that_waits_for_a_mapping_looks_again(
    service: Service, browser: Browser
) -> None:
    await held(service, several_items("CAB-2M", "CAB", ["A", "B"]))
    sent = {**form_to(await browser.page("/mappings"), "/mappings"), **MAPPING, "reason": "why"}
    page = await browser.told(await browser.client.post("/mappings", data=sent))
    assert "No order is known to wait for just this one." in page.text
    assert "This one waits for a mapping too, and looks again" in page.text


async def test_a_mapping_is_changed_and_removed_with_a_reason(
    service: Service, browser: Browser
) -> None:
    kept = (await service.admin.put("/admin/mappings", json=MAPPING)).json()
    page = await browser.page("/mappings")
    assert f"/mappings?edit={kept['id']}#put" in page.links
    path = f"/mappings?edit={kept['id']}"
    form = form_to(await browser.page(path), "/mappings")
    assert (form["commerce_key"], form["connectwise_key"]) == ("77", "Contoso")
    sent = {**form, "kind": "company", "connectwise_key": "Contoso2", "reason": "renamed"}
    assert (
        "is Contoso2"
        in (await browser.told(await browser.client.post("/mappings", data=sent))).text
    )
    again = await browser.page("/mappings?kind=company&commerce_key=77")
    assert "There is one: it is Contoso2 now. Saving replaces that." in again.text
    unsaid = await browser.send(path, f"/mappings/{kept['id']}/remove", reason="  ")
    assert unsaid.status_code == 422
    told = await browser.told(
        await browser.send(path, f"/mappings/{kept['id']}/remove", reason="not theirs")
    )
    assert "Removed." in told.text
    assert (await service.admin.get("/admin/mappings")).json()["items"] == []
    (row,) = await audits(service, "mapping.remove")
    assert "not theirs" in str(row["data"])


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"kind": "tea"}, "must be one of"),
        ({"commerce_key": " "}, "must be 1 to 200"),
        ({"kind": "member", "commerce_key": "zoe@msp.example"}, "named by its number"),
        ({"kind": "scenario"}, "must be customer:"),
        ({"reason": " "}, "say why"),
        ({"commerce_key": HOSTILE, "kind": ""}, "must be one of"),
    ],
)
async def test_a_wrong_mapping_is_told_at_its_field_and_what_was_typed_stays(
    service: Service, browser: Browser, wrong: dict[str, str], said: str
) -> None:
    form = form_to(await browser.page("/mappings"), "/mappings")
    sent = {**form, **MAPPING, "reason": "why", **wrong}
    answer = await browser.client.post("/mappings", data=sent)
    assert answer.status_code == 422
    page = Page(answer.text)
    clean(page)
    assert said in page.text
    assert "Nothing was changed." in page.text
    assert 'aria-invalid="true"' in answer.text
    assert form_to(page, "/mappings")["commerce_key"] == sent["commerce_key"]
    assert await audits(service, "mapping.put") == []


async def test_mappings_are_filtered_and_paged(service: Service, browser: Browser) -> None:
    await service.query(
        "INSERT INTO mapping (tenant_id, kind, commerce_key, connectwise_key, updated_by)"
        " SELECT 1, CASE WHEN n % 2 = 0 THEN 'vendor' ELSE 'product' END, 'K' || n, 'C' || n, 'zoe'"
        " FROM generate_series(1, 250) n"
    )
    page = await browser.page("/mappings?kind=vendor")
    assert page.text.count("Change or remove") == 100
    (following,) = [link for link in page.links if "cursor=" in link]
    assert "kind=vendor" in following
    more = await browser.page(following)
    assert more.text.count("Change or remove") == 25
    assert not any("cursor=" in link for link in more.links)
    assert (await browser.page("/mappings?q=c249")).text.count("Change or remove") == 1
    assert (await browser.page("/mappings?q=C24")).text.count("Change or remove") == 11
    assert "No mapping fits" in (await browser.page("/mappings?q=tea")).text
    assert "at the beginning of a key only" in (await browser.page("/mappings?q=49")).text


async def test_of_thousands_of_mappings_a_page_reads_no_more_than_it_shows(
    service: Service, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also the one that is changed, the one that was saved, and the one that stands there already."""
    await service.query(
        "INSERT INTO mapping (tenant_id, kind, commerce_key, connectwise_key, updated_by)"
        " SELECT 1, 'vendor', 'K' || n, 'C' || n, 'zoe' FROM generate_series(1, 3000) n"
    )
    read: list[object] = []
    real = rows.mapping

    def counted(row: Any) -> Any:
        read.append(row)
        return real(row)

    monkeypatch.setattr(rows, "mapping", counted)
    (one,) = await service.query("SELECT id FROM mapping WHERE commerce_key = 'K7'")
    page = await browser.page(
        f"/mappings?edit={one['id']}&saved={one['id']}&kind=vendor&commerce_key=K7"
    )
    assert "Vendor K7 is C7." in page.text
    assert form_to(page, "/mappings")["connectwise_key"] == "C7"
    assert 100 < len(read) <= 105
    await service.admin.get(f"/admin/mappings/{one['id']}")
    assert len(read) <= 106
    gone = await browser.page("/mappings?edit=999999999&saved=999999999")
    assert form_to(gone, "/mappings")["commerce_key"] == ""


async def test_the_mappings_that_orders_wait_for_are_shown_in_parts(
    service: Service, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.console.mappings.MISSING", 2)
    await held(service)
    for key in ("78", "79", "80"):
        said = no_company("company", "customer", "Contoso", key, ["CONTOSO"])
        await service.query(
            "INSERT INTO applied (order_id, step, subject, tenant_id, state, code, sentence, who)"
            " SELECT id, 'raise_ticket', $1, 1, 'held', 'MAPPING_MISSING', $2, 'operator' FROM orders",
            key,
            said,
        )
    page = await browser.page("/mappings")
    clean(page)
    assert "2 more" in page.text
    assert "/mappings?missing=2#missing" in page.links
    rest = await browser.page("/mappings?missing=2")
    assert "more" not in rest.text.partition("Add a mapping")[0].partition("wait for these")[2]
    forms = {x for one in (page, rest) for x in one.links if "commerce_key=" in x}
    assert forms == {f"/mappings?kind=company&commerce_key={n}#put" for n in (77, 78, 79, 80)}


async def test_another_key_that_differs_by_its_case_is_not_said_to_be_replaced(
    service: Service, browser: Browser
) -> None:
    """Ids of Commerce are texts, and two mappings; product numbers are the same in any case."""
    await service.admin.put("/admin/mappings", json={**MAPPING, "commerce_key": "Ab1"})
    product = {"kind": "product", "commerce_key": "CAB-2M", "connectwise_key": "CAB"}
    await service.admin.put("/admin/mappings", json=product)
    assert (
        "There is one" not in (await browser.page("/mappings?kind=company&commerce_key=AB1")).text
    )
    assert "There is one" in (await browser.page("/mappings?kind=company&commerce_key=Ab1")).text
    assert "There is one" in (await browser.page("/mappings?kind=product&commerce_key=Cab-2m")).text


async def test_whoever_may_read_only_sees_and_changes_nothing(service: Service) -> None:
    await service.key("reader", ["read"])
    await held(service)
    kept = (
        await service.admin.put("/admin/mappings", json={**MAPPING, "commerce_key": "5"})
    ).json()
    browser = await signed_in(service, "key of reader")
    own = form_to(await browser.page("/"), "/sign-out")
    for path in ("/mappings", f"/mappings?edit={kept['id']}", "/settings", "/what-if"):
        page = await browser.page(path)
        assert {form["action"] for form in page.forms} <= {
            "/",
            "/sign-out",
            "/mappings",
            "/what-if",
        }
        assert all(form["method"] == "get" for form in page.forms if form["action"] != "/sign-out")
    for path in ("/mappings", f"/mappings/{kept['id']}/remove", "/settings/live"):
        sent = {"form": own["form"], **MAPPING, "reason": "x", "was": "{}", "READ_LAG": "9"}
        assert (await browser.client.post(path, data=sent)).status_code == 403
    assert len((await service.admin.get("/admin/mappings")).json()["items"]) == 1


async def test_the_orders_of_another_tenant_are_not_named_by_an_address(service: Service) -> None:
    await service.tell("sales_order.approved")
    (order,) = await service.query("SELECT id FROM orders")
    await service.query("INSERT INTO tenant (id, name) VALUES (2, 'other')")
    await service.key("other", ["admin"], tenant=2)
    browser = await signed_in(service, "key of other")
    form = form_to(await browser.page("/mappings"), "/mappings")
    answer = await browser.client.post("/mappings", data={**form, **MAPPING, "reason": "mine"})
    (saved,) = re.findall(r"saved=\d+", answer.headers["location"])
    page = await browser.page(f"/mappings?{saved}&resumed={order['id']}.x.99999999999999999999")
    assert "Company 77 is Contoso." in page.text
    assert "ON10001201" not in page.text


# --- settings -------------------------------------------------------------------------------------


async def test_every_setting_has_its_place_and_no_secret_is_shown(
    service: Service, browser: Browser
) -> None:
    await service.admin.patch("/admin/settings", json={"INVOICE_POLICY": "shipped_only"})
    for group in Group:
        answer = await browser.client.get(f"/settings?group={group.value}")
        clean(Page(answer.text))
        for name in names_in(group):
            assert f'id="{name.upper()}"' in answer.text
        assert ADMIN_KEY not in answer.text
    service_s = await browser.page("/settings?group=service")
    told = service_s.text.split("ADMIN_API_KEY")[1].split("LOG_LEVEL")[0]
    assert "Set; it is never shown." in told
    page = await browser.page("/settings")
    assert "orders in flight keep theirs" in page.text
    policy = page.text.split("INVOICE_POLICY")[1].split("INVOICE_ACTION")[0]
    assert "Set here, in the database · default all_goods" in policy
    assert "From the scenario" in page.text


async def change(browser: Browser, group: str, reason: str = "why", **values: str) -> Any:
    answer = await browser.client.get(f"/settings?group={group}")
    form = form_to(Page(answer.text), f"/settings/{group}")
    # The parser of the test reads no select: a browser sends what is selected.
    selects = re.findall(r'<select [^>]*name="(\w+)"[^>]*>(.*?)</select>', answer.text, re.DOTALL)
    chosen = {name: re.findall(r'value="([^"]*)" selected', told) for name, told in selects}
    selected = {name: values[0] for name, values in chosen.items()}
    sent = {**selected, **form, "reason": reason, **values}
    return await browser.client.post(f"/settings/{group}", data=sent)


async def test_a_behaviour_setting_is_changed_for_the_orders_that_come_after(
    service: Service, browser: Browser
) -> None:
    answer = await change(browser, "behaviour", "agreed", INVOICE_POLICY="shipped_only")
    page = await browser.told(answer)
    assert "Changed: INVOICE_POLICY, for orders that come in from now on" in page.text
    assert "orders in flight keep theirs" in page.text
    (row,) = await audits(service, "settings.change")
    told = json.loads(row["data"]) if isinstance(row["data"], str) else row["data"]
    assert told == {"invoice_policy": "shipped_only", "reason": "agreed"}, "only what was changed"
    stored = await service.query("SELECT name FROM setting")
    assert [row["name"] for row in stored] == ["invoice_policy"]


async def test_what_somebody_else_changed_meanwhile_stays(
    service: Service, browser: Browser
) -> None:
    form = form_to(await browser.page("/settings?group=live"), "/settings/live")
    await service.admin.patch("/admin/settings", json={"READ_LAG": 7})
    sent = {**form, "reason": "why", "QUOTE_WAIT": "20"}
    assert form["READ_LAG"] == "3"
    told = await browser.told(await browser.client.post("/settings/live", data=sent))
    assert "Changed: QUOTE_WAIT, for orders in flight as well." in told.text
    items = (await service.admin.get("/admin/settings")).json()["items"]
    found = {item["name"]: item["value"] for item in items}
    assert (found["READ_LAG"], found["QUOTE_WAIT"]) == (7.0, 20.0)


async def test_wrong_settings_are_told_at_their_fields_and_nothing_is_changed(
    service: Service, browser: Browser
) -> None:
    answer = await change(browser, "live", READ_LAG="-1", QUOTE_WAIT="tea", RECEIPT_GAP="20")
    assert answer.status_code == 422
    page = Page(answer.text)
    clean(page)
    assert re.findall(r'id="e-s-(\w+)"', answer.text) == ["READ_LAG", "QUOTE_WAIT"]
    form = form_to(page, "/settings/live")
    assert (form["READ_LAG"], form["QUOTE_WAIT"], form["RECEIPT_GAP"]) == ("-1", "tea", "20")
    assert (
        form["was"] == form_to(await browser.page("/settings?group=live"), "/settings/live")["was"]
    )
    together = await change(browser, "behaviour", INVOICE_FROM="ticket")
    assert together.status_code == 422
    assert "invoice_from = opportunity" in Page(together.text).text
    unsaid = await change(browser, "live", " ", READ_LAG="5")
    assert "say why" in Page(unsaid.text).text
    same = await change(browser, "live")
    assert "No field differs" in Page(same.text).text
    assert await service.query("SELECT 1 FROM setting") == []


@pytest.mark.parametrize("was", ["", "[]", "{", "[" * 5000])
async def test_a_form_without_what_it_was_made_with_changes_nothing(
    service: Service, browser: Browser, was: str
) -> None:
    answer = await change(browser, "live", was=was, READ_LAG="5")
    assert answer.status_code == 422
    assert await service.query("SELECT 1 FROM setting") == []


async def test_what_the_environment_rules_has_no_form(browser: Browser) -> None:
    own = form_to(await browser.page("/settings?group=live"), "/settings/live")
    for group in ("service", "connection", "tea"):
        page = await browser.page(f"/settings?group={group}")
        assert not [form for form in page.forms if form["action"] == f"/settings/{group}"]
        sent = {"form": own["form"], "was": "{}", "PORT": "1", "reason": "x"}
        assert (await browser.client.post(f"/settings/{group}", data=sent)).status_code == 404


async def test_a_missing_setting_leads_to_its_field(service: Service, browser: Browser) -> None:
    await service.tell("quote.won", "sales_order.approved")
    said = "CONNECTWISE_BOARD is not set; ConnectWise has: none."
    await service.query(
        "INSERT INTO applied (order_id, step, subject, tenant_id, state, code, sentence, who,"
        " retry_at) SELECT id, 'raise_ticket', 'order', 1, 'held', 'SETTING_MISSING', $1,"
        " 'operator', now() + interval '1 day' FROM orders",
        said,
    )
    page = await browser.page("/orders/ON10001201")
    assert "/settings?group=names#CONNECTWISE_BOARD" in page.links
    assert unquote(page.text).count("Set CONNECTWISE_BOARD") >= 1


def test_every_kind_of_mapping_is_explained() -> None:
    assert all(MAPPING_KINDS.values())


async def test_d10_an_address_of_a_person_stands_on_no_page_but_the_form_that_changes_it(
    service: Service, browser: Browser
) -> None:
    body = {"kind": "contact", "commerce_key": "Dana.Cole@contoso.example", "connectwise_key": "31"}
    number = (await service.admin.put("/admin/mappings", json=body)).json()["id"]
    for path in ("/mappings", f"/mappings?saved={number}", "/audit"):
        told = (await browser.client.get(path)).text
        assert "d…@contoso.example" in told
        assert "dana.cole" not in told
    (kept,) = await service.query("SELECT * FROM audit WHERE action = 'mapping.put'")
    assert "dana.cole" not in json.dumps(dict(kept), default=str).casefold()
    form = (await browser.client.get(f"/mappings?edit={number}")).text
    assert 'value="dana.cole@contoso.example"' in form
    (shown,) = await service.query("SELECT * FROM audit WHERE action = 'mapping.reveal'")
    assert (shown["actor"], shown["target"]) == ("admin", "contact/d…@contoso.example")
