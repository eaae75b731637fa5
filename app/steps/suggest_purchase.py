"""suggest_purchase: the purchasing officer reads on the ticket what Commerce would buy (D3 to D5).

Owns one internal note for each state of a suggestion, never twice. Writes nothing else: no purchase
order, and nothing to a supplier (D2, D4).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.domain import suggestion
from app.domain.json_values import digest
from app.domain.order import OrderView, named
from app.domain.shut import Shut
from app.steps.effects import Effects, Outcome
from app.steps.tickets import followed, now, refuse_shut

name = suggestion.STEP
version = 1


def subjects(view: OrderView) -> Sequence[str]:
    return suggestion.subjects(view)


def want(view: OrderView, subject: str) -> Mapping[str, Any] | None:
    return suggestion.wanted(view, subject)


def outstanding(view: OrderView, subject: str) -> Shut | None:
    return None


def preview(view: OrderView, want: Mapping[str, Any]) -> list[str]:
    what = "withdraw" if want.get("withdrawn") else "suggest"
    return [f"{what} a purchase by an internal note on {named('ticket', want['ticket'])}"]


async def apply(want: Mapping[str, Any], fx: Effects) -> None:
    subject = str(want["for"])
    says = digest({key: part for key, part in want.items() if key != "ticket"})
    ticket = await _ticket(fx, int(want["ticket"]))

    async def look(known: Outcome) -> Outcome | None:
        # A ticket that was merged meanwhile may have taken its notes along.
        for number in dict.fromkeys((int(known["ticket"]), ticket)):
            if any(known["marker"] in text for text in await fx.cw.ticket_notes(number)):
                return {"ticket": number, "says": known["says"]}
        return None

    told = suggestion.told_before(fx.view, name, subject)
    # What an earlier state of it became comes first: the newest note has to be the newest state.
    for one in fx.view.unanswered:
        if (one.step, one.subject, one.kind) == (name, subject, "note"):
            found = await fx.resolve("note", one.key, look)
            if found is not None:
                told.append(found)
    if told and (told[-1]["says"], int(told[-1]["ticket"])) == (says, ticket):
        return
    # Numbered, not named by its content: a suggestion that turns back is told anew.
    key = str(len(told) + 1)
    marker = fx.view.marker("suggestion", f"{subject}/{key}")
    text = suggestion.text(fx.view, want, marker, again=bool(told))

    async def send() -> Outcome:
        made = await fx.cw.add_ticket_note(ticket, text)
        return {"id": made, "ticket": ticket, "says": says}

    evidence = {"marker": marker, "ticket": ticket, "says": says}
    await fx.once("note", key, evidence, send, look)
    what = "was withdrawn" if want.get("withdrawn") else "stands"
    fx.journal(
        "SUGGESTED",
        f"The purchasing suggestion of {fx.view.label(subject)} {what} on ticket {ticket}.",
    )


async def _ticket(fx: Effects, number: int) -> int:
    """The ticket that is read: the order's, or the one that it was merged into. On a closed one
    nobody would see what to buy, so that is for a person (B2.4). Raises Hold."""
    if number != fx.ref("ticket"):
        return (await followed(fx.cw, number)).id  # withdrawn where it was told
    ticket = await now(fx)
    if ticket.closed or ticket.merged_into is not None:
        ours = [int(ref.external_id) for ref in fx.view.refs.values() if ref.kind == "product"]
        on_it = fx.view.by_ticket and bool(ours)
        await refuse_shut(fx, await fx.cw.products(ours) if on_it else ())
    return int(fx.ref("ticket") or number)
