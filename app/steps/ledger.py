"""From Commerce's names to the ledger's records: contacts, accounts, items, tax codes.

Owns D-10 for the ledger (explicit mapping, then exact name, else made) and the choice of accounts
by setting. Reads are remembered. What is posted to them is `ledger_documents.py`.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import Any

from app.domain.books import (
    AccountKind,
    Books,
    Capabilities,
    Contact,
    ContactKind,
    DocumentKind,
    NewContact,
    Organisation,
)
from app.domain.codes import Code
from app.domain.errors import FailureKind, Hold, RemoteFailure
from app.domain.json_values import digest
from app.domain.wanted import archived_contact, other_contact
from app.steps import announced
from app.steps.effects import Effects, Look, Outcome

REFERENCE_SECONDS = 3600.0
CONTACT = "ledger_contact"
CONTACT_SECONDS = 300.0  # people merge and archive contacts
BEFORE, BEFORE_SECONDS = "ledger_contact_before", 10 * 365 * 86400.0  # by company and Commerce id
MAPPINGS = {ContactKind.VENDOR: "ledger_vendor", ContactKind.CUSTOMER: "ledger_customer"}


def books_of(fx: Effects) -> Books:
    """The ledger's port. Raises Hold(SETTING_MISSING) where none is connected."""
    if fx.books is None:
        raise Hold(
            Code.SETTING_MISSING,
            f"{fx.view.row.name} is to be posted to a ledger, and none is connected.",
            who="operator",
        )
    return fx.books


async def organisation(fx: Effects, *, fresh: bool = False) -> Organisation:
    """Whose books these are and what they can do, remembered for an hour."""
    known = None if fresh else await fx.recall("ledger", "organisation")
    if known is not None:
        closed = known["closed_until"]
        can = dict(known["capabilities"])
        can["own_numbering"] = frozenset(DocumentKind(one) for one in can["own_numbering"])
        return Organisation(
            **{
                **known,
                "closed_until": date.fromisoformat(closed) if closed else None,
                "capabilities": Capabilities(**can),
            }
        )
    found = await books_of(fx).organisation()
    body: dict[str, Any] = asdict(found)
    body["closed_until"] = found.closed_until.isoformat() if found.closed_until else None
    body["capabilities"]["own_numbering"] = sorted(found.capabilities.own_numbering)
    await fx.remember("ledger", "organisation", body, REFERENCE_SECONDS)
    return found


async def refuse_closed(fx: Effects, on: date, what: str) -> None:
    """G3, G4: nothing is sent with a date for which the books are closed."""
    closed = (await organisation(fx)).closed_until
    if closed is not None and on <= closed:
        closed = (await organisation(fx, fresh=True)).closed_until  # it may be opened again
    if closed is not None and on <= closed:
        raise Hold(
            Code.BOOKS_CLOSED,
            f"{what} is dated {on.isoformat()}, and the ledger is closed up to {closed.isoformat()}.",
        )


# Contacts ----------------------------------------------------------------------------------------


async def contact(
    fx: Effects, kind: ContactKind, commerce_id: int, name: str, currency: str
) -> Contact:
    """By mapping, else by exact name, else made (D-10). Raises Hold(MAPPING_MISSING) where the name
    is another kind of contact's, or the contact is archived."""
    found = await _contact(fx, kind, commerce_id, name)
    if not found.active:
        said = archived_contact(MAPPINGS[kind], found.name, commerce_id)
        raise Hold(Code.MAPPING_MISSING, said)
    if found.currency not in (None, "", currency):
        raise Hold(
            Code.CURRENCY_NOT_KEPT,
            f"{found.name} is kept in {found.currency} in the ledger, and the document is in "
            f"{currency}.",
        )
    return found


async def _contact(fx: Effects, kind: ContactKind, commerce_id: int, name: str) -> Contact:
    books = books_of(fx)
    await announced.settle(fx, CONTACT, _look(books))
    if mapped := fx.view.mappings.get((MAPPINGS[kind], str(commerce_id))):
        return await books.read_contact(kind, mapped)
    key = f"{kind.value}:{commerce_id}:{digest(name)[:16]}"
    if (known := await _known(fx, key)) is not None:
        return known
    # The claim is taken before the look, so that two orders cannot both find nothing.
    await fx.claim(CONTACT, key, _claim_seconds(fx, books))
    found = await _known(fx, key) or await books.find_contact(kind, name)
    lasting = f"{(await organisation(fx)).id}:{fx.view.row.connection}:{kind.value}:{commerce_id}"
    if found is None and (found := await _renamed(fx, kind, lasting, name)) is None:
        found = await _make(fx, kind, commerce_id, name, key)
    await fx.remember(BEFORE, lasting, {"id": found.id}, BEFORE_SECONDS)
    if found.active:  # an archived one is read anew: a person is asked to restore it
        await fx.remember(CONTACT, key, asdict(found), CONTACT_SECONDS)
    fx.drop_claim(CONTACT, key)
    return found


async def _known(fx: Effects, key: str) -> Contact | None:
    body = await fx.recall(CONTACT, key)
    return Contact(**{**body, "kind": ContactKind(body["kind"])}) if body is not None else None


