"""The doctor's look at the service itself, and at the ways by which documents come in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime
from http import HTTPStatus
from ipaddress import ip_address
from urllib.parse import urlsplit

from app.domain.admin_store import AdminStore
from app.domain.checkup import Finding, Outcome
from app.domain.commerce import BudgetSpent, Commerce, Listing
from app.domain.ports import ConnectWise, Store
from app.settings import Settings
from app.sync import registration
from app.sync.doctor.asking import asked

AREA, WAYS = "service", "deliveries"
SKEW_TOLD, SKEW_REFUSED = 30.0, 240.0  # seconds; signed deliveries are refused beyond 300


async def findings(
    settings: Settings,
    store: Store,
    admin: AdminStore,
    queue_alive: Callable[[], Awaitable[bool]],
    wall: Callable[[], datetime],
) -> list[Finding]:
    """Database, migrations, workers, queue, clock and secrets."""
    ready = await admin.readiness()
    skew = abs((wall() - await store.now()).total_seconds())
    return [
        _migrations(ready.revision, ready.head),
        _workers(ready.workers_alive),
        await _queue(queue_alive),
        _clock(skew),
        _secrets(settings),
    ]


def _migrations(revision: str | None, head: str) -> Finding:
    name, proven = "migrations", "the database's schema"
    if revision == head:
        return Finding(name, AREA, Outcome.OK, f"The schema is at {head}.", proven_by=proven)
    return Finding(
        name,
        AREA,
        Outcome.FAILED,
        f"The schema is at {revision}, this version needs {head}.",
        "The service was brought up to date and its database was not.",
        "Run `demandlink migrate`.",
        proven,
    )


def _workers(alive: int) -> Finding:
    name, proven = "workers", "the workers' locks in the database"
    if alive:
        return Finding(name, AREA, Outcome.OK, f"{alive} alive.", proven_by=proven)
    return Finding(
        name,
        AREA,
        Outcome.FAILED,
        "No worker is alive: what comes in is kept and nothing is done with it.",
        "None was started, or it ended.",
        "Start `demandlink worker`; its log says why one ended.",
        proven,
    )


async def _queue(alive: Callable[[], Awaitable[bool]]) -> Finding:
    if await alive():
        return Finding("queue", AREA, Outcome.OK, "Redis answers.", proven_by="PING")
    return Finding(
        "queue",
        AREA,
        Outcome.WARNING,
        "Redis does not answer; work goes on by sweep, a little later.",
        "Redis is away, or REDIS_URL is wrong.",
        "See REDIS_URL; nothing is lost meanwhile.",
        "PING",
    )


def _clock(skew: float) -> Finding:
    proven = "the database's clock"
    if skew < SKEW_TOLD:
        told = f"This host's clock is {skew:.1f} seconds off the database's."
        return Finding("clock", AREA, Outcome.OK, told, proven_by=proven)
    return Finding(
        "clock",
        AREA,
        Outcome.WARNING if skew < SKEW_REFUSED else Outcome.FAILED,
        f"This host's clock is {skew:.0f} seconds off the database's.",
        "Deliveries whose time is more than five minutes off are refused.",
        "Let both hosts keep their time by NTP.",
        proven,
    )


def _secrets(settings: Settings) -> Finding:
    if settings.admin_api_key.get_secret_value():
        told = "The first admin key is set."
        return Finding("admin_key", AREA, Outcome.OK, told, proven_by="ADMIN_API_KEY")
    return Finding(
        "admin_key",
        AREA,
        Outcome.WARNING,
        "ADMIN_API_KEY is empty: only keys that were made later let anybody in.",
        fix="Set it to a long random text, or make keys with `demandlink keys create`.",
        proven_by="ADMIN_API_KEY",
    )


# Ways in ----------------------------------------------------------------------------------------


async def ways_in(
    settings: Settings,
    store: Store,
    cw: ConnectWise,
    commerce: Commerce | None,
    reach: Callable[[str], Awaitable[int | None]],
) -> list[Finding]:
    """How Commerce's documents come in, and how ConnectWise tells of changes."""
    found = [_events(settings), await _polling(commerce, store)]
    if not settings.public_url:
        found.append(
            Finding(
                "public_url",
                WAYS,
                Outcome.WARNING,
                "PUBLIC_URL is empty: no callbacks are registered, nobody can sign in to a ledger, "
                "and messages carry no links.",
                fix="Set it to the address under which ConnectWise reaches this service by HTTPS.",
                proven_by="PUBLIC_URL",
            )
        )
        return found
    found.append(await _reached(settings.public_url, reach))
    if settings.connectwise_url:
        found.append(await _callbacks(settings, cw))
    return found


