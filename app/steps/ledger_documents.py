"""A document of ours in the ledger: made once, kept true, never against a person (C4, D-11, D-12).

Owns the making by intent with our marker as natural key, the change of one that nobody else has
touched, and the comparison of its total. What stands in a document is the step's part.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from app.domain.books import Document, DocumentKind, LedgerLine, LineLink, NewDocument
from app.domain.codes import Code
from app.domain.errors import FailureKind, Hold, RemoteFailure
from app.domain.json_values import digest
from app.domain.posted import REFS
from app.domain.records import Ref
from app.steps import ledger
from app.steps.effects import Effects, Learn, Look, Outcome
from app.steps.ledger_standing import Posting, amounts, as_sent, left_alone, read, same, sent

GROW = "grow:"  # the key of a change that is announced, with the version that it changes


def marker(fx: Effects, kind: DocumentKind, subject: str) -> str:
    """Ours alone; receipts' ids may hold any character, so they go in as their hash."""
    return fx.view.xref(f"{kind.value}:{digest(subject)[:16]}")


def fitting(number: str, length: int) -> str:
    """A number as long as the ledger takes it; one that is cut stays apart from its neighbours."""
    return number if len(number) <= length else f"{number[: length - 5]}-{digest(number)[:4]}"


async def post(fx: Effects, posting: Posting) -> Document | None:
    """Make it true; the document as it then stands, None where it is left as a person has it.
    Raises Hold where a person has changed, paid or removed it."""
    kind, subject = posting.kind, posting.subject
    known = fx.view.refs.get((REFS[kind], subject))
    if known is None:
        made = await _create(fx, posting)
        if digest(made["want"]) == digest(posting.want):
            return await _as_made(fx, posting, made)
        # Its answer was lost, and Commerce has changed what is wanted since.
        known = _again(fx, kind, subject)[1](made)[0]
    known = await _grown(fx, posting) or known
    standing = await read(fx, kind, known.external_id)
    if standing is not None and (as_sent(standing, known, posting) or same(standing, posting)):
        _learn(fx, posting, standing)  # the answer to the change was lost
        return await _agree(fx, posting, standing)
    if (why := left_alone(standing, known, posting)) is not None:
        if fx.view.decision(Code.CHANGED_AFTER_FREEZE, subject, posting.want) is None:
            raise Hold(Code.CHANGED_AFTER_FREEZE, why, who="accounting")
        fx.journal("DIFFERENCE_ACCEPTED", f"{posting.named()} stays as it is in the ledger.")
        return None
    assert standing is not None  # noqa: S101 - else it is left alone
    await _refuse_closed(fx, posting)
    change = _grow if posting.grows else _update
    changed = await change(fx, posting, standing, posting.new)
    fx.journal("LEDGER_DOCUMENT_CHANGED", f"{posting.named()} was changed in the ledger.")
    return await _agree(fx, posting, changed)


async def _refuse_closed(fx: Effects, posting: Posting) -> None:
    if posting.kind is not DocumentKind.PURCHASE_ORDER:  # it posts nothing: the ledger decides
        await ledger.refuse_closed(fx, posting.new.on, posting.named())


async def _create(fx: Effects, posting: Posting) -> Outcome:
    """What was made, now or by an attempt that never heard of it: then by what it wanted."""
    books, new = ledger.books_of(fx), posting.new
    await _refuse_closed(fx, posting)
    key = _key(fx, posting)
    evidence: dict[str, Any] = {
        "contact": new.contact_id,
        "on": new.on.isoformat(),
        "number": new.number,
        "marker": new.marker,
        "want": dict(posting.want),
        "key": key,
        "line_keys": list(posting.line_keys),
        "sent": sent(posting),
    }

    async def send() -> Outcome:
        try:
            made = await books.create_document(new, key)
        except RemoteFailure as failure:
            if failure.frozen:
                raise Hold(Code.BOOKS_CLOSED, f"{posting.named()}: {failure.message}") from failure
            raise
        fx.keep("ledger document", made, posting.subject)
        return _outcome(made, evidence)

    look, learn = _again(fx, posting.kind, posting.subject)

    try:
        made = await fx.once(REFS[posting.kind], REFS[posting.kind], evidence, send, look, learn)
    except RemoteFailure as failure:
        if failure.kind is not FailureKind.EXISTS:
            raise
        raise Hold(
            Code.REMOTE_EXISTS,
            f"{posting.named()} has a number{_told(new.number)} that another document in the "
            f"ledger has already: {failure.message}",
            who="accounting",
        ) from failure
    fx.journal("LEDGER_DOCUMENT_MADE", f"{posting.named()} was posted to the ledger.")
    return made


