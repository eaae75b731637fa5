"""Standard Webhooks signatures: what is accepted, and that nothing else ever is."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from app.api.signatures import Refused, Verified, key_of, sign, verify
from app.domain.codes import Code

SECRET = "whsec_" + base64.b64encode(b"a secret of twenty-four").decode()
OTHER = "whsec_" + base64.b64encode(b"another one of its kind!").decode()
NOW = datetime(2026, 11, 24, 12, 0, 0, 250_000, tzinfo=UTC)
BODY = b'{"type":"quote.won"}'


def headers(
    secret: str = SECRET, at: datetime = NOW, webhook_id: str = "msg_1", body: bytes = BODY
) -> dict[str, str]:
    key = key_of(secret)
    assert key is not None
    timestamp = str(int(at.timestamp()))
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": sign(key, webhook_id, timestamp, body),
    }


def test_h13_a_true_delivery_is_verified_with_its_id() -> None:
    assert verify([SECRET], headers(), BODY, NOW) == Verified("msg_1")


def test_the_reference_library_signs_what_is_verified_here() -> None:
    whole = NOW.replace(microsecond=0)
    signed = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(whole.timestamp())),
        "webhook-signature": Webhook(SECRET).sign("msg_1", whole, BODY.decode()),
    }
    assert verify([SECRET], signed, BODY, NOW) == Verified("msg_1")


def test_h13_every_accepted_secret_verifies_while_they_are_rotated() -> None:
    for secret in (SECRET, OTHER):
        assert isinstance(verify([SECRET, OTHER], headers(secret), BODY, NOW), Verified)


def test_one_fitting_signature_among_several_is_enough() -> None:
    several = headers()
    several["webhook-signature"] = f"v1a,abc v1,AAAA {several['webhook-signature']} v2,x"
    assert isinstance(verify([SECRET], several, BODY, NOW), Verified)


def test_a_secret_without_padding_or_prefix_is_read() -> None:
    bare = base64.b64encode(b"a secret of 25 characters").decode().rstrip("=")
    assert key_of(bare) == key_of(f"whsec_{bare}") == b"a secret of 25 characters"


def test_an_unknown_secret_is_refused() -> None:
    refused = verify([OTHER], headers(SECRET), BODY, NOW)
    assert isinstance(refused, Refused)
    assert refused.code is Code.SIGNATURE_REFUSED


@pytest.mark.parametrize("secrets", [[], [""], ["whsec_"], ["whsec_a"], ["whsec_é"], ["!!!"]])
def test_no_usable_secret_refuses_everything(secrets: list[str]) -> None:
    empty_key = headers()
    empty_key["webhook-signature"] = sign(b"", "msg_1", empty_key["webhook-timestamp"], BODY)
    for given_headers in (headers(), empty_key):
        refused = verify(secrets, given_headers, BODY, NOW)
        assert isinstance(refused, Refused)
        assert "no webhook secret is set" in refused.cause


def test_a_malformed_secret_beside_a_good_one_does_no_harm() -> None:
    assert isinstance(verify(["whsec_a", SECRET], headers(), BODY, NOW), Verified)


@pytest.mark.parametrize("seconds", [-300, -1, 0, 1, 300])
def test_h13_five_minutes_either_way_are_accepted(seconds: int) -> None:
    at = NOW + timedelta(seconds=seconds)
    assert isinstance(verify([SECRET], headers(at=at), BODY, NOW), Verified)


@pytest.mark.parametrize("seconds", [-301, 301, -86_400, 86_400])
def test_h13_a_clock_that_is_further_off_is_told_to_a_true_sender(seconds: int) -> None:
    refused = verify([SECRET], headers(at=NOW + timedelta(seconds=seconds)), BODY, NOW)
    assert isinstance(refused, Refused)
    assert refused.code is Code.TIMESTAMP_OUTSIDE_WINDOW


def test_a_forger_is_not_told_about_the_clock() -> None:
    forged = headers(OTHER, at=NOW - timedelta(days=1))
    refused = verify([SECRET], forged, BODY, NOW)
    assert isinstance(refused, Refused)
    assert refused.code is Code.SIGNATURE_REFUSED


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_missing_or_empty_header_is_named(name: str) -> None:
    for broken in ({**headers(), name: ""}, {k: v for k, v in headers().items() if k != name}):
        refused = verify([SECRET], broken, BODY, NOW)
        assert isinstance(refused, Refused)
        assert name in refused.cause


@pytest.mark.parametrize(
    "timestamp", ["", "now", "-1", "1e9", "1764000000.5", "٣", "9" * 13, " 1764000000", "0x1"]
)
def test_a_timestamp_that_is_not_whole_seconds_is_refused(timestamp: str) -> None:
    broken = {**headers(), "webhook-timestamp": timestamp}
    assert isinstance(verify([SECRET], broken, BODY, NOW), Refused)


@pytest.mark.parametrize("webhook_id", ["a\tb", "ä", "x" * 257, "\x00", "a\n"])
def test_an_id_that_no_index_should_hold_is_refused(webhook_id: str) -> None:
    key = key_of(SECRET)
    assert key is not None
    timestamp = str(int(NOW.timestamp()))
    signed = {
        "webhook-id": webhook_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": sign(key, webhook_id, timestamp, BODY),
    }
    assert isinstance(verify([SECRET], signed, BODY, NOW), Refused)


@given(at=st.integers(0, 10**6), replacement=st.binary(max_size=3))
def test_h13_a_body_that_was_changed_anywhere_is_refused(at: int, replacement: bytes) -> None:
    place = at % len(BODY)
    changed = BODY[:place] + replacement + BODY[place + 1 :]
    if changed != BODY:
        assert isinstance(verify([SECRET], headers(), changed, NOW), Refused)


@given(
    name=st.sampled_from(["webhook-id", "webhook-timestamp", "webhook-signature"]),
    at=st.integers(0, 100),
    replacement=st.text(max_size=4),
)
def test_a_header_that_was_changed_anywhere_is_refused(
    name: str, at: int, replacement: str
) -> None:
    true = headers()
    place = at % len(true[name])
    changed = true[name][:place] + replacement + true[name][place + 1 :]
    parts = changed.split(" ") if name == "webhook-signature" else [changed]
    if true[name] not in parts:
        assert isinstance(verify([SECRET], {**true, name: changed}, BODY, NOW), Refused)


@given(secret=st.text(max_size=60), body=st.binary(max_size=60), header=st.text(max_size=60))
def test_nothing_that_may_be_sent_or_set_raises(secret: str, body: bytes, header: str) -> None:
    anything = dict.fromkeys(("webhook-id", "webhook-timestamp", "webhook-signature"), header)
    assert isinstance(verify([secret], anything, body, NOW), Refused)
