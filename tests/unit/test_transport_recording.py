"""What the call log keeps: everything about the business, nothing about people, no secrets."""

from __future__ import annotations

import json

import pytest

from app.connectors import recording
from app.connectors.recording import REMOVED, body_text, redacted

KEPT = [
    ("id", 1),
    ("name", "Contoso Ltd"),
    ("identifier", "Contoso"),
    ("poNumber", "PO10008891"),
    ("status", {"id": 1, "name": "Won"}),
    ("company", {"id": 250, "identifier": "Contoso", "name": "Contoso Ltd"}),
    ("integrationXRef", "dl:1:1201:90001"),
    ("notes", "dl:1:1201"),
    ("price", 180),
    ("closedFlag", True),
    ("contact", None),
]
REMOVED_FIELDS = [
    "firstName",
    "lastName",
    "email",
    "officeEmail",
    "contactEmailAddress",
    "phone",
    "phoneNumber",
    "customerPhone",
    "officeExtension",
    "faxNumber",
    "addressLine1",
    "customerStreetLine1",
    "billingSiteAddressLine1",
    "city",
    "customerCity",
    "billingSiteCity",
    "zip",
    "state",
    "customerName",
    "attention",
    "communicationItems",
    "password",
    "portalPassword",
    "signing_key",
    "access_token",
    "clientSecret",
    "Authorization",
]


@pytest.mark.parametrize(("field", "value"), KEPT)
def test_the_business_is_kept(field: str, value: object) -> None:
    assert redacted({field: value}) == {field: value}


@pytest.mark.parametrize("field", REMOVED_FIELDS)
def test_people_and_secrets_are_removed(field: str) -> None:
    assert redacted([{field: "x", "id": 1}]) == [{field: REMOVED, "id": 1}]
    assert redacted({field: {"value": "x"}}) == {field: REMOVED}
    assert redacted({"op": "replace", "path": f"/{field}", "value": "x"})["value"] == REMOVED


@pytest.mark.parametrize(
    "field", ["contact", "customerContact", "primarySalesRep", "salesRep", "owner", "manager"]
)
def test_of_people_only_their_id_is_kept(field: str) -> None:
    person = {"id": 7, "identifier": "psmith", "name": "Pat Smith"}
    assert redacted({field: person}) == {field: {"id": 7, "identifier": REMOVED, "name": REMOVED}}
    patch = {"op": "replace", "path": field, "value": person}
    assert redacted(patch)["value"]["name"] == REMOVED


@pytest.mark.parametrize("field", ["closedBy", "enteredBy", "updatedBy", "canceledBy"])
def test_a_person_named_by_text_is_removed(field: str) -> None:
    assert redacted({field: "psmith"}) == {field: REMOVED}


def test_e_mail_addresses_in_free_text_are_removed() -> None:
    assert redacted({"notes": "ask dana.lee+x@contoso.example today"}) == {
        "notes": f"ask {REMOVED} today"
    }


def test_records_that_are_people_lose_their_own_names() -> None:
    assert redacted([{"id": 1, "identifier": "psmith"}], people=True) == [
        {"id": 1, "identifier": REMOVED}
    ]


def test_a_long_body_is_cut() -> None:
    text = body_text(json.dumps({"notes": "x" * 100_000}).encode())
    assert text is not None
    assert len(text) < recording.KEPT_CHARACTERS + 60
    assert text.endswith("more characters]")


def test_of_a_long_list_the_first_records_are_kept() -> None:
    text = body_text(json.dumps([{"id": number} for number in range(10_000)]).encode())
    assert text is not None
    assert text.startswith('[{"id":0},{"id":1}')


@pytest.mark.parametrize("body", [b"<html>pat@x.example", b"\xff\xfe", b"[" * 100_000])
def test_what_is_not_json_is_kept_as_its_size(body: bytes) -> None:
    assert body_text(body) == f"[{len(body)} bytes that are not readable JSON]"


def test_deep_json_does_no_harm() -> None:
    text = body_text(b"[" * 900 + b"]" * 900)
    assert text is not None


def test_nothing_is_kept_of_nothing() -> None:
    assert body_text(b"") is None