def _told(number: str | None) -> str:
    return f", {number}," if number else ""


async def _as_made(fx: Effects, posting: Posting, made: Outcome) -> Document | None:
    document: Document | None = fx.recent("ledger document", posting.subject)
    if document is None or document.id != made["id"]:
        document = await read(fx, posting.kind, made["id"])
    return await _agree(fx, posting, document) if document is not None else None


def _outcome(document: Document, evidence: Mapping[str, Any]) -> Outcome:
    return {
        "id": document.id,
        "version": document.version,
        "url": document.url,
        "total": str(document.total),
        "tax": str(document.tax),
        "want": evidence["want"],
        "lines": _lines(document, evidence.get("line_keys", ())),
        "sent": evidence.get("sent"),
        "amounts": amounts(document.lines),
    }


def _lines(document: Document, keys: Sequence[str]) -> dict[str, str | None]:
    return {key: line.id for key, line in zip(keys, document.lines, strict=False)}


def _again(fx: Effects, kind: DocumentKind, subject: str) -> tuple[Look, Learn]:
    """How a document whose making was not answered is found, and what is kept of it."""

    async def look(known: Outcome) -> Outcome | None:
        found = await ledger.books_of(fx).find_documents(
            kind, known["contact"], date.fromisoformat(known["on"]), known["number"]
        )
        own = [one for one in found if one.marker == known["marker"]]
        return _outcome(own[0], known) if own else None

    def learn(known: Outcome) -> list[Ref]:
        kept = ("version", "url", "lines", "sent", "amounts")
        data = {name: known[name] for name in kept if known.get(name)}
        return [Ref(REFS[kind], subject, known["id"], data, exclusive=True)]

    return look, learn


async def found(fx: Effects, kind: DocumentKind, subject: str) -> Ref | None:
    """The document of a subject, also one whose making was never answered; None: there is none."""
    known = fx.view.refs.get((REFS[kind], subject))
    if known is not None:
        return known
    look, learn = _again(fx, kind, subject)
    outcome = await fx.resolve(REFS[kind], REFS[kind], look, learn)
    return learn(outcome)[0] if outcome is not None else None


def _key(fx: Effects, posting: Posting) -> str:
    """The ledger's own idempotency key: the same again only for the same content whose outcome is
    not known; after any definite answer the announcement is gone, and with it its key."""
    content = digest(posting.want)
    for intent in fx.view.unanswered:
        own = intent.subject == posting.subject and intent.kind == REFS[posting.kind]
        if own and digest(intent.evidence.get("want")) == content:
            return str(intent.evidence["key"])
    return digest([posting.new.marker, content, fx.view.now.isoformat()])[:40]


def _learn(fx: Effects, posting: Posting, document: Document) -> None:
    _, learn = _again(fx, posting.kind, posting.subject)
    keys = {"want": posting.want, "line_keys": posting.line_keys, "sent": sent(posting)}
    for ref in learn(_outcome(document, keys)):
        fx.learn(ref)


async def _update(fx: Effects, posting: Posting, standing: Document, new: NewDocument) -> Document:
    books = ledger.books_of(fx)
    new = _with_their_ids(new, standing)
    key = digest([new.marker, standing.version, repr(new)])[:40]
    await fx.guard()
    try:
        changed = await books.update_document(standing.id, standing.version, new, key)
    except RemoteFailure as failure:
        if failure.frozen:
            raise Hold(Code.BOOKS_CLOSED, f"{posting.named()}: {failure.message}") from failure
        raise
    _learn(fx, posting, changed)
    return changed


