"""What becomes of a posting whose total, state or answer is not as it was sent (C4, D-11, D-12)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any, cast

import pytest

from app.domain.books import (
    Account,
    AccountKind,
    Capabilities,
    Document,
    DocumentKind,
    LedgerLine,
    NewDocument,
    Organisation,
    Status,
)
from app.domain.codes import Code
from app.domain.errors import Hold
from app.domain.json_values import digest
from app.domain.order import OrderView
from app.domain.records import Decision, Ref
from app.steps import ledger_documents
from app.steps.effects import Effects
from app.steps.ledger_documents import post
from app.steps.ledger_standing import Posting
from tests.builders import NOW, ordered, view

SUBJECT = "receipt:8891:R-1"
ON = date(2026, 11, 19)
CAN = Capabilities(
    has_drafts=True,
    purchase_orders=True,
    links_purchase_orders=False,
    estimates=False,
    multi_currency=False,
    own_numbering=frozenset(DocumentKind),
    number_length=21,
    bills_take_tax=True,
    computes_sales_tax=False,
    sales_lines_need_items=False,
)


@dataclass
class Ledger:
    """A ledger that reckons `off` more than it was sent on a new document."""

    off: Decimal = Decimal(0)
    standing: Document | None = None
    written: list[str] = field(default_factory=list)
    timeout: float = 5.0

    async def organisation(self) -> Organisation:
        return Organisation("1", "MSP", "US", "USD", None, CAN)

    async def accounts(self) -> list[Account]:
        return [Account("860", "860", "Rounding", AccountKind.OTHER)]

    async def create_document(self, new: NewDocument, key: str) -> Document:
        self.written.append("create")
        return self._stands(new, "1", self.off)

    async def update_document(
        self, document_id: str, version: str, new: NewDocument, key: str
    ) -> Document:
        self.written.append("update")
        return self._stands(new, "2", self.off)

    async def find_documents(
        self, kind: DocumentKind, contact_id: str, on: date, number: str | None = None
    ) -> list[Document]:
        return [self.standing] if self.standing is not None else []

    async def read_document(self, kind: DocumentKind, document_id: str) -> Document:
        assert self.standing is not None
        return self.standing

    def _stands(self, new: NewDocument, version: str, off: Decimal) -> Document:
        total = sum((line.amount for line in new.lines), off)
        self.standing = Document(
            new.kind, "B-1", version, Status.OPEN, new.contact_id, new.currency, total,
            number=new.number, on=new.on, marker=new.marker, lines=new.lines,
        )  # fmt: skip
        return self.standing


@dataclass
class Fx:
    """The engine's side, as far as a posting needs it. `lost`: what an attempt announced and sent
    before, without hearing of it; None: nothing is in doubt."""

    view: OrderView
    books: Ledger
    learned: list[Ref] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    kept: dict[Any, Any] = field(default_factory=dict)
    lost: Any = None

    async def once(
        self, kind: str, key: str, evidence: Any, send: Any, look: Any, learn: Any
    ) -> Any:
        if self.lost is None:
            outcome = await send()
        else:
            self.lost, outcome = None, await look(self.lost)
        self.learned += learn(outcome)
        return outcome

    async def guard(self) -> None: ...
    async def recall(self, kind: str, key: str) -> None: ...
    async def remember(self, kind: str, key: str, body: Any, seconds: float) -> None: ...

    def learn(self, ref: Ref) -> None:
        self.learned.append(ref)

    def keep(self, kind: str, value: Any, key: str = "") -> None:
        self.kept[kind, key] = value

    def recent(self, kind: str, key: str = "") -> Any:
        return self.kept.get((kind, key))

    def journal(self, code: str, sentence: str, **data: Any) -> None:
        self.told.append(code)


def posting(amount: str = "400", number: str = "INV-7") -> Posting:
    value = Decimal(amount)
    line = LedgerLine("Monitors", Decimal(4), value / 4, value, account_id="310")
    new = NewDocument(
        DocumentKind.BILL, "V-9", ON, "USD", (line,), "dl:default:1201:bill:1", number=number
    )
    return Posting({"subject": SUBJECT, "amount": amount}, new, value)


def world(ledger: Ledger, *, rounding: str = "860", **more: Any) -> Fx:
    return Fx(view(ordered(), ledger_rounding=rounding, **more), ledger)


async def posted(fx: Fx, what: Posting) -> None:
    await post(cast(Effects, fx), what)


def known(version: str) -> Ref:
    return Ref("bill", SUBJECT, "B-1", {"version": version, "url": ""}, exclusive=True)


async def test_a_posting_that_comes_to_the_wanted_total_is_written_once():
    fx = world(Ledger())
    await posted(fx, posting())
    assert fx.books.written == ["create"]
    assert [(ref.external_id, ref.data["version"]) for ref in fx.learned] == [("B-1", "1")]


async def test_d12_a_gap_within_the_limit_gets_a_rounding_line():
    fx = world(Ledger(off=Decimal("0.02")))
    await posted(fx, posting())
    assert fx.books.written == ["create", "update"]
    assert fx.books.standing is not None
    assert fx.books.standing.total == 400
    assert [line.amount for line in fx.books.standing.lines] == [400, Decimal("-0.02")]
    assert fx.learned[-1].data["version"] == "2"


@pytest.mark.parametrize(("off", "rounding"), [("0.06", "860"), ("0.02", "")])
async def test_d12_a_gap_above_the_limit_or_without_an_account_is_for_a_person(
    off: str, rounding: str
):
    fx = world(Ledger(off=Decimal(off)), rounding=rounding)
    with pytest.raises(Hold) as held:
        await posted(fx, posting())
    assert held.value.code is Code.TOTAL_MISMATCH
    assert fx.books.written == ["create"]


async def _stood(amount: str = "400", **more: Any) -> Ledger:
    ledger = Ledger()
    ledger._stands(posting(amount).new, "1", Decimal(0))
    assert ledger.standing is not None
    ledger.standing = replace(ledger.standing, **more)
    return ledger


@pytest.mark.parametrize(
    ("state", "why"),
    [
        ({"status": Status.PAID, "paid": Decimal(400)}, "is paid"),
        ({"paid": Decimal(10)}, "is paid"),
        ({"status": Status.VOIDED}, "not made again"),
        ({"status": Status.DELETED}, "not made again"),
        ({"version": "7"}, "a person has changed it"),
    ],
)
async def test_c4_d11_what_a_person_touched_is_left_alone_and_named(state: Any, why: str):
    fx = world(await _stood(**state), refs=[known("1")])
    with pytest.raises(Hold, match=why) as held:
        await posted(fx, posting("300"))
    assert held.value.code is Code.CHANGED_AFTER_FREEZE
    assert fx.books.written == []


async def test_an_accepted_difference_covers_just_the_change_that_was_seen():
    wanted, later = posting("300"), posting("200")
    about = digest(wanted.want)
    accepted = Decision(
        "post_bill", SUBJECT, Code.CHANGED_AFTER_FREEZE, "keep_connectwise", "ok", "me", NOW, about
    )
    fx = world(await _stood(version="7"), refs=[known("1")], decisions=[accepted])
    await posted(fx, wanted)
    assert fx.told == ["DIFFERENCE_ACCEPTED"]
    with pytest.raises(Hold):
        await posted(fx, later)
    assert fx.books.written == []


async def test_a_change_whose_answer_was_lost_is_not_taken_for_a_persons():
    fx = world(await _stood("300", version="2"), refs=[known("1")])
    await posted(fx, posting("300"))
    assert fx.books.written == []
    assert fx.learned[-1].data["version"] == "2"


@pytest.mark.parametrize(("off", "written"), [("0.02", ["create", "update"]), ("0", ["create"])])
async def test_d12_what_stands_as_it_was_sent_is_not_sent_again(off: str, written: list[str]):
    """Also where a rounding line stands that the wanted document does not have."""
    first = world(Ledger(off=Decimal(off)))
    await posted(first, posting())
    again = world(first.books, refs=[first.learned[-1]])
    await posted(again, posting())
    assert first.books.written == written


async def test_d11_another_document_than_was_sent_is_sent():
    first = world(Ledger())
    await posted(first, posting())
    again = world(first.books, refs=[first.learned[-1]])
    await posted(again, posting("300"))
    assert first.books.written == ["create", "update"]


def test_a_number_that_is_too_long_is_cut_and_stays_apart_from_its_neighbour():
    one, other = (ledger_documents.fitting(f"PO10008891/SLIP-88912-{n}", 21) for n in (1, 2))
    assert len(one) == len(other) == 21
    assert one != other


async def test_h9_d11_one_whose_answer_was_lost_follows_what_commerce_changed_meanwhile():
    """It was made for the want of before: adopted, and then changed."""
    ledger, old, new = Ledger(), posting("400"), posting("300")
    fx = world(ledger)
    await ledger.create_document(old.new, "key")
    evidence = {"contact": "V-9", "on": ON.isoformat(), "number": "INV-7"}
    fx.lost = {**evidence, "marker": old.new.marker, "want": dict(old.want), "sent": ""}
    document = await post(cast(Effects, fx), new)
    assert ledger.written == ["create", "update"]
    assert document is not None
    assert document.total == Decimal(300)
    assert [ref.data["version"] for ref in fx.learned] == ["1", "2"]
