from __future__ import annotations

import base64
import hashlib
import json

import pytest

from tests.sandbox.xero.desk import BACK, SCOPES, Desk


def test_a_code_is_good_once_and_for_five_minutes(desk: Desk) -> None:
    back = desk.consent()
    assert back["state"] == "s1"
    form = {"grant_type": "authorization_code", "code": back["code"], "redirect_uri": BACK}
    assert desk.token(**form).status == 200
    assert desk.token(**form).json == {"error": "invalid_grant"}
    late = desk.consent()["code"]
    desk.pass_time(301)
    assert desk.token(**form | {"code": late}).json == {"error": "invalid_grant"}
    fresh = desk.consent()["code"]
    answer = desk.token(**form | {"code": fresh, "redirect_uri": f"{BACK}/other"})
    assert answer.json == {"error": "invalid_grant"}


def test_a_client_is_known_by_its_secret_in_the_head_or_in_the_form(desk: Desk) -> None:
    form = {"grant_type": "refresh_token", "refresh_token": "x", "client_secret": "wrong"}
    assert desk.token(**form).json == {"error": "invalid_client"}
    mine = desk.api.credentials
    login = base64.b64encode(f"{mine.client_id}:{mine.client_secret}".encode()).decode()
    answer = desk.send(
        "POST", "/connect/token", prefix="", headers={"authorization": f"Basic {login}"},
        raw=b"grant_type=refresh_token&refresh_token=x",
    )  # fmt: skip
    assert answer.json == {"error": "invalid_grant"}
    assert desk.token(grant_type="password").json == {"error": "unsupported_grant_type"}


def test_a_code_with_a_challenge_needs_its_verifier(desk: Desk) -> None:
    digest = hashlib.sha256(b"a long verifier").digest()
    challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    form = {"grant_type": "authorization_code", "redirect_uri": BACK}
    code = desk.consent(code_challenge=challenge, code_challenge_method="S256")["code"]
    answer = desk.token(**form, code=code, code_verifier="another")
    assert answer.status == 400
    code = desk.consent(code_challenge=challenge, code_challenge_method="S256")["code"]
    assert desk.token(**form, code=code, code_verifier="a long verifier").status == 200


@pytest.mark.parametrize(
    ("scope", "switches", "error"),
    [
        ("accounting.transactions", {}, "invalid_scope"),
        ("", {}, "invalid_scope"),
        (SCOPES, {"consent": False}, "access_denied"),
    ],
)
def test_consent_can_fail(desk: Desk, scope: str, switches: dict[str, bool], error: str) -> None:
    desk.switch(**switches)
    assert desk.consent(scope)["error"] == error


def test_broad_scopes_are_for_old_apps(desk: Desk) -> None:
    desk.switch(broad_scopes=True)
    desk.log_in("accounting.transactions")
    assert desk.send("GET", "/Invoices").status == 200
    assert desk.send("GET", "/Contacts").status == 403


def test_an_access_token_lives_thirty_minutes(desk: Desk) -> None:
    granted = desk.log_in()
    assert (granted["expires_in"], granted["token_type"]) == (1800, "Bearer")
    desk.pass_time(1799)
    assert desk.send("GET", "/Organisation").status == 200
    desk.pass_time(1)
    answer = desk.send("GET", "/Organisation")
    assert (answer.status, answer.json["Title"]) == (401, "Unauthorized")
    assert answer.json["Detail"].startswith("TokenExpired")


def test_a_refresh_token_rotates_and_the_one_before_works_half_an_hour_more(desk: Desk) -> None:
    first = desk.granted()["refresh_token"]
    second = desk.token(grant_type="refresh_token", refresh_token=first).json["refresh_token"]
    assert second != first
    desk.pass_time(1799)
    third = desk.token(grant_type="refresh_token", refresh_token=first)
    assert third.status == 200
    desk.pass_time(1)
    assert desk.token(grant_type="refresh_token", refresh_token=first).status == 400
    assert desk.token(grant_type="refresh_token", refresh_token=second).status == 200
    desk.pass_time(60 * 86_400)
    last = third.json["refresh_token"]
    assert desk.token(grant_type="refresh_token", refresh_token=last).status == 400


