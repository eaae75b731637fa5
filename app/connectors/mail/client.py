"""Mail by SMTP: one letter, one connection, to one recipient.

Owns the line between "not sent" and "sent, answer unknown", and what a server's refusal means. Keeps
no address in a sentence, a call record or a log.
"""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP as WIRE
from email.utils import format_datetime
from typing import Literal

import aiosmtplib

from app.connectors.recording import masked
from app.connectors.transport import calling
from app.domain.errors import FailureKind, RemoteFailure
from app.domain.letters import Letter, RecipientRefused
from app.domain.ports import Clock
from app.domain.records import CallRecord
from app.telemetry import tracing

SYSTEM = "mail"
REFUSED_FOR_GOOD = 500  # from here on; 400 to 499 is "not now" (RFC 5321, 4.2.1)


@dataclass(frozen=True, slots=True)
class Access:
    """The server, and who writes. `tls`: starttls (required, not only offered), tls or none."""

    host: str
    port: int
    tls: Literal["starttls", "tls", "none"]
    user: str
    password: str
    sender: str
    timeout: float  # seconds for a whole letter, connecting included


class SmtpMail:
    """Implements letters.Mail."""

    def __init__(
        self, access: Access, *, clock: Clock, tls_context: ssl.SSLContext | None = None
    ) -> None:
        self._access = access
        self._clock = clock
        self._context = tls_context

    @property
    def timeout(self) -> float:
        return self._access.timeout

    @property
    def sender(self) -> str:
        return self._access.sender

    async def send(self, letter: Letter) -> None:
        with tracing.span(f"{SYSTEM} SEND", "client", demandlink__message_id=letter.message_id):
            await self._send(letter)

    async def _send(self, letter: Letter) -> None:
        talk = _Talk()
        began = self._clock.monotonic()
        failure: str | None = None
        try:
            async with asyncio.timeout(self._access.timeout):
                await self._deliver(letter, talk)
        except (aiosmtplib.SMTPException, OSError) as error:  # TimeoutError is an OSError
            refused = talk.failure(error)
            failure = "recipient" if isinstance(refused, RecipientRefused) else refused.kind.value
            raise refused from None  # the cause has addresses in its text
        finally:
            took = round((self._clock.monotonic() - began) * 1000, 1)
            tracing.tell(failed=failure, smtp__status=talk.status, smtp__stage=talk.stage)
            _record(letter, talk, took, failure)

    async def check(self) -> None:
        """Connect, encrypt and sign in as a letter would, and send none. Raises RemoteFailure."""
        talk = _Talk()
        client = self._client()
        try:
            async with asyncio.timeout(self._access.timeout):
                await client.connect()
                talk.stage = "sender"
                await client.noop()
        except (aiosmtplib.SMTPException, OSError) as error:
            refused = talk.failure(error)
            if isinstance(refused, RecipientRefused):  # never without a recipient
                raise RemoteFailure(FailureKind.REJECTED, str(refused)) from None
            raise refused from None
        finally:
            client.close()

    def _client(self) -> aiosmtplib.SMTP:
        access = self._access
        return aiosmtplib.SMTP(
            hostname=access.host,
            port=access.port,
            username=access.user or None,
            password=access.password or None,
            timeout=access.timeout,
            use_tls=access.tls == "tls",
            start_tls=access.tls == "starttls",
            tls_context=self._context,
        )

    async def _deliver(self, letter: Letter, talk: _Talk) -> None:
        access = self._access
        client = self._client()
        try:
            await client.connect()
            talk.stage = "sender"
            await client.mail(access.sender)
            talk.stage = "recipient"
            await client.rcpt(letter.to)
            talk.stage = "content"
            answer = await client.data(_wire(letter, access.sender))
            talk.stage, talk.status, talk.said = "taken", answer.code, answer.message
        finally:
            # Without a word of goodbye: what it would answer changes nothing any more.
            client.close()


class _Talk:
    """How far a letter got, and what the server said last."""

    def __init__(self) -> None:
        self.stage = "connect"
        self.status: int | None = None
        self.said = ""

    def failure(self, error: Exception) -> RemoteFailure | RecipientRefused:
        """What an error means, by how far the letter had got."""
        if isinstance(error, aiosmtplib.SMTPResponseException):
            self.status, self.said = error.code, str(error.message)
            return self._answered(error)
        # An asyncio timeout has no text; what others say may name the address.
        self.said = masked(str(error)).rstrip(".") or "no answer in time"
        if self.stage == "content":
            told = "the connection ended before it was said whether the letter was taken."
            return RemoteFailure(FailureKind.OUTCOME_UNKNOWN, told)
        # Not a subclass that says more: STARTTLS or signing in is not offered.
        if (
            isinstance(error, aiosmtplib.SMTPNotSupported)
            or type(error) is aiosmtplib.SMTPException
        ):
            told = f"it does not offer what is set: {masked(str(error))}"
            return RemoteFailure(FailureKind.REJECTED, told)
        return RemoteFailure(FailureKind.NOT_SENT, f"it cannot be reached: {self.said}.")

    def _answered(
        self, error: aiosmtplib.SMTPResponseException
    ) -> RemoteFailure | RecipientRefused:
        told = f"{error.code} {masked(' '.join(str(error.message).split()))}"
        if isinstance(error, aiosmtplib.SMTPAuthenticationError):
            return RemoteFailure(FailureKind.UNAUTHENTICATED, told, status=error.code)
        if error.code < REFUSED_FOR_GOOD:
            return RemoteFailure(FailureKind.TRANSIENT, told, status=error.code)
        if self.stage == "recipient":
            return RecipientRefused(told)
        return RemoteFailure(FailureKind.REJECTED, told, status=error.code)


def _wire(letter: Letter, sender: str) -> bytes:
    message = EmailMessage(policy=WIRE)
    message["From"] = sender
    message["To"] = letter.to
    message["Subject"] = letter.subject
    message["Date"] = format_datetime(letter.at)
    message["Message-ID"] = f"<{letter.message_id}>"
    message["Auto-Submitted"] = "auto-generated"  # no out-of-office answers (RFC 3834)
    message.set_content(letter.text)
    return message.as_bytes()


def _record(letter: Letter, talk: _Talk, milliseconds: float, failure: str | None) -> None:
    """The letter among the calls of its order: its subject and its id, never to whom."""
    bound = calling.get()
    if bound is None or bound.record is None:
        return
    bound.record(
        CallRecord(
            system=SYSTEM,
            method="SEND",
            path=letter.message_id,
            query="",
            status=talk.status,
            milliseconds=milliseconds,
            request=masked(letter.subject),
            response=masked(talk.said),
            failure=failure,
            step=bound.step,
            subject=bound.subject,
            purpose=bound.purpose,
        )
    )