async def _renamed(fx: Effects, kind: ContactKind, lasting: str, name: str) -> Contact | None:
    """The contact that this supplier or customer had before Commerce renamed it: no second one is
    made for it. A person renames it in the ledger too, or maps another."""
    known = await fx.recall(BEFORE, lasting)
    if known is None:
        return None
    try:
        found = await books_of(fx).read_contact(kind, str(known["id"]))
    except RemoteFailure as failure:
        if failure.kind is not FailureKind.GONE:
            raise
        return None
    told = f"{name} goes on as {found.name} in the ledger, which it was called before."
    fx.journal("LEDGER_CONTACT_RENAMED", told)
    return found


async def _make(fx: Effects, kind: ContactKind, commerce_id: int, name: str, key: str) -> Contact:
    books = books_of(fx)

    async def send() -> Outcome:
        new = NewContact(kind, name, number=f"dl-{kind.value[0]}-{commerce_id}")
        # A refused announcement is forgotten and a lost one looked up first, so the moment of
        # this attempt tells one content from the next well enough for the ledger's own key.
        told = await books.create_contact(new, digest([key, fx.view.now.isoformat()])[:40])
        return asdict(told)

    evidence = {"kind": kind.value, "name": name}
    try:
        made = await fx.once(CONTACT, key, evidence, send, _look(books), shared=True)
    except RemoteFailure as failure:
        if failure.kind is not FailureKind.EXISTS:
            raise
        said = other_contact(MAPPINGS[kind], kind.value, name, commerce_id)
        raise Hold(Code.MAPPING_MISSING, said) from failure
    fx.journal("LEDGER_CONTACT_MADE", f"{kind.value.capitalize()} {name} was made in the ledger.")
    return Contact(**{**made, "kind": ContactKind(made["kind"])})


def _look(books: Books) -> Look:
    async def look(known: Outcome) -> Outcome | None:
        found = await books.find_contact(ContactKind(known["kind"]), known["name"])
        return asdict(found) if found is not None else None

    return look


def _claim_seconds(fx: Effects, books: Books) -> float:
    """Long enough for a write, its doubt and both look-ups."""
    return books.timeout * 2 + fx.view.live.read_lag.total_seconds() * 3 + 30


# Accounts, items, tax codes ----------------------------------------------------------------------


async def account(fx: Effects, setting: str) -> str:
    """The account that a setting names by number, name or id. Raises Hold(SETTING_MISSING)."""
    rows: list[dict[str, Any]] = []
    for fresh in (False, True):
        rows = await _accounts(fx, fresh=fresh)
        if (found := named(rows, fx.view.names.get(setting, ""))) is not None:
            return str(found["id"])
    raise _missing(fx, setting, "account", rows)


async def payables(fx: Effects) -> str | None:
    """The account that purchases are owed on, None where several are: the ledger then decides."""
    rows = [one for one in await _accounts(fx) if one["kind"] == AccountKind.PAYABLE]
    return str(rows[0]["id"]) if len(rows) == 1 else None


async def _accounts(fx: Effects, *, fresh: bool = False) -> list[dict[str, Any]]:
    known = None if fresh else await fx.recall("ledger", "accounts")
    if known is None:
        known = {"rows": [asdict(one) for one in await books_of(fx).accounts()]}
        await fx.remember("ledger", "accounts", known, REFERENCE_SECONDS)
    return list(known["rows"])


async def item(fx: Effects, setting: str) -> str:
    """The item whose code a setting names. Raises Hold(SETTING_MISSING)."""
    code = fx.view.names.get(setting, "")
    found = await books_of(fx).find_item(code) if code else None
    if found is None or not found.active:
        raise _missing(fx, setting, "item", [])
    return found.id


async def tax_code(fx: Effects, setting: str) -> str | None:
    """The tax code that a setting names, None where it names none: then the ledger decides."""
    wanted = fx.view.names.get(setting, "")
    if not wanted:
        return None
    rows: list[dict[str, Any]] = []
    for fresh in (False, True):
        known = None if fresh else await fx.recall("ledger", "tax_codes")
        if known is None:
            codes = await books_of(fx).tax_codes()
            known = {"rows": [{"id": one.id, "code": "", "name": one.name} for one in codes]}
            await fx.remember("ledger", "tax_codes", known, REFERENCE_SECONDS)
        rows = list(known["rows"])
        if (found := named(rows, wanted)) is not None:
            return str(found["id"])
    raise _missing(fx, setting, "tax code", rows)


def named(rows: list[dict[str, Any]], wanted: str) -> dict[str, Any] | None:
    text = wanted.strip().casefold()
    for field in ("code", "name", "id"):
        same = [row for row in rows if text and str(row[field]).casefold() == text]
        if len(same) == 1:
            return same[0]
    return None


def _missing(fx: Effects, setting: str, what: str, rows: list[dict[str, Any]]) -> Hold:
    wanted = fx.view.names.get(setting, "")
    said = f"names no {what} of the ledger ({wanted!r})" if wanted else "is not set"
    have = ", ".join(" ".join((row["code"], row["name"])).strip() for row in rows)
    told = f"; there are: {have}" if have else ""
    return Hold(
        Code.SETTING_MISSING,
        f"{setting.upper()} {said}; {fx.view.row.name} needs it{told}.",
        who="operator",
    )