async def _grow(fx: Effects, posting: Posting, standing: Document, new: NewDocument) -> Document:
    """A change that is announced with what it puts on the document."""
    evidence: dict[str, Any] = {
        "record": standing.id,
        "version": standing.version,
        "amounts": amounts(new.lines),
        "want": dict(posting.want),
        "line_keys": list(posting.line_keys),
        "sent": sent(posting),
    }
    changed: Document | None = None

    async def send() -> Outcome:
        nonlocal changed
        changed = await _update(fx, posting, standing, new)
        return _outcome(changed, evidence)

    look, learn = _grown_look(fx, posting), _again(fx, posting.kind, posting.subject)[1]
    kind = REFS[posting.kind]
    await fx.once(kind, f"{GROW}{standing.version}", evidence, send, look, learn)
    return changed or await ledger.books_of(fx).read_document(posting.kind, standing.id)


def _grown_look(fx: Effects, posting: Posting) -> Look:
    async def look(known: Outcome) -> Outcome | None:
        standing = await read(fx, posting.kind, known["record"])
        if standing is None or standing.version == known["version"]:
            return None
        same = amounts(standing.lines) == known["amounts"]
        return _outcome(standing, known) if same else None

    return look


async def _grown(fx: Effects, posting: Posting) -> Ref | None:
    """The document after a change that was announced and never answered; None: there is none, or
    it surely did nothing."""
    learn = _again(fx, posting.kind, posting.subject)[1]
    for intent in fx.view.unanswered:
        own = intent.subject == posting.subject and intent.kind == REFS[posting.kind]
        if own and intent.key.startswith(GROW):
            look = _grown_look(fx, posting)
            outcome = await fx.resolve(intent.kind, intent.key, look, learn)
            if outcome is not None:
                return learn(outcome)[0]
    return None


def _with_their_ids(new: NewDocument, standing: Document) -> NewDocument:
    """A linked line keeps its id: as a new line it would be linked anew, which a purchase order
    that is closed by now no longer allows."""
    ids: dict[LineLink, list[str]] = {}
    for line in standing.lines:
        if line.fulfils is not None and line.id is not None:
            ids.setdefault(line.fulfils, []).append(line.id)
    lines = [
        replace(line, id=ids[line.fulfils].pop(0))
        if line.fulfils is not None and ids.get(line.fulfils)
        else line
        for line in new.lines
    ]
    return replace(new, lines=tuple(lines))


# What it comes to --------------------------------------------------------------------------------


async def _agree(fx: Effects, posting: Posting, document: Document) -> Document:
    """D-12: the ledger's own reckoning comes to ours. A purchase order posts nothing, so that it
    differs is told and holds nothing: its bill is asked. A bill gets a rounding line up to
    ROUNDING_LIMIT; what differs by more, or is a customer's, is for a person."""
    gap = posting.total - document.total
    if not gap or fx.view.decided(Code.TOTAL_MISMATCH, posting.subject, posting.want):
        return document
    limit = fx.view.behaviour.rounding_limit
    if posting.kind is DocumentKind.PURCHASE_ORDER:
        if abs(gap) > limit:
            fx.journal(
                "LEDGER_TOTAL_DIFFERS",
                f"{posting.named()} comes to {document.total} in the ledger and to "
                f"{posting.total} by Commerce; it posts nothing.",
            )
        return document
    if (
        posting.kind is DocumentKind.BILL
        and abs(gap) <= limit
        and fx.view.names.get("ledger_rounding")
    ):
        rounding = LedgerLine(
            "Rounding",
            Decimal(1),
            gap,
            gap,
            account_id=await ledger.account(fx, "ledger_rounding"),
            tax_code_id=await ledger.tax_code(fx, "ledger_no_tax_code"),
        )
        lines = (*posting.new.lines, rounding)
        changed = await _update(fx, posting, document, replace(posting.new, lines=lines))
        document = changed
        if document.total == posting.total:
            return document
    reckoned = (
        f" The ledger reckons tax on sales by itself, here {document.tax}."
        if posting.own_tax
        else ""
    )
    raise Hold(
        Code.TOTAL_MISMATCH,
        f"{posting.named()} comes to {document.total} in the ledger and to {posting.total} by "
        f"Commerce.{reckoned}",
        who="accounting",
    )
