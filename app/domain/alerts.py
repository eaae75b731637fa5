"""Alerts: what somebody has to hear of, how many become one message, and when it stays quiet.

Owns the text of a message and the quiet hours, pure, and the ports that keep and send alerts. A text
carries order numbers, codes and sentences, and no customer's name or address.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo
from enum import StrEnum
from itertools import groupby
from typing import Protocol

from app.domain.letters import page_of
from app.domain.views import Page

SHOWN = 3  # orders of one kind that a message tells each by itself; more are counted
LINES = 20
TITLE = 120  # characters of a sentence in a title


class AlertCode(StrEnum):
    """What an alert is about beside an order, whose own reason code stands in its place."""

    CONNECTION_DOWN = "CONNECTION_DOWN"
    CONNECTION_PAUSED = "CONNECTION_PAUSED"
    CONSENT_ENDING = "CONSENT_ENDING"
    CONSENT_ENDED = "CONSENT_ENDED"
    WEBHOOKS_SILENT = "WEBHOOKS_SILENT"
    DRIFT = "DRIFT"
    TURN_FAILING = "TURN_FAILING"


# The console's page for the first word of a subject.
PAGES: Mapping[str, str] = {
    "connection": "connections",
    "system": "connections",
    "webhooks": "inbox",
    "drift": "drift",
    "turns": "doctor",
}


@dataclass(frozen=True, slots=True)
class Alert:
    """One change of state. `subject`, `code` and `since` make it the same thing or another;
    `order` is a number, `who` acts."""

    subject: str
    code: str
    since: datetime
    sentence: str
    order: str | None = None
    who: str = "operator"


@dataclass(frozen=True, slots=True)
class AlertRow:
    """An alert as it is kept. `told`: the places that have it; `over_at`: it was no longer so
    before it was sent, so it was not; `trouble`: why it could not be sent when last tried."""

    id: int
    alert: Alert
    created_at: datetime
    sent_at: datetime | None = None
    over_at: datetime | None = None
    told: tuple[str, ...] = ()
    attempts: int = 0
    trouble: str | None = None

    @property
    def state(self) -> str:
        if self.sent_at is not None:
            return "sent"
        return "over" if self.over_at is not None else "waiting"


@dataclass(frozen=True, slots=True)
class Note:
    """A message."""

    title: str
    text: str


class Place(Protocol):
    """Somewhere that messages go."""

    @property
    def key(self) -> str:
        """Tells places apart, and nothing about the address."""

    @property
    def name(self) -> str:
        """What people call it (Slack), without any part of the address."""

    async def send(self, note: Note) -> bool:
        """Whether it was taken. Never raises, never logs the address."""


class AlertStore(Protocol):
    """Alerts kept once for each (tenant, subject, code, since). May raise StoreUnavailable."""

    async def sweep_alerts(self, tenant_id: int, silence: float) -> int | None:
        """Keep an alert for each state that somebody has to hear of, and mark unsent ones whose
        state is gone as over; the number of new ones. `silence`: hours without a webhook that are
        never too long; 0: not looked at. Workers take turns: None while another one looks."""

    async def take_alerts(self, tenant_id: int, gather: float, lease: float) -> list[AlertRow]:
        """All unsent alerts that are due, oldest first, for this caller alone for `lease` seconds;
        none while the oldest is younger than `gather` seconds, so that a burst is one message."""

    async def alerts_sent(self, ids: Sequence[int], place: str) -> None:
        """A place has them now."""

    async def end_alerts(
        self, ids: Sequence[int], places: Sequence[str], trouble: str | None, again: float
    ) -> None:
        """Those that all places have are sent; the others are due again in `again` seconds."""

    async def alerts(self, tenant_id: int, cursor: str | None, limit: int) -> Page[AlertRow]:
        """The newest first."""


@dataclass(frozen=True, slots=True)
class Quiet:
    """Hours of the day in which nothing is sent. May go over midnight."""

    start: time
    end: time
    zone: tzinfo

    @classmethod
    def of(cls, hours: str, zone: tzinfo) -> Quiet | None:
        """From `22:00-07:00`; None for empty. Raises ValueError."""
        if not hours.strip():
            return None
        start, _, end = hours.partition("-")
        try:
            found = cls(time.fromisoformat(start.strip()), time.fromisoformat(end.strip()), zone)
        except ValueError:
            found = None
        if found is None or found.start == found.end:
            raise ValueError("has to be two times of day, as in 22:00-07:00")
        return found

    def at(self, moment: datetime) -> bool:
        now = moment.astimezone(self.zone).time()
        if self.start < self.end:
            return self.start <= now < self.end
        return now >= self.start or now < self.end


def impersonal(sentence: str, customer: str | None) -> str:
    """A sentence without the customer's name, who may be a person."""
    if not customer:
        return sentence
    named = re.compile(rf"(?<!\w)(customer )?{re.escape(customer)}(?!\w)", re.IGNORECASE)
    told = named.sub("the customer", sentence)
    return told[:1].upper() + told[1:]


