"""The doctor's look at what stands around: the vendors' clocks, mail, alerts, and what came in last."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime

from app.domain.admin_store import AdminStore
from app.domain.checkup import Finding, Outcome
from app.domain.errors import FailureKind, RemoteFailure
from app.domain.grants import SYSTEM_NAMES
from app.domain.ports import Store
from app.domain.watching import KIND, Seen, Standing
from app.settings import Settings
from app.sync.doctor.service import SKEW_REFUSED, SKEW_TOLD, WAYS
from app.telemetry import metrics

AREA, TELLING = "service", "messages"
STANDS_STILL = 600.0  # seconds that a due order or a new delivery may wait
HOUR = 3600.0
LOOKED_AT = 10_000  # deliveries; see app/store/gauges.py


def clocks(
    told: Mapping[str, Callable[[], datetime | None]], wall: Callable[[], datetime]
) -> list[Finding]:
    """This host's clock against the Date header of each vendor's last answer. Called after they were
    asked something; one that was not says nothing."""
    found = []
    for system, vendor_now in told.items():
        theirs = vendor_now()
        if theirs is None:
            continue
        name, proven = f"clock_{system}", "the Date header of its last answer"
        who = SYSTEM_NAMES.get(system, system)
        off = (theirs - wall()).total_seconds()
        said = f"{who}'s clock is {abs(off):.0f} seconds {'ahead' if off > 0 else 'behind'}."
        if abs(off) < SKEW_TOLD:
            found.append(Finding(name, AREA, Outcome.OK, said, proven_by=proven))
            continue
        found.append(
            Finding(
                name,
                AREA,
                Outcome.WARNING if abs(off) < SKEW_REFUSED else Outcome.FAILED,
                said,
                "What is polled by its time of change is missed or read twice; signed deliveries whose "
                "time is more than five minutes off are refused.",
                "Let this host keep its time by NTP. If it does, the vendor's clock is wrong.",
                proven,
            )
        )
    return found


async def work(admin: AdminStore) -> list[Finding]:
    """Whether the workers get through what is due."""
    gauges = await admin.gauges()
    due = _only(gauges[metrics.DUE_AGE_SECONDS.name])
    new = _only(gauges[metrics.INBOX_AGE_SECONDS.name])
    hint = _only(gauges[metrics.HINT_AGE_SECONDS.name])
    if hint >= HOUR:
        found = Finding(
            "hints",
            AREA,
            Outcome.WARNING,
            f"A callback about a record of no known order has waited for {_ago(hint)} to be looked at.",
            "ConnectWise is paused or does not let the record be read, or reading it fails.",
            "See `demandlink connections list`, then the workers' log for hint_not_read and hint_failed.",
            "the age of what no order is known to carry",
        )
        return [found, *_taken(due, new)]
    return _taken(due, new)


def _taken(due: float, new: float) -> list[Finding]:
    proven = "the age of what is due and nobody has taken"
    if max(due, new) < STANDS_STILL:
        told = "Nothing that is due waits for a worker."
        return [Finding("work", AREA, Outcome.OK, told, proven_by=proven)]
    what = f"A due order waits for {due:.0f} seconds" if due >= new else (
        f"A delivery waits for {new:.0f} seconds to be merged"
    )  # fmt: skip
    return [
        Finding(
            "work",
            AREA,
            Outcome.FAILED,
            f"{what}, and no worker has taken it.",
            "Workers are alive but stand still, too few for what comes in, or not there.",
            "See the workers' log; start more (`demandlink worker`), or raise WORKER_BATCH.",
            proven,
        )
    ]


async def turns(store: Store, tenant_id: int) -> list[Finding]:
    """Whether what workers do beside the orders goes well: each part that fails for a reason that nobody
    foresaw is a finding; one that fails again and again does not come right by itself."""
    proven = "how their last turns ended"
    now, found = await store.now(), []
    for part in Seen:
        standing = Standing.of(await store.recall(tenant_id, KIND, part))
        if standing.fails(now):
            found.append(
                Finding(
                    f"turns_{part}",
                    AREA,
                    Outcome.FAILED if standing.lasts(now) else Outcome.WARNING,
                    standing.sentence(part, now),
                    "It met something that nobody foresaw, as a value that it cannot read.",
                    "See the workers' log for the error, and report it with the version; it is tried again "
                    "by itself.",
                    proven,
                )
            )
    told = "The polls, the drift sweep, retention and alerts met nothing unforeseen."
    return found or [Finding("turns", AREA, Outcome.OK, told, proven_by=proven)]


async def arrivals(settings: Settings, admin: AdminStore) -> list[Finding]:
    """When a delivery came last by each way that is set up."""
    told = (await admin.gauges())[metrics.DELIVERED_SECONDS.name]
    last = {labels[0]: seconds for labels, seconds in told}
    callbacks = bool(
        settings.public_url
        and settings.connectwise_url
        and settings.connectwise_callback_token.get_secret_value()
    )
    found = []
    if settings.webhook_secrets:
        found.append(_arrived("commerce", "A delivery of Commerce's", last, settings))
    if callbacks:
        found.append(_arrived("connectwise", "A callback of ConnectWise's", last, settings))
    return found


def _arrived(system: str, what: str, last: Mapping[str, float], settings: Settings) -> Finding:
    name, proven = f"{system}_arrivals", "the inbox"
    seconds = last.get(system)
    if seconds is None:
        return Finding(
            name,
            WAYS,
            Outcome.UNPROVEN,
            f"{what} is not among the last {LOOKED_AT:,} deliveries.",
            "Nothing happened there yet, or what is sent does not reach this service.",
            "Change an order there and see `demandlink events list`; refused ones stand in "
            "`demandlink events list --status unverified`.",
            proven,
        )
    told = f"{what} came {_ago(seconds)} ago."
    silence = settings.alert_silence_hours * HOUR
    if not silence or seconds < silence:
        return Finding(name, WAYS, Outcome.OK, told, proven_by=proven)
    return Finding(
        name,
        WAYS,
        Outcome.WARNING,
        told,
        f"It has been silent for longer than ALERT_SILENCE_HOURS ({settings.alert_silence_hours:g}).",
        "See whether it still sends to this address, and `demandlink events list --status unverified`.",
        proven,
    )


def _ago(seconds: float) -> str:
    return f"{seconds / HOUR:.1f} hours" if seconds >= HOUR else f"{seconds:.0f} seconds"


async def mail(settings: Settings, check: Callable[[], Awaitable[None]] | None) -> list[Finding]:
    """Whether the mail server lets the service in. Nothing is sent."""
    proven = "EHLO, STARTTLS and AUTH; no mail is sent"
    if check is None:
        if not settings.purchasing_officer_email:
            return []
        told = "PURCHASING_OFFICER_EMAIL is set, and no mail server is: suggestions are notes only."
        fix = "Set SMTP_HOST and SMTP_SENDER."
        return [Finding("mail", TELLING, Outcome.WARNING, told, fix=fix, proven_by="SMTP_HOST")]
    try:
        await check()
    except RemoteFailure as failure:
        login = failure.kind is FailureKind.UNAUTHENTICATED
        return [
            Finding(
                "mail",
                TELLING,
                Outcome.FAILED,
                f"The mail server {settings.smtp_host} does not take the service: {failure.message}",
                "SMTP_USER or SMTP_PASSWORD is wrong." if login else "",
                "Set the user and password that it knows."
                if login
                else "See SMTP_HOST, SMTP_PORT and SMTP_TLS.",
                proven,
            )
        ]
    by = f", as {settings.smtp_user}" if settings.smtp_user else ""
    told = f"{settings.smtp_host} takes the service{by}, with SMTP_TLS = {settings.smtp_tls}."
    return [Finding("mail", TELLING, Outcome.OK, told, proven_by=proven)]


def alerts(places: Sequence[str], public_url: str) -> Finding:
    """Only a message shows whether it arrives, and nobody is written to unasked."""
    proven = "ALERT_URLS"
    if not places:
        told = "ALERT_URLS is empty: nobody is told of what stands still."
        fix = "Set it to a channel that somebody reads: docs/how-to/alerts.md."
        return Finding("alerts", TELLING, Outcome.SKIPPED, told, fix=fix, proven_by=proven)
    told = f"Alerts go to {', '.join(places)}; whether they arrive, only a message shows."
    fix = "Send one: `demandlink alerts test`."
    if not public_url:
        told += " They hold no links, because PUBLIC_URL is empty."
        fix += " Set PUBLIC_URL to where people open the console."
    return Finding("alerts", TELLING, Outcome.UNPROVEN, told, fix=fix, proven_by=proven)


def _only(series: Sequence[tuple[tuple[str, ...], float]]) -> float:
    return max((value for _, value in series), default=0.0)