def _events(settings: Settings) -> Finding:
    name, proven = "commerce_events", "COMMERCE_WEBHOOK_SECRETS, COMMERCE_API_KEY"
    if settings.webhook_secrets:
        many = len(settings.webhook_secrets)
        told = f"Signed events are taken with {many} secret{'s' if many > 1 else ''}."
        return Finding(name, WAYS, Outcome.OK, told, proven_by=proven)
    if settings.polls_commerce:
        told = "No events are taken: receipts come without packing slips and invoice numbers."
        fix = "Set COMMERCE_WEBHOOK_SECRETS if something on your side can post events."
        return Finding(name, WAYS, Outcome.WARNING, told, fix=fix, proven_by=proven)
    return Finding(
        name,
        WAYS,
        Outcome.FAILED,
        "Nothing brings Commerce's documents: neither events nor polling is set up.",
        "COMMERCE_WEBHOOK_SECRETS and COMMERCE_API_KEY are both empty.",
        "Set COMMERCE_API_KEY to poll, or COMMERCE_WEBHOOK_SECRETS to take events.",
        proven,
    )


async def _polling(commerce: Commerce | None, store: Store) -> Finding:
    name = "commerce_polling"
    if commerce is None:
        told = "Commerce is not polled: COMMERCE_API_KEY is empty."
        return Finding(name, WAYS, Outcome.SKIPPED, told, proven_by="COMMERCE_API_KEY")
    now = await store.now()
    try:
        answer = await asked(name, WAYS, "GET quote", lambda: commerce.changed(Listing.QUOTES, now))
    except BudgetSpent:
        told = "What may be called of Commerce beside the poll is used up for today."
        cause = "The drift sweep has read Commerce with all of DRIFT_COMMERCE_CALLS_A_DAY."
        return Finding(
            name, WAYS, Outcome.UNPROVEN, told, cause, "Ask again tomorrow, or raise it."
        )
    if isinstance(answer, Finding):
        return answer
    told = "Commerce's API answers with the key that is set."
    return Finding(name, WAYS, Outcome.OK, told, proven_by="GET quote")


async def _reached(public_url: str, reach: Callable[[str], Awaitable[int | None]]) -> Finding:
    address = f"{public_url}/healthz"
    status = await reach(address)
    if status == HTTPStatus.OK and (inside := _only_inside(public_url)):
        return Finding(
            "public_url",
            WAYS,
            Outcome.WARNING,
            f"{public_url} leads here, and {inside}.",
            "It was set to the address by which people reach it from the office.",
            "Set PUBLIC_URL to a name that is known outside, with a certificate that is trusted there.",
            f"GET {address}",
        )
    if status == HTTPStatus.OK:
        told = f"{public_url} leads here, as seen from this host."
        return Finding("public_url", WAYS, Outcome.OK, told, proven_by=f"GET {address}")
    answered = f"answers {status}" if status is not None else "does not answer"
    return Finding(
        "public_url",
        WAYS,
        Outcome.WARNING,
        f"{address} {answered}, asked from this host.",
        "The address is wrong, its certificate is not trusted, or it is only reached from outside.",
        "Open the address from outside; ConnectWise calls only what answers by trusted HTTPS.",
        f"GET {address}",
    )


def _only_inside(public_url: str) -> str:
    """Why nobody outside can call an address that this host reaches; empty: nothing says so. Of this host
    alone nothing is said: simulators stand there."""
    parts = urlsplit(public_url)
    host = parts.hostname or ""
    with suppress(ValueError):
        number = ip_address(host)
        if number.is_loopback:
            return ""
        if number.is_private:
            return f"{host} is an address of a private network: neither ConnectWise nor a ledger gets there"
    if host == "localhost":
        return ""
    if "." not in host and ":" not in host:
        return f"{host} is a name that only this network knows"
    return "" if parts.scheme == "https" else "ConnectWise and ledgers call only HTTPS"


async def _callbacks(settings: Settings, cw: ConnectWise) -> Finding:
    name, proven = "callbacks", "GET /system/callbacks"
    token = settings.connectwise_callback_token.get_secret_value()
    if not token:
        told = "CONNECTWISE_CALLBACK_TOKEN is empty, so no callbacks are registered."
        fix = "Set it to a long random text; without callbacks ConnectWise is polled."
        return Finding(name, WAYS, Outcome.WARNING, told, fix=fix, proven_by=proven)
    answer = await asked(name, WAYS, proven, cw.callbacks)
    if isinstance(answer, Finding):
        return answer
    needed = registration.difference(answer[0], registration.address(settings.public_url, token))
    if not needed.create and not needed.enable:
        told = f"Registered and active for {', '.join(registration.WANTED)}."
        return Finding(name, WAYS, Outcome.OK, told, proven_by=proven)
    missing = [*needed.create, *(f"registration {one} is off" for one in needed.enable)]
    return Finding(
        name,
        WAYS,
        Outcome.WARNING,
        f"Not registered or not active: {', '.join(missing)}.",
        "Somebody removed or switched them off, or no worker has started since.",
        "A worker registers them when it starts; until then ConnectWise is polled.",
        proven,
    )
