"""The mail client against a real SMTP server: encryption, signing in, and what each refusal means."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from app.connectors.mail.client import Access, SmtpMail
from app.domain.errors import FailureKind, RemoteFailure
from app.domain.letters import Letter, RecipientRefused, page_of
from app.settings import Settings
from app.system import SystemClock
from sandbox.kit.tls import identity
from tests.mail_server import OFFICER, PASSWORD, SENDER, USER, Desk, free_port, mail_server

NOW = datetime(2026, 11, 20, 14, 11, tzinfo=UTC)
LETTER = Letter(OFFICER, "[Suggestion] Größe", "Zeile eins.\n.\nEnde.", "one.1@msp.example", NOW)


def mail(desk_port: int, context: ssl.SSLContext | None = None, **more: Any) -> SmtpMail:
    values: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": desk_port,
        "tls": "none",
        "user": "",
        "password": "",
        "sender": SENDER,
        "timeout": 2.0,
    }
    return SmtpMail(Access(**{**values, **more}), clock=SystemClock(), tls_context=context)


async def test_a_letter_arrives_as_it_was_written():
    async with mail_server() as desk:
        await mail(desk.port).send(LETTER)
    (found,) = desk.taken
    assert found.get_content().splitlines() == LETTER.text.splitlines()
    assert found["Subject"] == LETTER.subject
    assert found["Message-ID"] == "<one.1@msp.example>"
    assert found["Date"].datetime == NOW
    assert found["Auto-Submitted"] == "auto-generated"


def encrypted(tls: str, place: Path) -> tuple[ssl.SSLContext, dict[str, Any]]:
    """Who trusts a new server's certificate, and the server's own settings."""
    files = identity(place, datetime.now(UTC))
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(files.certificate, files.key)
    trusting = ssl.create_default_context(cafile=str(files.ca_file))
    if tls == "tls":
        # aiosmtpd counts only its own STARTTLS as encryption.
        return trusting, {"tls": server, "auth_require_tls": False}
    return trusting, {"tls_context": server, "auth_required": True}


@pytest.mark.parametrize("tls", ["starttls", "tls"])
async def test_it_signs_in_behind_encryption(tls: str, tmp_path: Path):
    trusting, more = encrypted(tls, tmp_path)
    async with mail_server(**more) as desk:
        signed = mail(desk.port, trusting, tls=tls, user=USER, password=PASSWORD)
        await signed.send(LETTER)
        assert (len(desk.taken), desk.signed_in) == (1, [USER])
        wrong = mail(desk.port, trusting, tls=tls, user=USER, password="another")
        with pytest.raises(RemoteFailure) as refused:
            await wrong.send(LETTER)
        assert refused.value.kind is FailureKind.UNAUTHENTICATED
        with pytest.raises(RemoteFailure) as distrusted:
            await mail(desk.port, tls=tls).send(LETTER)  # nobody knows that authority
        assert distrusted.value.kind is FailureKind.NOT_SENT
    assert len(desk.taken) == 1


async def test_encryption_that_is_asked_for_and_not_offered_sends_nothing():
    async with mail_server() as desk:
        with pytest.raises(RemoteFailure) as refused:
            await mail(desk.port, tls="starttls").send(LETTER)
    assert refused.value.kind is FailureKind.REJECTED
    assert desk.taken == []


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        ("451 come again", FailureKind.TRANSIENT),
        ("554 no such content", FailureKind.REJECTED),
        ("lose", FailureKind.OUTCOME_UNKNOWN),
    ],
)
async def test_what_the_answer_to_the_content_means(content: str, kind: FailureKind):
    async with mail_server(Desk(content=[content])) as desk:
        with pytest.raises(RemoteFailure) as failed:
            await mail(desk.port).send(LETTER)
    assert failed.value.kind is kind


async def test_a_refused_address_is_told_without_the_address():
    desk = Desk(recipient={OFFICER: f"550 <{OFFICER}> unknown"})
    async with mail_server(desk):
        with pytest.raises(RecipientRefused) as refused:
            await mail(desk.port).send(LETTER)
        assert "550" in str(refused.value)
        assert OFFICER not in str(refused.value)
        desk.recipient[OFFICER] = "450 later"
        with pytest.raises(RemoteFailure) as later:
            await mail(desk.port).send(LETTER)
    assert later.value.kind is FailureKind.TRANSIENT


async def test_a_server_that_is_away_was_sent_nothing():
    with pytest.raises(RemoteFailure) as away:
        await mail(free_port()).send(LETTER)
    assert away.value.kind is FailureKind.NOT_SENT


def test_the_address_of_a_page_holds_any_number():
    assert page_of("", "ON1") is None
    assert page_of("https://x", "ON 1/ü") == "https://x/orders/ON%201%2F%C3%BC"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"smtp_host": "mail"}, "SMTP_SENDER has to be set"),
        ({"smtp_host": "mail", "smtp_sender": "x"}, "one e-mail address"),
        (
            {
                "smtp_host": "mail",
                "smtp_sender": SENDER,
                "smtp_tls": "none",
                "smtp_user": "a",
                "smtp_password": SecretStr("b"),
            },
            "unencrypted",
        ),
        ({"smtp_host": "mail", "smtp_sender": SENDER, "smtp_timeout": 30}, "LEASE_SECONDS"),
        ({"purchasing_officer_email": "a@b, c@d"}, "one e-mail address"),
    ],
)
def test_mail_settings_that_cannot_work_are_refused(given: dict[str, Any], said: str):
    with pytest.raises(ValidationError) as refused:
        Settings(_env_file=None, **given)
    assert said in str(refused.value)


@pytest.mark.parametrize("tls", ["starttls", "tls"])
async def test_a_check_signs_in_as_a_letter_would_and_sends_none(tls: str, tmp_path: Path):
    trusting, more = encrypted(tls, tmp_path)
    async with mail_server(**more) as desk:
        await mail(desk.port, trusting, tls=tls, user=USER, password=PASSWORD).check()
        wrong = mail(desk.port, trusting, tls=tls, user=USER, password="another")
        with pytest.raises(RemoteFailure) as refused:
            await wrong.check()
        assert refused.value.kind is FailureKind.UNAUTHENTICATED
        with pytest.raises(RemoteFailure) as unknown:
            await mail(desk.port, tls=tls).check()  # nobody knows that authority
        assert unknown.value.kind is FailureKind.NOT_SENT
        assert desk.signed_in
        assert desk.taken == []