def test_a_revoked_grant_ends_its_tokens_and_its_connections(desk: Desk) -> None:
    granted = desk.log_in()
    assert len(desk.get("/connections", prefix="")) == 1
    mine = desk.api.credentials
    form = f"token={granted['refresh_token']}&client_id={mine.client_id}"
    form += f"&client_secret={mine.client_secret}"
    answer = desk.send("POST", "/connect/revocation", raw=form.encode(), prefix="")
    assert (answer.status, answer.raw) == (200, b"")
    assert desk.send("GET", "/Organisation").status == 401
    refreshed = desk.token(grant_type="refresh_token", refresh_token=granted["refresh_token"])
    assert refreshed.status == 400


def test_the_token_names_the_consent_by_which_its_connection_is_found(desk: Desk) -> None:
    granted = desk.log_in()
    middle = granted["access_token"].split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
    event = claims["authentication_event_id"]
    (found,) = desk.get("/connections", prefix="", authEventId=event)
    assert (found["tenantId"], found["tenantType"]) == (
        desk.api.credentials.tenant_id, "ORGANISATION",
    )  # fmt: skip
    assert desk.get("/connections", prefix="", authEventId="another") == []
    gone = desk.send("DELETE", f"/connections/{found['id']}", prefix="")
    assert gone.status == 204
    assert desk.send("DELETE", f"/connections/{found['id']}", prefix="").status == 404
    answer = desk.send("GET", "/Organisation")
    assert (answer.status, answer.json["Title"]) == (403, "Forbidden")


def test_another_tenant_is_forbidden(desk: Desk) -> None:
    answer = desk.send("GET", "/Organisation", headers={"xero-tenant-id": "another"})
    assert (answer.status, answer.json["Detail"]) == (403, "AuthenticationUnsuccessful")
    assert desk.send("GET", "/Organisation", headers={"authorization": ""}).status == 401


@pytest.mark.parametrize("status", [401, 403])
def test_a_scope_is_asked_for_by_record_and_verb(desk: Desk, status: int) -> None:
    desk.switch(missing_scope_status=status)
    desk.log_in("offline_access accounting.invoices accounting.contacts.read")
    assert desk.send("GET", "/PurchaseOrders").status == 200
    assert desk.send("GET", "/Items").status == 200
    assert desk.send("GET", "/Contacts").status == 200
    for method, path in (("PUT", "/Contacts"), ("GET", "/Accounts"), ("GET", "/Payments")):
        answer = desk.send(method, path, {"Name": "New"} if method == "PUT" else None)
        assert (answer.status, answer.json["Detail"]) == (status, "AuthorizationUnsuccessful")


# --- limits


def test_the_minute_is_a_fixed_window_and_says_how_long_it_lasts(desk: Desk) -> None:
    desk.switch(requests_per_minute=60)
    desk.pass_time(20)
    answers = [desk.send("GET", "/Organisation") for _ in range(61)]
    assert [one.status for one in answers] == [200] * 60 + [429]
    assert answers[0].headers["x-minlimit-remaining"] == "59"
    assert answers[0].headers["x-appminlimit-remaining"] == "9999"
    refused = answers[-1].headers
    assert (refused["x-rate-limit-problem"], refused["retry-after"]) == ("minute", "57")
    assert refused["x-minlimit-remaining"] == "0"
    desk.pass_time(56)
    assert desk.send("GET", "/Organisation").status == 429
    desk.pass_time(1)
    assert desk.send("GET", "/Organisation").status == 200


