"""Signing in: what is asked of Intuit, and what its answers mean."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import respx

from app.connectors.quickbooks.oauth import App, SignIn, consent_address, tokens_of
from app.domain.books import Tokens
from app.domain.errors import FailureKind as Kind
from app.domain.errors import RemoteFailure
from tests.unit.connectwise_stub import ManualClock

APP = App("client", "secret", "https://demandlink.example/callback")
NOW = datetime(2026, 11, 19, 10, tzinfo=UTC)
OLD = Tokens("access-1", "refresh-1", NOW)
GIVEN = {
    "access_token": "access-2",
    "refresh_token": "refresh-2",
    "expires_in": 3600,
    "x_refresh_token_expires_in": 8640000,
    "x_refresh_token_hard_expires_in": 157680000,
}


def sign_in(answers: respx.MockRouter) -> SignIn:
    transport = httpx.MockTransport(answers.async_handler)
    return SignIn(APP, clock=ManualClock(), transport=transport)


@pytest.fixture
def answers() -> respx.MockRouter:
    return respx.MockRouter(assert_all_called=False)


def test_a_person_is_sent_to_consent_with_a_state() -> None:
    address = urlsplit(consent_address(APP, "state/1"))
    assert address.netloc == "appcenter.intuit.com"
    assert parse_qs(address.query) == {
        "client_id": ["client"],
        "response_type": ["code"],
        "scope": ["com.intuit.quickbooks.accounting"],
        "redirect_uri": ["https://demandlink.example/callback"],
        "state": ["state/1"],
    }


async def test_a_code_is_exchanged_as_the_app(answers: respx.MockRouter) -> None:
    route = answers.post("https://oauth.platform.intuit.com/oauth2/v1/tokens/bearer").respond(
        json=GIVEN
    )
    tokens = await sign_in(answers).by_code("code-1", NOW)
    request = route.calls.last.request
    assert request.headers["Authorization"] == "Basic Y2xpZW50OnNlY3JldA=="  # client:secret
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert request.headers["x-include-refresh-token-hard-expires-in"] == "true"
    assert parse_qs(request.content.decode()) == {
        "grant_type": ["authorization_code"],
        "code": ["code-1"],
        "redirect_uri": ["https://demandlink.example/callback"],
    }
    assert tokens == Tokens(
        "access-2",
        "refresh-2",
        NOW + timedelta(hours=1),
        NOW + timedelta(days=100),
        NOW + timedelta(days=1825),
    )


async def test_a_refresh_takes_the_newest_token_of_the_answer(answers: respx.MockRouter) -> None:
    route = answers.post(path="/oauth2/v1/tokens/bearer").respond(json=GIVEN)
    tokens = await sign_in(answers).refresh(OLD, NOW)
    assert parse_qs(route.calls.last.request.content.decode())["refresh_token"] == ["refresh-1"]
    assert tokens.refresh == "refresh-2"


def test_tokens_never_show_in_a_text() -> None:
    tokens = tokens_of(b'{"access_token":"aaa","refresh_token":"rrr"}', NOW)
    shown = f"{tokens!r} {APP!r}"
    assert not [word for word in ("aaa", "rrr", "secret'") if word in shown]


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, {"error": "invalid_grant"}, Kind.UNAUTHENTICATED),
        (401, {"error": "invalid_client"}, Kind.UNAUTHENTICATED),
        (400, {"error": "invalid_request"}, Kind.REJECTED),
        (429, None, Kind.RATE_LIMITED),
        (500, None, Kind.OUTCOME_UNKNOWN),
        (200, {"access_token": "only"}, Kind.OUTCOME_UNKNOWN),
        (200, ["no", "object"], Kind.OUTCOME_UNKNOWN),
        (200, {"access_token": 1, "refresh_token": 2}, Kind.OUTCOME_UNKNOWN),
    ],
)
async def test_each_answer_of_the_sign_in_has_a_meaning(
    answers: respx.MockRouter, status: int, body: Any, kind: Kind
) -> None:
    given = httpx.Response(status, json=body) if body is not None else httpx.Response(status)
    answers.post(path="/oauth2/v1/tokens/bearer").mock(return_value=given)
    with pytest.raises(RemoteFailure) as caught:
        await sign_in(answers).refresh(OLD, NOW)
    assert caught.value.kind is kind


async def test_a_lost_answer_to_a_refresh_is_in_doubt(answers: respx.MockRouter) -> None:
    answers.post(path="/oauth2/v1/tokens/bearer").mock(side_effect=httpx.ReadTimeout("late"))
    with pytest.raises(RemoteFailure) as caught:
        await sign_in(answers).refresh(OLD, NOW)
    assert caught.value.kind is Kind.OUTCOME_UNKNOWN


@pytest.mark.parametrize("status", [200, 400])
async def test_a_consent_is_given_back_once_or_twice(
    answers: respx.MockRouter, status: int
) -> None:
    route = answers.post("https://developer.api.intuit.com/v2/oauth2/tokens/revoke").respond(status)
    await sign_in(answers).revoke(OLD)
    assert route.calls.last.request.content == b'{"token":"refresh-1"}'
    assert route.calls.last.request.headers["Content-Type"] == "application/json"


def test_an_answer_without_times_is_taken_for_the_documented_hour() -> None:
    tokens = tokens_of(b'{"access_token":"a","refresh_token":"r","expires_in":"soon"}', NOW)
    assert tokens.access_until == NOW + timedelta(hours=1)
    assert tokens.grant_until is None
