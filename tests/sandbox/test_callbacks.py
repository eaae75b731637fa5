from __future__ import annotations

import json
from typing import Any

import pytest

from sandbox.connectwise.callbacks import sign
from tests.sandbox.desk import Desk

URL = "https://host.example/hook?recordId="


class Hook:
    """What stands behind a callback address: keeps what comes, and answers as it is told."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.received: list[tuple[str, bytes, dict[str, str]]] = []
        self.answers: list[int] = []
        desk.app.sender.post = self.post

    async def post(self, url: str, body: bytes, headers: dict[str, str]) -> int:
        self.received.append((url, body, headers))
        return self.answers.pop(0) if self.answers else 204

    @property
    def payloads(self) -> list[Any]:
        self.desk.deliver()
        return [json.loads(body) for _, body, _ in self.received]

    def told(self) -> list[tuple[str, str, int]]:
        """Type, action and record of what came since the last look."""
        found = [(each["Type"], each["Action"], each["ID"]) for each in self.payloads]
        self.received.clear()
        return found


@pytest.fixture
def hook(desk: Desk) -> Hook:
    return Hook(desk)


def register(desk: Desk, kind: str, level: str = "owner", number: int = 1, **more: Any) -> Any:
    body = {"url": URL, "objectId": number, "type": kind, "level": level}
    return desk.post("/system/callbacks", body | more)


def test_the_signature_is_the_vendor_s_algorithm() -> None:
    body = b'{"Action":"updated","Metadata":{"key_url":"https://x"}}'
    assert sign("my-signing-key", body) == "HxEo6sxqT2QJfMXvwMbq0JU9y5GHI4ComR41b9pORXs="


def test_a_change_is_sent_signed_with_the_documented_payload(desk: Desk, hook: Hook) -> None:
    entry = register(desk, "opportunity")
    desk.win()
    (payload,) = hook.payloads
    ((url, body, headers),) = hook.received
    assert url == "https://host.example/hook?recordId=88&action=updated"
    assert payload["Action"] == "updated"
    assert payload["Type"] == "opportunity"
    assert payload["ID"] == 88
    assert payload["CallbackObjectRecId"] == entry["id"]
    assert payload["CompanyId"] == "training"
    assert payload["MemberId"] == "integration"
    summary = json.loads(payload["Entity"])
    assert summary["name"] == "Desk refresh"
    assert set(summary["_info"]) == {"lastUpdated", "updatedBy"}
    key_url = payload["Metadata"]["key_url"]
    assert "//system/callbackkey/index.rails?companyName=training&id=" in key_url
    path, _, query = key_url.partition("?")
    number = query.partition("id=")[2]
    answer = desk.send(
        "GET",
        path.removeprefix("http://127.0.0.1:8080"),
        prefix="",
        headers={"authorization": "", "clientid": ""},
        companyName="training",
        id=number,
    )
    assert headers["x-content-signature"] == sign(answer.json["signing_key"], body)


def test_the_key_address_refuses_strangers_and_asks_for_credentials_by_switch(desk: Desk) -> None:
    path = "/v4_6_release//system/callbackkey/index.rails"
    assert desk.send("GET", path, prefix="", companyName="training", id="1").status == 404
    desk.switch(key_url_needs_auth=True)
    nobody = {"authorization": "", "clientid": ""}
    answer = desk.send("GET", path, prefix="", headers=nobody, companyName="training", id="1")
    assert answer.status == 401


def test_adding_updating_and_deleting_are_told_apart(desk: Desk, hook: Hook) -> None:
    for kind in ("company", "contact", "productcatalog", "ticket", "invoice", "purchaseorder"):
        register(desk, kind)
    company = desk.post("/company/companies", {"identifier": "Fab", "name": "Fab"})
    assert hook.told() == [("company", "added", company["id"])]
    path = f"/company/companies/{company['id']}"
    desk.patch(path, phoneNumber="1")
    assert hook.told() == [("company", "updated", company["id"])]
    desk.send("DELETE", path)
    (payload,) = hook.payloads
    assert (payload["Action"], payload["Entity"]) == ("deleted", None)
    hook.received.clear()
    desk.plain_product("CABLE")
    assert [kind for kind, _, _ in hook.told()] == ["productcatalog"]
    ticket = {"summary": "x", "company": {"id": 250}}
    desk.post("/service/tickets", ticket | {"skipCallback": True})
    assert hook.told() == []
    made = desk.post("/service/tickets", ticket)
    assert hook.told() == [("ticket", "added", made["id"])]


def test_sales_orders_and_products_have_no_callbacks(desk: Desk, hook: Hook) -> None:
    register(desk, "opportunity")
    desk.switch(callback_on_convert=False)
    order = desk.convert()
    desk.patch(f"/sales/orders/{order['id']}", notes="x")
    product = desk.products(salesOrder=order["id"])["DELL-WD22TB4"]
    desk.patch(f"/procurement/products/{product['id']}", internalNotes="x")
    assert hook.told() == []


def test_converting_and_receiving_are_told_by_switch(desk: Desk, hook: Hook) -> None:
    register(desk, "opportunity")
    register(desk, "purchaseorder")
    order = desk.convert()
    assert hook.told() == [("opportunity", "updated", 88)]
    product = desk.products(salesOrder=order["id"])["DELL-WD22TB4"]
    purchase = desk.demand((product["id"], 3))
    assert hook.told() == [("purchaseorder", "added", purchase["id"])]
    (line,) = desk.lines(purchase["id"])
    desk.receive(line, 1, "PartiallyReceiveCloneRest")
    assert hook.told() == [("purchaseorder", "updated", purchase["id"])]
    desk.switch(callback_on_receive=False)
    desk.receive(desk.lines(purchase["id"])[1], 2)
    assert hook.told() == []


def test_a_level_narrows_what_is_told(desk: Desk, hook: Hook) -> None:
    register(desk, "opportunity", "statusid", 2)
    register(desk, "company", "company", 251, url="https://host.example/two?recordId=")
    desk.patch("/sales/opportunities/88", notes="still open")
    desk.patch("/company/companies/250", phoneNumber="1")
    assert hook.told() == []
    desk.win()
    desk.patch("/company/companies/251", phoneNumber="1")
    assert hook.told() == [("opportunity", "updated", 88), ("company", "updated", 251)]


def test_a_level_also_finds_references_in_lists_and_to_what_is_not_kept_here(
    desk: Desk, hook: Hook
) -> None:
    """The seeded vendors have the company type 4, the members the security role 63."""
    register(desk, "company", "type", 4)
    register(desk, "member", "securityrole", 63)
    register(desk, "member", "securityrole", 64)
    vendor, customer = desk.vendor("INGRAM"), 250
    for number in (vendor, customer):
        desk.patch(f"/company/companies/{number}", phoneNumber="1")
    desk.patch("/system/members/141", title="Buyer")
    assert hook.told() == [("company", "updated", vendor), ("member", "updated", 141)]


# connectwise.md 2.2, beside the level owner, which every type has.
LEVELS = {
    "activity": "Status Type Company Activity",
    "agreement": "Type Company Agreement",
    "company": "Status Type Territory Company IntegratorTag",
    "contact": "Type Territory Company Contact",
    "configuration": "Type Status Configuration",
    "invoice": "Status Company Invoice",
    "expense": "ChargeToType Type Class Company Expense",
    "member": "Location SecurityRole Member",
    "opportunity": "StatusId Company Opportunity",
    "productcatalog": "",
    "project": "Status Board Project",
    "purchaseorder": "Status Vendor Company PurchaseOrder",
    "schedule": "Status Type Location Member Schedule",
    "ticket": "Board Project Phase Status Ticket IntegratorTag",
    "time": "Company Time",
}


@pytest.mark.parametrize("kind", LEVELS)
def test_each_type_takes_its_own_levels_and_no_other(desk: Desk, kind: str) -> None:
    own = {"Owner", *LEVELS[kind].split()}
    every = {"Owner"}.union(*(levels.split() for levels in LEVELS.values()))
    for level in sorted(every):
        body = {"url": URL, "objectId": 1, "type": kind, "level": level}
        answer = desk.send("POST", "/system/callbacks", body)
        assert answer.status == (201 if level in own else 400), level
        assert level in own or answer.codes == [("InvalidField", "level")]


def test_own_changes_are_suppressed_and_a_person_s_are_not(desk: Desk, hook: Hook) -> None:
    register(desk, "opportunity", isSelfSuppressedFlag=True)
    desk.win()
    assert hook.told() == []
    desk.act("convert_opportunity", 88)
    (payload,) = hook.payloads
    assert payload["MemberId"] == "person"


def test_an_inactive_registration_hears_nothing(desk: Desk, hook: Hook) -> None:
    entry = register(desk, "opportunity")
    desk.patch(f"/system/callbacks/{entry['id']}", inactiveFlag=True)
    desk.win()
    assert hook.told() == []


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"type": "salesorder"}, "Unrecognized level for type"),
        ({"level": "vendor"}, "Unrecognized level for type"),
        ({"url": "host.example/hook"}, "Invalid URL"),
        ({"objectId": 7}, "objectId must be 1"),
        ({"url": None}, "The url field is required."),
        ({"description": "x" * 101}, "maximum length of 100"),
    ],
)
def test_a_registration_that_makes_no_sense_is_refused(
    desk: Desk, body: dict[str, Any], message: str
) -> None:
    good = {"url": URL, "objectId": 1, "type": "opportunity", "level": "owner"}
    assert message in desk.refused("POST", "/system/callbacks", good | body).messages


def test_the_same_registration_exists_only_once(desk: Desk) -> None:
    entry = register(desk, "opportunity", objectId=0)
    assert (entry["objectId"], entry["memberId"]) == (1, 140)
    body = {"url": URL, "objectId": 1, "type": "Opportunity", "level": "Owner"}
    answer = desk.refused("POST", "/system/callbacks", body)
    assert answer.codes == [("ObjectExists", "objectId")]
    register(desk, "ticket")


@pytest.mark.parametrize(
    ("answers", "tries", "waits"),
    [
        ([204], [204], []),
        ([429, 200], [429, 200], [2.0]),
        ([404, 409, 202], [404, 409, 202], [2.0, 4.0]),
        ([419, 429, 429], [419, 429, 429], [2.0, 4.0]),
        ([500], [500], []),
        ([401], [401], []),
        ([0], [0], []),
    ],
)
def test_only_four_statuses_are_tried_again_and_twice_at_most(
    desk: Desk, hook: Hook, answers: list[int], tries: list[int], waits: list[float]
) -> None:
    register(desk, "opportunity")
    hook.answers = list(answers)
    desk.win()
    desk.slept.clear()
    desk.deliver()
    assert desk.slept == waits
    (sent,) = desk.control("GET", "/callbacks").json
    assert sent["tries"] == tries


@pytest.mark.parametrize(("switch", "count"), [("same", 1), ("new", 2)])
def test_a_retry_carries_the_same_message_id_or_a_new_one_by_switch(
    desk: Desk, hook: Hook, switch: str, count: int
) -> None:
    desk.switch(message_id_on_retry=switch)
    register(desk, "opportunity")
    hook.answers = [429]
    desk.win()
    assert len({payload["MessageId"] for payload in hook.payloads}) == count


def test_three_days_of_failures_switch_a_registration_off(desk: Desk, hook: Hook) -> None:
    entry = register(desk, "company")
    hook.answers = [500, 500, 500]
    for phone in ("1", "2"):
        desk.patch("/company/companies/250", phoneNumber=phone)
        desk.deliver()
        desk.pass_time(2 * 24 * 3600)
    assert desk.get(f"/system/callbacks/{entry['id']}")["inactiveFlag"] is False
    desk.patch("/company/companies/250", phoneNumber="3")
    desk.deliver()
    assert desk.get(f"/system/callbacks/{entry['id']}")["inactiveFlag"] is True


def test_one_that_is_switched_on_again_is_tried_for_another_three_days(
    desk: Desk, hook: Hook
) -> None:
    entry = register(desk, "company")
    path = f"/system/callbacks/{entry['id']}"
    hook.answers = [500, 500, 500, 500]

    def fails() -> bool:
        desk.patch("/company/companies/250", phoneNumber=str(len(hook.received)))
        desk.deliver()
        return bool(desk.get(path)["inactiveFlag"])

    assert not fails()
    desk.pass_time(3 * 24 * 3600)
    assert fails()
    desk.patch(path, inactiveFlag=False)
    desk.pass_time(3 * 24 * 3600)
    assert not fails()
    desk.pass_time(3 * 24 * 3600)
    assert fails()


def test_one_success_between_begins_the_three_days_anew(desk: Desk, hook: Hook) -> None:
    entry = register(desk, "company")
    hook.answers = [500, 204, 500]
    for phone in ("1", "2", "3"):
        desk.patch("/company/companies/250", phoneNumber=phone)
        desk.deliver()
        desk.pass_time(2 * 24 * 3600)
    assert desk.get(f"/system/callbacks/{entry['id']}")["inactiveFlag"] is False


def test_a_registration_cannot_be_changed_into_another_or_given_to_somebody(desk: Desk) -> None:
    register(desk, "opportunity")
    second = register(desk, "ticket")
    path = f"/system/callbacks/{second['id']}"
    answer = desk.try_patch(path, type="opportunity")
    assert (answer.status, answer.codes) == (400, [("ObjectExists", "objectId")])
    assert desk.try_patch(path, level="vendor").status == 400
    assert desk.patch(path, memberId=141)["memberId"] == second["memberId"]
