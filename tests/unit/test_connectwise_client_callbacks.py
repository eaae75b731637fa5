"""Callbacks: the signature over raw bytes, and which address a signing key may come from."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import Callable

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.connectors.connectwise import callbacks
from app.connectors.connectwise.callbacks import (
    CallbackVerifier,
    KeyAddressRefused,
    KeyUnreachable,
    NotFromConnectWise,
)
from tests.unit.connectwise_stub import ACCESS, ManualClock
from tests.unit.http_server import always, http, serving

KEY_ID = "e17e6674-42f6-4105-9cff-4cd6cb4e62e8"
PATH = "/v2025_1//system/callbackkey/index.rails"
KEY_URL = f"https://na.myconnectwise.net{PATH}?companyName=dunder&id={KEY_ID}"
LOCAL = dataclasses.replace(ACCESS, base_url="http://127.0.0.1:8101/v4_6_release/apis/3.0")


def body_of(key_url: str | None = KEY_URL, **more: object) -> bytes:
    entity = {"id": 57961, "_info": {"lastUpdated": "2026-06-09T21:59:49Z"}}
    payload: dict[str, object] = {
        "Action": "updated",
        "CompanyId": "dunder",
        "Entity": json.dumps(entity),
        "ID": 57961,
        "MessageId": "6dd82302-5e46-47c0-8c84-702868125b76",
        "Metadata": {"key_url": key_url},
        "Type": "PurchaseOrder",
    }
    return json.dumps(payload | more).encode()


class Keys:
    """A key server: the key it gives, and how often it was asked for what."""

    def __init__(self, key: str = "key-1") -> None:
        self.key = key
        self.status = 200
        self.failure: Exception | None = None
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if self.failure is not None:
            raise self.failure
        return httpx.Response(self.status, json={"signing_key": self.key})


def verifier_of(keys: Callable[[httpx.Request], httpx.Response], **more) -> CallbackVerifier:
    return CallbackVerifier(
        ACCESS, clock=more.pop("clock", ManualClock()), transport=httpx.MockTransport(keys), **more
    )


def signed(body: bytes, key: str = "key-1") -> tuple[bytes, str]:
    return body, callbacks.signature(key, body)


# --- the signature --------------------------------------------------------------------------------


def test_the_algorithm_gives_the_known_vector() -> None:
    body = b'{"Action":"updated","Metadata":{"key_url":"https://x"}}'
    wanted = "HxEo6sxqT2QJfMXvwMbq0JU9y5GHI4ComR41b9pORXs="
    assert callbacks.signature("my-signing-key", body) == wanted


def test_an_empty_key_fits_nothing() -> None:
    assert not callbacks.fits("", b"{}", callbacks.signature("", b"{}"))


@given(st.binary(max_size=50), st.text(max_size=60))
def test_no_other_text_is_taken_for_the_signature(body: bytes, given_: str) -> None:
    if given_.strip() != callbacks.signature("key", body):
        assert not callbacks.fits("key", body, given_)


async def test_a_genuine_callback_is_read() -> None:
    verifier = verifier_of(Keys())
    callback = await verifier.verify(*signed(body_of()))
    assert (callback.type, callback.action, callback.record_id) == (
        "purchaseorder",
        "updated",
        57961,
    )
    assert callback.entity is not None
    assert callback.external_id == (
        "6dd82302-5e46-47c0-8c84-702868125b76:purchaseorder:57961:2026-06-09T21:59:49Z:updated"
    )
    await verifier.aclose()


async def test_the_raw_bytes_are_signed_and_not_what_they_mean() -> None:
    verifier = verifier_of(Keys())
    body = body_of()
    _, signature = signed(body)
    with pytest.raises(NotFromConnectWise):
        await verifier.verify(body.replace(b", ", b","), signature)


@pytest.mark.parametrize("given_", [None, "", "x", "é", "\x00", "A" * 5_000])
async def test_a_missing_or_senseless_signature_is_refused(given_) -> None:
    with pytest.raises(NotFromConnectWise):
        await verifier_of(Keys()).verify(body_of(), given_)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff",
        b"[]",
        b"{}",
        b'{"Metadata":null}',
        b"[" * 50_000,
        b'{"Metadata":{"key_url":1}}',
    ],
)
async def test_a_body_that_names_no_key_is_refused_without_a_call(body) -> None:
    keys = Keys()
    with pytest.raises(NotFromConnectWise):
        await verifier_of(keys).verify(body, "x")
    assert keys.requests == []


async def test_an_unsigned_delivery_costs_no_call() -> None:
    keys = Keys()
    with pytest.raises(NotFromConnectWise):
        await verifier_of(keys).verify(body_of(), None)
    assert keys.requests == []


# --- where a key may come from --------------------------------------------------------------------

ALLOWED = [
    KEY_URL,
    KEY_URL.replace("//na.", "//api-na."),
    KEY_URL.replace("//na.", "//NA."),
    KEY_URL.replace("_1//system", "_1/system"),
    KEY_URL.replace("net/", "net:443/", 1),
    KEY_URL.replace("dunder", "Dunder"),
]
REFUSED = [
    KEY_URL.replace("https", "http"),
    KEY_URL.replace("na.myconnectwise.net", "evil.example"),
    KEY_URL.replace("na.myconnectwise.net", "na.myconnectwise.net.evil.example"),
    KEY_URL.replace("na.myconnectwise.net", "eu.myconnectwise.net"),
    KEY_URL.replace("na.myconnectwise.net", "api-api-na.myconnectwise.net"),
    KEY_URL.replace("na.myconnectwise.net", "na.myconnectwise.net@evil.example"),
    KEY_URL.replace("na.myconnectwise.net", "user:pass@na.myconnectwise.net"),
    KEY_URL.replace("na.myconnectwise.net", "evil.example\\@na.myconnectwise.net"),
    KEY_URL.replace("na.myconnectwise.net", "127.0.0.1"),
    KEY_URL.replace("na.myconnectwise.net", "na.myconnectwise.net:8443"),
    KEY_URL.replace("na.myconnectwise.net", "na.myconnectwise.net:x"),
    KEY_URL.replace("https://na.myconnectwise.net", ""),
    KEY_URL.replace("https://", "//"),
    KEY_URL.replace("index.rails", "index.rails/../../other"),
    KEY_URL.replace("callbackkey", "%63allbackkey"),
    KEY_URL.replace("index.rails", "index.rails;x"),
    KEY_URL.replace("callbackkey/index.rails", "info"),
    KEY_URL.replace("dunder", "other"),
    KEY_URL.replace("companyName=dunder", "companyName=dunder&companyName=other"),
    KEY_URL.replace("companyName=dunder&", ""),
    KEY_URL.replace(f"id={KEY_ID}", "id="),
    KEY_URL.replace(f"id={KEY_ID}", f"id={KEY_ID}&id=2"),
    KEY_URL.replace(KEY_ID, "a%20b"),
    KEY_URL.replace(KEY_ID, "x" * 65),
    KEY_URL + "#fragment",
    KEY_URL + "\n",
    KEY_URL.replace("na.", "na.\u0000"),
    KEY_URL.replace("na.", "ńa."),
    KEY_URL + "&x=" + "y" * 500,
    "https://[::1",
    "x",
]


@pytest.mark.parametrize("address", ALLOWED)
def test_the_configured_host_and_its_twin_may_give_keys(address) -> None:
    place = callbacks.key_place(address, ACCESS)
    assert place.host in {"na.myconnectwise.net", "api-na.myconnectwise.net"}
    assert place.url.startswith("https://")


@pytest.mark.parametrize("address", REFUSED)
async def test_no_other_address_is_ever_asked(address) -> None:
    keys = Keys()
    with pytest.raises(KeyAddressRefused):
        await verifier_of(keys).verify(*signed(body_of(address)))
    assert keys.requests == []


@given(st.text(max_size=300))
def test_no_text_leads_anywhere_else(address: str) -> None:
    try:
        place = callbacks.key_place(address, ACCESS)
    except KeyAddressRefused:
        return
    assert place.host in {"na.myconnectwise.net", "api-na.myconnectwise.net"}


def test_plain_http_is_taken_only_where_the_configured_address_is_plain_too() -> None:
    own = f"http://127.0.0.1:8101{PATH}?companyName=dunder&id={KEY_ID}"
    assert callbacks.key_place(own, LOCAL).url == own
    for wrong in (
        own.replace("8101", "8102"),
        own.replace("127.0.0.1", "api-127.0.0.1"),
        own.replace("127.0.0.1", "localhost"),
        own.replace("http:", "https:"),
        own.replace(":8101", ""),
    ):
        with pytest.raises(KeyAddressRefused):
            callbacks.key_place(wrong, LOCAL)


async def test_what_is_asked_is_written_anew_and_carries_no_credentials() -> None:
    keys = Keys()
    await verifier_of(keys).verify(*signed(body_of(KEY_URL + "&token=x")))
    (request,) = keys.requests
    assert str(request.url) == KEY_URL
    assert "authorization" not in request.headers
    assert "clientid" not in request.headers


async def test_credentials_go_along_where_the_setting_says_so() -> None:
    keys = Keys()
    await verifier_of(keys, with_credentials=True).verify(*signed(body_of()))
    assert keys.requests[0].headers["authorization"].startswith("Basic ")
    assert keys.requests[0].headers["clientid"] == ACCESS.client_id


# --- keeping keys ---------------------------------------------------------------------------------


async def test_a_key_is_kept_for_an_hour() -> None:
    keys, clock = Keys(), ManualClock()
    verifier = verifier_of(keys, clock=clock)
    for _ in range(3):
        await verifier.verify(*signed(body_of()))
    assert len(keys.requests) == 1
    clock.at += 3_601
    await verifier.verify(*signed(body_of()))
    assert len(keys.requests) == 2


async def test_a_changed_key_is_fetched_once_when_the_old_one_does_not_fit() -> None:
    keys = Keys()
    verifier = verifier_of(keys)
    await verifier.verify(*signed(body_of()))
    keys.key = "key-2"
    await verifier.verify(*signed(body_of(), "key-2"))
    assert len(keys.requests) == 2


async def test_forged_signatures_do_not_make_us_call_connectwise_each_time() -> None:
    keys, clock = Keys(), ManualClock()
    verifier = verifier_of(keys, clock=clock)
    await verifier.verify(*signed(body_of()))
    for _ in range(50):
        with pytest.raises(NotFromConnectWise):
            await verifier.verify(*signed(body_of(), "forged"))
    assert len(keys.requests) == 2
    await verifier.verify(*signed(body_of()))


async def test_a_key_that_cannot_be_had_is_asked_for_seldom_and_then_again() -> None:
    keys, clock = Keys(), ManualClock()
    keys.failure = httpx.ConnectTimeout("late")
    verifier = verifier_of(keys, clock=clock)
    for _ in range(5):
        with pytest.raises(KeyUnreachable):
            await verifier.verify(*signed(body_of()))
    assert len(keys.requests) == 1
    keys.failure = None
    clock.at += 6
    await verifier.verify(*signed(body_of()))


async def test_a_key_server_that_is_down_does_not_undo_a_key_that_was_fetched() -> None:
    keys, clock = Keys(), ManualClock()
    verifier = verifier_of(keys, clock=clock)
    await verifier.verify(*signed(body_of()))
    keys.status = 500
    with pytest.raises(KeyUnreachable):
        await verifier.verify(*signed(body_of(), "forged"))
    await verifier.verify(*signed(body_of()))


async def test_deliveries_at_the_same_time_share_one_fetch() -> None:
    asked = 0

    async def slow(request: httpx.Request) -> httpx.Response:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0.05)
        return httpx.Response(200, json={"signing_key": "key-1"})

    verifier = CallbackVerifier(ACCESS, clock=ManualClock(), transport=httpx.MockTransport(slow))
    deliveries = [verifier.verify(*signed(body_of())) for _ in range(20)]
    given_up = asyncio.create_task(verifier.verify(*signed(body_of())))
    await asyncio.sleep(0.01)
    given_up.cancel()
    assert len(await asyncio.gather(*deliveries)) == 20
    assert asked == 1


async def test_the_number_of_kept_keys_is_bounded() -> None:
    verifier = verifier_of(Keys())
    for number in range(200):
        await verifier.verify(*signed(body_of(KEY_URL.replace(KEY_ID, f"key-{number}"))))
    assert len(verifier._known) == callbacks.MOST_KEYS


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(302, headers={"Location": "https://evil.example"}),
        httpx.Response(401),
        httpx.Response(404),
        httpx.Response(500),
        httpx.Response(200, text="<html>"),
        httpx.Response(200, json=[]),
        httpx.Response(200, json={"signing_key": ""}),
        httpx.Response(200, json={"signing_key": None}),
    ],
)
async def test_an_answer_without_a_key_is_no_verdict_on_the_delivery(answer) -> None:
    with pytest.raises(KeyUnreachable):
        await verifier_of(lambda request: answer).verify(*signed(body_of()))


async def test_a_long_or_redirecting_key_answer_is_not_read_on_a_real_connection() -> None:
    long = http("200 OK", json.dumps({"signing_key": "k" * 10_000}).encode())
    moved = http("302 Found", b"", "Location: http://127.0.0.1:1/")
    for answer in (long, moved):
        async with serving(always(answer)) as served:
            access = dataclasses.replace(ACCESS, base_url=f"{served.url}/v4_6_release/apis/3.0")
            verifier = CallbackVerifier(access, clock=ManualClock())
            url = f"{served.url}{PATH}?companyName=dunder&id={KEY_ID}"
            with pytest.raises(KeyUnreachable):
                await verifier.verify(*signed(body_of(url)))
            await verifier.aclose()
            assert len(served.heads) == 1


# --- what a callback counts once by ---------------------------------------------------------------


def test_a_retry_with_the_same_message_is_the_same_and_another_change_is_not() -> None:
    def external_id(**more: object) -> str:
        return callbacks.read(body_of(KEY_URL, **more)).external_id

    first = external_id()
    assert external_id() == first
    others = [
        external_id(MessageId="another"),
        external_id(ID=5),
        external_id(Type="ticket"),
        external_id(Action="deleted", Entity=None),
        external_id(Entity='{"_info":{"lastUpdated":"2026-06-09T21:59:50Z"}}'),
        external_id(MessageId=None),
        external_id(MessageId=None, CompanyId="x"),
        external_id(MessageId="nul\x00"),
    ]
    assert len({first, *others}) == len(others) + 1
    assert all(len(one) < 250 and one.isprintable() for one in others)


@pytest.mark.parametrize("entity", [None, "", "null", "[]", "<x>", {"id": 1}, 5])
def test_an_entity_of_any_kind_is_read(entity) -> None:
    callback = callbacks.read(body_of(Entity=entity))
    assert callback.last_updated == ""


def test_a_body_without_type_or_id_is_read_as_none() -> None:
    callback = callbacks.read(body_of(Type=None, ID="7"))
    assert (callback.type, callback.record_id) == ("", 0)