@pytest.mark.parametrize(("tier", "calls"), [("starter", 1_000), ("core", 5_000), ("plus", 5_000)])
def test_the_day_depends_on_the_tier(desk: Desk, tier: str, calls: int) -> None:
    desk.switch(tier=tier, rate_limit_word="sentence")
    desk.api.limits.day.at(desk.clock.timestamp())
    desk.api.limits.day.used = calls - 1
    assert desk.send("GET", "/Organisation").headers["x-daylimit-remaining"] == "0"
    refused = desk.send("GET", "/Organisation")
    assert (refused.status, refused.headers["x-rate-limit-problem"]) == (429, "Daily limit")
    assert 3600 < int(refused.headers["retry-after"]) <= 86_400
    desk.pass_time(int(refused.headers["retry-after"]))
    assert desk.send("GET", "/Organisation").status == 200


def test_five_calls_may_be_in_flight(desk: Desk) -> None:
    asked = [desk.request("GET", "/Organisation") for _ in range(6)]
    notes = [desk.api.admit(request)[1] for request in asked]
    replies = [desk.api.answer(request, note) for request, note in zip(asked, notes, strict=True)]
    assert [reply.status for reply in replies] == [200] * 5 + [429]
    headers = dict(replies[-1].headers)
    assert headers["x-rate-limit-problem"] == "concurrent"
    assert "retry-after" not in headers
    assert desk.send("GET", "/Organisation").status == 200


# --- keys


def test_a_key_replays_its_answer_for_six_minutes(desk: Desk) -> None:
    key = {"idempotency-key": "dl:1:bill"}
    first = desk.send("PUT", "/Invoices", {"Invoices": [desk.bill()]}, headers=key)
    desk.pass_time(359)
    before = int(first.headers["x-daylimit-remaining"])
    again = desk.send("PUT", "/Invoices", {"Invoices": [desk.bill()]}, headers=key)
    assert again.raw == first.raw
    assert int(again.headers["x-daylimit-remaining"]) < before
    assert len(desk.all("Invoices")) == 1
    desk.pass_time(1)
    later = desk.send("PUT", "/Invoices", {"Invoices": [desk.bill()]}, headers=key)
    assert later.status == 200
    assert len(desk.all("Invoices")) == 2


@pytest.mark.parametrize("change", ["body", "path", "method"])
def test_a_key_with_another_request_is_refused(desk: Desk, change: str) -> None:
    key = {"idempotency-key": "k"}
    bill = desk.bill()
    desk.send("PUT", "/Invoices", {"Invoices": [bill]}, headers=key)
    answer = desk.send(
        "POST" if change == "method" else "PUT",
        "/CreditNotes" if change == "path" else "/Invoices",
        {"Invoices": [bill | ({"Reference": "x"} if change == "body" else {})]},
        headers=key,
    )
    assert answer.status == 400
    assert "is used with a different request" in answer.json["Detail"]


def test_refusals_are_replayed_too_and_a_lost_answer_is_found_by_its_key(desk: Desk) -> None:
    key = {"idempotency-key": "refused"}
    bill = desk.bill(CurrencyCode="EUR")
    desk.switch(multicurrency=False)
    assert desk.send("PUT", "/Invoices", bill, headers=key).status == 400
    desk.switch(multicurrency=True)
    assert desk.send("PUT", "/Invoices", bill, headers=key).status == 400
    desk.fault(kind="lose_reply", method="PUT", path="^/Invoices$")
    lost = {"idempotency-key": "lost"}
    assert desk.send("PUT", "/Invoices", bill, headers=lost).dropped
    found = desk.send("PUT", "/Invoices", bill, headers=lost).json["Invoices"][0]
    assert [each["InvoiceID"] for each in desk.all("Invoices")] == [found["InvoiceID"]]


@pytest.mark.parametrize("key", ["", "x" * 129])
def test_a_key_has_a_length(desk: Desk, key: str) -> None:
    answer = desk.send("PUT", "/Invoices", desk.bill(), headers={"idempotency-key": key})
    assert answer.status == 400
    assert desk.all("Invoices") == []


def test_an_organisation_can_be_offline(desk: Desk) -> None:
    desk.switch(offline=True)
    answer = desk.send("GET", "/Organisation")
    assert (answer.status, b"offline" in answer.raw) == (503, True)
