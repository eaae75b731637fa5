"""mail_suggestion: the suggestion reaches the purchasing officer by e-mail too (D4, D5).

Owns one letter for each state of a suggestion, after its note, to PURCHASING_OFFICER_EMAIL and to
nobody else. SMTP can be asked nothing, so a letter in doubt is sent again under its Message-ID
(docs/decisions/0029).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.domain import suggestion
from app.domain.codes import Code
from app.domain.errors import Hold
from app.domain.json_values import digest
from app.domain.letters import Letter, RecipientRefused, page_of
from app.domain.order import OrderView
from app.domain.records import Ref
from app.domain.shut import Shut
from app.steps.effects import Effects, Outcome

name = suggestion.MAIL_STEP
version = 1


def subjects(view: OrderView) -> Sequence[str]:
    return suggestion.subjects(view)


def want(view: OrderView, subject: str) -> Mapping[str, Any] | None:
    return suggestion.letter_wanted(view, subject)


def outstanding(view: OrderView, subject: str) -> Shut | None:
    return None


def preview(view: OrderView, want: Mapping[str, Any]) -> list[str]:
    what = "withdraw" if want.get("withdrawn") else "send"
    return [f"{what} a purchasing suggestion by e-mail to the purchasing officer"]


async def apply(want: Mapping[str, Any], fx: Effects) -> None:
    subject, says = str(want["for"]), digest(dict(want))
    told = suggestion.told_before(fx.view, name, subject)
    if told and told[-1]["says"] == says:
        return
    mail = fx.mail
    if mail is None:
        sentence = "PURCHASING_OFFICER_EMAIL is set, and SMTP_HOST is not: nothing can be mailed."
        raise Hold(Code.SETTING_MISSING, sentence, who="operator")
    # Numbered, because a suggestion may turn back, and with its content, because a letter that was
    # in doubt may be overtaken: a mail program would fold the new one under the old id.
    key = str(len(told) + 1)
    row = fx.view.row
    about = f"{row.connection}.{row.source_id}.{subject.replace(':', '-')}.{key}.{says[:12]}"
    letter = Letter(
        to=suggestion.officer(fx.view),
        subject=suggestion.headline(fx.view, want),
        text=suggestion.text(fx.view, want, _where(fx), again=bool(told) or _doubtful(fx, subject)),
        message_id=f"demandlink.{about}@{mail.sender.rpartition('@')[2]}",
        at=fx.view.now,
    )

    async def send() -> Outcome:
        try:
            await mail.send(letter)
        except RecipientRefused as refused:
            raise Hold(
                Code.MAIL_REFUSED,
                f"The mail server refuses the address in PURCHASING_OFFICER_EMAIL: {refused}",
            ) from None
        return {"id": letter.message_id, "says": says}

    async def look(known: Outcome) -> Outcome | None:
        return None  # nobody can be asked whether a letter arrived

    def learn(outcome: Outcome) -> Sequence[Ref]:
        return (Ref("letter", subject, str(outcome["id"])),)

    await fx.once("letter", key, {"message_id": letter.message_id, "says": says}, send, look, learn)
    what = "was withdrawn" if want.get("withdrawn") else "went"
    fx.journal(
        "SUGGESTION_MAILED",
        f"The purchasing suggestion of {fx.view.label(subject)} {what} by e-mail to the "
        "purchasing officer.",
    )


def _where(fx: Effects) -> str:
    """The last lines: where more is to be read."""
    ticket = fx.ref("ticket")
    page = page_of(fx.view.names.get("public_url", ""), fx.view.row.name)
    told = [f"Ticket in ConnectWise: {ticket}."] if ticket is not None else []
    return "\n".join([*told, f"The order: {page}"] if page else told)


def _doubtful(fx: Effects, subject: str) -> bool:
    return (name, subject) in fx.view.in_doubt