def again_in(attempts: int) -> timedelta:
    """The wait after so many tries that failed: doubled, up to a quarter of an hour."""
    return timedelta(seconds=min(30 * 2 ** min(attempts, 10), 900))


def note_of(alerts: Sequence[Alert], public_url: str) -> Note:
    """One message for one or many alerts, each with the page to open. Without `public_url` nothing is
    linked. The title is one line that a mail shows as its subject."""
    drift = [one for one in alerts if one.code == AlertCode.DRIFT]
    others = [one for one in alerts if one.code != AlertCode.DRIFT]
    orders = [one for one in others if one.order is not None]
    rest = [one for one in others if one.order is None]
    lines = [_line(one, public_url) for one in rest]
    titles = [_short(one.sentence) for one in rest] if len(rest) == 1 else []
    if len(rest) > 1:
        titles.append(f"{len(rest)} things need somebody")
    if len(drift) > SHOWN:
        titles.append(f"{len(drift)} differences between the systems")
        lines.append(f"{AlertCode.DRIFT}: {titles[-1]}.{_page('drift', public_url)}")
    elif drift:
        one = drift[0]
        alone = _short(f"{one.order}: {one.sentence}" if one.order else one.sentence)
        titles.append(alone if len(drift) == 1 else f"{len(drift)} differences")
        lines.extend(_line(one, public_url) for one in drift)
    by_who = groupby(sorted(orders, key=lambda one: one.who), key=lambda one: one.who)
    for who, group in by_who:
        found = list(group)
        many = len(found) > 1
        counted = f"{len(found)} orders need" if many else f"{found[0].order} needs"
        titles.append(f"{counted} {_called(who)}")
        lines.extend(_lines(found, titles[-1], public_url))
    kept = lines[:LINES]
    if len(lines) > LINES:
        where = f"{public_url}/alerts" if public_url else "`demandlink alerts list`"
        kept.append(f"and {len(lines) - LINES} more; see {where}.")
    return Note(f"Demandlink: {'; '.join(titles)}", "\n".join(kept))


def test_note(public_url: str) -> Note:
    """What a test sends: with a link, so that it shows too whether that one can be opened."""
    told = "This is a test of ALERT_URLS. Nothing is wrong, and nobody has to do anything."
    where = f" {public_url}/alerts" if public_url else " Links need PUBLIC_URL, which is not set."
    return Note("Demandlink: a test", told + where)


def _short(sentence: str) -> str:
    """A sentence for a title: on one line, without its full stop, and cut where it is long."""
    told = " ".join(sentence.split()).removesuffix(".")
    if len(told) <= TITLE:
        return told
    return f"{told[:TITLE].rpartition(' ')[0] or told[:TITLE]} ..."


def _line(one: Alert, public_url: str) -> str:
    about = f" {one.order}" if one.order is not None else ""
    told = " ".join(one.sentence.split())
    return f"{one.code}{about}: {told}{_page(one.subject.partition(':')[0], public_url)}"


def _page(about: str, public_url: str) -> str:
    """Where a person sees what such a subject is about; nothing where no page is known."""
    page = PAGES.get(about)
    return f" {public_url}/{page}" if public_url and page else ""


def _called(who: str) -> str:
    return {"operator": "an operator", "nobody": "a look"}.get(who, who)


def _lines(found: Sequence[Alert], counted: str, public_url: str) -> list[str]:
    if len(found) <= SHOWN:
        told = [f"{one.order} {one.code}: {' '.join(one.sentence.split())}" for one in found]
        pages = [page_of(public_url, str(one.order)) for one in found]
        return [" ".join(filter(None, parts)) for parts in zip(told, pages, strict=True)]
    codes = sorted({one.code for one in found})
    told_codes = ", ".join(f"{sum(one.code == code for one in found)} x {code}" for code in codes)
    first = ", ".join(str(one.order) for one in found[:SHOWN])
    # The first page has what is held and parked, by who acts; the list of orders what waits, too.
    where = f" {public_url}/" if public_url else ""
    return [f"{counted}: {told_codes}. {first} and {len(found) - SHOWN} more.{where}"]
