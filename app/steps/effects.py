"""What a step may do to the world, and the table's shape of a step.

Owns the contract between a step's `apply` and the engine: every write goes through `once` (not
idempotent: announced, remembered, looked up in doubt) or behind `guard` (idempotent by nature).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from app.domain import psa
from app.domain.books import Books
from app.domain.decide import StepRule
from app.domain.errors import Wait
from app.domain.letters import Mail
from app.domain.order import OrderView
from app.domain.ports import ConnectWise
from app.domain.records import Ref

Outcome = Mapping[str, Any]
Send = Callable[[], Awaitable[Outcome]]
Look = Callable[[Outcome], Awaitable[Outcome | None]]
Learn = Callable[[Outcome], Sequence[Ref]]


class Effects(Protocol):
    """Given to `apply`. Methods may raise Hold, Wait, RemoteFailure or LeaseLost: let them pass."""

    view: OrderView
    cw: ConnectWise
    books: Books | None  # None: no ledger is connected
    mail: Mail | None  # None: no mail server is set

    async def once(
        self,
        kind: str,
        key: str,
        evidence: Mapping[str, Any],
        send: Send,
        look: Look,
        learn: Learn | None = None,
        *,
        shared: bool = False,
    ) -> Outcome:
        """Make a remote write that is not idempotent, exactly once.

        `key` makes it unique within the step's subject, `evidence` is what recognises it later.
        `look` is given the evidence of the announcement in doubt, as it was then, and finds what
        became of it by the natural key, None when nothing is found. `learn`
        gives the references that are kept with the outcome. `shared`: the record may be wanted
        by other orders too; take its claim first. `send` may raise Hold or Wait, but only before
        it sends: then nothing was done.
        """

    async def resolve(
        self, kind: str, key: str, look: Look, learn: Learn | None = None
    ) -> Outcome | None:
        """What became of a write that was announced and never answered, before anything else is
        read or wanted. None: there is none in doubt, or it surely did nothing and is forgotten.
        """

    async def adopt(
        self,
        kind: str,
        key: str,
        evidence: Mapping[str, Any],
        look: Look,
        learn: Learn | None = None,
    ) -> Outcome | None:
        """Where the database went back: what was made after its backup, before the step looks at
        what the making would need, which is used up. None: nothing was, or it never went back."""

    @property
    def restored(self) -> bool:
        """Whether the database went back not long ago: what it does not know may stand."""

    async def guard(self) -> None:
        """Before an idempotent write: the lease still holds and lasts for a call."""

    async def claim(
        self, kind: str, key: str, seconds: float | None, *, as_decided: bool = False
    ) -> None:
        """Take a shared record, or raise Wait(CLAIMED_ELSEWHERE). `as_decided`: raise it too when
        something came in since this attempt was decided, and leave the record free."""

    def drop_claim(self, kind: str, key: str) -> None: ...

    def learn(self, ref: Ref) -> None:
        """Keep a reference with the next commit."""

    def ref(self, kind: str, key: str = "") -> int | None:
        """A learned id, also when it was learned just now."""

    def see(self, kind: str, body: Mapping[str, Any], key: str = "") -> None:
        """Keep what was read as a fact, with its time; `recent` has it until the lease ends."""

    def recent(self, kind: str, key: str = "") -> Any:
        """What this drive of the order read or wrote last, None when it did not."""

    def keep(self, kind: str, value: Any, key: str = "") -> None:
        """Remember for `recent` only."""

    def forget(self, kind: str, key: str = "") -> None:
        """What `recent` has is no longer true."""

    def journal(self, code: str, sentence: str, **data: Any) -> None: ...

    async def recall(self, kind: str, key: str) -> Mapping[str, Any] | None: ...

    async def remember(
        self, kind: str, key: str, body: Mapping[str, Any], seconds: float
    ) -> None: ...

    async def marked_lost(self, opportunity: int) -> tuple[str, datetime] | None:
        """The declined quote for which an opportunity was marked lost last, or may have been,
        with when (B1.4); None: it never was. Read now, not when this attempt was decided."""

    async def now(self) -> datetime:
        """The store's clock."""

    async def lagging(self, since: datetime | None, sentence: str) -> Wait | None:
        """A read does not show what was written at `since`: the Wait to raise while that may be
        lag (2 x READ_LAG and the call's timeout), None when patience is over. Without `since` it
        counts from when this step met the sentence first. A hold that is only asked again because
        its time came has none left, else it would be lifted and set anew each time."""


class Step(StepRule, Protocol):
    """One file of `app/steps`: the pure half and the half that makes it true."""

    async def apply(self, want: Mapping[str, Any], fx: Effects) -> None:
        """Make `want` true in the remote system. Idempotent by the contract of Effects."""


def chosen(records: Sequence[psa.SetupRecord], name: str) -> psa.SetupRecord | None:
    """The record of that name, compared without case; None when there is none."""
    wanted = name.strip().casefold()
    return next((record for record in records if record.name.strip().casefold() == wanted), None)
